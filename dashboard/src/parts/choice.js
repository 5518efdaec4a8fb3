import { html } from '../html.js';
import { words } from '../format.js';

/** A labelled choice in a row of filters. `options` are [value, text]; a value that is none of them is shown, too. */
export function Choice({ name, label, value = '', options, onChoose }) {
  const known = options.some(([option]) => option === value);
  return html`<div class="filter choice"><label for=${`choice-${name}`}>${label}</label>
    <select id=${`choice-${name}`} value=${value} onChange=${(event) => onChoose(event.currentTarget.value || null)}>
    ${options.map(([option, text]) => html`<option key=${option} value=${option}>${text}</option>`)}
    ${!known && html`<option value=${value}>${words(value)}</option>`}
  </select></div>`;
}
