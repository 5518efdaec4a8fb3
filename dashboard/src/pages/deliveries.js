import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { count, words } from '../format.js';
import { place, setQuery } from '../router.js';
import { Answer } from '../parts/states.js';
import { Confirm } from '../parts/dialog.js';
import { PageHead } from '../parts/shell.js';
import { OutwardTabs } from '../parts/tabs.js';
import { Choice } from '../parts/choice.js';
import { Time } from '../parts/badges.js';

const MOST = 100;
const STATES = [['', 'All'], ['waiting', 'Waiting'], ['dead', 'Given up'], ['delivered', 'Delivered'], ['discarded', 'Discarded']];
const TONES = { delivered: 'good', dead: 'bad', uncertain: 'warn', pending: 'warn', sending: 'warn' };
const WORDS = { pending: 'Waits', sending: 'On its way', uncertain: 'Uncertain', delivered: 'Delivered', dead: 'Given up', discarded: 'Discarded' };
const KINDS = { issue: 'Issue', project: 'Project', time_entry: 'Time entry', invoice: 'Invoice' };

/** A link only where it is one: what a vendor names is not trusted. */
const vendorLink = (url, text) => (/^https:\/\//.test(url ?? '') ? html`<a href=${url} rel="noreferrer" target="_blank">${text}</a>` : text);

function About({ delivery }) {
  return html`${delivery.event ?? KINDS[delivery.kind]}${delivery.call_id && html`<br /><a href=${`/calls/${encodeURIComponent(delivery.call_id)}`}>its call</a>`}
    ${delivery.vendor_id && html`<br /><span class="muted">${vendorLink(delivery.vendor_url, delivery.vendor_id)}</span>`}`;
}

function When({ delivery }) {
  if (delivery.finished_at) return html`<${Time} value=${delivery.finished_at} />`;
  if (delivery.next_attempt_at === 'infinity') return html`<span class="muted">when somebody has decided</span>`;
  return delivery.next_attempt_at ? html`<span class="muted">next </span><${Time} value=${delivery.next_attempt_at} />` : html`<span class="muted">now</span>`;
}

/** What was delivered where, what waits and why, what was given up: once more, or not at all. */
export function DeliveriesPage() {
  const { state = '', destination = '' } = place.value.query;
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  const [discard, setDiscard] = useState(null);
  const destinations = useResource('destinations', (signal) => rows('destinations', { order: 'destination' }, { signal }), { every: 15000 });
  const query = { order: 'delivery_id.desc', limit: MOST, ...(state === 'waiting' ? { state: 'in.(pending,sending,uncertain)' } : state ? { state: `eq.${state}` } : {}),
    ...(destination ? { destination: `eq.${destination}` } : {}) };
  const deliveries = useResource(`deliveries ${state} ${destination}`, (signal) => rows('deliveries', query, { signal }), { every: 10000 });
  const dead = destinations.data?.reduce((sum, one) => sum + (destination && one.destination !== destination ? 0 : one.dead), 0) ?? 0;
  const act = (name, args, say) => async () => {
    setError(null);
    setAnswer(null);
    try {
      setAnswer(say(await rpc(name, args)));
    } catch (failure) {
      setError(failure);
    }
    deliveries.reload();
    destinations.reload();
  };
  return html`<${PageHead} title="Deliveries" /><${OutwardTabs} here="/deliveries" /><div class="sections">
    <section class="card" aria-labelledby="deliveries-title"><div class="card-head"><h2 id="deliveries-title">To Linear, FreshBooks and webhooks</h2>
      <div class="buttons"><${Choice} name="state" label="State" value=${state} options=${STATES} onChoose=${(value) => setQuery({ state: value })} />
      <${Choice} name="destination" label="To" value=${destination} options=${[['', 'All'], ...(destinations.data ?? []).map((one) => [one.destination, one.destination])]} onChoose=${(value) => setQuery({ destination: value })} />
      ${dead > 0 && html`<button type="button" onClick=${act('vapi_replay_deliveries', { destination: destination || null }, (number) => `${count(number)} tried again.`)}>
        Replay all given up</button>`}</div></div>
    ${answer && html`<p class="banner good" role="status">${answer}</p>`}
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <${Answer} resource=${deliveries} lines=${5}>${(data) => (data.length === 0 ? html`<p class="muted">${state || destination ? 'No delivery is like that.' : html`Nothing was delivered yet. <a href="/connections">Connections</a> say what goes where.`}</p>` : html`
      <div class="table-wrap" role="region" aria-label="Table of deliveries" tabindex="0"><table class="stacked"><caption class="visually-hidden">Deliveries</caption>
      <thead><tr><th scope="col">Delivery</th><th scope="col">To</th><th scope="col">What</th><th scope="col">State</th><th scope="col">When</th><th scope="col">
        <span class="visually-hidden">What can be done</span></th></tr></thead>
      <tbody>${data.map((one) => html`<tr key=${one.delivery_id}><th scope="row" data-name="Delivery">${one.delivery_id}</th><td data-name="to">${one.destination}</td><td><${About} delivery=${one} /></td>
        <td class="reason"><span class="badge ${TONES[one.state] ?? ''}"><span class="badge-dot" aria-hidden="true" />${WORDS[one.state] ?? words(one.state)}</span>
          ${one.last_error && html`<span class="under">${one.last_error}</span>`} ${one.attempts > 1 && html`<span class="muted">after ${one.attempts} attempts</span>`}</td>
        <td><${When} delivery=${one} /></td>
        <td><div class="buttons nowrap">${['dead', 'delivered', 'pending', 'uncertain'].includes(one.state) && html`<button type="button"
            onClick=${act('vapi_replay_delivery', { id: one.delivery_id }, () => `Delivery ${one.delivery_id} is tried again.`)}>Replay</button>`}
          ${['dead', 'pending', 'uncertain'].includes(one.state) && html`<button type="button" class="plain" onClick=${() => setDiscard(one.delivery_id)}>Discard…</button>`}</div></td></tr>`)}
      </tbody></table></div>${data.length === MOST ? html`<p class="footnote">The latest ${MOST}.</p>` : null}`)}</${Answer}>
    ${discard !== null && html`<${Confirm} title=${`Discard delivery ${discard}`} text="It stays on record, but is not sent. Later ones of its lead go on." field=${{ label: 'Why', most: 500 }} action="Discard" danger
      act=${async (why) => { await rpc('vapi_discard_delivery', { id: discard, why }); deliveries.reload(); }} onClose=${() => setDiscard(null)} />`}
  </section></div>`;
}
