/** Charts: each with a caption, a table of the same figures and CSV; range, zone and filters from the URL. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch, open, stack } from './browser.mjs';
import { ask } from './stack.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());
const figure = (page, name) => page.locator('figure').filter({ has: page.getByRole('heading', { name, exact: true }) });

test('every chart has caption, table and CSV, and they agree with the database', async () => {
  const page = await open(browser, 'agent', '/analytics?from=2026-03-01&to=2026-05-31&time_zone=Europe%2FBerlin&step=week');
  await figure(page, 'Call volume').waitFor();
  const { data } = await ask(`${stack.url}/rest/rpc/vapi_dashboard`, { method: 'POST', cookie: stack.cookies.agent, body: { from: '2026-03-01 00:00 Europe/Berlin', to: '2026-06-01 00:00 Europe/Berlin', time_zone: 'Europe/Berlin', step: 'week' } });
  const names = ['Call volume', 'Completion and success', 'Spend', 'Peak hours', 'Duration by outcome', 'Cost by component', 'Best scripts', 'Funnel'];
  for (const name of names) {
    const chart = figure(page, name);
    assert.match(await chart.locator('figcaption').innerText(), /Mar 1, 2026 to May 31, 2026, Europe\/Berlin/, name);
    await chart.getByText('Data as a table').click();
    assert.ok(await chart.locator('.twin tbody tr').count() > 0, `${name}: a table`);
    const [saved] = await Promise.all([page.waitForEvent('download'), chart.getByRole('button', { name: 'CSV' }).click()]);
    const lines = (await readFile(await saved.path(), 'utf8')).trim().split('\r\n');
    assert.equal(lines.length - 1, await chart.locator('.twin tbody tr').count(), `${name}: CSV has the table's rows`);
  }
  const weeks = await figure(page, 'Call volume').locator('.twin tbody tr td:nth-child(2)').allInnerTexts();
  assert.deepEqual(weeks.map(Number), data.volume.map(({ calls }) => calls));
  const cells = (await page.locator('.heat tbody td').allInnerTexts()).map(Number);
  assert.equal(cells.length, 168);
  assert.equal(cells.reduce((sum, value) => sum + value, 0), data.cards.current.calls, 'the heat map sums to all calls');
  assert.equal(await page.locator('.chart canvas').count(), 3);
  assert.match(await page.locator('.chart').first().getAttribute('aria-label'), new RegExp(`^${data.cards.current.calls} calls`));
  await page.finish();
});

test('filters narrow all charts; a range without calls says so; the theme redraws them', async () => {
  const page = await open(browser, 'agent', '/analytics?range=year');
  await figure(page, 'Call volume').waitFor();
  const all = await figure(page, 'Call volume').locator('figcaption').innerText();
  await page.getByLabel('Direction').selectOption('inbound');
  await page.waitForURL(/direction=inbound/);
  await page.waitForFunction((text) => { const now = document.querySelector('figcaption')?.innerText; return now && now !== text; }, all);
  const ink = () => page.evaluate(() => { const canvas = document.querySelector('.chart canvas'); return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].reduce((sum, value, i) => (i % 4 === 3 ? sum : sum + value), 0); });
  const light = await ink();
  await page.getByRole('button', { name: /^Theme/ }).click();
  await page.getByRole('button', { name: /^Theme: light/ }).click();
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  assert.notEqual(await ink(), light);
  await page.goto(`${stack.url}/analytics?from=2020-01-01&to=2020-02-01`);
  await page.getByText('No calls in this range.').waitFor();
  await page.finish();
});
