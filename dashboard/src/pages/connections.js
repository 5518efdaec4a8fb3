import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { count, words } from '../format.js';
import { go, place } from '../router.js';
import { Answer } from '../parts/states.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { PageHead } from '../parts/shell.js';
import { OutwardTabs } from '../parts/tabs.js';
import { Time } from '../parts/badges.js';

const EVENTS = ['call.ended', 'lead.qualified', 'follow_up.due', 'score.changed', 'health.changed'];
const TONES = { ok: 'good', 'rate limited': 'warn', off: '' };
const STATE_KEY = 'freshbooks-state';
const redirectUri = () => `${location.origin}/connections`;

/** The key of a webhook, which is shown once. */
const KeyDialog = ({ name, secret, onClose }) => html`<${Dialog} title=${`The key of ${name}`} onClose=${onClose}>
  <p>It signs what is posted, and is shown this once. Put it where the receiver verifies signatures.</p>
  <p><code>${secret}</code></p><div class="buttons"><button type="button" class="primary" onClick=${onClose}>I have it</button></div></${Dialog}>`;

function AddWebhook({ done }) {
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    setError(null);
    try {
      const secret = await rpc('vapi_add_webhook', { name: given.get('name'), url: given.get('url'), events: given.getAll('events') });
      form.reset();
      done(given.get('name'), secret);
    } catch (failure) {
      setError(failure);
    }
  };
  return html`<form onSubmit=${submit} class="stack"><h3>Add a webhook</h3>
    <label class="field">Name<input name="name" required pattern="[a-z][a-z0-9_\\-]*" maxlength="63" placeholder="crm" /></label>
    <label class="field long">URL<input name="url" type="url" required placeholder="https://crm.example.com/hooks/vapi" /></label>
    <fieldset class="choices"><legend>Events</legend>${EVENTS.map((name) => html`<label class="check" key=${name}><input type="checkbox" name="events" value=${name} defaultChecked=${name === 'lead.qualified'} /> ${name}</label> `)}</fieldset>
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <div class="buttons"><button type="submit" class="primary">Add</button></div></form>`;
}

/** FreshBooks sends the person back with a code; whoever did not set out from here is not connected. */
function Connect({ known, reload }) {
  const [error, setError] = useState(null);
  const [said, setSaid] = useState(null);
  const { code, state } = place.value.query;
  const attempt = (what) => async () => {
    setError(null);
    try {
      setSaid(await what());
      reload();
    } catch (failure) {
      setError(failure);
    }
  };
  const authorise = attempt(async () => {
    const url = new URL(await rpc('vapi_freshbooks_authorize_url', { redirect_uri: redirectUri() }));
    const nonce = crypto.randomUUID();
    sessionStorage.setItem(STATE_KEY, nonce);
    url.searchParams.set('state', nonce);
    location.assign(url);
    return null;
  });
  const finish = attempt(async () => {
    if (!state || state !== sessionStorage.getItem(STATE_KEY)) throw new Error('This authorisation was not begun here. Begin it again.');
    sessionStorage.removeItem(STATE_KEY);
    const name = await rpc('vapi_connect_freshbooks', { code, redirect_uri: redirectUri() });
    go('/connections', { replace: true });
    return `Connected with ${name}.`;
  });
  const linear = attempt(async () => {
    const choices = await rpc('vapi_linear_choices');
    await rpc('vapi_connect_linear');
    return `Connected with Linear as ${choices.viewer.name}. Mappings say where issues go.`;
  });
  return html`<div class="buttons">
      ${!known.has('linear') && html`<button type="button" onClick=${linear}>Connect Linear</button>`}
      ${code ? html`<button type="button" class="primary" onClick=${finish}>Finish connecting FreshBooks</button>`
    : html`<button type="button" onClick=${authorise}>${known.has('freshbooks') ? 'Authorise FreshBooks again' : 'Connect FreshBooks'}</button>`}</div>
    ${said && html`<p class="banner good" role="status">${said}</p>`}
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}`;
}

/** Where deliveries go and how each fares; new ones, keys, on and off. */
export function ConnectionsPage() {
  const [shown, setShown] = useState(null);
  const [asked, setAsked] = useState(null);
  const [error, setError] = useState(null);
  const destinations = useResource('destinations', (signal) => rows('destinations', { order: 'destination' }, { signal }), { every: 15000 });
  const known = new Set((destinations.data ?? []).map((one) => one.destination));
  const act = (name, args) => async () => {
    setError(null);
    try {
      await rpc(name, args);
    } catch (failure) {
      setError(failure);
    }
    destinations.reload();
  };
  return html`<${PageHead} title="Connections" /><${OutwardTabs} here="/connections" /><div class="sections">
    <section class="card" aria-labelledby="destinations-title"><h2 id="destinations-title">What goes where</h2>
      ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
      <${Answer} resource=${destinations} lines=${3}>${(data) => (data.length === 0 ? html`<p class="muted">Nothing goes out. What is connected below appears here.</p>` : html`
      <div class="table-wrap" role="region" aria-label="Table of connections" tabindex="0"><table class="stacked"><caption class="visually-hidden">Connections</caption>
        <thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">What</th><th scope="col" class="number">Waiting</th><th scope="col" class="number">Given up</th>
          <th scope="col">Last arrived</th><th scope="col"><span class="visually-hidden">What can be done</span></th></tr></thead>
        <tbody>${data.map((one) => html`<tr key=${one.destination}><th scope="row">${one.destination}</th>
          <td class="reason"><span class="badge ${TONES[one.state] ?? 'bad'}"><span class="badge-dot" aria-hidden="true" />${words(one.state)}</span>${one.problem && html`<span class="under">${one.problem}</span>`}</td>
          <td class="reason">${one.kind === 'webhook' ? html`${one.events.join(', ')}<br /><span class="muted">${one.url}</span>` : one.business_name ?? words(one.kind)}</td>
          <td class="number" data-name="Waiting">${count(one.waiting)}</td><td class="number" data-name="Given up"><a href=${`/deliveries?state=dead&destination=${one.destination}`}>${count(one.dead)}</a></td>
          <td data-name="Last arrived"><${Time} value=${one.last_ok_at} /></td>
          <td class="acts"><div class="buttons"><button type="button" onClick=${act('vapi_switch_destination', { name: one.destination, on: one.state === 'off' })}>${one.state === 'off' ? 'Switch on' : 'Switch off'}</button>
            ${one.kind === 'webhook' && html`<button type="button" class="plain" onClick=${() => setAsked({ rotate: one.destination })}>New key…</button>`}
            <button type="button" class="plain" onClick=${() => setAsked({ remove: one.destination })}>Remove…</button></div></td></tr>`)}</tbody></table></div>`)}</${Answer}></section>
    <section class="card" aria-labelledby="add-title"><h2 id="add-title">Connect</h2>
      <${Connect} known=${known} reload=${destinations.reload} />
      <${AddWebhook} done=${(name, secret) => { destinations.reload(); if (secret) setShown({ name, secret }); }} /></section>
    ${shown && html`<${KeyDialog} ...${shown} onClose=${() => setShown(null)} />`}
    ${asked?.remove && html`<${Confirm} title=${`Remove ${asked.remove}`} text="Its key or tokens are forgotten, and what waits for it is discarded." action="Remove" danger
      act=${async () => { await rpc('vapi_remove_destination', { name: asked.remove }); destinations.reload(); }} onClose=${() => setAsked(null)} />`}
    ${asked?.rotate && html`<${Confirm} title=${`A new key for ${asked.rotate}`} text="The former one signs as well for a day." action="New key"
      act=${async () => { const secret = await rpc('vapi_rotate_webhook', { name: asked.rotate }); setShown({ name: asked.rotate, secret }); destinations.reload(); }} onClose=${() => setAsked(null)} />`}
  </div>`;
}
