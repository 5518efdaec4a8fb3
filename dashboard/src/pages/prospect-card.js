import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { back } from '../router.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { day, duration, money, words } from '../format.js';
import { zone } from '../zone.js';
import { useKeys } from '../keys.js';
import { is } from '../session.js';
import { Answer, Empty } from '../parts/states.js';
import { PageHead } from '../parts/shell.js';
import { Confirm } from '../parts/dialog.js';
import { Icon } from '../parts/icons.js';
import { Direction, Score, Status, Temperature, Time } from '../parts/badges.js';
import { FollowUpForm, StatusForm, useAct, Wrong } from './prospect-actions.js';
import { FollowUpTable } from './prospect-follow-ups.js';

/** What somebody is called, as far as it is known. */
export const named = ({ name, company, phones }) => name || company || phones?.[0] || 'Not known';

const CAUSES = { call: 'by a call', rule: 'by a rule', person: 'by', import: 'by an import of' };

function History({ changes }) {
  if (changes.length === 0) return html`<p class="muted">Nothing has changed yet.</p>`;
  const shown = ({ field, old_value: before, new_value: now }) => {
    if (field === 'enrollment') return now ? `Enrolled in ${now}` : `Left the sequence ${before}`;
    if (field === 'created') return 'Entered';
    if (field === 'merged') return `Merged with prospect ${before}`;
    if (field === 'do_not_call') return now === 'true' ? 'Do not call' : 'May be called again';
    const value = (text) => (field === 'status' ? words(text) : text);
    return `${words(field)}: ${[before && value(before), now ? value(now) : 'none'].filter(Boolean).join(' → ')}`;
  };
  return html`<ol class="notes">${changes.map((change) => html`<li key=${change.history_id}><p dir="auto">${shown(change)}${change.reason ? html` <span class="muted">${change.reason}</span>` : ''}</p>
    <span class="muted"><${Time} value=${change.changed_at} />, ${CAUSES[change.cause] ?? change.cause} ${change.changed_by ?? ''}
      ${change.call_id ? html` (<a href=${`/calls/${encodeURIComponent(change.call_id)}`}>the call</a>)` : ''}</span></li>`)}</ol>`;
}

function Sequence({ prospect, enrollment, sequences, onDone }) {
  const [chosen, setChosen] = useState('');
  const enrol = useAct(() => rpc('vapi_enroll', { prospect: prospect.prospect_id, sequence: chosen || null }), onDone);
  const leave = useAct(() => rpc('vapi_unenroll', { prospect: prospect.prospect_id }), onDone);
  const active = enrollment?.status === 'active';
  return html`<h3>Sequence</h3>
    <p>${active ? html`<span dir="auto">${enrollment.sequence}</span>, step ${enrollment.step} of ${enrollment.steps}`
    : enrollment ? html`<span class="muted">${enrollment.sequence}: ended, ${words(enrollment.exit_reason).toLowerCase()}</span>` : html`<span class="muted">In none.</span>`}</p>
    <${Wrong} error=${enrol.error ?? leave.error} />
    ${is('agent', 'admin') && (active ? html`<button type="button" disabled=${leave.busy} onClick=${leave.submit()}>End the sequence</button>` : !prospect.do_not_call && html`<form class="sync-form" onSubmit=${enrol.submit()}>
      <label class="field">Enrol in<select value=${chosen} onChange=${(event) => setChosen(event.currentTarget.value)}><option value="">Default</option>${sequences.map(({ name }) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>
      <button type="submit" disabled=${enrol.busy}>Enrol</button></form>`)}`;
}

function Details({ prospect, calls, followUps, history, enrollments, warm, sequences, duplicates, reload }) {
  const [blocking, setBlocking] = useState(false);
  const apart = useAct((other) => rpc('vapi_keep_apart', { prospect: prospect.prospect_id, other }), reload);
  const [merging, setMerging] = useState(null);
  const row = (name, value) => (value ? html`<div><dt>${name}</dt><dd dir="auto">${value}</dd></div>` : null);
  const mayAct = is('agent', 'admin');
  return html`<${PageHead} title=${named(prospect)} />
    ${prospect.do_not_call && html`<p class="banner bad">Do not call.</p>`}
    <${Wrong} error=${apart.error} />
    ${duplicates.map((pair) => {
    const other = pair.prospect_id === prospect.prospect_id ? pair.other_id : pair.prospect_id;
    return html`<p class="banner warn" key=${other}><span><a href=${`/prospects/${other}`}>Prospect ${other}</a> has ${pair.reason}. Are they one?</span>
      <span class="buttons"><button type="button" onClick=${() => setMerging(other)}>Merge…</button><button type="button" disabled=${apart.busy} onClick=${apart.submit(other)}>They are two</button></span></p>`;
  })}
    <div class="prospect-grid">
      <div class="sections"><section class="card" aria-labelledby="about-title"><h2 id="about-title">About</h2><dl class="facts">
        ${row('Company', prospect.company)}<div><dt>Status</dt><dd>${words(prospect.status)} <span class="muted">${{ person: 'chosen by a person', import: 'as imported' }[prospect.status_source] ?? ''}</span></dd></div>
        ${warm && html`<div><dt>Temperature</dt><dd><${Temperature} value=${warm.temperature} /></dd></div>`}
        ${row('Email', prospect.email)}${row('Phone', (prospect.phones ?? []).join(', '))}
        ${row('Time zone', prospect.time_zone)}${row('Id elsewhere', prospect.external_id)}${row('Came by', words(prospect.source))}${row('Since', day(prospect.created_at, zone.value))}</dl>
        ${mayAct && html`<${StatusForm} key=${prospect.stored_status} id=${prospect.prospect_id} status=${prospect.stored_status} source=${prospect.status_source} onSet=${reload} />`}
        <${Sequence} key=${enrollments[0]?.enrollment_id} prospect=${prospect} enrollment=${enrollments[0]} sequences=${sequences} onDone=${reload} />
        ${mayAct && !prospect.do_not_call && (prospect.phones ?? []).length > 0 && html`<p class="block"><button type="button" class="warns" onClick=${() => setBlocking(true)}>Do not call…</button></p>`}</section>
      <section class="card" aria-labelledby="history-title"><h2 id="history-title">History</h2><${History} changes=${history} /></section></div>
      <div class="sections"><section class="card list" aria-labelledby="tasks-title"><h2 id="tasks-title" class="list-title">Follow-ups</h2>
        ${followUps.length === 0 ? html`<p class="muted list-none">None.</p>` : html`<${FollowUpTable} tasks=${followUps} onDone=${reload} caption="Follow-ups of this prospect" />`}
        ${mayAct && html`<div class="list-form"><${FollowUpForm} id=${prospect.prospect_id} onSaved=${reload} /></div>`}</section>
      <section class="card list" aria-labelledby="calls-title"><h2 id="calls-title" class="list-title">Calls</h2>
        ${calls.length === 0 ? html`<p class="muted list-none">None yet.</p>` : html`<div class="table-wrap" role="region" aria-label="Table of calls" tabindex="0">
        <table><caption class="visually-hidden">Calls with this prospect</caption>
        <thead><tr><th scope="col">Time</th><th scope="col" class="mid">Direction</th><th scope="col">Status</th><th scope="col" class="wide">Outcome</th>
          <th scope="col">Score</th><th scope="col" class="number">Duration</th><th scope="col" class="number wide">Cost</th></tr></thead>
        <tbody>${calls.map((call) => html`<tr key=${call.id}><th scope="row"><a href=${`/calls/${encodeURIComponent(call.id)}`}><${Time} value=${call.created_at} /></a>
          </th><td class="mid"><${Direction} direction=${call.call_type} type=${call.type} /></td><td><${Status} value=${call.status} /></td>
          <td class="wide">${words(call.outcome)}</td><td><${Score} value=${call.qualification_score} reported=${call.reported_score} /></td><td class="number">
            ${duration(call.duration_seconds)}</td><td class="number wide">${money(call.cost)}</td></tr>`)}</tbody></table></div>`}</section></div>
    </div>
    ${blocking && html`<${Confirm} title="Do not call" text=${`Nothing calls ${prospect.phones.join(', ')} from now on, whatever is planned. Only an administrator can undo it.`} field=${{ label: 'Why', most: 1000 }}
      action="Do not call" danger act=${async (reason) => { for (const phone of prospect.phones) await rpc('vapi_do_not_call', { phone, reason }); reload(); }} onClose=${() => setBlocking(false)} />`}
    ${merging && html`<${Confirm} title="Merge two prospects" text=${`All that belongs to prospect ${merging} becomes this one's. It cannot be undone.`} action="Merge" danger
      act=${async () => { await rpc('vapi_merge_prospects', { keep: prospect.prospect_id, other: merging }); reload(); }} onClose=${() => setMerging(null)} />`}`;
}

/** One prospect: who it is, what is to be done, what happened. */
export function Card({ id }) {
  const known = useResource(`prospect ${id}`, async (signal) => {
    const number = Number.parseInt(id, 10);
    if (!(number > 0)) return { prospect: null };
    const of = { prospect_id: `eq.${number}` };
    const [[prospect], calls, followUps, history, enrollments, [warm], sequences, duplicates] = await Promise.all([rows('prospects', of, { signal }),
      rows('calls', { ...of, select: 'id,created_at,status,type,call_type,outcome,duration_seconds,cost,qualification_score,reported_score', order: 'created_at.desc', limit: 100 }, { signal }),
      rows('follow_ups', { ...of, order: 'due_at.desc', limit: 50 }, { signal }), rows('prospect_history', { ...of, order: 'history_id.desc', limit: 100 }, { signal }),
      rows('enrollments', { ...of, order: 'enrollment_id.desc', limit: 1 }, { signal }), rows('prospect_temperatures', { ...of, select: 'temperature' }, { signal }),
      rows('sequences', { select: 'name', order: 'automatic.desc,name' }, { signal }),
      is('agent', 'admin') ? rows('prospect_duplicates', { or: `(prospect_id.eq.${number},other_id.eq.${number})`, limit: 5 }, { signal }) : []]);
    return { prospect: prospect ?? null, calls, followUps, history, enrollments, warm, sequences, duplicates };
  });
  useKeys({ Escape: () => back('/prospects') });
  return html`<button type="button" class="plain back" onClick=${() => back('/prospects')}><${Icon} name="back" size=${16} />Prospects</button>
  <${Answer} resource=${known} lines=${8}>${(data) => (data.prospect ? html`<${Details} ...${data} reload=${known.reload} />`
    : html`<${PageHead} title="No such prospect" /><${Empty} title="There is no such prospect, or it is not yours to see."><a href="/prospects">All prospects</a></${Empty}>`)}</${Answer}>`;
}
