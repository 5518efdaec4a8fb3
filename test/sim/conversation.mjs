/**
 * Writes conversations: who says what, how long it takes, and which facts the customer reveals at which turn.
 *
 * A conversation is {turns, facts, ending}: turns are {who: bot|user|call|result, text, at, until, agent} with times in ms
 * from the start of the call; ending says who closes the call and how. The names of the customer and the city stay
 * placeholders (see TEXT_SLOTS), so that one conversation serves many calls.
 */
import { ANNOUNCEMENT, ANSWERS, ACKNOWLEDGE, BOOKING, CALLBACK, DECLINE, DO_NOT_CALL, FILLER, FOLLOW_UP, SERVICE, SILENCE, SLOTS, SMALL_TALK, TRANSFER, VOICEMAIL, WRONG_NUMBER } from './catalog/phrases.mjs';

/** Placeholders that only a call can fill, as single characters that JSON leaves alone. */
export const TEXT_SLOTS = { '{first}': '\x80', '{city}': '\x81', '{company}': '\x82' };

class Script {
  constructor(line, random, short) {
    this.line = line;
    this.trade = line.trade;
    this.random = random;
    this.short = short;
    this.clock = 900 + random.between(0, 1200);
    this.turns = [];
    this.facts = [];
    this.agent = 0;
    this.interrupted = 0;
    this.words = {
      '{expert}': this.trade.expert,
      '{visit}': this.trade.visit,
      '{tradeCompany}': this.trade.company,
      '{day}': random.pick(SLOTS)[0],
    };
  }

  fill(text) {
    return text.replace(/\{\w+\}/g, (name) => {
      if (name === '{agent}') return this.line.agents[this.agent];
      return this.words[name] ?? TEXT_SLOTS[name] ?? name;
    });
  }

  say(who, choices, extra) {
    const text = this.fill(Array.isArray(choices) ? this.random.pick(choices) : choices);
    const overlap = who === 'bot' && this.random.chance(0.06);
    const gap = overlap ? -this.random.between(60, 400) : who === 'bot' ? this.random.between(550, 2100) : this.random.between(180, 1500);
    const at = Math.max(this.clock + gap, 200);
    const spoken = 420 + Math.round(text.length * (who === 'bot' ? 66 : 72) * (0.85 + this.random.next() * 0.3));
    const until = at + spoken + this.random.between(0, 900);
    if (overlap) this.interrupted++;
    this.turns.push({ who, text, at, until, spoken, agent: this.agent, ...extra });
    this.clock = until;
  }

  bot(choices, extra) {
    this.say('bot', choices, extra);
  }

  user(choices, extra) {
    this.say('user', choices, extra);
  }

  /** The customer answers; the answer reveals a fact. */
  reveal(key, [text, value], extra) {
    this.user(text);
    this.facts.push({ turn: this.turns.length, key, value, ...extra });
  }

  fact(key, value) {
    this.facts.push({ turn: this.turns.length, key, value });
  }

  tool(name, args, result) {
    const id = `call_${this.random.hex(24)}`;
    this.turns.push({ who: 'call', name, args, id, at: this.clock + 60, until: this.clock + 60, agent: this.agent, text: '' });
    const took = this.random.between(250, 1400);
    this.turns.push({ who: 'result', name, result, id, at: this.clock + 60 + took, until: this.clock + 60 + took, agent: this.agent, text: '' });
    this.clock += 60 + took;
  }

  /** Greeting and the customer's first answer. */
  open(mood) {
    const inbound = this.line.type !== 'outboundPhoneCall';
    if (inbound) {
      this.bot(this.trade.opening.inbound);
      this.user(this.trade.reason);
    } else {
      if (this.random.chance(0.35)) this.user(['Hello?', 'Yes?', 'Hello, who is calling?']);
      this.bot(this.trade.opening.outbound);
      this.user(ANSWERS[mood]);
    }
    this.fact('reached', true);
  }

  ask(question, mood, key) {
    this.bot(question.ask);
    if (!this.short && this.random.chance(0.12)) {
      this.user(FILLER);
      this.bot(['Take your time.', 'Of course.', 'Sure.']);
    }
    if (key) this.reveal(key, this.random.pick(question[mood]));
    else this.user(question[mood]);
    if (this.random.chance(0.55)) this.bot(ACKNOWLEDGE[mood]);
  }

  authority(kind) {
    this.bot(this.trade.authority.ask);
    this.user(this.trade.authority[kind]);
    this.fact('authority', { yes: 'decision-maker', shared: 'shared', no: 'none' }[kind]);
  }

  discovery(mood, authority) {
    const parts = [() => this.ask(this.trade.need, mood, 'need')];
    for (const detail of this.short ? [] : this.trade.details) parts.push(() => this.ask(detail, mood));
    parts.push(() => this.ask(this.trade.budget, mood, 'budget'), () => this.ask(this.trade.timeline, mood, 'timeline'));
    if (!this.short || mood === 'hot') parts.push(() => this.authority(authority));
    parts.forEach((part, i) => {
      part();
      if (i === 1 && this.line.members.length > 1 && this.agent === 0) this.handoff();
    });
    this.fact('interest', mood);
  }

  handoff() {
    this.bot('Let me bring in my colleague {colleague}, who can take it from here.'.replace('{colleague}', this.line.agents[1]));
    this.tool('handoff_to_assistant', { destination: this.line.members[1].name }, 'Handoff initiated.');
    this.agent = 1;
    this.bot(['Hi {first}, {agent} here. I have read along, so you do not need to repeat anything.']);
  }

  objection(index) {
    const objection = this.trade.objections[index % this.trade.objections.length];
    this.user(objection.says);
    this.fact('objection', objection.key);
    this.bot(objection.reply);
  }

  booking() {
    const first = this.random.between(0, SLOTS.length - 1);
    const slot = SLOTS[first];
    const other = SLOTS[(first + this.random.between(1, SLOTS.length - 1)) % SLOTS.length];
    Object.assign(this.words, { '{day}': slot[0], '{slot}': slot.join(' at '), '{other}': other.join(' at ') });
    this.bot(BOOKING.offer);
    this.user(BOOKING.take);
    this.bot(BOOKING.checking);
    this.tool('book_appointment', { day: slot[0], time: slot[1], purpose: this.trade.product }, `Booked: ${slot.join(' ')}`);
    this.fact('booked', slot.join(' '));
    this.bot(BOOKING.confirm);
    this.user(BOOKING.bye);
  }
}

/** The kinds of conversation; each writes its script and returns how it ends. */
const KINDS = {
  booked(s) {
    s.open('hot');
    s.discovery('hot', s.random.chance(0.85) ? 'yes' : 'shared');
    s.booking();
    return { by: s.random.weighted({ customer: 4, tool: 4, phrase: 2 }) };
  },
  persuaded(s) {
    s.open('warm');
    s.discovery('warm', s.random.chance(0.6) ? 'yes' : 'shared');
    s.objection(s.random.between(0, 1));
    s.user(['Okay, that makes sense.', 'Fine, that sounds reasonable.']);
    s.booking();
    return { by: s.random.weighted({ customer: 5, tool: 3, message: 2 }) };
  },
  followUp(s) {
    s.open('warm');
    s.discovery('warm', s.random.chance(0.4) ? 'yes' : 'shared');
    if (s.random.chance(0.5)) s.objection(s.random.between(0, 1));
    s.bot(FOLLOW_UP.offer);
    s.user(FOLLOW_UP.take);
    s.fact('followUp', 'email and call');
    s.bot(FOLLOW_UP.confirm);
    s.user(['Thanks, bye.', 'Okay, bye bye.']);
    return { by: s.random.weighted({ customer: 6, tool: 3, phrase: 1 }) };
  },
  callback(s) {
    s.open('warm');
    s.bot(s.trade.need.ask);
    s.user(CALLBACK.ask);
    s.fact('followUp', 'callback');
    s.fact('interest', 'warm');
    s.bot(CALLBACK.confirm);
    return { by: s.random.weighted({ customer: 6, tool: 4 }) };
  },
  declined(s) {
    s.open('cold');
    s.ask(s.trade.need, 'cold', 'need');
    if (!s.short && s.random.chance(0.6)) s.ask(s.random.pick(s.trade.details), 'cold');
    if (s.random.chance(0.6)) s.ask(s.trade.budget, 'cold', 'budget');
    if (s.random.chance(0.35)) s.authority('no');
    if (s.random.chance(0.5)) s.objection(s.random.between(0, 1));
    s.user(DECLINE.says);
    s.fact('interest', 'cold');
    s.bot(DECLINE.bye);
    return { by: s.random.weighted({ customer: 6, tool: 4 }) };
  },
  doNotCall(s) {
    s.open('cold');
    s.user(DO_NOT_CALL.says);
    s.fact('interest', 'none');
    s.fact('doNotCall', true);
    s.bot(DO_NOT_CALL.bye);
    return { by: s.random.weighted({ customer: 5, tool: 5 }) };
  },
  wrongNumber(s) {
    s.user(['Hello?', 'Yes, hello?']);
    s.bot(s.trade.opening.outbound);
    s.user(WRONG_NUMBER.says);
    s.fact('wrongNumber', true);
    s.bot(WRONG_NUMBER.bye);
    return { by: s.random.weighted({ customer: 5, tool: 5 }) };
  },
  hungUp(s) {
    s.open('cold');
    if (s.random.chance(0.4)) s.ask(s.trade.need, 'cold', 'need');
    s.fact('interest', 'cold');
    return { by: 'customer' };
  },
  service(s) {
    s.bot(s.trade.opening.inbound);
    s.user(SERVICE.reason);
    s.fact('reached', true);
    s.bot(SERVICE.reply);
    s.fact('service', true);
    s.user(SERVICE.bye);
    return { by: 'customer' };
  },
  transfer(s) {
    s.open('hot');
    s.discovery('hot', 'yes');
    s.user(TRANSFER.ask);
    s.bot(TRANSFER.offer);
    s.tool('transferCall', { destination: '+13035550109' }, 'Transfer initiated.');
    s.fact('transferred', true);
    return { by: 'transfer' };
  },
  silent(s) {
    if (s.random.chance(0.3)) {
      s.bot(s.trade.opening[s.line.type === 'outboundPhoneCall' ? 'outbound' : 'inbound']);
    } else {
      s.open('warm');
      s.ask(s.trade.need, 'warm', 'need');
      s.bot(s.trade.details[0].ask);
      s.fact('interest', 'warm');
    }
    for (const text of SILENCE) {
      s.clock += s.random.between(5000, 8000);
      s.bot(text);
    }
    return { by: 'silence' };
  },
  endless(s) {
    s.open('warm');
    s.discovery('warm', 'shared');
    for (let round = 0; s.clock < 640000; round++) {
      const [ask, answer] = SMALL_TALK[round % SMALL_TALK.length];
      s.bot(ask);
      s.clock += s.random.between(500, 4000);
      s.user(answer);
      if (round % 3 === 1) s.objection(round);
      s.clock += s.random.between(1000, 6000);
    }
    return { by: 'nobody' };
  },
  voicemail(s) {
    s.user(VOICEMAIL.greeting);
    s.fact('machine', true);
    s.clock += s.random.between(800, 2500);
    s.bot(VOICEMAIL.message);
    return { by: 'voicemail' };
  },
  announcement(s) {
    s.user(ANNOUNCEMENT);
    s.fact('machine', true);
    s.bot(s.trade.opening.outbound);
    s.user(ANNOUNCEMENT);
    return { by: 'nobody' };
  },
};

/** Writes one conversation of a kind on a line. `short` leaves out what a two-kilobyte call has no room for. */
export function writeConversation(kind, line, random, short) {
  const script = new Script(line, random, short);
  const ending = KINDS[kind](script);
  return { kind, turns: script.turns, facts: script.facts, ending, talkEnd: script.clock, interrupted: script.interrupted };
}
