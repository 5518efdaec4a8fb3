import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KEY, startSimulator, until } from './helpers.mjs';

let sim;
let assistants;
let numbers;
before(async () => {
  sim = await startSimulator({ calls: 120, bytes: 6000, concurrency: 4 });
  assistants = await sim.read('/assistant');
  numbers = await sim.read('/phone-number');
});
after(() => sim?.stop());

const outbound = (more = {}) => ({ assistantId: assistants[0].id, phoneNumberId: numbers[0].id, customer: { number: '+13035550142', name: 'Ada Example' }, ...more });
const hour = 3600000;

test('POST /call runs a call by the clock until it has ended and its cost has settled', async () => {
  const { status, body } = await sim.request('POST', '/call', { body: outbound({ name: 'first' }) });
  assert.equal(status, 201);
  assert.equal(body.status, 'queued');
  assert.equal(body.name, 'first');
  assert.deepEqual(body.customer, { number: '+13035550142', name: 'Ada Example' });
  assert.equal(body.assistantId, assistants[0].id);
  assert.deepEqual(body.subscriptionLimits, { concurrencyBlocked: false, concurrencyLimit: 4, remainingConcurrentCalls: 3 });
  assert.ok(!('endedReason' in body) && !('startedAt' in body) && body.monitor.controlUrl);
  assert.equal((await sim.read('/call?limit=1'))[0].id, body.id);

  const truth = await sim.admin('GET', `truth/${body.id}`);
  const seen = new Set();
  for (const { at, status: expected } of truth.history) {
    await sim.admin('POST', 'clock', { now: new Date(Date.parse(at) + 5).toISOString() });
    const call = await sim.read(`/call/${body.id}`);
    assert.equal(call.status, expected);
    assert.equal('endedReason' in call, expected === 'ended');
    if (expected === 'in-progress') assert.ok(call.startedAt && !call.endedAt);
    seen.add(call.status);
  }
  assert.ok(seen.has('ended'));
  const ended = await sim.read(`/call/${body.id}`);
  assert.equal(ended.cost, 0);
  await sim.admin('POST', 'clock', { advanceMs: 10000 });
  const settled = await sim.read(`/call/${body.id}`);
  assert.ok(settled.updatedAt > ended.updatedAt);
  assert.equal(settled.cost > 0, truth.connected);
});

test('POST /call refuses what Vapi refuses', async () => {
  const refused = async (body, pattern) => {
    const answer = await sim.request('POST', '/call', { body });
    assert.equal(answer.status, 400);
    assert.equal(answer.body.statusCode, 400);
    assert.match([answer.body.message].flat().join('\n'), pattern);
  };
  await refused(outbound({ metadata: {} }), /^property metadata should not exist$/);
  await refused(outbound({ name: 'x'.repeat(41) }), /^name must be shorter than or equal to 40 characters$/);
  await refused(outbound({ customer: { number: '3035550142' } }), /customer\.number must be a valid phone number in the E\.164 format/);
  await refused(outbound({ customer: { number: '+13035550142', age: 3 } }), /customer\.property age should not exist/);
  await refused(outbound({ phoneNumberId: undefined }), /^Couldn't Get Phone Number\. Need Either `phoneNumberId` Or `phoneNumber`\.$/);
  await refused(outbound({ customer: undefined }), /^Couldn't Get Customer/);
  await refused(outbound({ assistantId: undefined }), /^Couldn't Get Assistant/);
  await refused(outbound({ assistantId: '00000000-0000-4000-8000-000000000000' }), /Does Not Exist/);
  await refused(outbound({ schedulePlan: {} }), /schedulePlan\.earliestAt/);
  const broken = await fetch(`${sim.url}/call`, { method: 'POST', headers: { Authorization: `Bearer ${KEY}` }, body: '{' });
  assert.equal(broken.status, 400);
});

test('a batch of customers gives a CallBatchResponse; the concurrency limit blocks the rest', async () => {
  const customers = ['+13035550111', 'nonsense', '+13035550112', '+13035550113', '+13035550114', '+13035550115'].map((number) => ({ number }));
  const { status, body } = await sim.request('POST', '/call', { body: outbound({ customer: undefined, customers }) });
  assert.equal(status, 201);
  assert.equal(body.results.length, 4);
  assert.deepEqual(body.errors.map((e) => e.customer.number), ['nonsense', '+13035550115']);
  assert.equal(body.errors[1].error, 'Over Concurrency Limit');
  assert.equal(body.subscriptionLimits.concurrencyBlocked, true);
  assert.equal((await sim.request('POST', '/call', { body: outbound() })).status, 400);
  await sim.admin('POST', 'clock', { advanceMs: hour });
  assert.equal((await sim.admin('GET', 'stats')).live, 0);
});

test('a scheduled call waits for its time', async () => {
  const { now } = await sim.admin('POST', 'clock', { advanceMs: 0 });
  const earliestAt = new Date(Date.parse(now) + hour).toISOString();
  const { body } = await sim.request('POST', '/call', { body: outbound({ schedulePlan: { earliestAt } }) });
  assert.equal(body.status, 'scheduled');
  await sim.admin('POST', 'clock', { advanceMs: 3 * hour });
  const call = await sim.read(`/call/${body.id}`);
  assert.equal(call.status, 'ended');
  if (call.startedAt) assert.ok(call.startedAt > earliestAt);
});

test('PATCH changes only the name, DELETE makes a call 404 and leaves it out of lists', async () => {
  const [call] = await sim.read('/call?limit=1');
  const patched = await sim.request('PATCH', `/call/${call.id}`, { body: { name: 'renamed' } });
  assert.equal(patched.status, 200);
  assert.equal(patched.body.name, 'renamed');
  assert.ok(patched.body.updatedAt > call.updatedAt);
  assert.equal((await sim.request('PATCH', `/call/${call.id}`, { body: { status: 'ended' } })).status, 400);
  const deleted = await sim.request('DELETE', `/call/${call.id}`);
  assert.equal(deleted.status, 200);
  assert.equal(deleted.body.id, call.id);
  assert.equal((await sim.get(`/call/${call.id}`)).status, 404);
  assert.ok(!(await sim.read('/call')).some((c) => c.id === call.id));
  assert.equal((await sim.request('DELETE', `/call/${call.id}`)).status, 404);
});

test('bulk deletion happens a little later', async () => {
  const calls = await sim.read('/call?limit=3');
  const ids = calls.map((c) => c.id);
  assert.equal((await sim.request('DELETE', `/call/${ids[0]}`, { body: { ids } })).status, 200);
  assert.equal((await sim.get(`/call/${ids[1]}`)).status, 200);
  await until('the last one is gone', async () => (await sim.get(`/call/${ids[2]}`)).status === 404);
  for (const id of ids) assert.equal((await sim.get(`/call/${id}`)).status, 404);
});

test('artifacts: 302 to a presigned URL that works without the key, and only as signed', async () => {
  const calls = await sim.read('/call?limit=100');
  const call = calls.find((c) => c.startedAt);
  for (const [kind, type] of [['mono-recording', 'audio/wav'], ['stereo-recording', 'audio/wav'], ['customer-recording', 'audio/wav'], ['assistant-recording', 'audio/wav'], ['pcap', 'application/vnd.tcpdump.pcap'], ['call-logs', 'application/gzip']]) {
    const answer = await sim.get(`/call/${call.id}/${kind}`);
    assert.equal(answer.status, 302);
    const location = answer.headers.get('location');
    assert.match(location, /X-Amz-Signature=SIMSECRET[0-9a-f]{64}/);
    const object = await fetch(location);
    assert.equal(object.status, 200);
    assert.equal(object.headers.get('content-type'), type);
    const bytes = Buffer.from(await object.arrayBuffer());
    if (type === 'audio/wav') assert.equal(bytes.subarray(0, 4).toString(), 'RIFF');
    assert.equal((await fetch(location.replace(/Signature=SIMSECRET.{4}/, 'Signature=SIMSECRET0000'))).status, 403);
  }
  const { headers } = await sim.get(`/call/${call.id}/mono-recording`);
  await sim.admin('POST', 'clock', { advanceMs: 1800001 });
  assert.equal((await fetch(headers.get('location'))).status, 403);
  const silent = calls.find((c) => !c.startedAt);
  assert.equal((await sim.get(`/call/${silent.id}/mono-recording`)).status, 404);
  assert.equal((await sim.get(`/call/${call.id}/video-recording`)).status, 404);
  assert.equal((await sim.get(`/call/${call.id}/mono-recording`, { key: null })).status, 401);
});

test('assistants, squads and phone numbers: list, get, create, update, delete', async () => {
  for (const [path, create] of [['assistant', { name: 'New one' }], ['squad', { name: 'Team', members: [] }], ['phone-number', { provider: 'vapi', name: 'Spare' }]]) {
    const list = await sim.read(`/${path}`);
    assert.ok(Array.isArray(list) && list.length >= 2);
    assert.deepEqual(await sim.read(`/${path}/${list[0].id}`), list[0]);
    const created = await sim.request('POST', `/${path}`, { body: create });
    assert.equal(created.status, 201);
    const changed = await sim.request('PATCH', `/${path}/${created.body.id}`, { body: { name: 'Other', ...(path === 'squad' ? { members: [] } : {}) } });
    assert.equal(changed.body.name, 'Other');
    assert.equal((await sim.request('PATCH', `/${path}/${created.body.id}`, { body: { colour: 'red', ...(path === 'squad' ? { members: [] } : {}) } })).status, 400);
    assert.equal((await sim.request('DELETE', `/${path}/${created.body.id}`)).status, 200);
    assert.equal((await sim.get(`/${path}/${created.body.id}`)).status, 404);
    assert.equal((await sim.get(`/${path}?page=2`)).status, 400);
  }
});

test('PATCH sets the server of an assistant and of a number; a secret is never shown', async () => {
  const server = { url: 'https://example.com/hook', timeoutSeconds: 20, secret: 'hidden', backoffPlan: { type: 'fixed', maxRetries: 3, baseDelaySeconds: 1 } };
  for (const path of [`/assistant/${assistants[1].id}`, `/phone-number/${numbers[1].id}`]) {
    const { body } = await sim.request('PATCH', path, { body: { server } });
    assert.equal(body.server.url, server.url);
    assert.equal(body.server.secret, undefined);
    assert.doesNotMatch(JSON.stringify(await sim.read(path)), /hidden/);
    assert.equal(body.isServerUrlSecretSet, true);
    const refused = async (change, pattern) => {
      const answer = await sim.request('PATCH', path, { body: change });
      assert.equal(answer.status, 400);
      assert.match([answer.body.message].flat().join('\n'), pattern);
    };
    await refused({ server: { ...server, colour: 'red' } }, /^server\.property colour should not exist$/);
    await refused({ server: { ...server, timeoutSeconds: 301 } }, /^server\.timeoutSeconds must not be greater than 300$/);
    await refused({ server: { url: server.url, backoffPlan: { type: 'fixed' } } }, /server\.backoffPlan\.maxRetries should not be empty/);
    await refused({ server: { url: server.url, backoffPlan: { type: 'fixed', maxRetries: 11, baseDelaySeconds: 1 } } }, /must not be greater than 10/);
  }
  const { assistants: raw, phoneNumbers: rawNumbers } = await sim.admin('GET', 'account');
  assert.equal(raw.find((a) => a.id === assistants[1].id).server.secret, 'hidden');
  assert.equal(rawNumbers.find((n) => n.id === numbers[1].id).server.secret, 'hidden');
  const messages = await sim.request('PATCH', `/assistant/${assistants[1].id}`, { body: { serverMessages: ['status-update', 'call.started'] } });
  assert.equal(messages.status, 400);
});
