/**
 * FreshBooks: OAuth with refresh tokens that are good for one use, time entries without any idempotency, clients and invoices.
 * Unknown filters are ignored, pages are cut to 100, and errors come in five shapes.
 */
import { randomUUID } from 'node:crypto';

const PAGE_MOST = 100;

export const ids = { client: 'made-up-client', secret: 'made-up-client-secret', business: 4242, account: 'ABC123', redirect: 'https://sales.example.com/freshbooks' };

const timeError = (errno, error) => ({ status: 422, value: { errno, error } });
const oauthError = (error, description) => ({ status: 400, value: { error, error_description: description } });
const unauthenticated = { status: 401, value: { error: 'unauthenticated', error_description: 'This action requires authentication to continue.' } };

export class FreshBooks {
  life = 43200;
  entries = [];
  invoices = [];
  clients = [];
  refreshes = 0;
  codes = new Map();
  access = null;
  refresh = null;
  spent = new Set();
  minutes = false;
  billedReadOnly = false;

  constructor() {
    this.codes.set('code-1', true);
  }

  tokens() {
    this.access = `fb-access-${randomUUID()}`;
    this.refresh = `fb-refresh-${randomUUID()}`;
    this.issued = Date.now();
    return { status: 200, value: { access_token: this.access, token_type: 'Bearer', expires_in: this.life, refresh_token: this.refresh, scope: 'user:profile:read', created_at: Math.floor(Date.now() / 1000) } };
  }

  token(body) {
    if (body.client_id !== ids.client || body.client_secret !== ids.secret) return { status: 401, value: { error: 'invalid_client', error_description: 'Client authentication failed' } };
    if (body.redirect_uri !== ids.redirect) return oauthError('invalid_grant', 'The redirect URI does not match');
    if (body.grant_type === 'authorization_code') {
      if (!this.codes.delete(body.code)) return oauthError('invalid_grant', 'The provided authorization grant is invalid');
      return this.tokens();
    }
    if (body.grant_type !== 'refresh_token') return oauthError('unsupported_grant_type', 'The grant type is not supported');
    this.refreshes++;
    if (body.refresh_token !== this.refresh) return oauthError('invalid_grant', 'The provided authorization grant is invalid');
    this.spent.add(this.refresh);
    return this.tokens();
  }

  filtered(query) {
    const time = (name) => (query.get(name) ? Date.parse(query.get(name)) : null);
    return this.entries.filter((entry) => {
      const at = Date.parse(entry.started_at);
      if (query.get('include_deleted') !== 'true' && entry.active === false) return false;
      if (query.get('client_id') && String(entry.client_id) !== query.get('client_id')) return false;
      if (time('started_from') !== null && at < time('started_from')) return false;
      return time('started_to') === null || at <= time('started_to');
    });
  }

  page(list, query) {
    const size = Math.min(Number(query.get('per_page') ?? 30), PAGE_MOST);
    const page = Number(query.get('page') ?? 1);
    return { part: list.slice((page - 1) * size, page * size), meta: { total: list.length, per_page: size, page, pages: Math.max(1, Math.ceil(list.length / size)) } };
  }

  timeEntries(method, id, query, body) {
    if (method === 'GET') {
      const { part, meta } = this.page(this.filtered(query), query);
      return { status: 200, value: { time_entries: part, meta: { ...meta, total_logged: 0, total_unbilled: 0 } } };
    }
    const given = body?.time_entry;
    if (!given?.started_at) return timeError(2001, { started_at: 'field required' });
    if (given.is_logged && !(given.duration > 0)) return timeError(2001, { __root__: 'Logged entries must have a duration' });
    if (given.client_id && !this.clients.some((client) => client.id === given.client_id)) return { status: 404, value: { error: 'Requested resource could not be found.' } };
    if (method === 'POST') {
      const entry = { id: 9000 + this.entries.length, active: true, billed: false, identity_id: 1, created_at: new Date().toISOString(), ...given };
      if (this.minutes) entry.duration = Math.round(entry.duration / 60) * 60;
      this.entries.push(entry);
      return { status: 200, value: { time_entry: entry } };
    }
    const entry = this.entries.find((one) => String(one.id) === id);
    if (!entry) return { status: 404, value: { error: 'Requested resource could not be found.' } };
    const { billed } = entry;
    Object.assign(entry, given);
    if (this.billedReadOnly) entry.billed = billed;
    return { status: 200, value: { time_entry: entry } };
  }

  listClients(query) {
    const like = (field, value) => (value ?? '').toLowerCase().includes((query.get(field) ?? '').toLowerCase());
    const list = this.clients.filter((client) => (!query.has('search[email]') || client.email === query.get('search[email]'))
      && (!query.has('search[organization_like]') || like('search[organization_like]', client.organization))
      && (!query.has('search[phone_like]') || [client.mob_phone, client.bus_phone, client.home_phone].some((phone) => like('search[phone_like]', phone))));
    const { part, meta } = this.page(list, query);
    return { status: 200, value: { response: { result: { clients: part, ...meta } } } };
  }

  listInvoices(method, query, body) {
    if (method === 'GET') {
      const { part, meta } = this.page(this.invoices.filter((invoice) => !query.has('search[customerid]') || String(invoice.customerid) === query.get('search[customerid]')), query);
      return { status: 200, value: { response: { result: { invoices: part, ...meta } } } };
    }
    const given = body?.invoice;
    // A classic error, with status 200.
    if (!given?.create_date) return { status: 200, value: { response: { errors: [{ errno: 1001, field: 'create_date', message: 'Create date is required.', object: 'invoice', value: '' }] } } };
    if (!this.clients.some((client) => client.id === given.customerid)) return { status: 404, value: { code: 5, message: 'Client not found.', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: '1012' }] } };
    // An unknown "quantity" would be dropped, and the line be of 0.
    const lines = given.lines.map((line) => ({ ...line, qty: line.qty ?? 0 }));
    const invoice = { id: 500 + this.invoices.length, invoice_number: `00000${this.invoices.length + 1}`, v3_status: 'draft', ...given, lines };
    this.invoices.push(invoice);
    return { status: 200, value: { response: { result: { invoice } } } };
  }

  async answer({ method, path, query, headers, text }) {
    const route = path.slice('/freshbooks'.length);
    const body = text ? JSON.parse(text) : undefined;
    if (route === '/auth/oauth/token' && method === 'POST') return this.token(body);
    if (!this.access || headers.authorization !== `Bearer ${this.access}` || Date.now() > this.issued + this.life * 1000) return unauthenticated;
    if (route === '/auth/api/v1/users/me') {
      return { status: 200, value: { response: { id: 1, first_name: 'Robin', email: 'robin@example.com', business_memberships: [{ id: 77, role: 'owner', business: { id: ids.business, account_id: ids.account, name: 'Made Up Ltd' } }] } } };
    }
    const entry = new RegExp(`^/timetracking/business/${ids.business}/time_entries(?:/(\\d+))?$`).exec(route);
    if (entry) return this.timeEntries(method, entry[1], query, body);
    if (route === `/accounting/account/${ids.account}/users/clients`) return this.listClients(query);
    if (route === `/accounting/account/${ids.account}/invoices/invoices`) return this.listInvoices(method, query, body);
    return { status: 404, value: { error: 'Requested resource could not be found.' } };
  }

  set(values) {
    const { expire, revoke, code, ...rest } = values;
    Object.assign(this, rest);
    if (expire) this.issued = 0;
    // Another program has used it, or a person took the authorisation back.
    if (revoke) this.refresh = this.access = null;
    if (code) this.codes.set(code, true);
  }

  state() {
    return { entries: this.entries, invoices: this.invoices, refreshes: this.refreshes, access: this.access, refresh: this.refresh };
  }
}
