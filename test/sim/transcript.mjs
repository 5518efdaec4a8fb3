/**
 * Conversations as JSON, prepared once per conversation: each turn becomes fixed strings with holes for the call's own
 * times and names, so that serving a call is only joining strings.
 */
import { TEXT_SLOTS } from './conversation.mjs';
import { Random } from './random.mjs';

const SLOT_CHARACTERS = Object.values(TEXT_SLOTS);
/** Lower-case twins, for the words of the transcriber. */
const LOWER = { '\x80': '\x90', '\x81': '\x91', '\x82': '\x92' };
const SPLIT = /([\x80-\x82\x90-\x92])/;

/** Cuts a text at its holes: strings are literal, numbers ≤ −1 are names (−1 − slot), lower case from −17. */
function cut(text) {
  return text
    .split(SPLIT)
    .filter((part) => part !== '')
    .map((part) => {
      if (part.length > 1) return part;
      const code = part.charCodeAt(0);
      return code >= 0x80 && code <= 0x92 ? -1 - (code - 0x80) : part;
    });
}

/** The values for the holes of a call: index = slot, lower case from 16. */
export function slotValues(customer) {
  const values = [customer.first, customer.city, customer.company];
  for (let i = 0; i < 3; i++) values[16 + i] = values[i].toLowerCase();
  return values;
}

/** Words with times and confidence, as the transcriber reports them: seconds from start, or epoch ms with `epoch`. */
function words(turn, random, epoch) {
  const list = turn.text.split(' ');
  const step = turn.spoken / list.length;
  return list.map((word, i) => {
    const start = (turn.at + i * step) / 1000;
    const end = (turn.at + (i + 1) * step) / 1000;
    let plain = word.toLowerCase().replace(/[^a-z0-9'\x80-\x82]/g, '');
    for (const slot of SLOT_CHARACTERS) plain = plain.replaceAll(slot, LOWER[slot]);
    const item = { end: Math.fround(end), word: plain, start: Math.fround(start), confidence: Math.fround(0.6 + random.next() * 0.4), punctuated_word: word };
    if (epoch) Object.assign(item, { end: `@${Math.round(end * 1000)}@`, start: `@${Math.round(start * 1000)}@` });
    return item;
  });
}

/** Strings and holes of one piece of JSON with `@offset@` for times: entries are strings, {time} offsets or names. */
function pieces(json) {
  const entries = [];
  json.split(/"@(-?[\d.]+)@"/).forEach((part, i) => {
    if (i % 2) entries.push({ time: Number(part) });
    else entries.push(...cut(part));
  });
  return entries;
}

/**
 * Prepares a conversation. Returns {turns: [{messages, openai, transcript}], latencies}: each a list of entries for `join`.
 * `withWords: false` leaves the word timings out.
 */
export function prepare(conversation, { withWords }) {
  const random = new Random('transcript', conversation.turns.length, Math.round(conversation.talkEnd));
  const epochWords = random.chance(0.08);
  const fractional = random.chance(0.3);
  const line = conversation.line;
  const squad = line.members.length > 1;
  const turns = conversation.turns.map((turn) => {
    const seconds = Math.round(turn.at) / 1000;
    if (turn.who === 'call') {
      const call = { id: turn.id, type: 'function', function: { name: turn.name, arguments: JSON.stringify(turn.args) } };
      return {
        messages: pieces(JSON.stringify({ role: 'tool_calls', time: `@${turn.at}@`, message: '', toolCalls: [call], secondsFromStart: seconds })),
        openai: pieces(JSON.stringify({ role: 'assistant', content: null, tool_calls: [call] })),
        transcript: [],
      };
    }
    if (turn.who === 'result') {
      return {
        messages: pieces(JSON.stringify({ name: turn.name, role: 'tool_call_result', time: `@${turn.at}@`, result: turn.result, toolCallId: turn.id, secondsFromStart: seconds })),
        openai: pieces(JSON.stringify({ role: 'tool', content: turn.result, tool_call_id: turn.id })),
        transcript: [],
      };
    }
    const bot = turn.who === 'bot';
    const shift = fractional && !bot ? random.pick([0.997, 0.0048828125, 0.5]) : 0;
    const message = bot
      ? { role: 'bot', time: `@${turn.at}@`, source: '', endTime: `@${turn.until}@`, message: turn.text, duration: turn.spoken, secondsFromStart: seconds, ...(squad ? { assistantId: line.apiAssistants[turn.agent].id, assistantName: line.members[turn.agent].name } : {}) }
      : {
          role: 'user',
          time: `@${turn.at + shift}@`,
          endTime: `@${turn.until + shift}@`,
          message: turn.text,
          duration: fractional ? turn.spoken - 0.0068359375 : turn.spoken,
          ...(withWords ? { metadata: { wordLevelConfidence: words(turn, random, epochWords) } } : {}),
          secondsFromStart: fractional ? Math.fround(seconds) : seconds,
        };
    return {
      messages: pieces(JSON.stringify(message)),
      openai: pieces(JSON.stringify({ role: bot ? 'assistant' : 'user', content: turn.text })),
      transcript: pieces(JSON.stringify(`${bot ? 'AI' : 'User'}: ${turn.text}\n`).slice(1, -1)),
    };
  });
  const latencies = conversation.turns
    .filter((turn) => turn.who === 'bot')
    .map(() => {
      const modelLatency = random.between(250, 900);
      const voiceLatency = random.between(200, 700);
      const transcriberLatency = random.chance(0.3) ? 0 : random.between(80, 990);
      const endpointingLatency = random.between(90, 1500);
      return { modelLatency, voiceLatency, transcriberLatency, endpointingLatency, turnLatency: modelLatency + voiceLatency + transcriberLatency + endpointingLatency };
    });
  return { turns, latencies };
}

/** Joins the first `count` turns of one field: `base` is the call's start (epoch ms), `names` come from `slotValues`. */
export function join(prepared, field, count, base, names, separator) {
  let out = '';
  for (let i = 0; i < count; i++) {
    const entries = prepared.turns[i][field];
    if (i > 0) out += separator;
    for (let j = 0; j < entries.length; j++) {
      const entry = entries[j];
      if (typeof entry === 'string') out += entry;
      else if (typeof entry === 'number') out += names[-1 - entry];
      else out += base + entry.time;
    }
  }
  return out;
}
