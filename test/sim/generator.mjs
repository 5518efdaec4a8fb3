/**
 * Decides what each call is: line, customer, what happens on the wire, which conversation. All from seed and ordinal,
 * so that nothing but the ordinal and a few numbers is kept per call.
 */
import { denverOffset } from './calendar.mjs';
import { CITIES, COMPANIES, CUSTOMER_NUMBERS, FIRST_NAMES, LAST_NAMES, STREETS, customerNumber } from './catalog/people.mjs';
import { TRADES } from './catalog/trades.mjs';
import { writeConversation } from './conversation.mjs';
import { Random, mix } from './random.mjs';
import { playCall } from './play.mjs';

const TRADE_KEYS = Object.keys(TRADES);
const VARIANTS = 12;

const FAULTS = [
  { fault: 'vapi', part: 'worker', detail: 'died' },
  { fault: 'vapi', part: 'deepgram', detail: 'transcriber-failed' },
  { fault: 'vapi', part: 'eleven-labs', detail: 'quota-exceeded' },
  { fault: 'provider', part: 'openai', detail: 'llm-failed' },
  { fault: 'provider', part: 'openai', detail: '503-server-overloaded-error' },
  { fault: 'provider', part: 'deepgram', detail: 'returning-502-network-error' },
  { fault: 'provider', part: 'eleven-labs', detail: '500-server-error' },
];
const REJECTIONS = [[503, 'Service unavailable'], [480, 'Temporarily unavailable'], [403, 'Forbidden'], [408, 'Request timeout']];
const REFUSALS = ['subscription-insufficient-credits', 'subscription-concurrency-limit-reached', 'vapi-number-outbound-daily-limit'];

/** Weights of what happens when we dial out, and when somebody calls or joins. */
const OUTBOUND_WIRE = { talk: 60, machine: 15, nobody: 3.6, announcement: 3.6, unreachable: 6.4, busy: 3, rejecting: 1.1, misdialed: 0.3, refused: 0.7, silent: 6.5 };
const JOINED_WIRE = { talk: 84, silent: 6, gone: 3.4, refused: 0.4 };

/** Weights of the kinds of conversation. */
const OUTBOUND_TALK = { booked: 15, persuaded: 9, followUp: 20, callback: 10, declined: 23, doNotCall: 4, wrongNumber: 4, hungUp: 9, transfer: 5, endless: 1.6 };
const JOINED_TALK = { booked: 28, persuaded: 9, followUp: 17, declined: 9, hungUp: 5, transfer: 8, service: 20, endless: 1.5 };

export class Generator {
  /** options: {seed, calls, short}; account: see account.mjs. */
  constructor({ seed, calls, short }, account) {
    this.seed = seed;
    this.short = short;
    this.account = account;
    this.conversations = new Map();
    this.customersPerTrade = Math.max(8, Math.min(Math.ceil((calls * 0.42) / TRADE_KEYS.length), Math.floor(CUSTOMER_NUMBERS / TRADE_KEYS.length)));
    this.lineWeights = Object.fromEntries(account.lines.map((line) => [line.index, line.weight]));
  }

  /** A conversation from the pool, written when it is first needed. */
  conversation(line, kind, variant) {
    const key = (line.index * 32 + variant) * 100 + kindIndex(kind);
    let found = this.conversations.get(key);
    if (!found) {
      found = writeConversation(kind, line, new Random(this.seed, `${line.key}/${kind}`, variant), this.short);
      found.line = line;
      this.conversations.set(key, found);
    }
    return found;
  }

  /** A person: the same index is always the same customer. */
  customer(index) {
    const h = mix(this.seed ^ 0x3c6ef372, index);
    const h2 = mix(h, 17);
    return {
      index,
      first: FIRST_NAMES[h % FIRST_NAMES.length],
      last: LAST_NAMES[(h >>> 8) % LAST_NAMES.length],
      city: CITIES[(h >>> 16) % CITIES.length],
      company: COMPANIES[h2 % COMPANIES.length],
      street: `${100 + (h2 % 900)} ${STREETS[(h2 >>> 10) % STREETS.length]}`,
      number: customerNumber(index),
    };
  }

  /** What a call is going to be; `given` replaces parts of it for calls that a client created. */
  plan(ordinal, createdAt, given = null) {
    const random = new Random(this.seed, 'call', ordinal);
    const lineIndex = Number(random.weighted(this.lineWeights));
    const line = given?.line ?? this.account.lines[lineIndex];
    const outbound = line.type === 'outboundPhoneCall';
    const tradeIndex = TRADE_KEYS.indexOf(line.trade.key);
    const spread = random.next();
    const customerIndex = tradeIndex + TRADE_KEYS.length * Math.floor(spread * spread ** 0.3 * this.customersPerTrade);

    const wire = {
      type: line.type,
      queueMs: random.between(90, 700),
      dialMs: random.between(300, 1200),
      ringMs: random.between(2500, 14000),
      afterMs: random.between(300, 2600),
      far: 'human',
      maxDurationMs: 600000,
    };
    const event = random.weighted(outbound ? OUTBOUND_WIRE : JOINED_WIRE);
    let kind = null;
    if (event === 'talk') kind = random.weighted(this.talkWeights(line, createdAt, outbound));
    else if (event === 'silent') kind = 'silent';
    else if (event === 'machine') kind = 'voicemail';
    else if (event === 'announcement') {
      kind = 'announcement';
      wire.answerTimeoutMs = 30000 + random.between(0, 80);
    } else if (event === 'refused') wire.refusal = random.pick(REFUSALS);
    else if (event === 'gone') wire.far = line.type === 'inboundPhoneCall' ? 'gone' : 'no-microphone';
    else wire.far = event;
    if (event === 'rejecting') wire.rejection = random.pick(REJECTIONS);
    const conversation = kind === null ? null : this.conversation(line, kind, random.between(0, VARIANTS - 1));
    if (event === 'talk') {
      const trouble = random.next();
      if (trouble < 0.03) wire.fault = { at: Math.floor(conversation.talkEnd * random.next()) + 500, ...random.pick(FAULTS) };
      else if (trouble < 0.08) wire.patienceMs = Math.floor(conversation.talkEnd * (0.3 + random.next() * 0.7));
      else if (trouble < 0.084) wire.cancelMs = Math.floor(conversation.talkEnd * random.next()) + 1000;
      wire.transfer = random.weighted({ connected: 7, busy: 1, 'no-answer': 1.5, impatient: 0.7 });
    }
    return { ordinal, createdAt, line, wire, kind, conversation, customerIndex, settleMs: 3400 + random.between(0, 3600), lead: random.chance(0.45), tail: random.word() };
  }

  /** Success depends on the script, on the hour and a little on the season. */
  talkWeights(line, createdAt, outbound) {
    const base = outbound ? OUTBOUND_TALK : JOINED_TALK;
    const local = new Date(createdAt + denverOffset(createdAt));
    const hour = local.getUTCHours();
    const hourFactor = hour >= 16 && hour <= 19 ? 1.35 : hour < 10 ? 0.75 : 1;
    const season = 1 + 0.15 * Math.sin((local.getUTCMonth() / 12) * 2 * Math.PI);
    const factor = line.members[0].luck * hourFactor * season;
    const weights = { ...base, booked: base.booked * factor, persuaded: base.persuaded * factor };
    if (line.type !== 'outboundPhoneCall' && line.type !== 'inboundPhoneCall') weights.transfer = 0;
    return weights;
  }

  /** Plays the call of a plan. */
  play(plan) {
    return playCall(plan.createdAt, plan.wire, plan.conversation);
  }
}

const KIND_INDEX = new Map();
function kindIndex(kind) {
  if (!KIND_INDEX.has(kind)) KIND_INDEX.set(kind, KIND_INDEX.size);
  return KIND_INDEX.get(kind);
}
