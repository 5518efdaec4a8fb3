/**
 * HTTP: authentication, rate limit, faults, compression, and the answers themselves.
 */
import { timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { ApiError, cannot, invalidKey, missingAuthorization } from './errors.mjs';
import { ROUTES } from './routes.mjs';

const gzip = promisify(zlib.gzip);
const MAX_BODY = 10 << 20;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function sameKey(given, key) {
  const a = Buffer.from(given);
  const b = Buffer.from(key);
  return a.length === b.length && timingSafeEqual(a, b);
}

function authenticate(request, key) {
  const header = request.headers.authorization;
  if (!header) throw missingAuthorization();
  const [, given] = /^Bearer\s+(.+)$/i.exec(header) ?? [];
  if (given === undefined || !sameKey(given.trim(), key)) throw invalidKey();
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new ApiError(413, 'request entity too large');
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new ApiError(400, error.message);
  }
}

/** Counts what was asked, for tests. */
class Statistics {
  constructor() {
    this.reset();
  }

  reset() {
    Object.assign(this, { requests: 0, byPath: {}, byStatus: {}, rows: 0, bytes: 0, sentBytes: 0, running: 0, maxRunning: 0, lastAuth: null, lastAgent: null, connections: 0 });
  }

  begin(method, path) {
    this.requests++;
    const key = `${method} ${path.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,27}/gi, '{id}')}`;
    this.byPath[key] = (this.byPath[key] ?? 0) + 1;
    this.maxRunning = Math.max(this.maxRunning, ++this.running);
  }
}

/**
 * Makes the server of a simulator (not yet listening). faults: see faults.mjs, may be null; admin: routes of /_sim/ or null.
 */
export function createServer(sim, { faults = null, admin = [] } = {}) {
  const { options } = sim;
  const statistics = new Statistics();
  const routes = [...ROUTES, ...admin];
  const recent = [];

  function limitRate() {
    if (!options.rateLimit) return;
    const now = Date.now();
    while (recent.length && recent[0] <= now - 60000) recent.shift();
    if (recent.length >= options.rateLimit) throw new ApiError(429, 'Rate limit exceeded');
    recent.push(now);
  }

  async function answer(request, url, fault) {
    const isAdmin = url.pathname.startsWith('/_sim/');
    const route = routes.find(([method, pattern]) => method === request.method && pattern.test(url.pathname));
    const open = isAdmin || route?.[3]?.open;
    if (!open) {
      try {
        if (fault?.expired) throw invalidKey();
        authenticate(request, options.key);
        statistics.lastAuth = 'ok';
      } catch (error) {
        statistics.lastAuth = error.body?.message ?? 'failed';
        throw error;
      }
      limitRate();
    }
    if (!route) throw cannot(request.method, url.pathname);
    const body = request.method === 'GET' ? undefined : await readBody(request);
    const params = route[1].exec(url.pathname).slice(1).map(decodeURIComponent);
    return route[2]({ sim, url, params, body, statistics, faults, range: request.headers.range, origin: `http://${request.headers.host}` });
  }

  async function respond(request, response) {
    const url = new URL(request.url, 'http://simulator');
    const isAdmin = url.pathname.startsWith('/_sim/');
    const fault = isAdmin ? null : (faults?.take(request.method, url) ?? null);
    if (!isAdmin) {
      statistics.begin(request.method, url.pathname);
      statistics.lastAgent = request.headers['user-agent'] ?? null;
      response.once('close', () => statistics.running--);
    }
    sim.tick();
    const delay = isAdmin ? 0 : options.latencyMs + (fault?.delayMs ?? 0);
    if (delay > 0) await sleep(delay);
    if (fault?.reset) return request.socket.resetAndDestroy();

    let result;
    try {
      result = fault?.answer ?? (await answer(request, url, fault));
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      const body = error instanceof ApiError ? error.body : { statusCode: 500, message: 'Internal server error' };
      result = error.xml ? { status: error.status, headers: { 'Content-Type': 'application/xml', ...error.headers }, text: error.xml } : { status: body.statusCode, value: body };
    }
    let payload = result.buffer ?? Buffer.from(result.text ?? JSON.stringify(result.value));
    if (fault?.mutate) payload = fault.mutate(payload);
    const headers = { 'Content-Type': 'application/json; charset=utf-8', Date: new Date(sim.now() + (fault?.skewMs ?? 0)).toUTCString(), Vary: 'Accept-Encoding', ...result.headers };
    if (!isAdmin) {
      statistics.byStatus[result.status] = (statistics.byStatus[result.status] ?? 0) + 1;
      statistics.rows += result.rows ?? 0;
      statistics.bytes += payload.length;
    }
    if (options.gzip && !result.raw && payload.length > 1024 && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
      if (payload !== result.buffer) payload = await gzip(payload, { level: 1 });
      else payload = result.packed ??= await gzip(payload, { level: 1 });
      headers['Content-Encoding'] = 'gzip';
    }
    headers['Content-Length'] = payload.length;
    if (!isAdmin) statistics.sentBytes += payload.length;
    response.sendDate = false;
    response.writeHead(result.status, headers);
    if (fault?.send) return fault.send(response, payload);
    response.end(request.method === 'HEAD' ? undefined : payload);
  }

  const server = http.createServer({ keepAliveTimeout: 65000 }, (request, response) => {
    respond(request, response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  server.on('connection', () => statistics.connections++);
  server.statistics = statistics;
  return server;
}
