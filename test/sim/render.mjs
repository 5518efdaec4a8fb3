/**
 * A call as JSON text, put together from prepared pieces.
 */
import { priceCall } from './costs.mjs';
import { analyse, truthOf } from './evaluation.mjs';
import { join, prepare, slotValues } from './transcript.mjs';
import { Random, mix } from './random.mjs';
import { ARTIFACT_KINDS, PRESIGNED_LIFE, monitorUrls, presignedQuery, presignedUrl, rawUrl, storagePath } from './urls.mjs';

const iso = (ms) => new Date(ms).toISOString();
const VERSION_SINCE = Date.parse('2026-05-01T00:00:00Z');
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const PERFORMANCE_KEYS = ['modelLatency', 'voiceLatency', 'transcriberLatency', 'endpointingLatency', 'turnLatency'];

/** How much of a call is shown: the less room a call has, the less (see simulator.mjs). */
export const DETAILS = [
  { name: 'full', words: true, openai: true, artifactMessages: true, variables: true, metrics: true, presigned: true, messages: true, short: false },
  { name: 'no word timings', words: false, openai: true, artifactMessages: true, variables: true, metrics: true, presigned: true, messages: true, short: false },
  { name: 'plain', words: false, openai: false, artifactMessages: true, variables: false, metrics: true, presigned: true, messages: true, short: true },
  { name: 'single', words: false, openai: false, artifactMessages: false, variables: false, metrics: false, presigned: false, messages: true, short: true, lean: true },
  { name: 'bare', words: false, openai: false, artifactMessages: false, variables: false, metrics: false, presigned: false, messages: false, short: true, lean: true, bare: true },
];

/** Artifact kind → the property that holds its presigned URL. */
const PRESIGNED = { mono: 'presignedMonoUrl', stereo: 'presignedStereoUrl', assistant: 'presignedAssistantUrl', customer: 'presignedCustomerUrl', pcap: 'presignedPcapUrl', log: 'presignedLogUrl' };

/** Which assistants of a squad took part. */
function activations(line, conversation, played) {
  let last = 0;
  for (let i = 0; i < played.turns; i++) last = Math.max(last, conversation.turns[i].agent);
  return line.members.slice(0, last + 1).map((member, i) => ({ assistantId: line.apiAssistants[i].id, assistantName: member.name }));
}

export class Renderer {
  /** prompts: JSON string of the system prompt by line index, or null without one. */
  constructor({ seed, account, detail, prompts, promptLength, fixedPresigned }) {
    Object.assign(this, { seed, account, detail, prompts, promptLength, fixedPresigned });
    this.serial = 0;
    this.campaigns = new Map(account.lines.map((line) => [line.index, new Random(seed, line.trade.campaign).uuid()]));
  }

  prepared(conversation) {
    conversation.prepared ??= prepare(conversation, { withWords: this.detail.words });
    return conversation.prepared;
  }

  /**
   * view: {id, plan, played, customer, createdAt, updatedAt, unsettled, extra, now, live: status or null}.
   * Returns the call's JSON.
   */
  call(view) {
    const { plan, played, extra } = view;
    const shown = view.live ?? 'ended';
    const connected = played.startedAt !== null && (shown === 'ended' || played.startedAt <= view.now);
    const done = shown === 'ended' && connected;
    const head = this.head(view, shown, connected, done);
    if (!done) return JSON.stringify(head);

    const { line, conversation } = plan;
    const truth = truthOf(played, conversation, line.trade.key);
    const result = view.unsettled ? { analysis: {}, structuredOutputs: {}, scorecards: {}, ran: [] } : analyse(line, played, truth);
    const price = view.unsettled ? null : this.price(plan, played, result.ran, extra);
    head.cost = price ? price.total : 0;
    if (result.analysis.summary !== undefined && !this.detail.bare) head.summary = result.analysis.summary;
    if (price) {
      head.costBreakdown = price.breakdown;
      head.costs = price.items;
    }
    if (!view.unsettled) head.analysis = result.analysis;
    else if (plan.ordinal % 2) head.analysis = {};

    const prepared = this.prepared(conversation);
    const names = slotValues(view.customer);
    const transcript = `"${join(prepared, 'transcript', played.turns, played.startedAt, names, '')}"`;
    const paths = {};
    for (const kind of this.detail.lean ? ['mono', 'stereo'] : ARTIFACT_KINDS) paths[kind] = storagePath(this.seed, plan.ordinal, view.id, played.endedAt, kind);
    head.recordingUrl = rawUrl(paths.mono, view.createdAt);
    if (!this.detail.bare) head.stereoRecordingUrl = rawUrl(paths.stereo, view.createdAt);

    const messages = this.detail.messages ? this.messages(line, played, prepared, names) : null;
    let out = JSON.stringify(head).slice(0, -1);
    out += `,"transcript":${transcript}`;
    if (messages) out += `,"messages":${messages}`;
    out += `,"artifact":${this.artifact(view, played, prepared, names, transcript, messages, paths, result)}}`;
    return out;
  }

  head(view, shown, connected, done) {
    const { plan, played, customer, extra, id } = view;
    const { line } = plan;
    const head = { id };
    const assistantId = extra?.assistantId ?? line.assistantId;
    if (assistantId) head.assistantId = assistantId;
    else if (plan.ordinal % 2) head.assistantId = null;
    if (assistantId && !this.detail.bare && view.createdAt >= VERSION_SINCE) head.assistantVersion = `v${1 + (mix(plan.ordinal, 3) % 3)}`;
    if (line.squadId) head.squadId = line.squadId;
    if (line.transient) {
      const { id: skipped, orgId, createdAt, updatedAt, isServerUrlSecretSet, ...assistant } = line.apiAssistants[0];
      head.assistant = extra?.assistant ?? { ...assistant, model: { ...assistant.model, messages: [] } };
    }
    if (line.phoneNumber) head.phoneNumberId = extra?.phoneNumberId ?? line.phoneNumber.id;
    head.type = line.type;
    if (extra?.name) head.name = extra.name;
    if (connected) head.startedAt = iso(played.startedAt);
    if (done) head.endedAt = iso(played.endedAt);
    head.createdAt = iso(view.createdAt);
    head.updatedAt = iso(view.updatedAt);
    head.orgId = view.orgId ?? this.account.orgId;
    head.cost = 0;
    if (extra?.customer) head.customer = extra.customer;
    else if (line.phoneNumber) head.customer = { number: customer.number, ...(plan.lead ? { name: `${customer.first} ${customer.last}`, externalId: `lead-${customer.index}` } : {}) };
    else if (line.key === 'software-web' && plan.lead) head.customer = { name: `${customer.first} ${customer.last}` };
    head.status = shown;
    if (shown === 'ended') head.endedReason = played.reason;
    if (extra?.schedulePlan) head.schedulePlan = extra.schedulePlan;
    const campaignId = extra?.campaignId ?? (extra?.campaignId === undefined && line.type === 'outboundPhoneCall' && plan.ordinal % 3 === 0 ? this.campaigns.get(line.index) : null);
    if (campaignId) head.campaignId = campaignId;
    Object.assign(head, this.transport(plan, played));
    const overrides = extra?.assistantOverrides ?? this.overrides(plan, customer);
    if (overrides) head.assistantOverrides = overrides;
    if (played.transfer && shown === 'ended') head.destination = played.transfer.destination;
    const { listenUrl, controlUrl } = monitorUrls(id);
    head.monitor = { ...(this.detail.bare ? {} : { listenUrl }), controlUrl: view.controlUrl ?? controlUrl };
    return head;
  }

  overrides(plan, customer) {
    if (plan.line.type === 'inboundPhoneCall') return null;
    const variableValues = this.detail.lean ? undefined : { first_name: customer.first, city: customer.city, ...(plan.line.trade.key === 'software' ? { company: customer.company } : { street: customer.street }) };
    const metadata = plan.lead ? { leadId: `lead-${customer.index}`, ...(this.detail.lean ? {} : { source: ['web form', 'referral', 'event', 'list'][customer.index % 4] }) } : undefined;
    return variableValues || metadata ? { variableValues, metadata } : null;
  }

  transport(plan, played) {
    const { line } = plan;
    const random = new Random(this.seed ^ 0x7f3a1c55, plan.ordinal);
    if (line.type === 'webCall') {
      const callUrl = `https://vapi.daily.co/${random.hex(16)}`;
      return { webCallUrl: callUrl, transport: { provider: 'daily', callUrl, conversationType: 'voice' } };
    }
    if (line.type === 'vapi.websocketCall') return { transport: { provider: 'vapi.websocket', conversationType: 'voice' } };
    const provider = line.phoneNumber.provider === 'twilio' ? 'twilio' : line.phoneNumber.provider === 'telnyx' ? 'telnyx' : 'vapi';
    const callSid = provider === 'twilio' ? `CA${random.hex(32)}` : random.uuid();
    const sbcCallSid = random.uuid();
    const transport =
      provider === 'twilio' ? { callSid, provider, accountSid: line.phoneNumber.twilioAccountSid, conversationType: 'voice' }
        : provider === 'telnyx' ? { provider, callControlId: `v3:${random.hex(24)}`, callLegId: random.uuid(), callSessionId: callSid, conversationType: 'voice' }
          : { callSid, provider: 'vapi.sip', sbcCallSid, conversationType: 'voice' };
    const details = provider === 'vapi' ? { sbcCallId: sbcCallSid, ...(played.sip ?? {}) } : played.sip;
    return {
      phoneCallProvider: provider,
      phoneCallProviderId: callSid,
      phoneCallTransport: provider === 'vapi' && line.phoneNumber.provider === 'byo-phone-number' ? 'sip' : 'pstn',
      ...(details && !this.detail.lean ? { phoneCallProviderDetails: details } : {}),
      transport,
    };
  }

  /** Cost of a played call. */
  price(plan, played, ran, extra) {
    const { line, conversation } = plan;
    const agents = line.members.map((member, i) => ({
      turns: 0, characters: 0, userCharacters: 0, share: 0, model: line.apiAssistants[i].model.model, voice: line.apiAssistants[i].voice.voiceId,
    }));
    let characters = 0;
    for (let i = 0; i < played.turns; i++) {
      const turn = conversation.turns[i];
      const agent = agents[turn.agent];
      agent.turns++;
      characters += turn.text.length;
      if (turn.who === 'bot') agent.characters += turn.text.length;
      else agent.userCharacters += turn.text.length;
    }
    const active = agents.filter((agent, i) => i === 0 || agent.turns > 0);
    for (const agent of active) agent.share = played.turns ? agent.turns / played.turns : 1;
    const minutes = (played.endedAt - played.startedAt) / 60000;
    const provider = line.type === 'webCall' ? 'daily' : line.type === 'vapi.websocketCall' ? null : line.phoneNumber.provider === 'twilio' ? 'twilio' : null;
    const price = priceCall(
      { minutes, transport: provider, agents: active, characters, promptLength: this.promptLength || 3000, machineChecked: line.type === 'outboundPhoneCall', analyses: ran, overage: plan.tail % 40 === 0 },
      this.detail,
    );
    if (extra?.costAdjust) {
      const item = price.items.find((i) => i.type === 'vapi');
      item.cost += extra.costAdjust;
      price.breakdown.vapi = Math.round((price.breakdown.vapi + extra.costAdjust) * 10000) / 10000;
      price.total = Math.round((price.total + extra.costAdjust) * 10000) / 10000;
      price.breakdown.total = price.total;
    }
    return price;
  }

  messages(line, played, prepared, names) {
    const prompt = this.prompts?.[line.index];
    const system = prompt ? `{"role":"system","time":${played.startedAt + 80},"message":${prompt},"secondsFromStart":0}` : '';
    const turns = join(prepared, 'messages', played.turns, played.startedAt, names, ',');
    return `[${system}${system && turns ? ',' : ''}${turns}]`;
  }

  artifact(view, played, prepared, names, transcript, messages, paths, result) {
    const { plan } = view;
    const { line } = plan;
    if (this.detail.bare) return JSON.stringify({ structuredOutputs: result.structuredOutputs, scorecards: result.scorecards });
    const raw = (kind) => rawUrl(paths[kind], view.createdAt);
    const small = {
      recordingUrl: raw('mono'),
      stereoRecordingUrl: raw('stereo'),
      ...(this.detail.lean
        ? {}
        : {
            recording: { stereoUrl: raw('stereo'), mono: { combinedUrl: raw('mono'), assistantUrl: raw('assistant'), customerUrl: raw('customer') } },
            pcapUrl: raw('pcap'),
            logUrl: `https://calllogs.vapi.ai/${this.account.orgId}/${paths.log}`,
          }),
      nodes: [],
      ...(this.detail.variables ? { variableValues: this.variables(view) } : {}),
      ...(this.detail.metrics ? { performanceMetrics: this.performance(plan.conversation, prepared, played) } : {}),
      structuredOutputs: result.structuredOutputs,
      scorecards: result.scorecards,
      ...(Object.keys(result.structuredOutputs).length && !view.unsettled ? { structuredOutputsLastUpdatedAt: iso(Math.min(view.updatedAt, played.endedAt + 3300)) } : {}),
      ...(line.squadId ? { assistantActivations: activations(line, plan.conversation, played) } : {}),
      transfers: played.transfer ? [{ ...played.transfer, transcript: '', messages: [] }] : [],
    };
    if (this.detail.presigned) this.sign(small, view, paths);
    let out = JSON.stringify(small).slice(0, -1);
    if (messages && this.detail.artifactMessages) out += `,"messages":${messages}`;
    if (this.detail.openai) {
      const prompt = this.prompts?.[line.index];
      const turns = join(prepared, 'openai', played.turns, played.startedAt, names, ',');
      out += `,"messagesOpenAIFormatted":[${prompt ? `{"role":"system","content":${prompt}}${turns ? ',' : ''}` : ''}${turns}]`;
    }
    if (this.detail.variables) out += `,"variables":${JSON.stringify(small.variableValues)}`;
    return `${out},"transcript":${transcript}}`;
  }

  /** Adds presigned URLs; like Vapi's they differ from response to response. */
  sign(target, view, paths) {
    const now = this.fixedPresigned ? view.createdAt : view.now;
    const serial = this.fixedPresigned ? 0 : this.serial;
    const query = presignedQuery(now);
    for (const kind in PRESIGNED) if (paths[kind] && !(this.detail.lean && kind !== 'mono')) target[PRESIGNED[kind]] = presignedUrl(paths[kind], query, serial, view.plan.ordinal);
    target.presignedUrlsExpiresAt = iso(now + PRESIGNED_LIFE);
  }

  /** Adds the presigned URL of the mono recording alone. */
  signMono(target, view) {
    this.sign(target, view, { mono: storagePath(this.seed, view.plan.ordinal, view.id, view.played.endedAt, 'mono') });
  }

  variables(view) {
    const at = new Date(view.createdAt);
    const { line } = view.plan;
    const month = MONTHS[at.getUTCMonth()];
    const time = `${String(at.getUTCHours() % 12 || 12)}:${String(at.getUTCMinutes()).padStart(2, '0')} ${at.getUTCHours() < 12 ? 'AM' : 'PM'} UTC`;
    return {
      now: `${month.slice(0, 3)} ${at.getUTCDate()}, ${at.getUTCFullYear()}, ${time}`,
      date: `${month.slice(0, 3)} ${at.getUTCDate()}, ${at.getUTCFullYear()} UTC`,
      time,
      day: String(at.getUTCDate()),
      month,
      year: String(at.getUTCFullYear()),
      first_name: view.customer.first,
      city: view.customer.city,
      ...(line.phoneNumber ? { customer: { number: view.customer.number }, phoneNumber: line.phoneNumber } : {}),
    };
  }

  performance(conversation, prepared, played) {
    let bots = 0;
    for (let i = 0; i < played.turns; i++) if (conversation.turns[i].who === 'bot') bots++;
    const turnLatencies = prepared.latencies.slice(0, bots);
    const metrics = { turnLatencies };
    for (const key of PERFORMANCE_KEYS) {
      let sum = 0;
      for (const latency of turnLatencies) sum += latency[key];
      metrics[`${key}Average`] = turnLatencies.length ? Math.round((sum / turnLatencies.length) * 10) / 10 : 0;
    }
    return { ...metrics, fromTransportLatencyAverage: 20, toTransportLatencyAverage: 20, numUserInterrupted: conversation.interrupted, numAssistantInterrupted: conversation.turns.length % 3 };
  }
}
