import { html } from '../html.js';
import { fullTime, shortTime, words } from '../format.js';
import { zone } from '../zone.js';
import { Icon } from './icons.js';

const TONES = {
  completed: 'good', failed: 'bad', 'no-answer': 'quiet', busy: 'quiet', voicemail: 'quiet', canceled: 'quiet',
  'in-progress': 'live', forwarding: 'live', ringing: 'wait', queued: 'wait', scheduled: 'wait',
};

/** The statuses of calls, for filters. */
export const STATUSES = ['completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled', 'in-progress', 'forwarding', 'ringing', 'queued', 'scheduled'];

/** A call's status, by word and colour. */
export const Status = ({ value }) => html`<span class="badge ${TONES[value] ?? 'quiet'}"><span class="badge-dot" aria-hidden="true" />${words(value)}</span>`;

/** hot, warm, cold by word and colour. */
export const Temperature = ({ value }) => (value ? html`<span class="tag ${value}">${words(value)}</span>` : null);

/** A score of 100 with its bar; what is not scored says so. */
export function Score({ value, coverage, reported }) {
  const shown = value ?? reported;
  if (shown === null || shown === undefined) return html`<span class="muted score-none" title="Not scored: nobody was reached">–</span>`;
  const title = value === null || value === undefined ? `${shown} of 100, as reported` : `${shown} of 100${coverage === undefined ? '' : `, from ${coverage} % of the facts`}`;
  return html`<span class="score" title=${title}><span class="score-number">${shown}</span>
    <span class="meter" aria-hidden="true"><span class="meter-fill ${shown >= 70 ? 'hot' : shown >= 40 ? 'warm' : 'cold'}" style=${{ width: `${Math.max(0, Math.min(100, shown))}%` }} /></span></span>`;
}

/** inbound, outbound or by the web. */
export function Direction({ direction, type }) {
  const name = direction ?? 'web';
  return html`<span class="direction" title=${direction ? words(direction) : 'Web call'}>
    <${Icon} name=${type === 'webCall' || !direction ? 'web' : direction} size=${15} /><span class="direction-word">${words(name)}</span></span>`;
}

/** A time in the zone, with date, offset and zone as a hint. */
export const Time = ({ value, format = shortTime }) => (value ? html`<time datetime=${value} title=${`${fullTime(value, zone.value)} (${zone.value})`}>
  ${format(value, zone.value)}</time>` : html`<span class="muted">–</span>`);
