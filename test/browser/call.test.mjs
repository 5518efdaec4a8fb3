/** A call: conversation, recording, score and its evidence, lead, cost, what only admins see. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, listed, open, stack } from './browser.mjs';
import { ask, post, sql } from './stack.mjs';

let browser;
let id;
let detail;
before(async () => {
  browser = await launch();
  id = await sql(stack, `SELECT s.call_id FROM vapi.call_scores s JOIN vapi.calls c ON c.id = s.call_id WHERE s.score >= 60 AND c.duration_seconds > 60 AND c.has_recording AND c.prospect_id IS NOT NULL
    AND (SELECT count(*) FROM vapi.call_score_components p WHERE p.call_id = s.call_id AND p.turn IS NOT NULL) >= 3 ORDER BY c.created_at LIMIT 1`);
  detail = (await ask(`${stack.url}/api/vapi/calls/${id}`, { cookie: stack.cookies.agent })).data;
});
after(() => browser.close());

/** Silence as a WAV file. */
function wav(seconds) {
  const rate = 8000;
  const data = Buffer.alloc(rate * seconds, 128);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
const sound = (page, body) => page.route('**/api/vapi/recordings/**', (route) => {
  const [, from, to] = /bytes=(\d+)-(\d*)/.exec(route.request().headers().range ?? '') ?? [];
  if (from === undefined) return route.fulfill({ status: 200, contentType: 'audio/wav', headers: { 'Accept-Ranges': 'bytes' }, body });
  const end = to ? Math.min(Number(to), body.length - 1) : body.length - 1;
  return route.fulfill({ status: 206, contentType: 'audio/wav', headers: { 'Accept-Ranges': 'bytes', 'Content-Range': `bytes ${from}-${end}/${body.length}` }, body: body.subarray(Number(from), end + 1) });
});
const play = (page) => page.getByRole('button', { name: 'Play' });

test('from the list to a call and back to the same row', async () => {
  const page = await open(browser, 'agent', '/calls?range=year&sort=-score');
  await listed(page);
  const link = page.locator('a.row-link').nth(3);
  const [name, path] = [await link.innerText(), await link.evaluate((a) => a.pathname)];
  await link.click();
  await page.waitForURL(`**${path}`);
  await page.getByRole('heading', { level: 1, name }).waitFor();
  assert.equal(await page.title(), `Call with ${name} · vapi_sales`);
  await page.keyboard.press('Escape');
  await page.waitForURL(/sort=-score/);
  await page.waitForFunction((wanted) => document.activeElement?.pathname === wanted, path);
  await page.finish();
});

test('the conversation is whole, in order, and can be searched', async () => {
  const page = await open(browser, 'agent', `/calls/${id}`);
  await page.locator('.line').first().waitFor();
  const lines = await page.locator('.line:not(.tool) .bubble').evaluateAll((all) => all.map((line) => line.textContent));
  assert.deepEqual(lines, detail.messages.filter(({ role }) => !role.startsWith('tool')).map(({ message }) => message));
  const word = detail.messages.find(({ role }) => role === 'user').message.split(/\W+/).sort((a, b) => b.length - a.length)[0];
  await page.getByLabel('Search in the conversation').fill(word);
  const marked = await page.locator('mark').allInnerTexts();
  assert.ok(marked.length > 0 && marked.every((text) => text.toLowerCase() === word.toLowerCase()), String(marked));
  await page.finish();
});

test('evidence leads to its line, a line to its second; the recording leads through the lines', async () => {
  const page = await open(browser, 'agent', `/calls/${id}`);
  await sound(page, wav(Math.ceil(detail.duration)));
  await page.locator('button.quote').first().waitFor();
  const { data: parts } = await ask(`${stack.url}/rest/call_score_components?call_id=eq.${id}&order=position`, { cookie: stack.cookies.agent });
  const part = parts.filter(({ turn, quote }) => turn !== null && quote).at(-1);
  await page.locator('button.quote').last().click();
  await page.waitForFunction((line) => document.activeElement?.id === line, `line-${part.turn}`);
  const line = await page.evaluate(() => document.activeElement.innerText);
  assert.ok(line.includes(part.quote), `"${part.quote}" is in: ${line}`);
  assert.equal(await page.locator('[aria-current=true].line').getAttribute('id'), `line-${part.turn}`);

  await play(page).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.waitForFunction((seconds) => document.querySelector('audio').currentTime > seconds, Number(part.seconds_from_start));
  await page.locator('h1').focus();
  await page.keyboard.press(' ');
  await play(page).waitFor();
  const before = await page.evaluate(() => document.querySelector('audio').currentTime);
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction((time) => Math.abs(document.querySelector('audio').currentTime - Math.max(0, time - 10)) < 0.5, before);
  await page.keyboard.press(']');
  await page.waitForFunction(() => document.querySelector('audio').playbackRate === 1.25);
  const spoken = detail.messages.filter(({ role, secondsFromStart }) => role === 'user' && secondsFromStart !== null)[1];
  await page.locator(`#line-${spoken.position} .line-time`).click();
  await page.waitForFunction((time) => Math.abs(document.querySelector('audio').currentTime - time) < 0.5, spoken.secondsFromStart);
  await page.waitForFunction((line) => document.querySelector('.line[aria-current=true]')?.id === line, `line-${spoken.position}`);
  await page.getByLabel('Channel').selectOption('customer');
  await page.waitForFunction(() => document.querySelector('audio').src.endsWith('kind=customer'));
  assert.match(await page.locator('.player a[download]').getAttribute('href'), /\?kind=customer$/);
  await page.finish();
});

test('without a recording the page says why, and when the server refuses one', async () => {
  const none = await sql(stack, "SELECT id FROM vapi.calls WHERE NOT has_recording AND status IN ('no-answer', 'busy', 'failed') AND settled LIMIT 1");
  const page = await open(browser, 'agent', `/calls/${none}`);
  await page.locator('.no-recording').filter({ hasText: 'not connected' }).waitFor();
  assert.equal(await page.locator('audio').count(), 0);
  await page.goto(`${stack.url}/calls/${id}`);
  await page.route('**/api/vapi/recordings/**', (route) => route.fulfill({ status: 404, contentType: 'application/problem+json', body: '{"title": "Not Found", "detail": "Vapi keeps recordings for 14 days."}' }));
  await play(page).click();
  await page.getByRole('alert').filter({ hasText: 'Vapi keeps recordings for 14 days.' }).waitFor();
  await page.finish();
});

test('the score, its parts, the cost and the lead are those of the database', async () => {
  const page = await open(browser, 'agent', `/calls/${id}`);
  await page.locator('.part').first().waitFor();
  const points = (await page.locator('.part-points').allInnerTexts()).map((text) => Number(text.split('/')[0]));
  assert.equal(points.reduce((sum, value) => sum + value, 0), detail.qualificationScore, 'the points sum to the score');
  await page.getByRole('img', { name: `Score ${detail.qualificationScore} of 100` }).waitFor();
  const costs = (await page.locator('.compact tbody td').allInnerTexts()).map((text) => Number(text.slice(1)));
  assert.ok(Math.abs(costs.reduce((sum, value) => sum + value, 0) - detail.cost) < 0.01, 'the parts sum to the cost');
  await page.getByRole('region', { name: 'Lead' }).getByText(detail.prospect.phones[0]).waitFor();
  // calls of the moment may have been added
  assert.ok(await page.getByRole('region', { name: 'Lead' }).locator('.history li').count() >= detail.history.length);
  await page.finish();
});

test('admins see events and JSON, agents do not, viewers no number and nothing of what was said', async () => {
  await post(stack, { type: 'status-update', status: 'in-progress', call: { id: 'timeline-1', type: 'webCall', createdAt: new Date().toISOString() } });
  const admin = await open(browser, 'admin', '/calls/timeline-1');
  await admin.getByText('Timeline of events').click();
  await admin.locator('.timeline li').filter({ hasText: 'status-update' }).getByText('Raw event').click();
  await admin.locator('.timeline pre').filter({ hasText: '"timeline-1"' }).waitFor();
  await admin.getByText('Raw JSON').click();
  await admin.getByLabel('JSON of the call').filter({ hasText: '"id": "timeline-1"' }).waitFor();
  await admin.finish();
  const agent = await open(browser, 'agent', `/calls/${id}`);
  await agent.locator('.part').first().waitFor();
  assert.equal(await agent.getByText('Raw JSON').count(), 0);
  assert.match(await agent.locator('main').innerText(), new RegExp(`\\${detail.customerNumber}`));
  await agent.finish();
  const viewer = await open(browser, 'viewer', `/calls/${id}`);
  await viewer.locator('.part').first().waitFor();
  const text = await viewer.locator('main').innerText();
  assert.doesNotMatch(text, /\+1\d{7}/, 'no whole number');
  assert.match(text, /\*\*\*/, 'masked ones');
  await viewer.getByText('Your profile does not show what was said.').waitFor();
  await viewer.locator('.no-recording').filter({ hasText: 'Your profile does not hear recordings.' }).waitFor();
  for (const shown of ['.line', '.quote', '.summary', 'audio']) assert.equal(await viewer.locator(shown).count(), 0, `no ${shown}`);
  assert.equal(await viewer.getByRole('region', { name: 'Notes' }).count(), 0, 'no notes');
  for (const { message } of detail.messages.filter(({ role, message: said }) => role === 'user' && said.length > 20)) assert.ok(!text.includes(message), `not "${message}"`);
  assert.equal((await fetch(`${stack.url}/api/vapi/recordings/${id}`, { headers: { Cookie: stack.cookies.viewer } })).status, 403, 'nor by its URL');
  await viewer.finish();
});

test('an agent sets the outcome, with a reason, and takes it back', async () => {
  const page = await open(browser, 'agent', `/calls/${id}`);
  const card = page.getByRole('region', { name: 'Outcome' });
  await card.getByText('Set the outcome').click();
  await card.locator('select').selectOption('do-not-call');
  await card.getByLabel('Why').fill('said so on the phone');
  await card.getByRole('button', { name: 'Save' }).click();
  await card.getByText('set by a person').waitFor();
  assert.equal(await sql(stack, `SELECT c.outcome, c.outcome_source, o.set_by, o.reason FROM vapi.calls c JOIN vapi_internal.call_outcome o ON o.call_id = c.id WHERE c.id = '${id}'`), 'do-not-call|person|agent@example.com|said so on the phone');
  await card.getByText('Set the outcome').click();
  await card.getByRole('button', { name: 'Take back' }).click();
  await card.getByText('set by a person').waitFor({ state: 'detached' });
  assert.equal(await sql(stack, `SELECT outcome FROM vapi.calls WHERE id = '${id}'`), detail.outcome);
  await page.finish();
  const viewer = await open(browser, 'viewer', `/calls/${id}`);
  await viewer.locator('.part').first().waitFor();
  assert.equal(await viewer.getByText('Set the outcome').count(), 0, 'a viewer cannot');
  await viewer.finish();
});

test('a recording sounds', async (context) => {
  const url = `${stack.url}${detail.recordingUrl}?kind=mono`;
  const answer = await fetch(url, { headers: { Cookie: stack.cookies.agent, Range: 'bytes=0-99' } });
  if (answer.status === 404 && (await answer.text()).indexOf('detail') < 0) {
    context.skip('recordings are not served');
    return;
  }
  const page = await open(browser, 'agent', `/calls/${id}`);
  await play(page).click();
  await page.waitForFunction(() => document.querySelector('audio').currentTime > 0.5, null, { timeout: 60000 });
  await page.finish();
});

test('a call that there is not is no dead end', async () => {
  const page = await open(browser, 'agent', '/calls/no-such-call');
  await page.getByText('there is no call "no-such-call"').waitFor();
  await page.locator('main').getByRole('link', { name: 'All calls' }).click();
  await listed(page);
  await page.finish();
});

test('a review says what the score should have been, and leaves it', async () => {
  const id = await sql(stack, 'SELECT call_id FROM vapi.call_scores WHERE score BETWEEN 10 AND 60 ORDER BY call_id LIMIT 1');
  const before = await sql(stack, `SELECT score FROM vapi.call_scores WHERE call_id = '${id}'`);
  const page = await open(browser, 'agent', `/calls/${encodeURIComponent(id)}`);
  const review = page.getByRole('region', { name: 'Review' });
  await review.getByText('Nobody has reviewed it.').waitFor();
  await review.getByText('Review the score').click();
  assert.equal(await review.getByRole('button', { name: 'Save review' }).isDisabled(), true, 'without a judgement there is nothing to save');
  await review.getByLabel('This lead is').selectOption('Qualified');
  await review.getByLabel('Score it should have').fill('77');
  await review.getByLabel('Why').fill('They asked for <i>the contract</i>.');
  await review.getByRole('button', { name: 'Save review' }).click();
  await review.getByText('77 of 100 They asked for <i>the contract</i>.').waitFor();
  assert.equal(await sql(stack, `SELECT score || ' ' || qualified FROM vapi.call_reviews WHERE call_id = '${id}'`), '77 true');
  assert.equal(await sql(stack, `SELECT score FROM vapi.call_scores WHERE call_id = '${id}'`), before);
  await page.finish();
  const viewer = await open(browser, 'viewer', `/calls/${encodeURIComponent(id)}`);
  await viewer.getByRole('heading', { name: 'Qualification score' }).waitFor();
  assert.equal(await viewer.getByRole('heading', { name: 'Review', exact: true }).count(), 0);
  await viewer.finish();
});
