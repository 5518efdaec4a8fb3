/**
 * Plays one call: a small machine with a clock. What happens on the wire (nobody picks up, the customer hangs up, a provider
 * fails) goes in; the status history, the times and the reason of the end come out. Nothing is looked up in a list of reasons:
 * each reason is what the machine was doing when the call stopped.
 */

const RING_TIMEOUT = 30000;
const SILENCE_TIMEOUT = 30000;

class Machine {
  constructor(createdAt) {
    this.createdAt = createdAt;
    this.clock = createdAt;
    this.history = [];
    this.startedAt = null;
    this.endedAt = null;
    this.reason = null;
    this.turns = 0;
    this.transfer = null;
    this.sip = null;
  }

  enter(status) {
    this.history.push([this.clock, status]);
  }

  wait(ms) {
    this.clock += ms;
  }

  connect() {
    this.startedAt = this.clock;
    this.enter('in-progress');
  }

  end(reason) {
    this.reason = reason;
    this.endedAt = this.clock;
    this.enter('ended');
    return this;
  }
}

/** What the far end does while we dial out. Returns true when somebody or something picked up. */
function dial(machine, wire) {
  machine.wait(wire.queueMs);
  if (wire.refusal) {
    machine.end(`call.start.error-${wire.refusal}`);
    return false;
  }
  machine.wait(wire.dialMs);
  if (wire.far === 'unreachable') {
    machine.wait(wire.ringMs);
    machine.sip = { sipStatus: 480, sipReason: 'Temporarily unavailable' };
    machine.end('call.in-progress.error-sip-outbound-call-failed-to-connect');
    return false;
  }
  if (wire.far === 'rejecting') {
    const [code, text] = wire.rejection;
    machine.sip = { sipStatus: code, sipReason: text };
    machine.end(`call.in-progress.error-providerfault-outbound-sip-${code}-${text.toLowerCase().replaceAll(' ', '-')}`);
    return false;
  }
  machine.enter('ringing');
  if (wire.far === 'busy') {
    machine.wait(Math.min(wire.ringMs, 2500));
    machine.end('customer-busy');
    return false;
  }
  if (wire.far === 'misdialed') {
    machine.wait(Math.min(wire.ringMs, 1500));
    machine.end('twilio-reported-customer-misdialed');
    return false;
  }
  if (wire.far === 'nobody') {
    machine.wait(RING_TIMEOUT);
    machine.end('customer-did-not-answer');
    return false;
  }
  machine.wait(Math.min(wire.ringMs, RING_TIMEOUT - 1000));
  return true;
}

/** An incoming call or a browser that joins. Returns true when audio flows. */
function join(machine, wire) {
  machine.wait(wire.queueMs);
  if (wire.type === 'inboundPhoneCall') {
    machine.enter('ringing');
    machine.wait(Math.min(wire.ringMs, 2500));
    if (wire.far === 'gone') {
      machine.end('call.ringing.sip-inbound-caller-hungup-before-call-connect');
      return false;
    }
  } else if (wire.far === 'no-microphone') {
    machine.wait(wire.ringMs);
    machine.end('customer-did-not-give-microphone-permission');
    return false;
  }
  if (wire.refusal) {
    machine.end(`call.start.error-${wire.refusal}`);
    return false;
  }
  return true;
}

/** The last stop of a conversation: [time from start, reason]. */
function naturalEnd(machine, wire, conversation) {
  const { by } = conversation.ending;
  const talked = conversation.talkEnd;
  if (by === 'customer') return [talked + wire.afterMs, 'customer-ended-call'];
  if (by === 'tool') return [talked + 400, 'assistant-ended-call'];
  if (by === 'phrase') return [talked + 250, 'assistant-said-end-call-phrase'];
  if (by === 'message') return [talked + 600, 'assistant-ended-call-after-message-spoken'];
  if (by === 'voicemail') return [talked + 300, 'voicemail'];
  if (by === 'silence') {
    const lastUser = conversation.turns.findLast((t) => t.who === 'user');
    return [Math.max((lastUser?.until ?? 0) + SILENCE_TIMEOUT, talked + 200), 'silence-timed-out'];
  }
  return [Infinity, null];
}

function forward(machine, wire, number) {
  machine.enter('forwarding');
  const destination = { type: 'number', number, message: 'Connecting you now.' };
  if (wire.transfer === 'connected') {
    machine.wait(6000);
    machine.transfer = { destination, mode: 'blind-transfer', status: 'completed' };
    return machine.end('assistant-forwarded-call');
  }
  if (wire.transfer === 'impatient') {
    machine.wait(9000);
    machine.transfer = { destination, mode: 'warm-transfer-say-summary', status: 'cancelled' };
    return machine.end('customer-ended-call-during-transfer');
  }
  machine.wait(wire.transfer === 'busy' ? 3000 : 25000);
  machine.transfer = { destination, mode: 'blind-transfer', status: wire.transfer };
  return machine.end(`call.forwarding.${wire.transfer === 'busy' ? 'operator-busy' : 'no-answer'}`);
}

/** The faults that can break a conversation, by who is to blame. */
function faultReason({ fault, part, detail }) {
  return `call.in-progress.error-${fault}fault-${part}-${detail}`;
}

/**
 * Plays a call created at `createdAt` (epoch ms).
 * wire: {type, queueMs, dialMs, ringMs, afterMs, far, refusal?, rejection?, fault? {at, fault, part, detail}, patienceMs?, transfer?,
 *        cancelMs?, maxDurationMs, answerTimeoutMs?}; conversation: see conversation.mjs, null when nobody is there.
 * Returns {history: [[ms, status]…], startedAt, endedAt, reason, turns, transfer, sip}; startedAt is null when the call never
 * connected; endedAt is then the internal end, which the API does not show.
 */
export function playCall(createdAt, wire, conversation) {
  const machine = new Machine(createdAt);
  machine.enter('queued');
  const reached = wire.type === 'outboundPhoneCall' ? dial(machine, wire) : join(machine, wire);
  if (!reached) return machine;
  machine.connect();

  const start = machine.clock;
  const stops = [naturalEnd(machine, wire, conversation), [wire.maxDurationMs, 'exceeded-max-duration']];
  if (wire.answerTimeoutMs) stops.push([wire.answerTimeoutMs, 'customer-did-not-answer']);
  if (wire.patienceMs) stops.push([wire.patienceMs, 'customer-ended-call']);
  if (wire.cancelMs) stops.push([wire.cancelMs, 'manually-canceled']);
  if (wire.fault) stops.push([wire.fault.at, faultReason(wire.fault)]);
  if (conversation.ending.by === 'transfer') stops.push([conversation.talkEnd + 50, 'transfer']);
  let stop = stops[0];
  for (const candidate of stops) if (candidate[0] < stop[0]) stop = candidate;

  machine.turns = conversation.turns.length;
  while (machine.turns > 0 && conversation.turns[machine.turns - 1].at >= stop[0]) machine.turns--;
  machine.clock = start + Math.round(stop[0]);
  if (stop[1] === 'transfer') return forward(machine, wire, '+13035550109');
  return machine.end(stop[1]);
}
