import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { back, link, place, setQuery } from '../router.js';
import { rows } from '../api.js';
import { useResource } from '../load.js';
import { day, words } from '../format.js';
import { zone } from '../zone.js';
import { useKeys } from '../keys.js';
import { Answer, Empty } from '../parts/states.js';
import { PageHead } from '../parts/shell.js';
import { Tabs } from '../parts/tabs.js';
import { Choice } from '../parts/choice.js';
import { Icon } from '../parts/icons.js';
import { Card, named } from './prospect-card.js';
import { useStatuses } from './prospect-actions.js';
import { Board } from './prospect-board.js';
import { FollowUps } from './prospect-follow-ups.js';
import { Sequences } from './prospect-sequences.js';

const LIMIT = 50;
const VIEWS = [[undefined, 'List'], ['board', 'Board'], ['follow-ups', 'Follow-ups'], ['sequences', 'Sequences']];
// A pattern for PostgREST; what means something there stands for any character.
const pattern = (text) => `"*${text.trim().replace(/[\\"*%]/g, '_')}*"`;

function List() {
  const { query } = place.value;
  const [text, setText] = useState(query.search ?? '');
  const timer = useRef();
  const field = useRef();
  const statuses = useStatuses();
  useKeys({ '/': () => field.current.focus() });
  useEffect(() => () => clearTimeout(timer.current), []);
  const filter = { order: 'prospect_id.desc', limit: LIMIT + 1 };
  if (query.status) filter[query.status === 'on-call' ? 'status' : 'stored_status'] = `eq.${query.status}`;
  if (query.search) filter.or = `(name.ilike.${pattern(query.search)},company.ilike.${pattern(query.search)},email.ilike.${pattern(query.search)},external_id.ilike.${pattern(query.search)})`;
  if (query.after) filter.prospect_id = `lt.${Number.parseInt(query.after, 10) || 0}`;
  const prospects = useResource(`prospects ${JSON.stringify(filter)}`, (signal) => rows('prospects', filter, { signal }));
  const type = (event) => {
    const { value } = event.currentTarget;
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ search: value.trim() || null, after: null }, { replace: true }), 300);
  };
  return html`<section class="card list" aria-labelledby="prospects-title"><h2 id="prospects-title" class="visually-hidden">List of prospects</h2>
    <div class="filters"><form class="search" role="search" onSubmit=${(event) => event.preventDefault()}><${Icon} name="search" size=${17} />
      <label class="visually-hidden" for="search">Search by name, company or email</label>
      <input id="search" ref=${field} type="search" placeholder="Name, company, email" value=${text} onInput=${type} /><kbd aria-hidden="true">/</kbd></form>
      <${Choice} name="status" label="Status" value=${query.status} options=${[['', 'Any'], ...[...(statuses.data ?? []).map(({ status }) => status), 'on-call'].map((status) => [status, words(status)])]} onChoose=${(status) => setQuery({ status, after: null })} /></div>
    <${Answer} resource=${prospects} lines=${10}>${(data) => (data.length === 0
    ? html`<${Empty} title="No prospects in this list.">${query.search || query.status || query.after ? html`<a href="/prospects">All prospects</a>` : html`<p>They come with calls: each number is one.</p>`}</${Empty}>`
    : html`<div class="table-wrap" role="region" aria-label="Prospects" tabindex="0"><table class="calls">
      <caption class="visually-hidden">Prospects, newest first</caption>
      <thead><tr><th scope="col">Name</th><th scope="col">Status</th><th scope="col" class="wide">Phone</th><th scope="col" class="wide">Email</th>
        <th scope="col" class="mid">Since</th></tr></thead>
      <tbody>${data.slice(0, LIMIT).map((row) => html`<tr key=${row.prospect_id}><td class="who"><div class="who-cell"><div class="clip">
        <a class="row-link" href=${`/prospects/${row.prospect_id}`} title=${named(row)}>${named(row)}</a><span class="under">
        ${row.company && row.company !== named(row) ? row.company : row.external_id ?? ''}</span></div></div></td>
        <td><span class="badge ${row.status === 'on-call' ? 'live' : 'quiet'}"><span class="badge-dot" aria-hidden="true" />${words(row.status)}</span>
          ${row.do_not_call ? html` <span class="tag hot">Do not call</span>` : ''}</td>
        <td class="wide">${(row.phones ?? []).join(', ') || '–'}</td><td class="wide"><span class="clip email" title=${row.email}>${row.email ?? '–'}</span></td><td class="mid">
          ${day(row.created_at, zone.value)}</td></tr>`)}</tbody></table></div>
      <nav class="paging" aria-label="Pages of the list"><p>${data.length > LIMIT ? `${LIMIT} shown` : `${data.length} shown`}</p><div class="buttons">
        <button type="button" disabled=${!query.after} onClick=${() => back('/prospects')}>Previous</button>
        <button type="button" disabled=${data.length <= LIMIT} onClick=${() => setQuery({ after: data[LIMIT - 1].prospect_id })}>Next</button></div></nav>`)}</${Answer}>
  </section>`;
}

const PARTS = { board: Board, 'follow-ups': FollowUps, sequences: Sequences };

/** Prospects as a list or a board, what is to be done with them, sequences; or the page of one. */
export function ProspectsPage({ id }) {
  const { view } = place.value.query;
  if (id) return html`<${Card} id=${id} />`;
  return html`<${PageHead} title="Prospects" />
    <${Tabs} label="Views of prospects" views=${VIEWS.map(([name, text]) => [link('/prospects', { view: name }), text, view === name])} />
    <${PARTS[view] ?? List} />`;
}
