/**
 * Sends webhooks: a number of senders at once, each waiting for its answer; retries; and the list of all deliveries.
 */
import { createHash } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { webhookHeaders } from './signing.mjs';

/** Real seconds that Vapi waits for an assistant, whatever the server's timeout. */
const ASSISTANT_REQUEST_LIMIT = 7.5;
const ANSWER_KEPT = 20000;

/** Retries of a backoffPlan: the delay in seconds before the next attempt, null when there is none. */
export function retryDelay(plan, attempt, status) {
  if (!plan || attempt > (plan.maxRetries ?? 0) || plan.excludedStatusCodes?.includes(status)) return null;
  const base = plan.baseDelaySeconds ?? 1;
  return plan.type === 'exponential' ? base * 2 ** (attempt - 1) : base;
}

export class Sender {
  /** settings: {senders, file, auth, secret, contentType, seed}; clock: the simulated one, for the list. */
  constructor(settings, clock) {
    Object.assign(this, { settings, clock });
    this.queue = [];
    this.head = 0;
    this.running = 0;
    this.retrying = 0;
    /** All deliveries, in the order in which they began. */
    this.log = [];
    this.file = settings.file ? openSync(settings.file, 'a') : null;
    const agent = { keepAlive: true, maxSockets: 256 };
    this.agents = { 'http:': new http.Agent(agent), 'https:': new https.Agent(agent) };
  }

  get waiting() {
    return this.queue.length - this.head;
  }

  get idle() {
    return this.waiting === 0 && this.running === 0 && this.retrying === 0;
  }

  /**
   * Queues a delivery: {url, server, callId, event, type, copy, wrong, lost, body: (copy) → text, done: (entry, answer) → …}.
   */
  push(delivery) {
    if (delivery.lost) {
      this.note(delivery, null).outcome = 'lost';
      delivery.done?.(null, undefined);
      return;
    }
    this.queue.push(delivery);
    this.pump();
  }

  pump() {
    while (this.running < this.settings.senders && this.waiting > 0) {
      const delivery = this.queue[this.head];
      this.queue[this.head++] = undefined;
      if (this.head > 4096 && this.head * 2 > this.queue.length) {
        this.queue = this.queue.slice(this.head);
        this.head = 0;
      }
      this.running++;
      this.deliver(delivery)
        .catch((error) => console.error(error))
        .finally(() => {
          this.running--;
          this.pump();
        });
    }
  }

  note(delivery, body) {
    const { event } = delivery;
    const entry = {
      n: this.log.length,
      callId: delivery.callId,
      type: delivery.type,
      event: event.index ?? null,
      timestamp: event.at,
      plannedAt: delivery.sendAt,
      copy: delivery.copy,
      attempt: delivery.attempt ?? 1,
      mishaps: delivery.mishaps ?? [],
      ...(event.status ? { status: event.status } : {}),
      ...(event.calls ? { toolCallIds: event.calls.map((call) => call.id) } : {}),
    };
    if (body) {
      entry.sentAt = new Date(this.clock.now()).toISOString();
      entry.bytes = body.length;
      entry.sha256 = createHash('sha256').update(body).digest('hex');
    }
    this.log.push(entry);
    return entry;
  }

  async deliver(delivery) {
    const attempt = (delivery.attempt ??= 1);
    const text = (delivery.same && delivery.first?.text) || delivery.body(delivery.copy + attempt - 1);
    if (delivery.keep) delivery.keep.text ??= text;
    const body = Buffer.from(text);
    const entry = this.note(delivery, body);
    if (this.file !== null) {
      writeSync(this.file, `${text}\n`);
      entry.outcome = 'written';
      delivery.done?.(entry, undefined);
      return;
    }
    const answer = await this.post(delivery, body, entry);
    const good = entry.httpStatus >= 200 && entry.httpStatus < 300;
    const delay = good ? null : retryDelay(delivery.server?.backoffPlan, attempt, entry.httpStatus);
    if (delay !== null) {
      this.retrying++;
      entry.retried = true;
      setTimeout(() => {
        this.retrying--;
        this.push({ ...delivery, attempt: attempt + 1, wrong: false });
      }, delay * 1000);
      return;
    }
    delivery.done?.(entry, good ? answer : undefined);
  }

  post(delivery, body, entry) {
    const { settings } = this;
    const { url, server, event } = delivery;
    const limit = event.type === 'assistant-request' ? ASSISTANT_REQUEST_LIMIT : (server?.timeoutSeconds ?? 20);
    const headers = webhookHeaders({
      auth: settings.auth, secret: server?.secret ?? settings.secret, url, body, callId: delivery.callId, contentType: settings.contentType,
      serverHeaders: server?.headers, now: Date.now(), seed: settings.seed, serial: entry.n, wrong: delivery.wrong,
    });
    const begin = performance.now();
    return new Promise((done) => {
      const finish = (outcome, more, answer) => {
        if (entry.outcome) return;
        clearTimeout(timer);
        Object.assign(entry, { outcome, elapsedMs: Math.round((performance.now() - begin) * 10) / 10, ...more });
        done(answer);
      };
      const target = new URL(url);
      const client = target.protocol === 'https:' ? https : http;
      const request = client.request(target, { method: 'POST', headers, agent: this.agents[target.protocol] }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', (error) => finish('error', { error: error.code ?? error.message }));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          let answer;
          try {
            answer = text === '' ? undefined : JSON.parse(text);
          } catch {
            answer = undefined;
          }
          finish('answered', { httpStatus: response.statusCode, answer: text.length > ANSWER_KEPT ? `${text.length} bytes` : (answer ?? text) }, answer);
        });
      });
      const timer = setTimeout(() => {
        finish('timeout', { limitSeconds: limit });
        request.destroy();
      }, limit * 1000);
      request.on('error', (error) => finish('error', { error: error.code ?? error.message }));
      request.end(body);
    });
  }
}
