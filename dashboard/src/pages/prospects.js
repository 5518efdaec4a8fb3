import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { place, setQuery, back } from '../router.js';
import { rows } from '../api.js';
import { useResource } from '../load.js';
import { day, duration, money, words } from '../format.js';
import { zone } from '../zone.js';
import { useKeys } from '../keys.js';
import { Answer, Empty } from '../parts/states.js';
import { PageHead } from '../parts/shell.js';
import { Choice } from '../parts/choice.js';
import { Icon } from '../parts/icons.js';
import { Direction, Score, Status, Time } from '../parts/badges.js';

const LIMIT = 50;
const STATES = ['new', 'contacted', 'qualified', 'customer', 'lost', 'on-call'];
const named = ({ name, company, phones }) => name || company || phones?.[0] || 'Not known';
// A pattern for PostgREST; what means something there stands for any character.
const pattern = (text) => `"*${text.trim().replace(/[\\"*%]/g, '_')}*"`;

function List() {
  const { query } = place.value;
  const [text, setText] = useState(query.search ?? '');
  const timer = useRef();
  const field = useRef();
  useKeys({ '/': () => field.current.focus() });
  useEffect(() => () => clearTimeout(timer.current), []);
  const filter = { order: 'prospect_id.desc', limit: LIMIT + 1 };
  if (query.status) filter.status = `eq.${query.status}`;
  if (query.search) filter.or = `(name.ilike.${pattern(query.search)},company.ilike.${pattern(query.search)},email.ilike.${pattern(query.search)},external_id.ilike.${pattern(query.search)})`;
  if (query.after) filter.prospect_id = `lt.${Number.parseInt(query.after, 10) || 0}`;
  const prospects = useResource(`prospects ${JSON.stringify(filter)}`, (signal) => rows('prospects', filter, { signal }));
  const type = (event) => {
    const { value } = event.currentTarget;
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ search: value.trim() || null, after: null }, { replace: true }), 300);
  };
  return html`<${PageHead} title="Prospects" />
  <section class="card list" aria-labelledby="prospects-title"><h2 id="prospects-title" class="visually-hidden">List of prospects</h2>
    <div class="filters"><form class="search" role="search" onSubmit=${(event) => event.preventDefault()}><${Icon} name="search" size=${17} />
      <label class="visually-hidden" for="search">Search by name, company or email</label>
      <input id="search" ref=${field} type="search" placeholder="Name, company, email" value=${text} onInput=${type} /><kbd aria-hidden="true">/</kbd></form>
      <${Choice} name="status" label="Status" value=${query.status} options=${[['', 'Any'], ...STATES.map((state) => [state, words(state)])]} onChoose=${(status) => setQuery({ status, after: null })} /></div>
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
        <td class="wide">${(row.phones ?? []).join(', ') || '–'}</td><td class="wide"><span class="clip">${row.email ?? '–'}</span></td><td class="mid">
          ${day(row.created_at, zone.value)}</td></tr>`)}</tbody></table></div>
      <nav class="paging" aria-label="Pages of the list"><p>${data.length > LIMIT ? `${LIMIT} shown` : `${data.length} shown`}</p><div class="buttons">
        <button type="button" disabled=${!query.after} onClick=${() => back('/prospects')}>Previous</button>
        <button type="button" disabled=${data.length <= LIMIT} onClick=${() => setQuery({ after: data[LIMIT - 1].prospect_id })}>Next</button></div></nav>`)}</${Answer}>
  </section>`;
}

function Card({ id }) {
  const known = useResource(`prospect ${id}`, async (signal) => {
    const number = Number.parseInt(id, 10);
    if (!(number > 0)) return { prospect: null };
    const of = { prospect_id: `eq.${number}` };
    const [[prospect], calls, followUps] = await Promise.all([rows('prospects', of, { signal }), rows('calls', { ...of, select: 'id,created_at,status,type,call_type,outcome,duration_seconds,cost,qualification_score,reported_score', order: 'created_at.desc', limit: 100 }, { signal }),
      rows('follow_ups', { ...of, order: 'due_at' }, { signal })]);
    return { prospect: prospect ?? null, calls, followUps };
  });
  useKeys({ Escape: () => back('/prospects') });
  return html`<button type="button" class="plain back" onClick=${() => back('/prospects')}><${Icon} name="back" size=${16} />Prospects</button>
  <${Answer} resource=${known} lines=${8}>${({ prospect, calls, followUps }) => {
    if (!prospect) return html`<${PageHead} title="No such prospect" /><${Empty} title="There is no such prospect, or it is not yours to see.">
      <a href="/prospects">All prospects</a></${Empty}>`;
    const row = (name, value) => (value ? html`<div><dt>${name}</dt><dd dir="auto">${value}</dd></div>` : null);
    return html`<${PageHead} title=${named(prospect)} />
    ${prospect.do_not_call && html`<p class="banner bad">Do not call.</p>`}
    <div class="prospect-grid">
      <section class="card" aria-labelledby="about-title"><h2 id="about-title">About</h2><dl class="facts">
        ${row('Company', prospect.company)}${row('Status', words(prospect.status))}${row('Email', prospect.email)}${row('Phone', (prospect.phones ?? []).join(', '))}
        ${row('Time zone', prospect.time_zone)}${row('Id elsewhere', prospect.external_id)}${row('Came by', words(prospect.source))}${row('Since', day(prospect.created_at, zone.value))}</dl>
        ${followUps.length > 0 && html`<h3>Follow-ups</h3><ul class="history">${followUps.map((task) => html`<li key=${task.follow_up_id}>
          <${Time} value=${task.due_at} /> <span class="muted">${words(task.status)}</span> ${task.note}</li>`)}</ul>`}</section>
      <section class="card list" aria-labelledby="calls-title"><h2 id="calls-title" class="list-title">Calls</h2>
        ${calls.length === 0 ? html`<p class="muted list-title">None yet.</p>` : html`<div class="table-wrap" role="region" aria-label="Table of calls" tabindex="0">
        <table><caption class="visually-hidden">Calls with this prospect</caption>
        <thead><tr><th scope="col">Time</th><th scope="col" class="mid">Direction</th><th scope="col">Status</th><th scope="col" class="wide">Outcome</th>
          <th scope="col">Score</th><th scope="col" class="number">Duration</th><th scope="col" class="number wide">Cost</th></tr></thead>
        <tbody>${calls.map((call) => html`<tr key=${call.id}><th scope="row"><a href=${`/calls/${encodeURIComponent(call.id)}`}><${Time} value=${call.created_at} /></a>
          </th><td class="mid"><${Direction} direction=${call.call_type} type=${call.type} /></td><td><${Status} value=${call.status} /></td>
          <td class="wide">${words(call.outcome)}</td><td><${Score} value=${call.qualification_score} reported=${call.reported_score} /></td><td class="number">
            ${duration(call.duration_seconds)}</td><td class="number wide">${money(call.cost)}</td></tr>`)}</tbody></table></div>`}</section>
    </div>`;
  }}</${Answer}>`;
}

/** The list of prospects, or the card of one. */
export const ProspectsPage = ({ id }) => (id ? html`<${Card} id=${id} />` : html`<${List} />`);
