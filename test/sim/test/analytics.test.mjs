import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helpers.mjs';

const RANGE = { start: '2026-01-01T00:00:00Z', end: '2026-07-01T00:00:00Z' };
let sim;
let calls;
before(async () => {
  sim = await startSimulator({ calls: 600, bytes: 20000 });
  calls = (await sim.walk()).filter((c) => c.createdAt >= '2026-01-01' && c.createdAt < '2026-07-01');
});
after(() => sim?.stop());

const ask = async (query) => {
  const { status, body, text } = await sim.request('POST', '/analytics', { body: { queries: [{ name: 'q', table: 'call', timeRange: RANGE, ...query }] } });
  assert.equal(status, 200, text);
  assert.equal(body[0].name, 'q');
  return body[0].result;
};
const minutes = (c) => (c.startedAt ? (Date.parse(c.endedAt) - Date.parse(c.startedAt)) / 60000 : 0);
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} ≠ ${b}`);

test('count, sum, avg, min and max equal what the list says', async () => {
  const [row] = await ask({
    operations: [
      { operation: 'count', column: 'id' }, { operation: 'sum', column: 'cost', alias: 'money' }, { operation: 'avg', column: 'duration' },
      { operation: 'min', column: 'duration' }, { operation: 'max', column: 'costBreakdown.llm' }, { operation: 'sum', column: 'costBreakdown.ttsCharacters' },
    ],
  });
  assert.equal(row.countId, calls.length);
  near(row.money, calls.reduce((s, c) => s + c.cost, 0));
  near(row.avgDuration, calls.reduce((s, c) => s + minutes(c), 0) / calls.length);
  assert.equal(row.minDuration, 0);
  near(row['maxCostBreakdown.llm'], Math.max(...calls.map((c) => c.costBreakdown?.llm ?? 0)));
  near(row['sumCostBreakdown.ttsCharacters'], calls.reduce((s, c) => s + (c.costBreakdown?.ttsCharacters ?? 0), 0));
});

test('groupBy gives one row a group', async () => {
  for (const [column, value] of [['type', (c) => c.type], ['endedReason', (c) => c.endedReason], ['assistantId', (c) => c.assistantId ?? null], ['analysis.successEvaluation', (c) => c.analysis?.successEvaluation ?? null], ['status', (c) => c.status]]) {
    const rows = await ask({ operations: [{ operation: 'count', column: 'id' }], groupBy: [column] });
    const expected = new Map();
    for (const call of calls) expected.set(value(call), (expected.get(value(call)) ?? 0) + 1);
    assert.deepEqual(new Map(rows.map((r) => [r[column], r.countId])), expected, column);
  }
});

test('steps respect the time zone', async () => {
  const rows = await ask({ operations: [{ operation: 'count', column: 'id', alias: 'n' }], timeRange: { ...RANGE, step: 'day', timezone: 'America/Denver' } });
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Denver', year: 'numeric', month: '2-digit', day: '2-digit' });
  const expected = {};
  for (const call of calls) expected[format.format(new Date(call.createdAt))] = (expected[format.format(new Date(call.createdAt))] ?? 0) + 1;
  assert.deepEqual(Object.fromEntries(rows.map((r) => [format.format(new Date(r.date)), r.n])), expected);
  for (const row of rows) assert.match(row.date, /T0[67]:00:00\.000Z$/);
  const months = await ask({ operations: [{ operation: 'count', column: 'id', alias: 'n' }], timeRange: { ...RANGE, step: 'month' } });
  assert.equal(months.length, 6);
});

test('concurrency is a peak, variables can be grouped, nonsense is refused', async () => {
  const [{ peak }] = await ask({ operations: [{ operation: 'history', column: 'concurrency', alias: 'peak' }] });
  assert.ok(peak >= 1 && peak < 20);
  const rows = await ask({ operations: [{ operation: 'count', column: 'id' }], groupByVariableValue: [{ key: 'city' }] });
  assert.ok(rows.some((r) => r.city === 'Denver'));
  for (const query of [{ operations: [{ operation: 'median', column: 'cost' }] }, { operations: [{ operation: 'sum', column: 'phoneNumberId' }] }, { operations: [], groupBy: ['phoneNumberId'] }, { operations: [], table: 'calls' }]) {
    const { status, body } = await sim.request('POST', '/analytics', { body: { queries: [{ name: 'q', table: 'call', ...query }] } });
    assert.equal(status, 400);
    assert.ok(Array.isArray(body.message));
  }
});
