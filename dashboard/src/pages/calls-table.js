import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { setQuery } from '../router.js';
import { caller, clock, duration, money, words } from '../format.js';
import { liveCalls } from '../live-feed.js';
import { useKeys } from '../keys.js';
import { Icon } from '../parts/icons.js';
import { Direction, Score, Status, Temperature, Time } from '../parts/badges.js';
import { useNow } from '../parts/states.js';

// name, key to sort by, class
const COLUMNS = [['Call with', null, 'who'], ['Time', 'created_at', 'when'], ['Status', null, ''], ['Outcome', null, 'wide'], ['Score', 'score', ''],
  ['Duration', 'duration', 'number mid'], ['Cost', 'cost', 'number wide'], ['Assistant', null, 'wide']];

// The row that was opened last: the focus comes back to it.
let opened = null;

function Head({ name, by, className, sort }) {
  if (!by) return html`<th scope="col" class=${className}>${name}</th>`;
  const direction = sort === by ? 'ascending' : sort === `-${by}` ? 'descending' : undefined;
  return html`<th scope="col" class=${className} aria-sort=${direction ?? 'none'}>
    <button type="button" class="sort" onClick=${() => setQuery({ sort: direction === 'descending' ? by : by === 'created_at' ? null : `-${by}`, next: null, page: null })}>
      ${name}${direction ? html`<${Icon} name=${direction === 'ascending' ? 'up' : 'down'} size=${13} />` : html`<span class="sort-space" aria-hidden="true" />`}
        </button></th>`;
}

/** How long a call under way has run; for others what is known. */
function Length({ call }) {
  const card = liveCalls.value.get(call.id);
  return card?.connected_at ? html`<${Running} since=${card.connected_at} />` : duration(call.duration);
}
function Running({ since }) {
  return html`<span class="running">${clock(Math.max(0, (useNow() - Date.parse(since)) / 1000))}</span>`;
}

/** The table of calls, which j and k go through. */
export function CallTable({ calls, sort }) {
  const body = useRef();
  const move = (step) => () => {
    const links = [...body.current.querySelectorAll('a.row-link')];
    const at = links.indexOf(document.activeElement);
    links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
  };
  useEffect(() => {
    const link = opened && [...body.current.querySelectorAll('a.row-link')].find((a) => a.dataset.id === opened);
    opened = null;
    link?.focus();
  }, []);
  useKeys({ j: move(1), k: move(-1) });
  return html`<div class="table-wrap" role="region" aria-label="Calls" tabindex="0"><table class="calls">
    <caption class="visually-hidden">Calls, ${sort === '-created_at' ? 'newest first' : `sorted by ${words(sort.replace('-', '')).toLowerCase()}`}</caption>
    <thead><tr>${COLUMNS.map(([name, by, className]) => html`<${Head} key=${name} name=${name} by=${by} className=${className} sort=${sort} />`)}</tr></thead>
    <tbody ref=${body}>${calls.map((call) => {
    const { title, detail } = caller(call);
    return html`<tr key=${call.id}>
      <td class="who"><div class="who-cell"><${Direction} direction=${call.direction} type=${call.type} /><div class="clip">
        <a class="row-link" data-id=${call.id} href=${`/calls/${encodeURIComponent(call.id)}`} title=${title} onClick=${() => { opened = call.id; }}>${title}</a>
        <span class="under" title=${detail}><span class="phone-only"><${Time} value=${call.createdAt} />${detail ? ' · ' : ''}</span>${detail}</span></div></div></td>
      <td class="when"><${Time} value=${call.createdAt} /></td>
      <td><${Status} value=${call.status} /></td>
      <td class="wide"><span class="clip outcome" title=${words(call.outcome)}>${call.outcome ? words(call.outcome) : html`<span class="muted">–</span>`}</span></td>
      <td><span class="score-cell"><${Score} value=${call.qualificationScore} coverage=${call.scoreCoverage} reported=${call.reportedScore} />
        <${Temperature} value=${call.temperature} /></span></td>
      <td class="number mid"><${Length} call=${call} /></td>
      <td class="number wide">${money(call.cost)}</td>
      <td class="wide"><span class="clip assistant-name" title=${call.assistantName}>${call.assistantName ?? html`<span class="muted">–</span>`}</span></td>
    </tr>`;
  })}</tbody></table></div>`;
}
