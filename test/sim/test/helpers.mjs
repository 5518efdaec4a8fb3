/**
 * Starts a simulator as a process of its own and talks to it.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = join(HERE, '..', '..', '..');
export const ENTRY = join(HERE, '..', 'vapi.mjs');
export const KEY = 'aaaaaaaa-0000-4000-8000-000000000001';
/** Where real payloads and the OpenAPI document are, if they are there at all. */
export const SAMPLES = process.env.VAPI_SAMPLES ?? join(ROOT, '..', 'shared', 'samples');
export const OPENAPI = join(SAMPLES, 'vapi-openapi.json');
export const hasOpenApi = existsSync(OPENAPI);

/** Starts a simulator; options as on its command line, without dashes. Returns a client; call `stop` at the end. */
export async function startSimulator(options = {}) {
  const args = ['--die-with-stdin', '--admin', '--key', KEY];
  for (const [name, value] of Object.entries({ calls: 300, ...options })) args.push(...(value === true ? [`--${name}`] : [`--${name}`, String(value)]));
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const url = await new Promise((done, fail) => {
    createInterface({ input: child.stdout }).once('line', (line) => done(line.replace('listening on ', '')));
    child.once('exit', (code) => fail(new Error(`simulator ended with ${code}`)));
  });
  return new Client(child, url);
}

class Client {
  constructor(child, url) {
    this.child = child;
    this.url = url;
  }

  async stop() {
    if (this.child.exitCode !== null) return;
    const gone = new Promise((done) => this.child.once('exit', done));
    this.child.stdin.end();
    await gone;
  }

  /** {status, headers, body (parsed), text}. */
  async request(method, path, { key = KEY, body, headers = {}, redirect = 'manual' } = {}) {
    const response = await fetch(this.url + path, {
      method,
      redirect,
      headers: { ...(key === null ? {} : { Authorization: `Bearer ${key}` }), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    let parsed;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = undefined;
    }
    return { status: response.status, headers: response.headers, body: parsed, text };
  }

  async get(path, options) {
    return this.request('GET', path, options);
  }

  /** Body of a GET that must succeed. */
  async read(path) {
    const { status, body, text } = await this.get(path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text.slice(0, 300)}`);
    return body;
  }

  async admin(method, path, body) {
    const answer = await this.request(method, `/_sim/${path}`, { body, key: null });
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  /** All calls, walked as a careful client does: createdAtLe and skipping what was seen. */
  async walk({ limit = 100, query = '' } = {}) {
    const seen = new Map();
    let before = '';
    for (;;) {
      const page = await this.read(`/call?limit=${limit}${query}${before}`);
      const fresh = page.filter((call) => !seen.has(call.id));
      for (const call of fresh) seen.set(call.id, call);
      if (page.length < limit || fresh.length === 0) return [...seen.values()];
      before = `&createdAtLe=${page.at(-1).createdAt}`;
    }
  }
}

/** Waits until a condition holds. */
export async function until(what, condition, seconds = 120) {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s: ${what}`);
    await new Promise((done) => setTimeout(done, 30));
  }
}

/**
 * Plays live calls fast, with webhooks to a file, until all is over. Returns {sim, bodies, log, finals, ids, talked: id of a call
 * with a conversation, stop}.
 */
export async function play(options) {
  const folder = mkdtempSync(join(tmpdir(), 'vapi-sim-'));
  const file = join(folder, 'webhooks.jsonl');
  const sim = await startSimulator({ calls: 0, now: '2026-10-01T00:00:00Z', 'live-rate': 60, 'time-factor': 20000, 'webhook-file': file, ...options });
  try {
    await until('all calls are over', async () => (await sim.admin('GET', 'live')).idle);
  } catch (error) {
    await sim.stop();
    throw error;
  }
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const finals = (await sim.admin('GET', 'final')).filter((call) => call.createdAt >= '2026-10-01');
  return {
    sim,
    text,
    bodies: text.split('\n').filter(Boolean).map((line) => JSON.parse(line)),
    log: await sim.admin('GET', 'deliveries'),
    finals,
    ids: finals.map((call) => call.id),
    talked: finals.find((call) => call.endedReason === 'customer-ended-call')?.id,
    async stop() {
      await sim.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
