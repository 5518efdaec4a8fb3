import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { setQuery } from '../router.js';
import { PRESETS, range, setZone, zone, zones } from '../zone.js';

/** Range of days and zone, both in the URL. */
export function RangePicker() {
  const { name, first, last } = range.value;
  const [custom, setCustom] = useState(false);
  const choose = (event) => {
    const chosen = event.currentTarget.value;
    setCustom(chosen === 'custom');
    if (chosen === 'custom') setQuery({ range: null, from: first, to: last, next: null, page: null });
    else setQuery({ range: chosen, from: null, to: null, next: null, page: null });
  };
  const date = (key) => (event) => {
    const value = event.currentTarget.value;
    if (value) setQuery({ range: null, from: key === 'from' ? value : first, to: key === 'from' && value > last ? value : key === 'to' ? value : last, next: null, page: null }, { replace: true });
  };
  return html`<div class="range" role="group" aria-label="Range and time zone">
    <label class="visually-hidden" for="range">Range</label>
    <select id="range" value=${name} onChange=${choose}>
      ${Object.entries(PRESETS).map(([key, [label]]) => html`<option key=${key} value=${key}>${label}</option>`)}
      <option value="custom">Custom range…</option>
    </select>
    ${(custom || name === 'custom') && html`<span class="range-dates">
      <label class="visually-hidden" for="range-from">First day</label>
      <input id="range-from" type="date" value=${first} max=${last} onChange=${date('from')} />
      <span aria-hidden="true">–</span>
      <label class="visually-hidden" for="range-to">Last day</label>
      <input id="range-to" type="date" value=${last} min=${first} onChange=${date('to')} />
    </span>`}
    <label class="visually-hidden" for="zone">Time zone</label>
    <select id="zone" class="zone" value=${zone.value} onChange=${(event) => setZone(event.currentTarget.value)}>
      ${zones().map((value) => html`<option key=${value} value=${value}>${value.replaceAll('_', ' ')}</option>`)}
    </select>
  </div>`;
}
