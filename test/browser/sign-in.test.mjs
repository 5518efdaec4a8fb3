/** Signing in, the first password, signing out, a session that ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, listed, open, stack } from './browser.mjs';
import { PASSWORD, ask, sql } from './stack.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('the first password opens nothing but the form for another one', async () => {
  const page = await open(browser, null, '/calls?status=completed');
  await page.getByLabel('Login').fill('admin@example.com');
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: 'The login or the password is wrong' }).waitFor();
  assert.equal(await page.getByLabel('Password').inputValue(), '', 'the wrong password is gone');
  await page.getByLabel('Password').fill(stack.first);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Choose a password' }).waitFor();
  await page.getByLabel('Present password').fill(stack.first);
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('New password again').fill(`${PASSWORD}s`);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('alert').filter({ hasText: 'differ' }).waitFor();
  await page.getByLabel('New password again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change password' }).click();
  await listed(page);
  assert.equal(new URL(page.url()).search, '?status=completed', 'the URL that was asked for is shown');
  assert.equal(await page.title(), 'Calls · vapi_sales');
  await page.finish();
});

test('a phone has the button, too', async () => {
  const page = await open(browser, null, '/calls', { width: 390, height: 844 });
  await page.getByLabel('Login').fill('agent@example.com');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await listed(page);
  await page.goto(`${stack.url}/account`);
  await page.getByRole('button', { name: 'Change password' }).waitFor();
  await page.finish();
});

test('signing out ends the session, here and at the server', async () => {
  const { cookie } = await ask(`${stack.url}/api/login`, { method: 'POST', body: { login: 'agent@example.com', password: PASSWORD } });
  const page = await open(browser, null, '/');
  const [name, value] = cookie.split('=');
  await page.context().addCookies([{ name, value, url: stack.url }]);
  await page.goto(`${stack.url}/calls`);
  await listed(page);
  await page.locator('.account summary').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You have signed out.').waitFor();
  assert.equal((await ask(`${stack.url}/api/session`, { cookie })).status, 401);
  await page.finish();
});

test('a session that ends is said, and signing in leads back', async () => {
  const { cookie } = await ask(`${stack.url}/api/login`, { method: 'POST', body: { login: 'agent@example.com', password: PASSWORD } });
  const page = await open(browser, null, '/');
  const [name, value] = cookie.split('=');
  await page.context().addCookies([{ name, value, url: stack.url }]);
  await page.goto(`${stack.url}/calls?range=year&sort=-cost`);
  await listed(page);
  const sid = JSON.parse(Buffer.from(value.split('.')[1], 'base64url')).sid;
  await sql(stack, `DELETE FROM vapi_internal.account_session WHERE session_id = '${sid}'`);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Your session has ended.').waitFor();
  await page.getByLabel('Login').fill('agent@example.com');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await listed(page);
  assert.match(page.url(), /sort=-cost.*page=2|page=2.*sort=-cost/, 'the same list as before');
  await page.finish();
});

test('the password can be changed later', async () => {
  const page = await open(browser, 'viewer', '/account');
  await page.getByLabel('Present password').fill('wrong');
  await page.getByLabel('New password', { exact: true }).fill('another good password');
  await page.getByLabel('New password again').fill('another good password');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('alert').filter({ hasText: 'old password is wrong' }).waitFor();
  await page.getByLabel('Present password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('The password is changed.').waitFor();
  await page.finish();
});
