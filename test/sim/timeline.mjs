/**
 * What Vapi tells a server about one call, and when: derived from the played call alone, before any delivery.
 */
import { Random } from './random.mjs';

/** What an assistant without `serverMessages` sends. */
export const DEFAULT_MESSAGES = [
  'conversation-update', 'end-of-call-report', 'function-call', 'hang', 'speech-update', 'status-update', 'tool-calls', 'transfer-destination-request',
  'handoff-destination-request', 'user-interrupted', 'assistant.started',
];

/** Types that no selector turns off: Vapi cannot go on without their answer. */
const ALWAYS = ['assistant-request', 'campaign.predial', 'call.deleted', 'call.delete.failed'];
export const FINAL_TRANSCRIPT = 'transcript[transcriptType="final"]';

/** The type under which a message goes out to a server that selected `selected`, null when it does not. */
export function sentAs(event, selected) {
  if (ALWAYS.includes(event.type) || selected === null || selected.includes(event.type)) return event.type;
  if (event.type === 'transcript' && event.transcriptType === 'final' && selected.includes(FINAL_TRANSCRIPT)) return FINAL_TRANSCRIPT;
  return null;
}

class Timeline {
  constructor(random) {
    this.random = random;
    this.events = [];
  }

  add(at, type, fields) {
    this.events.push({ at: Math.round(at), type, ...fields });
  }
}

/** Partial transcripts of a turn: ever longer beginnings of it. */
function partials(timeline, turn, base, fields) {
  const words = turn.text.split(' ');
  const count = Math.min(3, Math.floor(words.length / 4));
  for (let k = 1; k <= count; k++) {
    const share = k / (count + 1);
    timeline.add(base + turn.at + (turn.until - turn.at) * share, 'transcript', { ...fields, transcriptType: 'partial', words: Math.ceil(words.length * share) });
  }
}

function speech(timeline, conversation, index, base, end) {
  const { random } = timeline;
  const turn = conversation.turns[index];
  const bot = turn.who === 'bot';
  const role = bot ? 'assistant' : 'user';
  const fields = { role, turn: index, turns: index, agent: turn.agent };
  const begin = base + turn.at;
  const stop = Math.min(base + turn.until, end - 1);
  const done = { ...fields, turns: index + 1 };
  if (bot) {
    if (random.chance(0.02)) timeline.add(begin - 200, 'hang', fields);
    timeline.add(begin - 120, 'model-output', fields);
    timeline.add(begin - 60, 'voice-input', fields);
    timeline.add(begin, 'assistant.speechStarted', fields);
  }
  timeline.add(begin, 'speech-update', { ...fields, status: 'started' });
  if (!bot) partials(timeline, turn, base, fields);
  timeline.add(stop, 'speech-update', { ...done, status: 'stopped' });
  timeline.add(stop + 1, 'transcript', { ...done, transcriptType: 'final' });
  timeline.add(stop + 90 + random.between(0, 120), 'conversation-update', done);
  const next = conversation.turns[index + 1];
  if (bot && next?.who === 'user' && random.chance(0.06)) timeline.add(base + next.at, 'user-interrupted', { ...done, turnId: random.uuid() });
}

/** A tool that the model calls: functions go to the server, hand-overs and transfers tell of themselves. */
function toolCall(timeline, line, turn, index, base) {
  const { random } = timeline;
  const at = base + turn.at;
  const fields = { turns: index, agent: turn.agent };
  if (turn.name === 'handoff_to_assistant') {
    if (random.chance(0.5)) timeline.add(at, 'handoff-destination-request', { ...fields, parameters: { destination: line.members[1].name } });
    timeline.add(at + 90, 'transfer-update', { ...fields, from: turn.agent, to: 1 });
    timeline.add(at + 120, 'assistant.started', { ...fields, agent: 1 });
    return;
  }
  if (turn.name === 'transferCall') {
    if (random.chance(0.5)) timeline.add(at, 'transfer-destination-request', fields);
    timeline.add(at + 90, 'transfer-update', { ...fields, destination: turn.args.destination });
    return;
  }
  const calls = [{ id: turn.id, name: turn.name, args: turn.args }];
  if (random.chance(0.4)) calls.push({ id: `call_${random.hex(24)}`, name: 'lookup_prospect', args: null });
  timeline.add(at, 'tool-calls', { ...fields, calls, asText: random.chance(0.5) });
}

function conversationEvents(timeline, plan, played) {
  const { conversation, line } = plan;
  const { random } = timeline;
  const base = played.startedAt;
  const end = played.endedAt;
  timeline.add(base + 40, 'assistant.started', { turns: 0, agent: 0 });
  for (let i = 0; i < played.turns; i++) {
    const turn = conversation.turns[i];
    if (turn.who === 'call') toolCall(timeline, line, turn, i, base);
    else if (turn.who !== 'result') speech(timeline, conversation, i, base, end);
  }
  const heard = conversation.turns.findIndex((turn) => turn.who === 'user');
  if (heard >= 0 && heard < played.turns && random.chance(0.03)) timeline.add(base + conversation.turns[heard].until, 'language-change-detected', { turns: heard + 1, agent: 0, language: 'es' });
  const promised = conversation.facts.find((fact) => fact.key === 'followUp' && fact.turn <= played.turns);
  if (promised && promised.turn > 0) {
    const turn = conversation.turns[promised.turn - 1];
    timeline.add(base + turn.until + 150, 'tool-calls', {
      turns: promised.turn, agent: turn.agent, asText: random.chance(0.5),
      calls: [{ id: `call_${random.hex(24)}`, name: 'book_follow_up', args: null, days: random.between(1, 5) }],
    });
  }
}

/**
 * The messages of a call in the order of their times: [{at, type, …}]. `turns` says how many turns the conversation had by
 * then, `agent` who of a squad speaks. The report comes 3 to 5 s after the end, the status "ended" a little before or after
 * it, for some calls that never connected not at all.
 */
export function timeline(seed, plan, played) {
  const random = new Random(seed, 'timeline', plan.ordinal);
  const list = new Timeline(random);
  const reportAt = played.endedAt + random.between(3000, 5000);
  const connected = played.startedAt !== null;
  for (const [at, status] of played.history) {
    const turns = connected && at > played.startedAt ? played.turns : 0;
    if (status !== 'ended') {
      list.add(at + random.between(10, 250), 'status-update', { status, turns, agent: 0 });
    } else if (connected || random.chance(0.8)) {
      list.add(reportAt + random.between(-400, 400), 'status-update', { status, turns, agent: 0, reason: random.chance(0.85) ? played.reason : null });
    }
    if (status === 'forwarding') list.add(at, 'phone-call-control', { request: 'forward', turns, agent: 0 });
  }
  if (connected) conversationEvents(list, plan, played);
  if (/^assistant-(ended|said)/.test(played.reason)) list.add(played.endedAt, 'phone-call-control', { request: 'hang-up', turns: played.turns, agent: 0 });
  list.add(reportAt, 'end-of-call-report', { turns: played.turns, agent: 0 });
  if (connected) list.add(reportAt + random.between(2000, 6000), 'call.artifact.upload', { turns: played.turns, agent: 0 });
  list.events.sort((a, b) => a.at - b.at);
  return list.events;
}
