#!/usr/bin/env node
/**
 * Linear, FreshBooks and a receiver of webhooks in one process: what deliveries go to. See README.md.
 *
 *   node vendors.mjs [--port 0] [--port-file FILE] [--schema FILE] [--die-with-stdin]
 *
 * POST /graphql is Linear, /freshbooks/… FreshBooks, POST /hook/NAME the receiver. /_sim/ is for tests: GET /_sim/state,
 * PUT /_sim/faults, POST /_sim/set, POST /_sim/release.
 */
import http from 'node:http';
import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FreshBooks } from './freshbooks.mjs';
import { Linear } from './linear.mjs';
import { Receiver } from './receiver.mjs';

const MAX_BODY = 10 << 20;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error('the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/**
 * What goes wrong. A rule is {path, method?, body?, times?, before?, after?}: before the vendor has done anything, or after it has.
 * Each of them is {status, headers?, value?}, 'reset', 'hold' (until /_sim/release; a request whose sender has gone by then is not taken) or {delayMs}.
 */
class Faults {
  rules = [];
  held = [];

  set(rules) {
    this.rules = rules.map((rule) => ({ ...rule, left: rule.times ?? Infinity }));
  }

  take(method, path, body) {
    const rule = this.rules.find((one) => one.left > 0 && new RegExp(one.path).test(path) && (one.method ?? method) === method && (!one.body || new RegExp(one.body).test(body)));
    if (rule) rule.left--;
    return rule;
  }

  /** Returns an answer in place of the vendor's, or null. */
  async act(action, request) {
    if (!action) return null;
    if (action === 'reset') {
      request.socket.resetAndDestroy();
      return 'gone';
    }
    if (action === 'hold') {
      await new Promise((go) => { this.held.push(go); });
      return request.socket.destroyed ? 'gone' : null;
    }
    if (action.delayMs) {
      await sleep(action.delayMs);
      return null;
    }
    return action;
  }

  release() {
    const { length } = this.held;
    for (const go of this.held.splice(0)) go();
    return length;
  }
}

export function createServer({ schema = null } = {}) {
  const faults = new Faults();
  const vendors = { linear: new Linear(schema), freshbooks: new FreshBooks(), receiver: new Receiver() };
  const seen = [];
  let running = 0;
  let mostRunning = 0;

  const vendorOf = (path) => (path === '/graphql' ? vendors.linear : path.startsWith('/freshbooks/') ? vendors.freshbooks : path.startsWith('/hook/') ? vendors.receiver : null);

  async function admin(method, path, text) {
    const body = text ? JSON.parse(text) : undefined;
    if (path === '/_sim/state') return { ...Object.fromEntries(Object.entries(vendors).map(([name, vendor]) => [name, vendor.state()])), seen, mostRunning, held: faults.held.length };
    if (path === '/_sim/faults') return faults.set(body) ?? {};
    if (path === '/_sim/release') return { released: faults.release() };
    if (path === '/_sim/set') {
      for (const [name, values] of Object.entries(body)) vendors[name].set(values);
      return {};
    }
    if (path === '/_sim/forget') {
      seen.length = 0;
      mostRunning = 0;
      return {};
    }
    return null;
  }

  async function respond(request, response) {
    const url = new URL(request.url, 'http://vendor');
    const path = url.pathname;
    const text = await readBody(request);
    const send = (status, value, headers = {}) => {
      const payload = typeof value === 'string' ? value : JSON.stringify(value ?? {});
      response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload), ...headers });
      response.end(payload);
    };
    if (path.startsWith('/_sim/')) {
      const value = await admin(request.method, path, text);
      return value === null ? send(404, {}) : send(200, value);
    }
    const vendor = vendorOf(path);
    if (!vendor) return send(404, { error: 'Requested resource could not be found.' });
    running++;
    mostRunning = Math.max(mostRunning, running);
    response.once('close', () => running--);
    const rule = faults.take(request.method, path, text);
    seen.push({ method: request.method, path, search: url.search, at: Date.now() });
    let instead = await faults.act(rule?.before, request);
    if (instead === 'gone') return undefined;
    if (instead) return send(instead.status, instead.value, instead.headers);
    const answer = await vendor.answer({ method: request.method, path, query: url.searchParams, headers: request.headers, text });
    instead = await faults.act(rule?.after, request);
    if (instead === 'gone') return undefined;
    if (instead) return send(instead.status, instead.value, instead.headers);
    return send(answer.status, answer.value, answer.headers);
  }

  return http.createServer({ keepAliveTimeout: 65000 }, (request, response) => {
    respond(request, response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
}

function main() {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, 'port-file': { type: 'string' }, schema: { type: 'string' }, 'die-with-stdin': { type: 'boolean' } } });
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
  if (values['die-with-stdin']) process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();
  const server = createServer({ schema: values.schema });
  server.listen(Number(values.port), '127.0.0.1', () => {
    const { port } = server.address();
    if (values['port-file']) {
      const temporary = `${values['port-file']}.${process.pid}`;
      writeFileSync(temporary, `${port}\n`);
      renameSync(temporary, values['port-file']);
    }
    console.log(`listening on http://127.0.0.1:${port}`);
  });
}

if (process.argv[1]?.endsWith('vendors.mjs')) main();
