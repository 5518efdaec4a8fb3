const NONE = '–';
const numbers = new Intl.NumberFormat('en-US');
const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const cents = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', minimumFractionDigits: 4 });

/** What stands for something that is not known. */
export const none = NONE;
/** 12,345 */
export const count = (value) => (value === null || value === undefined ? NONE : numbers.format(value));
/** $1,234.50 */
export const money = (value) => (value === null || value === undefined ? NONE : dollars.format(value));
/** $0.0123, for the parts of a call's cost. */
export const smallMoney = (value) => (value === null || value === undefined ? NONE : cents.format(value));
/** 46.7 % of a share between 0 and 1. */
export const percent = (value, digits = 1) => (value === null || value === undefined ? NONE : `${(value * 100).toFixed(digits)} %`);

/** How much something has changed, without its sign: 4.2 %, 3.7 points of a share, over 100-fold where a percentage says nothing. */
export const howMuch = (change, ratio, isShare) => (isShare ? `${Math.abs(change * 100).toFixed(1)} points`
  : ratio >= 10 ? `over ${count(Math.min(1000, 10 ** Math.floor(Math.log10(ratio))))}-fold` : `${Math.abs(ratio * 100).toFixed(1)} %`);

/** 2:05, 1:02:05 of seconds. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${String(m).padStart(2, '0')}:${String(s).padStart(2, '0')}` : `${m}:${String(s).padStart(2, '0')}`;
}

/** 2:05 of a place in a call, as durations, but rounded down. */
export const clock = (seconds) => duration(Math.floor(seconds));

const formats = new Map();
function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat('en-US', { timeZone: zone, ...options }));
  return formats.get(key);
}

/** Nov 29, 2026, 01:02 in the zone. */
export const dateTime = (value, zone) => (value ? format(zone, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' }).format(new Date(value)) : NONE);
/** Nov 29, 01:02, without the year when it is this one. */
export function shortTime(value, zone) {
  if (!value) return NONE;
  const date = new Date(value);
  const year = date.getUTCFullYear() === new Date().getUTCFullYear() ? {} : { year: 'numeric' };
  return format(zone, { month: 'short', day: 'numeric', ...year, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(date);
}
/** 01:02:45 in the zone. */
export const timeOfDay = (value, zone) => (value ? format(zone, { timeStyle: 'medium', hourCycle: 'h23' }).format(new Date(value)) : NONE);
/** Nov 29, 2026 in the zone. */
export const day = (value, zone) => (value ? format(zone, { dateStyle: 'medium' }).format(new Date(value)) : NONE);
/** Nov 1, 2026 to Nov 29, 2026 of a range whose end does not belong to it; of one day that day. */
export function days(from, to, zone) {
  const [first, last] = [day(from, zone), day(Date.parse(to) - 1, zone)];
  return first === last ? first : `${first} to ${last}`;
}
/** With the offset that the zone has then, for a hint. */
export const fullTime = (value, zone) => (value ? format(zone, { dateStyle: 'full', timeStyle: 'long', hourCycle: 'h23' }).format(new Date(value)) : '');

/** 5 s ago, 3 min ago, … */
export function ago(value, now = Date.now()) {
  if (!value) return NONE;
  const seconds = Math.max(0, Math.round((now - new Date(value)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

const NAMES = { 'no-answer': 'No answer', 'in-progress': 'In progress', bi: 'BI', api_key: 'API key', sms: 'SMS' };
/** "Not interested" of not-interested or not_interested. */
export function words(value) {
  if (!value) return NONE;
  if (NAMES[value]) return NAMES[value];
  const text = String(value).replace(/[-_]+/g, ' ').replace(/([a-z])([A-Z])/g, (_, before, letter) => `${before} ${letter.toLowerCase()}`);
  return text[0].toUpperCase() + text.slice(1);
}

/** Why a call ended, in words: the last part of what Vapi calls it, such as call.ringing.sip-inbound-caller-hungup. */
export const ending = (value) => words(value && String(value).split('.').pop()).replace(/^Sip\b/, 'SIP');

/** Who a call was with, as far as that is known: {title, detail}. */
export function caller({ prospectName, customerName, company, customerNumber, type }) {
  const title = prospectName || customerName || customerNumber || company || (type === 'webCall' ? 'Web caller' : 'Unknown caller');
  const detail = [company, customerNumber].filter((part) => part && part !== title);
  return { title, detail: detail.join(' · ') };
}
