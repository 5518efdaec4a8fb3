import { html } from '../html.js';
import { count, duration, money, smallMoney, words } from '../format.js';
import { Status, Time } from '../parts/badges.js';
import { Copy } from '../parts/copy.js';
import { is } from '../session.js';
import { plain } from './call-outcome.js';
import { FollowUpForm, StatusForm } from './prospect-actions.js';

const Row = ({ name, children }) => html`<div><dt>${name}</dt><dd dir="auto">${children}</dd></div>`;

/** Who the call was with, and their other calls. */
export function LeadCard({ call, onChange }) {
  const { prospect, history } = call;
  return html`<section class="card" aria-labelledby="lead-title"><h2 id="lead-title">Lead</h2>
    ${prospect ? html`<dl class="facts">
        <${Row} name="Name"><a href=${`/prospects/${prospect.id}`}>${prospect.name ?? call.customerName ?? 'Not known'}</a></${Row}>
        ${prospect.company && html`<${Row} name="Company">${prospect.company}</${Row}>`}
        <${Row} name="Status">${words(prospect.status)}</${Row}>
        ${prospect.email && html`<${Row} name="Email">${prospect.email}</${Row}>`}
        ${(prospect.phones ?? []).length > 0 && html`<${Row} name="Phone">${prospect.phones.join(', ')}</${Row}>`}
        ${prospect.externalId && html`<${Row} name="Id elsewhere">${prospect.externalId}</${Row}>`}
      </dl>${prospect.doNotCall && html`<p class="banner bad">Do not call.</p>`}
      ${is('agent', 'admin') && html`<${StatusForm} key=${prospect.status} id=${prospect.id} status=${prospect.status === 'on-call' ? '' : prospect.status} onSet=${onChange} />
        <${FollowUpForm} id=${prospect.id} call=${call.id} onSaved=${onChange} />`}`
    : html`<p class="muted">${call.customerName || call.customerNumber ? `${[call.customerName, call.customerNumber].filter(Boolean).join(', ')} is no prospect.` : 'Nobody is known for this call.'}</p>`}
    ${history?.length > 0 && html`<h3>Other calls</h3><ul class="history">${history.map((other) => html`<li key=${other.id}>
      <a href=${`/calls/${encodeURIComponent(other.id)}`}><${Time} value=${other.createdAt} /></a><${Status} value=${other.status} />
      <span class="muted">${other.outcome ? words(other.outcome) : duration(other.duration)}</span></li>`)}</ul>`}
  </section>`;
}

/** What the cost is made of. */
export function CostCard({ call }) {
  const items = (call.costs ?? []).filter(({ cost }) => cost).sort((a, b) => b.cost - a.cost);
  if (!items.length) return null;
  const detail = ({ details, subtype, minutes }) => [subtype && words(subtype).toLowerCase(), details?.model?.model ?? details?.transcriber?.model ?? details?.voice?.provider ?? details?.provider,
    minutes ? `${minutes.toFixed(1)} min` : null].filter(Boolean).join(', ');
  return html`<section class="card" aria-labelledby="cost-title"><h2 id="cost-title">Cost</h2>
    <table class="compact"><caption class="visually-hidden">Parts of the cost in US dollars</caption>
      <thead class="visually-hidden"><tr><th scope="col">Part</th><th scope="col">Cost</th></tr></thead>
      <tbody>${items.map((item, i) => html`<tr key=${i}><th scope="row">${words(item.type)} <span class="muted">${detail(item)}</span></th><td class="number">
        ${smallMoney(item.cost)}</td></tr>`)}</tbody>
      <tfoot><tr><th scope="row">Total</th><td class="number">${money(call.cost)}</td></tr></tfoot>
    </table></section>`;
}

/** The rest: ids, times, how well the assistant did. */
export function FactsCard({ call }) {
  const metrics = call.performanceMetrics ?? {};
  return html`<section class="card" aria-labelledby="facts-title"><h2 id="facts-title">Details</h2><dl class="facts">
    <${Row} name="Call"><span class="id">${call.id}</span><${Copy} text=${call.id} label="the call's id" /></${Row}>
    ${call.assistantName && html`<${Row} name="Assistant">${call.assistantName}${call.assistantVersion ? html` <span class="muted">${call.assistantVersion}</span>` : ''}
      </${Row}>`}
    <${Row} name="Created"><${Time} value=${call.createdAt} /></${Row}>
    ${call.endedAt && html`<${Row} name="Ended"><${Time} value=${call.endedAt} /></${Row}>`}
    ${call.endedFamily && html`<${Row} name="Kind of end">${words(call.endedFamily)}</${Row}>`}
    ${call.turns !== undefined && html`<${Row} name="Turns">${count(call.turns)}</${Row}>`}
    ${metrics.turnLatencyAverage && html`<${Row} name="Answer time">${(metrics.turnLatencyAverage / 1000).toFixed(1)} s on average</${Row}>`}
    ${metrics.numUserInterrupted !== undefined && html`<${Row} name="Interrupted">customer ${metrics.numUserInterrupted}×, assistant ${metrics.numAssistantInterrupted ?? 0}×</${Row}>`}
    ${call.campaignId && html`<${Row} name="Campaign"><span class="id">${call.campaignId}</span></${Row}>`}
    ${Object.entries(call.metadata ?? {}).map(([name, value]) => html`<${Row} key=${name} name=${words(name)}>${plain(value)}</${Row}>`)}
  </dl></section>`;
}
