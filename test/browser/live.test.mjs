/** Calls as they happen: how soon, the counter, who speaks, what is said, the end; two tabs, a restart of the server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, listed, open, stack } from './browser.mjs';
import { ask, freeNumbers, post, sql, until } from './stack.mjs';

// Within 500 ms on a quiet machine; ten times that where others are at work.
const SOON = 5000;
let browser;
let numbers;
before(async () => {
  browser = await launch();
  numbers = await freeNumbers(stack);
});
after(() => browser.close());

const call = (id, name, number) => ({ id, type: number ? 'inboundPhoneCall' : 'webCall', createdAt: new Date().toISOString(), customer: { name, ...(number ? { number } : {}) } });
const card = (page, name) => page.locator('.live-card').filter({ hasText: name });
const isLive = (page) => page.locator('.connection.live').waitFor();

test('a call appears, runs, speaks and ends, in two tabs', async () => {
  const [one, two] = await Promise.all([open(browser, 'agent', '/live', { motion: 'no-preference' }), open(browser, 'agent', '/live')]);
  await Promise.all([isLive(one), isLive(two)]);
  const begin = Date.now();
  await post(stack, { type: 'status-update', status: 'in-progress', call: call('live-1', 'Lena Live', numbers[0]) });
  await card(one, 'Lena Live').waitFor();
  // The page itself notes when a card appears, as soon as it is there.
  await one.evaluate(() => {
    globalThis.seen = {};
    new MutationObserver(() => document.querySelectorAll('.live-who').forEach((link) => { globalThis.seen[link.textContent] ??= Date.now(); })).observe(document.body, { childList: true, subtree: true });
  });
  const times = [];
  for (let i = 0; i < 5; i++) {
    const name = `Quick ${i}`;
    const at = Date.now();
    await post(stack, { type: 'status-update', status: 'in-progress', call: call(`quick-${i}`, name) });
    times.push(await one.waitForFunction((who) => globalThis.seen[who], name, { timeout: 60000 }).then((handle) => handle.jsonValue()) - at);
  }
  console.log(`measured: a live call is on the page ${times.join(', ')} ms after its webhook is posted`);
  assert.ok(Math.min(...times) < SOON, String(times));
  await card(two, 'Lena Live').waitFor();
  const clock = () => card(one, 'Lena Live').locator('.live-clock').innerText();
  const [first] = [await clock()];
  await until('the counter runs', async () => (await clock()) !== first && /^\d:\d\d$/.test(await clock()), 15);
  await post(stack, { type: 'speech-update', status: 'started', role: 'user', call: call('live-1', 'Lena Live', numbers[0]) });
  await card(one, 'Lena Live').getByText('Customer speaks').waitFor();
  for (const [text, kind] of [['I would like', 'partial'], ['I would like a quote for my roof.', 'final']]) await post(stack, { type: 'transcript', transcriptType: kind, role: 'user', transcript: text, call: call('live-1', 'Lena Live', numbers[0]) });
  await card(one, 'Lena Live').locator('.live-lines').getByText('I would like a quote for my roof.').waitFor();
  assert.match(await one.locator('.nav-count').innerText(), /\d+/);
  const viewer = await open(browser, 'viewer', '/live');
  await card(viewer, 'Lena Live').waitFor();
  const seen = await card(viewer, 'Lena Live').innerText();
  assert.doesNotMatch(seen, new RegExp(`\\${numbers[0]}|quote for my roof`), 'a viewer sees neither number nor what is said');
  assert.match(seen, /Your profile does not show what is said\./);
  await viewer.finish();
  await post(stack, { type: 'end-of-call-report', endedReason: 'customer-ended-call', startedAt: new Date(begin).toISOString(), endedAt: new Date().toISOString(), call: call('live-1', 'Lena Live', numbers[0]) });
  for (const page of [one, two]) await card(page, 'Lena Live').waitFor({ state: 'detached' });
  await one.locator('.ended li').filter({ hasText: 'Lena Live' }).waitFor();
  for (let i = 0; i < 5; i++) await post(stack, { type: 'status-update', status: 'ended', endedReason: 'customer-ended-call', call: call(`quick-${i}`, `Quick ${i}`) });
  await one.finish();
  await two.finish();
});

test('the list tells of new calls and shows what happens to those in it', async () => {
  const page = await open(browser, 'agent', '/calls');
  await listed(page);
  await isLive(page);
  await post(stack, { type: 'status-update', status: 'ringing', call: call('live-2', 'Nora New') });
  await page.locator('.fresh').click();
  const row = page.locator('tr').filter({ hasText: 'Nora New' });
  await row.getByText('Ringing').waitFor();
  await post(stack, { type: 'status-update', status: 'in-progress', call: call('live-2', 'Nora New') });
  await row.getByText('In progress').waitFor();
  await row.locator('.running').waitFor();
  await post(stack, { type: 'status-update', status: 'ended', endedReason: 'customer-did-not-answer', call: call('live-2', 'Nora New') });
  await row.getByText('No answer').waitFor();
  await page.finish();
});

test('what may be done with a call is asked first, and refused with the reason', async (context) => {
  if ((await sql(stack, "SELECT to_regproc('vapi.vapi_end_call') IS NULL")) === 't') {
    context.skip('there is no control of calls');
    return;
  }
  const page = await open(browser, 'agent', '/live');
  await isLive(page);
  await post(stack, { type: 'status-update', status: 'in-progress', call: call('live-3', 'Cora Control') });
  const live = card(page, 'Cora Control');
  await live.getByRole('button', { name: 'Note' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Note').fill('Wants a <b>callback</b>.');
  await dialog.getByRole('button', { name: 'Note' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await sql(stack, "SELECT note, written_by FROM vapi.call_notes WHERE call_id = 'live-3'"), 'Wants a <b>callback</b>.|agent@example.com');
  await live.getByRole('button', { name: 'End' }).click();
  await dialog.getByText('Cora Control').waitFor();
  await dialog.getByRole('button', { name: 'End' }).click();
  await dialog.getByRole('alert').waitFor(); // the simulator knows no such call
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.goto(`${stack.url}/calls/live-3`);
  await page.locator('.notes').getByText('Wants a <b>callback</b>.').waitFor();
  await page.getByLabel('New note').fill('And one from here.');
  await page.getByRole('button', { name: 'Add note' }).click();
  await page.locator('.notes').getByText('And one from here.').waitFor();
  await page.finish();
});

test('a call whose assistant was muted can be unmuted', async () => {
  const page = await open(browser, 'agent', '/live');
  await isLive(page);
  await post(stack, { type: 'status-update', status: 'in-progress', call: call('live-5', 'Mia Muted') });
  const live = card(page, 'Mia Muted');
  // The simulator does not know the call, so what Vapi would answer is put in its place.
  await page.route('**/rest/rpc/vapi_mute_call', (route) => route.fulfill({ status: 204 }));
  for (const [name, on, other] of [['Mute', true, 'Unmute'], ['Unmute', false, 'Mute']]) {
    await live.getByRole('button', { name, exact: true }).click();
    const [asked] = await Promise.all([page.waitForRequest('**/rest/rpc/vapi_mute_call'), page.getByRole('dialog').getByRole('button', { name, exact: true }).click()]);
    assert.deepEqual(asked.postDataJSON(), { id: 'live-5', on });
    await live.getByRole('button', { name: other, exact: true }).waitFor();
  }
  await page.finish();
});

test('the next stream is opened before the present one ends', async () => {
  const page = await open(browser, 'agent');
  const streams = [];
  page.on('request', (request) => { if (request.url().endsWith('/api/sse/calls')) streams.push({ request, opened: Date.now() }); });
  const over = (request) => { for (const stream of streams) if (stream.request === request) stream.ended = Date.now(); };
  page.on('requestfinished', over);
  page.on('requestfailed', over);
  await page.goto(`${stack.url}/live`);
  await isLive(page);
  const first = streams.at(-1);
  const end = Number(await sql(stack, "UPDATE vapi_internal.live_channel SET ends_at = clock_timestamp() + interval '20 seconds' WHERE audience = 'agent' RETURNING floor(extract(epoch FROM ends_at) * 1000)").then((text) => text.split('\n')[0]));
  await until('a second stream is opened', () => streams.at(-1) !== first);
  await until('the first one is closed', () => first.ended);
  const { opened } = streams[streams.indexOf(first) + 1];
  assert.ok(opened < end && opened < first.ended, `the next one was opened at ${opened}, the first one ended at ${first.ended}, of ${end}`);
  await until('the end', () => Date.now() > end + 1000);
  await post(stack, { type: 'status-update', status: 'in-progress', call: call('live-6', 'Nina Next') });
  await card(page, 'Nina Next').waitFor();
  await page.finish();
});

test('while the server is away the page says so, and then goes on by itself', async () => {
  const page = await open(browser, 'agent', '/live');
  await isLive(page);
  const pid = async (part) => (await import('node:fs/promises')).readFile(`${stack.folder}/run/${part}.pid`, 'utf8').then((text) => Number(text.split(' ')[0]), () => 0);
  const former = await pid('nginx-edge');
  await page.context().setOffline(true);
  process.kill(former, 'SIGTERM');
  await page.locator('.connection.stale').waitFor({ timeout: 60000 });
  await page.locator('.banner.warn').filter({ hasText: 'Not live since' }).waitFor();
  await until('nginx is back', async () => (await pid('nginx-edge')) !== former && (await ask(`${stack.url}/`).catch(() => ({}))).status === 200);
  await page.context().setOffline(false);
  await page.locator('.connection.live').waitFor({ timeout: 60000 });
  await post(stack, { type: 'status-update', status: 'in-progress', call: call('live-4', 'Bea Back') });
  await card(page, 'Bea Back').waitFor();
  await page.finish();
});
