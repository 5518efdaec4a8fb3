/**
 * Faults on purpose. A rule says which requests it hits and what goes wrong; the first rule that fires wins.
 *
 * {kind, path?, method?, query?, count?, skip?, probability?, …parameters of the kind}
 */
import { Random } from './random.mjs';

const HTML = (status) => `<!DOCTYPE html><html><head><title>${status}</title></head><body><center><h1>Error ${status}</h1></center><hr><center>simulated edge</center></body></html>`;

/** Puts text behind the opening quote of every transcript and summary. */
function insert(payload, text) {
  return Buffer.from(payload.toString().replace(/"(transcript|summary)":"/g, `$&${text}`));
}

/** kind → rule → what the server does: {delayMs, reset, expired, skewMs, answer, mutate, send}. */
const KINDS = {
  status: ({ status = 500, retryAfter, body = 'json', message }) => ({
    answer: {
      status,
      headers: { ...(retryAfter !== undefined ? { 'Retry-After': String(retryAfter) } : {}), ...(body === 'html' ? { 'Content-Type': 'text/html; charset=UTF-8' } : {}) },
      text: body === 'html' ? HTML(status) : body === 'empty' ? '' : JSON.stringify({ statusCode: status, message: message ?? (status === 429 ? 'Rate limit exceeded' : 'Internal server error') }),
    },
  }),
  redirect: ({ location, status = 302 }) => ({ answer: { status, headers: { Location: location }, text: '' } }),
  delay: ({ ms = 1000 }) => ({ delayMs: ms }),
  'slow-body': ({ ms = 1000, chunks = 10 }) => ({
    async send(response, payload) {
      const size = Math.ceil(payload.length / chunks);
      for (let i = 0; i < payload.length && !response.destroyed; i += size) {
        response.write(payload.subarray(i, i + size));
        await new Promise((done) => setTimeout(done, ms / chunks));
      }
      response.end();
    },
  }),
  'cut-body': ({ share = 0.5 }) => ({
    send(response, payload) {
      response.write(payload.subarray(0, Math.floor(payload.length * share)), () => setTimeout(() => response.destroy(), 20));
    },
  }),
  'invalid-json': ({ share = 0.7 }) => ({ mutate: (payload) => payload.subarray(0, Math.floor(payload.length * share)) }),
  text: ({ text }) => ({ answer: { status: 200, text } }),
  reset: () => ({ reset: true }),
  'expired-key': () => ({ expired: true }),
  'clock-skew': ({ ms }) => ({ skewMs: ms }),
  org: ({ orgId = '99999999-0000-4000-8000-000000000000' }) => ({ mutate: (payload) => Buffer.from(payload.toString().replace(/"orgId":"[^"]+"/g, `"orgId":"${orgId}"`)) }),
  nul: () => ({ mutate: (payload) => insert(payload, '\\u0000') }),
  surrogate: () => ({ mutate: (payload) => insert(payload, '\\ud800') }),
  deep: ({ depth = 5000 }) => ({ mutate: (payload) => Buffer.from(payload.toString().replace(/"status":"ended"/g, `$&,"deep":${'['.repeat(depth)}${']'.repeat(depth)}`)) }),
  pad: ({ bytes = 250000 }) => ({ mutate: (payload) => Buffer.from(payload.toString().replace(/"status":"ended"/g, `$&,"padding":"${'x'.repeat(bytes)}"`)) }),
};

export class Faults {
  /** rules: see above. Throws an Error for a rule that cannot be understood. */
  constructor(rules, seed) {
    this.random = new Random(seed, 'faults');
    this.set(rules);
  }

  set(rules) {
    const list = Array.isArray(rules) ? rules : rules ? [rules] : [];
    this.rules = list.map((rule) => {
      if (!Object.hasOwn(KINDS, rule.kind)) throw new Error(`unknown kind of fault "${rule.kind}"; known: ${Object.keys(KINDS).join(', ')}`);
      return { rule, path: new RegExp(rule.path ?? '^/call'), query: rule.query === undefined ? null : new RegExp(rule.query), seen: 0, fired: 0 };
    });
  }

  /** The fault that hits this request, or null. */
  take(method, url) {
    for (const entry of this.rules) {
      const { rule } = entry;
      if (rule.method && rule.method !== method) continue;
      if (!entry.path.test(url.pathname) || (entry.query && !entry.query.test(url.search))) continue;
      entry.seen++;
      if (entry.seen <= (rule.skip ?? 0) || entry.fired >= (rule.count ?? Infinity)) continue;
      if (rule.probability !== undefined && !this.random.chance(rule.probability)) continue;
      entry.fired++;
      return KINDS[rule.kind](rule);
    }
    return null;
  }

  /** The rules with how often each was looked at and fired. */
  describe() {
    return this.rules.map(({ rule, seen, fired }) => ({ ...rule, seen, fired }));
  }
}
