/**
 * What a call costs: the items of `costs`, the breakdown and the total, from what was said and how long it took.
 */

const round4 = (x) => Math.round(x * 10000) / 10000;
const RATES = { transcriber: 0.0097, vapi: 0.05, transport: 0.008, voice: 0.00005, prompt: 0.00000015, completion: 0.0000006 };

/**
 * usage: {minutes, transport: provider or null, agents: [{turns, characters, userCharacters}] one per assistant that spoke, promptLength,
 *         machineChecked, analyses: names of analyses that ran, overage}.
 * detail: {lean, bare} leave the smaller items out (see render.mjs).
 * Returns {items, breakdown, total}: total == Σ items.cost rounded to 4 decimals.
 */
export function priceCall(usage, { lean, bare }) {
  const items = [];
  const breakdown = { transport: 0, stt: 0, llm: 0, tts: 0, vapi: 0, chat: 0, total: 0, llmPromptTokens: 0, llmCompletionTokens: 0, llmCachedPromptTokens: 0, ttsCharacters: 0 };
  const add = (part, item) => {
    items.push(item);
    breakdown[part] += item.cost;
  };

  if (usage.transport) add('transport', { type: 'transport', provider: usage.transport, minutes: usage.minutes, cost: usage.minutes * RATES.transport });
  for (const agent of usage.agents) {
    const minutes = (usage.minutes * agent.share) + 0.06;
    const completionTokens = Math.ceil(agent.characters / 4);
    const promptTokens = Math.ceil((usage.promptLength / 4) * Math.max(agent.turns, 1) * 0.4 + (agent.userCharacters + agent.characters) * agent.turns * 0.1);
    const cachedPromptTokens = promptTokens > 2048 ? Math.floor(promptTokens / 2 / 1024) * 1024 : 0;
    if (!bare) add('stt', { type: 'transcriber', transcriber: { provider: 'deepgram', model: 'nova-3' }, minutes, cost: minutes * RATES.transcriber });
    add('llm', { type: 'model', model: { provider: 'openai', model: agent.model }, promptTokens, completionTokens, cachedPromptTokens, cost: promptTokens * RATES.prompt + completionTokens * RATES.completion });
    if (!bare) add('tts', { type: 'voice', voice: { provider: 'vapi', voiceId: agent.voice }, characters: agent.characters, cost: agent.characters * RATES.voice });
    breakdown.llmPromptTokens += promptTokens;
    breakdown.llmCompletionTokens += completionTokens;
    breakdown.llmCachedPromptTokens += cachedPromptTokens;
    breakdown.ttsCharacters += agent.characters;
  }
  add('vapi', { type: 'vapi', subType: usage.overage ? 'overage' : 'normal', minutes: usage.minutes, cost: usage.minutes * RATES.vapi });

  const flash = { provider: 'google', model: 'gemini-2.5-flash' };
  let voicemail = 0;
  if (usage.machineChecked && !lean) {
    voicemail = 0.00031 + usage.minutes * 0.0004;
    items.push({ type: 'voicemail-detection', model: flash, provider: 'google', promptTextTokens: 4210, promptAudioTokens: 275, completionTextTokens: 99, completionAudioTokens: 0, cost: voicemail });
  }
  if (!lean) items.push({ type: 'knowledge-base', model: { provider: 'google', model: 'gemini-2.0-flash' }, promptTokens: 0, completionTokens: 0, cost: 0 });
  const analysis = {};
  let analysed = 0;
  for (const type of ['summary', 'structuredData', 'successEvaluation', 'structuredOutput']) {
    const ran = !lean && usage.analyses.includes(type);
    const promptTokens = ran ? Math.ceil(usage.characters / 4) + 90 : 0;
    const completionTokens = ran ? (type === 'summary' ? 62 : 9) : 0;
    const cost = ran ? promptTokens * (type === 'structuredOutput' ? 0.000002 : 0.0000003) + completionTokens * 0.0000025 : 0;
    if (ran) items.push({ type: 'analysis', analysisType: type, model: type === 'structuredOutput' ? { provider: 'openai', model: 'gpt-4.1-2025-04-14' } : flash, promptTokens, completionTokens, cachedPromptTokens: 0, cost });
    analysis[type] = round4(cost);
    analysis[`${type}PromptTokens`] = promptTokens;
    analysis[`${type}CompletionTokens`] = completionTokens;
    analysis[`${type}CachedPromptTokens`] = 0;
    analysed += cost;
  }
  let total = voicemail + analysed;
  for (const part of ['transport', 'stt', 'llm', 'tts', 'vapi']) {
    total += breakdown[part];
    breakdown[part] = round4(breakdown[part]);
  }
  breakdown.total = round4(total);
  if (bare) for (const part of ['transport', 'stt', 'tts', 'chat']) if (breakdown[part] === 0) delete breakdown[part];
  if (!lean) {
    breakdown.analysisCostBreakdown = analysis;
    breakdown.knowledgeBaseCost = 0;
    breakdown.voicemailDetectionCost = round4(voicemail);
  }
  return { items, breakdown, total: breakdown.total };
}
