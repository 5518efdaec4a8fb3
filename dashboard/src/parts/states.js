import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { ago, timeOfDay } from '../format.js';
import { zone } from '../zone.js';

/** Grey lines where an answer will be. */
export const Skeleton = ({ lines = 6 }) => html`<div class="skeleton" role="status"><span class="visually-hidden">Loading</span>
  ${Array.from({ length: lines }, (_, i) => html`<div key=${i} class="skeleton-line" />`)}</div>`;

/** Why there is nothing, and what to do next. */
export const Empty = ({ title, children }) => html`<div class="empty"><p class="empty-title">${title}</p><div class="empty-next">${children}</div></div>`;

/** What went wrong, since when, and another try. */
export const Failure = ({ error, since, retry }) => html`<div class="banner bad" role="alert">
  <div><strong>${error.message}</strong>${error.hint ? ` ${error.hint}` : ''}${since ? html` <span class="muted">Since ${timeOfDay(since, zone.value)}.</span>` : ''}
    </div>
  ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
</div>`;

/** What is shown is old: asking again has failed. */
export const Stale = ({ resource }) => html`<div class="banner warn" role="status">
  <div><strong>Shown as of ${ago(resource.at)}.</strong> ${resource.error.message}</div>
  <button type="button" onClick=${resource.reload}>Try again</button>
</div>`;

/** A resource's state around what shows its data: `children` is a function of the data. */
export function Answer({ resource, lines, children }) {
  const { data, error, failedAt, slow, reload } = resource;
  if (data === undefined || data === null) {
    if (error) return html`<${Failure} error=${error} since=${failedAt} retry=${reload} />`;
    return slow ? html`<${Skeleton} lines=${lines} />` : html`<div class="skeleton-space" />`;
  }
  return html`${error ? html`<${Stale} resource=${resource} />` : null}<div class=${error ? 'stale' : ''}>${children(data)}</div>`;
}

/** The time now, told anew every so many ms. */
export function useNow(every = 1000) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
