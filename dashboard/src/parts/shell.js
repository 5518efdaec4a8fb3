import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { go, place, takeFocus } from '../router.js';
import { is, session, signOut } from '../session.js';
import { theme, dark } from '../theme.js';
import { feed, underWay } from '../live-feed.js';
import { timeOfDay } from '../format.js';
import { zone } from '../zone.js';
import { useKeys } from '../keys.js';
import { Icon } from './icons.js';
import { KeyHelp } from './dialog.js';

const PAGES = [['calls', 'Calls'], ['live', 'Live'], ['analytics', 'Analytics'], ['prospects', 'Prospects'], ['operations', 'Operations', 'admin'], ['connections', 'Connections', 'admin']];

/** Is the live feed well, in words. */
function Connection() {
  const { state, since } = feed.value;
  const text = { live: 'Live', connecting: 'Connecting…', stale: `Not live since ${timeOfDay(since, zone.value)}`, off: 'Not live' }[state];
  return html`<span class="connection ${state}" role="status" title=${state === 'live' ? 'Calls are shown as they happen' : 'What is shown may be old; the page keeps trying'}>
    <span class="connection-dot" aria-hidden="true" />${text}</span>`;
}

function ThemeButton() {
  const next = { system: 'light', light: 'dark', dark: 'system' }[theme.value];
  return html`<button type="button" class="plain theme" onClick=${() => { theme.value = next; }} title=${`Theme: ${theme.value}. Change to ${next}.`}>
    <${Icon} name=${dark.value ? 'moon' : 'sun'} /><span class="visually-hidden">Theme: ${theme.value}. Change to ${next}.</span></button>`;
}

function Account() {
  const menu = useRef();
  const [error, setError] = useState(null);
  const close = () => menu.current?.removeAttribute('open');
  useEffect(close, [place.value]);
  useEffect(() => {
    const outside = (event) => { if (!menu.current?.contains(event.target)) close(); };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, []);
  return html`<details class="account" ref=${menu} onKeyDown=${(event) => { if (event.key === 'Escape' && menu.current.open) { event.stopPropagation(); event.preventDefault(); close(); menu.current.firstElementChild.focus(); } }}>
    <summary><${Icon} name="account" /><span class="account-name">${session.value.login}</span></summary>
    <div class="menu">
      <p class="menu-who">${session.value.login}<br /><span class="muted">${session.value.profile}</span></p>
      <a href="/account">Change password</a>
      <a href="/serving.md" data-plain>API of this host</a>
      <button type="button" onClick=${() => signOut().catch(setError)}>Sign out</button>
      ${error && html`<p class="bad-text" role="alert">${error.message}</p>`}
    </div>
  </details>`;
}

/** What is around every page: navigation, connection, theme, account. */
export function Shell({ children }) {
  const [help, setHelp] = useState(false);
  const going = useRef(0);
  const page = place.value.path.split('/')[1] || 'calls';
  const here = ['mappings', 'deliveries'].includes(page) ? 'connections' : page;
  const jump = (page) => () => { if (Date.now() - going.current < 1500) go(page); };
  useKeys({ '?': () => setHelp(true), g: () => { going.current = Date.now(); }, c: jump('/calls'), l: jump('/live'), a: jump('/analytics') });
  return html`<a class="skip" href="#main">Skip to content</a>
  <div class="shell">
    <header class="side">
      <a class="brand" href="/calls"><img src="/assets/icon.svg" width="26" height="26" alt="" /><span>vapi_sales</span></a>
      <nav aria-label="Pages">
        ${PAGES.filter(([, , profile]) => !profile || is(profile)).map(([path, name]) => html`<a key=${path} href=${`/${path}`} class="nav-link" aria-current=${here === path ? 'page' : undefined}>
          <${Icon} name=${path} /><span>${name}</span>${path === 'live' && underWay.value ? html`<span class="nav-count">${underWay.value}
            <span class="visually-hidden"> under way</span></span>` : null}</a>`)}
      </nav>
      <div class="side-end">
        <${Connection} />
        <div class="side-tools"><${Account} /><${ThemeButton} /></div>
      </div>
    </header>
    <main id="main" tabindex="-1">${children}</main>
  </div>
  ${help && html`<${KeyHelp} onClose=${() => setHelp(false)} />`}`;
}

/** A page's head: its name, which the tab has, too, and what belongs beside it. */
export function PageHead({ title, tab, children }) {
  const head = useRef();
  useEffect(() => { document.title = `${tab ?? title} · vapi_sales`; }, [title, tab]);
  // Keyboard and screen reader begin at the head of a page that was gone to.
  useEffect(() => {
    if (!takeFocus()) return;
    scrollTo(0, 0);
    head.current.focus({ preventScroll: true });
  }, []);
  return html`<div class="page-head"><h1 tabindex="-1" ref=${head}>${title}</h1><div class="page-tools">${children}</div></div>`;
}
