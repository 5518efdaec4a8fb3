/**
 * Bodies of Vapi's webhooks ("server messages"): everything under `message`, `message.call` as it was when the call was created.
 */
import { Random, mix } from './random.mjs';
import { join, slotValues } from './transcript.mjs';

const iso = (ms) => new Date(ms).toISOString();
const wordsOf = (text, names) => text.replace(/[\x80-\x82]/g, (slot) => names[slot.charCodeAt(0) - 0x80]);

/** An assistant as a message shows it. */
function shownAssistant(assistant) {
  const { isServerUrlSecretSet, orgId, createdAt, updatedAt, ...rest } = assistant;
  if (!rest.server?.secret) return rest;
  const { secret, ...server } = rest.server;
  return { ...rest, server };
}

/** A phone number as a message shows it: never with credentials. */
function shownNumber(number) {
  const { twilioAuthToken, twilioApiSecret, server, ...rest } = number;
  return rest;
}

/** What one message is made from. */
class Scene {
  constructor(sim, ordinal, event, sentAt, serial) {
    Object.assign(this, { sim, ordinal, event, sentAt, serial });
    this.view = sim.view(ordinal);
    this.names = slotValues(this.view.customer);
    this.conversation = this.view.plan.conversation;
    this.line = this.view.plan.line;
  }

  get turn() {
    return this.conversation.turns[this.event.turn];
  }

  text(turn) {
    return wordsOf(turn.text, this.names);
  }

  assistant() {
    const { extra } = this.view;
    // one that came with the call has no id
    const transient = this.sim.snapshot(this.ordinal).assistant ?? extra?.assistant;
    if (transient) return transient;
    if (extra?.assistantId) return shownAssistant(this.sim.account.assistants.find((a) => a.id === extra.assistantId) ?? this.member(0));
    // a call for which no assistant was found has none
    return this.line.assistantId || this.line.squadId ? shownAssistant(this.member(this.event.agent ?? 0)) : null;
  }

  member(index) {
    return this.line.apiAssistants[index] ?? this.line.apiAssistants[0];
  }

  /** The conversation so far: {messages, openai} as arrays. */
  spoken() {
    const { renderer } = this.sim;
    const { played } = this.view;
    if (!this.conversation || played.startedAt === null) return { messages: [], openai: [] };
    const prepared = renderer.prepared(this.conversation);
    const turns = this.event.turns ?? 0;
    const messages = JSON.parse(renderer.messages(this.line, { turns, startedAt: played.startedAt }, prepared, this.names));
    const openai = JSON.parse(`[${join(prepared, 'openai', turns, played.startedAt, this.names, ',')}]`);
    const prompt = renderer.prompts?.[this.line.index];
    if (prompt) openai.unshift({ role: 'system', content: JSON.parse(prompt) });
    return { messages, openai };
  }

  artifact() {
    const { messages, openai } = this.spoken();
    return { messages, messagesOpenAIFormatted: openai };
  }

  /** The call as GET shows it once it has ended, with what is known when the report is made. */
  ended() {
    const { renderer } = this.sim;
    const before = renderer.serial;
    renderer.serial = this.serial;
    const view = this.sim.finalView(this.ordinal);
    const { lateBy } = view.plan;
    if (lateBy && this.ordinal % 2) view.extra = { ...view.extra, costAdjust: (view.extra?.costAdjust ?? 0) - 0.0003 };
    else if (lateBy) view.unsettled = true;
    view.now = this.sentAt;
    const call = JSON.parse(renderer.call(view));
    // reports have presigned URLs, however little room the API's calls have
    if (call.artifact && !call.artifact.presignedUrlsExpiresAt) renderer.signMono(call.artifact, view);
    renderer.serial = before;
    return call;
  }
}

/** The tools of a message in Vapi's three lists. */
function toolLists({ event, view, sim }) {
  const calls = event.calls.map((call) => {
    const args = call.args ?? (call.name === 'book_follow_up'
      ? { phone: view.customer.number, dueAt: iso(event.at + call.days * 86400000), note: 'asked to be called again' }
      : { phone: view.customer.number });
    return { id: call.id, type: 'function', function: { name: call.name, arguments: event.asText ? JSON.stringify(args) : args } };
  });
  const tool = (call) => ({
    type: 'function',
    function: { name: call.function.name, parameters: { type: 'object', properties: {} }, description: `Calls ${call.function.name}.` },
    server: { url: sim.live.url ?? 'https://hooks.example.com/api/webhooks/vapi' },
    messages: [],
    toolCall: call,
  });
  return { toolCalls: calls, toolCallList: calls, toolWithToolCallList: calls.map(tool) };
}

function transfer(scene) {
  const { event, line } = scene;
  if (event.destination) return { destination: { type: 'number', number: event.destination, message: 'Connecting you now.' } };
  return {
    destination: { type: 'assistant', assistantName: line.members[event.to].name, message: '' },
    toAssistant: shownAssistant(scene.member(event.to)),
    fromAssistant: shownAssistant(scene.member(event.from)),
  };
}

function report(scene) {
  const call = scene.ended();
  const { played } = scene.view;
  const connected = played.startedAt !== null;
  const ms = connected ? played.endedAt - played.startedAt : 0;
  return {
    analysis: call.analysis ?? {},
    artifact: call.artifact ?? {},
    ...(connected ? { startedAt: call.startedAt, endedAt: call.endedAt } : {}),
    endedReason: played.reason,
    cost: call.cost,
    ...(call.costs ? { costBreakdown: call.costBreakdown, costs: call.costs } : {}),
    ...(connected ? { durationMs: ms, durationSeconds: ms / 1000, durationMinutes: Math.round(ms / 6) / 10000 } : {}),
    ...(call.destination ? { destination: call.destination } : {}),
    ...(call.summary !== undefined ? { summary: call.summary } : {}),
    ...(connected ? { transcript: call.transcript } : {}),
    ...(call.messages ? { messages: call.messages } : {}),
    ...(connected ? { recordingUrl: call.recordingUrl, ...(call.stereoRecordingUrl ? { stereoRecordingUrl: call.stereoRecordingUrl } : {}) } : {}),
  };
}

function statusUpdate(scene) {
  const { event, sim, view } = scene;
  return {
    status: event.status,
    ...(event.reason ? { endedReason: event.reason } : {}),
    ...(event.status === 'forwarding' && view.played.transfer ? { destination: view.played.transfer.destination } : {}),
    ...(sim.renderer.detail.messages ? { artifact: scene.artifact() } : {}),
  };
}

const conversationParts = (scene) => {
  const { messages, openai } = scene.spoken();
  return { messages, messagesOpenAIFormatted: openai };
};

/** type → what stands in the message beside what all have. */
const PARTS = {
  'assistant-request': () => ({}),
  'assistant.started': (scene) => ({ newAssistant: shownAssistant(scene.member(scene.event.agent ?? 0)) }),
  'conversation-update': (scene) => {
    const { messages, openai } = scene.spoken();
    return { conversation: openai, messages, messagesOpenAIFormatted: openai, artifact: { messages, messagesOpenAIFormatted: openai } };
  },
  'end-of-call-report': report,
  'handoff-destination-request': (scene) => ({ parameters: scene.event.parameters ?? {}, artifact: scene.artifact() }),
  hang: () => ({}),
  'knowledge-base-request': conversationParts,
  'model-output': (scene) => ({ output: { role: 'assistant', content: scene.text(scene.turn) }, turnId: `turn-${scene.event.turn}` }),
  'phone-call-control': ({ event, view }) => ({ request: event.request, ...(event.request === 'forward' && view.played.transfer ? { destination: view.played.transfer.destination } : {}) }),
  'speech-update': ({ event }) => ({ status: event.status, role: event.role, turn: event.turn }),
  'status-update': statusUpdate,
  'tool-calls': (scene) => ({ ...toolLists(scene), artifact: scene.artifact() }),
  'transfer-destination-request': (scene) => ({ artifact: scene.artifact() }),
  'transfer-update': transfer,
  transcript: (scene) => {
    const { event } = scene;
    const text = scene.text(scene.turn);
    const shown = event.words === undefined ? text : text.split(' ').slice(0, event.words).join(' ');
    return { role: event.role, transcriptType: event.transcriptType, transcript: shown, isFiltered: false, detectedThreats: [], originalTranscript: shown };
  },
  'user-interrupted': ({ event }) => ({ turnId: event.turnId }),
  'language-change-detected': ({ event }) => ({ language: event.language ?? 'es' }),
  'voice-input': (scene) => ({ input: scene.text(scene.turn) }),
  'assistant.speechStarted': (scene) => ({ text: scene.text(scene.turn), turn: scene.event.turn, source: 'model' }),
  'voice-request': (scene) => ({ text: 'One moment, please.', sampleRate: 24000 }),
  'call.endpointing.request': conversationParts,
  'call.deleted': () => ({}),
  'call.delete.failed': () => ({}),
  'call.artifact.upload': () => ({ artifacts: ['end-of-call-report', 'recording-mono', 'recording-stereo', 'log'].map((type, i) => ({ type, success: i < 3 })) }),
};

/** Types about a chat or a session, which have no call. */
function withoutCall(sim, event) {
  const random = new Random(sim.options.seed, event.type, event.at);
  const common = { orgId: sim.account.orgId, createdAt: iso(event.at), updatedAt: iso(event.at), assistantId: sim.account.assistants[0].id };
  if (event.type.startsWith('chat.')) return { chat: { id: random.uuid(), ...common, input: 'Hello', output: [{ role: 'assistant', content: 'Hello, how can I help?' }] } };
  return { session: { id: random.uuid(), ...common, status: event.type === 'session.deleted' ? 'completed' : 'active', messages: [] } };
}

/** The whole of campaign.predial: there is no call yet. */
function predial(sim, event) {
  const { customer, campaignId, contactId, at } = event;
  return {
    campaignId,
    contact: { id: contactId, campaignId, orgId: sim.account.orgId, number: customer.number, name: `${customer.first} ${customer.last}`, createdAt: iso(at - 3600000) },
  };
}

/** All message types that the simulator can make, of calls and others. */
export const MESSAGE_TYPES = [...Object.keys(PARTS), 'chat.created', 'chat.deleted', 'session.created', 'session.updated', 'session.deleted', 'campaign.predial'];

/**
 * The body of one delivery as an object. event: see timeline.mjs; sentAt: simulated time of the delivery, for presigned URLs;
 * copy: which delivery of the event this is, since Vapi makes new URLs for each.
 */
export function messageBody(sim, ordinal, event, { sentAt, copy = 0, type = event.type }) {
  const begin = { timestamp: event.at, type };
  if (event.type === 'campaign.predial') return { message: { ...begin, ...predial(sim, event) } };
  if (/^(chat|session)\./.test(event.type)) return { message: { ...begin, ...withoutCall(sim, event) } };
  const scene = new Scene(sim, ordinal, event, sentAt, mix(mix(ordinal, event.index ?? 0), copy + 1));
  const call = sim.snapshot(ordinal);
  const assistant = scene.assistant();
  const number = call.phoneNumberId && (sim.account.phoneNumbers.find((n) => n.id === call.phoneNumberId) ?? scene.line.phoneNumber);
  return {
    message: {
      ...begin,
      ...PARTS[event.type](scene),
      call,
      ...(number ? { phoneNumber: shownNumber(number) } : {}),
      ...(call.customer ? { customer: call.customer } : {}),
      ...(assistant && event.type !== 'assistant-request' ? { assistant } : {}),
      ...(call.assistantVersion ? { assistantVersion: call.assistantVersion } : {}),
      ...event.fields,
    },
  };
}
