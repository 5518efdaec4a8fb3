/** The pipeline: board, page of a prospect with status, follow-ups, sequence, history, do-not-call; what is due; sequences; the same forms at a call. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, stack } from './browser.mjs';
import { sql, until } from './stack.mjs';

let browser;
let prospect;
let call;
before(async () => {
  browser = await launch();
  // one who has calls, a number, and no enrolment
  [prospect, call] = (await sql(stack, `SELECT p.prospect_id, min(c.call_id) FROM vapi_internal.prospect p JOIN vapi_internal.call c USING (prospect_id) JOIN vapi_internal.prospect_phone n USING (prospect_id)
    WHERE NOT p.do_not_call AND NOT EXISTS (SELECT FROM vapi_internal.enrollment e WHERE e.prospect_id = p.prospect_id) AND c.end_status <> 'open' GROUP BY 1 ORDER BY 1 LIMIT 1`)).split('|');
  await sql(stack, `UPDATE vapi_internal.prospect SET name = 'Petra Pipeline', company = 'Example Roofs' WHERE prospect_id = ${prospect}`);
});
after(() => browser.close());

test('the board has a column for each status', async () => {
  const page = await open(browser, 'agent', '/prospects');
  await page.getByRole('navigation', { name: 'Views of prospects' }).getByRole('link', { name: 'Board' }).click();
  const columns = page.locator('.board-column');
  await columns.nth(1).locator('li, p').first().waitFor();
  assert.equal(String(await columns.count()), await sql(stack, 'SELECT count(*) FROM vapi.prospect_statuses'));
  const status = await sql(stack, 'SELECT status FROM vapi_internal.prospect GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1');
  await page.locator(`section[aria-labelledby="column-${status}"] li a`).first().click();
  await page.getByRole('heading', { name: 'About' }).waitFor();
  await page.finish();
});

test('a prospect: status, follow-up, sequence, history', async () => {
  const page = await open(browser, 'agent', `/prospects/${prospect}`);
  await page.getByRole('heading', { level: 1, name: 'Petra Pipeline' }).waitFor();
  await page.getByText('Set the status').click();
  await page.locator('label.field').filter({ hasText: /^Status/ }).locator('select').selectOption('nurture');
  await page.getByLabel('Why is that so?').fill('asked for spring');
  await page.locator('form').filter({ hasText: 'Why is that so?' }).getByRole('button', { name: 'Save' }).click();
  await page.getByText('chosen by a person').waitFor();
  assert.equal(await sql(stack, `SELECT status, status_source FROM vapi_internal.prospect WHERE prospect_id = ${prospect}`), 'nurture|person');
  const history = page.getByRole('region', { name: 'History' });
  await history.getByText('asked for spring').waitFor();
  await history.getByText('agent@example.com').first().waitFor();
  await page.getByText('Plan a follow-up').click();
  await page.getByLabel('What is to be done').fill('Send <b>the</b> offer');
  await page.getByRole('button', { name: 'Plan', exact: true }).click();
  const tasks = page.getByRole('region', { name: 'Follow-ups', exact: true });
  await tasks.getByText('Send <b>the</b> offer').waitFor();
  await tasks.getByRole('button', { name: 'Done: Send <b>the</b> offer' }).click();
  await tasks.locator('tr').filter({ hasText: 'Send <b>the</b> offer' }).getByText('Done', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Enrol' }).click();
  await page.getByText('step 1 of 5').waitFor();
  await tasks.getByText('Call the qualified lead back').waitFor();
  await page.getByRole('button', { name: 'End the sequence' }).click();
  await page.getByText('ended, by hand').waitFor();
  await page.finish();
});

test('what is due: shown, and done', async () => {
  await sql(stack, `INSERT INTO vapi_internal.follow_up (prospect_id, due_at, title) VALUES (${prospect}, now() - interval '2 hours', 'Due today'), (${prospect}, now() - interval '3 days', 'Long overdue')`);
  const page = await open(browser, 'agent', '/prospects?view=follow-ups');
  const row = page.locator('tr').filter({ hasText: 'Long overdue' });
  await row.getByText('Overdue', { exact: true }).waitFor();
  await page.locator('tr').filter({ hasText: 'Due today' }).getByRole('link', { name: 'Petra Pipeline' }).waitFor();
  await row.getByRole('button', { name: 'Done: Long overdue' }).click();
  await row.waitFor({ state: 'detached' });
  assert.equal(await sql(stack, "SELECT status, done_by FROM vapi_internal.follow_up WHERE title = 'Long overdue'"), 'done|agent@example.com');
  await page.getByLabel('Show').selectOption('done');
  await page.getByText('Long overdue').waitFor();
  await page.finish();
});

test('a call has the same forms for its lead', async () => {
  const page = await open(browser, 'agent', `/calls/${call}`);
  const lead = page.getByRole('region', { name: 'Lead' });
  await lead.getByText('Set the status').click();
  await lead.locator('label.field').filter({ hasText: /^Status/ }).locator('select').selectOption('contacted');
  await lead.locator('form').first().getByRole('button', { name: 'Save' }).click();
  await until('the status is kept', async () => (await sql(stack, `SELECT status FROM vapi_internal.prospect WHERE prospect_id = ${prospect}`)) === 'contacted');
  // the simulator may just be calling them
  await lead.locator('dd').filter({ hasText: /Contacted|On call/ }).waitFor();
  await lead.getByText('Plan a follow-up').click();
  await lead.getByLabel('What is to be done').fill('From the call');
  await lead.getByRole('button', { name: 'Plan', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('.card[aria-labelledby="lead-title"] input[required]')?.value === '');
  assert.equal(await sql(stack, `SELECT call_id FROM vapi_internal.follow_up WHERE title = 'From the call'`), call);
  await page.finish();
});

test('sequences: an administrator makes, chooses and removes one; an agent reads', async () => {
  const page = await open(browser, 'admin', '/prospects?view=sequences');
  await page.getByRole('heading', { name: 'qualified lead' }).waitFor();
  await page.getByRole('button', { name: 'New sequence' }).click();
  const form = page.locator('.sequence-form');
  await form.getByLabel('Name').fill('Two steps');
  await form.getByRole('button', { name: 'Add a step' }).click();
  await form.getByLabel('After').nth(1).fill('soon');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByRole('alert').getByText('step 2').waitFor();
  await form.getByLabel('After').nth(1).fill('2 days');
  await form.getByLabel('What').nth(1).selectOption('call');
  await form.getByRole('button', { name: 'Save' }).click();
  const made = page.locator('.sequence').filter({ hasText: 'Two steps' });
  await made.getByText('Call by the assistant').waitFor();
  await made.getByRole('button', { name: 'Enrol qualified leads' }).click();
  await made.getByText('For qualified leads').waitFor();
  assert.equal(await sql(stack, 'SELECT vapi_internal.auto_sequence()'), 'Two steps');
  await page.getByRole('button', { name: 'Remove Two steps' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await made.waitFor({ state: 'detached' });
  await sql(stack, "SELECT vapi.vapi_set_auto_enrollment('qualified lead')");
  await page.finish();
  const reader = await open(browser, 'viewer', '/prospects?view=sequences');
  await reader.getByRole('heading', { name: 'qualified lead' }).waitFor();
  assert.equal(await reader.locator('main').getByRole('button', { name: /^Change|New sequence/ }).count(), 0);
  await reader.finish();
});

test('duplicates and do-not-call', async () => {
  const twin = await sql(stack, `WITH p AS (INSERT INTO vapi_internal.prospect (name) VALUES ('Twin') RETURNING prospect_id), n AS (INSERT INTO vapi_internal.prospect_phone (phone, prospect_id)
    SELECT (SELECT min(phone) FROM vapi_internal.prospect_phone WHERE prospect_id = ${prospect}), prospect_id FROM p) SELECT prospect_id FROM p`);
  const page = await open(browser, 'agent', `/prospects/${prospect}`);
  await page.getByText('has the same number').waitFor();
  await page.getByRole('button', { name: 'Merge…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Merge' }).click();
  await page.getByText(`Merged with prospect ${twin}`).waitFor();
  assert.equal(await sql(stack, `SELECT count(*) FROM vapi_internal.prospect WHERE prospect_id = ${twin}`), '0');
  await page.getByRole('button', { name: 'Do not call…' }).click();
  await page.getByRole('dialog').getByLabel('Why').fill('asked by letter');
  await page.getByRole('dialog').getByRole('button', { name: 'Do not call' }).click();
  await page.locator('.banner.bad').filter({ hasText: 'Do not call.' }).waitFor();
  assert.equal(await sql(stack, `SELECT p.do_not_call, vapi_internal.may_call(min(n.phone), now()) IS NOT NULL FROM vapi_internal.prospect p JOIN vapi_internal.prospect_phone n USING (prospect_id) WHERE p.prospect_id = ${prospect} GROUP BY 1`), 't|t');
  await page.finish();
});
