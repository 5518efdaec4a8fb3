/** The list of calls: what it shows, filters, order, pages, search, figures, export, states. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { column, launch, listed, open, stack } from './browser.mjs';
import { ask, sql } from './stack.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const api = async (query, profile = 'agent') => (await ask(`${stack.url}/api/vapi/calls?${query}`, { cookie: stack.cookies[profile] })).data;
const total = async (page) => Number(/of (?:about )?([\d,]+)/.exec(await page.locator('.paging p').innerText())[1].replaceAll(',', ''));

test('filters, chips and Back are the URL', async () => {
  const page = await open(browser, 'agent', '/calls?range=year');
  await listed(page);
  const all = await total(page);
  await page.getByLabel('Status', { exact: true }).selectOption('voicemail');
  await page.waitForURL(/status=voicemail/);
  await page.getByRole('button', { name: 'Status: Voicemail' }).waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('table.calls td:nth-child(3)')].every((cell) => cell.innerText.trim() === 'Voicemail'));
  const voicemail = await total(page);
  assert.ok(voicemail > 0 && voicemail < all, `${voicemail} of ${all}`);
  const first = await page.evaluate(() => ({ to: document.querySelector('time').dateTime }));
  assert.ok(first.to);
  await page.getByLabel('Direction', { exact: true }).selectOption('inbound');
  await page.waitForURL(/direction=inbound/);
  await page.goBack();
  await page.waitForFunction(() => !location.search.includes('direction'));
  await page.getByRole('button', { name: 'Clear all' }).click();
  await page.waitForFunction(() => !location.search.includes('status'));
  assert.match(page.url(), /range=year/, 'the range stays');
  await page.goto(`${stack.url}/calls?range=year&score_min=70&score_max=100&outcome=meeting-scheduled`);
  await listed(page);
  const scores = (await column(page, 5)).map((text) => Number(/\d+/.exec(text)[0]));
  assert.ok(scores.length > 0 && scores.every((score) => score >= 70), String(scores));
  assert.ok((await column(page, 4)).every((text) => text.trim() === 'Meeting scheduled'));
  await page.finish();
});

test('a column sorts, down and up, and says so', async () => {
  const page = await open(browser, 'agent', '/calls?range=year&status=completed');
  await listed(page);
  for (const [name, number, value] of [['Cost', 7, (text) => Number(text.slice(1))], ['Score', 5, (text) => Number(/\d+/.exec(text)[0])]]) {
    const head = page.locator('th').filter({ has: page.getByRole('button', { name, exact: true }) });
    for (const [order, sign] of [['descending', -1], ['ascending', 1]]) {
      await head.getByRole('button').click();
      await page.waitForURL(new RegExp(`sort=${sign < 0 ? '-' : ''}${name.toLowerCase()}`));
      assert.equal(await head.getAttribute('aria-sort'), order);
      const sorted = () => page.waitForFunction(([expected, n]) => {
        const cells = [...document.querySelectorAll(`table.calls tbody td:nth-child(${n})`)].map((cell) => Number(/[\d.]+/.exec(cell.innerText)?.[0] ?? NaN)).filter((x) => !Number.isNaN(x));
        return cells.length > 5 && cells.every((x, i) => !i || (x - cells[i - 1]) * expected >= 0);
      }, [sign, number], { timeout: 10000 });
      // a call whose cost or score comes meanwhile keeps its place until the list is read again
      await sorted().catch(async () => {
        await page.reload();
        await listed(page);
        await sorted();
      });
      assert.ok((await column(page, number)).filter((text) => /\d/.test(text)).map(value).length > 5);
    }
  }
  await page.finish();
});

test('pages go on and back without losing or repeating a call', async () => {
  const page = await open(browser, 'agent', '/calls?range=year&sort=-cost');
  const seen = [];
  await listed(page);
  const all = await total(page);
  for (let at = 1; ; at++) {
    await page.waitForFunction((n) => document.querySelector('.paging b')?.innerText.replaceAll(',', '').startsWith(`${(n - 1) * 50 + 1}–`), at);
    seen.push(...await page.locator('a.row-link').evaluateAll((links) => links.map((a) => a.pathname)));
    const next = page.getByRole('button', { name: 'Next' });
    if (await next.isDisabled()) break;
    await next.click();
  }
  assert.equal(new Set(seen).size, seen.length, 'no call twice');
  assert.ok(seen.length >= all && seen.length <= all + 40, `${seen.length} of ${all}; some came meanwhile`);
  await page.getByRole('button', { name: 'Previous' }).click();
  await page.waitForFunction((n) => document.querySelector('.paging b')?.innerText.startsWith(String((n - 2) * 50 + 1)), Math.ceil(seen.length / 50));
  await page.finish();
});

test('words, names and numbers are found; a viewer finds no number', async () => {
  // all of whose calls are well within the page's last 12 months
  const [number, word] = (await sql(stack, `SELECT customer_e164, 'appointment' FROM vapi_internal.call WHERE customer_e164 IS NOT NULL AND ended_at IS NOT NULL
    GROUP BY 1 HAVING min(created_at) > now() - interval '11 months' ORDER BY min(call_id) LIMIT 1`)).split('|');
  const page = await open(browser, 'agent', '/calls?range=year');
  await listed(page);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
  await page.keyboard.type(number);
  await page.waitForURL(/search=/);
  await page.waitForFunction((n) => [...document.querySelectorAll('td.who')].length > 0 && [...document.querySelectorAll('td.who')].every((cell) => cell.innerText.includes(n)), number);
  assert.equal(await total(page), (await api(`search=${encodeURIComponent(number)}&date_from=2025-01-01`)).total);
  await page.locator('#search').fill(word);
  await page.waitForURL(new RegExp(`search=${word}`));
  await listed(page);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !location.search.includes('search'));
  await page.finish();
  const viewer = await open(browser, 'viewer', `/calls?range=year&search=${encodeURIComponent(number)}`);
  await viewer.getByText('No calls in this list.').waitFor();
  await viewer.goto(`${stack.url}/calls?range=year`);
  await listed(viewer);
  assert.doesNotMatch(await viewer.locator('main').innerText(), /\+1\d{7}/, 'a viewer sees no whole number');
  await viewer.finish();
});

test('the figures are those of the database, with their change', async () => {
  const page = await open(browser, 'agent', '/calls?from=2026-01-01&to=2026-06-30&time_zone=America%2FNew_York');
  await page.locator('.stat .change').nth(4).waitFor();
  const texts = await page.locator('.stat').allInnerTexts();
  const { data } = await ask(`${stack.url}/rest/rpc/vapi_compare`, { method: 'POST', cookie: stack.cookies.agent, body: { from: '2026-01-01 00:00 America/New_York', to: '2026-07-01 00:00 America/New_York', time_zone: 'America/New_York' } });
  const value = (metric) => data.find((row) => row.metric === metric).current_value;
  assert.match(texts[0], new RegExp(`Total calls\\s+${value('calls')}\\s`));
  assert.match(texts[1], new RegExp(`${(value('successful_of_reached') * 100).toFixed(1)} %`));
  assert.match(texts[3], new RegExp(`\\$${value('cost').toFixed(2)}`));
  assert.match(texts[4], new RegExp(`\\b${value('qualified')}\\b`));
  assert.match(await page.locator('.footnote').first().innerText(), /America\/New York/);
  assert.equal(await total(page), value('calls'), 'the list has as many calls as the card says');
  await page.finish();
});

test('times are in the chosen zone, which the URL keeps', async () => {
  const page = await open(browser, 'agent', '/calls?range=year&status=completed');
  await listed(page);
  await page.getByLabel('Time zone', { exact: true }).selectOption('Asia/Tokyo');
  await page.waitForURL(/time_zone=Asia%2FTokyo/);
  await listed(page);
  const [iso, shown] = await page.locator('td.when time').first().evaluate((time) => [time.dateTime, time.innerText]);
  assert.equal(shown, new Intl.DateTimeFormat('en-US', { timeZone: 'Asia/Tokyo', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(iso)));
  assert.match(await page.locator('td.when time').first().getAttribute('title'), /GMT\+9.*Asia\/Tokyo/);
  await page.finish();
});

test('CSV has the calls of the list, and no more', async () => {
  const query = 'from=2026-01-01&to=2026-09-30&status=completed&time_zone=Europe%2FBerlin';
  const page = await open(browser, 'agent', `/calls?${query}`);
  await listed(page);
  const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
  assert.equal(saved.suggestedFilename(), 'calls-2026-01-01-2026-09-30.csv');
  const text = await readFile(await saved.path(), 'utf8');
  assert.equal(text.charCodeAt(0), 0xfeff, 'marked as UTF-8');
  assert.match(text, /^\ufeffid,created_at,call_type,status,/);
  const ids = text.split('\r\n').slice(1).map((line) => line.split(',')[0]).filter((id) => /^[0-9a-f-]{36}$/.test(id));
  assert.equal(ids.length, await total(page));
  assert.deepEqual(ids.slice(0, 50), await page.locator('a.row-link').evaluateAll((links) => links.map((a) => a.pathname.split('/').pop())));
  await page.finish();
});

test('nothing to show, an error, an answer that is old: each is said, with a way on', async () => {
  const page = await open(browser, 'agent', '/calls?from=2020-01-01&to=2020-01-31');
  await page.getByText('No calls in this list.').waitFor();
  await page.getByRole('button', { name: 'Show the last 12 months' }).click();
  await listed(page);
  await page.goto(`${stack.url}/calls?status=happy`);
  await page.getByRole('alert').filter({ hasText: 'there is no status "happy"' }).waitFor();
  await page.goto(`${stack.url}/calls?range=year`);
  await listed(page);
  await page.route('**/api/vapi/calls?**', (route) => route.abort());
  await page.keyboard.press('r');
  await page.locator('.banner.warn').filter({ hasText: 'Shown as of' }).waitFor();
  assert.ok(await page.locator('table.calls tbody tr').count() > 0, 'what was shown stays');
  await page.unroute('**/api/vapi/calls?**');
  await page.locator('.banner.warn').first().waitFor({ state: 'detached' });
  await page.finish();
});
