/** What administrators do: an import with its progress, dead letters, health, the first steps; and who is no administrator. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, stack } from './browser.mjs';
import { sql } from './stack.mjs';

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

test('a running import shows its progress and can be cancelled', async () => {
  const page = await open(browser, 'admin', '/operations');
  const runs = page.getByRole('region', { name: 'Imports' });
  await runs.locator('tbody tr').first().waitFor();
  // What a run under way answers, as PostgREST would.
  await page.route('**/rest/sync_runs?order*', (route) => route.fulfill({ contentType: 'application/json', body: JSON.stringify([{ run_id: 99, kind: 'range', status: 'running', from: '2026-01-01T00:00:00Z', to: '2026-01-05T00:00:00Z',
    oldest: '2026-01-02T00:00:00Z', seen: 1234, new: 1000, changed: 0, started_at: new Date(Date.now() - 10000).toISOString(), message: null, warning: null }]) }));
  const bar = page.getByRole('progressbar', { name: 'Import 99' });
  await bar.waitFor();
  assert.equal(await bar.evaluate((element) => element.value), 0.75);
  await page.getByText('75 % · 1,234 calls').waitFor();
  const [asked] = await Promise.all([page.waitForRequest('**/rest/rpc/vapi_cancel_sync'), page.getByRole('button', { name: 'Cancel' }).click()]);
  assert.deepEqual(asked.postDataJSON(), { run: 99 });
  await page.getByRole('alert').waitFor(); // there is no run 99
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
