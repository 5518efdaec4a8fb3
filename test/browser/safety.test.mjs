/** Text is text, whatever it is; nothing breaks the Content-Security-Policy; scripts stay small. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { launch, listed, open, stack } from './browser.mjs';
import { post, until, sql } from './stack.mjs';

let browser;
const LONG = `Ünlang ${'very-long-name '.repeat(340)}`;
const MARKUP = '<img src=x onerror="globalThis.hurt=1"><script>globalThis.hurt=1</script><svg/onload=globalThis.hurt=1>';
const RTL = '\u202eevil\u202c שלום عليكم';
before(async () => {
  browser = await launch();
  const now = Date.now();
  const call = (id, name) => ({ id, type: 'webCall', createdAt: new Date(now).toISOString(), customer: { name } });
  const lines = Array.from({ length: 10000 }, (_, i) => ({ role: i % 2 ? 'user' : 'bot', message: i % 100 ? `Line ${i}` : `${MARKUP} ${RTL} ${i}`, secondsFromStart: i, time: now + i * 1000, endTime: now + i * 1000 + 900, duration: 900 }));
  for (const [id, name, messages] of [['hostile-1', MARKUP, lines.slice(0, 40)], ['hostile-2', LONG, lines.slice(0, 40)], ['hostile-3', RTL, lines.slice(0, 400)]]) {
    await post(stack, { type: 'end-of-call-report', endedReason: MARKUP.slice(0, 60), startedAt: new Date(now).toISOString(), endedAt: new Date(now + 60000).toISOString(), call: call(id, name), cost: 0.1,
      analysis: { summary: `${MARKUP} ${RTL} ${LONG}`, structuredData: { [MARKUP]: LONG, budget: RTL } }, artifact: { messages, transcript: MARKUP } });
  }
  await sql(stack, `UPDATE vapi_internal.call_content SET messages = (SELECT jsonb_agg(jsonb_build_object('role', CASE WHEN i % 2 = 0 THEN 'bot' ELSE 'user' END, 'message', 'Line ' || i || repeat(' and so on', i % 9), 'secondsFromStart', i)) FROM generate_series(1, 10000) AS i) WHERE call_id = 'hostile-3'`);
  await until('all are there', async () => (await sql(stack, "SELECT count(*) FROM vapi.calls WHERE id LIKE 'hostile-_'")) === '3');
});
after(() => browser.close());

test('hostile names, transcripts and metadata are shown as they are, everywhere', async () => {
  const page = await open(browser, 'admin', '/calls');
  await listed(page);
  await page.locator('a.row-link').filter({ hasText: '<img src=x' }).first().waitFor();
  for (const path of ['/calls', '/calls/hostile-1', '/calls/hostile-2', '/calls/hostile-3', '/prospects', '/operations', '/connections', '/mappings', '/deliveries', '/live', '/analytics?range=7d']) {
    await page.goto(stack.url + path);
    await page.locator('h1').waitFor();
    await page.locator('.skeleton, .skeleton-space').first().waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => globalThis.hurt), undefined, `${path}: no text has become script`);
    assert.equal(await page.locator('main img, main script').count(), 0, `${path}: nor markup`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path}: a long name does not widen the page`);
  }
  await page.goto(`${stack.url}/calls/hostile-1`);
  await page.locator('.bubble').filter({ hasText: '<script>' }).first().waitFor();
  await page.finish();
});

test('10,000 lines scroll and search at once', async () => {
  const page = await open(browser, 'agent', '/calls/hostile-3');
  await page.waitForFunction(() => document.querySelectorAll('.line').length === 10000, null, { timeout: 60000 });
  // The page's own share of the processor: how long a frame takes depends on who else is at work here.
  const client = await page.context().newCDPSession(page);
  await client.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async () => (await client.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  const begin = await busy();
  await page.evaluate(async () => {
    const list = document.querySelector('.transcript');
    for (let i = 0; i < 20; i++) {
      list.scrollTop = (list.scrollHeight / 20) * i;
      await new Promise((resolve) => { requestAnimationFrame(resolve); });
    }
  });
  const took = (await busy() - begin) / 20;
  console.log(`measured: the page works ${took.toFixed(1)} ms for a frame while 10,000 lines are scrolled through`);
  assert.ok(took < 160, `${took} ms a frame`);
  await page.locator('#line-search').fill('line 9999');
  await page.waitForFunction(() => document.querySelectorAll('.line').length === 1);
  await page.finish();
});

test('no leak: 1,000 live events leave the page as large as it was', async () => {
  const page = await open(browser, 'agent', '/live');
  await page.locator('.connection.live').waitFor();
  const client = await page.context().newCDPSession(page);
  const size = async () => {
    await client.send('HeapProfiler.collectGarbage');
    const { nodes, jsEventListeners } = await client.send('Memory.getDOMCounters');
    return { nodes, jsEventListeners, bytes: (await client.send('Runtime.getHeapUsage')).usedSize };
  };
  const event = (i) => post(stack, { type: 'transcript', transcriptType: 'final', role: i % 2 ? 'user' : 'assistant', transcript: `Line ${i}`, call: { id: 'leak-1', type: 'webCall', createdAt: new Date().toISOString() } });
  await post(stack, { type: 'status-update', status: 'in-progress', call: { id: 'leak-1', type: 'webCall', createdAt: new Date().toISOString() } });
  for (let i = 0; i < 100; i++) await event(i);
  const before = await size();
  for (let i = 100; i < 1100; i += 10) await Promise.all(Array.from({ length: 10 }, (_, j) => event(i + j)));
  await page.locator('.live-lines').getByText(/^Line 10[89]\d$/).first().waitFor();
  // what the last events have brought is let go only after they are drawn; a leak stays
  let now = await size();
  for (let i = 0; i < 60 && (now.bytes >= before.bytes + 4e6 || now.nodes >= before.nodes + 3000); i++) {
    await page.waitForTimeout(1000);
    now = await size();
  }
  console.log(`measured: before ${JSON.stringify(before)}, after 1,000 events ${JSON.stringify(now)}`);
  assert.ok(now.bytes < before.bytes + 4e6, 'memory');
  assert.ok(now.nodes < before.nodes + 3000, 'nodes');
  await page.finish();
});

test('the first page has at most 45 KB of script, all pages 110 KB', async () => {
  const page = await open(browser, 'agent', '/calls');
  await listed(page);
  const first = await page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).map(({ name }) => new URL(name).pathname));
  await page.finish();
  const folder = `${stack.folder}/www`;
  const size = (file) => gzipSync(readFileSync(folder + file)).length;
  const sum = (files) => files.reduce((total, file) => total + size(file), 0);
  const all = readdirSync(`${folder}/assets`).filter((name) => name.endsWith('.js')).map((name) => `/assets/${name}`);
  console.log(`measured: script, gzip: ${sum(first)} bytes for the first page, ${sum(all)} in all`);
  assert.ok(first.length > 0 && sum(first) <= 45 * 1024);
  assert.ok(sum(all) <= 110 * 1024);
});
