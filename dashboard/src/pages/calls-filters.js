import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { place, setQuery } from '../router.js';
import { rows } from '../api.js';
import { useResource } from '../load.js';
import { words } from '../format.js';
import { OUTCOMES } from '../outcomes.js';
import { useKeys } from '../keys.js';
import { is } from '../session.js';
import { Icon } from '../parts/icons.js';
import { Choice } from '../parts/choice.js';
import { STATUSES } from '../parts/badges.js';

/** Parameters of the list that are filters. */
export const FILTERS = ['search', 'status', 'outcome', 'direction', 'assistant', 'phone_number', 'campaign', 'score_min', 'score_max', 'cost_min', 'cost_max', 'duration_min', 'duration_max'];
const BOUNDS = { score: ['Score', ''], duration: ['Duration', ' s'], cost: ['Cost', ' $'] };

/** The filters of the URL in words, to be shown and removed. */
export function filterLabels(query) {
  return FILTERS.filter((name) => query[name]).map((name) => {
    const value = query[name];
    const [, kind, side] = /^(score|duration|cost)_(min|max)$/.exec(name) ?? [];
    if (kind) return { name, label: `${BOUNDS[kind][0]} ${side === 'min' ? '≥' : '≤'} ${value}${BOUNDS[kind][1]}` };
    if (name === 'assistant') return { name, label: `Assistant: ${assistantNames.get(value) ?? value.slice(0, 8)}` };
    if (name === 'search') return { name, label: `“${value}”` };
    return { name, label: `${words(name)}: ${value.split(',').map(words).join(', ')}` };
  });
}

const assistantNames = new Map();
const set = (name) => (event) => setQuery({ [name]: event.currentTarget.value || null, next: null, page: null });

function Filter({ name, label, options }) {
  return html`<${Choice} name=${name} label=${label} value=${place.value.query[name]} options=${[['', 'Any'], ...options]} onChoose=${(value) => setQuery({ [name]: value, next: null, page: null })} />`;
}

function Bounds({ kind, label, step }) {
  const { query } = place.value;
  return html`<fieldset class="filter bounds"><legend>${label}</legend>
    <input type="number" min="0" step=${step} placeholder="from" aria-label=${`${label} from`} value=${query[`${kind}_min`] ?? ''} onChange=${set(`${kind}_min`)} />
    <span aria-hidden="true">–</span>
    <input type="number" min="0" step=${step} placeholder="to" aria-label=${`${label} to`} value=${query[`${kind}_max`] ?? ''} onChange=${set(`${kind}_max`)} />
  </fieldset>`;
}

/** Search and filters. What is typed is searched for when typing pauses. */
export function Filters() {
  const { query } = place.value;
  const [text, setText] = useState(query.search ?? '');
  const field = useRef();
  const timer = useRef();
  useEffect(() => { if ((query.search ?? '') !== text.trim()) setText(query.search ?? ''); }, [query.search]);
  useKeys({ '/': () => field.current.focus() });
  const search = (value, options) => {
    clearTimeout(timer.current);
    if ((place.peek().query.search ?? '') !== value.trim()) setQuery({ search: value.trim() || null, next: null, page: null }, options);
  };
  const type = (event) => {
    const { value } = event.currentTarget;
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => search(value, { replace: true }), 300);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  const assistants = useResource('assistants', (signal) => rows('assistants', { select: 'id,name', order: 'name' }, { signal }));
  for (const { id, name } of assistants.data ?? []) assistantNames.set(id, name);
  const more = Object.keys(BOUNDS).some((kind) => query[`${kind}_min`] || query[`${kind}_max`]);
  return html`<div class="filters">
    <form class="search" role="search" onSubmit=${(event) => { event.preventDefault(); search(text); }}>
      <${Icon} name="search" size=${17} />
      <label class="visually-hidden" for="search">${is('viewer') ? 'Search by company or lead' : 'Search by company, lead, phone number or words'}</label>
      <input id="search" ref=${field} type="search" placeholder=${is('viewer') ? 'Company or lead' : 'Company, lead, phone or words'} maxlength="1000" value=${text} onInput=${type}
        onKeyDown=${(event) => { if (event.key === 'Escape') { setText(''); search(''); event.currentTarget.blur(); } }} />
      <kbd aria-hidden="true">/</kbd>
    </form>
    <${Filter} name="status" label="Status" options=${STATUSES.map((value) => [value, words(value)])} />
    <${Filter} name="outcome" label="Outcome" options=${OUTCOMES.map((value) => [value, words(value)])} />
    <${Filter} name="direction" label="Direction" options=${[['inbound', 'Inbound'], ['outbound', 'Outbound']]} />
    <${Filter} name="assistant" label="Assistant" options=${(assistants.data ?? []).map(({ id, name }) => [id, name ?? id])} />
    <details class="more-filters" open=${more}><summary>More</summary><div class="more-fields">
      <${Bounds} kind="score" label="Score" step="1" />
      <${Bounds} kind="duration" label="Seconds" step="1" />
      <${Bounds} kind="cost" label="Cost ($)" step="0.01" />
    </div></details>
  </div>`;
}
