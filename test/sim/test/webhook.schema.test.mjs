/**
 * Bodies of webhooks against Vapi's OpenAPI document. Needs the document and the package ajv; skipped without.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MESSAGE_TYPES } from '../messages.mjs';
import { play } from './helpers.mjs';
import { complaint, documented, schemas, skip } from './openapi.mjs';

if (skip) console.log(`# webhook schema: ${skip}`);

/** Type → schema, where the name does not follow from the type. */
const NAMES = { 'assistant.speechStarted': 'AssistantSpeech', 'call.endpointing.request': 'CallEndpointingRequest', 'assistant.started': null };
const schemaOf = (type) => {
  if (type in NAMES) return NAMES[type] === null ? 'ClientMessageAssistantStarted' : `ServerMessage${NAMES[type]}`;
  return `ServerMessage${type.split(/[-.]/).map((word) => word[0].toUpperCase() + word.slice(1)).join('')}`;
};

/** What is real but not documented: arguments as an object. */
function asDocumented(message) {
  const text = ({ function: { arguments: args, ...more }, ...call }) => ({ ...call, function: { ...more, arguments: typeof args === 'string' ? args : JSON.stringify(args) } });
  const { call, toolCallList, toolWithToolCallList, ...rest } = message;
  return {
    ...rest,
    ...(call ? { call: documented(call) } : {}),
    ...(toolCallList ? { toolCallList: toolCallList.map(text), toolWithToolCallList: toolWithToolCallList.map((tool) => ({ ...tool, toolCall: text(tool.toolCall) })) } : {}),
  };
}

let ajv;
let played;
before(async () => {
  if (skip) return;
  ajv = schemas();
  played = await play({ calls: 1, bytes: 30000, 'live-calls': 60, 'server-messages': 'all', 'assistant-requests': true, predial: true, 'late-cost-share': 0.3 });
});
after(() => played?.stop());

test('the check itself can fail', { skip }, () => {
  const message = played.bodies.find((body) => body.message.type === 'status-update').message;
  assert.equal(complaint(ajv, 'ServerMessageStatusUpdate', asDocumented(message)), '');
  for (const wrong of [{ status: 'completed' }, { endedReason: 'because' }, { call: { id: 'x' } }, { artifact: { messages: 'none' } }]) {
    assert.notEqual(complaint(ajv, 'ServerMessageStatusUpdate', { ...asDocumented(message), ...wrong }), '', JSON.stringify(wrong));
  }
});

test('every message of played calls fits its schema', { skip }, () => {
  const seen = new Set();
  for (const { message } of played.bodies) {
    seen.add(message.type);
    assert.equal(complaint(ajv, schemaOf(message.type), asDocumented(message)), '', `${message.type} of ${message.call?.id}`);
  }
  for (const type of ['status-update', 'end-of-call-report', 'conversation-update', 'tool-calls', 'transcript', 'assistant-request', 'campaign.predial', 'transfer-update']) assert.ok(seen.has(type), type);
});

test('a message of every type can be emitted and fits its schema', { skip }, async () => {
  for (const type of MESSAGE_TYPES) {
    const { message } = await played.sim.admin('POST', 'emit', { type, ...(/^(chat|session|campaign)/.test(type) ? {} : { id: played.talked }) });
    assert.equal(message.type, type);
    assert.equal(complaint(ajv, schemaOf(type), asDocumented(message)), '', type);
  }
  assert.equal(MESSAGE_TYPES.length, 30, 'the 29 of the document and assistant.started');
});
