/**
 * Live calls: they begin at a rate or on request, run by the simulated clock, and tell a server of what happens.
 */
import { Agenda } from './agenda.mjs';
import { messageBody, MESSAGE_TYPES } from './messages.mjs';
import { mishapRules, planDeliveries } from './mishaps.mjs';
import { Random } from './random.mjs';
import { Sender } from './sender.mjs';
import { DEFAULT_MESSAGES, sentAs, timeline } from './timeline.mjs';

/** Where the made-up account's servers are: never really asked. */
const NOWHERE = 'hooks.example.com';

function selection(text) {
  if (text === 'assistant') return undefined;
  if (text === 'all') return null;
  return text === 'default' ? DEFAULT_MESSAGES : text.split(',').filter(Boolean);
}

export class Live {
  constructor(sim) {
    const { options } = sim;
    this.sim = sim;
    this.agenda = new Agenda(sim.clock);
    this.url = options.webhookUrl;
    this.rules = mishapRules(options.webhookMishaps);
    this.selected = selection(options.serverMessages);
    this.sender = new Sender(
      {
        senders: options.webhookSenders, file: options.webhookFile, auth: { mode: options.webhookAuth, hmac: options.webhookHmac }, secret: options.webhookSecret,
        contentType: options.webhookType, seed: options.seed,
      },
      sim.clock,
    );
    this.wanted = 0;
    this.begun = 0;
    this.refused = 0;
    this.asking = 0;
    if (options.assistantRequests) this.askForAssistants();
    if (options.liveCalls > 0) this.begin(options.liveCalls, options.liveRate, options.now ?? sim.now());
  }

  /** Whether anybody is told anything. */
  get telling() {
    return this.url !== null || this.sender.file !== null;
  }

  /** The state, for tests that wait: idle when every call that was to begin is over and everything has been delivered. */
  describe() {
    const { sender, sim } = this;
    return {
      wanted: this.wanted, begun: this.begun, refused: this.refused, running: sim.store.live.size, planned: this.agenda.size, waiting: sender.waiting, sending: sender.running,
      retrying: sender.retrying, deliveries: sender.log.length, now: new Date(sim.now()).toISOString(), factor: sim.clock.factor,
      idle: this.begun + this.refused === this.wanted && sim.store.live.size === 0 && sim.store.unsettled.length === 0 && this.agenda.size === 0 && this.asking === 0 && sender.idle,
    };
  }

  /** Changes where and how webhooks go. */
  configure({ url, mishaps, senders, auth, hmac, secret, serverMessages }) {
    if (url !== undefined) this.url = url;
    if (mishaps !== undefined) this.rules = mishapRules(mishaps);
    if (serverMessages !== undefined) this.selected = selection(serverMessages);
    const { settings } = this.sender;
    if (senders !== undefined) settings.senders = senders;
    if (auth !== undefined) settings.auth.mode = auth;
    if (hmac !== undefined) settings.auth.hmac = hmac;
    if (secret !== undefined) settings.secret = secret;
  }

  /** The first number with an assistant of its own asks the server instead. */
  askForAssistants() {
    const number = this.sim.account.phoneNumbers.find((n) => n.assistantId);
    delete number.assistantId;
    number.server = { url: `https://${NOWHERE}/api/webhooks/vapi`, timeoutSeconds: 20 };
  }

  /** Lets `count` more calls begin, `rate` in a simulated minute, from a time on. */
  begin(count, rate, from) {
    const { seed } = this.sim.options;
    const first = this.wanted;
    this.wanted += count;
    const next = (k, at) => {
      if (k === this.wanted || k === first + count) return;
      const gap = -Math.log(1 - new Random(seed, 'gap', k).next()) * (60000 / rate);
      const time = Math.round(at + gap);
      this.agenda.at(time, () => {
        this.arrive(k, time);
        next(k + 1, time);
      });
    };
    next(first, from);
  }

  /** The k-th call comes about: at once, or after the server said that its contact may be called. */
  arrive(k, time) {
    const { sim } = this;
    const random = new Random(sim.options.seed, 'arrival', k);
    const plan = sim.generator.plan(sim.store.count, time);
    if (!this.telling || !sim.options.predial || plan.line.type !== 'outboundPhoneCall' || random.chance(0.67)) {
      this.begun++;
      sim.startCall(null, sim.options.predial ? { campaignId: null } : {}, time);
      return;
    }
    const campaignId = sim.renderer.campaigns.get(plan.line.index);
    const event = { at: time, type: 'campaign.predial', customer: sim.generator.customer(plan.customerIndex), campaignId, contactId: random.uuid() };
    this.asking++;
    this.tell(null, event, this.orgServer(), (answer) => {
      this.asking--;
      if (this.sender.file === null && answer?.eligible !== true) {
        this.refused++;
        return;
      }
      this.begun++;
      sim.startCall(null, { campaignId }, Math.max(sim.now(), time));
    });
  }

  orgServer() {
    const { webhookBackoff } = this.sim.options;
    return { timeoutSeconds: 20, ...(webhookBackoff ? { backoffPlan: webhookBackoff } : {}) };
  }

  /** The server that hears of a call: its assistant's, else its number's, else the organisation's. */
  serverOf(ordinal) {
    const { sim } = this;
    const { plan, extra } = sim.view(ordinal);
    const own = extra?.assistant ?? (extra?.assistantId && sim.account.assistants.find((a) => a.id === extra.assistantId)) ?? plan.line.apiAssistants[0];
    const server = own?.server?.url ? own.server : plan.line.phoneNumber?.server?.url ? plan.line.phoneNumber.server : {};
    return { server: { ...this.orgServer(), ...server }, selected: this.selected !== undefined ? this.selected : (own?.serverMessages ?? DEFAULT_MESSAGES) };
  }

  /** Plans everything that is told of a call that has just begun. */
  started(ordinal) {
    this.plan(ordinal, -Infinity);
  }

  /** Plans anew what is told after a time of a call that has changed. */
  changed(ordinal, after) {
    this.plan(ordinal, after);
  }

  plan(ordinal, after) {
    if (!this.telling) return;
    const { sim } = this;
    const { plan, played, extra } = sim.view(ordinal);
    const generation = extra?.generation;
    const { server, selected } = this.serverOf(ordinal);
    const events = [];
    for (const event of timeline(sim.options.seed, plan, played)) {
      const type = sentAs(event, selected);
      if (type !== null && event.at > after) events.push({ ...event, sentType: type, index: events.length });
    }
    const firsts = new Map();
    for (const delivery of planDeliveries(this.rules, sim.options.seed, ordinal, events)) {
      const { event } = delivery;
      if (delivery.same || delivery.copy === 0) {
        if (!firsts.has(event)) firsts.set(event, {});
        if (delivery.same) delivery.first = firsts.get(event);
        else if (events.length < 2 || delivery.mishaps.includes('replay')) delivery.keep = firsts.get(event);
      }
      this.agenda.at(delivery.sendAt, () => {
        if (sim.store.extras.get(ordinal)?.generation === generation) this.push(ordinal, server, delivery);
      });
    }
  }

  push(ordinal, server, delivery, done) {
    const { sim } = this;
    const { event } = delivery;
    const type = event.sentType ?? event.type;
    sim.tick();
    this.sender.push({
      ...delivery,
      url: server.url && new URL(server.url).hostname !== NOWHERE ? server.url : this.url,
      server,
      callId: ordinal === null ? null : sim.store.id(ordinal),
      type,
      body: (copy) => JSON.stringify(messageBody(sim, ordinal, event, { sentAt: delivery.sendAt, copy, type })),
      done: done && ((entry, answer) => done(answer, entry)),
    });
  }

  /** Tells one event now, without mishaps. */
  tell(ordinal, event, server, done) {
    this.push(ordinal, server, { event, sendAt: event.at, copy: 0 }, done);
  }

  /** Asks the server of a number which assistant is to take a call; then the call goes on, or ends. */
  request(ordinal, number) {
    const { sim } = this;
    this.asking++;
    const event = { at: sim.store.createdAt[ordinal], type: 'assistant-request', turns: 0 };
    this.tell(ordinal, event, { ...this.orgServer(), ...number.server }, (answer, entry) => {
      this.asking--;
      sim.assistantAnswered(ordinal, this.sender.file !== null ? { assistantId: sim.account.assistantIds[0] } : answer, entry);
    });
  }

  /** Tells of a call's deletion, or that it failed. */
  deleted(ordinal, failed) {
    if (!this.telling) return;
    this.tell(ordinal, { at: this.sim.now(), type: failed ? 'call.delete.failed' : 'call.deleted', turns: 0 }, this.orgServer());
  }

  /** Sends a message of any type about a call now; fields go into the event and, as `set`, into the message. Returns its body. */
  emit(ordinal, type, { fields = {}, set }) {
    const { sim } = this;
    if (!MESSAGE_TYPES.includes(type)) throw new Error(`unknown type "${type}"; known: ${MESSAGE_TYPES.join(', ')}`);
    const event = { at: sim.now(), type, turns: 0, agent: 0, ...this.defaults(ordinal, type), ...fields, fields: set };
    const { server } = ordinal === null ? { server: this.orgServer() } : this.serverOf(ordinal);
    if (this.telling) this.tell(ordinal, event, server);
    return messageBody(sim, ordinal, event, { sentAt: event.at });
  }

  /** What an event of a type needs when nobody says. */
  defaults(ordinal, type) {
    const { sim } = this;
    const random = new Random(sim.options.seed, 'emit', this.sender.log.length);
    if (type === 'campaign.predial') return { customer: sim.generator.customer(0), campaignId: random.uuid(), contactId: random.uuid() };
    if (ordinal === null) return {};
    const { conversation } = sim.view(ordinal).plan;
    const turn = Math.max(0, conversation?.turns.findIndex((t) => t.text !== '') ?? 0);
    return {
      turn, turns: conversation ? turn + 1 : 0, role: 'assistant', status: type === 'speech-update' ? 'started' : 'in-progress', transcriptType: 'final', request: 'hang-up', from: 0, to: 0,
      destination: type === 'transfer-update' ? '+13035550109' : undefined, turnId: random.uuid(), calls: [{ id: `call_${random.hex(24)}`, name: 'lookup_prospect', args: null }],
    };
  }
}
