/**
 * Routes under /_sim/: what a test needs to know or to do that no real API offers. Served only with --admin.
 */
import { ApiError } from './errors.mjs';

function ordinalOf(sim, id) {
  const ordinal = sim.store.find(id);
  if (ordinal < 0) throw new ApiError(404, `no call ${id}`);
  return ordinal;
}

function chosen(sim, { ids, count = 1 }) {
  if (ids) return ids.map((id) => ordinalOf(sim, id));
  const list = [];
  for (let i = sim.store.count - 1; i >= 0 && list.length < count; i--) if (!sim.store.isDeleted(sim.store.order[i])) list.push(sim.store.order[i]);
  return list;
}

function* existing(sim, url) {
  const from = url.searchParams.has('from') ? Date.parse(url.searchParams.get('from')) : -Infinity;
  const to = url.searchParams.has('to') ? Date.parse(url.searchParams.get('to')) : Infinity;
  for (let i = sim.store.count - 1; i >= 0; i--) {
    const ordinal = sim.store.order[i];
    const created = sim.store.createdAt[ordinal];
    if (!sim.store.isDeleted(ordinal) && created >= from && created < to) yield ordinal;
  }
}

/** The deliveries that a query asks for: after=, limit=, call=, type=, outcome=. */
function deliveries(sim, search) {
  const { log } = sim.live.sender;
  const wanted = { callId: search.get('call'), type: search.get('type'), outcome: search.get('outcome') };
  const from = Number(search.get('after') ?? -1) + 1;
  const limit = Number(search.get('limit') ?? Infinity);
  const found = [];
  for (let n = from; n < log.length && found.length < limit; n++) {
    if (Object.entries(wanted).every(([key, value]) => value === null || log[n][key] === value)) found.push(log[n]);
  }
  return found;
}

const ok = (value) => ({ status: 200, value });

export const ADMIN = [
  ['GET', /^\/_sim\/stats$/, ({ sim, statistics }) => {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return ok({ ...statistics, calls: sim.store.count, unsettled: sim.store.unsettled.length, live: sim.store.live.size, detail: sim.renderer.detail.name, rss, heapUsed, cpuMs: (user + system) / 1000, now: new Date(sim.now()).toISOString() });
  }],
  ['POST', /^\/_sim\/stats\/reset$/, ({ statistics }) => {
    const { running } = statistics;
    statistics.reset();
    statistics.running = running;
    return ok({});
  }],
  ['GET', /^\/_sim\/ids$/, ({ sim, url }) => ok([...existing(sim, url)].map((ordinal) => sim.store.id(ordinal)))],
  ['GET', /^\/_sim\/truth$/, ({ sim, url }) => ok([...existing(sim, url)].map((ordinal) => sim.truth(ordinal)))],
  ['GET', /^\/_sim\/truth\/([^/]+)$/, ({ sim, params }) => ok(sim.truth(ordinalOf(sim, params[0])))],
  ['GET', /^\/_sim\/final$/, ({ sim, url }) => {
    const ids = url.searchParams.get('ids')?.split(',').map((id) => ordinalOf(sim, id));
    const texts = [...(ids ?? existing(sim, url))].map((ordinal) => sim.final(ordinal));
    return { status: 200, text: `[${texts.join(',')}]` };
  }],
  ['GET', /^\/_sim\/final\/([^/]+)$/, ({ sim, params }) => ({ status: 200, text: sim.final(ordinalOf(sim, params[0])) })],
  ['GET', /^\/_sim\/deliveries$/, ({ sim, url }) => ok(deliveries(sim, url.searchParams))],
  ['GET', /^\/_sim\/live$/, ({ sim }) => ok(sim.live.describe())],
  ['POST', /^\/_sim\/live$/, ({ sim, body = {} }) => {
    const { count = 1, rate = sim.options.liveRate, at } = body;
    sim.live.begin(count, rate, at === undefined ? sim.now() : Date.parse(at));
    return ok(sim.live.describe());
  }],
  ['POST', /^\/_sim\/webhook$/, ({ sim, body = {} }) => {
    try {
      sim.live.configure(body);
    } catch (error) {
      throw new ApiError(400, error.message);
    }
    return ok({});
  }],
  ['GET', /^\/_sim\/controls$/, ({ sim }) => ok(sim.controls)],
  ['POST', /^\/_sim\/emit$/, ({ sim, body = {} }) => {
    try {
      return ok(sim.live.emit(body.id === undefined ? null : ordinalOf(sim, body.id), body.type, body));
    } catch (error) {
      throw error instanceof ApiError ? error : new ApiError(400, error.message);
    }
  }],
  ['GET', /^\/_sim\/account$/, ({ sim }) => {
    const { assistants, squads, phoneNumbers } = sim.account;
    return ok({ assistants, squads, phoneNumbers });
  }],
  ['GET', /^\/_sim\/faults$/, ({ faults }) => ok(faults.describe())],
  ['PUT', /^\/_sim\/faults$/, ({ faults, body }) => {
    try {
      faults.set(body ?? []);
    } catch (error) {
      throw new ApiError(400, error.message);
    }
    return ok(faults.describe());
  }],
  ['POST', /^\/_sim\/touch$/, ({ sim, body = {} }) => {
    const now = sim.now();
    return ok(chosen(sim, body).map((ordinal) => sim.touch(ordinal, body.costAdjust ?? 0.01, now)));
  }],
  ['POST', /^\/_sim\/add$/, ({ sim, body = {} }) => ok(sim.addCalls(body.count ?? 1, body.createdAt === undefined ? null : Date.parse(body.createdAt)))],
  ['POST', /^\/_sim\/delete$/, ({ sim, body = {} }) => ok(chosen(sim, body).map((ordinal) => {
    sim.deleteCall(ordinal);
    return sim.store.id(ordinal);
  }))],
  ['POST', /^\/_sim\/settle$/, ({ sim }) => {
    sim.pages.clear();
    return ok({ settled: sim.store.settle(sim.now(), true) });
  }],
  ['POST', /^\/_sim\/clock$/, ({ sim, body = {} }) => {
    if (body.factor !== undefined) sim.clock.setFactor(body.factor);
    if (body.now !== undefined) sim.clock.set(Date.parse(body.now));
    if (body.advanceMs !== undefined) sim.clock.advance(body.advanceMs);
    sim.tick();
    return ok({ now: new Date(sim.now()).toISOString() });
  }],
  ['POST', /^\/_sim\/key$/, ({ sim, body = {} }) => {
    sim.options.key = String(body.key);
    return ok({});
  }],
  ['POST', /^\/_sim\/org$/, ({ sim, body = {} }) => {
    sim.pages.clear();
    sim.orgIdOverride = body.orgId ?? undefined;
    return ok({ orgId: sim.orgIdOverride ?? sim.account.orgId });
  }],
];
