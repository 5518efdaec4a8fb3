/** What administrators do: an import with its progress, dead letters, health, the first steps; and who is no administrator. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, stack } from './browser.mjs';
import { sql, until } from './stack.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('an import from the page, with its state and its count', async () => {
  const page = await open(browser, 'admin', '/operations');
  const runs = page.getByRole('region', { name: 'Imports' });
  await runs.locator('tbody tr').first().waitFor();
  const last = Number(await sql(stack, 'SELECT max(run_id) FROM vapi.sync_runs'));
  await page.getByLabel('First day').fill('2026-01-01');
  await page.getByLabel('Last day').fill('2026-06-30');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const row = runs.locator('tr').filter({ hasText: 'Jan 1, 2026 – Jun 30, 2026' }).first();
  await row.getByText('Complete').waitFor({ timeout: 60000 });
  const [seen, begin, end] = (await sql(stack, `SELECT seen, "from" AT TIME ZONE 'Europe/Berlin', "to" AT TIME ZONE 'Europe/Berlin' FROM vapi.sync_runs WHERE run_id > ${last} AND kind <> 'changes' ORDER BY run_id DESC LIMIT 1`)).split('|');
  assert.deepEqual([begin, end], ['2026-01-01 00:00:00', '2026-07-01 00:00:00'], 'days are days of the zone');
  assert.equal((await row.locator('td').nth(2).innerText()).replaceAll(',', ''), seen);
  await page.getByLabel('First day').fill('2026-07-02');
  await page.getByLabel('Last day').fill('2026-07-01');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  assert.equal(await page.evaluate(() => document.querySelector('.sync-form').checkValidity()), false, 'a range that ends before it begins is not sent');
  await page.finish();
});

test('a running import shows how far it is, and is cancelled', async () => {
  const page = await open(browser, 'admin', '/operations');
  await page.getByRole('region', { name: 'Imports' }).locator('tbody tr').first().waitFor();
  // Many small pages, and few requests a minute: there is something to see.
  for (const setting of ["page_size = '4'", "requests_per_minute = '120'"]) await sql(stack, `ALTER SYSTEM SET vapi_sales.${setting}`);
  await sql(stack, 'SELECT pg_reload_conf()');
  await page.getByLabel('First day').fill('2025-11-01');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const bar = page.getByRole('progressbar', { name: /^Import \d+$/ });
  const share = async () => (await bar.evaluate((element) => (element.position < 0 ? 0 : element.value), null, { timeout: 60000 }));
  await bar.waitFor();
  await until('it is on its way', async () => (await share()) > 0);
  const first = await share();
  await until('it goes on', async () => (await share()) > first);
  await page.getByText(/^\d+ % · [\d,]+ calls, [\d,]+ a second/).waitFor();
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('region', { name: 'Imports' }).locator('tbody tr').first().getByText('Canceled', { exact: true }).waitFor({ timeout: 60000 });
  await sql(stack, 'ALTER SYSTEM RESET ALL');
  await sql(stack, 'SELECT pg_reload_conf()');
  await page.finish();
});

test('assistants and numbers are checked at Vapi when somebody asks', async () => {
  const page = await open(browser, 'admin', '/operations');
  const found = await sql(stack, "SELECT count(*) FILTER (WHERE severity <> 'ok') || '|' || count(*) FROM vapi.vapi_check_setup()");
  await page.getByText(/^Set(ting)? up/).waitFor();
  if (!await page.locator('.setup-check').isVisible()) await page.getByText(/^Set(ting)? up/).click();
  await page.getByRole('button', { name: 'Check assistants and numbers at Vapi' }).click();
  const [bad, all] = found.split('|');
  await page.getByRole('status').filter({ hasText: Number(bad) ? `${bad} of ${all} findings need somebody.` : `${all} checked, nothing is wrong.` }).waitFor();
  if (Number(bad)) assert.equal(await page.getByRole('region', { name: 'Findings' }).locator('tbody tr').count(), Number(bad));
  await page.finish();
});

test('a dead letter is read, replayed and discarded', async () => {
  await sql(stack, `SELECT vapi.vapi_ingest_event('{"message": {"type": "hang", "call": {"id": 7}, "note": "<img src=x onerror=alert(1)>"}}')`);
  const page = await open(browser, 'admin', '/operations');
  const letters = page.getByRole('region', { name: 'Dead letters' }).last();
  const row = letters.locator('tbody tr').first();
  await row.getByText('What came').click();
  await row.locator('pre').filter({ hasText: '<img src=x onerror=alert(1)>' }).waitFor();
  await row.getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('status').filter({ hasText: /^Event \d+: / }).waitFor();
  await page.getByRole('button', { name: 'Replay all' }).click();
  await page.getByRole('status').filter({ hasText: '1 replayed: 0 applied' }).waitFor();
  await row.getByRole('button', { name: 'Discard…' }).click();
  await page.getByRole('dialog').getByLabel('Why').fill('made up by a test');
  await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
  await page.getByText('Every event was applied.').waitFor();
  assert.equal(await sql(stack, "SELECT status, last_error FROM vapi.events WHERE body::text LIKE '%onerror%'").then((line) => line.split('|')[0]), 'discarded');
  await page.finish();
});

test('health, accounts and the first steps', async () => {
  const page = await open(browser, 'admin', '/operations');
  await page.getByRole('region', { name: 'Health' }).locator('summary').click();
  const checks = await page.locator('.health tbody tr').count();
  assert.equal(String(checks), await sql(stack, "SELECT count(*) + count(*) FILTER (WHERE status <> 'ok') FROM vapi.health"));
  const accounts = page.getByRole('region', { name: 'Accounts' }).last();
  await accounts.getByRole('rowheader', { name: 'viewer@example.com' }).waitFor();
  await page.getByText(/^Set up: all steps are done|^Setting up/).waitFor();
  await page.finish();
});

test('who is no administrator finds no way there', async () => {
  const page = await open(browser, 'agent', '/operations');
  await page.getByText('This page is for administrators.').waitFor();
  assert.equal(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Operations' }).count(), 0);
  await page.finish();
});

test('prospects: the list, the search, the card with its calls', async () => {
  await sql(stack, "UPDATE vapi_internal.prospect SET name = 'Paula Prospect', company = 'Acme, (\"Roofs\") Ltd' WHERE prospect_id = (SELECT prospect_id FROM vapi_internal.call WHERE prospect_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1)");
  const page = await open(browser, 'agent', '/prospects');
  await page.locator('table tbody tr').nth(5).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('acme, ("roofs")');
  await page.locator('a.row-link').filter({ hasText: 'Paula Prospect' }).click();
  await page.getByRole('heading', { level: 1, name: 'Paula Prospect' }).waitFor();
  const calls = await page.getByRole('region', { name: 'Calls' }).last().locator('tbody tr').count();
  assert.equal(String(calls), await sql(stack, "SELECT count(*) FROM vapi.calls WHERE prospect_name = 'Paula Prospect'"));
  await page.goto(`${stack.url}/prospects/999999999`);
  await page.getByText('There is no such prospect').waitFor();
  await page.finish();
});
