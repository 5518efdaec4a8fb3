import { useEffect, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { html } from '../html.js';
import { rpc } from '../api.js';
import { feed, liveCalls, onCard } from '../live-feed.js';
import { caller, clock, duration, ending, money, timeOfDay, words } from '../format.js';
import { zone } from '../zone.js';
import { PageHead } from '../parts/shell.js';
import { Empty, useNow } from '../parts/states.js';
import { Confirm } from '../parts/dialog.js';
import { Direction, Status } from '../parts/badges.js';
import { Icon } from '../parts/icons.js';

const LINES = 4;
const ENDED = 6;
// What was said since the page was opened, by call, and the calls that have ended since.
const said = signal(new Map());
const ended = signal([]);
// Calls whose assistant was muted from this page; Vapi does not tell of it.
const muted = signal(new Set());

function note(card) {
  if (!card.live) {
    if (muted.peek().has(card.id)) muted.value = new Set([...muted.peek()].filter((id) => id !== card.id));
    if (said.peek().has(card.id)) said.value = new Map([...said.peek()].filter(([id]) => id !== card.id));
    if (!card.erased) ended.value = [card, ...ended.peek().filter(({ id }) => id !== card.id)].slice(0, ENDED);
    return;
  }
  if (!card.last_line) return;
  const lines = said.peek().get(card.id) ?? [];
  const last = lines.at(-1);
  const line = { role: card.last_role, text: card.last_line, at: card.last_line_at, final: card.last_line_final };
  if (last && last.at === line.at && last.text === line.text) return;
  // A line that may still change is replaced by what it becomes.
  const kept = last && last.role === line.role && !last.final ? lines.slice(0, -1) : lines;
  said.value = new Map(said.peek()).set(card.id, [...kept, line].slice(-LINES));
}
onCard(note);

const named = (card) => caller({ prospectName: card.prospect_name, customerName: card.customer_name, company: card.company, customerNumber: card.customer_number, type: card.type });

// What may be done with a call: how it is asked, and the function's arguments.
const ACTIONS = {
  say: { name: 'Say', title: 'Have the assistant say something', field: { label: 'What it says', lines: 3, most: 1000 }, call: (id, text) => ['vapi_say', { id, text }] },
  add_note: { name: 'Note', title: 'Add a note', field: { label: 'Note', lines: 4, most: 4000 }, call: (id, text) => ['vapi_add_note', { id, text }] },
  mute_call: { name: 'Mute', title: 'Mute the assistant', text: 'The assistant says nothing until it is unmuted.', call: (id) => ['vapi_mute_call', { id, on: true }],
    done: (id) => { muted.value = new Set([...muted.peek(), id]); } },
  unmute_call: { name: 'Unmute', title: 'Unmute the assistant', text: 'The assistant speaks again.', call: (id) => ['vapi_mute_call', { id, on: false }],
    done: (id) => { muted.value = new Set([...muted.peek()].filter((other) => other !== id)); } },
  transfer_call: { name: 'Transfer', title: 'Transfer the call', field: { label: 'To which number', type: 'tel', placeholder: '+13035550100', most: 40 }, call: (id, to) => ['vapi_transfer_call', { id, to }] },
  end_call: { name: 'End', title: 'End the call', text: 'The call is hung up at once.', danger: true, call: (id) => ['vapi_end_call', { id }] },
};

function Actions({ card }) {
  const [asked, setAsked] = useState(null);
  const possible = (card.actions ?? []).map((action) => (action === 'mute_call' && muted.value.has(card.id) ? 'unmute_call' : action)).filter((action) => ACTIONS[action]);
  if (!possible.length) return null;
  const { title, detail } = named(card);
  const action = ACTIONS[asked];
  return html`<div class="buttons live-actions">${Object.keys(ACTIONS).filter((name) => possible.includes(name)).map((name) => html`<button key=${name} type="button" class=${ACTIONS[name].danger ? 'warns' : ''} onClick=${() => setAsked(name)}>${ACTIONS[name].name}</button>`)}</div>
    ${action && html`<${Confirm} title=${action.title} text=${html`<b>${title}</b>
      ${detail ? `, ${detail}` : ''}. ${action.text ?? ''}`} field=${action.field} action=${action.name} danger=${action.danger}
      act=${async (value) => { await rpc(...action.call(card.id, value)); action.done?.(card.id); }} onClose=${() => setAsked(null)} />`}`;
}

function Speaker({ card }) {
  const who = { user: 'Customer speaks', assistant: 'Assistant speaks', both: 'Both speak' }[card.speaker] ?? (card.connected_at ? 'Silence' : 'Not connected yet');
  return html`<span class="speaking ${card.speaker ?? 'nobody'}"><span class="voice" aria-hidden="true"><i /><i /><i /></span>
    ${who}${card.assistant_slow ? html` <span class="tag warm">slow to answer</span>` : ''}</span>`;
}

function LiveCard({ card }) {
  const now = useNow();
  const { title, detail } = named(card);
  const lines = said.value.get(card.id) ?? (card.last_line ? [{ role: card.last_role, text: card.last_line, at: card.last_line_at }] : []);
  return html`<li class="card live-card">
    <div class="live-head"><div class="clip"><a class="live-who" href=${`/calls/${encodeURIComponent(card.id)}`} title=${title}>${title}</a><span class="under">
      ${detail || '\u00a0'}</span></div>
      ${card.connected_at && html`<span class="live-clock" title="Since it was connected">${clock(Math.max(0, (now - Date.parse(card.connected_at)) / 1000))}</span>`}
        </div>
    <div class="live-line"><${Status} value=${card.status} /><${Direction} direction=${card.call_type} type=${card.type} />${card.cost ? html`<span class="muted">
      ${money(card.cost)}</span>` : ''}</div>
    <p class="muted clip" title=${card.assistant_name}>${card.assistant_name ?? 'No assistant known'}</p>
    ${card.prospect?.do_not_call && html`<p class="banner bad">Do not call.</p>`}
    <${Speaker} card=${card} />
    <ol class="live-lines ${card.connected_at ? '' : 'waiting'}" aria-label="What was said last">
      ${lines.map((line) => html`<li key=${line.at + line.text} class=${line.role === 'user' ? 'customer' : 'agent'}><span class="visually-hidden">
      ${line.role === 'user' ? 'Customer: ' : 'Assistant: '}</span><span dir="auto">${line.text}</span></li>`)}
      ${lines.length === 0 && html`<li class="muted none">${!card.connected_at ? 'It rings or waits.' : 'last_line' in card ? 'Nothing was said yet.'
        : 'Your profile does not show what is said.'}</li>`}</ol>
    <${Actions} card=${card} />
  </li>`;
}

function Ended() {
  if (!ended.value.length) return null;
  return html`<section class="card" aria-labelledby="ended-title"><h2 id="ended-title">Ended just now</h2><ul class="ended">
    ${ended.value.map((card) => html`<li key=${card.id}>
    <a href=${`/calls/${encodeURIComponent(card.id)}`}>${named(card).title}</a><${Status} value=${card.status} /><span>${duration(card.duration_seconds)}</span>
    <span class="muted">${card.outcome ? words(card.outcome) : ending(card.ended_reason)}</span></li>`)}</ul></section>`;
}

/** Calls under way, as they happen. */
export function LivePage() {
  const { state, since, heard } = feed.value;
  const cards = [...liveCalls.value.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  useEffect(() => { for (const card of liveCalls.peek().values()) note(card); }, []);
  return html`<${PageHead} title="Live"><span class="muted" aria-live="polite">
    ${heard === null ? 'Connecting…' : cards.length === 1 ? 'One call under way' : `${cards.length} calls under way`}</span></${PageHead}>
    ${state === 'stale' && html`<p class="banner warn" role="status"><span>
      <${Icon} name="live" size=${16} /> Not live since ${timeOfDay(since, zone.value)}: what is shown may be over. The page keeps trying.</span></p>`}
    ${cards.length > 0 ? html`<ul class="live-cards ${state === 'stale' ? 'stale' : ''}">${cards.map((card) => html`<${LiveCard} key=${card.id} card=${card} />`)}</ul>`
    : heard !== null && html`<div class="card"><${Empty} title="No call is under way."><p>A call appears here as soon as Vapi's webhook tells of it.</p>
      <a href="/calls">All calls</a></${Empty}></div>`}
    <${Ended} />`;
}
