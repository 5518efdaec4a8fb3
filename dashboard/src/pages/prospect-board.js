import { html } from '../html.js';
import { rows } from '../api.js';
import { useResource } from '../load.js';
import { words } from '../format.js';
import { link } from '../router.js';
import { Answer } from '../parts/states.js';
import { Time } from '../parts/badges.js';
import { Temperature } from '../parts/badges.js';
import { useStatuses } from './prospect-actions.js';

const LIMIT = 20;
const CATEGORIES = { open: 'Open', ongoing: 'Ongoing', on_hold: 'On hold', won: 'Won', lost: 'Lost' };

function Column({ entry }) {
  const people = useResource(`board ${entry.status}`, async (signal) => {
    const found = await rows('prospects', { stored_status: `eq.${entry.status}`, order: 'status_at.desc.nullslast,prospect_id.desc', limit: LIMIT + 1 }, { signal });
    const ids = found.slice(0, LIMIT).map(({ prospect_id: id }) => id);
    const warm = ids.length ? await rows('prospect_temperatures', { prospect_id: `in.(${ids})`, select: 'prospect_id,temperature' }, { signal }) : [];
    return { found, warm: Object.fromEntries(warm.map((one) => [one.prospect_id, one.temperature])) };
  }, { every: 60000 });
  const title = `column-${entry.status}`;
  return html`<section class="board-column" aria-labelledby=${title}><h2 id=${title}>${words(entry.status)} <span class="muted">${CATEGORIES[entry.category]}</span></h2>
    <${Answer} resource=${people} lines=${3}>${({ found, warm }) => html`<ul class="board-cards">${found.slice(0, LIMIT).map((person) => html`<li key=${person.prospect_id} class="card board-card">
      <a href=${`/prospects/${person.prospect_id}`} dir="auto">${person.name || person.company || person.phones?.[0] || 'Not known'}</a>
      ${person.company && person.name ? html`<span class="under" dir="auto">${person.company}</span>` : ''}
      <span class="board-marks"><${Temperature} value=${warm[person.prospect_id]} />${person.status === 'on-call' && html`<span class="badge live"><span class="badge-dot" aria-hidden="true" />On call</span>`}
        ${person.do_not_call && html`<span class="tag hot">Do not call</span>`}</span>
      ${person.next_follow_up_at && html`<span class="under">Next: <${Time} value=${person.next_follow_up_at} /></span>`}</li>`)}</ul>
      ${found.length === 0 && html`<p class="muted">Nobody.</p>`}
      ${found.length > LIMIT && html`<a href=${link('/prospects', { status: entry.status })} class="board-more">Show all</a>`}`}</${Answer}></section>`;
}

/** The prospects by status, a column each. */
export function Board() {
  const statuses = useStatuses();
  return html`<${Answer} resource=${statuses} lines=${8}>${(data) => html`<div class="board" role="region" aria-label="Board" tabindex="0">
    ${data.map((entry) => html`<${Column} key=${entry.status} entry=${entry} />`)}</div>`}</${Answer}>`;
}
