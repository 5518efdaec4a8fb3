import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { changePassword, notice, session, signIn, signOut } from '../session.js';
import { PageHead } from '../parts/shell.js';

/** Where whoever is not signed in begins. */
export function SignIn() {
  const [login, setLogin] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  useEffect(() => { document.title = 'Sign in · vapi_sales'; }, []);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn(login, password);
    } catch (failure) {
      setError(failure);
      setPassword('');
      setBusy(false);
    }
  };
  return html`<main class="gate"><form class="card" onSubmit=${submit}>
    <p class="brand"><img src="/assets/icon.svg" width="34" height="34" alt="" /><span>vapi_sales</span></p>
    <h1>Sign in</h1>
    ${notice.value && !error && html`<p class="banner" role="status">${notice.value}</p>`}
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <label class="field">Login<input name="login" autocomplete="username" required autofocus value=${login} onInput=${(event) => setLogin(event.currentTarget.value)} />
      </label>
    <label class="field">Password<input name="password" type="password" autocomplete="current-password" required value=${password} onInput=${(event) => setPassword(event.currentTarget.value)} /></label>
    <button type="submit" class="primary wide" disabled=${busy}>${busy ? 'Signing in…' : 'Sign in'}</button>
  </form></main>`;
}

/** The form for a new password. */
function PasswordForm({ onDone }) {
  const [old, setOld] = useState('');
  const [fresh, setFresh] = useState('');
  const [again, setAgain] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    setError(null);
    if (fresh !== again) {
      setError({ message: 'The new password and its repetition differ.' });
      return;
    }
    setBusy(true);
    try {
      await changePassword(old, fresh);
      onDone?.();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return html`<form onSubmit=${submit}>
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <input type="text" name="username" autocomplete="username" value=${session.value.login} readonly hidden />
    <label class="field">Present password<input type="password" autocomplete="current-password" required value=${old} onInput=${(event) => setOld(event.currentTarget.value)} /></label>
    <label class="field">New password<input type="password" autocomplete="new-password" minlength="12" required aria-describedby="password-rule" value=${fresh} onInput=${(event) => setFresh(event.currentTarget.value)} /></label>
    <p id="password-rule" class="footnote">At least 12 characters. A few words are good and easy to keep in mind.</p>
    <label class="field">New password again<input type="password" autocomplete="new-password" required value=${again} onInput=${(event) => setAgain(event.currentTarget.value)} /></label>
    <button type="submit" class="primary wide" disabled=${busy}>${busy ? 'Please wait…' : 'Change password'}</button>
  </form>`;
}

/** Whoever still has the password that was given to them chooses their own first. */
export function FirstPassword() {
  useEffect(() => { document.title = 'Choose a password · vapi_sales'; }, []);
  return html`<main class="gate"><div class="card">
    <p class="brand"><img src="/assets/icon.svg" width="34" height="34" alt="" /><span>vapi_sales</span></p>
    <h1>Choose a password</h1>
    <p>The one that you signed in with was made for you and is good for one use.</p>
    <${PasswordForm} />
    <button type="button" class="plain wide" onClick=${() => signOut().catch(() => {})}>Sign out</button>
  </div></main>`;
}

/** The page of one's own account. */
export function AccountPage() {
  const [done, setDone] = useState(false);
  return html`<${PageHead} title="Change password" />
  <div class="card narrow">
    ${done ? html`<p class="banner good" role="status">The password is changed. Other sessions of this account have ended.</p>` : html`<${PasswordForm} onDone=${() => setDone(true)} />`}
  </div>`;
}
