import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { link, place, setQuery } from '../router.js';
import { request, rpc } from '../api.js';
import { useResource } from '../load.js';
import { hasToday, instants, range, zone } from '../zone.js';
import { count } from '../format.js';
import { is } from '../session.js';
import { download } from '../download.js';
import { onCard } from '../live-feed.js';
import { useKeys } from '../keys.js';
import { Answer, Empty } from '../parts/states.js';
import { PageHead } from '../parts/shell.js';
import { RangePicker } from '../parts/range-picker.js';
import { StatCards } from '../parts/stat-cards.js';
import { Icon } from '../parts/icons.js';
import { CallTable } from './calls-table.js';
import { Filters, filterLabels, FILTERS } from './calls-filters.js';

const LIMIT = 50;
const clearFilters = () => setQuery(Object.fromEntries([...FILTERS, 'next', 'page'].map((name) => [name, null])));

/** The filters of the URL as the list, the export and the figures take them. */
function filtersOf(query) {
  const list = { date_from: range.value.first, date_to: range.value.last, time_zone: zone.value };
  for (const name of FILTERS) if (query[name]) list[name] = query[name];
  const figures = {};
  for (const [name, field] of [['status', 'status'], ['outcome', 'outcome'], ['direction', 'direction'], ['assistant', 'assistant_id']]) {
    if (query[name]) figures[field] = query[name].includes(',') ? query[name].split(',') : query[name];
  }
  return { list, figures };
}

// A card of the live feed over a row of the list: what both know.
const patched = (call, card) => ({
  ...call, status: card.status, endedReason: card.ended_reason ?? call.endedReason, duration: card.duration_seconds ?? call.duration,
  cost: card.cost ?? call.cost, outcome: card.outcome ?? call.outcome, qualificationScore: card.qualification_score ?? call.qualificationScore,
});

/** Keeps the rows that are shown up to date, and counts calls that are not among them yet. */
function useLiveRows(calls, listening, shown) {
  const [fresh, setFresh] = useState(new Set());
  const ids = useRef(new Set());
  ids.current = new Set(calls.data?.calls.map((call) => call.id));
  useEffect(() => setFresh(new Set()), [shown, calls.at]);
  useEffect(() => onCard((card) => {
    if (ids.current.has(card.id)) calls.change((data) => ({ ...data, calls: data.calls.map((call) => (call.id === card.id ? patched(call, card) : call)) }));
    else if (listening && card.live) setFresh((known) => (known.has(card.id) ? known : new Set(known).add(card.id)));
  }), [listening]);
  return fresh.size;
}

function ExportButton({ filters, total }) {
  const [state, setState] = useState({});
  const save = async () => {
    setState({ busy: true });
    try {
      download(`calls-${range.value.first}-${range.value.last}.csv`, await rpc('vapi_export_calls', { ...filters, bom: true }));
      setState({});
    } catch (error) {
      setState({ error });
    }
  };
  return html`<button type="button" onClick=${save} disabled=${state.busy || total === 0} title="All calls of this list, with these filters">
    <${Icon} name="download" size=${16} />${state.busy ? 'Exporting…' : 'CSV'}</button>
    ${state.error && html`<p class="banner bad" role="alert">${state.error.message} ${state.error.hint ?? ''}</p>`}`;
}

function Paging({ data, page }) {
  const first = (page - 1) * LIMIT + 1;
  const last = first + data.calls.length - 1;
  const total = `${data.total_is_estimate ? 'about ' : ''}${count(data.total)}`;
  return html`<nav class="paging" aria-label="Pages of the list">
    <p aria-live="polite">${data.calls.length ? html`<b>${count(first)}–${count(last)}</b> of ${total}` : `0 of ${total}`}</p>
    <div class="buttons">
      <button type="button" disabled=${page <= 1} onClick=${() => setQuery({ next: null, page: page > 2 ? page - 1 : null })}>Previous</button>
      <button type="button" disabled=${!data.next} onClick=${() => setQuery({ next: data.next, page: page + 1 })}>Next</button>
    </div>
  </nav>`;
}

/** The list of calls: figures, filters, table, export. */
export function CallsPage() {
  const { query } = place.value;
  const page = Math.max(1, Number.parseInt(query.page, 10) || 1);
  const sort = query.sort ?? '-created_at';
  const { list, figures } = useMemo(() => filtersOf(query), [place.value, range.value, zone.value]);
  const from = instants.value;
  const position = query.next ? { next: query.next } : page > 1 ? { page } : {};
  const url = link('/api/vapi/calls', { ...list, sort, limit: LIMIT, ...position });
  const calls = useResource(url, (signal) => request(url, { signal }));
  const compared = { ...from, filter: figures };
  // The list first: the figures above it may keep the server's processors busy for a second.
  const figuresKey = `compare ${JSON.stringify(compared)}`;
  const listed = useRef(null);
  if (calls.data || calls.error) listed.current = figuresKey;
  const cards = useResource(listed.current === figuresKey ? figuresKey : null, (signal) => rpc('vapi_compare', compared, { signal }), { fresh: 30000 });
  const newest = hasToday() && page === 1 && sort === '-created_at' && !FILTERS.some((name) => query[name]);
  const fresh = useLiveRows(calls, newest, url);
  const chips = filterLabels(query);
  const refresh = () => { calls.reload(); cards.reload(); };
  useKeys({ r: refresh });

  return html`<${PageHead} title="Calls">
    <${RangePicker} />
    <${ExportButton} filters=${list} total=${calls.data?.total} />
  </${PageHead}>
  <${Answer} resource=${{ ...cards, data: cards.data ?? (cards.error ? undefined : []) }}>${(data) => html`<${StatCards} data=${data.length ? data : null} />`}
    </${Answer}>
  <section class="card list" aria-labelledby="list-title">
    <h2 id="list-title" class="visually-hidden">List of calls</h2>
    <${Filters} />
    ${chips.length > 0 && html`<div class="chips" aria-label="Filters in force">
      ${chips.map(({ name, label }) => html`<button key=${name} type="button" class="chip" onClick=${() => setQuery({ [name]: null, next: null, page: null })} title="Remove this filter">${label}<${Icon} name="close" size=${13} /></button>`)}
      <button type="button" class="plain" onClick=${clearFilters}>Clear all</button></div>`}
    ${fresh > 0 && html`<button type="button" class="fresh" onClick=${refresh}>${fresh === 1 ? '1 new call' : `${fresh} new calls`}: show</button>`}
    <${Answer} resource=${calls} lines=${12}>${(data) => (data.calls.length
    ? html`<${CallTable} calls=${data.calls} sort=${sort} /><${Paging} data=${data} page=${page} />`
    : html`<${Empty} title="No calls in this list.">${chips.length
      ? html`<p>${range.value.label}, with ${chips.length === 1 ? 'one filter' : `${chips.length} filters`}.</p>
        <button type="button" onClick=${clearFilters}>Clear the filters</button>`
      : range.value.name === 'year' ? html`<p>${is('admin') ? html`<a href="/operations">Operations</a> has what is to be done before calls come.` : 'They appear as soon as the assistants make or take calls.'}</p>`
        : html`<p>Range: ${range.value.label}.</p><button type="button" onClick=${() => setQuery({ range: 'year', from: null, to: null, next: null, page: null })}>Show the last 12 months</button>`}</${Empty}>`)}</${Answer}>
  </section>`;
}
