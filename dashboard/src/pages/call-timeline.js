import { html } from '../html.js';
import { useState } from 'preact/hooks';
import { rows } from '../api.js';
import { useResource } from '../load.js';
import { timeOfDay, words } from '../format.js';
import { Answer } from '../parts/states.js';
import { Time } from '../parts/badges.js';
import { Copy } from '../parts/copy.js';

const MOST = 200;

/** What has arrived about the call, with the raw events. For admins. */
export function TimelineCard({ id }) {
  const [open, setOpen] = useState(false);
  const events = useResource(open ? `events ${id}` : null, (signal) => rows('events', { call_id: `eq.${id}`, order: 'received_at', limit: MOST }, { signal }));
  return html`<section class="card" aria-labelledby="timeline-title"><details onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary><h2 id="timeline-title">Timeline of events</h2></summary>
    ${open && html`<${Answer} resource=${events} lines=${4}>${(data) => (data.length === 0
    ? html`<p class="muted">No event told of this call: it came by an import.</p>`
    : html`<ol class="timeline">${data.map((event) => html`<li key=${event.event_id}>
        <${Time} value=${event.message_at ?? event.received_at} format=${timeOfDay} /> <b>${event.type ?? 'unknown'}</b>
        <span class="muted">${words(event.status).toLowerCase()}${event.deliveries > 1 ? `, came ${event.deliveries} times` : ''}${event.last_error ? `: ${event.last_error}` : ''}</span>
        ${event.body && html`<details><summary>Raw event ${event.event_id}</summary><pre tabindex="0">${JSON.stringify(event.body, null, 2)}</pre></details>`}</li>`)}
          </ol>
      ${data.length === MOST ? html`<p class="footnote">The first ${MOST} events.</p>` : null}`)}</${Answer}>`}
  </details></section>`;
}

/** The call as the API gives it. For admins. */
export function RawCard({ call }) {
  const [open, setOpen] = useState(false);
  const text = open ? JSON.stringify(call, null, 2) : '';
  return html`<section class="card" aria-labelledby="raw-title"><details onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary><h2 id="raw-title">Raw JSON</h2></summary>
    ${open && html`<${Copy} text=${text} label="the JSON" /><pre tabindex="0" aria-label="JSON of the call">${text}</pre>`}
  </details></section>`;
}
