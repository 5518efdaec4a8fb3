import { html } from '../html.js';
import { count, duration, money, percent, words } from '../format.js';
import { Figure } from '../parts/figure.js';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Lengths side by side. `rows` are {name, value, text, n, line}; lines are the rows of the table. */
export function Bars({ title, range, note, heads, rows, show }) {
  const most = Math.max(...rows.map(({ value }) => Number(value) || 0), 0);
  return html`<${Figure} title=${title} range=${range} note=${note} heads=${heads} lines=${rows.map(({ line }) => line)} show=${show}>
    <ol class="bars">${rows.slice(0, 12).map(({ name, value, text, n }) => html`<li key=${name}><span class="bar-name clip" title=${name}>${name}</span>
      <span class="bar-track" aria-hidden="true"><span style=${{ width: `${most ? (value / most) * 100 : 0}%` }} /></span><span class="bar-text">
        ${text}${n !== undefined ? html` <span class="muted">n=${count(n)}</span>` : ''}</span></li>`)}</ol></${Figure}>`;
}

/** Calls by weekday and hour: the number is in the cell, the shade only helps. */
export function HeatMap({ data }) {
  const cells = new Map(data.heatmap.map((cell) => [`${cell.weekday} ${cell.hour}`, cell]));
  const most = Math.max(...data.heatmap.map(({ calls }) => calls), 1);
  const busiest = data.heatmap.reduce((top, cell) => (cell.calls > (top?.calls ?? 0) ? cell : top), null);
  const hours = Array.from({ length: 24 }, (_, hour) => hour);
  return html`<${Figure} wide title="Peak hours" range=${data.range} note=${busiest ? `Most calls: ${DAYS[busiest.weekday - 1]} from ${busiest.hour}:00, ${count(busiest.calls)}.` : ''} heads=${['Weekday', 'Hour', 'Calls', 'Reached', 'Reached of ended', 'Successful']}
    lines=${data.heatmap.filter(({ calls }) => calls).map((cell) => [DAYS[cell.weekday - 1], cell.hour, cell.calls, cell.reached, cell.reached_of_ended, cell.successful])} show=${(value, i) => (i === 4 ? percent(value, 0) : i ? count(value) : value)}>
    <div class="table-wrap" role="region" aria-label="Peak hours" tabindex="0"><table class="heat"><caption class="visually-hidden">Calls by weekday and hour</caption>
      <thead><tr><th scope="col"><span class="visually-hidden">Weekday</span></th>${hours.map((hour) => html`<th key=${hour} scope="col">${hour}</th>`)}</tr></thead>
      <tbody>${DAYS.map((name, i) => html`<tr key=${name}><th scope="row">${name}</th>${hours.map((hour) => {
    const calls = cells.get(`${i + 1} ${hour}`)?.calls ?? 0;
    return html`<td key=${hour} class=${calls > most * 0.55 ? 'strong' : ''} style=${{ '--share': calls / most }} title=${`${name} ${hour}:00: ${calls} calls`}>
      ${calls || html`<span class="visually-hidden">0</span>`}</td>`;
  })}</tr>`)}</tbody></table></div></${Figure}>`;
}

/** Assistants with their version, best first, with how sure that is. */
export function Scripts({ data }) {
  const scripts = data.best_scripts;
  const heads = ['Assistant', 'Version', 'Calls', 'Reached', 'Average score', 'Successful of reached', 'from', 'to', 'Qualified', 'US dollars'];
  const lines = scripts.map((row) => [row.name ?? row.id, row.version, row.calls, row.reached, row.average_score, row.successful_of_reached, row.low, row.high, row.qualified, row.cost]);
  return html`<${Figure} wide title="Best scripts" range=${data.range} note="Ranked by score, drawn to the mean where calls are few; the interval is where the success rate lies with 95 %." heads=${heads} lines=${lines}
    show=${(value, i) => (value === null ? '–' : i >= 5 && i <= 7 ? percent(value, 0) : i === 9 ? money(value) : i === 4 ? Math.round(value) : i >= 2 ? count(value) : value)}>
    <div class="table-wrap" role="region" aria-label="Best scripts" tabindex="0"><table class="scripts"><caption class="visually-hidden">Best scripts</caption>
    <thead><tr><th scope="col">Script</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Score</th><th scope="col">Success of reached</th>
      <th scope="col" class="number mid">Length</th><th scope="col" class="number mid">Cost</th></tr></thead>
    <tbody>${scripts.map((row) => html`<tr key=${row.rank}><th scope="row"><span class="clip script" title=${row.name ?? row.id}>${row.name ?? row.id}</span>
      <span class="under">${row.version ?? ''}</span></th><td class="number">${count(row.calls)}</td>
      <td class="number">${row.average_score === null ? '–' : Math.round(row.average_score)}</td>
      <td><span class="interval" aria-hidden="true"><span class="interval-range" style=${{ left: `${(row.low ?? 0) * 100}%`, width: `${((row.high ?? 0) - (row.low ?? 0)) * 100}%` }} />${row.successful_of_reached !== null && html`<span class="interval-point" style=${{ left: `${row.successful_of_reached * 100}%` }} />`}</span>
        <span class="nowrap">${percent(row.successful_of_reached, 0)} <span class="muted">
          ${row.low === null ? '' : `${(row.low * 100).toFixed(0)}–${(row.high * 100).toFixed(0)}`}</span></span></td>
      <td class="number mid">${duration(row.average_seconds)}</td><td class="number mid">${money(row.cost)}</td></tr>`)}</tbody></table></div></${Figure}>`;
}

/** How far contacts got. */
export function Funnel({ data }) {
  return html`<${Bars} title="Funnel" range=${data.range} note="People, not calls." heads=${['Stage', 'Contacts', 'Of the stage before', 'Of the first']} show=${(value, i) => (i === 0 ? value : i === 1 ? count(value) : percent(value))}
    rows=${data.funnel.map((row) => ({ name: words(row.stage), value: row.contacts, text: `${count(row.contacts)}${row.of_previous === null ? '' : ` · ${percent(row.of_previous, 0)}`}`, line: [words(row.stage), row.contacts, row.of_previous, row.of_first] }))} />`;
}
