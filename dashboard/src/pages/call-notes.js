import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rpc } from '../api.js';
import { is } from '../session.js';
import { Time } from '../parts/badges.js';

const MOST = 4000;

/** What people wrote about the call, and a field for more. */
export function NotesCard({ call, onAdded }) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  if (!call.notes) return null;
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await rpc('vapi_add_note', { id: call.id, text: text.trim() });
      setText('');
      onAdded();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return html`<section class="card" aria-labelledby="notes-title"><h2 id="notes-title">Notes</h2>
    ${call.notes.length > 0 && html`<ol class="notes">${call.notes.map((note) => html`<li key=${note.id}><p dir="auto">${note.note}</p><span class="muted">
      ${note.by}, <${Time} value=${note.at} /></span></li>`)}</ol>`}
    ${call.notes.length === 0 && !is('agent', 'admin') && html`<p class="muted">None yet.</p>`}
    ${is('agent', 'admin') && html`<form onSubmit=${save}><label class="visually-hidden" for="note">New note</label>
      <textarea id="note" rows="2" required maxlength=${MOST} placeholder="What should others know about this call?" value=${text} onInput=${(event) => setText(event.currentTarget.value)} />
      ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
      <button type="submit" disabled=${busy || text.trim() === ''}>Add note</button></form>`}
  </section>`;
}
