import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { words } from '../format.js';

/** The statuses that a prospect can have, in the order of the board. */
export const useStatuses = () => useResource('prospect statuses', (signal) => rows('prospect_statuses', { order: 'position' }, { signal }));

/** Does something at a form's submit and shows what went wrong: {busy, error, submit}. */
export function useAct(act, onDone) {
  const [state, setState] = useState({ busy: false, error: null });
  const submit = (...args) => async (event) => {
    event?.preventDefault();
    setState({ busy: true, error: null });
    try {
      const result = await act(...args);
      setState({ busy: false, error: null });
      onDone?.(result);
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return { ...state, submit };
}

/** What went wrong, if anything did. */
export const Wrong = ({ error }) => (error ? html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>` : null);

/** A person gives the prospect a status, which no rule changes from then on; or leaves it to the rules again. */
export function StatusForm({ id, status, source, onSet }) {
  const statuses = useStatuses();
  const [chosen, setChosen] = useState(status ?? '');
  const [reason, setReason] = useState('');
  const { busy, error, submit } = useAct((value) => rpc('vapi_set_prospect_status', { prospect: id, status: value, reason: reason.trim() || null }), () => { setReason(''); onSet(); });
  const known = (statuses.data ?? []).map((entry) => entry.status);
  return html`<details class="set-outcome"><summary>Set the status</summary><form onSubmit=${submit(chosen)}>
    <label class="field">Status<select required value=${chosen} onChange=${(event) => setChosen(event.currentTarget.value)}>
      ${(known.includes(chosen) || !chosen ? known : [chosen, ...known]).map((value) => html`<option key=${value} value=${value}>${words(value)}</option>`)}</select></label>
    <label class="field">Why is that so?<input maxlength="1000" placeholder="For the history" value=${reason} onInput=${(event) => setReason(event.currentTarget.value)} /></label>
    <${Wrong} error=${error} />
    <div class="buttons"><button type="submit" class="primary" disabled=${busy}>Save</button>
      ${source === 'person' && html`<button type="button" disabled=${busy} onClick=${submit(null)}>Leave it to the rules</button>`}</div></form></details>`;
}

const tomorrow = () => {
  const at = new Date(Date.now() + 86400000);
  at.setMinutes(0, 0, 0);
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

/** Writes down what is to be done with a prospect, and when. */
export function FollowUpForm({ id, call = null, onSaved }) {
  const [title, setTitle] = useState('');
  const [due, setDue] = useState(tomorrow);
  const [note, setNote] = useState('');
  const { busy, error, submit } = useAct(() => rpc('vapi_schedule_follow_up', { prospect: id, due: new Date(due).toISOString(), title: title.trim(), note: note.trim() || null, call }),
    () => { setTitle(''); setNote(''); onSaved(); });
  return html`<details class="set-outcome"><summary>Plan a follow-up</summary><form onSubmit=${submit()}>
    <label class="field">What is to be done<input required maxlength="200" value=${title} onInput=${(event) => setTitle(event.currentTarget.value)} /></label>
    <label class="field">When, in this device's time<input type="datetime-local" required value=${due} onInput=${(event) => setDue(event.currentTarget.value)} /></label>
    <label class="field">More about it<textarea rows="2" maxlength="4000" value=${note} onInput=${(event) => setNote(event.currentTarget.value)} /></label>
    <${Wrong} error=${error} />
    <div class="buttons"><button type="submit" class="primary" disabled=${busy || title.trim() === ''}>Plan</button></div></form></details>`;
}
