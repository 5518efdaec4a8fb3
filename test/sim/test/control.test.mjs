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
