import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helpers.mjs';

let sim;
before(async () => {
  sim = await startSimulator({ calls: 200, bytes: 6000 });
});
after(() => sim?.stop());

const rules = (...list) => sim.admin('PUT', 'faults', list);

test('429 with and without Retry-After, counted', async () => {
  await rules({ kind: 'status', status: 429, retryAfter: 2, count: 1 }, { kind: 'status', status: 429, count: 1 });
  const first = await sim.get('/call?limit=1');
  assert.deepEqual([first.status, first.headers.get('retry-after')], [429, '2']);
  const second = await sim.get('/call?limit=1');
  assert.deepEqual([second.status, second.headers.get('retry-after')], [429, null]);
  assert.equal((await sim.get('/call?limit=1')).status, 200);
  assert.deepEqual((await sim.admin('GET', 'faults')).map((r) => r.fired), [1, 1]);
});

test('500, HTML 502, redirect, empty and other bodies', async () => {
  await rules({ kind: 'status', count: 1 }, { kind: 'status', status: 502, body: 'html', count: 1 }, { kind: 'redirect', location: 'http://10.0.0.1/', count: 1 }, { kind: 'text', text: 'null', count: 1 });
  assert.equal((await sim.get('/call')).status, 500);
  const html = await sim.get('/call');
  assert.equal(html.status, 502);
  assert.match(html.headers.get('content-type'), /text\/html/);
  assert.match(html.text, /^<!DOCTYPE html>/);
  const redirect = await sim.get('/call');
  assert.deepEqual([redirect.status, redirect.headers.get('location')], [302, 'http://10.0.0.1/']);
  assert.equal((await sim.get('/call')).text, 'null');
});

test('delays: late header, slow body', async () => {
  for (const rule of [{ kind: 'delay', ms: 300 }, { kind: 'slow-body', ms: 300 }]) {
    await rules({ ...rule, count: 1 });
    const begin = performance.now();
    assert.equal((await sim.get('/call?limit=5')).body.length, 5);
    // after the last of ten pieces nobody waits any more
    assert.ok(performance.now() - begin >= 0.85 * rule.ms, rule.kind);
  }
});

test('cut body, connection reset, invalid JSON', async () => {
  for (const kind of ['cut-body', 'reset']) {
    await rules({ kind, count: 1 });
    await assert.rejects(sim.get('/call?limit=5'), kind);
  }
  await rules({ kind: 'invalid-json', count: 1 });
  const answer = await sim.get('/call?limit=5');
  assert.equal(answer.status, 200);
  assert.throws(() => JSON.parse(answer.text), SyntaxError);
});

test('expired key, another organisation, clock skew', async () => {
  await rules({ kind: 'expired-key', count: 1 }, { kind: 'org', count: 1 }, { kind: 'clock-skew', ms: -86400000, count: 1 });
  assert.equal((await sim.get('/call')).status, 401);
  assert.equal((await sim.get('/call?limit=1')).body[0].orgId, '99999999-0000-4000-8000-000000000000');
  const skewed = await sim.get('/call?limit=1');
  assert.ok(Date.parse(skewed.headers.get('date')) < Date.now() - 86000000);
});

test('NUL, lone surrogate, deep nesting, huge call', async () => {
  await rules({ kind: 'nul', count: 1 }, { kind: 'surrogate', count: 1 }, { kind: 'deep', depth: 200, count: 1 }, { kind: 'pad', bytes: 250000, count: 1 });
  assert.match((await sim.get('/call?limit=20')).text, /"transcript":"\\u0000/);
  assert.match((await sim.get('/call?limit=20')).text, /"transcript":"\\ud800/);
  assert.ok((await sim.get('/call?limit=1')).text.includes('['.repeat(200)));
  assert.ok((await sim.get('/call?limit=1')).text.length > 250000);
});

test('rules match by path, method and query, skip, and fire by chance', async () => {
  await rules({ kind: 'status', path: '^/assistant$' });
  assert.equal((await sim.get('/call?limit=1')).status, 200);
  assert.equal((await sim.get('/assistant')).status, 500);
  await rules({ kind: 'status', query: 'limit=7', skip: 1 });
  assert.deepEqual([(await sim.get('/call?limit=7')).status, (await sim.get('/call?limit=7')).status, (await sim.get('/call?limit=8')).status], [200, 500, 200]);
  await rules({ kind: 'status', probability: 0.5 });
  let failed = 0;
  for (let i = 0; i < 100; i++) failed += (await sim.get('/call?limit=0')).status === 500;
  assert.ok(failed > 25 && failed < 75, `${failed}`);
  const bad = await sim.request('PUT', '/_sim/faults', { body: [{ kind: 'flood' }], key: null });
  assert.equal(bad.status, 400);
  await rules();
});

test('touch, add, settle, delete, key, org', async () => {
  const [before] = await sim.read('/call?limit=1');
  const [{ updatedAt }] = await sim.admin('POST', 'touch', { ids: [before.id], costAdjust: 0.5 });
  const touched = await sim.read(`/call/${before.id}`);
  assert.equal(touched.updatedAt, updatedAt);
  if (before.cost > 0) assert.ok(Math.abs(touched.cost - before.cost - 0.5) < 1e-9 && touched.cost === touched.costBreakdown.total);
  assert.deepEqual((await sim.read(`/call?updatedAtGe=${updatedAt}`)).map((c) => c.id), [before.id]);

  const added = await sim.admin('POST', 'add', { count: 3, createdAt: '2026-05-05T05:05:05.005Z' });
  const found = await sim.read('/call?createdAtGe=2026-05-05T05:05:05.005Z&createdAtLe=2026-05-05T05:05:05.005Z');
  assert.deepEqual(found.map((c) => c.id).sort(), added.sort());
  await sim.admin('POST', 'delete', { ids: added });
  assert.equal((await sim.get(`/call/${added[0]}`)).status, 404);

  await sim.admin('POST', 'org', { orgId: 'other' });
  assert.equal((await sim.read('/call?limit=1'))[0].orgId, 'other');
  await sim.admin('POST', 'org', {});
  await sim.admin('POST', 'key', { key: 'new-key' });
  assert.equal((await sim.get('/call')).status, 401);
  assert.equal((await sim.get('/call', { key: 'new-key' })).status, 200);
});

test('statistics count requests by path and the highest concurrency', async () => {
  await sim.admin('POST', 'key', { key: 'aaaaaaaa-0000-4000-8000-000000000001' });
  await sim.admin('POST', 'stats/reset');
  await rules({ kind: 'delay', ms: 150 });
  const [call] = await sim.read('/call?limit=1');
  await Promise.all([sim.get('/call?limit=2'), sim.get(`/call/${call.id}`), sim.get('/call', { key: 'wrong' })]);
  await rules();
  const stats = await sim.admin('GET', 'stats');
  assert.deepEqual(stats.byPath, { 'GET /call': 3, 'GET /call/{id}': 1 });
  assert.deepEqual(stats.byStatus, { 200: 3, 401: 1 });
  assert.equal(stats.maxRunning, 3);
  assert.equal(stats.rows, 3);
});

test('retention: older calls answer 400 and are left out of lists', async () => {
  const short = await startSimulator({ calls: 300, bytes: 2000, 'retention-days': 14, now: '2026-11-20T00:00:00Z' });
  try {
    const list = await short.read('/call?limit=1000');
    assert.ok(list.length > 0 && list.length < 300);
    assert.ok(list.every((c) => c.createdAt >= '2026-11-06'));
    for (const query of ['createdAtGe=2026-10-01T00:00:00Z', 'createdAtGt=2026-10-01T00:00:00Z', 'createdAtLe=2026-10-01T00:00:00Z']) {
      const { status, body } = await short.get(`/call?${query}`);
      assert.deepEqual([status, body.error, body.statusCode], [400, 'Bad Request', 400]);
    }
    assert.equal((await short.get('/call?createdAtGe=2026-11-10T00:00:00Z')).status, 200);
    const old = (await short.admin('GET', 'ids')).at(-1);
    assert.equal((await short.get(`/call/${old}`)).status, 400);
  } finally {
    await short.stop();
  }
});

test('rate limit and latency', async () => {
  const strict = await startSimulator({ calls: 20, bytes: 2000, 'rate-limit': 3, 'latency-ms': 60 });
  try {
    const begin = Date.now();
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await strict.get('/call')).status);
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
    assert.ok(Date.now() - begin >= 290);
  } finally {
    await strict.stop();
  }
});

test('kept pages are the same bytes, and any change empties the store of pages', async () => {
  const kept = await startSimulator({ calls: 100, bytes: 20000, 'cache-mb': 50 });
  try {
    const page = (await kept.get('/call?limit=50')).text;
    assert.equal((await kept.get('/call?limit=50')).text, page);
    const packed = await kept.get('/call?limit=50', { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(packed.text, page);
    const { id } = JSON.parse(page)[0];
    const changes = [
      () => kept.admin('POST', 'touch', { ids: [id] }),
      () => kept.request('PATCH', `/call/${id}`, { body: { name: 'n' } }),
      () => kept.admin('POST', 'add', { count: 1 }),
      () => kept.admin('POST', 'delete', { ids: [id] }),
      () => kept.admin('POST', 'org', { orgId: 'o' }),
    ];
    let last = page;
    for (const change of changes) {
      await change();
      const { text } = await kept.get('/call?limit=50');
      const plain = (t) => t.replace(/"presigned\w+":"[^"]*"/g, '');
      assert.notEqual(plain(text), plain(last), String(change));
      last = text;
    }
  } finally {
    await kept.stop();
  }
});
