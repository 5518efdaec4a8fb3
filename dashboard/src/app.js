import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
// Signals that a component reads have it rendered anew.
import { effect } from '@preact/signals';
import { html } from './html.js';
import { go, place } from './router.js';
import { is, session, sessionError, whoAmI } from './session.js';
import { closeFeed, openFeed } from './live-feed.js';
import './theme.js';
import { Empty, Failure, Skeleton } from './parts/states.js';
import { PageHead, Shell } from './parts/shell.js';
import { AccountPage, FirstPassword, SignIn } from './pages/sign-in.js';
import { CallsPage } from './pages/calls.js';

// Pages that are loaded when somebody goes there.
const LAZY = {
  call: () => import('./pages/call.js').then((module) => module.CallPage),
  live: () => import('./pages/live.js').then((module) => module.LivePage),
  analytics: () => import('./pages/analytics.js').then((module) => module.AnalyticsPage),
  prospects: () => import('./pages/prospects.js').then((module) => module.ProspectsPage),
  operations: () => import('./pages/operations.js').then((module) => module.OperationsPage),
  connections: () => import('./pages/connections.js').then((module) => module.ConnectionsPage),
  mappings: () => import('./pages/mappings.js').then((module) => module.MappingsPage),
  deliveries: () => import('./pages/deliveries.js').then((module) => module.DeliveriesPage),
};
// For administrators.
const ADMIN = { operations: 'Operations', connections: 'Connections', mappings: 'Mappings', deliveries: 'Deliveries' };
const loaded = {};

function Lazy({ page, ...props }) {
  const [, setTurn] = useState(0);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (loaded[page]) return;
    LAZY[page]().then((component) => { loaded[page] = component; setTurn((n) => n + 1); }, setError);
  }, [page, error]);
  if (loaded[page]) return html`<${loaded[page]} ...${props} />`;
  if (error) return html`<${Failure} error=${{ message: 'This part of the page could not be loaded.', hint: 'There may be a newer version of it.' }} retry=${() => location.reload()} />`;
  return html`<${Skeleton} />`;
}

function Page() {
  const { path } = place.value;
  const [, page, id] = path.split('/').map((part) => { try { return decodeURIComponent(part); } catch { return part; } });
  if (page === 'calls' && id) return html`<${Lazy} page="call" id=${id} key=${id} />`;
  if (page === 'calls') return html`<${CallsPage} />`;
  if (ADMIN[page] && !is('admin')) return html`<${PageHead} title=${ADMIN[page]} /><${Empty} title="This page is for administrators.">Ask one of them for the profile admin.</${Empty}>`;
  if (page === 'prospects') return html`<${Lazy} page="prospects" id=${id} key=${id ?? ''} />`;
  if (LAZY[page] && page !== 'call') return html`<${Lazy} page=${page} />`;
  if (page === 'account') return html`<${AccountPage} />`;
  return html`<${PageHead} title="Not here" /><${Empty} title="There is no such page."><a href="/calls">All calls</a></${Empty}>`;
}

function App() {
  const who = session.value;
  const signedIn = Boolean(who) && !who.must_change_password;
  useEffect(() => {
    if (!signedIn) return undefined;
    openFeed();
    return closeFeed;
  }, [signedIn, who?.login]);
  if (sessionError.value) return html`<main class="gate"><${Failure} error=${sessionError.value} retry=${whoAmI} /></main>`;
  if (who === undefined) return html`<main class="gate" aria-busy="true" />`;
  if (who === null) return html`<${SignIn} />`;
  if (who.must_change_password) return html`<${FirstPassword} />`;
  return html`<${Shell}><${Page} /></${Shell}>`;
}

effect(() => {
  if (place.value.path === '/') go('/calls', { replace: true });
});
// While the server cannot be reached it is asked again.
setInterval(() => { if (sessionError.peek()) whoAmI(); }, 5000);
whoAmI();
render(html`<${App} />`, document.getElementById('app'));
