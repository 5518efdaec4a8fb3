import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { Icon } from './icons.js';

const COPIED_MS = 1500;

/** A text that is copied by a button beside it. */
export function Copy({ text, label }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), COPIED_MS);
  };
  return html`<button type="button" class="plain copy" onClick=${copy} title=${`Copy ${label}`}><${Icon} name=${copied ? 'check' : 'copy'} size=${14} />
    <span class="visually-hidden" aria-live="polite">${copied ? 'Copied' : `Copy ${label}`}</span></button>`;
}
