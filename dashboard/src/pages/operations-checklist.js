import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';

const TONES = { ok: 'good', warn: 'warn', fail: 'bad' };
const WORDS = { ok: 'OK', warn: 'Warning', fail: 'Failing' };

/** What vapi_check_setup finds at Vapi: it is asked when somebody wants to know. */
function SetupCheck() {
  const [found, setFound] = useState(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const check = async () => {
    setBusy(true);
    setError(null);
    try {
      setFound(await rpc('vapi_check_setup'));
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const bad = found?.filter(({ severity }) => severity !== 'ok') ?? [];
  return html`<div class="setup-check"><button type="button" disabled=${busy} onClick=${check}>${busy ? 'Vapi is asked…' : 'Check assistants and numbers at Vapi'}</button>
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    ${found && html`<p role="status">${bad.length ? `${bad.length} of ${found.length} findings need somebody.` : `${found.length} checked, nothing is wrong.`}</p>`}
    ${bad.length > 0 && html`<div class="table-wrap" role="region" aria-label="Findings" tabindex="0"><table><caption class="visually-hidden">What is wrong at Vapi</caption>
      <thead><tr><th scope="col">What</th><th scope="col">State</th><th scope="col">Finding</th></tr></thead>
      <tbody>${bad.map((row, i) => html`<tr key=${i}><th scope="row">${row.subject}</th><td><span class="badge ${TONES[row.severity]}"><span class="badge-dot" aria-hidden="true" />
        ${WORDS[row.severity]}</span></td><td>${row.finding}${row.fix ? html`<br /><b>${row.fix}</b>` : ''}</td></tr>`)}</tbody></table></div>`}</div>`;
}

/** What is to be done before calls flow: read from the checks, the imports and the events. */
export function Checklist({ health }) {
  const facts = useResource('first run', async (signal) => {
    const [imports, posted] = await Promise.all([rows('sync_runs', { status: 'eq.complete', seen: 'gt.0', select: 'run_id,seen', limit: 1 }, { signal }),
      rows('events', { channel: 'eq.webhook', select: 'event_id', limit: 1 }, { signal })]);
    return { imported: imports.length > 0, posted: posted.length > 0 };
  });
  if (!health.data || !facts.data) return null;
  const well = (...names) => names.every((name) => (health.data.find((check) => check.check_name === name)?.status ?? 'ok') === 'ok');
  const advice = (name) => health.data.find((check) => check.check_name === name)?.what_to_do;
  const steps = [
    ['Vapi’s key', well('api_key', 'key_accepted'), advice('api_key') ?? advice('key_accepted') ?? 'Put it into the secret file vapi_api_key.'],
    ['The webhooks’ secret', well('webhook_secret'), advice('webhook_secret') ?? 'Put it into the secret file webhook_secret.'],
    ['Calls of the past', facts.data.imported, 'Import a range below.'],
    ['A test call', facts.data.posted, 'Have Vapi post here (SELECT * FROM vapi.vapi_configure_webhook(dry_run => false)), then call one of your numbers: the call appears under Live.'],
  ];
  const open = steps.filter(([, done]) => !done).length;
  return html`<section class="card" aria-labelledby="first-title"><details open=${open > 0}><summary><h2 id="first-title">
    ${open ? `Setting up: ${open} of ${steps.length} steps to go` : 'Set up: all steps are done'}</h2></summary>
    <ol class="steps">${steps.map(([name, done, what]) => html`<li key=${name} class=${done ? 'done' : ''}><b>${name}
      </b> ${done ? html`<span class="good-text">done</span>` : html`<span class="muted">${what}</span>`}</li>`)}</ol>
    <${SetupCheck} /></details></section>`;
}
