#!/usr/bin/env node
/**
 * The load of test/bench/edge.sh: 20 clients that ask at once when they have their answer, then 20 that think for a second first.
 *
 * Environment: ROOT (the edge's URL), KEY (of tokens), SECONDS_EACH (of a phase), CALLS (how many there are). Output: a line a phase and kind of question.
 */
import { createHmac } from 'node:crypto';
import http from 'node:http';

const { ROOT, KEY } = process.env;
const seconds = Number(process.env.SECONDS_EACH);
const users = 20;
const calls = Math.min(Number(process.env.CALLS), 20000); // the newest
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const any = (list) => list[Math.floor(Math.random() * list.length)];
const part = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ role: 'vapi_agent', exp: Math.floor(Date.now() / 1000) + 36000 })}`;
const Authorization = `Bearer ${signed}.${createHmac('sha256', KEY).update(signed).digest('base64url')}`;
const agent = new http.Agent({ keepAlive: true, maxSockets: users });

/** One request: {status, body, ms}. */
function ask(method, path, body) {
  return new Promise((resolve) => {
    const began = performance.now();
    const request = http.request(ROOT + path, { method, agent, headers: { Authorization, ...(body && { 'Content-Type': 'application/json' }) } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (more) => { text += more; });
      response.on('end', () => resolve({ status: response.statusCode, body: text, ms: performance.now() - began }));
    });
    request.on('error', () => resolve({ status: 0, body: '', ms: performance.now() - began }));
    request.end(body && JSON.stringify(body));
  });
}

/** What people ask the list for, as parameters. */
const filters = ['', '', '', 'status=completed', 'status=failed,busy', 'direction=inbound', 'assistant=assistant-1', 'outcome=callback', 'score_min=70', 'cost_min=0.2', 'duration_min=100',
  'date_from=2025-06-01&date_to=2025-06-30', 'search=tuesday', 'search=person%204711', 'campaign=campaign-3'];
const newest = '2025-12-31';
const day = (before) => new Date(Date.parse(newest) - before * 86400000).toISOString().slice(0, 10);

const questions = {
  list: async (user) => {
    const next = user.next && Math.random() < 0.3 ? `&next=${user.next}` : '';
    if (!next) user.filter = any(filters);
    const answer = await ask('GET', `/api/vapi/calls?limit=50&${user.filter}${next}`);
    user.next = answer.status === 200 ? JSON.parse(answer.body).next : undefined;
    return answer;
  },
  call: () => ask('GET', `/api/vapi/calls/call-${String(1 + Math.floor(Math.random() * calls)).padStart(9, '0')}`),
  'dashboard, 7 days': () => ask('POST', '/rest/rpc/vapi_dashboard', { from: day(7), to: newest }),
  'dashboard, 30 days': () => ask('POST', '/rest/rpc/vapi_dashboard', { from: day(30), to: newest }),
  'dashboard, 90 days': () => ask('POST', '/rest/rpc/vapi_dashboard', { from: day(90), to: newest }),
  'dashboard, all time': () => ask('POST', '/rest/rpc/vapi_dashboard', { from: '2023-12-31', to: newest }),
};

async function phase(name, kinds, think) {
  const times = {};
  let failed = 0;
  const statuses = {};
  const until = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: users }, async () => {
    const user = {};
    await pause(Math.random() * think);
    while (performance.now() < until) {
      const kind = any(kinds);
      const { status, ms, body } = await questions[kind](user);
      if (status === 200) (times[kind] ??= []).push(ms);
      else { failed += 1; statuses[`${status} ${body.slice(0, 120)}`] = (statuses[`${status} ${body.slice(0, 120)}`] ?? 0) + 1; }
      if (think) await pause(think);
    }
  }));
  const say = (kind, list) => {
    const sorted = Float64Array.from(list).sort();
    const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]);
    console.log(`${name} | ${kind} | ${list.length} answers, ${Math.round(list.length / seconds * 10) / 10}/s | p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
  };
  for (const kind of Object.keys(times)) say(kind, times[kind]);
  if (Object.keys(times).length > 1) say('all', Object.values(times).flat());
  if (failed) console.log(`${name} | ${failed} requests failed: ${JSON.stringify(statuses)}`);
  return failed;
}

let failed = 0;
// PostgREST looks up the schema first, and its sessions begin as they are needed.
for (let left = 300; left > 0 && (await questions.list({})).status !== 200; left -= 1) await pause(100);
for (const kind of Object.keys(questions)) await questions[kind]({});
failed += await phase('closed loop of 20', ['list'], 0);
failed += await phase('closed loop of 20', ['list', 'list', 'list', 'call', 'dashboard, 7 days', 'dashboard, 30 days'], 0);
for (const kind of Object.keys(questions).filter((name) => name.startsWith('dashboard'))) failed += await phase('closed loop of 20', [kind], 0);
failed += await phase('20 users, a second of thought', ['list', 'list', 'list', 'call', 'dashboard, 7 days', 'dashboard, 30 days'], 1000);
process.exit(failed ? 1 : 0);
