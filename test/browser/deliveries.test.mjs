/** What goes out: connections with their keys, mappings, deliveries that are replayed and discarded; for administrators only. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { launch, open, stack } from './browser.mjs';
import { sql, until } from './stack.mjs';

let browser;
let receiver;
const got = [];
before(async () => {
  browser = await launch();
  receiver = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => { text += part; }).on('end', () => {
      got.push({ id: request.headers['webhook-id'], body: JSON.parse(text) });
      response.writeHead(got.length === 1 ? 500 : 204).end();
    });
  });
  await new Promise((ready) => { receiver.listen(0, '127.0.0.1', ready); });
});
after(async () => {
  await sql(stack, `SELECT vapi.vapi_remove_destination(destination) FROM vapi.destinations`);
  receiver.close();
  return browser.close();
});

test('a webhook is added on the page, and its key is shown once', async () => {
  const page = await open(browser, 'admin', '/connections');
  await page.getByText('Nothing goes out.').waitFor();
  await page.getByLabel('Name').fill('crm');
  await page.getByLabel('URL').fill('https://elsewhere.example.com/hook');
  await page.getByLabel('follow_up.due').check();
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('alert').filter({ hasText: 'elsewhere.example.com' }).waitFor();
  await page.getByLabel('URL').fill(`http://127.0.0.1:${receiver.address().port}/hook`);
  await page.getByRole('button', { name: 'Add' }).click();
  const dialog = page.getByRole('dialog');
  assert.match(await dialog.locator('code').innerText(), /^whsec_/);
  await dialog.getByRole('button', { name: 'I have it' }).click();
  const row = page.getByRole('region', { name: 'Table of connections' }).locator('tbody tr').filter({ hasText: 'crm' });
  await row.getByText('lead.qualified, follow_up.due').waitFor();
  await row.getByRole('button', { name: 'Switch off' }).click();
  await row.getByText('Off', { exact: true }).waitFor();
  await row.getByRole('button', { name: 'Switch on' }).click();
  await row.getByRole('button', { name: 'New key…' }).click();
  await dialog.getByRole('button', { name: 'New key' }).click();
  assert.match(await page.getByRole('dialog', { name: 'The key of crm' }).locator('code').innerText(), /^whsec_/);
  await page.finish();
});

test('a delivery is seen, replayed and discarded', async () => {
  const id = await sql(stack, `INSERT INTO vapi_internal.follow_up (due_at) VALUES (now()) RETURNING follow_up_id`);
  await sql(stack, `SELECT vapi_internal.deliver_follow_up(${Number.parseInt(id, 10)})`);
  await until('it is delivered', async () => (await sql(stack, `SELECT count(*) FROM vapi.deliveries WHERE state = 'delivered'`)) === '1');
  await sql(stack, `INSERT INTO vapi_internal.outbox (delivery_key, destination, kind, event, order_key, payload, state, attempts, last_error, run_at)
    VALUES (gen_random_uuid(), 'crm', 'event', 'call.ended', 1, '{}', 'dead', 16, '<img src=x onerror=alert(1)>', now()), (gen_random_uuid(), 'crm', 'event', 'call.ended', 2, '{}', 'dead', 16, 'status 400', now())`);
  const page = await open(browser, 'admin', '/deliveries?state=dead');
  const rows = page.getByRole('region', { name: 'Table of deliveries' }).locator('tbody tr');
  await rows.filter({ hasText: '<img src=x onerror=alert(1)>' }).waitFor();
  assert.equal(await rows.count(), 2);
  await rows.filter({ hasText: '<img' }).getByRole('button', { name: 'Discard…' }).click();
  await page.getByRole('dialog').getByLabel('Why').fill('made up by a test');
  await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
  await rows.filter({ hasText: '<img' }).waitFor({ state: 'detached' });
  const before = got.length;
  await rows.first().getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('status').filter({ hasText: /is tried again/ }).waitFor();
  await until('it arrives', async () => got.length > before);
  assert.equal(await sql(stack, `SELECT last_error FROM vapi.deliveries WHERE state = 'discarded'`), 'made up by a test');
  await page.getByLabel('State').selectOption('delivered');
  await page.waitForURL(/state=delivered/);
  await page.finish();
});

test('terms of a client and whom to bill', async () => {
  await sql(stack, `INSERT INTO vapi_internal.billing_review (subject, candidates) VALUES ('prospect:1', '[{"id": 7, "organization": "<b>Made Up</b>"}]')`);
  const page = await open(browser, 'admin', '/mappings');
  const reviews = page.getByRole('region', { name: 'Whom to bill' });
  await reviews.getByLabel('Client of FreshBooks').fill('7');
  await reviews.getByRole('button', { name: 'Bill this client' }).click();
  await reviews.getByText('Nobody waits for a decision.').waitFor();
  const billing = page.getByRole('region', { name: 'Time of clients' });
  await billing.getByLabel('Client of FreshBooks').fill('7');
  await billing.getByLabel('Rate an hour').fill('90');
  await billing.getByLabel('At least minutes').fill('10');
  await billing.getByRole('button', { name: 'Save' }).click();
  await until('the terms are stored', async () => (await sql(stack, `SELECT client_id, rate, minimum_seconds FROM vapi_internal.billing_client`)) === '7|90|600');
  await page.finish();
});

test('who is no administrator sees none of it', async () => {
  const page = await open(browser, 'agent', '/deliveries');
  await page.getByText('This page is for administrators.').waitFor();
  assert.equal(await page.getByRole('navigation').getByText('Connections').count(), 0);
  await page.finish();
});
