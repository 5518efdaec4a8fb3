/**
 * When calls are made: an hourly and weekly pattern of a sales floor in Denver.
 */
import { Random } from './random.mjs';

const HOUR = 3600000;
/** Share of a weekday's calls by local hour. */
const WEEKDAY = [0.1, 0.05, 0.05, 0.05, 0.05, 0.1, 0.3, 1, 4, 8, 10.5, 10, 6, 6.5, 9, 9.5, 9, 8, 6, 3.5, 1.5, 0.6, 0.3, 0.15];
/** Sunday to Saturday. */
const DAY_OF_WEEK = [0.06, 0.95, 1.12, 1.15, 1.08, 0.88, 0.32];

function nthSunday(year, month, n) {
  const first = new Date(Date.UTC(year, month, 1)).getUTCDay();
  return Date.UTC(year, month, 1 + ((7 - first) % 7) + 7 * (n - 1));
}

/** Offset of Denver's clock from UTC in ms (US daylight saving rules since 2007). */
export function denverOffset(time) {
  const year = new Date(time).getUTCFullYear();
  const begin = nthSunday(year, 2, 2) + 9 * HOUR;
  const end = nthSunday(year, 10, 1) + 8 * HOUR;
  return time >= begin && time < end ? -6 * HOUR : -7 * HOUR;
}

/** Relative number of calls in the hour that starts at `time`. */
function weight(time) {
  const local = new Date(time + denverOffset(time));
  const day = local.getUTCDay();
  let w = WEEKDAY[local.getUTCHours()] * DAY_OF_WEEK[day];
  if (local.getUTCMonth() === 11 && local.getUTCDate() >= 24 && local.getUTCDate() <= 26) w *= 0.15;
  return w + 0.01;
}

/**
 * `count` creation times in [from, to), ascending, as a Float64Array of epoch ms.
 */
export function creationTimes(seed, count, from, to) {
  const hours = [];
  const cumulative = [];
  let total = 0;
  for (let at = from; at < to; at += HOUR - (at % HOUR)) {
    const length = Math.min(HOUR - (at % HOUR), to - at);
    total += (weight(at) * length) / HOUR;
    hours.push([at, length]);
    cumulative.push(total);
  }
  const random = new Random(seed, 'calendar');
  const times = new Float64Array(count);
  let hour = 0;
  for (let i = 0; i < count; i++) {
    const target = ((i + random.next()) / count) * total;
    while (cumulative[hour] <= target && hour < hours.length - 1) hour++;
    const before = hour === 0 ? 0 : cumulative[hour - 1];
    const share = (target - before) / (cumulative[hour] - before);
    times[i] = Math.floor(hours[hour][0] + Math.min(share, 0.9999999) * hours[hour][1]);
  }
  return times;
}
