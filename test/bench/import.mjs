/**
 * The rounds of the import benchmark; import.sh has started a server and a simulator and says where they are.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';

const env = process.env;
const work = env.BENCH_WORK;
const calls = Number(env.BENCH_CALLS);
const page = Number(env.BENCH_PAGE);
const rounds = Number(env.BENCH_ROUNDS);
const key = readFileSync(`${work}/simulator/key`, 'utf8').trim();
const simulator = `http://127.0.0.1:${readFileSync(`${work}/simulator/port`, 'utf8').trim()}`;
const FROM = '2026-01-01T00:00:00.000Z';
const TO = '2026-02-01T00:00:00.000Z';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const connect = async () => {
  const client = new pg.Client({ host: `${work}/sockets`, user: 'postgres', database: 'bench' });
  client.on('notice', () => {});
  await client.connect();
  return client;
};

async function run(...statements) {
  const client = await connect();
  try {
    let result;
    for (const statement of statements) result = await client.query(statement);
    return result.rows;
  } finally {
    await client.end();
  }
}

// Requests as an importer in Node makes them: one connection that is kept.
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
function get(path) {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${key}` };
    if (env.BENCH_COMPRESSED === 'yes') headers['Accept-Encoding'] = 'gzip';
    http
      .get(simulator + path, { agent, headers }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(parts);
          if (response.statusCode === 200) resolve(response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
          else reject(new Error(`${path}: ${response.statusCode}`));
        });
      })
      .on('error', reject);
  });
}
const pagePath = (before) => `/call?limit=${page}&createdAtLt=${before}`;

const TYPES = { inboundPhoneCall: 'inbound', outboundPhoneCall: 'outbound' };
const COLUMNS = 'vapi_call_id, vapi_status, vapi_metadata, cost, call_type, assistant_id, phone_number_id, customer_number, started_at, ended_at, error_message, raw';
const UPSERT_ONE = {
  name: 'upsert_one',
  text: `INSERT INTO bench.calls (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (vapi_call_id) DO UPDATE SET ${COLUMNS.split(', ').slice(1).map((c) => `${c} = excluded.${c}`).join(', ')}`,
};

/** The plan's importer: a statement a call, each its own transaction. */
async function nodeRows() {
  const client = await connect();
  let before = TO;
  for (;;) {
    const list = JSON.parse(await get(pagePath(before)));
    for (const c of list) {
      await client.query(UPSERT_ONE, [c.id, c.status, JSON.stringify(c.metadata ?? null), c.cost, TYPES[c.type], c.assistantId,
        c.phoneNumberId, c.customer?.number, c.startedAt, c.endedAt, c.endedMessage, JSON.stringify(c)]);
    }
    if (list.length < page) break;
    before = list.at(-1).createdAt;
  }
  await client.end();
}

/** A page as one jsonb parameter, the next one fetched meanwhile. */
async function nodePages() {
  const client = await connect();
  let next = get(pagePath(TO));
  for (;;) {
    const body = await next;
    const list = JSON.parse(body);
    if (list.length === page) next = get(pagePath(list.at(-1).createdAt));
    await client.query({ name: 'upsert_page', text: 'SELECT bench.upsert_page($1::jsonb)', values: [body.toString()] });
    if (list.length < page) break;
  }
  await client.end();
}

const EMPTY = `TRUNCATE vapi_internal.call, vapi_internal.call_content, vapi_internal.call_search, vapi_internal.prospect_review,
  vapi_internal.prospect, vapi_internal.prospect_phone, vapi_internal.rollup_dirty, vapi_internal.change_pending, vapi_internal.change_feed,
  vapi_internal.sync_run, vapi_internal.sync_gap, vapi_internal.call_score, vapi_internal.call_quality, vapi_internal.call_keyword,
  bench.calls, bench.bare CASCADE`;
const tables = ['call', 'call_content'];
let columns;

/** What each contender does, and the table that must then hold all calls. */
const contenders = {
  sync: {
    what: 'vapi_sync',
    table: 'vapi_internal.call',
    work: () => run(`SELECT * FROM vapi.vapi_sync('${FROM}', '${TO}')`),
  },
  unscored: {
    what: 'vapi_sync in a database that scores nothing',
    table: 'vapi_internal.call',
    before: () => run("CREATE OR REPLACE FUNCTION vapi_internal.score_step(most integer DEFAULT 200) RETURNS integer LANGUAGE sql AS 'SELECT 0'"),
    work: () => run(`SELECT * FROM vapi.vapi_sync('${FROM}', '${TO}')`),
    after: () => run(scoreStep),
  },
  copy: {
    what: 'COPY of its final rows into its tables',
    table: 'vapi_internal.call',
    work: () => run('BEGIN', ...tables.map((t, i) => `COPY vapi_internal.${t} (${columns[i]}) FROM '${work}/data/${t}.copy'`), 'COMMIT'),
  },
  bare: {
    what: 'COPY into (text pk, 4 btrees, jsonb lz4)',
    table: 'bench.bare',
    work: () => run(`COPY bench.bare FROM '${work}/data/bare.copy'`),
  },
  rows: { what: 'Node, a row at a time', table: 'bench.calls', work: nodeRows },
  pages: { what: 'Node, a page as one jsonb, with prefetch', table: 'bench.calls', work: nodePages },
  inside: {
    what: 'plpgsql, set-based, curl',
    table: 'bench.calls',
    work: () => run(`CALL bench.import('${simulator}', '${key}', ${page})`),
  },
};
const only = env.BENCH_ONLY ? env.BENCH_ONLY.split(' ') : Object.keys(contenders).filter((name) => name !== 'unscored');
let scoreStep;

const TICK = 100;
/** Seconds of CPU of a process, and of its children that have ended. */
function cpu(pid, children) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ').map(Number);
  return (children ? fields[13] + fields[14] : fields[11] + fields[12]) / TICK;
}
const postmaster = Number(readFileSync(`${work}/data/postmaster.pid`, 'utf8').split('\n')[0]);
const simulatorProcess = Number(readFileSync(`${work}/simulator/process`, 'utf8').split(' ')[0]);
const ownCpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
const cpus = () => [cpu(postmaster, true), cpu(simulatorProcess, false), ownCpu()];

/** Waits for the workers' ends: they build the search when the import is over, and must not disturb who comes next. */
async function settle() {
  const [{ database }] = await run('SELECT current_database() AS database');
  for (;;) {
    const [{ busy }] = await run(`SELECT count(*)::int AS busy FROM pg_stat_activity WHERE datname = '${database}' AND pid <> pg_backend_pid()`);
    if (busy === 0) return;
    await sleep(20);
  }
}

async function measure(name) {
  const contender = contenders[name];
  await settle();
  await run(EMPTY);
  await contender.before?.();
  await run('CHECKPOINT');
  const before = cpus();
  const begin = process.hrtime.bigint();
  await contender.work();
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  // a worker that goes on with the search when the import is over has not ended yet
  const workers = await run("SELECT pid, backend_type FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales import%'");
  const used = cpus().map((after, i) => after - before[i]);
  let worker = null;
  for (const { pid, backend_type: type } of workers) {
    const own = cpu(pid, false);
    used[0] += own;
    if (type === 'vapi_sales import') worker = own;
  }
  if (contender.after) {
    await settle();
    await contender.after();
  }
  const [{ count }] = await run(`SELECT count(*)::int AS count FROM ${contender.table}`);
  if (Math.abs(count - calls) > (contender.table === 'bench.calls' ? 5 : 0)) throw new Error(`${name}: ${count} of ${calls} calls`);
  return { rate: calls / seconds, cpu: used, worker };
}

/** The tables, their final rows as COPY files, and the simulator's pages in its cache. */
async function prepare() {
  const admin = new pg.Client({ host: `${work}/sockets`, user: 'postgres', database: 'postgres' });
  await admin.connect();
  await admin.query('DROP DATABASE IF EXISTS bench (FORCE)');
  await admin.query('CREATE DATABASE bench');
  await admin.query('SELECT pg_reload_conf()');
  await admin.end();
  await sleep(200);
  await run('CREATE EXTENSION vapi_sales', readFileSync('test/bench/import.sql', 'utf8'));
  [{ scoreStep }] = await run("SELECT pg_get_functiondef('vapi_internal.score_step(integer)'::regprocedure) AS \"scoreStep\"");
  for (let i = 0; i < 2; i++) await measure('sync');
  columns = [];
  for (const table of tables) {
    const [{ list }] = await run(`SELECT string_agg(attname, ', ' ORDER BY attnum) AS list FROM pg_attribute
      WHERE attrelid = 'vapi_internal.${table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`);
    columns.push(list);
    // in the order in which they were imported, newest first
    await run(`COPY (SELECT ${list} FROM vapi_internal.${table}) TO '${work}/data/${table}.copy'`);
  }
  await run(`COPY (SELECT c.call_id, c.created_at, c.assistant_id, c.status, c.customer_number,
      to_jsonb(t) || to_jsonb(c) - 'call_id' FROM vapi_internal.call c JOIN vapi_internal.call_content t USING (call_id))
    TO '${work}/data/bare.copy'`);
  if (only.some((name) => contenders[name].table === 'bench.calls')) await measure('pages');
}

/** One import more, under perf record: from the worker's start to the run's end, without the search that follows. */
async function profile(file) {
  await settle();
  await run(EMPTY);
  await run('CHECKPOINT');
  const [{ run_id: id }] = await run(`SELECT run_id FROM vapi.vapi_sync('${FROM}', '${TO}', wait => false)`);
  let pids = [];
  for (let i = 0; i < 50 && pids.length < 2; i++) { // the helper comes with the second page
    await sleep(5);
    pids = (await run("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales import%'")).map(({ pid }) => pid);
  }
  const perf = spawn('perf', ['record', '-q', '-F', '997', '-g', '-e', 'cpu-clock', '-o', file, '-p', pids.join(',')], { stdio: 'inherit' });
  const gone = new Promise((resolve) => perf.on('exit', resolve));
  for (;;) {
    const [{ ended }] = await run(`SELECT status <> 'running' AS ended FROM vapi.sync_runs WHERE run_id = ${id}`);
    if (ended) break;
    await sleep(10);
  }
  perf.kill('SIGINT');
  await gone;
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const round = (number) => Math.round(number).toLocaleString('en');

await prepare();
const results = Object.fromEntries(only.map((name) => [name, []]));
for (let i = 0; i < rounds; i++) {
  // each round begins with another contender
  for (const name of [...only.slice(i % only.length), ...only.slice(0, i % only.length)]) results[name].push(await measure(name));
}
if (env.BENCH_PERF) await profile(env.BENCH_PERF);
console.log(`\n${env.BENCH_BYTES} bytes a call, ${env.BENCH_LATENCY} ms latency, ${calls} calls, pages of ${page}, ${rounds} rounds\n`);
console.log('| importer | calls/s: median (range) | sync / this, median of rounds (range) | server CPU, us a call (of that the sync worker) | CPU s: simulator, client |');
console.log('|---|---|---|---|---|');
for (const name of only) {
  const rates = results[name].map((r) => r.rate);
  const ratios = results[name].map((r, i) => (results.sync ? results.sync[i].rate / r.rate : 0));
  const alone = results[name].map((r) => r.worker).filter((seconds) => seconds !== null);
  const worker = alone.length > 0 ? ` (${Math.round((median(alone) / calls) * 1e6)})` : '';
  const used = [0, 1, 2].map((i) => median(results[name].map((r) => r.cpu[i])));
  console.log(`| ${contenders[name].what} | ${round(median(rates))} (${round(Math.min(...rates))} to ${round(Math.max(...rates))}) | ` +
    `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}) | ${Math.round((used[0] / calls) * 1e6)}${worker} | ${used[1].toFixed(2)}, ${used[2].toFixed(2)} |`);
}
if (results.sync && results.unscored) {
  const ratios = results.sync.map((r, i) => r.cpu[0] / results.unscored[i].cpu[0]);
  console.log(`\nServer CPU of an import that is scored afterwards / of one that is not, median of rounds: ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)})`);
}
if (results.copy && results.bare) {
  const ratios = results.copy.map((r, i) => r.rate / results.bare[i].rate);
  console.log(`\nCOPY into its tables / COPY into the bare table: ${median(ratios).toFixed(2)}`);
}
