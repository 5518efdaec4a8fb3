#!/usr/bin/env node
/**
 * The load of test/bench/live.sh: so many subscribers of the live feed, each with the protocol of docs/serving.md, and so many
 * webhooks a second; how long after a POST began its card is at each subscriber. Everything is in one process, with one clock.
 *
 * Environment: ROOT (the edge's URL), KEY (of tokens), BODIES (the mixture), SUBSCRIBERS, RATE, SECONDS, BEGUN (a file made when the
 * load begins).
 * Standard input, a line each: "begin NAME" and "end NAME" of a fault; "stop". Output: a JSON line a phase.
 */
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import readline from 'node:readline';

const { ROOT, KEY, BODIES } = process.env;
const subscribers = Number(process.env.SUBSCRIBERS);
const rate = Number(process.env.RATE);
const seconds = Number(process.env.SECONDS);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

function token(role) {
  const part = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ role, exp: Math.floor(Date.now() / 1000) + 36000 })}`;
  return `Bearer ${signed}.${createHmac('sha256', KEY).update(signed).digest('base64url')}`;
}
const tokens = { vapi_agent: token('vapi_agent'), vapi_viewer: token('vapi_viewer') };

/** One request; {status, body}, status 0 when it failed. */
function ask(method, path, headers, body) {
  return new Promise((resolve) => {
    const request = http.request(ROOT + path, { method, headers, agent, timeout: 20000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => { text += part; });
      response.on('end', () => resolve({ status: response.statusCode, body: text }));
      response.on('error', () => resolve({ status: 0, body: '' }));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve({ status: 0, body: '' }));
    request.end(body);
  });
}

/** What is sent and not yet at every subscriber: by call, [rank, when the POST began] in order. */
const awaited = new Map();
const latencies = [];
let phase = { name: 'load', refused: 0, restFailed: 0, webhooks: 0 };

/** How far a call's card says that it has come. */
const ranks = { queued: 0, ringing: 1, 'in-progress': 2 };
function rank(card) {
  if (card.live) return ranks[card.status] ?? -1;
  return card.duration_seconds === null ? 3 : 4;
}

/** Everybody of an audience gets the same bytes. */
const parsed = new Map();
function parse(text) {
  let message = parsed.get(text);
  if (message === undefined) {
    message = JSON.parse(text);
    if (parsed.size > 500) parsed.delete(parsed.keys().next().value);
    parsed.set(text, message);
  }
  return message;
}

class Subscriber {
  constructor(number) {
    this.role = number % 2 ? 'vapi_agent' : 'vapi_viewer';
    this.cards = new Map();
    this.seen = new Map();
    this.epoch = null;
    this.last = -1;
    this.reads = 0;
    this.gaps = 0;
    this.streams = 0;
    this.renewals = 0;
    this.retry = 3000; // a browser's, until the stream says another
    this.open();
  }

  /** One stream: `opened` when it is there, `ended` once, when it is over or could not be had. */
  connect(opened, ended) {
    const headers = { Authorization: tokens[this.role], Accept: 'text/event-stream' };
    if (this.id) headers['Last-Event-ID'] = this.id;
    let over = false;
    const end = () => {
      if (!over) ended();
      over = true;
    };
    const request = http.request(`${ROOT}/api/sse/calls`, { headers, agent: false }, (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        end();
        return;
      }
      opened(request);
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        const now = performance.now();
        const events = (rest + part).split('\n\n');
        rest = events.pop();
        for (const event of events) this.take(event, now);
      });
      response.on('end', end);
      response.on('close', end);
      response.on('error', end);
    });
    request.on('error', end);
    request.end();
  }

  /** Keeps a stream open. That of `former` goes on until the new one is there. */
  open(former) {
    let mine = former;
    this.connect((request) => {
      if (this.stream !== undefined) this.renewals += 1;
      this.stream?.destroy();
      this.stream = mine = request;
      this.renew(undefined);
      this.streams += 1;
      this.read();
    }, () => {
      if (this.closed || this.stream !== mine) return;
      this.renew(undefined);
      if (mine !== undefined && mine === former) return;
      this.stream = undefined;
      setTimeout(() => this.stream ?? this.open(), this.retry);
    });
  }

  /** When the next stream is opened; undefined: that is not known yet. */
  renew(timer) {
    clearTimeout(this.renewal);
    this.renewal = timer;
  }

  take(event, now) {
    for (const line of event.split('\n')) {
      if (line.startsWith('id: ')) this.id = line.slice(4);
      else if (line.startsWith('retry: ')) this.retry = Number(line.slice(7));
      else if (line.startsWith('data: ')) this.hear(parse(line.slice(6)), now);
    }
  }

  hear(message, now) {
    if (message.seq !== undefined) this.arrived(message.card, now);
    if (message.ends_in <= 30 && this.renewal === undefined) this.renew(setTimeout(() => this.open(this.stream), Math.random() * Math.max(0, message.ends_in - 3) * 1000));
    this.follow(message);
  }

  follow(message) {
    if (this.reading) this.reading.waiting.push(message);
    else if (message.epoch !== this.epoch) this.read();
    else if (message.seq === undefined) {
      if (message.last > this.last) this.read();
    } else if (message.seq > this.last) {
      if (message.prev > this.last) {
        this.gaps += 1;
        this.read();
      } else this.apply(message);
    }
  }

  apply({ seq, card }) {
    if (card.live) this.cards.set(card.id, card.status);
    else this.cards.delete(card.id);
    this.last = seq;
  }

  arrived(card, now) {
    const call = awaited.get(card.id);
    if (call === undefined) return;
    const reached = rank(card);
    const before = this.seen.get(card.id) ?? -1;
    for (const [of, began] of call) {
      if (of > before && of <= reached) latencies.push(now - began);
    }
    // Kept beyond the report: a score may still change the card.
    if (reached > before) this.seen.set(card.id, reached);
  }

  async read() {
    if (this.reading) {
      this.reading.again = true;
      return;
    }
    const mine = this.reading = { again: true, waiting: [] };
    while (this.reading.again) {
      this.reading.again = false;
      const place = this.epoch === null ? '' : `?after=${this.last}&epoch=${this.epoch}`;
      const { status, body } = await ask('GET', `/rest/rpc/vapi_changes${place}`, { Authorization: tokens[this.role] });
      this.reads += 1;
      if (status !== 200) {
        await pause(500 + Math.random() * 500);
        this.reading.again = true;
        continue;
      }
      const answer = parse(body);
      const now = performance.now();
      if (answer.reset) {
        this.cards = new Map(answer.calls.map((card) => [card.id, card.status]));
        for (const card of answer.calls) this.arrived(card, now);
      } else {
        for (const change of answer.changes) {
          this.apply(change);
          this.arrived(change.card, now);
        }
      }
      ({ epoch: this.epoch, last: this.last } = answer);
      if (answer.more) this.reading.again = true;
    }
    this.reading = undefined;
    for (const message of mine.waiting) this.follow(message);
  }

  close() {
    this.closed = true;
    this.stream?.destroy();
  }
}

const bodies = { status: [], report: [] };
for (const line of readFileSync(BODIES, 'utf8').split('\n').filter(Boolean)) {
  const [kind, json] = line.split('\t');
  bodies[kind].push(json);
}

/** The events of so many calls, as the ingest benchmark sends them: 64 calls at a time, each with its statuses, then a report. */
let sent = 0;
function* events() {
  for (let block = 0; ; block += 1) {
    for (let step = 0; step < 5; step += 1) {
      for (let i = 0; i < 64; i += 1) {
        const id = `live-${block}-${i}`;
        yield { id, rank: step, body: (step < 4 ? bodies.status[step] : bodies.report[(block * 64 + i) % bodies.report.length]).replaceAll('CALL-ID', id) };
      }
    }
  }
}

let outstanding = 0;
async function post({ id, rank: of, body }) {
  const began = performance.now();
  if (!awaited.has(id)) awaited.set(id, []);
  awaited.get(id).push([of, began]);
  outstanding += 1;
  sent += 1;
  phase.webhooks += 1;
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const { status } = await ask('POST', '/api/webhooks/vapi', { 'Content-Type': 'application/json', 'X-Vapi-Secret': 'secret-of-the-benchmark' }, body);
    if (status === 200) break;
    phase.refused += 1;
    await pause(500);
  }
  outstanding -= 1;
  if (of === 4) {
    setTimeout(() => {
      awaited.delete(id);
      for (const client of clients) client.seen.delete(id);
    }, 30000);
  }
}

const clients = [];
for (let i = 0; i < subscribers; i += 1) {
  clients.push(new Subscriber(i));
  if (i % 20 === 19) await pause(50);
}
while (clients.some((client) => client.epoch === null)) await pause(100);

writeFileSync(process.env.BEGUN, '');
let sending = true;
const due = events();
const start = performance.now();
const timer = setInterval(() => {
  while (sending && sent < ((performance.now() - start) / 1000) * rate) void post(due.next().value);
}, 5);
const probe = setInterval(async () => {
  const of = phase;
  const { status } = await ask('GET', '/api/vapi/calls?limit=1', { Authorization: tokens.vapi_agent });
  if (status !== 200) of.restFailed += 1;
}, 200);

const round = (number) => Math.round(number * 10) / 10;
function figures() {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN);
  const over = sorted.findIndex((ms) => ms > 500);
  return { events: sorted.length, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), over_500_ms: over < 0 ? 0 : sorted.length - over };
}
const sum = (what) => clients.reduce((total, client) => total + client[what], 0);
function say(object) { console.log(JSON.stringify(object)); }

/** How long until every subscriber is at the head of now, or null after a minute. */
async function caughtUp() {
  const began = performance.now();
  let head;
  while (performance.now() - began < 60000) {
    if (head === undefined) {
      const { status, body } = await ask('GET', '/rest/rpc/vapi_changes', { Authorization: tokens.vapi_agent });
      if (status === 200) head = JSON.parse(body);
    }
    if (head !== undefined && clients.every((client) => client.epoch === head.epoch && client.last >= head.last)) return round((performance.now() - began) / 1000);
    await pause(20);
  }
  return null;
}

await pause(seconds * 1000);
say({ phase: 'load', subscribers, rate, seconds, webhooks: sent, ...figures(), refused: phase.refused, rest_failed: phase.restFailed, reads: sum('reads'), gaps: sum('gaps'), streams: sum('streams'), renewals: sum('renewals') });

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [word, name] = line.split(' ');
  if (word === 'begin') phase = { name, refused: 0, restFailed: 0, webhooks: 0 };
  if (word === 'end') {
    const recovered = await caughtUp();
    say({ phase: name, recovered_s: recovered, webhooks: phase.webhooks, refused: phase.refused, rest_failed: phase.restFailed });
  }
  if (word === 'stop') break;
}
sending = false;
clearInterval(timer);
clearInterval(probe);
while (outstanding > 0) await pause(100);
await pause(1000);
const behind = await caughtUp();
const there = {};
for (const role of Object.keys(tokens)) {
  const { body } = await ask('GET', '/rest/rpc/vapi_changes', { Authorization: tokens[role] });
  there[role] = JSON.stringify(JSON.parse(body).calls.map((card) => [card.id, card.status]).sort());
}
const equal = clients.filter((client) => JSON.stringify([...client.cards].sort()) === there[client.role]).length;
say({ phase: 'end', caught_up_s: behind, subscribers_that_hold_all: equal, webhooks: sent, all_phases: figures(), streams: sum('streams'), renewals: sum('renewals'), client_rss_mb: Math.round(process.memoryUsage().rss / 1048576) });
for (const client of clients) client.close();
process.exit(equal === subscribers && behind !== null ? 0 : 1);
