import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { count } from '../format.js';
import { Answer } from '../parts/states.js';
import { Confirm } from '../parts/dialog.js';
import { Time } from '../parts/badges.js';

const MOST = 50;

/** Events that could not be applied: why, what they are, once more or not. */
export function DeadLetters() {
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  const [discard, setDiscard] = useState(null);
  const letters = useResource('dead letters', (signal) => rows('dead_letters', { order: 'received_at.desc', limit: MOST }, { signal }), { every: 20000 });
  const act = (name, args, say) => async () => {
    setError(null);
    setAnswer(null);
    try {
      setAnswer(say(await rpc(name, args)));
    } catch (failure) {
      setError(failure);
    }
    letters.reload();
  };
  const replayAll = act('vapi_replay_dead_letters', {}, (result) => {
    const { replayed, applied, dead } = Array.isArray(result) ? result[0] : result;
    return `${count(replayed)} replayed: ${count(applied)} applied, ${count(dead)} still not.`;
  });
  return html`<section class="card" aria-labelledby="letters-title"><div class="card-head"><h2 id="letters-title">Dead letters</h2>
      ${letters.data?.length > 0 && html`<button type="button" onClick=${replayAll}>Replay all</button>`}</div>
    ${answer && html`<p class="banner good" role="status">${answer}</p>`}
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <${Answer} resource=${letters} lines=${3}>${(data) => (data.length === 0 ? html`<p class="muted">Every event was applied.</p>` : html`
      <div class="table-wrap" role="region" aria-label="Table of dead letters" tabindex="0"><table class="stacked">
        <caption class="visually-hidden">Events that could not be applied</caption>
      <thead><tr><th scope="col">Event</th><th scope="col">Received</th><th scope="col">Type</th><th scope="col">Reason</th><th scope="col">
        <span class="visually-hidden">What can be done</span></th></tr></thead>
      <tbody>${data.map((letter) => html`<tr key=${letter.event_id}><th scope="row" data-name="Event">${letter.event_id}</th><td><${Time} value=${letter.received_at} /></td>
        <td>${letter.type ?? 'unknown'}${letter.call_id && html`<br /><a href=${`/calls/${encodeURIComponent(letter.call_id)}`}>its call</a>`}</td>
        <td class="reason">${letter.reason ?? '–'} <span class="muted">after ${letter.attempts} attempts</span>${(letter.body || letter.unreadable) && html`<details>
          <summary>What came</summary><pre tabindex="0">${letter.body ? JSON.stringify(letter.body, null, 2) : letter.unreadable}</pre></details>`}</td>
        <td><div class="buttons nowrap"><button type="button" onClick=${act('vapi_replay', { event: letter.event_id }, (state) => `Event ${letter.event_id}: ${state}.`)}>Replay</button>
          <button type="button" class="plain" onClick=${() => setDiscard(letter.event_id)}>Discard…</button></div></td></tr>`)}</tbody></table></div>
      ${data.length === MOST ? html`<p class="footnote">The latest ${MOST}.</p>` : null}`)}</${Answer}>
    ${discard !== null && html`<${Confirm} title=${`Discard event ${discard}`} text="It is kept, but never applied." field=${{ label: 'Why', most: 500 }} action="Discard" danger
      act=${async (why) => { await rpc('vapi_discard', { event: discard, why }); letters.reload(); }} onClose=${() => setDiscard(null)} />`}
  </section>`;
}
