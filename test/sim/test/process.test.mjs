import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ENTRY, startSimulator } from './helpers.mjs';

test('the port file is there when the server is; SIGTERM ends it with 0', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vapi-sim-'));
  const file = join(folder, 'port');
  const child = spawn(process.execPath, [ENTRY, '--calls', '10', '--port-file', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const line = await new Promise((done) => child.stdout.once('data', (data) => done(String(data).trim())));
    const port = readFileSync(file, 'utf8').trim();
    assert.equal(line, `listening on http://127.0.0.1:${port}`);
    assert.equal((await fetch(`http://127.0.0.1:${port}/call`)).status, 401);
    assert.equal((await fetch(`http://127.0.0.1:${port}/_sim/stats`)).status, 404, 'no admin routes without --admin');
    const code = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    assert.equal(await code, 0);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

test('it ends when standard input closes, with --die-with-stdin', async () => {
  const sim = await startSimulator({ calls: 10 });
  const code = new Promise((done) => sim.child.once('exit', done));
  sim.child.stdin.end();
  assert.equal(await code, 0);
});

test('wrong options are refused with a reason', () => {
  for (const [args, reason] of [
    [['--colour', 'red'], 'unknown option --colour'],
    [['--calls', 'many'], '--calls: "many" is not a number'],
    [['--calls', '10', '--ties', '11'], '--ties'],
    [['--from', '2026-01-01', '--to', '2025-01-01'], '--from must be before --to'],
    [['--faults', '{'], '--faults: not JSON'],
    [['--faults', '[{"kind":"flood"}]'], 'unknown kind of fault'],
    [['--key'], '--key needs a value'],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [ENTRY, ...args], { encoding: 'utf8', timeout: 10000 });
    assert.equal(status, 2);
    assert.ok(stderr.includes(reason), `${args}: ${stderr}`);
  }
  assert.match(spawnSync(process.execPath, [ENTRY, '--help'], { encoding: 'utf8' }).stdout, /--retention-days/);
});

test('300,000 calls stay below 1 GB of memory, also after a walk', async () => {
  const sim = await startSimulator({ calls: 300000 });
  try {
    let before = '';
    for (let page = 0; page < 40; page++) {
      const calls = await sim.read(`/call?limit=100${before}`);
      before = `&createdAtLt=${page % 2 ? calls.at(-1).createdAt : new Date(Date.parse('2026-11-22') - page * 9 * 86400000).toISOString()}`;
    }
    const { rss, rows } = await sim.admin('GET', 'stats');
    assert.equal(rows, 4000);
    assert.ok(rss < 1e9, `${Math.round(rss / 1e6)} MB`);
    console.log(`# 300,000 calls, 40 pages: ${Math.round(rss / 1e6)} MB`);
  } finally {
    await sim.stop();
  }
});
