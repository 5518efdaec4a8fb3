/** axe on every page in both themes and on a phone; the main flow by keyboard alone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { launch, listed, open, stack } from './browser.mjs';
import { sql } from './stack.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser;
let call;
before(async () => {
  browser = await launch();
  call = await sql(stack, 'SELECT s.call_id FROM vapi.call_scores s JOIN vapi.calls c ON c.id = s.call_id WHERE s.score >= 60 AND c.has_recording ORDER BY c.created_at DESC LIMIT 1');
});
after(() => browser.close());

async function violations(page) {
  // What tests run comes through the debugger, which the Content-Security-Policy does not hold.
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return found.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary.replaceAll('\n', ' ')}`).join(' | ')}`);
}

const PAGES = () => [['sign-in', null, '/'], ['calls', 'agent', '/calls?range=year'], ['calls, filtered', 'agent', '/calls?range=year&status=completed&search=appointment'], ['no calls', 'agent', '/calls?from=2020-01-01&to=2020-01-02'],
  ['a call', 'admin', `/calls/${call}`], ['no such call', 'agent', '/calls/nothing'], ['live', 'agent', '/live'], ['analytics', 'agent', '/analytics?range=year'], ['operations', 'admin', '/operations'],
  ['connections', 'admin', '/connections'], ['mappings', 'admin', '/mappings'], ['deliveries', 'admin', '/deliveries'],
  ['prospects', 'agent', '/prospects'], ['a prospect', 'agent', '/prospects/1'], ['board', 'agent', '/prospects?view=board'],
  ['follow-ups', 'agent', '/prospects?view=follow-ups&state=upcoming'], ['sequences', 'admin', '/prospects?view=sequences'], ['account', 'agent', '/account']];

for (const [theme, width] of [['light', 1280], ['dark', 1280], ['dark', 390]]) {
  test(`axe finds nothing, ${theme}, ${width} pixels wide`, async () => {
    for (const [name, profile, path] of PAGES()) {
      const page = await open(browser, profile, path, { theme, width });
      await page.locator('h1').first().waitFor();
      await page.waitForFunction(() => !document.querySelector('.skeleton, .skeleton-space'));
      if (name === 'analytics') for (const twin of await page.locator('.twin summary').all()) await twin.click();
      if (name === 'a call') await page.locator('.part').first().waitFor();
      if (name === 'operations') await page.getByRole('region', { name: 'Health' }).locator('summary').click();
      assert.deepEqual(await violations(page), [], name);
      await page.finish();
    }
  });
}

test('the main flow by keyboard alone: sign in, search, open, jump to evidence, back, help', async () => {
  const page = await open(browser, 'agent', '/calls?range=year&sort=-score');
  await listed(page);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  const links = await page.locator('a.row-link').evaluateAll((all) => all.map((a) => a === document.activeElement));
  assert.equal(links.indexOf(true), 0, 'j, j, k: the first row');
  const path = await page.evaluate(() => document.activeElement.pathname);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**${path}`);
  await page.locator('button.quote').first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1', 'the focus is at the page\'s head');
  for (let i = 0; i < 200 && !(await page.evaluate(() => document.activeElement.classList.contains('quote'))); i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.classList.contains('line'));
  await page.keyboard.press('Escape');
  await page.waitForURL(/sort=-score/);
  await page.waitForFunction((wanted) => document.activeElement?.pathname === wanted, path);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('g');
  await page.keyboard.press('l');
  await page.waitForURL('**/live');
  await page.finish();
});
