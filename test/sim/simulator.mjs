/**
 * The simulated organisation: account, calls, clock. No HTTP here.
 */
import { buildAccount } from './account.mjs';
import { creationTimes } from './calendar.mjs';
import { systemPrompt } from './catalog/prompts.mjs';
import { Clock } from './clock.mjs';
import { controlUrl } from './control.mjs';
import { truthOf } from './evaluation.mjs';
import { Generator } from './generator.mjs';
import { Live } from './live.mjs';
import { PageCache } from './page-cache.mjs';
import { Random } from './random.mjs';
import { DETAILS, Renderer } from './render.mjs';
import { Store } from './store.mjs';

const SAMPLE = 400;

export class Simulator {
  constructor(options) {
    this.options = options;
    this.pages = new PageCache(options.cacheMb);
    this.clock = new Clock(options.now, options.timeFactor);
    const base = { seed: options.seed, orgId: options.org, from: options.from };
    this.account = buildAccount({ ...base, promptLength: 3000 });
    this.chooseDetail();
    this.store = new Store(options.seed, this.account, (ordinal) => this.account.lines[this.store.line[ordinal]]);
    this.fill();
    if (options.now !== null) this.clock.set(options.now);
    this.ticked = this.now();
    /** Where this simulator can be reached, when calls can be controlled there; and what was posted. */
    this.controlOrigin = null;
    this.controls = [];
    this.live = new Live(this);
  }

  /** The simulator's clock, epoch ms. */
  now() {
    return this.clock.now();
  }

  /** Picks how much a call shows and how long system prompts are, so that calls have `bytes` bytes on average. */
  chooseDetail() {
    const { seed, calls, bytes, from, to } = this.options;
    const times = creationTimes(seed ^ 0x5bd1e995, SAMPLE, from, to);
    for (const detail of DETAILS) {
      this.generator = new Generator({ seed, calls, short: detail.short }, this.account);
      const make = (prompts, promptLength) => new Renderer({ seed, account: this.account, detail, prompts, promptLength, fixedPresigned: this.options.fixedPresigned });
      const average = (renderer) => {
        let sum = 0;
        for (let i = 0; i < SAMPLE; i++) sum += Buffer.byteLength(this.render(i + 1e6, times[i], renderer));
        return sum / SAMPLE;
      };
      this.renderer = make(null, 0);
      const plain = average(this.renderer);
      const last = detail === DETAILS.at(-1);
      if (plain > bytes * 1.05 && !last) continue;
      if (!detail.messages || plain >= bytes) return;
      const probe = 1000;
      const perCharacter = (average(make(this.prompts(probe), probe)) - plain) / probe;
      const length = Math.round((bytes - plain) / perCharacter);
      if (length < 60) return;
      this.renderer = make(this.prompts(length), length);
      return;
    }
  }

  prompts(length) {
    return this.account.lines.map((line) => JSON.stringify(systemPrompt(line.trade, line.agents[0], line.members[0].role, length)));
  }

  fill() {
    const { seed, calls, from, to, ties, tiesAt, lateCostShare, lateCostMs } = this.options;
    const times = creationTimes(seed, calls, from, to);
    if (ties > 0) {
      const at = tiesAt ?? times[calls >> 1];
      let middle = times.findIndex((t) => t >= at);
      if (middle < 0) middle = calls;
      const first = Math.max(0, Math.min(middle - (ties >> 1), calls - ties));
      times.fill(at, first, first + ties);
      for (let i = first - 1; i >= 0 && times[i] > at; i--) times[i] = at - 1;
      for (let i = first + ties; i < calls && times[i] < at; i++) times[i] = at + 1;
    }
    const late = new Random(seed, 'late costs');
    const begin = this.now();
    for (let i = 0; i < calls; i++) {
      const plan = this.generator.plan(i, times[i]);
      const played = this.generator.play(plan);
      const ordinal = this.store.add(times[i], played.endedAt + plan.settleMs, plan.line.index);
      if (lateCostShare > 0 && played.startedAt !== null && late.chance(lateCostShare)) {
        this.store.holdBack(ordinal, begin + lateCostMs * (0.5 + late.next() * 0.5), played.endedAt + 900);
      }
    }
  }

  /** Everything about one call at the moment of the last tick. */
  view(ordinal) {
    const extra = this.store.extras.get(ordinal) ?? null;
    const createdAt = this.store.createdAt[ordinal];
    const plan = extra?.plan ?? this.generator.plan(ordinal, createdAt);
    const played = extra?.played ?? this.generator.play(plan);
    return {
      id: this.store.id(ordinal),
      plan,
      played,
      customer: extra?.person ?? this.generator.customer(plan.customerIndex),
      createdAt,
      updatedAt: this.store.updatedAt[ordinal],
      unsettled: this.store.isUnsettled(ordinal),
      orgId: this.orgIdOverride,
      extra,
      now: this.ticked,
      live: this.store.live.has(ordinal) ? statusAt(played, this.ticked) : null,
      controlUrl: controlUrl(this, this.store.id(ordinal)),
    };
  }

  /** A call as it will be once it has ended and settled. */
  finalView(ordinal) {
    const view = this.view(ordinal);
    const { played, plan } = view;
    const settled = view.live ? played.endedAt + plan.settleMs : (this.store.settlesAt(ordinal) ?? view.updatedAt);
    return { ...view, live: null, unsettled: false, updatedAt: settled, now: Math.max(view.now, settled) };
  }

  /** The call as webhooks show it, whatever has happened since: as it was when it was created. */
  snapshot(ordinal) {
    const extra = this.store.extras.get(ordinal);
    if (extra?.snapshot) return extra.snapshot;
    const view = this.view(ordinal);
    return this.renderer.head({ ...view, updatedAt: view.createdAt, now: view.createdAt }, view.played.history[0][1], false, false);
  }

  /** Moves things on that happen by themselves: running calls, late costs. */
  tick() {
    const now = this.now();
    this.ticked = now;
    if (this.store.live.size) this.pages.clear();
    for (const ordinal of this.store.live) {
      const { played, plan } = this.store.extras.get(ordinal);
      if (now >= played.endedAt) {
        this.store.live.delete(ordinal);
        this.store.holdBack(ordinal, played.endedAt + plan.settleMs, played.endedAt);
      } else {
        for (const [at] of played.history) if (at <= now && at > this.store.updatedAt[ordinal]) this.store.updatedAt[ordinal] = at;
      }
    }
    if (this.store.settle(now)) this.pages.clear();
  }

  /**
   * Starts a call on a line (null: any) at a time, with what the client asked for; it runs by the clock. An incoming call to
   * a number without an assistant first asks the number's server for one. Returns its ordinal.
   */
  startCall(line, asked, at = this.now()) {
    const begin = asked.schedulePlan ? Math.max(at, Date.parse(asked.schedulePlan.earliestAt)) : at;
    const ordinal = this.store.count;
    const plan = this.planCall(ordinal, begin, line);
    const number = plan.line.phoneNumber;
    const asks = plan.line.type === 'inboundPhoneCall' && !number.assistantId && !number.squadId && number.server?.url && this.live.telling;
    this.store.add(at, at, plan.line.index);
    const played = asks ? unanswered(at) : this.generator.play(plan);
    if (asks) plan.line = { ...plan.line, assistantId: null };
    if (begin > at) played.history.unshift([at, 'scheduled']);
    const person = { ...this.generator.customer(plan.customerIndex), ...(asked.customer?.number ? { number: asked.customer.number } : {}) };
    if (asked.customer?.name) person.first = asked.customer.name.split(' ')[0];
    this.setExtra(ordinal, { ...asked, plan, played, person });
    this.setExtra(ordinal, { snapshot: this.snapshot(ordinal) });
    this.store.live.add(ordinal);
    if (asks) this.live.request(ordinal, number);
    else this.live.started(ordinal);
    this.tick();
    return ordinal;
  }

  /** The plan of a call that starts now; some settle late. */
  planCall(ordinal, begin, line) {
    const { seed, lateCostShare, lateCostMs } = this.options;
    const plan = this.generator.plan(ordinal, begin, line ? { line } : null);
    const late = new Random(seed, 'late', ordinal);
    if (late.chance(lateCostShare)) {
      plan.lateBy = Math.round(lateCostMs * (0.5 + late.next() * 0.5));
      // after the report, which does not know the cost yet
      plan.settleMs = 5500 + plan.lateBy;
    }
    return plan;
  }

  /** Goes on with a call whose assistant was asked for; answer: the server's, undefined when there was none in time. */
  assistantAnswered(ordinal, answer) {
    const { plan, played, createdAt } = this.view(ordinal);
    const now = Math.max(this.now(), createdAt + 200);
    const reason = refusal(this.account, answer);
    const before = played.history.filter(([at]) => at < now);
    if (reason) {
      this.setExtra(ordinal, { played: { ...played, history: [...before, [now, 'ended']], endedAt: now, reason } });
    } else {
      const line = { ...plan.line, squadId: answer.squadId ?? null, transient: !!answer.assistant };
      const next = this.planCall(ordinal, now, line);
      const going = this.generator.play(next);
      going.history = [...before, ...going.history.filter(([, status]) => status !== 'queued' && status !== 'ringing')];
      this.setExtra(ordinal, { plan: next, played: going, assistantId: answer.assistantId, assistant: answer.assistant });
    }
    this.live.started(ordinal);
    this.tick();
  }

  /** Changes a running call from now on: what has been told stays, what was still to come is told anew. */
  changeCall(ordinal, parts) {
    this.setExtra(ordinal, { ...parts, generation: (this.store.extras.get(ordinal).generation ?? 0) + 1 });
    this.store.updatedAt[ordinal] = this.now();
    this.live.changed(ordinal, this.now());
    this.tick();
  }

  /** Adds finished calls created at a time (default: a few minutes ago, one second apart). Returns their ids. */
  addCalls(count, createdAt) {
    this.pages.clear();
    const ids = [];
    for (let i = 0; i < count; i++) {
      const at = createdAt ?? this.now() - 900000 + i * 1000;
      const plan = this.generator.plan(this.store.count, at);
      const played = this.generator.play(plan);
      const ordinal = this.store.add(at, Math.max(played.endedAt + plan.settleMs, this.now()), plan.line.index);
      ids.push(this.store.id(ordinal));
    }
    return ids;
  }

  /** Changes a call after the fact: its cost, if it has one, and updatedAt. Returns {id, updatedAt}. */
  touch(ordinal, costAdjust, now = this.now()) {
    const before = this.store.extras.get(ordinal)?.costAdjust ?? 0;
    this.setExtra(ordinal, { costAdjust: before + costAdjust });
    this.store.updatedAt[ordinal] = now;
    return { id: this.store.id(ordinal), updatedAt: new Date(this.store.updatedAt[ordinal]).toISOString() };
  }

  /** Sets parts of a call beside what the seed says. */
  setExtra(ordinal, parts) {
    this.pages.clear();
    this.store.extras.set(ordinal, { ...this.store.extras.get(ordinal), ...parts });
  }

  deleteCall(ordinal) {
    this.pages.clear();
    this.store.remove(ordinal);
  }

  /** JSON of a call that exists. */
  json(ordinal) {
    return this.renderer.call(this.view(ordinal));
  }

  /** JSON of a call as GET shows it when it has ended and settled. */
  final(ordinal) {
    return this.renderer.call(this.finalView(ordinal));
  }

  /** JSON of a call that only might exist, to measure sizes. */
  render(ordinal, createdAt, renderer) {
    const plan = this.generator.plan(ordinal, createdAt);
    const played = this.generator.play(plan);
    return renderer.call({
      id: '00000000-0000-7000-8000-000000000000', plan, played, customer: this.generator.customer(plan.customerIndex), createdAt,
      updatedAt: played.endedAt + plan.settleMs, unsettled: false, extra: null, now: createdAt, live: null,
    });
  }

  /** The hidden truth of a call. */
  truth(ordinal) {
    const { id, plan, played } = this.view(ordinal);
    return {
      id,
      line: plan.line.key,
      ...truthOf(played, plan.conversation, plan.line.trade.key),
      endedReason: played.reason,
      connected: played.startedAt !== null,
      history: played.history.map(([at, status]) => ({ at: new Date(at).toISOString(), status })),
    };
  }
}

/** The status of a played call at a time. */
function statusAt(played, now) {
  let status = played.history[0][1];
  for (const [at, next] of played.history) if (at <= now) status = next;
  return status;
}

/** A call that waits for an assistant. */
function unanswered(at) {
  return { history: [[at, 'queued'], [at + 150, 'ringing']], startedAt: null, endedAt: Infinity, reason: null, turns: 0, transfer: null, sip: null };
}

/** Why an answer to assistant-request gives no assistant; null when it does. */
function refusal(account, answer) {
  if (answer === undefined || answer === null) return 'assistant-request-failed';
  if (answer.error) return 'assistant-request-returned-error';
  if (answer.destination) return 'assistant-request-returned-forwarding-phone-number';
  if (answer.assistant || answer.squad) return null;
  if (answer.assistantId) return account.assistants.some((a) => a.id === answer.assistantId) ? null : 'assistant-request-returned-invalid-assistant';
  if (answer.squadId) return account.squads.some((s) => s.id === answer.squadId) ? null : 'assistant-request-returned-invalid-assistant';
  return 'assistant-request-returned-no-assistant';
}
