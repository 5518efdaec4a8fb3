/**
 * Live call control (--control): what is posted to monitor.controlUrl changes the played call from that moment on.
 */
import { createHmac } from 'node:crypto';
import { ApiError } from './errors.mjs';

const token = (sim, id) => `SIMSECRET${createHmac('sha256', `control ${sim.options.seed}`).update(id).digest('hex').slice(0, 32)}`;

/** The call's controlUrl on the simulator itself; undefined without --control. */
export function controlUrl(sim, id) {
  return sim.controlOrigin ? `${sim.controlOrigin}/_control/${token(sim, id)}/${id}/control` : undefined;
}

/** The part of a played call that lies before `now`, still going on. */
function before(played, now) {
  return { ...played, history: played.history.filter(([at]) => at <= now) };
}

function endAt(played, now, at, reason) {
  const past = before(played, now);
  return { ...past, history: [...past.history, [at, 'ended']], endedAt: at, reason };
}

/** How many turns have begun by a time. */
function begun(conversation, played, time) {
  let turns = 0;
  while (turns < conversation.turns.length && played.startedAt + conversation.turns[turns].at <= time) turns++;
  return turns;
}

function say(sim, ordinal, { content, endCallAfterSpoken }) {
  const { plan, played, now } = sim.view(ordinal);
  const at = now - played.startedAt;
  const spoken = 420 + content.length * 66;
  const turns = [...plan.conversation.turns];
  const position = begun(plan.conversation, played, now);
  turns.splice(position, 0, { who: 'bot', text: content, at, until: at + spoken, spoken, agent: 0 });
  const conversation = { ...plan.conversation, turns, prepared: undefined };
  const next = endCallAfterSpoken ? endAt(played, now, now + spoken + 600, 'assistant-ended-call-after-message-spoken') : { ...played };
  next.turns = endCallAfterSpoken ? position + 1 : played.turns + 1;
  next.endedAt = Math.max(next.endedAt, now + spoken);
  next.history = next.history.map(([time, status]) => [status === 'ended' ? next.endedAt : time, status]);
  sim.changeCall(ordinal, { plan: { ...plan, conversation }, played: next });
}

function mute(sim, ordinal, muted) {
  const view = sim.view(ordinal);
  const { plan, played, now, extra } = view;
  const all = extra.unmuted ?? plan.conversation.turns;
  const at = now - played.startedAt;
  const turns = muted ? plan.conversation.turns.filter((turn) => turn.at <= at || turn.who !== 'bot') : [...plan.conversation.turns.filter((turn) => turn.at <= at), ...all.filter((turn) => turn.at > at)];
  const conversation = { ...plan.conversation, turns, prepared: undefined };
  const count = begun(conversation, played, played.endedAt - 1);
  sim.changeCall(ordinal, { plan: { ...plan, conversation }, played: { ...played, turns: count }, unmuted: all });
}

function transfer(sim, ordinal, { destination }) {
  const { plan, played, now } = sim.view(ordinal);
  const next = endAt(played, now, now + 6000, 'assistant-forwarded-call');
  next.history.splice(-1, 0, [now, 'forwarding']);
  next.turns = begun(plan.conversation, played, now);
  next.transfer = { destination, mode: 'blind-transfer', status: 'completed' };
  sim.changeCall(ordinal, { played: next });
}

function endCall(sim, ordinal) {
  const { plan, played, now } = sim.view(ordinal);
  const next = endAt(played, now, now, 'manually-canceled');
  next.turns = played.startedAt !== null && played.startedAt <= now ? begun(plan.conversation, played, now) : 0;
  if (next.turns === 0 && played.startedAt > now) next.startedAt = null;
  sim.changeCall(ordinal, { played: next });
}

function perform(sim, ordinal, body) {
  const connected = sim.view(ordinal).played.startedAt !== null && sim.view(ordinal).played.startedAt <= sim.ticked;
  if (body.type === 'end-call') return endCall(sim, ordinal);
  if (!connected) throw new ApiError(400, 'The call is not connected yet.');
  if (body.type === 'say' && typeof body.content === 'string' && body.content !== '') return say(sim, ordinal, body);
  if (body.type === 'control' && ['mute-assistant', 'unmute-assistant'].includes(body.control)) return mute(sim, ordinal, body.control === 'mute-assistant');
  const { type, number, sipUri } = body.destination ?? {};
  if (body.type === 'transfer' && (type === 'number' ? /^\+[1-9]\d{6,14}$/.test(number) : type === 'sip' && /^sips?:/.test(sipUri))) return transfer(sim, ordinal, body);
  throw new ApiError(400, 'Invalid control message.');
}

/** POST to a controlUrl. */
export function postControl({ sim, params, body = {} }) {
  const [given, id] = params;
  const ordinal = sim.store.find(id);
  if (given !== token(sim, id) || ordinal < 0 || !sim.store.live.has(ordinal)) throw new ApiError(404, 'Not Found');
  perform(sim, ordinal, body);
  sim.controls.push({ at: new Date(sim.now()).toISOString(), callId: id, ...body });
  return { status: 200, value: {} };
}
