/**
 * Request bodies: which properties exist and how long they may be. Unknown properties are refused.
 */
import { ApiError } from './errors.mjs';

const ASSISTANT = [
  'transcriber', 'model', 'voice', 'firstMessage', 'firstMessageInterruptionsEnabled', 'firstMessageMode', 'voicemailDetection', 'clientMessages', 'serverMessages',
  'maxDurationSeconds', 'backgroundSound', 'modelOutputInMessagesEnabled', 'transportConfigurations', 'observabilityPlan', 'credentials', 'hooks', 'name', 'voicemailMessage',
  'endCallMessage', 'endCallPhrases', 'compliancePlan', 'metadata', 'backgroundSpeechDenoisingPlan', 'analysisPlan', 'artifactPlan', 'startSpeakingPlan', 'stopSpeakingPlan',
  'monitorPlan', 'credentialIds', 'server', 'keypadInputPlan',
];
const PHONE = ['fallbackDestination', 'hooks', 'provider', 'name', 'assistantId', 'workflowId', 'squadId', 'server'];

const SERVER_MESSAGES = [
  'assistant.started', 'assistant.speechStarted', 'conversation-update', 'end-of-call-report', 'function-call', 'hang', 'language-changed', 'language-change-detected',
  'model-output', 'phone-call-control', 'speech-update', 'status-update', 'transcript', 'transcript[transcriptType="final"]', 'tool-calls', 'transfer-destination-request',
  'handoff-destination-request', 'transfer-update', 'user-interrupted', 'voice-input', 'chat.created', 'chat.deleted', 'session.created', 'session.updated', 'session.deleted',
  'call.deleted', 'call.delete.failed', 'call.artifact.upload',
];

/** Body name → property → rule; a rule is {type, min?, max?, required?, body?: name of the rules for the object, among?: allowed elements}; min and max are of a text's length or of a number. */
const BODIES = {
  createCall: {
    assistantVersion: {}, transport: { type: 'object' }, customers: { type: 'array' }, name: { type: 'string', max: 40 }, schedulePlan: { type: 'object' }, assistantId: { type: 'string' },
    assistant: { type: 'object' }, assistantOverrides: { type: 'object' }, squadId: { type: 'string' }, squad: { type: 'object' }, squadOverrides: { type: 'object' }, workflowId: { type: 'string' },
    workflow: { type: 'object' }, workflowOverrides: { type: 'object' }, phoneNumberId: { type: 'string' }, phoneNumber: { type: 'object' }, customerId: { type: 'string' }, customer: { type: 'object' },
  },
  customer: {
    numberE164CheckEnabled: { type: 'boolean' }, extension: { type: 'string', max: 10 }, assistantOverrides: { type: 'object' }, squadOverrides: { type: 'object' }, number: { type: 'string', min: 3, max: 40 },
    sipUri: { type: 'string' }, name: { type: 'string', max: 40 }, email: { type: 'string', max: 40 }, externalId: { type: 'string', max: 40 },
  },
  updateCall: { name: { type: 'string', max: 40 } },
  deleteCall: { ids: { type: 'array' } },
  schedulePlan: { earliestAt: { type: 'string', required: true }, latestAt: { type: 'string' } },
  assistant: { ...Object.fromEntries(ASSISTANT.map((name) => [name, {}])), name: { type: 'string', max: 40 }, server: { type: 'object', body: 'server' }, serverMessages: { type: 'array', among: SERVER_MESSAGES } },
  // secret is not in the OpenAPI document but accepted, and never shown again
  server: {
    url: { type: 'string' }, timeoutSeconds: { type: 'number', min: 1, max: 300 }, credentialId: { type: 'string' }, staticIpAddressesEnabled: { type: 'boolean' }, encryptedPaths: { type: 'array' },
    headers: { type: 'object' }, backoffPlan: { type: 'object', body: 'backoffPlan' }, secret: { type: 'string' },
  },
  backoffPlan: {
    type: { type: 'string', required: true }, maxRetries: { type: 'number', min: 0, max: 10, required: true }, baseDelaySeconds: { type: 'number', min: 0, max: 10, required: true },
    excludedStatusCodes: { type: 'array' },
  },
  squad: { name: { type: 'string' }, members: { type: 'array', required: true }, membersOverrides: { type: 'object' } },
  phoneNumber: {
    ...Object.fromEntries([...PHONE, 'numberDesiredAreaCode', 'sipUri', 'authentication', 'numberE164CheckEnabled', 'number', 'credentialId', 'smsEnabled', 'twilioAccountSid', 'twilioAuthToken', 'twilioApiKey', 'twilioApiSecret'].map((name) => [name, {}])),
    name: { type: 'string', max: 40 }, server: { type: 'object', body: 'server' },
  },
};

const typeOf = (value) => (Array.isArray(value) ? 'array' : typeof value);

/** Complaints about a body, as class-validator words them; `path` goes before the property names. */
export function complaints(body, name, path = '') {
  const rules = BODIES[name];
  const list = [];
  for (const key of Object.keys(body)) {
    const rule = rules[key];
    if (!rule) {
      list.push(`${path}property ${key} should not exist`);
      continue;
    }
    const value = body[key];
    if (value === null || value === undefined) continue;
    if (rule.type && typeOf(value) !== rule.type) list.push(`${path}${key} must be ${rule.type === 'array' || rule.type === 'object' ? 'an' : 'a'} ${rule.type}`);
    else if (rule.body) list.push(...complaints(value, rule.body, `${path}${key}.`));
    else if (rule.among && value.some((element) => !rule.among.includes(element))) list.push(`each value in ${path}${key} must be one of the following values: ${rule.among.join(', ')}`);
    else if (rule.type === 'number' && value > rule.max) list.push(`${path}${key} must not be greater than ${rule.max}`);
    else if (rule.type === 'number' && value < rule.min) list.push(`${path}${key} must not be less than ${rule.min}`);
    else if (rule.max && value.length > rule.max) list.push(`${path}${key} must be shorter than or equal to ${rule.max} characters`);
    else if (rule.min && value.length < rule.min) list.push(`${path}${key} must be longer than or equal to ${rule.min} characters`);
  }
  for (const key in rules) if (rules[key].required && body[key] === undefined) list.push(`${path}${key} should not be empty`);
  return list;
}

/** Throws 400 with all complaints. */
export function checkBody(body, name) {
  if (body === null || typeOf(body) !== 'object') throw new ApiError(400, ['body must be an object']);
  const list = complaints(body, name);
  if (list.length) throw new ApiError(400, list);
}
