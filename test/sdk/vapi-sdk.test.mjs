/**
 * Vapi's official SDK against the simulator. Needs the package @vapi-ai/server-sdk; skipped without.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KEY, startSimulator } from '../sim/test/helpers.mjs';

const sdk = await import('@vapi-ai/server-sdk').catch(() => null);
const skip = sdk ? false : 'skipped: package @vapi-ai/server-sdk is not installed';
if (skip) console.log(`# sdk: ${skip}`);

let sim;
let client;
before(async () => {
  if (skip) return;
  sim = await startSimulator({ calls: 250 });
  client = new sdk.VapiClient({ token: KEY, environment: sim.url, maxRetries: 0 });
});
after(() => sim?.stop());

test('list: default page, limit, and time filters', { skip }, async () => {
  const page = await client.calls.list();
  assert.equal(page.length, 100);
  const rest = await client.calls.list({ limit: 1000, createdAtLt: page.at(-1).createdAt });
  assert.equal(page.length + rest.length, 250);
  const newest = await client.calls.list({ limit: 1 });
  assert.equal(newest[0].id, page[0].id);
});

test('get: a call, a missing call, a wrong key', { skip }, async () => {
  const [call] = await client.calls.list({ limit: 1 });
  const one = await client.calls.get({ id: call.id });
  assert.equal(one.id, call.id);
  assert.equal(one.status, 'ended');
  await assert.rejects(client.calls.get({ id: '00000000-0000-7000-8000-000000000000' }), (error) => error.statusCode === 404);
  const stranger = new sdk.VapiClient({ token: 'wrong', environment: sim.url, maxRetries: 0 });
  await assert.rejects(stranger.calls.list(), (error) => error.statusCode === 401 && /Invalid Key/.test(JSON.stringify(error.body)));
});

test('create: one call and a batch', { skip }, async () => {
  const [assistant] = await client.assistants.list();
  const [number] = await client.phoneNumbers.list();
  const base = { assistantId: assistant.id, phoneNumberId: number.id };
  const call = await client.calls.create({ ...base, customer: { number: '+13035550142' } });
  assert.equal(call.status, 'queued');
  assert.equal((await client.calls.get({ id: call.id })).id, call.id);
  const batch = await client.calls.create({ ...base, customers: [{ number: '+13035550143' }] });
  assert.equal(batch.results.length, 1);
  assert.deepEqual(batch.errors, []);
});
