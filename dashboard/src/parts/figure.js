import { html } from '../html.js';
import { days } from '../format.js';
import { download, csv } from '../download.js';
import { zone } from '../zone.js';
import { Icon } from './icons.js';

/**
 * A chart with all that belongs to it: a caption with range and zone, its message in words, and its data as a table and as CSV.
 * `heads` and `lines` are the table; `show` writes a value for readers (its column's index comes with it), CSV has it as it is.
 */
export function Figure({ title, range, note, heads, lines, show = (value) => value ?? '–', children, wide }) {
  const name = title.toLowerCase().replace(/[^a-z]+/g, '-');
  const caption = `${days(range.from, range.to, zone.value)}, ${zone.value.replaceAll('_', ' ')}`;
  return html`<figure class="card figure ${wide ? 'wide-figure' : ''}">
    <div class="card-head"><h2>${title}</h2><button type="button" class="plain small" onClick=${() => download(`${name}.csv`, csv(heads, lines))} title=${`${title} as CSV`}><${Icon} name="download" size=${15} />CSV<span class="visually-hidden"> of ${title}</span></button></div>
    ${lines.length ? children : html`<p class="muted figure-none">Nothing in this range.</p>`}
    <figcaption>${note ? html`<span>${note}</span> ` : ''}<span class="muted">${caption}</span></figcaption>
    ${lines.length > 0 && html`<details class="twin"><summary>Data as a table</summary><div class="table-wrap" role="region" aria-label=${`${title}, data`} tabindex="0">
      <table>
      <caption class="visually-hidden">${title}, ${caption}</caption>
      <thead><tr>${heads.map((head, i) => html`<th key=${i} scope="col" class=${i ? 'number' : ''}>${head}</th>`)}</tr></thead>
      <tbody>${lines.map((line, row) => html`<tr key=${row}>${line.map((value, i) => (i ? html`<td key=${i} class="number">${show(value, i)}
        </td>` : html`<th key=${i} scope="row">${show(value, i)}</th>`))}</tr>`)}</tbody>
    </table></div></details>`}
  </figure>`;
}
