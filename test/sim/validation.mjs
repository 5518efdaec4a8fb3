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

/** Body name → property → rule; a rule is {type, max?, each?}. */
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
  assistant: { ...Object.fromEntries(ASSISTANT.map((name) => [name, {}])), name: { type: 'string', max: 40 }, server: { type: 'object' }, serverMessages: { type: 'array' } },
  squad: { name: { type: 'string' }, members: { type: 'array', required: true }, membersOverrides: { type: 'object' } },
  phoneNumber: {
    ...Object.fromEntries([...PHONE, 'numberDesiredAreaCode', 'sipUri', 'authentication', 'numberE164CheckEnabled', 'number', 'credentialId', 'smsEnabled', 'twilioAccountSid', 'twilioAuthToken', 'twilioApiKey', 'twilioApiSecret'].map((name) => [name, {}])),
    name: { type: 'string', max: 40 }, server: { type: 'object' },
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
