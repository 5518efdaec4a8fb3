/**
 * The stack that make demo starts, in a folder and on a port of its own, for browser tests and screenshots: real nginx, PostgREST,
 * PostgreSQL and worker, with the simulator's calls and webhooks.
 */
import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
/** Passwords of the accounts, by profile. */
export const PASSWORD = 'a good long password';

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Sends JSON and reads JSON, as a program would. */
export async function ask(url, { method = 'GET', body, cookie, headers = {} } = {}) {
  const answer = await fetch(url, { method, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...(cookie ? { Cookie: cookie } : {}), ...headers }, body: typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  let data;
  try { data = JSON.parse(text); } catch { data = text; }
  return { status: answer.status, data, cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] };
}

/** Runs SQL in the stack's database; the rows, fields apart by |. */
export async function sql(stack, text) {
  const { stdout } = await run(`${stack.folder}/pg/usr/lib/postgresql/15/bin/psql`, ['-XAt', '-v', 'ON_ERROR_STOP=1', '-h', `${stack.folder}/run`, '-U', 'postgres', '-d', 'demo', '-c', text], { maxBuffer: 1 << 26 });
  return stdout.trim();
}

/** Posts an event as Vapi does, signed. */
export async function post(stack, message) {
  const text = JSON.stringify({ message: { timestamp: Date.now(), ...message } });
  const now = Math.floor(Date.now() / 1000);
  const answer = await ask(`${stack.url}/api/webhooks/vapi`, { method: 'POST', body: text,
    headers: { 'X-Timestamp': String(now), 'X-Signature': createHmac('sha256', stack.secret).update(`${now}.${text}`).digest('hex') } });
  if (answer.status !== 200) throw new Error(`the webhook was answered with ${answer.status}`);
}

/** Telephone numbers that no call of the simulator has: calls with them are with nobody known. */
export const freeNumbers = async (stack) => (await sql(stack, `SELECT '+130355501' || lpad(i::text, 2, '0') FROM generate_series(0, 99) AS i
  WHERE NOT EXISTS (SELECT FROM vapi_internal.prospect_phone p WHERE p.phone = '+130355501' || lpad(i::text, 2, '0'))`)).split('\n');

/** Waits until `look` gives something true. */
export async function until(what, look, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

/** One of the scripts of deploy/demo. */
export const script = (stack, name, args = []) => run(path.join(root, 'deploy/demo', name), args, { cwd: root, maxBuffer: 1 << 26,
  env: { ...process.env, VAPI_DEMO_DIR: stack.folder, VAPI_DEMO_PORT: String(stack.port), VAPI_DEMO_CALLS: String(stack.calls), VAPI_DEMO_LIVE: String(stack.live), VAPI_WEBHOOK_SECRET: stack.secret } });

/** Starts the stack, with accounts admin, agent and viewer@example.com. What it returns can be sent to another process as JSON. */
export async function start({ calls = 400, live = 10 } = {}) {
  const base = await mkdtemp(path.join(tmpdir(), 'vb'));
  // Started by root, the stack runs as another user.
  await chmod(base, 0o755);
  const port = await freePort();
  const stack = { base, folder: `${base}/demo`, port, calls, live, url: `http://localhost:${port}`, secret: randomBytes(12).toString('hex'), cookies: {} };
  for (const name of ['VAPI_API_KEY', 'VAPI_DEMO_LOGIN', 'NEXT_PUBLIC_APP_URL']) delete process.env[name];
  try {
    const { stdout } = await script(stack, 'start.sh');
    stack.first = /password +(\w{20}) \(/.exec(stdout)[1];
    const given = {};
    for (const profile of ['agent', 'viewer']) given[profile] = await sql(stack, `SELECT vapi.vapi_create_account('${profile}@example.com', 'vapi_${profile}')`);
    for (const [profile, password] of Object.entries(given)) {
      const { cookie } = await ask(`${stack.url}/api/login`, { method: 'POST', body: { login: `${profile}@example.com`, password } });
      await ask(`${stack.url}/api/change-password`, { method: 'POST', cookie, body: { old_password: password, new_password: PASSWORD } });
      stack.cookies[profile] = cookie;
    }
    // The admin's first password is for a test of the page; another admin is for the others.
    const second = await sql(stack, "SELECT vapi.vapi_create_account('operator@example.com', 'vapi_admin')");
    const { cookie } = await ask(`${stack.url}/api/login`, { method: 'POST', body: { login: 'operator@example.com', password: second } });
    await ask(`${stack.url}/api/change-password`, { method: 'POST', cookie, body: { old_password: second, new_password: PASSWORD } });
    stack.cookies.admin = cookie;
    await until('the calls have their scores and are found', async () => (await sql(stack, `SELECT (SELECT count(*) FROM vapi.call_scores) >= ${Math.floor(calls * 0.9)}
      AND EXISTS (SELECT FROM vapi.health WHERE check_name = 'search' AND status = 'ok')`)) === 't', 120);
  } catch (error) {
    await stop(stack);
    throw error;
  }
  return stack;
}

/** Stops and removes it. */
export async function stop(stack) {
  await script(stack, 'stop.sh', ['--clean']).catch(() => {});
  await rm(stack.base, { recursive: true, force: true });
}
