/**
 * Command line of the simulator.
 */

import { AUTH_MODES } from './signing.mjs';

/** name: [default, kind, help]; kinds: number, text, time (ISO 8601, kept as epoch ms), flag, json. */
const OPTIONS = {
  port: [0, 'number', 'TCP port, 0 = any free one'],
  host: ['127.0.0.1', 'text', 'address to listen on'],
  'port-file': [null, 'text', 'write the port to this file when ready'],
  'die-with-stdin': [false, 'flag', 'exit when standard input closes'],
  seed: [1, 'number', 'everything follows from the seed'],
  calls: [5000, 'number', 'number of calls, up to 1,000,000'],
  from: [Date.parse('2025-11-22T00:00:00Z'), 'time', 'creation time of the oldest call'],
  to: [Date.parse('2026-11-22T00:00:00Z'), 'time', 'end of the range (exclusive)'],
  bytes: [45000, 'number', 'average size of a call in bytes of JSON'],
  key: ['11111111-2222-4333-8444-555555555555', 'text', 'the private API key'],
  org: [null, 'text', 'organisation id'],
  ties: [0, 'number', 'this many of the calls get one identical createdAt'],
  'ties-at': [null, 'time', 'that createdAt'],
  'shuffle-ties': [false, 'flag', 'order calls of one millisecond differently in each response'],
  'page-cap': [1000, 'number', 'lists never hold more, whatever limit asks for'],
  'retention-days': [0, 'number', 'refuse to read older calls with 400; 0 = no limit'],
  'late-cost-share': [0, 'number', 'share of calls whose cost and analysis come later (0 to 1)'],
  'late-cost-ms': [60000, 'number', 'how much later, at most'],
  'fixed-presigned': [false, 'flag', 'the same presigned URLs in every response'],
  'latency-ms': [0, 'number', 'delay before each answer'],
  'rate-limit': [0, 'number', 'requests a minute before 429; 0 = no limit'],
  concurrency: [10, 'number', 'calls that may run at the same time'],
  now: [null, 'time', 'where the simulated clock starts (default: the real time)'],
  gzip: [true, 'boolean', 'compress when the client accepts it (--no-gzip: never)'],
  'cache-mb': [0, 'number', 'keep this much of rendered pages, for benchmarks; presigned URLs are then reused'],
  'live-calls': [0, 'number', 'calls that begin by themselves'],
  'live-rate': [30, 'number', 'how many of them begin in a simulated minute'],
  'time-factor': [1, 'number', 'simulated seconds in a real one'],
  'webhook-url': [null, 'text', 'where webhooks go'],
  'webhook-file': [null, 'text', 'webhooks are not posted but written here, one body a line'],
  'webhook-auth': ['none', 'text', 'none, secret, bearer or hmac'],
  'webhook-secret': [null, 'text', 'the secret of webhooks; better in VAPI_SIM_WEBHOOK_SECRET'],
  'webhook-hmac': [null, 'json', 'how HMAC signs, see README.md'],
  'webhook-backoff': [null, 'json', 'backoffPlan of servers that have none'],
  'webhook-mishaps': [null, 'json', 'loss, duplicates and the like, see README.md'],
  'webhook-senders': [10, 'number', 'webhooks that may be under way at once'],
  'webhook-type': ['application/json', 'text', 'content type of webhooks'],
  'server-messages': ['assistant', 'text', 'what is sent: as each assistant says, default, all, or a list with commas'],
  'assistant-requests': [false, 'flag', 'one number has no assistant and asks the server'],
  control: [false, 'flag', 'controlUrl lies on the simulator and works'],
  predial: [false, 'flag', 'campaigns ask before they call a contact'],
  admin: [false, 'flag', 'serve /_sim/'],
  faults: [null, 'json', 'fault rules, see README.md'],
};

const camel = (name) => name.replace(/-(.)/g, (all, letter) => letter.toUpperCase());

function parseValue(name, kind, text) {
  if (kind === 'text') return text;
  if (kind === 'json') {
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`--${name}: not JSON`);
    }
  }
  const value = kind === 'time' ? Date.parse(text) : Number(text);
  if (text === '' || Number.isNaN(value)) throw new Error(`--${name}: "${text}" is not a ${kind}`);
  return value;
}

/** Options in camelCase with their defaults; `given` overrides them (times as epoch ms). */
export function defaultOptions(given = {}) {
  const options = {};
  for (const name in OPTIONS) options[camel(name)] = OPTIONS[name][0];
  return checkOptions(Object.assign(options, given));
}

/** Parses a command line. Throws an Error that says which option is wrong. */
export function parseOptions(argv) {
  const given = {};
  for (let i = 0; i < argv.length; i++) {
    const [, no, name, inline] = /^--(no-)?([a-z-]+)(?:=(.*))?$/s.exec(argv[i]) ?? [];
    const option = OPTIONS[name];
    if (!option) throw new Error(`unknown option ${argv[i]}`);
    if (no || option[1] === 'flag' || option[1] === 'boolean') {
      given[camel(name)] = !no;
      continue;
    }
    const text = inline ?? argv[++i];
    if (text === undefined) throw new Error(`--${name} needs a value`);
    given[camel(name)] = parseValue(name, option[1], text);
  }
  return defaultOptions(given);
}

function checkOptions(options) {
  const { calls, ties, from, to } = options;
  if (!Number.isInteger(calls) || calls < 0 || calls > 1000000) throw new Error('--calls: 0 to 1000000');
  if (!Number.isInteger(ties) || ties < 0 || ties > calls) throw new Error('--ties: 0 to the number of calls');
  if (!(from < to)) throw new Error('--from must be before --to');
  if (!(options.timeFactor > 0)) throw new Error('--time-factor: greater than 0');
  if (!(options.liveRate > 0) || !Number.isInteger(options.liveCalls)) throw new Error('--live-calls and --live-rate: a number, and greater than 0');
  if (!AUTH_MODES.includes(options.webhookAuth)) throw new Error(`--webhook-auth: ${AUTH_MODES.join(', ')}`);
  if (options.webhookAuth !== 'none' && !options.webhookSecret) throw new Error(`--webhook-auth ${options.webhookAuth} needs a secret`);
  options.seed >>>= 0;
  return options;
}

/** Text for --help. */
export function usage() {
  const lines = Object.entries(OPTIONS).map(([name, [value, kind, help]]) => `  --${name.padEnd(18)} ${help}${kind === 'flag' || value === null ? '' : ` (${kind === 'time' ? new Date(value).toISOString() : value})`}`);
  return `node test/sim/vapi.mjs [options]\n${lines.join('\n')}`;
}
