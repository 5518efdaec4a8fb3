-- FreshBooks: the connection, whom calls are billed to, and what was logged and billed.

CREATE TABLE vapi_internal.freshbooks_connection
(
	only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
	version bigint NOT NULL DEFAULT 1,
	access_token bytea NOT NULL,
	refresh_token bytea NOT NULL,
	redirect_uri text NOT NULL,
	issued_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	refresh_started_at timestamptz,
	refresh_after timestamptz,
	needs_authorization text,
	business_id bigint,
	account_id text,
	business_name text,
	connected_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE vapi_internal.freshbooks_connection IS 'The tokens of the connection with FreshBooks, sealed under the secret token_key, and the business that it is for.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.only_row IS 'There is one connection.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.version IS 'Raised with each pair of tokens: who has used one says which.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.access_token IS 'Sealed.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.refresh_token IS 'Sealed. Good for one use: the pair that it brings is committed before it is used.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.redirect_uri IS 'As it was authorised with; each refresh names it.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.issued_at IS 'When the pair was issued.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.expires_at IS 'When the access token ends.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.refresh_started_at IS 'A refresh was begun then and its answer is not stored; NULL: none.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.refresh_after IS 'No refresh before that, after one that failed.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.needs_authorization IS 'Why a person has to authorise it again; deliveries wait. NULL: it is well.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.business_id IS 'Of time tracking.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.account_id IS 'Of clients and invoices.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.business_name IS 'For people.';
COMMENT ON COLUMN vapi_internal.freshbooks_connection.connected_at IS 'When a person last authorised it.';

CREATE TABLE vapi_internal.billing_client
(
	client_id bigint PRIMARY KEY,
	name text,
	rate numeric CHECK (rate >= 0),
	currency_code text NOT NULL DEFAULT 'USD' CHECK (currency_code ~ '^[A-Z]{3}$'),
	rounding_seconds integer NOT NULL DEFAULT 60 CHECK (rounding_seconds BETWEEN 1 AND 86400),
	minimum_seconds integer NOT NULL DEFAULT 60 CHECK (minimum_seconds BETWEEN 0 AND 86400),
	service_id bigint,
	project_id bigint
);
COMMENT ON TABLE vapi_internal.billing_client IS 'Terms of clients of FreshBooks. Written by vapi_set_billing_terms; a client without a row is billed by the defaults.';
COMMENT ON COLUMN vapi_internal.billing_client.client_id IS 'FreshBooks'' id.';
COMMENT ON COLUMN vapi_internal.billing_client.name IS 'For people.';
COMMENT ON COLUMN vapi_internal.billing_client.rate IS 'Per hour, for invoices; NULL: none is agreed.';
COMMENT ON COLUMN vapi_internal.billing_client.currency_code IS 'Of the rate, ISO 4217.';
COMMENT ON COLUMN vapi_internal.billing_client.rounding_seconds IS 'A call''s length is rounded up to a multiple of it.';
COMMENT ON COLUMN vapi_internal.billing_client.minimum_seconds IS 'Shorter calls are billed as that long.';
COMMENT ON COLUMN vapi_internal.billing_client.service_id IS 'FreshBooks'' id of the service of its entries; NULL: none.';
COMMENT ON COLUMN vapi_internal.billing_client.project_id IS 'FreshBooks'' id of the project of its entries; NULL: none.';

CREATE TABLE vapi_internal.billing_match
(
	subject text COLLATE "C" PRIMARY KEY CHECK (subject ~ '^(assistant|prospect):.'),
	client_id bigint NOT NULL,
	decided_by text NOT NULL,
	decided_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE vapi_internal.billing_match IS 'To which client calls are billed: those of an assistant, or with a prospect. An assistant''s goes first.';
COMMENT ON COLUMN vapi_internal.billing_match.subject IS 'assistant: or prospect: and its id.';
COMMENT ON COLUMN vapi_internal.billing_match.client_id IS 'FreshBooks'' id.';
COMMENT ON COLUMN vapi_internal.billing_match.decided_by IS 'rule: exactly one client had the prospect''s e-mail address, number or company; else the role of who chose.';
COMMENT ON COLUMN vapi_internal.billing_match.decided_at IS 'When.';

CREATE TABLE vapi_internal.billing_review
(
	subject text COLLATE "C" PRIMARY KEY,
	candidates jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE vapi_internal.billing_review IS 'Prospects whose client is not certain: a person chooses with vapi_match_client, and their calls wait.';
COMMENT ON COLUMN vapi_internal.billing_review.subject IS 'As in billing_match.';
COMMENT ON COLUMN vapi_internal.billing_review.candidates IS 'Clients of FreshBooks that may be meant: id and organisation.';
COMMENT ON COLUMN vapi_internal.billing_review.created_at IS 'Since when it waits.';

CREATE TABLE vapi_internal.time_entry
(
	delivery_key uuid PRIMARY KEY,
	call_id text COLLATE "C" UNIQUE,
	client_id bigint NOT NULL,
	entry_id bigint NOT NULL,
	started_at timestamptz NOT NULL,
	seconds integer NOT NULL,
	rate numeric,
	currency_code text NOT NULL,
	logged_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	invoice_id bigint,
	billed_at timestamptz
);
COMMENT ON TABLE vapi_internal.time_entry IS 'Time entries at FreshBooks that are ours, one a call.';
COMMENT ON COLUMN vapi_internal.time_entry.delivery_key IS 'As in outbox.';
COMMENT ON COLUMN vapi_internal.time_entry.call_id IS 'The call; NULL once that is erased: what was billed stays.';
COMMENT ON COLUMN vapi_internal.time_entry.client_id IS 'Whom it is billed to.';
COMMENT ON COLUMN vapi_internal.time_entry.entry_id IS 'FreshBooks'' id.';
COMMENT ON COLUMN vapi_internal.time_entry.started_at IS 'When the call began.';
COMMENT ON COLUMN vapi_internal.time_entry.seconds IS 'As billed: rounded up, at least the minimum.';
COMMENT ON COLUMN vapi_internal.time_entry.rate IS 'Per hour when it was logged.';
COMMENT ON COLUMN vapi_internal.time_entry.currency_code IS 'Of the rate.';
COMMENT ON COLUMN vapi_internal.time_entry.logged_at IS 'When FreshBooks had it.';
COMMENT ON COLUMN vapi_internal.time_entry.invoice_id IS 'Our draft that it is on; NULL: none. One entry is on one draft.';
COMMENT ON COLUMN vapi_internal.time_entry.billed_at IS 'When FreshBooks marked it as billed.';
CREATE INDEX time_entry_client_idx ON vapi_internal.time_entry (client_id, started_at);
CREATE INDEX time_entry_invoice_idx ON vapi_internal.time_entry (invoice_id) WHERE invoice_id IS NOT NULL;

CREATE TABLE vapi_internal.invoice
(
	invoice_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	client_id bigint NOT NULL,
	from_at timestamptz NOT NULL,
	to_at timestamptz NOT NULL,
	rate numeric NOT NULL,
	currency_code text NOT NULL,
	freshbooks_id bigint,
	freshbooks_number text,
	requested_by text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE vapi_internal.invoice IS 'Drafts of invoices that were asked for with vapi_draft_invoice.';
COMMENT ON COLUMN vapi_internal.invoice.invoice_id IS 'Our id; the draft''s notes name it.';
COMMENT ON COLUMN vapi_internal.invoice.client_id IS 'FreshBooks'' id of the client.';
COMMENT ON COLUMN vapi_internal.invoice.from_at IS 'Entries from here,';
COMMENT ON COLUMN vapi_internal.invoice.to_at IS 'up to here, without it.';
COMMENT ON COLUMN vapi_internal.invoice.rate IS 'Per hour.';
COMMENT ON COLUMN vapi_internal.invoice.currency_code IS 'Of the rate.';
COMMENT ON COLUMN vapi_internal.invoice.freshbooks_id IS 'FreshBooks'' id; NULL: it is not there yet.';
COMMENT ON COLUMN vapi_internal.invoice.freshbooks_number IS 'The number that FreshBooks gave it.';
COMMENT ON COLUMN vapi_internal.invoice.requested_by IS 'The role that asked for it.';
COMMENT ON COLUMN vapi_internal.invoice.created_at IS 'When.';
