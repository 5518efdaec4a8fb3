-- A page of Vapi's objects into the mirror; after the last page what Vapi did
-- not list is gone.

CREATE FUNCTION vapi_internal.bare_url(url text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$ SELECT regexp_replace(regexp_replace(url, '[?#].*$', ''), '^([A-Za-z]+://)[^/@]*@', '\1') $$;
COMMENT ON FUNCTION vapi_internal.bare_url(text) IS 'A URL without user, query and fragment.';

CREATE FUNCTION vapi_internal.mirror_assistants(objects jsonb, stamp timestamptz, last boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rescaled text[];
BEGIN
	-- On another scale other calls are successful. A call that comes while this is under way is folded afterwards.
	PERFORM vapi_internal.rollup_lock();
	SELECT array_agg(o ->> 'id') INTO rescaled
		FROM jsonb_array_elements(objects) AS e(o) LEFT JOIN vapi_internal.assistant a ON a.assistant_id = o ->> 'id'
		WHERE a.success_rubric IS DISTINCT FROM o #>> '{analysisPlan,successEvaluationPlan,rubric}';
	IF rescaled IS NOT NULL THEN
		INSERT INTO vapi_internal.rollup_dirty (slot)
			SELECT DISTINCT c.slot FROM vapi_internal.call c WHERE c.assistant_id = ANY (rescaled) AND c.success_evaluation IS NOT NULL;
	END IF;
	INSERT INTO vapi_internal.assistant
		(assistant_id, org_id, name, version, server_url, success_rubric, data, created_at, updated_at, synced_at)
	SELECT DISTINCT ON (o ->> 'id') o ->> 'id', o ->> 'orgId', o ->> 'name', coalesce(o ->> 'version', o ->> 'latestVersion'),
		vapi_internal.bare_url(coalesce(o #>> '{server,url}', o ->> 'serverUrl')),
		o #>> '{analysisPlan,successEvaluationPlan,rubric}', o,
		(o ->> 'createdAt')::timestamptz, (o ->> 'updatedAt')::timestamptz, stamp
	FROM jsonb_array_elements(objects) AS e(o)
	WHERE o ->> 'id' <> ''
	ON CONFLICT (assistant_id) DO UPDATE SET org_id = excluded.org_id, name = excluded.name,
		version = excluded.version, server_url = excluded.server_url, success_rubric = excluded.success_rubric,
		data = excluded.data, created_at = excluded.created_at, updated_at = excluded.updated_at,
		synced_at = excluded.synced_at, gone = false;
	UPDATE vapi_internal.assistant SET gone = true WHERE last AND synced_at < stamp AND NOT gone;
END
$$;
COMMENT ON FUNCTION vapi_internal.mirror_assistants(jsonb, timestamptz, boolean) IS 'Stores a page of GET /assistant.';

CREATE FUNCTION vapi_internal.mirror_squads(objects jsonb, stamp timestamptz, last boolean) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO vapi_internal.squad (squad_id, org_id, name, data, created_at, updated_at, synced_at)
	SELECT DISTINCT ON (o ->> 'id') o ->> 'id', o ->> 'orgId', o ->> 'name', o,
		(o ->> 'createdAt')::timestamptz, (o ->> 'updatedAt')::timestamptz, stamp
	FROM jsonb_array_elements(objects) AS e(o)
	WHERE o ->> 'id' <> ''
	ON CONFLICT (squad_id) DO UPDATE SET org_id = excluded.org_id, name = excluded.name, data = excluded.data,
		created_at = excluded.created_at, updated_at = excluded.updated_at, synced_at = excluded.synced_at, gone = false;
	UPDATE vapi_internal.squad SET gone = true WHERE last AND synced_at < stamp AND NOT gone;
$$;
COMMENT ON FUNCTION vapi_internal.mirror_squads(jsonb, timestamptz, boolean) IS 'Stores a page of GET /squad.';

CREATE FUNCTION vapi_internal.mirror_phone_numbers(objects jsonb, stamp timestamptz, last boolean) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO vapi_internal.phone_number
		(phone_number_id, org_id, name, number, provider, assistant_id, squad_id, server_url, data, created_at, updated_at,
			synced_at)
	SELECT DISTINCT ON (o ->> 'id') o ->> 'id', o ->> 'orgId', o ->> 'name', o ->> 'number', o ->> 'provider',
		o ->> 'assistantId', o ->> 'squadId', vapi_internal.bare_url(coalesce(o #>> '{server,url}', o ->> 'serverUrl')), o,
		(o ->> 'createdAt')::timestamptz, (o ->> 'updatedAt')::timestamptz, stamp
	FROM jsonb_array_elements(objects) AS e(o)
	WHERE o ->> 'id' <> ''
	ON CONFLICT (phone_number_id) DO UPDATE SET org_id = excluded.org_id, name = excluded.name,
		number = excluded.number, provider = excluded.provider, assistant_id = excluded.assistant_id,
		squad_id = excluded.squad_id, server_url = excluded.server_url, data = excluded.data,
		created_at = excluded.created_at, updated_at = excluded.updated_at, synced_at = excluded.synced_at, gone = false;
	UPDATE vapi_internal.phone_number SET gone = true WHERE last AND synced_at < stamp AND NOT gone;
$$;
COMMENT ON FUNCTION vapi_internal.mirror_phone_numbers(jsonb, timestamptz, boolean) IS 'Stores a page of GET /phone-number.';
