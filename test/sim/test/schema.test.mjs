/**
 * What the simulator answers, against Vapi's OpenAPI document. Needs the document and the package ajv; skipped without.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSimulator } from './helpers.mjs';
import { complaint, documented, schemas, skip } from './openapi.mjs';

if (skip) console.log(`# schema: ${skip}`);

let sim;
let ajv;
before(async () => {
  if (skip) return;
  ajv = schemas();
  sim = await startSimulator({ calls: 1200, admin: true });
});
after(() => sim?.stop());

function validate(name, value, label) {
  assert.equal(complaint(ajv, name, value), '', `${name} ${label}`);
}

test('the check itself can fail', { skip }, () => {
  const check = ajv.getSchema('vapi#/components/schemas/Call');
  const call = { id: 'x', orgId: 'y', createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z' };
  assert.ok(check(call));
  for (const wrong of [{ status: 'completed' }, { endedReason: 'because' }, { cost: '1' }, { createdAt: 'today' }, { costs: [{ type: 'tea' }] }]) assert.ok(!check({ ...call, ...wrong }), JSON.stringify(wrong));
});

test('calls fit schema Call', { skip }, async () => {
  for (const call of await sim.walk({ limit: 200 })) validate('Call', documented(call), call.id);
});

test('assistants, squads and phone numbers fit their schemas', { skip }, async () => {
  for (const assistant of await sim.read('/assistant')) validate('Assistant', assistant, assistant.name);
  for (const squad of await sim.read('/squad')) validate('Squad', squad, squad.name);
  const schemas = { vapi: 'VapiPhoneNumber', twilio: 'TwilioPhoneNumber', telnyx: 'TelnyxPhoneNumber', 'byo-phone-number': 'ByoPhoneNumber' };
  for (const number of await sim.read('/phone-number')) validate(schemas[number.provider], number, number.name);
});

test('answers of POST, PATCH and analytics fit their schemas', { skip }, async () => {
  const [assistant] = await sim.read('/assistant');
  const [number] = await sim.read('/phone-number');
  const base = { assistantId: assistant.id, phoneNumberId: number.id };
  const request = { ...base, customer: { number: '+13035550142' } };
  validate('CreateCallDTO', request, 'request');
  const single = await sim.request('POST', '/call', { body: request });
  validate('Call', documented(single.body), 'POST /call');
  validate('SubscriptionLimits', single.body.subscriptionLimits, 'limits');
  const batch = await sim.request('POST', '/call', { body: { ...base, customers: [{ number: '+13035550143' }, { number: '12345' }] } });
  validate('CallBatchResponse', batch.body, 'batch');
  validate('Call', documented((await sim.request('PATCH', `/call/${single.body.id}`, { body: { name: 'n' } })).body), 'PATCH /call');
  await sim.admin('POST', 'clock', { advanceMs: 3600000 });
  validate('Call', documented(await sim.read(`/call/${single.body.id}`)), 'ended call');
  const analytics = await sim.request('POST', '/analytics', { body: { queries: [{ name: 'n', table: 'call', operations: [{ operation: 'count', column: 'id' }], timeRange: { step: 'day' } }] } });
  for (const result of analytics.body) validate('AnalyticsQueryResult', result, 'analytics');
});
