import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helpers.mjs';

let sim;
before(async () => {
  sim = await startSimulator({ calls: 20, control: true, now: '2026-11-20T17:00:00Z', concurrency: 100 });
});
after(() => sim.stop());

/** A call that talks for half a minute more. */
async function connected() {
  const assistantId = (await sim.read('/assistant'))[0].id;
  const phoneNumberId = (await sim.read('/phone-number'))[0].id;
  for (let i = 0; i < 40; i++) {
    const { body } = await sim.request('POST', '/call', { body: { assistantId, phoneNumberId, customer: { number: '+13035550123' } } });
    await sim.admin('POST', 'clock', { advanceMs: 25000 });
    const call = await sim.read(`/call/${body.id}`);
    const final = await sim.admin('GET', `final/${body.id}`);
    if (call.status === 'in-progress' && Date.parse(final.endedAt) - Date.parse(call.startedAt) > 60000) return { call, final };
  }
  throw new Error('no call talks');
}

const post = (call, body) => sim.request('POST', new URL(call.monitor.controlUrl).pathname, { key: null, body });

test('end-call ends the call now, and then there is nothing to control', async () => {
  const { call, final } = await connected();
  assert.equal((await post(call, { type: 'end-call' })).status, 200);
  const ended = await sim.read(`/call/${call.id}`);
  assert.equal(ended.status, 'ended');
  assert.equal(ended.endedReason, 'manually-canceled');
  assert.ok(ended.endedAt < final.endedAt);
  assert.ok(ended.transcript.length < final.transcript.length);
  assert.equal((await post(call, { type: 'end-call' })).status, 404);
});

test('say is a turn of the assistant', async () => {
  const { call } = await connected();
  assert.equal((await post(call, { type: 'say', content: 'One moment please.' })).status, 200);
  const final = await sim.admin('GET', `final/${call.id}`);
  assert.match(final.transcript, /AI: One moment please\./);
  assert.equal((await post(call, { type: 'say', content: 'Goodbye.', endCallAfterSpoken: true })).status, 200);
  const last = await sim.admin('GET', `final/${call.id}`);
  assert.equal(last.endedReason, 'assistant-ended-call-after-message-spoken');
  assert.match(last.transcript, /AI: Goodbye\.\n$/);
});

test('a muted assistant says nothing until it is unmuted', async () => {
  const { call, final } = await connected();
  const said = (text) => text.match(/^AI:/gm)?.length ?? 0;
  assert.equal((await post(call, { type: 'control', control: 'mute-assistant' })).status, 200);
  const muted = await sim.admin('GET', `final/${call.id}`);
  assert.ok(said(muted.transcript) < said(final.transcript));
  assert.equal((await post(call, { type: 'control', control: 'unmute-assistant' })).status, 200);
  assert.ok(said((await sim.admin('GET', `final/${call.id}`)).transcript) > said(muted.transcript));
});

test('transfer forwards the call and ends it', async () => {
  const { call } = await connected();
  assert.equal((await post(call, { type: 'transfer', destination: { type: 'number', number: '13035550109' } })).status, 400);
  assert.equal((await post(call, { type: 'transfer', destination: { type: 'number', number: '+13035550109' } })).status, 200);
  assert.equal((await sim.read(`/call/${call.id}`)).status, 'forwarding');
  const final = await sim.admin('GET', `final/${call.id}`);
  assert.equal(final.endedReason, 'assistant-forwarded-call');
  assert.equal(final.destination.number, '+13035550109');
});

test('only the URL itself controls', async () => {
  const { call } = await connected();
  assert.equal((await sim.request('POST', `/_control/guess/${call.id}/control`, { key: null, body: { type: 'end-call' } })).status, 404);
  assert.equal((await post(call, { type: 'nonsense' })).status, 400);
  assert.equal((await sim.read(`/call/${call.id}`)).status, 'in-progress');
});

test('a recording is audio of the call\'s length, with ranges, behind a URL that expires', async () => {
  const call = (await sim.read('/call?limit=20')).find((c) => c.startedAt && Date.parse(c.endedAt) - Date.parse(c.startedAt) > 10000);
  const seconds = (Date.parse(call.endedAt) - Date.parse(call.startedAt)) / 1000;
  const locate = async (kind) => new URL((await sim.get(`/call/${call.id}/${kind}-recording`)).headers.get('location'));
  const fetchBytes = async (url, range) => {
    const response = await fetch(`${sim.url}${url.pathname}${url.search}`, { headers: range ? { Range: range } : {} });
    return { status: response.status, range: response.headers.get('content-range'), bytes: Buffer.from(await response.arrayBuffer()) };
  };
  const mono = await fetchBytes(await locate('mono'));
  assert.equal(mono.bytes.toString('latin1', 0, 4), 'RIFF');
  assert.equal(mono.bytes.readUInt32LE(40), mono.bytes.length - 44);
  assert.ok(Math.abs(mono.bytes.readUInt32LE(40) / 16000 - seconds) < 0.01);
  const stereo = await fetchBytes(await locate('stereo'));
  assert.equal(stereo.bytes.length - 44, 2 * (mono.bytes.length - 44));
  const customer = await fetchBytes(await locate('customer'));
  for (let i = 44; i + 1 < mono.bytes.length; i += 20002) assert.equal(stereo.bytes.readInt16LE(44 + (i - 44) * 2 + 2), customer.bytes.readInt16LE(i));
  const url = await locate('mono');
  for (const [range, from, to] of [['bytes=0-99', 0, 100], ['bytes=30-60', 30, 61], ['bytes=1001-5000', 1001, 5001], ['bytes=-7', mono.bytes.length - 7, mono.bytes.length]]) {
    const part = await fetchBytes(url, range);
    assert.equal(part.status, 206);
    assert.equal(part.range, `bytes ${from}-${to - 1}/${mono.bytes.length}`);
    assert.deepEqual(part.bytes, mono.bytes.subarray(from, to));
  }
  assert.equal((await fetchBytes(url, `bytes=${mono.bytes.length}-`)).status, 416);
  await sim.admin('POST', 'clock', { advanceMs: 1900000 });
  assert.equal((await fetchBytes(url)).status, 403);
});
