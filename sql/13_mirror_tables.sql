-- What calls refer to at Vapi, read once a day. Soft references: a call may
-- name an assistant that is not here (squads, transient and deleted ones).

CREATE TABLE vapi_internal.assistant
(
	assistant_id text COLLATE "C" PRIMARY KEY,
	org_id text,
	name text,
	version text,
	server_url text,
	success_rubric text,
	data jsonb NOT NULL,
	created_at timestamptz,
	updated_at timestamptz,
	synced_at timestamptz NOT NULL,
	gone boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE vapi_internal.assistant IS 'Mirror of Vapi''s assistants. Read view vapi.assistants.';
COMMENT ON COLUMN vapi_internal.assistant.server_url IS 'Where the assistant sends its server messages, without user, query and fragment.';
COMMENT ON COLUMN vapi_internal.assistant.success_rubric IS 'Scale of success_evaluation: NumericScale, PercentageScale, PassFail, ...; NULL: Vapi''s default.';
COMMENT ON COLUMN vapi_internal.assistant.data IS 'As Vapi gave it, without secrets.';
COMMENT ON COLUMN vapi_internal.assistant.gone IS 'Vapi no longer lists it.';

CREATE TABLE vapi_internal.squad
(
	squad_id text COLLATE "C" PRIMARY KEY,
	org_id text,
	name text,
	data jsonb NOT NULL,
	created_at timestamptz,
	updated_at timestamptz,
	synced_at timestamptz NOT NULL,
	gone boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE vapi_internal.squad IS 'Mirror of Vapi''s squads. Read view vapi.squads.';

CREATE TABLE vapi_internal.phone_number
(
	phone_number_id text COLLATE "C" PRIMARY KEY,
	org_id text,
	name text,
	number text,
	provider text,
	assistant_id text,
	squad_id text,
	server_url text,
	data jsonb NOT NULL,
	created_at timestamptz,
	updated_at timestamptz,
	synced_at timestamptz NOT NULL,
	gone boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE vapi_internal.phone_number IS 'Mirror of Vapi''s phone numbers (ours, not the customers''). Read view vapi.phone_numbers.';
COMMENT ON COLUMN vapi_internal.phone_number.server_url IS 'As in assistant.';
