import { html } from '../html.js';
import { place, setQuery } from '../router.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { words } from '../format.js';
import { is } from '../session.js';
import { Answer, Empty } from '../parts/states.js';
import { Choice } from '../parts/choice.js';
import { Time } from '../parts/badges.js';
import { useAct, Wrong } from './prospect-actions.js';

const LIMIT = 100;
const TONES = { overdue: 'hot', due: 'warm' };

/** Follow-ups as a table, with what can be done about each. */
export function FollowUpTable({ tasks, onDone, named = false, caption }) {
  const { busy, error, submit } = useAct((id, canceled) => rpc('vapi_finish_follow_up', { follow_up: id, canceled }), onDone);
  return html`<${Wrong} error=${error} /><div class="table-wrap" role="region" aria-label=${caption} tabindex="0"><table class="compact stacked">
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr><th scope="col">When</th>${named && html`<th scope="col">Prospect</th>`}<th scope="col">What</th><th scope="col">From</th>
      ${is('agent', 'admin') && html`<th scope="col"><span class="visually-hidden">What can be done</span></th>`}</tr></thead>
    <tbody>${tasks.map((task) => html`<tr key=${task.follow_up_id}><th scope="row"><${Time} value=${task.due_at} />${TONES[task.state] ? html` <span class="tag ${TONES[task.state]}">${words(task.state)}</span>`
    : html` <span class="muted">${words(task.state)}</span>`}</th>
      ${named && html`<td class="text">${task.prospect_id ? html`<a href=${`/prospects/${task.prospect_id}`} dir="auto">${task.prospect_name || task.company || 'Not known'}</a>` : html`<span class="muted">Nobody is known</span>`}</td>`}
      <td dir="auto" class="text">${task.title ?? (task.channel === 'call' ? 'Call by the assistant' : 'Follow-up')}${task.note ? html`<span class="under" title=${task.note}>${task.note}</span>` : ''}
        ${task.last_error ? html`<span class="under">${task.last_error}</span>` : ''}</td>
      <td>${task.sequence ? html`${task.sequence} <span class="muted">step ${task.step}</span>` : task.call_id ? html`<a href=${`/calls/${encodeURIComponent(task.call_id)}`} class="nowrap">a call</a>`
    : task.created_by ?? ''}</td>
      ${is('agent', 'admin') && html`<td><div class="buttons nowrap">${task.status === 'open' && html`
        <button type="button" class="small" disabled=${busy} onClick=${submit(task.follow_up_id, false)} aria-label=${`Done: ${task.title ?? 'follow-up'}`}>Done</button>
        <button type="button" class="small plain" disabled=${busy} onClick=${submit(task.follow_up_id, true)} aria-label=${`Cancel: ${task.title ?? 'follow-up'}`}>Cancel</button>`}</div></td>`}</tr>`)}
    </tbody></table></div>`;
}

/** What is to be done, with whom, and what is overdue. */
export function FollowUps() {
  const { state = 'due' } = place.value.query;
  const filters = { due: { state: 'in.(due,overdue)', order: 'due_at' }, upcoming: { state: 'eq.upcoming', order: 'due_at' }, overdue: { state: 'eq.overdue', order: 'due_at' },
    done: { status: 'neq.open', order: 'done_at.desc.nullslast' } };
  const tasks = useResource(`follow-ups ${state}`, (signal) => rows('follow_ups', { ...(filters[state] ?? filters.due), limit: LIMIT }, { signal }), { every: 30000 });
  return html`<section class="card list" aria-labelledby="follow-ups-title"><h2 id="follow-ups-title" class="visually-hidden">Follow-ups</h2>
    <div class="filters"><${Choice} name="state" label="Show" value=${state} options=${[['due', 'Due and overdue'], ['overdue', 'Overdue'], ['upcoming', 'Upcoming'], ['done', 'Done and canceled']]}
      onChoose=${(chosen) => setQuery({ state: chosen })} /></div>
    <${Answer} resource=${tasks} lines=${8}>${(data) => (data.length === 0 ? html`<${Empty} title=${state === 'due' || state === 'overdue' ? 'Nothing is due.' : 'No follow-ups here.'}>
      <p>Follow-ups come from promises in calls, from sequences, and from the page of a prospect.</p></${Empty}>`
    : html`<${FollowUpTable} tasks=${data} onDone=${tasks.reload} named caption="Table of follow-ups" />${data.length === LIMIT ? html`<p class="footnote">The first ${LIMIT}.</p>` : null}`)}</${Answer}>
  </section>`;
}
