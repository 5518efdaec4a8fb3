import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { count, day, words } from '../format.js';
import { zone } from '../zone.js';
import { Answer, useNow } from '../parts/states.js';
import { Time } from '../parts/badges.js';

const TONES = { complete: 'good', running: 'live', incomplete: 'warn', canceled: 'quiet', failed: 'bad', interrupted: 'bad' };
const daysAgo = (days) => new Date(Date.now() - days * 86400000).toISOString().slice(0, 10);
const nextDay = (date) => new Date(Date.parse(date) + 86400000).toISOString().slice(0, 10);

/** How far a run is: it goes from the end of its range to the beginning. Null while that is not known. */
function progress(run) {
  if (run.status === 'complete') return 1;
  if (!run.from || !run.to || !run.oldest) return null;
  const [from, to, oldest] = [run.from, run.to, run.oldest].map((value) => Date.parse(value));
  return Math.min(1, Math.max(0, (to - oldest) / (to - from)));
}

function Progress({ run }) {
  const now = useNow();
  const share = progress(run);
  const seconds = Math.max(1, (now - Date.parse(run.started_at)) / 1000);
  return html`<div class="progress"><progress max="1" value=${share ?? undefined} aria-label=${`Import ${run.run_id}`} />
    <span>${share === null ? 'begins' : `${Math.floor(share * 100)} %`} · ${count(run.seen)} calls, ${count(Math.round(run.seen / seconds))} a second${run.message ? ` · ${run.message}` : ''}</span></div>`;
}

/** Imports: of a range, of what has changed; with progress, cancel and resume. */
export function SyncSection() {
  const [from, setFrom] = useState(daysAgo(13));
  const [to, setTo] = useState(daysAgo(0));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [watched, setWatched] = useState(false);
  const runs = useResource('runs', async (signal) => {
    const data = await rows('sync_runs', { order: 'run_id.desc', limit: 10 }, { signal });
    setWatched(data.some(({ status }) => status === 'running'));
    return data;
  }, { every: watched ? 700 : 10000 });
  const act = (name, args) => async (event) => {
    event?.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await rpc(name, args);
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
    runs.reload();
  };
  const start = act('vapi_sync', { from: `${from} 00:00 ${zone.value}`, to: `${nextDay(to)} 00:00 ${zone.value}`, wait: false });
  return html`<section class="card" aria-labelledby="sync-title"><h2 id="sync-title">Import from Vapi</h2>
    <form class="sync-form" onSubmit=${start}>
      <label class="field">First day<input type="date" required value=${from} max=${to} onInput=${(event) => setFrom(event.currentTarget.value)} /></label>
      <label class="field">Last day<input type="date" required value=${to} min=${from} onInput=${(event) => setTo(event.currentTarget.value)} /></label>
      <button type="submit" class="primary" disabled=${busy}>Import</button>
      <button type="button" disabled=${busy} onClick=${act('vapi_sync_changes', { wait: false })}>What has changed</button>
    </form>
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <${Answer} resource=${runs} lines=${4}>${(data) => (data.length === 0 ? html`<p class="muted">Nothing was imported yet.</p>` : html`
      ${data.filter(({ status }) => status === 'running').map((run) => html`<div key=${run.run_id} class="running-run"><${Progress} run=${run} />
        <button type="button" onClick=${act('vapi_cancel_sync', { run: run.run_id })}>Cancel</button></div>`)}
      <div class="table-wrap" role="region" aria-label="Imports" tabindex="0"><table class="stacked"><caption class="visually-hidden">The latest imports</caption>
      <thead><tr><th scope="col">Run</th><th scope="col">Range</th><th scope="col">State</th><th scope="col" class="number">Calls</th>
        <th scope="col" class="number">New</th><th scope="col" class="number">Changed</th><th scope="col">Begun</th><th scope="col">
        <span class="visually-hidden">What can be done</span></th></tr></thead>
      <tbody>${data.map((run) => html`<tr key=${run.run_id}><th scope="row" data-name="Run">${run.run_id}</th><td class="nowrap">
        ${run.kind === 'changes' ? html`Changes since <${Time} value=${run.from} />` : html`${day(run.from, zone.value)} – ${day(run.to ? Date.parse(run.to) - 1 : null, zone.value)}`}</td>
        <td><span class="badge ${TONES[run.status] ?? 'quiet'}"><span class="badge-dot" aria-hidden="true" />${words(run.status)}</span>
          ${(run.status !== 'running' && run.message) || run.warning ? html`<br /><span class="muted">${run.message} ${run.warning}</span>` : ''}</td>
        <td class="number" data-name="Calls">${count(run.seen)}</td><td class="number" data-name="New">${count(run.new)}</td><td class="number" data-name="Changed">${count(run.changed)}</td><td data-name="Begun">
          <${Time} value=${run.started_at} /></td>
        <td>${!['running', 'complete'].includes(run.status) && html`<button type="button" class="plain" onClick=${act('vapi_resume_sync', { run: run.run_id, wait: false })}>Resume</button>`}</td></tr>`)}</tbody></table></div>`)}</${Answer}>
  </section>`;
}
