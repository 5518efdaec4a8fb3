import { html } from '../html.js';
import { count, days, duration, howMuch, money, percent } from '../format.js';
import { zone } from '../zone.js';
import { Icon } from './icons.js';

// metric of vapi_compare: name, how it is written, whether more is better (null: neither), what it is of
const CARDS = [
  ['calls', 'Total calls', count, null],
  ['successful_of_reached', 'Success rate', percent, true],
  ['average_seconds', 'Average duration', duration, null],
  ['cost', 'Spend', money, null],
  ['qualified', 'Qualified', count, true],
];

function Change({ metric, better, row }) {
  const { current_value: now, previous_value: before, change, change_ratio: ratio } = row;
  if (now === null || before === null || (ratio === null && change !== 0)) return html`<span class="change muted">
    ${before === null || before === 0 ? 'none before' : 'none now'}</span>`;
  const isShare = metric === 'successful_of_reached';
  const text = howMuch(change, ratio ?? 0, isShare);
  const same = isShare ? Math.abs(change) < 0.0005 : Math.abs(ratio ?? 0) < 0.0005;
  const tone = same || better === null ? '' : (change > 0) === better ? 'good-text' : 'bad-text';
  return html`<span class="change ${tone}">${same ? 'unchanged' : html`<${Icon} name=${change > 0 ? 'up' : 'down'} size=${13} /><span class="visually-hidden">
    ${change > 0 ? 'up' : 'down'} </span>${text}`}</span>`;
}

/** Five figures of the range, each with its change from the period before. `data` is what vapi_compare gives. */
export function StatCards({ data }) {
  const rows = new Map((data ?? []).map((row) => [row.metric, row]));
  const first = data?.[0];
  const value = (metric) => rows.get(metric)?.current_value ?? null;
  const detail = {
    calls: () => `${count(value('reached'))} reached`,
    successful_of_reached: () => `${count(value('successful'))} of ${count(value('reached'))} reached`,
    average_seconds: () => `${count(Math.round(value('minutes') ?? 0))} min in all`,
    cost: () => (value('cost_per_successful_call') === null ? 'no success yet' : `${money(value('cost_per_successful_call'))} a success`),
    qualified: () => (value('cost_per_qualified_call') === null ? 'none yet' : `${money(value('cost_per_qualified_call'))} each`),
  };
  return html`<dl class="cards" aria-label="Figures of the range">
    ${CARDS.map(([metric, name, write, better]) => html`<div class="card stat" key=${metric}>
      <dt>${name}</dt>
      <dd>
        <span class="stat-value">${data ? write(value(metric)) : html`<span class="skeleton-line short" />`}</span>
        ${data && rows.get(metric) && html`<${Change} metric=${metric} better=${better} row=${rows.get(metric)} />`}
        <span class="stat-detail">${data ? detail[metric]() : ''}</span>
      </dd>
    </div>`)}
  </dl>
  ${first && html`<p class="footnote">Compared with ${days(first.previous_from, first.previous_to, zone.value)}. Days begin at midnight in ${zone.value.replaceAll('_', ' ')}.</p>`}`;
}
