import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helpers.mjs';

const ABSENT = ['startedAt', 'endedAt', 'transcript', 'summary', 'messages', 'recordingUrl', 'stereoRecordingUrl', 'costBreakdown', 'costs', 'analysis', 'artifact'];
let sim;
let calls;
let truths;
before(async () => {
  sim = await startSimulator({ calls: 1500 });
  calls = await sim.walk({ limit: 250 });
  truths = new Map((await sim.admin('GET', 'truth')).map((truth) => [truth.id, truth]));
});
after(() => sim?.stop());

const share = (matches) => calls.filter(matches).length / calls.length;

test('the mixture has everything that real accounts have', () => {
  const neverConnected = share((c) => c.startedAt === undefined);
  assert.ok(neverConnected > 0.08 && neverConnected < 0.17, `never connected: ${neverConnected}`);
  for (const reason of ['voicemail', 'customer-busy', 'customer-did-not-answer', 'silence-timed-out', 'exceeded-max-duration', 'assistant-forwarded-call', 'customer-ended-call', 'assistant-ended-call', 'call.in-progress.error-sip-outbound-call-failed-to-connect']) {
    assert.ok(calls.some((c) => c.endedReason === reason), reason);
  }
  for (const prefix of ['call.in-progress.error-vapifault-', 'call.in-progress.error-providerfault-', 'call.start.error-']) {
    assert.ok(calls.some((c) => c.endedReason.startsWith(prefix)), prefix);
  }
  for (const type of ['inboundPhoneCall', 'outboundPhoneCall', 'webCall', 'vapi.websocketCall']) assert.ok(calls.some((c) => c.type === type), type);
  assert.ok(calls.some((c) => c.squadId && c.assistantId === null) && calls.some((c) => c.squadId && c.assistantId === undefined));
  assert.ok(calls.some((c) => c.assistant && !c.assistantId), 'transient assistant');
  assert.ok(calls.some((c) => c.type === 'webCall' && c.customer?.number === undefined));
  assert.ok(calls.some((c) => c.endedReason === 'customer-did-not-answer' && c.startedAt) && calls.some((c) => c.endedReason === 'customer-did-not-answer' && !c.startedAt));
  assert.ok(calls.every((c) => c.status === 'ended'));
});

test('a call that never connected lacks exactly the eleven keys, and costs nothing', () => {
  for (const call of calls) {
    const missing = ABSENT.filter((key) => !(key in call));
    if (call.startedAt) {
      assert.deepEqual(missing.filter((key) => key !== 'summary'), []);
    } else {
      assert.deepEqual(missing, ABSENT);
      assert.equal(call.cost, 0);
    }
  }
});

test('times: created < started < ended < updated by 3.4 to 7 seconds', () => {
  for (const call of calls.filter((c) => c.startedAt)) {
    const [created, started, ended, updated] = ['createdAt', 'startedAt', 'endedAt', 'updatedAt'].map((key) => Date.parse(call[key]));
    assert.ok(created < started && started < ended);
    assert.ok(updated - ended >= 3400 && updated - ended <= 7000);
    assert.ok(ended - started <= 610000);
    if (call.endedReason === 'exceeded-max-duration') assert.equal(ended - started, 600000);
    if (call.endedReason === 'customer-did-not-answer') assert.ok(Math.abs(ended - started - 30000) < 100);
    for (const message of call.messages) assert.ok(message.time >= started && message.time < ended + 1, `${call.id} ${message.time}`);
  }
});

test('cost == costBreakdown.total == the sum of the items', () => {
  for (const call of calls.filter((c) => c.costs)) {
    const sum = call.costs.reduce((total, item) => total + item.cost, 0);
    assert.equal(call.cost, call.costBreakdown.total);
    assert.ok(Math.abs(sum - call.cost) <= 0.00005 + 1e-9, call.id);
    assert.ok(call.cost > 0);
  }
  assert.ok(calls.some((c) => c.costs?.filter((item) => item.type === 'model').length > 1), 'squads have several models');
});

test('messages agree with the transcript and with the OpenAI form', () => {
  for (const call of calls.filter((c) => c.messages)) {
    const spoken = call.messages.filter((m) => m.role === 'bot' || m.role === 'user');
    assert.equal(call.transcript, spoken.map((m) => `${m.role === 'bot' ? 'AI' : 'User'}: ${m.message}\n`).join(''));
    assert.equal(call.artifact.transcript, call.transcript);
    assert.deepEqual(call.artifact.messages, call.messages);
    assert.equal(call.artifact.messagesOpenAIFormatted.length, call.messages.length);
    assert.equal(call.messages[0].role, 'system');
    assert.doesNotMatch(call.transcript, /[\x80-\x9f]|\{\w+\}|undefined/);
  }
  assert.ok(calls.some((c) => c.messages?.some((m) => m.role === 'tool_calls')) && calls.some((c) => c.messages?.some((m) => m.role === 'tool_call_result')));
  assert.ok(calls.some((c) => c.messages?.some((m) => !Number.isInteger(m.time))), 'fractional times');
  const words = calls.flatMap((c) => c.messages ?? []).flatMap((m) => m.metadata?.wordLevelConfidence ?? []);
  assert.ok(words.some((w) => w.start > 1e12) && words.some((w) => w.start < 1e6), 'both units of word times');
  assert.ok(calls.some((c) => /[^\x00-\x7f]/.test(c.transcript ?? '')), 'text beyond ASCII');
});

test('every rubric kind speaks', () => {
  const values = new Set(calls.map((c) => c.analysis?.successEvaluation));
  for (const pattern of [/^(true|false)$/, /^\d+$/, /^\d+%$/, /^(Excellent|Good|Fair|Poor)$/, /^(Strongly Agree|Agree|Neutral|Disagree|Strongly Disagree)$/, /^Reached the customer/, /^\| Criterion/, /^Discovery: \d+\/10/]) {
    assert.ok([...values].some((value) => pattern.test(value ?? '')), String(pattern));
  }
  assert.ok(calls.some((c) => c.analysis && Object.keys(c.analysis).length === 0), 'empty analysis');
  assert.ok(calls.some((c) => Object.keys(c.artifact?.structuredOutputs ?? {}).length > 0) && calls.some((c) => Object.keys(c.artifact?.scorecards ?? {}).length > 0));
});

test('the hidden truth agrees with what was said', () => {
  let booked = 0;
  for (const call of calls) {
    const truth = truths.get(call.id);
    assert.equal(truth.endedReason, call.endedReason);
    assert.equal(truth.connected, call.startedAt !== undefined);
    const confirmed = /You are booked for|is confirmed, and I have sent/.test(call.transcript ?? '');
    if (confirmed) assert.equal(truth.outcome, 'meeting-booked', call.id);
    if (truth.meetingBooked) {
      booked++;
      assert.ok(call.messages.some((m) => m.role === 'tool_call_result' && m.name === 'book_appointment'));
    }
    if (truth.doNotCall) assert.match(call.transcript, /do not call list|call this number again|off your list/);
    assert.ok(!('truth' in call));
  }
  assert.ok(booked / calls.length > 0.08 && booked / calls.length < 0.4, `booked ${booked}`);
});

test('average size is near the asked 45,000 bytes; numbers are fictitious; secrets carry the marker', () => {
  const average = calls.reduce((sum, call) => sum + JSON.stringify(call).length, 0) / calls.length;
  assert.ok(average > 40000 && average < 50000, `average ${average}`);
  const text = JSON.stringify(calls);
  for (const [number] of text.matchAll(/\+1\d{10}/g)) assert.match(number, /^\+1\d{3}55501\d\d$/);
  assert.ok(calls.every((c) => c.monitor.controlUrl.includes('SIMSECRET') && c.monitor.listenUrl.includes('SIMSECRET')));
  assert.ok(calls.filter((c) => c.artifact).every((c) => c.artifact.presignedMonoUrl.includes('X-Amz-Signature=SIMSECRET')));
});

test('calls follow a weekly pattern', () => {
  const weekday = share((c) => ![0, 6].includes(new Date(c.createdAt).getUTCDay()));
  assert.ok(weekday > 0.85, `weekdays ${weekday}`);
});
