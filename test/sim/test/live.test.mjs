/**
 * Live calls and what is told of them, without HTTP.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { play, startSimulator } from './helpers.mjs';

let played;
let byCall;
before(async () => {
  played = await play({ bytes: 9000, 'live-calls': 70, 'server-messages': 'all', 'late-cost-share': 0.2, 'late-cost-ms': 60000 });
  byCall = new Map();
  for (const { message } of played.bodies) byCall.set(message.call.id, [...(byCall.get(message.call.id) ?? []), message]);
});
after(() => played?.stop());

const ofType = (messages, type) => messages.filter((message) => message.type === type);

test('the same seed tells the same bytes, another seed others', async () => {
  const options = { bytes: 6000, 'live-calls': 12, 'webhook-mishaps': '{"loss":0.05,"duplicate":0.1,"reorder":0.2}' };
  const plays = [await play(options), await play(options), await play({ ...options, seed: 2 })];
  assert.ok(plays[0].bodies.length > 100);
  assert.equal(plays[0].text, plays[1].text);
  assert.notEqual(plays[0].text, plays[2].text);
  for (const one of plays) await one.stop();
});

test('every call is told of, with the statuses that it really had', async () => {
  assert.equal(played.finals.length, 70);
  for (const call of played.finals) {
    const { history } = await played.sim.admin('GET', `truth/${call.id}`);
    const told = ofType(byCall.get(call.id), 'status-update').map((m) => m.status);
    const real = history.map((entry) => entry.status);
    if (told.at(-1) !== 'ended') {
      assert.ok(!call.startedAt, 'only calls that never connected may lack the last status');
      real.pop();
    }
    assert.deepEqual(told, real);
  }
  assert.ok(played.finals.some((call) => call.status === 'ended' && byCall.get(call.id).some((m) => m.status === 'forwarding')));
});

test('message.call is the call as it was created, in every message', () => {
  for (const [id, messages] of byCall) {
    for (const { call, timestamp, type } of messages) {
      assert.deepEqual(call, messages[0].call);
      assert.equal(call.id, id);
      assert.equal(typeof timestamp, 'number', type);
    }
    const { call } = messages[0];
    assert.equal(call.updatedAt, call.createdAt);
    assert.equal(call.status, 'queued');
    assert.equal(call.cost, 0);
    assert.ok(!call.endedAt && !call.startedAt && !call.endedReason && !call.analysis && call.monitor.controlUrl);
  }
});

test('the report says what the API says in the end, but for costs that settle late', () => {
  let late = 0;
  for (const call of played.finals) {
    const [report, more] = ofType(byCall.get(call.id), 'end-of-call-report');
    assert.ok(report && !more);
    assert.equal(report.endedReason, call.endedReason);
    assert.equal(report.startedAt, call.startedAt);
    assert.equal(report.transcript, call.transcript);
    assert.deepEqual(report.messages, call.messages);
    if (call.startedAt) {
      assert.equal(report.durationMs, Date.parse(call.endedAt) - Date.parse(call.startedAt));
      const after = report.timestamp - Date.parse(call.endedAt);
      assert.ok(after >= 3000 && after <= 5000, `${after} ms`);
    }
    if (report.cost !== call.cost) {
      late++;
      assert.ok(Date.parse(call.updatedAt) > report.timestamp, 'what settles late is newer than the report');
    } else {
      assert.deepEqual(report.analysis, call.analysis ?? {});
      assert.deepEqual(report.artifact.structuredOutputs, call.artifact?.structuredOutputs);
    }
  }
  assert.ok(late >= 4 && late < 30, `${late} late`);
});

test('the report comes before and after the last status', () => {
  const orders = { first: 0, last: 0 };
  for (const messages of byCall.values()) {
    const report = messages.findIndex((m) => m.type === 'end-of-call-report');
    const status = messages.findIndex((m) => m.type === 'status-update' && m.status === 'ended');
    if (status >= 0) orders[report < status ? 'first' : 'last']++;
  }
  assert.ok(orders.first > 8 && orders.last > 8, JSON.stringify(orders));
});

test('what is said comes as speech, transcripts and conversations that grow', () => {
  const messages = byCall.get(played.talked);
  const final = played.finals.find((call) => call.id === played.talked);
  const said = ofType(messages, 'transcript').filter((m) => m.transcriptType === 'final').map((m) => `${m.role === 'user' ? 'User' : 'AI'}: ${m.transcript}\n`);
  assert.equal(said.join(''), final.transcript);
  const partial = ofType(messages, 'transcript').find((m) => m.transcriptType === 'partial');
  assert.ok(partial.role === 'user' && partial.transcript.length > 0);
  const sizes = ofType(messages, 'conversation-update').map((m) => m.messages.length);
  assert.deepEqual(sizes, [...sizes].sort((a, b) => a - b));
  assert.ok(sizes.length > 3);
  const speech = ofType(messages, 'speech-update');
  assert.equal(speech.filter((m) => m.status === 'started').length, speech.filter((m) => m.status === 'stopped').length);
});

test('tool calls have their arguments as an object or as text, alone or two at once', () => {
  const lists = played.bodies.map((body) => body.message).filter((m) => m.type === 'tool-calls').map((m) => m.toolCallList);
  assert.ok(lists.some((list) => list.length === 2) && lists.some((list) => list.length === 1));
  assert.ok(lists.some(([call]) => typeof call.function.arguments === 'string') && lists.some(([call]) => typeof call.function.arguments === 'object'));
  for (const list of lists) for (const call of list) if (typeof call.function.arguments === 'string') JSON.parse(call.function.arguments);
});

test('an assistant that does not say what it sends sends the default, without transcripts', async () => {
  const one = await play({ bytes: 6000, 'live-calls': 20, 'server-messages': 'default' });
  const types = new Set(one.bodies.map((body) => body.message.type));
  assert.ok(types.has('conversation-update') && types.has('speech-update') && types.has('assistant.started'));
  for (const type of ['transcript', 'model-output', 'transfer-update', 'call.artifact.upload']) assert.ok(!types.has(type), type);
  await one.stop();
  const finals = await play({ bytes: 6000, 'live-calls': 20, 'server-messages': 'transcript[transcriptType="final"]' });
  assert.ok(finals.bodies.length > 20);
  for (const { message } of finals.bodies) assert.ok(message.type === 'transcript[transcriptType="final"]' && message.transcriptType === 'final');
  await finals.stop();
});

test('mishaps happen as often as asked, and every delivery is on the list', async () => {
  const rules = [{ type: '^end-of-call-report$', duplicate: 1, replay: 1 }, { type: '^status-update$', loss: 0.5 }, { loss: 0.05, duplicate: 0.1, reorder: 0.2, delay: 0.1 }];
  const one = await play({ bytes: 9000, 'live-calls': 60, 'webhook-mishaps': JSON.stringify(rules) });
  const share = (list, mishap) => list.filter((entry) => entry.mishaps.includes(mishap)).length / list.length;
  const statuses = one.log.filter((entry) => entry.type === 'status-update');
  const rest = one.log.filter((entry) => !/^(status-update|end-of-call-report)$/.test(entry.type) && !(entry.copy > 0));
  assert.ok(Math.abs(share(statuses, 'loss') - 0.5) < 0.12);
  for (const [mishap, p] of [['loss', 0.05], ['duplicate', 0.1], ['reorder', 0.2], ['delay', 0.1]]) assert.ok(Math.abs(share(rest, mishap) - p) < 0.03, `${mishap} ${share(rest, mishap)}`);
  assert.equal(one.log.filter((entry) => entry.outcome === 'written').length, one.bodies.length);
  assert.equal(one.log.filter((entry) => entry.outcome === 'lost').length, one.log.length - one.bodies.length);

  for (const call of one.finals.filter((c) => c.startedAt)) {
    const reports = one.log.filter((entry) => entry.callId === call.id && entry.type === 'end-of-call-report');
    assert.equal(reports.length, 3);
    const hashes = (test) => new Set(reports.filter(test).map((entry) => entry.sha256));
    assert.equal(hashes((entry) => entry.copy === 0).size, 1, 'a replay has the same bytes');
    assert.equal(hashes(() => true).size, 2, 'a duplicate has others');
  }
  const plain = (body) => JSON.stringify(body).replace(/"presigned\w+":"[^"]*",?/g, '');
  const texts = one.bodies.filter((body) => body.message.type === 'end-of-call-report' && body.message.call.id === one.talked);
  assert.equal(new Set(texts.map(plain)).size, 1, 'which differ only in presigned URLs');
  const events = one.log.filter((entry) => entry.callId === one.talked && entry.copy === 0).map((entry) => entry.event);
  assert.notDeepEqual(events, [...events].sort((a, b) => a - b), 'the order is another');
  await one.stop();
});

test('the API shows live calls at that moment, and the truth what becomes of them', async () => {
  const sim = await startSimulator({ calls: 0, bytes: 6000, now: '2026-10-01T00:00:00Z', 'live-calls': 40, 'live-rate': 40 });
  const finals = new Map();
  const seen = new Map();
  for (let minute = 0; minute < 20; minute++) {
    for (const call of await sim.read('/call')) {
      const { history } = await sim.admin('GET', `truth/${call.id}`);
      const last = history.findLast((entry) => entry.at <= call.updatedAt);
      const before = seen.get(call.id);
      if (call.status !== 'ended') assert.deepEqual([call.status, call.updatedAt], [last.status, last.at]);
      assert.ok(!before || before.updatedAt <= call.updatedAt);
      seen.set(call.id, call);
      finals.set(call.id, JSON.stringify(await sim.admin('GET', `final/${call.id}`)).replace(/"presigned\w+":"[^"]*",?/g, ''));
    }
    await sim.admin('POST', 'clock', { advanceMs: 17000 + minute * 3000 });
  }
  await sim.admin('POST', 'clock', { advanceMs: 3600000 });
  assert.equal(seen.size, 40);
  for (const call of await sim.read('/call')) assert.equal(JSON.stringify(call).replace(/"presigned\w+":"[^"]*",?/g, ''), finals.get(call.id), 'the truth was known from the start');
  await sim.stop();
});

test('a changed time factor changes how fast calls run', async () => {
  const sim = await startSimulator({ calls: 0, bytes: 6000, 'time-factor': 1 });
  const at = async () => Date.parse((await sim.admin('GET', 'live')).now);
  await sim.admin('POST', 'clock', { factor: 1000 });
  const begin = await at();
  await new Promise((done) => setTimeout(done, 200));
  assert.ok((await at()) - begin > 150000);
  await sim.stop();
});
