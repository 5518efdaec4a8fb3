import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { count, words } from '../format.js';
import { is } from '../session.js';
import { Answer } from '../parts/states.js';
import { Confirm } from '../parts/dialog.js';
import { useAct, Wrong } from './prospect-actions.js';

const CHANNELS = [['task', 'Task for a person'], ['call', 'Call by the assistant'], ['linear', 'Issue in Linear'], ['webhook', 'Webhook']];
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const NEW = { name: '', steps: [{ delay: '4 hours', channel: 'task', title: '' }], attempts: 5, from: '09:00', to: '18:00', weekdays: [1, 2, 3, 4, 5] };

function Editor({ sequence, onDone, onCancel }) {
  const [draft, setDraft] = useState({ ...sequence, from: sequence.from.slice(0, 5), to: sequence.to.slice(0, 5) });
  const change = (changes) => setDraft((old) => ({ ...old, ...changes }));
  const changeStep = (i, changes) => change({ steps: draft.steps.map((step, n) => (n === i ? { ...step, ...changes } : step)) });
  const { busy, error, submit } = useAct(() => rpc('vapi_save_sequence', { name: draft.name.trim(), steps: draft.steps.map((step) => ({ ...step, title: step.title || undefined })), attempts: Number(draft.attempts),
    from: draft.from, to: draft.to, weekdays: draft.weekdays, ...(draft.cool_down ? { cool_down: draft.cool_down } : {}), ...('first_within' in draft ? { first_within: draft.first_within } : {}),
    ...(draft.exit_on ? { exit_on: draft.exit_on } : {}) }), onDone);
  return html`<form class="sequence-form" onSubmit=${submit()}>
    <label class="field">Name<input required maxlength="80" value=${draft.name} disabled=${Boolean(sequence.name)} onInput=${(event) => change({ name: event.currentTarget.value })} /></label>
    <ol class="sequence-steps">${draft.steps.map((step, i) => html`<li key=${i} class="sequence-step">
      <label class="field">After<input required maxlength="40" value=${step.delay} onInput=${(event) => changeStep(i, { delay: event.currentTarget.value })} /></label>
      <label class="field">What<select value=${step.channel} onChange=${(event) => changeStep(i, { channel: event.currentTarget.value })}>
        ${CHANNELS.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>
      <label class="field">Title<input maxlength="200" value=${step.title ?? ''} onInput=${(event) => changeStep(i, { title: event.currentTarget.value })} /></label>
      <button type="button" class="plain" disabled=${draft.steps.length === 1} onClick=${() => change({ steps: draft.steps.filter((_, n) => n !== i) })} aria-label=${`Remove step ${i + 1}`}>Remove</button></li>`)}</ol>
    <button type="button" onClick=${() => change({ steps: [...draft.steps, { delay: '1 day', channel: 'task', title: '' }] })}>Add a step</button>
    <div class="sync-form"><label class="field">Calls at most<input type="number" min="1" max="50" value=${draft.attempts} onInput=${(event) => change({ attempts: event.currentTarget.value })} /></label>
      <label class="field">From<input type="time" min="08:00" max="21:00" required value=${draft.from} onInput=${(event) => change({ from: event.currentTarget.value })} /></label>
      <label class="field">To<input type="time" min="08:00" max="21:00" required value=${draft.to} onInput=${(event) => change({ to: event.currentTarget.value })} /></label></div>
    <fieldset class="choices"><legend>On, in the prospect's zone</legend>${DAYS.map((name, i) => html`<label class="check" key=${name}><input type="checkbox" checked=${draft.weekdays.includes(i + 1)}
      onChange=${(event) => change({ weekdays: event.currentTarget.checked ? [...draft.weekdays, i + 1].sort() : draft.weekdays.filter((one) => one !== i + 1) })} /> ${name}</label>`)}</fieldset>
    <${Wrong} error=${error} />
    <div class="buttons"><button type="submit" class="primary" disabled=${busy}>Save</button><button type="button" onClick=${onCancel}>Cancel</button></div></form>`;
}

/** The sequences, their steps, and in which of them qualified prospects come by themselves. */
export function Sequences() {
  const [editing, setEditing] = useState(null);
  const [removing, setRemoving] = useState(null);
  const known = useResource('sequences', (signal) => rows('sequences', { order: 'name' }, { signal }));
  const automatic = useAct((name) => rpc('vapi_set_auto_enrollment', { sequence: name }), known.reload);
  const done = () => { setEditing(null); known.reload(); };
  return html`<div class="sections">
    ${is('admin') && !editing && html`<div class="buttons"><button type="button" class="primary" onClick=${() => setEditing(NEW)}>New sequence</button></div>`}
    ${editing && editing.name === '' && html`<section class="card" aria-labelledby="new-title"><h2 id="new-title">New sequence</h2><${Editor} sequence=${editing} onDone=${done} onCancel=${() => setEditing(null)} /></section>`}
    <${Wrong} error=${automatic.error} />
    <${Answer} resource=${known} lines=${6}>${(data) => data.map((sequence, i) => html`<section class="card sequence" key=${sequence.name} aria-labelledby=${`sequence-${i}`}>
      <div class="card-head"><h2 id=${`sequence-${i}`} dir="auto">${sequence.name}</h2>${sequence.automatic && html`<span class="tag warm">For qualified leads</span>`}</div>
      ${editing?.name === sequence.name ? html`<${Editor} sequence=${sequence} onDone=${done} onCancel=${() => setEditing(null)} />` : html`
      <ol class="sequence-list">${sequence.steps.map((step, n) => html`<li key=${n}><b>After ${step.delay}</b>: ${(CHANNELS.find(([value]) => value === step.channel) ?? [null, words(step.channel)])[1]}
        ${step.title ? html`, <span dir="auto">${step.title}</span>` : ''}${step.wait ? html` <span class="muted">waits until it is done</span>` : ''}</li>`)}</ol>
      <p class="muted">${count(sequence.active)} enrolled. ${sequence.from.slice(0, 5)} to ${sequence.to.slice(0, 5)} on ${sequence.weekdays.map((one) => DAYS[one - 1]).join(', ')} in the prospect's zone.
        Ends on ${sequence.exit_on.join(', ') || 'nothing'}.</p>
      ${is('admin') && html`<div class="buttons"><button type="button" onClick=${() => setEditing(sequence)} aria-label=${`Change ${sequence.name}`}>Change</button>
        <button type="button" disabled=${automatic.busy} onClick=${automatic.submit(sequence.automatic ? null : sequence.name)}>${sequence.automatic ? 'No longer by itself' : 'Enrol qualified leads'}</button>
        ${data.length > 1 && html`<button type="button" class="plain" onClick=${() => setRemoving(sequence.name)} aria-label=${`Remove ${sequence.name}`}>Remove…</button>`}</div>`}`}</section>`)}</${Answer}>
    ${removing && html`<${Confirm} title=${`Remove the sequence ${removing}`} text="Who is enrolled goes on to its end." action="Remove" danger
      act=${async () => { await rpc('vapi_save_sequence', { name: removing, steps: null }); known.reload(); }} onClose=${() => setRemoving(null)} />`}</div>`;
}
