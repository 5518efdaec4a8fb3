import { computed, signal } from '@preact/signals';
import { day } from './format.js';
import { place, setQuery } from './router.js';

const own = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
const known = (zone) => {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
};
const stored = (() => { try { return localStorage.getItem('zone'); } catch { return null; } })();
const chosen = signal(stored && known(stored) ? stored : own);

/** The zone that times are shown in and days begin in: the URL's, else the one chosen last, else the browser's. */
export const zone = computed(() => (place.value.query.time_zone && known(place.value.query.time_zone) ? place.value.query.time_zone : chosen.value));

/** Chooses the zone, for this URL and from now on. */
export function setZone(value) {
  chosen.value = value;
  try { localStorage.setItem('zone', value); } catch { /* a browser that keeps nothing */ }
  setQuery({ time_zone: value, next: null, page: null }, { replace: true });
}

/** Zones to choose from; the present one is among them. */
export function zones() {
  const all = Intl.supportedValuesOf ? Intl.supportedValuesOf('timeZone') : [];
  return [...new Set([zone.value, own, 'UTC', ...all])];
}

const isDate = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? '') && !Number.isNaN(Date.parse(text));
const today = (zoneName) => new Intl.DateTimeFormat('en-CA', { timeZone: zoneName, year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date());
const shift = (date, days) => new Date(Date.parse(date) + days * 86400000).toISOString().slice(0, 10);
const monthStart = (date, months) => new Date(Date.UTC(+date.slice(0, 4), +date.slice(5, 7) - 1 + months, 1)).toISOString().slice(0, 10);

/** Ranges by name: what they are called, and their first and last day, given today. */
export const PRESETS = {
  today: ['Today', (now) => [now, now]],
  yesterday: ['Yesterday', (now) => [shift(now, -1), shift(now, -1)]],
  '7d': ['Last 7 days', (now) => [shift(now, -6), now]],
  '30d': ['Last 30 days', (now) => [shift(now, -29), now]],
  '90d': ['Last 90 days', (now) => [shift(now, -89), now]],
  month: ['This month', (now) => [monthStart(now, 0), now]],
  'last-month': ['Last month', (now) => [monthStart(now, -1), shift(monthStart(now, 0), -1)]],
  year: ['Last 12 months', (now) => [shift(now, -364), now]],
};

/** The range of the URL, by default the last 30 days: {name, first, last, label}, both days belong to it. */
export const range = computed(() => {
  const { range: name, from, to } = place.value.query;
  if (isDate(from) && isDate(to) && from <= to) return { name: 'custom', first: from, last: to, label: from === to ? day(from, 'UTC') : `${day(from, 'UTC')} to ${day(to, 'UTC')}` };
  const preset = PRESETS[name] ? name : '30d';
  const [label, days] = PRESETS[preset];
  const [first, last] = days(today(zone.value));
  return { name: preset, first, last, label };
});

/** Does the range have today? */
export const hasToday = () => range.value.first <= today(zone.value) && today(zone.value) <= range.value.last;

/** The range as the analytics functions take it: midnights in the zone, the end not included. */
export const instants = computed(() => ({ from: `${range.value.first} 00:00 ${zone.value}`, to: `${shift(range.value.last, 1)} 00:00 ${zone.value}`, time_zone: zone.value }));
