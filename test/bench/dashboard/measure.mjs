/**
 * What test/bench/dashboard.sh measures. Times are the page's own: from the navigation, or from the click, until what was asked for is drawn.
 * Environment: CALLS, ROUNDS, and VAPI_BROWSER_STACK of test/browser/run.mjs.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { launch, listed, open, stack } from '../../browser/browser.mjs';
import { sql } from '../../browser/stack.mjs';

const rounds = Number(process.env.ROUNDS);
const range = 'from=2025-10-01&to=2025-12-31';

await sql(stack, `TRUNCATE vapi_internal.call, vapi_internal.call_content, vapi_internal.call_search, vapi_internal.prospect, vapi_internal.prospect_phone,
  vapi_internal.call_score, vapi_internal.call_quality, vapi_internal.call_keyword, vapi_internal.live_call`);
execFileSync(`${stack.folder}/pg/usr/lib/postgresql/15/bin/psql`, ['-Xq', '-v', 'ON_ERROR_STOP=1', '-v', `calls=${process.env.CALLS}`, '-h', `${stack.folder}/run`, '-U', 'postgres', '-d', 'demo',
  '-f', fileURLToPath(new URL('../analytics/generate.sql', import.meta.url))], { stdio: ['ignore', 'ignore', 'inherit'] });
await sql(stack, 'VACUUM ANALYZE');

const browser = await launch();
const times = new Map();
const note = (name, ms) => times.set(name, [...(times.get(name) ?? []), ms]);

/** Clicks what `selector` finds, and waits until what `shown` finds is drawn, by an answer that came after it unless it is `known` already. */
async function timed(page, name, selector, shown, known = false) {
  await page.locator(selector).first().waitFor();
  note(name, await page.evaluate(async ([selector, shown, known]) => {
    const frame = () => new Promise((resolve) => { requestAnimationFrame(resolve); });
    const there = () => (known || performance.getEntriesByType('resource').some((entry) => entry.name.includes('/api/vapi/calls'))) && document.querySelector(shown);
    performance.clearResourceTimings();
    const began = performance.now();
    document.querySelector(selector).click();
    do await frame(); while (!there() && performance.now() - began < 20000);
    await frame();
    return performance.now() - began;
  }, [selector, shown, known]));
}
const ROW = 'a.row-link';

for (let round = 0; round < rounds; round += 1) {
  console.error(`round ${round + 1}, after ${Math.round(performance.now() / 1000)} s`);
  const page = await open(browser, 'agent', `/calls?${range}`, { width: 1440 });
  await page.locator(ROW).first().waitFor();
  note('the list is there', await page.evaluate(() => performance.now()));
  await listed(page);
  await page.waitForFunction(() => !document.querySelector('.skeleton, .skeleton-space, .skeleton-line'));
  note('the figures above it are there, too', await page.evaluate(() => performance.now()));
  await timed(page, 'next page', '.paging button:last-child', ROW);
  await timed(page, 'sorted by cost', 'th.number.wide button.sort', ROW);
  await timed(page, 'sorted by duration', 'th.number.mid button.sort', ROW);
  const path = new URL(page.url()).pathname;
  await timed(page, 'a call opened', ROW, '.call-head');
  await timed(page, 'back to the list', '.call-head .back', ROW, true);
  if (new URL(page.url()).pathname !== path) throw new Error('Back does not lead to the list');
  for (const [name, query] of [['a status', 'status=failed'], ['an assistant', 'assistant=assistant-1'], ['a word', 'search=tuesday'], ['a company', 'search=company%204711']]) {
    // Else the server still makes the figures of the list before.
    await page.waitForFunction(() => !document.querySelector('.skeleton, .skeleton-space, .skeleton-line'));
    await page.evaluate((url) => { document.querySelector('#asked')?.remove(); const link = document.createElement('a'); link.href = url; link.id = 'asked'; link.textContent = 'asked'; document.querySelector('main').append(link); }, `/calls?${range}&${query}`);
    await timed(page, `filtered by ${name}`, '#asked', ROW);
  }
  await page.finish();
}
await browser.close();
for (const [name, list] of times) {
  const sorted = list.sort((a, b) => a - b);
  console.log(`${name}: median ${Math.round(sorted[Math.floor(sorted.length / 2)])} ms, from ${Math.round(sorted[0])} to ${Math.round(sorted.at(-1))} ms`);
}
