-- Which installation this database belongs to: a copy of it does nothing outward.

CREATE TABLE vapi_internal.instance
(
	system_identifier bigint NOT NULL,
	database_id bigint NOT NULL,
	file_hash text,
	recorded_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE vapi_internal.instance IS
	'The identities under which the database works: without a key, since a restore brings the former ones beside the new one, and one that is another''s makes it a copy.';
COMMENT ON COLUMN vapi_internal.instance.system_identifier IS 'The cluster''s, as pg_control_system() shows it.';
COMMENT ON COLUMN vapi_internal.instance.database_id IS 'The database''s oid: a copy in the same cluster has another.';
COMMENT ON COLUMN vapi_internal.instance.file_hash IS 'The first 16 bytes of sha256 of the secret file instance_id; NULL: there was none.';
COMMENT ON COLUMN vapi_internal.instance.recorded_at IS 'When something first went out, or it was adopted.';
