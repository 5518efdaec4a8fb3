/**
 * POST /analytics: the documented operations over the documented columns, nothing else.
 */
import { ApiError } from './errors.mjs';
import { analyse, truthOf } from './evaluation.mjs';

const OPERATIONS = ['sum', 'avg', 'count', 'min', 'max', 'history'];
const GROUPS = ['type', 'assistantId', 'endedReason', 'analysis.successEvaluation', 'status'];
const STEPS = ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'decade', 'century', 'millennium'];
const WEEK = 7 * 86400000;

/** Column → value of a call's facts. */
const COLUMNS = {
  id: (f) => f.id,
  cost: (f) => f.cost,
  'costBreakdown.llm': (f) => f.breakdown?.llm,
  'costBreakdown.stt': (f) => f.breakdown?.stt,
  'costBreakdown.tts': (f) => f.breakdown?.tts,
  'costBreakdown.vapi': (f) => f.breakdown?.vapi,
  'costBreakdown.transport': (f) => f.breakdown?.transport,
  'costBreakdown.analysisBreakdown.summary': (f) => f.breakdown?.analysisCostBreakdown?.summary,
  'costBreakdown.transcriber': (f) => f.breakdown?.stt,
  'costBreakdown.ttsCharacters': (f) => f.breakdown?.ttsCharacters,
  'costBreakdown.llmPromptTokens': (f) => f.breakdown?.llmPromptTokens,
  'costBreakdown.llmCompletionTokens': (f) => f.breakdown?.llmCompletionTokens,
  'costBreakdown.llmCachedPromptTokens': (f) => f.breakdown?.llmCachedPromptTokens,
  duration: (f) => f.minutes,
  concurrency: () => undefined,
  minutesUsed: (f) => f.minutes,
};

function validate(body) {
  const list = [];
  if (!Array.isArray(body?.queries)) throw new ApiError(400, ['queries must be an array']);
  for (const key of Object.keys(body)) if (key !== 'queries') list.push(`property ${key} should not exist`);
  body.queries.forEach((query, i) => {
    const at = `queries.${i}.`;
    for (const key of Object.keys(query)) if (!['name', 'table', 'operations', 'groupBy', 'groupByVariableValue', 'timeRange'].includes(key)) list.push(`${at}property ${key} should not exist`);
    if (typeof query.name !== 'string') list.push(`${at}name must be a string`);
    else if (query.name.length > 40) list.push(`${at}name must be shorter than or equal to 40 characters`);
    if (!['call', 'subscription'].includes(query.table)) list.push(`${at}table must be one of the following values: call, subscription`);
    if (!Array.isArray(query.operations)) list.push(`${at}operations must be an array`);
    else {
      query.operations.forEach((operation, j) => {
        if (!OPERATIONS.includes(operation.operation)) list.push(`${at}operations.${j}.operation must be one of the following values: ${OPERATIONS.join(', ')}`);
        if (!Object.hasOwn(COLUMNS, operation.column)) list.push(`${at}operations.${j}.column must be one of the following values: ${Object.keys(COLUMNS).join(', ')}`);
      });
    }
    for (const group of query.groupBy ?? []) if (!GROUPS.includes(group)) list.push(`${at}each value in groupBy must be one of the following values: ${GROUPS.join(', ')}`);
    if (query.timeRange?.step && !STEPS.includes(query.timeRange.step)) list.push(`${at}timeRange.step must be one of the following values: ${STEPS.join(', ')}`);
  });
  if (list.length) throw new ApiError(400, list);
}

/** What analytics need to know about a call. */
function factsOf(sim, ordinal) {
  const view = sim.view(ordinal);
  const { plan, played } = view;
  const ended = !view.live;
  const connected = ended && played.startedAt !== null;
  const truth = truthOf(played, plan.conversation, plan.line.trade.key);
  const result = connected && !view.unsettled ? analyse(plan.line, played, truth) : null;
  const price = result ? sim.renderer.price(plan, played, result.ran, view.extra) : null;
  return {
    id: view.id,
    createdAt: view.createdAt,
    startedAt: connected ? played.startedAt : null,
    endedAt: connected ? played.endedAt : null,
    type: plan.line.type,
    assistantId: sim.store.assistantId(ordinal) ?? null,
    endedReason: ended ? played.reason : null,
    status: view.live ?? 'ended',
    'analysis.successEvaluation': result?.analysis.successEvaluation ?? null,
    variables: sim.renderer.overrides(plan, view.customer)?.variableValues ?? {},
    cost: price?.total ?? 0,
    breakdown: price?.breakdown,
    minutes: connected ? (played.endedAt - played.startedAt) / 60000 : 0,
  };
}

/** Returns a function time → start of its step (epoch ms), in a zone. */
function truncator(step, zone) {
  let format;
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
  } catch {
    throw new ApiError(400, [`timezone ${zone} is not known`]);
  }
  const offsets = new Map();
  const offset = (time) => {
    const slot = Math.floor(time / 900000);
    if (!offsets.has(slot)) {
      const p = Object.fromEntries(format.formatToParts(slot * 900000).map((part) => [part.type, Number(part.value)]));
      offsets.set(slot, Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - slot * 900000);
    }
    return offsets.get(slot);
  };
  const years = { year: 1, decade: 10, century: 100, millennium: 1000 };
  const local = (time) => {
    const d = new Date(time);
    if (step === 'second') return Math.floor(time / 1000) * 1000;
    if (step === 'minute') return Math.floor(time / 60000) * 60000;
    if (step === 'hour') return Math.floor(time / 3600000) * 3600000;
    if (step === 'day') return Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate());
    if (step === 'week') return Math.floor((time - 4 * 86400000) / WEEK) * WEEK + 4 * 86400000;
    if (step === 'month') return Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), 1);
    if (step === 'quarter') return Date.UTC(d.getUTCFullYear(), Math.floor(d.getUTCMonth() / 3) * 3, 1);
    return Date.UTC(Math.floor(d.getUTCFullYear() / years[step]) * years[step], 0, 1);
  };
  return (time) => {
    const start = local(time + offset(time));
    return start - offset(start - offset(start));
  };
}

/** The largest number of calls that ran at the same time. */
function peak(list) {
  const events = [];
  for (const f of list) if (f.startedAt !== null) events.push([f.startedAt, 1], [f.endedAt, -1]);
  events.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let running = 0;
  let most = 0;
  for (const [, change] of events) most = Math.max(most, (running += change));
  return most;
}

function aggregate({ operation, column }, list) {
  if (column === 'concurrency') return peak(list);
  const values = list.map(COLUMNS[column]).filter((value) => value !== undefined && value !== null);
  if (operation === 'count') return values.length;
  if (values.length === 0) return null;
  if (operation === 'min' || operation === 'max') return values.reduce((a, b) => ((operation === 'min' ? b < a : b > a) ? b : a));
  const sum = values.reduce((a, b) => a + Number(b), 0);
  return operation === 'avg' ? sum / values.length : sum;
}

const defaultAlias = ({ operation, column }) => operation + column[0].toUpperCase() + column.slice(1);

function runQuery(sim, query) {
  const now = sim.now();
  const range = query.timeRange ?? {};
  const start = range.start ? Date.parse(range.start) : now - WEEK;
  const end = range.end ? Date.parse(range.end) : now;
  const zone = range.timezone ?? 'UTC';
  if (Number.isNaN(start) || Number.isNaN(end)) throw new ApiError(400, ['timeRange.start and timeRange.end must be valid ISO 8601 date strings']);
  const { store } = sim;
  const truncate = range.step ? truncator(range.step, zone) : null;
  const groups = new Map();
  for (let i = store.position(start, false); i < store.position(end, false); i++) {
    const ordinal = store.order[i];
    if (store.isDeleted(ordinal)) continue;
    const facts = factsOf(sim, ordinal);
    const row = {};
    if (truncate) row.date = new Date(truncate(facts.createdAt)).toISOString();
    for (const group of query.groupBy ?? []) row[group] = facts[group];
    for (const { key } of query.groupByVariableValue ?? []) row[key] = facts.variables[key] ?? null;
    const name = JSON.stringify(row);
    if (!groups.has(name)) groups.set(name, [row, []]);
    groups.get(name)[1].push(facts);
  }
  const result = [...groups.values()].map(([row, list]) => {
    for (const operation of query.operations) row[operation.alias ?? defaultAlias(operation)] = aggregate(operation, list);
    return row;
  });
  if (result.length === 0 && !truncate && !query.groupBy?.length) result.push(Object.fromEntries(query.operations.map((o) => [o.alias ?? defaultAlias(o), o.operation === 'count' ? 0 : null])));
  return { name: query.name, timeRange: { ...(range.step ? { step: range.step } : {}), start: new Date(start).toISOString(), end: new Date(end).toISOString(), timezone: zone }, result };
}

/** POST /analytics */
export function analytics({ sim, body }) {
  validate(body);
  return { status: 200, value: body.queries.map((query) => runQuery(sim, query)) };
}
