import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rpc } from '../api.js';
import { none, words } from '../format.js';
import { OUTCOMES } from '../outcomes.js';
import { is } from '../session.js';

const SOURCES = { person: 'set by a person', score: 'read from the conversation', reported: 'as reported' };
const JUDGED = { true: 'Successful', false: 'Not successful' };
// That nobody was reached is not read from words.
const sourceOf = ({ outcome, outcomeSource }) => (outcomeSource === 'score' && outcome === 'not-reached' ? 'by how it ended' : SOURCES[outcomeSource] ?? '');
const Row = ({ name, children }) => html`<div><dt>${name}</dt><dd dir="auto">${children}</dd></div>`;

/** A value of a structured output as text. */
export const plain = (value) => (value === null || value === undefined ? none : typeof value === 'boolean' ? (value ? 'Yes' : 'No') : typeof value === 'object' ? JSON.stringify(value) : String(value));

/** A person knows better: their outcome goes before what was read or reported, until it is taken back. */
function Form({ call, onSet }) {
  const [outcome, setOutcome] = useState(call.outcome ?? '');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const save = (value) => async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await rpc('vapi_set_outcome', { id: call.id, outcome: value, reason: reason.trim() || null });
      setReason('');
      onSet();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const choices = OUTCOMES.includes(call.outcome) || !call.outcome ? OUTCOMES : [call.outcome, ...OUTCOMES];
  return html`<details class="set-outcome"><summary>Set the outcome</summary><form onSubmit=${save(outcome)}>
    <label class="field">What it achieved<select required value=${outcome} onChange=${(event) => setOutcome(event.currentTarget.value)}>
      <option value="">Choose…</option>${choices.map((value) => html`<option key=${value} value=${value}>${words(value)}</option>`)}</select></label>
    <label class="field">Why<input maxlength="500" placeholder="For whoever asks later" value=${reason} onInput=${(event) => setReason(event.currentTarget.value)} />
      </label>
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <div class="buttons"><button type="submit" class="primary" disabled=${busy}>Save</button>
      ${call.outcomeSource === 'person' && html`<button type="button" disabled=${busy} onClick=${save(null)}>Take back</button>`}</div></form></details>`;
}

/** What the call achieved, by whose word, and what Vapi's analysis says. */
export function OutcomeCard({ call, onSet }) {
  const structured = { ...(call.analysis?.structuredData ?? {}) };
  for (const output of Object.values(call.structuredOutputs ?? {})) if (output?.name) structured[output.name] = output.result;
  const mayAct = is('agent', 'admin');
  if (!mayAct && !call.summary && !call.outcome && !call.successEvaluation && !Object.keys(structured).length) return null;
  return html`<section class="card" aria-labelledby="outcome-title"><h2 id="outcome-title">Outcome</h2>
    ${call.summary && html`<p class="summary" dir="auto">${call.summary}</p>`}
    <dl class="facts">
      <${Row} name="Outcome">${call.outcome ? html`${words(call.outcome)} <span class="muted">${sourceOf(call)}
        </span>` : html`<span class="muted">none</span>`}</${Row}>
      ${call.successEvaluation && html`<${Row} name="Judged">${JUDGED[call.successEvaluation] ?? call.successEvaluation} <span class="muted">by Vapi</span></${Row}>`}
      ${call.sentiment && html`<${Row} name="Sentiment">${words(call.sentiment)}</${Row}>`}
      ${Object.entries(structured).map(([name, value]) => html`<${Row} key=${name} name=${words(name)}>${plain(value)}</${Row}>`)}
    </dl>${mayAct && html`<${Form} key=${`${call.id} ${call.outcome}`} call=${call} onSet=${onSet} />`}</section>`;
}
