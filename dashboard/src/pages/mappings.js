import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { rows, rpc } from '../api.js';
import { useResource } from '../load.js';
import { count } from '../format.js';
import { Answer } from '../parts/states.js';
import { PageHead } from '../parts/shell.js';
import { OutwardTabs } from '../parts/tabs.js';

const STATUSES = ['planned', 'started', 'completed'];
const optional = (value) => value || null;

/** A form that does something and says what went wrong. */
function Form({ label, act, children }) {
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setError(null);
    try {
      await act(given);
    } catch (failure) {
      setError(failure);
    }
  };
  return html`<form onSubmit=${submit} class="stack">${children}
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <div class="buttons"><button type="submit" class="primary">${label}</button></div></form>`;
}

const Pick = ({ name, label, items, none, multiple }) => html`<label class="field">${label}<select name=${name} required=${!none && !multiple} multiple=${multiple}>
  ${none && html`<option value="">${none}</option>`}${items.map(({ id, name: text }) => html`<option key=${id} value=${id}>${text}</option>`)}</select></label>`;

function LinearMapping() {
  const mappings = useResource('linear mappings', (signal) => rows('linear_mappings', { order: 'assistant_id' }, { signal }));
  const assistants = useResource('assistants of mappings', (signal) => rows('assistants', { select: 'id,name', order: 'name' }, { signal }));
  const [choices, setChoices] = useState(null);
  const [error, setError] = useState(null);
  const ask = async () => {
    setError(null);
    try {
      setChoices(await rpc('vapi_linear_choices'));
    } catch (failure) {
      setError(failure);
    }
  };
  const nameOf = (list, id) => choices?.[list].nodes.find((node) => node.id === id)?.name ?? id ?? '–';
  const save = async (given) => {
    await rpc('vapi_map_linear', { team: given.get('team'), project: optional(given.get('project')), labels: given.getAll('labels'), assignee: optional(given.get('assignee')),
      project_status: optional(given.get('project_status')), assistant: given.get('assistant') });
    mappings.reload();
  };
  return html`<section class="card" aria-labelledby="linear-title"><h2 id="linear-title">Linear</h2>
    <${Answer} resource=${mappings} lines=${2}>${(data) => (data.length === 0 ? html`<p class="muted">No team is chosen: issues wait.</p>` : html`
      <div class="table-wrap" role="region" aria-label="Table of Linear mappings" tabindex="0"><table class="stacked"><caption class="visually-hidden">Linear mappings</caption>
      <thead><tr><th scope="col">Calls of</th><th scope="col">Team</th><th scope="col">Project</th><th scope="col">Assignee</th><th scope="col">Project moves to</th><th scope="col">
        <span class="visually-hidden">What can be done</span></th></tr></thead>
      <tbody>${data.map((one) => html`<tr key=${one.assistant_id}><th scope="row">${one.assistant_id === '' ? 'All others' : one.assistant_name ?? one.assistant_id}</th><td data-name="Team">${nameOf('teams', one.team_id)}</td>
        <td data-name="Project">${nameOf('projects', one.project_id)}</td><td data-name="Assignee">${nameOf('users', one.assignee_id)}</td><td data-name="Project moves to">${one.project_status ?? '–'}</td>
        <td><button type="button" class="plain" onClick=${async () => { await rpc('vapi_map_linear', { team: null, assistant: one.assistant_id }); mappings.reload(); }}>Remove</button></td></tr>`)}</tbody></table></div>`)}</${Answer}>
    ${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    ${choices ? html`<${Form} label="Save" act=${save}>
      <${Pick} name="assistant" label="Calls of" items=${assistants.data ?? []} none="All others" />
      <${Pick} name="team" label="Team" items=${choices.teams.nodes} /><${Pick} name="project" label="Project" items=${choices.projects.nodes} none="None" />
      <${Pick} name="project_status" label="A qualified lead moves the project to" items=${STATUSES.map((name) => ({ id: name, name }))} none="It stays" />
      <${Pick} name="assignee" label="Assignee" items=${choices.users.nodes.filter((user) => user.active)} none="Nobody" />
      <${Pick} name="labels" label="Labels" items=${choices.issueLabels.nodes.filter((label) => !label.isGroup)} multiple /></${Form}>`
    : html`<div class="buttons"><button type="button" onClick=${ask}>Choose in Linear</button></div>`}</section>`;
}

function Reviews() {
  const reviews = useResource('billing reviews', (signal) => rows('billing_reviews', { order: 'created_at' }, { signal }), { every: 20000 });
  const choose = (subject) => async (given) => {
    await rpc('vapi_match_client', { subject, client: Number(given.get('client')) });
    reviews.reload();
  };
  return html`<section class="card" aria-labelledby="reviews-title"><h2 id="reviews-title">Whom to bill</h2>
    <${Answer} resource=${reviews} lines=${2}>${(data) => (data.length === 0 ? html`<p class="muted">Nobody waits for a decision.</p>` : html`<ul class="billing-reviews">${data.map((one) => html`<li key=${one.subject}>
      <b>${[one.prospect_name, one.company].filter(Boolean).join(', ') || one.subject}</b> <span class="muted">${count(one.waiting)} calls wait</span>
      <${Form} label="Bill this client" act=${choose(one.subject)}><label class="field">Client of FreshBooks<input name="client" type="number" min="1" required list=${`clients-${one.subject}`} /></label>
        <datalist id=${`clients-${one.subject}`}>${one.candidates.map(({ id, organization }) => html`<option key=${id} value=${id}>${organization}</option>`)}</datalist></${Form}></li>`)}</ul>`)}</${Answer}></section>`;
}

function Billing() {
  const [said, setSaid] = useState(null);
  const [error, setError] = useState(null);
  const time = useResource('client time', (signal) => rows('client_time', { order: 'month.desc,client_name', limit: 60 }, { signal }));
  const invoices = useResource('invoices', (signal) => rows('invoices', { order: 'invoice_id.desc', limit: 20 }, { signal }), { every: 15000 });
  const draft = (one) => async () => {
    setError(null);
    try {
      setSaid(`Draft ${await rpc('vapi_draft_invoice', { client: one.client_id, month: one.month })} is being made.`);
    } catch (failure) {
      setError(failure);
    }
    time.reload();
    invoices.reload();
  };
  const terms = async (given) => {
    await rpc('vapi_set_billing_terms', { client: Number(given.get('client')), rate: given.get('rate') ? Number(given.get('rate')) : null, currency: given.get('currency'),
      rounding_seconds: Number(given.get('rounding')) * 60, minimum_seconds: Number(given.get('minimum')) * 60, name: optional(given.get('name')) });
    time.reload();
  };
  return html`<section class="card" aria-labelledby="billing-title"><h2 id="billing-title">Time of clients</h2>
    ${said && html`<p class="banner good" role="status">${said}</p>`}${error && html`<p class="banner bad" role="alert">${error.message} ${error.hint ?? ''}</p>`}
    <${Answer} resource=${time} lines=${3}>${(data) => (data.length === 0 ? html`<p class="muted">No call has been logged yet.</p>` : html`
      <div class="table-wrap" role="region" aria-label="Table of client time" tabindex="0"><table class="stacked"><caption class="visually-hidden">Time by client and month</caption>
      <thead><tr><th scope="col">Client</th><th scope="col">Month</th><th scope="col" class="number">Calls</th><th scope="col" class="number">Hours</th><th scope="col" class="number">Billed</th>
        <th scope="col" class="number">Unbilled</th><th scope="col" class="number">Amount</th><th scope="col"><span class="visually-hidden">What can be done</span></th></tr></thead>
      <tbody>${data.map((one) => html`<tr key=${`${one.client_id} ${one.month}`}><th scope="row">${one.client_name ?? one.client_id}</th><td>${one.month.slice(0, 7)}</td><td class="number" data-name="Calls">${count(one.calls)}</td>
        <td class="number" data-name="Hours">${one.logged_hours}</td><td class="number" data-name="Billed">${one.billed_hours}</td><td class="number" data-name="Unbilled">${one.unbilled_hours}</td>
        <td class="number" data-name="Amount">${one.unbilled_amount === null ? '–' : `${Number(one.unbilled_amount).toFixed(2)} ${one.currency_code}`}</td>
        <td>${one.unbilled_hours > 0 && html`<button type="button" onClick=${draft(one)}>Draft invoice</button>`}</td></tr>`)}</tbody></table></div>`)}</${Answer}>
    ${invoices.data?.length > 0 && html`<h3>Drafts</h3><ul class="history">${invoices.data.map((one) => html`<li key=${one.invoice_id}>
      ${one.client_name ?? one.client_id}, ${one.month.slice(0, 7)}: ${Number(one.amount).toFixed(2)} ${one.currency_code} <span class="muted">${one.freshbooks_number ?? ''} ${one.state}</span></li>`)}</ul>`}
    <h3>Terms of a client</h3>
    <${Form} label="Save" act=${terms}><label class="field">Client of FreshBooks<input name="client" type="number" min="1" required /></label>
      <label class="field">Name<input name="name" maxlength="200" /></label><label class="field">Rate an hour<input name="rate" type="number" min="0" step="0.01" /></label>
      <label class="field">Currency<input name="currency" required pattern="[A-Z]{3}" defaultValue="USD" /></label>
      <label class="field">Rounded up to minutes<input name="rounding" type="number" min="1" max="1440" required defaultValue="1" /></label>
      <label class="field">At least minutes<input name="minimum" type="number" min="0" max="1440" required defaultValue="1" /></label></${Form}></section>`;
}

/** Which team, project and people in Linear, and which client of FreshBooks. */
export function MappingsPage() {
  return html`<${PageHead} title="Mappings" /><${OutwardTabs} here="/mappings" /><div class="sections">
    <${LinearMapping} /><${Reviews} /><${Billing} /></div>`;
}
