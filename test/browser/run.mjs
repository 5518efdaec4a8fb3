/** node test/browser/run.mjs [program argument...]: starts the stack, has the program (default: the tests) use it, stops it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { start, stop } from './stack.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const wanted = process.argv.slice(2);
const tests = readdirSync(here).filter((name) => name.endsWith('.test.mjs')).sort().map((name) => path.join(here, name));
const stack = await start({ calls: Number(process.env.VAPI_BROWSER_CALLS) || undefined, live: Number(process.env.VAPI_BROWSER_LIVE) || undefined });
let child;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { child?.kill('SIGTERM'); });
try {
  const args = wanted.length && !wanted[0].endsWith('.test.mjs') ? wanted : ['--test', '--test-concurrency=1', ...(wanted.length ? wanted : tests)];
  child = spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, VAPI_BROWSER_STACK: JSON.stringify(stack) } });
  const [status] = await once(child, 'exit');
  process.exitCode = status ?? 1;
} finally {
  await stop(stack);
}
