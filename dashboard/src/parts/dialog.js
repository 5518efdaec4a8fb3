import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';

/** A modal dialog; Escape and `onClose` end it, the focus returns to where it was. */
export function Dialog({ title, onClose, children }) {
  const element = useRef();
  useEffect(() => {
    const before = document.activeElement;
    element.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${element} aria-labelledby="dialog-title" onCancel=${(event) => { event.preventDefault(); onClose(); }}>
    <h2 id="dialog-title">${title}</h2>
    ${children}
  </dialog>`;
}

/** Asks before something is done, does it, and shows what went wrong. `act` gets the text of the field, when there is one. */
export function Confirm({ title, text, field, action, danger, act, onClose }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [value, setValue] = useState('');
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await act(value.trim());
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form onSubmit=${submit}>
      ${text && html`<p>${text}</p>`}
      ${field && html`<label class="field">${field.label}
        ${field.lines ? html`<textarea rows=${field.lines} required value=${value} maxlength=${field.most} onInput=${(event) => setValue(event.currentTarget.value)} />`
    : html`<input type=${field.type ?? 'text'} required value=${value} placeholder=${field.placeholder} maxlength=${field.most} onInput=${(event) => setValue(event.currentTarget.value)} />`}
      </label>`}
      ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
      <div class="buttons">
        <button type="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class=${danger ? 'danger' : 'primary'} disabled=${busy}>${busy ? 'Please wait…' : action}</button>
      </div>
    </form>
  </${Dialog}>`;
}

const KEYS = [['/', 'Search calls'], ['j, k', 'Next and previous row'], ['Enter', 'Open the row'], ['Esc', 'Back to the list'], ['Space', 'Play or pause'],
  ['←, →', 'Ten seconds back, on'], ['[, ]', 'Slower, faster'], ['g then c, l, a', 'Calls, Live, Analytics'], ['?', 'This list']];

/** The list of keys. */
export const KeyHelp = ({ onClose }) => html`<${Dialog} title="Keys" onClose=${onClose}>
  <dl class="keys">${KEYS.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
  <div class="buttons"><button type="button" class="primary" onClick=${onClose}>Close</button></div>
</${Dialog}>`;
