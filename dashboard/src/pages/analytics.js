import { useMemo } from 'preact/hooks';
import { html } from '../html.js';
import { place, setQuery } from '../router.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { instants, range, zone } from '../zone.js';
import { count, dateTime, day, days, duration, howMuch, money, percent, smallMoney, words } from '../format.js';
import { Answer, Empty } from '../parts/states.js';
import { PageHead } from '../parts/shell.js';
import { RangePicker } from '../parts/range-picker.js';
import { Choice } from '../parts/choice.js';
import { Chart } from '../parts/chart.js';
import { Figure } from '../parts/figure.js';
import { Bars, Funnel, HeatMap, Scripts } from './analytics-figures.js';

const share = (part, whole) => (whole ? part / whole : null);
const ratioText = (value, scale) => percent(value, scale ? 0 : 1);
const dollars = (value, scale) => (scale?.[1] - scale?.[0] < 0.01 ? smallMoney(value) : scale?.every(Number.isInteger) ? `$${count(value)}` : money(value));
// What is spent on a thing may be less than a cent.
const spent = (value) => (value > 0 && value < 0.005 ? smallMoney(value) : money(value));
const shareText = (value) => (value > 0 && value < 0.005 ? 'under 1 %' : percent(value, 0));

function useData(data) {
  return useMemo(() => {
    const x = data.volume.map(({ bucket }) => Date.parse(bucket) / 1000);
    const column = (name) => data.volume.map((row) => row[name]);
    return {
      volume: [x, column('completed'), column('failed'), data.volume.map(({ calls, completed, failed }) => calls - completed - failed)],
      rates: [x, data.volume.map(({ completed, failed }) => share(completed, completed + failed)), data.volume.map(({ successful, reached }) => share(successful, reached))],
      cost: [x, column('cost')],
    };
  }, [data]);
}

function Volume({ data, series, when }) {
  const { volume } = data;
  const busiest = volume.reduce((most, row) => (row.calls > (most?.calls ?? -1) ? row : most), null);
  const total = volume.reduce((sum, { calls }) => sum + calls, 0);
  return html`<${Figure} wide title="Call volume" range=${data.range} note=${`${count(total)} calls by ${data.range.step}.`} heads=${[words(data.range.step), 'Calls', 'Completed', 'Failed', 'Not reached', 'Reached', 'Minutes']}
    lines=${volume.map((row) => [row.bucket, row.calls, row.completed, row.failed, row.not_reached, row.reached, row.minutes])} show=${(value, i) => (i === 0 ? when(value) : i === 6 ? count(Math.round(value ?? 0)) : count(value))}>
    <${Chart} bars stacked data=${series.volume} step=${data.range.step} series=${[{ name: 'Completed', color: '--chart-2' }, { name: 'Failed', color: '--chart-3' }, { name: 'Not reached or under way', color: '--chart-1' }]}
      summary=${`${count(total)} calls, most of them ${busiest ? `on ${when(busiest.bucket)}: ${busiest.calls}` : 'nowhere'}.`} /></${Figure}>`;
}

function Rates({ data, series, when }) {
  const { current } = data.cards;
  return html`<${Figure} title="Completion and success" range=${data.range} note=${`Success: ${count(current.successful)} of ${count(current.reached)} reached. Completion: ${count(current.completed)} of ${count(current.completed + current.failed)} completed or failed.`}
    heads=${[words(data.range.step), 'Completed of completed and failed', 'n', 'Successful of reached', 'n']}
    lines=${data.volume.map((row, i) => [row.bucket, series.rates[1][i], row.completed + row.failed, series.rates[2][i], row.reached])} show=${(value, i) => (i === 0 ? when(value) : i % 2 ? percent(value) : count(value))}>
    <${Chart} data=${series.rates} write=${ratioText} most=${1} step=${data.range.step} series=${[{ name: 'Completion', color: '--chart-2' }, { name: 'Success', color: '--chart-1', dash: [6, 4] }]}
      summary=${`In all ${percent(current.completed_of_completed_and_failed)} of calls were completed, ${percent(current.successful_of_reached)} of those reached were successful.`} /></${Figure}>`;
}

function Cost({ data, series, when }) {
  const { current } = data.cards;
  const each = [['cost_per_call', 'a call'], ['cost_per_successful_call', 'a success'], ['cost_per_qualified_call', 'a qualified lead']].filter(([metric]) => current[metric] !== null);
  return html`<${Figure} title="Spend" range=${data.range} note=${`${[`${money(current.cost)} in all`, ...each.map(([metric, of]) => `${spent(current[metric])} ${of}`)].join(', ')}.`}
    heads=${[words(data.range.step), 'US dollars', 'Calls']} lines=${data.volume.map((row) => [row.bucket, row.cost, row.calls])} show=${(value, i) => (i === 0 ? when(value) : i === 1 ? money(value) : count(value))}>
    <${Chart} bars data=${series.cost} write=${dollars} step=${data.range.step} series=${[{ name: 'Spend', color: '--chart-1' }]} summary=${`${money(current.cost)} spent in all.`} /></${Figure}>`;
}

const COMPARED = [['calls', 'Calls', count], ['reached', 'Reached', count], ['completed', 'Completed', count], ['failed', 'Failed', count], ['successful', 'Successful', count], ['successful_of_reached', 'Success rate', percent],
  ['qualified', 'Qualified', count], ['minutes', 'Minutes', (value) => count(Math.round(value))], ['average_seconds', 'Average duration', duration], ['cost', 'Spend', money], ['cost_per_successful_call', 'Cost of a success', money]];

function Comparison({ data }) {
  const { current, previous } = data.cards;
  const change = (metric) => {
    const [now, before] = [current[metric], previous[metric]];
    if (now === null || before === null) return null;
    const isShare = metric === 'successful_of_reached';
    if (now === before) return 'unchanged';
    if (!before && !isShare) return null;
    const ratio = now / before - 1;
    return `${!isShare && ratio >= 10 ? '' : now > before ? '+' : '−'}${howMuch(now - before, ratio, isShare)}`;
  };
  const lines = COMPARED.map(([metric, name, show]) => [name, current[metric] === null ? null : show(current[metric]), previous[metric] === null ? null : show(previous[metric]), change(metric)]);
  return html`<section class="card" aria-labelledby="compare-title"><h2 id="compare-title">Beside the period before</h2>
    <div class="table-wrap" role="region" aria-label="Comparison" tabindex="0"><table><caption class="visually-hidden">This range and the one before</caption>
    <thead><tr><th scope="col">Figure</th><th scope="col" class="number">Now</th><th scope="col" class="number">Before</th><th scope="col" class="number">Change</th>
      </tr></thead>
    <tbody>${lines.map(([name, now, before, text]) => html`<tr key=${name}><th scope="row">${name}</th><td class="number">${now ?? '–'}</td><td class="number">
      ${before ?? '–'}</td><td class="number">${text ?? '–'}</td></tr>`)}</tbody></table></div>
    <p class="footnote">Before: ${days(data.range.previous_from, data.range.previous_to, zone.value)}.</p></section>`;
}

function Figures({ data }) {
  const series = useData(data);
  const when = (bucket) => (data.range.step === 'hour' ? dateTime : day)(bucket, zone.value);
  if (data.cards.current.calls === 0) {
    return html`<div class="card"><${Empty} title="No calls in this range.">
      ${range.value.name === 'year' ? html`<p>Figures appear with the first call.</p>` : html`<button type="button" onClick=${() => setQuery({ range: 'year', from: null, to: null })}>Show the last 12 months</button>`}</${Empty}></div>`;
  }
  return html`<div class="figures">
    <${Volume} data=${data} series=${series} when=${when} />
    <${Rates} data=${data} series=${series} when=${when} />
    <${Cost} data=${data} series=${series} when=${when} />
    <${HeatMap} data=${data} />
    <${Bars} title="Duration by outcome" range=${data.range} note="Mean, with median and 90th percentile in the table." heads=${['Outcome', 'Mean seconds', 'Median', '90 %', 'Longest', 'Calls', 'With a duration']}
      rows=${data.duration_by_outcome.filter((row) => row.timed_calls).map((row) => ({ name: words(row.group_key ?? 'none yet'), value: row.average_seconds, text: duration(row.average_seconds), n: row.timed_calls,
    line: [words(row.group_key ?? 'none yet'), row.average_seconds, row.median_seconds, row.p90_seconds, row.longest_seconds, row.calls, row.timed_calls] }))} show=${(value, i) => (i >= 1 && i <= 4 ? duration(value) : i === 0 ? value : count(value))} />
    <${Bars} title="Cost by component" range=${data.range} note="What Vapi bills; what you pay providers yourself is not in it." heads=${['Component', 'US dollars', 'Share', 'Calls']}
      rows=${data.cost_components.filter((row) => row.cost > 0).map((row) => ({ name: `${words(row.component)}${row.provider ? `, ${row.provider}` : ''}`, value: row.cost, text: `${spent(row.cost)} · ${shareText(row.share)}`,
    line: [`${words(row.component)}${row.provider ? `, ${row.provider}` : ''}`, row.cost, row.share, row.calls] }))} show=${(value, i) => (i === 1 ? money(value) : i === 2 ? percent(value) : i === 0 ? value : count(value))} />
    <${Scripts} data=${data} />
    <${Funnel} data=${data} />
    <${Comparison} data=${data} />
  </div>`;
}

/** Charts of the range, each with its caption, its table and CSV. */
export function AnalyticsPage() {
  const { query } = place.value;
  const filter = {};
  if (query.direction) filter.direction = query.direction;
  if (query.assistant) filter.assistant_id = query.assistant;
  const asked = { ...instants.value, ...(query.step ? { step: query.step } : {}), filter };
  const dashboard = useResource(`dashboard ${JSON.stringify(asked)}`, (signal) => rpc('vapi_dashboard', asked, { signal }));
  const assistants = useResource('assistants', (signal) => rows('assistants', { select: 'id,name', order: 'name' }, { signal }));
  const choice = (name, label, options) => html`<${Choice} name=${name} label=${label} value=${query[name]} options=${options} onChoose=${(value) => setQuery({ [name]: value })} />`;
  return html`<${PageHead} title="Analytics"><${RangePicker} /></${PageHead}>
  <div class="page-filters">
    ${choice('step', 'By', [['', 'Auto'], ['hour', 'Hour'], ['day', 'Day'], ['week', 'Week'], ['month', 'Month']])}
    ${choice('direction', 'Direction', [['', 'Any'], ['inbound', 'Inbound'], ['outbound', 'Outbound']])}
    ${choice('assistant', 'Assistant', [['', 'Any'], ...(assistants.data ?? []).map(({ id, name }) => [id, name ?? id])])}
  </div>
  <${Answer} resource=${dashboard} lines=${12}>${(data) => html`<${Figures} data=${data} />`}</${Answer}>`;
}
