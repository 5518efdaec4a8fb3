import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { html } from '../html.js';
import { dark } from '../theme.js';
import { zone } from '../zone.js';
import { day, dateTime } from '../format.js';

const HEIGHT = 230;
// Steps between ticks in seconds; less than the step of the data would repeat a label.
const INCREMENTS = [3600, 10800, 21600, 43200, 86400, 172800, 432000, 604800, 1209600, 2592000, 7776000, 31536000];
const LEAST = { hour: 3600, month: 2592000 };
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// What an axis says at a place in time, for each step.
const TICKS = {
  hour: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { month: 'short', day: 'numeric' },
  week: { month: 'short', day: 'numeric' },
  month: { month: 'short', year: 'numeric' },
};

function options({ series, write, bars, unit, most: top, points }, width, step, onPlace) {
  const ticks = new Intl.DateTimeFormat('en-US', { timeZone: zone.peek(), ...(TICKS[unit] ?? TICKS.day) });
  const axis = { stroke: css('--muted'), grid: { stroke: css('--line'), width: 1 }, ticks: { stroke: css('--line'), width: 1 }, font: '12px Inter, system-ui, sans-serif' };
  const draw = bars ? uPlot.paths.bars({ size: [0.7, 40], radius: 0.12 }) : undefined;
  return {
    width,
    height: HEIGHT,
    padding: [10, 8, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone.peek()),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars } },
    // Bars need room for their halves at both ends.
    scales: { x: { range: (_, least, most) => [least - step * 0.6, most + step * 0.6] }, y: { range: (_, least, most) => [0, (top ?? Math.max(most, write ? 0.01 : 1)) * 1.06] } },
    series: [{}, ...series.map(({ color, dash }) => ({ stroke: css(color), width: bars ? 0 : 2, dash, fill: bars ? css(color) : undefined, paths: draw, points: { show: points, size: 5, fill: css(color) }, spanGaps: true }))],
    axes: [{ ...axis, size: 38, space: unit === 'hour' ? 110 : 64, incrs: INCREMENTS.filter((seconds) => seconds >= (LEAST[unit] ?? 86400)), values: (_, splits) => splits.map((seconds) => ticks.format(seconds * 1000)) }, { ...axis, size: 56, values: (_, splits) => splits.map((value) => (write ? write(value, splits) : Number.isInteger(value) ? value.toLocaleString('en-US') : '')) }],
    hooks: { setCursor: [({ cursor: { idx } }) => onPlace(idx ?? null)] },
  };
}

/**
 * Values over time, by uPlot. `data` is [seconds, values of each series]; with `stacked`, each series lies upon those after it.
 * `summary` says in words what is to be seen; `most` is the top of the scale, where that is known; `write` gets the scale's other values, too.
 */
export function Chart({ data, series, summary, stacked = false, bars = false, write, most, step: unit }) {
  const box = useRef();
  const [place, setPlace] = useState(null);
  const isDark = dark.value;
  const inZone = zone.value;
  useEffect(() => {
    const step = data[0].length > 1 ? data[0][1] - data[0][0] : 86400;
    const values = stacked ? data.slice(1).map((_, i) => data[0].map((__, at) => data.slice(1 + i).reduce((sum, list) => sum + (list[at] ?? 0), 0))) : data.slice(1);
    const width = () => Math.max(240, box.current.clientWidth);
    const plot = new uPlot(options({ series, write, bars, unit, most, points: !bars && data[0].length <= 40 }, width(), step, setPlace), [data[0], ...values], box.current);
    const observer = new ResizeObserver(() => { if (box.current) plot.setSize({ width: width(), height: HEIGHT }); });
    observer.observe(box.current);
    return () => { observer.disconnect(); plot.destroy(); };
  }, [data, isDark, inZone]);
  const time = place === null ? null : (unit === 'hour' ? dateTime : day)(data[0][place] * 1000, inZone);
  return html`<ul class="legend">${series.map(({ name, color, dash }, i) => html`<li key=${name}>
    <span class="swatch ${dash ? 'dashed' : ''} ${bars ? 'bar' : ''} ${color.slice(2)}" aria-hidden="true" />${name}${place !== null && html` <b>
    ${write ? (data[i + 1][place] === null ? '–' : write(data[i + 1][place])) : data[i + 1][place] ?? '–'}</b>`}</li>`)}
    <li class="legend-time muted">${time ?? ' '}</li></ul>
    <div class="chart" ref=${box} role="img" aria-label=${summary} />`;
}
