import { html } from '../html.js';
import { rows } from '../api.js';
import { useResource } from '../load.js';
import { count, words } from '../format.js';
import { Answer } from '../parts/states.js';
import { PageHead } from '../parts/shell.js';
import { Time } from '../parts/badges.js';
import { SyncSection } from './operations-sync.js';
import { Checklist } from './operations-checklist.js';
import { DeadLetters } from './operations-letters.js';

const TONES = { ok: 'good', warn: 'warn', fail: 'bad' };
const WORDS = { ok: 'OK', warn: 'Warning', fail: 'Failing' };

function Health({ health }) {
  return html`<section class="card" aria-labelledby="health-title"><h2 id="health-title">Health</h2>
    <${Answer} resource=${health}>${(data) => {
    const bad = data.filter(({ status }) => status !== 'ok');
    const row = (check) => html`<tr key=${check.check_name}><th scope="row">${words(check.check_name)}</th><td><span class="badge ${TONES[check.status]}">
      <span class="badge-dot" aria-hidden="true" />${WORDS[check.status]}</span></td>
      <td class="reason">${check.detail}${check.what_to_do ? html`<br /><b>${check.what_to_do}</b>` : ''}</td></tr>`;
    const table = (checks, name) => html`<div class="table-wrap" role="region" aria-label=${name} tabindex="0"><table class="health stacked"><caption class="visually-hidden">
      ${name}</caption>
      <thead><tr><th scope="col">Check</th><th scope="col">State</th><th scope="col">What it says</th></tr></thead><tbody>${checks.map(row)}</tbody></table></div>`;
    return html`<p>${bad.length ? `${bad.length} of ${data.length} checks need somebody.` : `All ${data.length} checks are well.`}</p>
      ${bad.length > 0 && table(bad, 'Checks that need somebody')}
      <details class="twin"><summary>All checks</summary>${table(data, 'All checks')}</details>`;
  }}</${Answer}></section>`;
}

function Reviews() {
  const reviews = useResource('reviews', (signal) => rows('review_queue', { order: 'created_at.desc', limit: 50 }, { signal }));
  return html`<section class="card" aria-labelledby="review-title"><h2 id="review-title">To decide</h2><${Answer} resource=${reviews} lines=${2}>${(data) => (data.length
    ? html`<ul class="history decisions">${data.map((row) => html`<li key=${`${row.call_id} ${row.reason}`}><a href=${`/calls/${encodeURIComponent(row.call_id)}`}>
      <${Time} value=${row.created_at} /></a><span>${row.reason[0].toUpperCase() + row.reason.slice(1)}</span>
        ${row.candidates?.length > 0 && html`<span class="muted">${row.candidates.length} candidates</span>`}</li>`)}</ul>`
    : html`<p class="muted">Nothing waits for a decision.</p>`)}</${Answer}></section>`;
}

function Accounts() {
  const accounts = useResource('accounts', (signal) => rows('accounts', { order: 'login' }, { signal }));
  return html`<section class="card" aria-labelledby="accounts-title"><h2 id="accounts-title">Accounts</h2><${Answer} resource=${accounts} lines=${3}>${(data) => html`
    <div class="table-wrap" role="region" aria-label="Table of accounts" tabindex="0"><table class="stacked"><caption class="visually-hidden">Accounts</caption>
      <thead><tr><th scope="col">Login</th><th scope="col">Profile</th><th scope="col">State</th><th scope="col">Last signed in</th>
        <th scope="col" class="number">Sessions</th></tr></thead>
      <tbody>${data.map((row) => html`<tr key=${row.login}><th scope="row">${row.login}</th><td>
        ${row.profile ? words(row.profile) : html`<span class="muted">none</span>`}${row.assistants ? html` <span class="muted">
        ${row.assistants.length} assistants</span>` : ''}</td>
        <td>${row.disabled ? 'Disabled' : row.locked_until && Date.parse(row.locked_until) > Date.now() ? 'Locked' : row.must_change_password ? 'Must choose a password' : 'Active'}</td><td data-name="Last signed in"><${Time} value=${row.last_login_at} /></td><td class="number" data-name="Sessions">${count(row.sessions)}</td></tr>`)}</tbody></table></div>
    <p class="footnote">The database’s owner makes and ends them: <code>SELECT vapi.vapi_create_account('ada@example.com', 'vapi_agent')</code>, <code>vapi_reset_password</code>, <code>vapi_disable_account</code>.</p>`}</${Answer}></section>`;
}

/** For administrators: imports, health, what could not be applied, who may sign in. */
export function OperationsPage() {
  const health = useResource('health', (signal) => rows('health', {}, { signal }), { every: 15000 });
  return html`<${PageHead} title="Operations" /><div class="sections">
    <${Checklist} health=${health} /><${SyncSection} /><${Health} health=${health} /><${DeadLetters} /><${Reviews} /><${Accounts} /></div>`;
}
