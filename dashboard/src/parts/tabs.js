import { html } from '../html.js';

/** Links to views that belong together. `views` are [url, text, is it this one]. */
export const Tabs = ({ label, views }) => html`<nav class="tabs" aria-label=${label}>
  ${views.map(([url, text, here]) => html`<a key=${url} href=${url} aria-current=${here ? 'page' : undefined}>${text}</a>`)}</nav>`;

const OUTWARD = [['/connections', 'Connections'], ['/mappings', 'Mappings'], ['/deliveries', 'Deliveries']];
/** The pages of what goes out; `here` is the path of the present one. */
export const OutwardTabs = ({ here }) => html`<${Tabs} label="What goes out" views=${OUTWARD.map(([url, text]) => [url, text, url === here])} />`;
