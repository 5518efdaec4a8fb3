/** node test/browser/run.mjs test/browser/screenshots.mjs [folder]: every page on desktop and phone, light and dark, as PNG files. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { launch, open, stack } from './browser.mjs';
import { sql } from './stack.mjs';

const folder = path.resolve(process.argv[2] ?? 'screenshots');
mkdirSync(folder, { recursive: true });
const [call] = (await sql(stack, `SELECT s.call_id FROM vapi.call_scores s JOIN vapi.calls c ON c.id = s.call_id WHERE s.score >= 70 AND c.has_recording AND c.prospect_id IS NOT NULL AND c.customer_name IS NOT NULL ORDER BY c.created_at DESC LIMIT 1`)).split('\n');
const prospect = await sql(stack, 'SELECT prospect_id FROM vapi_internal.call WHERE prospect_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1');
const PAGES = [['sign-in', null, '/'], ['calls', 'agent', '/calls?range=90d'], ['calls-filtered', 'agent', '/calls?range=year&outcome=meeting-scheduled&sort=-score'], ['calls-none', 'agent', '/calls?from=2020-01-01&to=2020-01-31'],
  ['call', 'admin', `/calls/${call}`], ['live', 'agent', '/live'], ['analytics', 'agent', '/analytics?range=90d'], ['operations', 'admin', '/operations'],
  ['connections', 'admin', '/connections'], ['mappings', 'admin', '/mappings'], ['deliveries', 'admin', '/deliveries'], ['prospects', 'agent', '/prospects'],
  ['prospect', 'agent', `/prospects/${prospect}`], ['board', 'agent', '/prospects?view=board'], ['follow-ups', 'agent', '/prospects?view=follow-ups'], ['sequences', 'admin', '/prospects?view=sequences'], ['account', 'agent', '/account']];
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

const browser = await launch();
for (const [device, size] of Object.entries(SIZES)) {
  for (const theme of ['light', 'dark']) {
    for (const [name, profile, url] of PAGES) {
      const page = await open(browser, profile, url, { ...size, theme });
      await page.locator('h1').first().waitFor();
      await page.waitForFunction(() => !document.querySelector('.skeleton, .skeleton-space, .skeleton-line'));
      if (profile) await page.locator('.connection.live').waitFor();
      if (name === 'live') await page.waitForFunction(() => document.querySelectorAll('.live-lines li:not(.none)').length > 4, null, { timeout: 60000 }).catch(() => {});
      await page.screenshot({ path: path.join(folder, `${name}-${device}-${theme}.png`), fullPage: name === 'analytics' || (device === 'phone' && name === 'call') });
      await page.finish();
    }
  }
}
await browser.close();
console.log(`${PAGES.length * 4} pages in ${folder}`);
