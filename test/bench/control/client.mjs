#!/usr/bin/env node
/**
 * Calls of a simulator that are told to end, transferred, spoken in and muted by SQL: from the statement to its answer, by when the call has
 * seen it.
 *
 * Environment: HOST (folder of the server's socket), SIMULATOR (its URL), KEY, ROUNDS. Output: a line a function.
 */
import pg from 'pg';

const { HOST, SIMULATOR, KEY } = process.env;
const rounds = Number(process.env.ROUNDS);
const database = new pg.Client({ host: HOST, user: 'postgres', database: 'postgres' });
await database.connect();

async function ask(method, path, body) {
  const answer = await fetch(SIMULATOR + path, { method, headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
  return answer.json();
}
const assistantId = (await ask('GET', '/assistant'))[0].id;
const phoneNumberId = (await ask('GET', '/phone-number'))[0].id;

/** A call in which somebody talks for half a minute more, stored here. */
async function talking() {
  for (let i = 0; i < 100; i++) {
    const { id } = await ask('POST', '/call', { assistantId, phoneNumberId, customer: { number: '+13035550123' } });
    await ask('POST', '/_sim/clock', { advanceMs: 25000 });
    const call = await ask('GET', `/call/${id}`);
    const last = await ask('GET', `/_sim/final/${id}`);
    if (call.status !== 'in-progress' || Date.parse(last.endedAt) - Date.parse(call.startedAt) < 60000) continue;
    await database.query('SELECT vapi.vapi_get_call($1)', [id]);
    return id;
  }
  throw new Error('no call talks');
}

const kinds = {
  vapi_say: ["SELECT vapi.vapi_say($1, 'One moment please.')", (seen) => seen.type === 'say'],
  vapi_mute_call: ['SELECT vapi.vapi_mute_call($1)', (seen) => seen.control === 'mute-assistant'],
  vapi_transfer_call: ["SELECT vapi.vapi_transfer_call($1, '+13035550109')", (seen) => seen.type === 'transfer'],
  vapi_end_call: ['SELECT vapi.vapi_end_call($1)', (seen) => seen.type === 'end-call'],
};
const times = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, [statement, is]] of Object.entries(kinds)) {
    const id = await talking();
    const began = performance.now();
    await database.query(statement, [id]);
    const took = performance.now() - began;
    if (!(await ask('GET', '/_sim/controls')).some((seen) => seen.callId === id && is(seen))) throw new Error(`${name} was not seen`);
    // the first is for what is loaded once
    if (round > 0) times[name].push(took);
  }
}
for (const [name, list] of Object.entries(times)) {
  list.sort((a, b) => a - b);
  const at = (share) => list[Math.min(list.length - 1, Math.floor(list.length * share))].toFixed(1);
  console.log(`${name}: ${list.length} times, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${list.at(-1).toFixed(1)} ms`);
}
await database.end();
