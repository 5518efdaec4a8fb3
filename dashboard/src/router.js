import { signal } from '@preact/signals';

const read = () => ({ path: location.pathname, query: Object.fromEntries(new URLSearchParams(location.search)), hash: location.hash.slice(1) });

/** Where the page is: {path, query, hash}. The URL is the whole state of filters, range, zone, sort and page. */
export const place = signal(read());

addEventListener('popstate', () => { place.value = read(); });

// Another page was gone to, and nothing of it has the focus yet.
let arriving = false;
let path = location.pathname;
place.subscribe(({ path: now }) => {
  if (now !== path) arriving = true;
  path = now;
});

/** Should what appears now get the focus? Once for each page that is gone to. */
export function takeFocus() {
  const was = arriving;
  arriving = false;
  return was;
}

/** Goes to an URL of this page; `replace` leaves no entry for Back. */
export function go(url, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState']({ inner: true }, '', url);
  place.value = read();
}

/** An URL of a path and parameters; empty ones are left out. */
export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/** Changes parameters of the URL; what is null goes. */
export function setQuery(changes, options) {
  const { path, query } = place.peek();
  go(link(path, { ...query, ...changes }), options);
}

/** Back, or to a page when there is nothing of ours to go back to. */
export function back(otherwise) {
  if (history.state?.inner) history.back();
  else go(otherwise);
}

// Plain clicks on links to pages stay on this page; all others are the browser's.
addEventListener('click', (event) => {
  const anchor = event.target.closest?.('a[href]');
  if (!anchor || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (anchor.origin !== location.origin || anchor.target || anchor.hasAttribute('download') || anchor.dataset.plain !== undefined) return;
  event.preventDefault();
  if (anchor.pathname === location.pathname && anchor.search === location.search && anchor.hash) {
    const target = document.getElementById(anchor.hash.slice(1));
    target?.focus();
    target?.scrollIntoView();
    return;
  }
  go(anchor.pathname + anchor.search + anchor.hash);
});
