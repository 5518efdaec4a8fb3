/**
 * Webhooks over HTTP: headers, authentication, answers and their time limits, retries, senders.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { startSimulator, until } from './helpers.mjs';

const SECRET = 'a secret of webhooks';
let sim;
let receiver;
let url;
/** Requests since the last test began: {headers, text, message}. */
let got = [];
/** What the receiver does: (message, request) → {status, body, delay}. */
let answer = () => ({});
let running = 0;
let highest = 0;

before(async () => {
  // longer than a pause between two tests, or a message may meet a connection that is being closed
  receiver = createServer({ keepAliveTimeout: 600000 }, async (request, response) => {
    highest = Math.max(highest, ++running);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { message } = JSON.parse(text);
    got.push({ headers: request.headers, method: request.method, text, message });
    const { status = 200, body, delay = 0 } = answer(message, got.length);
    if (delay) await new Promise((done) => setTimeout(done, delay));
    running--;
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(body === undefined ? '' : JSON.stringify(body));
  });
  await new Promise((done) => receiver.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${receiver.address().port}/hooks`;
  sim = await startSimulator({ calls: 1, bytes: 6000, now: '2026-10-01T00:00:00Z', concurrency: 1000, 'webhook-url': url, 'webhook-senders': 4, 'server-messages': 'status-update,end-of-call-report,tool-calls' });
});
after(async () => {
  await sim?.stop();
  receiver?.closeAllConnections();
  receiver?.close();
});
beforeEach(async () => {
  await until('all is quiet', async () => running === 0 && (await sim.admin('GET', 'live')).sending === 0);
  got = [];
  answer = () => ({});
  await sim.admin('POST', 'webhook', { auth: 'none', secret: null, mishaps: [], senders: 4 });
});

const idle = () => until('all has been delivered', async () => (await sim.admin('GET', 'live')).idle);
const log = (query = '') => sim.admin('GET', `deliveries?${query}`);

/** Lets calls come and go, in a clock that leaps. */
async function live(count) {
  const { now } = await sim.admin('GET', 'live');
  await sim.admin('POST', 'live', { count, rate: 60, at: now });
  await sim.admin('POST', 'clock', { advanceMs: 3 * 3600000 });
  await idle();
}

async function emit(type, more = {}) {
  const [call] = await sim.read('/call?limit=1');
  const before = (await log()).length;
  await sim.admin('POST', 'emit', { type, id: call.id, ...more });
  await until('it has arrived', async () => (await sim.admin('GET', 'live')).sending === 0 && (await log()).length > before);
  return (await log()).at(-1);
}

test('the headers are those of Vapi', async () => {
  const entry = await emit('hang');
  const [{ headers, method, message, text }] = got;
  assert.equal(method, 'POST');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['user-agent'], 'axios/1.8.3');
  assert.equal(headers['x-call-id'], message.call.id);
  assert.equal(headers.cookie, `callId=${message.call.id}`);
  assert.equal(headers['x-vapi-secret'], '', 'present and empty without a secret');
  assert.match(headers['sentry-trace'], /^[0-9a-f]{32}-[0-9a-f]{16}-0$/);
  assert.ok(!headers.authorization && !headers['x-signature']);
  assert.equal(entry.httpStatus, 200);
  assert.equal(entry.bytes, Buffer.byteLength(text));
});

test('shared secret, bearer and HMAC', async () => {
  await sim.admin('POST', 'webhook', { auth: 'secret', secret: SECRET });
  await emit('hang');
  await sim.admin('POST', 'webhook', { auth: 'bearer' });
  await emit('hang');
  await sim.admin('POST', 'webhook', { auth: 'hmac', hmac: {} });
  await emit('hang');
  await sim.admin('POST', 'webhook', { hmac: { algorithm: 'sha512', signatureHeader: 'x-vapi-signature', signaturePrefix: 'sha512=', includeTimestamp: false, payloadFormat: '{body}', signatureEncoding: 'base64' } });
  await emit('hang');
  await sim.admin('POST', 'webhook', { hmac: { payloadFormat: '{svix-id}.{timestamp}.{body}', messageIdHeader: 'svix-id', timestampUnit: 'ms' } });
  await emit('hang');
  const sign = (algorithm, text, encoding = 'hex') => createHmac(algorithm, SECRET).update(text).digest(encoding);
  assert.equal(got[0].headers['x-vapi-secret'], SECRET);
  assert.equal(got[1].headers.authorization, `Bearer ${SECRET}`);
  const stamp = got[2].headers['x-timestamp'];
  assert.ok(Math.abs(Number(stamp) - Date.now() / 1000) < 60, 'seconds of the real clock');
  assert.equal(got[2].headers['x-signature'], sign('sha256', `${stamp}.${got[2].text}`));
  assert.equal(got[3].headers['x-vapi-signature'], `sha512=${sign('sha512', got[3].text, 'base64')}`);
  assert.ok(!got[3].headers['x-timestamp']);
  const { 'svix-id': id, 'x-timestamp': ms } = got[4].headers;
  assert.equal(got[4].headers['x-signature'], sign('sha256', `${id}.${ms}.${got[4].text}`));
  assert.ok(ms.length === 13);
});

test('a wrong signature is told apart from a right one, and a retry has the right one', async () => {
  await sim.admin('POST', 'webhook', { auth: 'secret', secret: SECRET, mishaps: { wrong: 0.5 } });
  answer = (message, n) => (got[n - 1].headers['x-vapi-secret'] === SECRET ? {} : { status: 401 });
  const before = (await log()).length;
  await live(8);
  const entries = (await log(`after=${before - 1}`)).filter((entry) => entry.attempt === 1);
  assert.ok(entries.length > 15);
  for (const entry of entries) assert.equal(entry.httpStatus, entry.mishaps.includes('wrong') ? 401 : 200);
});

test('a server with a backoffPlan gets a refused message again, with other bytes', async () => {
  const [assistant] = await sim.read('/assistant');
  const server = { url, timeoutSeconds: 2, backoffPlan: { type: 'fixed', maxRetries: 2, baseDelaySeconds: 0.05, excludedStatusCodes: [418] } };
  await sim.request('PATCH', `/assistant/${assistant.id}`, { body: { server } });
  const numbers = await sim.read('/phone-number');
  const call = async () => (await sim.request('POST', '/call', { body: { assistantId: assistant.id, phoneNumberId: numbers[0].id, customer: { number: '+13035550142' } } })).body;

  const failed = await call();
  answer = (message) => (message.type === 'end-of-call-report' ? { status: 503 } : { status: 418 });
  await sim.admin('POST', 'clock', { advanceMs: 3600000 });
  await idle();
  const reports = await log(`call=${failed.id}&type=end-of-call-report`);
  assert.deepEqual(reports.map((entry) => [entry.attempt, entry.httpStatus, entry.retried ?? false]), [[1, 503, true], [2, 503, true], [3, 503, false]]);
  const truth = await sim.admin('GET', `truth/${failed.id}`);
  assert.equal(new Set(reports.map((entry) => entry.sha256)).size, truth.connected ? 3 : 1);
  for (const entry of await log(`call=${failed.id}&type=status-update`)) assert.deepEqual([entry.attempt, entry.httpStatus], [1, 418], 'an excluded status is final');

  answer = (message) => (message.type === 'end-of-call-report' && got.filter((g) => g.message.type === message.type).length === 1 ? { delay: 2500 } : {});
  got = [];
  const slow = await call();
  await sim.admin('POST', 'clock', { advanceMs: 3600000 });
  await idle();
  const [first, second] = await log(`call=${slow.id}&type=end-of-call-report`);
  assert.deepEqual([first.outcome, first.limitSeconds, second.outcome, second.httpStatus], ['timeout', 2, 'answered', 200]);
  await sim.request('PATCH', `/assistant/${assistant.id}`, { body: { server: null } });
});

test('without a plan nothing is sent twice, and a server that is gone is an error', async () => {
  answer = () => ({ status: 500 });
  const { n } = await emit('hang');
  await sim.admin('POST', 'webhook', { url: 'http://127.0.0.1:1/' });
  const entry = await emit('hang');
  assert.deepEqual([entry.n, entry.outcome, entry.error], [n + 1, 'error', 'ECONNREFUSED']);
  await sim.admin('POST', 'webhook', { url });
});

test('answers are waited for and kept', async () => {
  const result = { results: [{ toolCallId: 'x', result: 'found' }] };
  answer = (message) => (message.type === 'tool-calls' ? { body: result, delay: 60 } : {});
  const entry = await emit('tool-calls');
  assert.deepEqual(entry.answer, result);
  assert.ok(entry.elapsedMs >= 55);
  assert.equal(got[0].message.toolCallList[0].function.name, 'lookup_prospect');
});

test('no more senders than asked', async () => {
  await sim.admin('POST', 'webhook', { senders: 3 });
  highest = 0;
  answer = () => ({ delay: 15 });
  await live(15);
  assert.equal(highest, 3);
});

test('an inbound call to a number without an assistant asks for one', async () => {
  const assistants = await sim.read('/assistant');
  for (const number of (await sim.read('/phone-number')).filter((n) => n.assistantId)) {
    await sim.request('PATCH', `/phone-number/${number.id}`, { body: { assistantId: null, server: { url } } });
  }
  const chosen = assistants.at(-1).id;
  const answers = [{ assistantId: chosen }, { error: 'closed' }, {}, { assistantId: 'unknown' }, { destination: { type: 'number', number: '+13035550109' } }];
  const reasons = [null, 'returned-error', 'returned-no-assistant', 'returned-invalid-assistant', 'returned-forwarding-phone-number'];
  const given = new Map();
  answer = (message) => {
    if (message.type !== 'assistant-request') return {};
    given.set(message.call.id, given.size % 6);
    return given.size % 6 === 0 ? { status: 500 } : { body: answers[(given.size % 6) - 1] };
  };
  await live(40);
  assert.ok(given.size >= 6, `${given.size} calls asked`);
  let turn = 0;
  for (const [id] of given) {
    const which = ++turn % 6;
    const call = await sim.read(`/call/${id}`);
    const [entry] = await log(`call=${id}&type=assistant-request`);
    assert.equal(entry.httpStatus, which === 0 ? 500 : 200);
    const told = got.find((g) => g.message.type === 'assistant-request' && g.message.call.id === id).message;
    assert.ok(!told.call.assistantId && !told.assistant && told.phoneNumber.id === call.phoneNumberId && told.customer.number);
    if (which === 1) {
      assert.equal(call.assistantId, chosen);
      assert.ok(!/^assistant-request/.test(call.endedReason));
      assert.ok(got.some((g) => g.message.call.id === id && g.message.type === 'status-update' && g.message.status === 'in-progress') || !call.startedAt);
    } else {
      assert.equal(call.endedReason, which === 0 ? 'assistant-request-failed' : `assistant-request-${reasons[which - 1]}`);
      assert.ok(!call.startedAt);
    }
  }
});

test('a campaign asks before it calls; no, or no answer, means no call', async () => {
  const other = await startSimulator({ calls: 0, bytes: 6000, now: '2026-10-01T00:00:00Z', 'webhook-url': url, 'time-factor': 5000, 'server-messages': 'status-update', 'live-calls': 40, 'live-rate': 60, predial: true });
  let asked = 0;
  answer = (message) => (message.type !== 'campaign.predial' ? {} : ++asked % 3 === 0 ? { body: { eligible: true } } : asked % 3 === 1 ? { body: { eligible: false } } : { body: { ok: 1 } });
  await until('it is over', async () => (await other.admin('GET', 'live')).idle);
  const state = await other.admin('GET', 'live');
  assert.ok(asked > 3);
  assert.equal(state.refused, asked - Math.floor(asked / 3));
  assert.equal((await other.admin('GET', 'final')).length, 40 - state.refused);
  const [{ message }] = got.filter((g) => g.message.type === 'campaign.predial');
  assert.ok(!message.call && message.contact.number && message.campaignId === message.contact.campaignId);
  await other.stop();
});

test('bulk deletion is told of', async () => {
  const [{ id }] = await sim.read('/call?limit=1');
  const [, other] = await sim.read('/call?limit=2');
  await sim.request('DELETE', `/call/${other.id}`, { body: { ids: [id] } });
  await until('the message', () => got.some((g) => g.message.type === 'call.deleted' && g.message.call.id === id), 20);
});

test('what cannot be understood is refused', async () => {
  for (const options of [{ 'webhook-auth': 'magic' }, { 'webhook-auth': 'hmac' }, { 'webhook-mishaps': '{"lose":1}' }, { 'time-factor': 0 }]) await assert.rejects(startSimulator(options), /ended with 2/);
  assert.equal((await sim.request('POST', '/_sim/emit', { body: { type: 'tea' } })).status, 400);
  assert.equal((await sim.request('POST', '/_sim/webhook', { body: { mishaps: { tea: 1 } } })).status, 400);
});
