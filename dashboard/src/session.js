import { effect, signal } from '@preact/signals';
import { refused, request } from './api.js';
import { forgetAnswers } from './load.js';

/** Who is signed in: undefined while that is asked, null for nobody. */
export const session = signal(undefined);
/** Why somebody has to sign in again. */
export const notice = signal('');
/** The server could not be asked who is signed in. */
export const sessionError = signal(null);

function leave(why) {
  session.value = null;
  notice.value = why;
  forgetAnswers();
}

/** Asks who is signed in. */
export async function whoAmI() {
  sessionError.value = null;
  try {
    session.value = await request('/api/session', { anonymous: true });
  } catch (error) {
    if (error.status === 401 || error.status === 403) session.value = null;
    else sessionError.value = error;
  }
}

/** Signs in; an ApiError says what is wrong. */
export async function signIn(login, password) {
  await request('/api/login', { method: 'POST', body: { login, password }, anonymous: true });
  notice.value = '';
  await whoAmI();
}

/** Signs out, here even when the server does not hear of it. */
export async function signOut() {
  try {
    await request('/api/logout', { method: 'POST', body: {}, anonymous: true });
    leave('You have signed out.');
  } catch (error) {
    if (error.status === 401) leave('You have signed out.');
    else throw error;
  }
}

/** Changes the password; other sessions end. */
export async function changePassword(oldPassword, newPassword) {
  await request('/api/change-password', { method: 'POST', body: { old_password: oldPassword, new_password: newPassword } });
  await whoAmI();
}

/** May the account do what only these profiles may? */
export const is = (...profiles) => profiles.includes(session.value?.profile);

effect(() => {
  if (refused.value && session.peek()) leave('Your session has ended. Sign in again; you come back to this page.');
});
