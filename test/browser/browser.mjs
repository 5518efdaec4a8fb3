/** Debian's Chromium on the stack of VAPI_BROWSER_STACK: pages that count what they complain about. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** The stack that run.mjs has started. */
export const stack = JSON.parse(process.env.VAPI_BROWSER_STACK ?? 'null');
const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) => existsSync(file));

/** Starts the browser. Without user namespaces it has no sandbox; it sees pages of our own alone. */
export const launch = () => chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'] });

/**
 * A page, signed in as a profile (null: nobody) in a context of its own. page.complaints has errors of scripts and violations of the
 * Content-Security-Policy. `close` fails when there were any but those that `expected` fits.
 */
export async function open(browser, profile, path = '/', { width = 1280, height = 900, theme = 'light', zone = 'Europe/Berlin', motion = 'reduce' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, timezoneId: zone, locale: 'en-US', reducedMotion: motion, acceptDownloads: true });
  context.setDefaultTimeout(20000);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: stack.url });
  if (profile) {
    const [name, value] = stack.cookies[profile].split('=');
    await context.addCookies([{ name, value, url: stack.url }]);
  }
  await context.addInitScript(() => {
    globalThis.violations = [];
    addEventListener('securitypolicyviolation', (event) => globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  const page = await context.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(error.stack ?? String(error)));
  page.on('console', (message) => { if (/Content.Security.Policy|Trusted/i.test(message.text())) page.complaints.push(message.text()); });
  page.finish = async () => {
    const violations = await page.evaluate(() => globalThis.violations).catch(() => []);
    await context.close();
    assert.deepEqual([...page.complaints, ...violations], [], 'the page complains about nothing');
  };
  await page.goto(stack.url + path);
  return page;
}

/** The text of the cells of a column of the list, by its number. */
export const column = (page, number) => page.locator(`table.calls tbody tr td:nth-child(${number})`).allInnerTexts();

/** Waits until the list shows rows and nothing is being loaded. */
export async function listed(page) {
  await page.locator('table.calls tbody tr').first().waitFor();
  await page.locator('.paging').first().waitFor();
}
