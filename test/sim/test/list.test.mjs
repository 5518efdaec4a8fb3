import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KEY, startSimulator } from './helpers.mjs';

let sim;
before(async () => {
  sim = await startSimulator({ calls: 450, bytes: 6000 });
});
after(() => sim?.stop());

test('a list is a bare array of 100, newest first, with ids that descend too', async () => {
  const page = await sim.read('/call');
  assert.equal(page.length, 100);
  for (let i = 1; i < page.length; i++) {
    assert.ok(page[i].createdAt <= page[i - 1].createdAt);
    if (page[i].createdAt < page[i - 1].createdAt) assert.ok(page[i].id < page[i - 1].id);
    assert.match(page[i].id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(parseInt(page[i].id.replaceAll('-', '').slice(0, 12), 16), Date.parse(page[i].createdAt));
  }
});

test('limit: 0 gives none, 1000 is the silent cap, nonsense is refused', async () => {
  assert.deepEqual(await sim.read('/call?limit=0'), []);
  assert.equal((await sim.read('/call?limit=7')).length, 7);
  assert.equal((await sim.read('/call?limit=1000')).length, 450);
  assert.equal((await sim.read('/call?limit=5000')).length, 450);
  for (const bad of ['-1', 'ten', '']) {
    const { status, body } = await sim.get(`/call?limit=${bad}`);
    assert.equal(status, 400);
    assert.ok(Array.isArray(body.message));
    assert.deepEqual([body.error, body.statusCode], ['Bad Request', 400]);
  }
});

test('no page, status, type, sort, squad or customer filter exists', async () => {
  for (const name of ['page', 'offset', 'cursor', 'status', 'type', 'sortOrder', 'squadId', 'customer', 'createdAt']) {
    const { status, body } = await sim.get(`/call?${name}=1`);
    assert.equal(status, 400);
    assert.deepEqual(body, { message: [`property ${name} should not exist`], error: 'Bad Request', statusCode: 400 });
  }
});

test('walking by createdAtLe gives every call once', async () => {
  const calls = await sim.walk();
  assert.deepEqual(new Set(calls.map((call) => call.id)), new Set(await sim.admin('GET', 'ids')));
  assert.equal(calls.length, 450);
});

test('time filters: Gt, Lt exclusive, Ge, Le inclusive, for createdAt and updatedAt', async () => {
  const all = await sim.walk();
  for (const field of ['createdAt', 'updatedAt']) {
    const edge = all.map((call) => call[field]).sort()[200];
    const expected = { Gt: (t) => t > edge, Lt: (t) => t < edge, Ge: (t) => t >= edge, Le: (t) => t <= edge };
    for (const [suffix, matches] of Object.entries(expected)) {
      const got = await sim.read(`/call?limit=1000&${field}${suffix}=${edge}`);
      assert.deepEqual(got.map((c) => c.id).sort(), all.filter((c) => matches(c[field])).map((c) => c.id).sort(), `${field}${suffix}`);
    }
  }
  const { status, body } = await sim.get('/call?createdAtGe=yesterday');
  assert.equal(status, 400);
  assert.deepEqual(body.message, ['createdAtGe must be a valid ISO 8601 date string']);
});

test('filters by id, assistant and phone number', async () => {
  const all = await sim.walk();
  const some = all.find((call) => call.assistantId && call.phoneNumberId);
  assert.deepEqual((await sim.read(`/call?id=${some.id}`)).map((c) => c.id), [some.id]);
  assert.deepEqual(await sim.read('/call?id=00000000-0000-4000-8000-000000000000'), []);
  for (const field of ['assistantId', 'phoneNumberId']) {
    const got = await sim.read(`/call?limit=1000&${field}=${some[field]}`);
    assert.deepEqual(got.map((c) => c.id).sort(), all.filter((c) => c[field] === some[field]).map((c) => c.id).sort());
  }
});

test('one call by id is the same as in the list, apart from presigned URLs', async () => {
  const [call] = await sim.read('/call?limit=1&assistantId=' + (await sim.read('/assistant')).at(-1).id);
  const alone = await sim.read(`/call/${call.id}`);
  const plain = (c) => JSON.stringify(c).replace(/presigned\w+":"[^"]*"/g, '');
  assert.equal(plain(alone), plain(call));
});

test('a call that does not exist is 404 with a NestJS body', async () => {
  for (const id of ['00000000-0000-7000-8000-000000000000', 'nonsense']) {
    const { status, body } = await sim.get(`/call/${id}`);
    assert.equal(status, 404);
    assert.deepEqual([body.error, body.statusCode], ['Not Found', 404]);
  }
  const { status, body } = await sim.get('/org');
  assert.equal(status, 404);
  assert.equal(body.message, 'Cannot GET /org');
});

test('authentication: exact bodies for a missing header and a wrong key', async () => {
  const missing = await sim.get('/call', { key: null });
  assert.equal(missing.status, 401);
  assert.deepEqual(missing.body, { message: 'Missing Authorization Header.', error: 'Unauthorized', statusCode: 401 });
  for (const headers of [{ Authorization: 'Bearer wrong' }, { Authorization: `Basic ${KEY}` }, { Authorization: KEY }]) {
    const wrong = await sim.get('/call', { key: null, headers });
    assert.equal(wrong.status, 401);
    assert.deepEqual(wrong.body, { message: 'Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa.', error: 'Unauthorized', statusCode: 401 });
  }
});

test('Date header, JSON type, gzip only when asked for', async () => {
  const packed = await sim.get('/call?limit=20', { headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(packed.headers.get('content-encoding'), 'gzip');
  const plain = await sim.get('/call?limit=20', { headers: { 'Accept-Encoding': 'identity' } });
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.equal(packed.body.length, plain.body.length);
  assert.match(plain.headers.get('content-type'), /^application\/json/);
  assert.ok(Math.abs(Date.parse(plain.headers.get('date')) - Date.now()) < 5000);
});
