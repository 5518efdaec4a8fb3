/**
 * What the simulator answers, against Vapi's OpenAPI document. Needs the document and the package ajv; skipped without.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { OPENAPI, hasOpenApi, startSimulator } from './helpers.mjs';

const Ajv = await import('ajv').then((module) => module.default, () => null);
const skip = !Ajv ? 'skipped: package ajv is not installed' : !hasOpenApi ? 'skipped: no OpenAPI document' : false;
if (skip) console.log(`# schema: ${skip}`);

/**
 * OpenAPI 3.0 as JSON Schema: `nullable` becomes a type, `oneOf` becomes `anyOf` (a bot message also fits the schema of a user
 * message), texts that the document calls objects become texts, and what is no JSON Schema goes.
 */
function convert(node) {
  if (Array.isArray(node)) return node.map(convert);
  if (node === null || typeof node !== 'object') return node;
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') out.properties = Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, convert(schema)]));
    else if (key === 'oneOf') out.anyOf = convert(value);
    else if (key === 'enum') out.enum = value.length ? value : undefined;
    else if (!['example', 'examples', 'discriminator', 'deprecated', 'nullable', 'xml', 'externalDocs', 'title', 'description', 'default', 'pattern'].includes(key)) out[key] = convert(value);
  }
  if (out.enum === undefined) delete out.enum;
  if (out.type === 'object' && typeof out.enum?.[0] === 'string') out.type = 'string';
  if (node.nullable && typeof out.type === 'string') out.type = [out.type, 'null'];
  if (out.type === 'array' && out.enum) {
    out.items = { enum: out.enum };
    delete out.enum;
  }
  return out;
}

let sim;
let ajv;
before(async () => {
  if (skip) return;
  const document = JSON.parse(readFileSync(OPENAPI, 'utf8'));
  ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  for (const format of ['uuid', 'uri', 'date', 'time', 'duration', 'email', 'binary']) ajv.addFormat(format, true);
  ajv.addSchema({ $id: 'vapi', components: { schemas: convert(document.components.schemas) } });
  sim = await startSimulator({ calls: 1200, admin: true });
});
after(() => sim?.stop());

function validate(name, value, label) {
  const check = ajv.getSchema(`vapi#/components/schemas/${name}`);
  assert.ok(check, `schema ${name}`);
  assert.ok(check(value), `${name} ${label}: ${[...new Set(check.errors?.map((e) => `${e.instancePath} ${e.message}`))].slice(0, 12).join('; ')}`);
}

/** Vapi really sends assistantId null for squads and transient assistants, which its document does not allow. */
function documented(call) {
  const { assistantId, ...rest } = call;
  return assistantId === null ? rest : call;
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
