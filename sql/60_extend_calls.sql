-- The plan's Phase 1 on a table of the user's own: its columns, checks and
-- indexes are added, then kept in step with the calls from the change feed.
-- What touches the user's table runs as its owner, in src/vapi_target.c; the
-- functions here read the catalog only and write the statements it runs.

CREATE TABLE vapi_internal.call_mirror
(
	target_schema text NOT NULL,
	target_table text NOT NULL,
	owner_name text NOT NULL,
	added_columns text[] NOT NULL,
	added_constraints text[] NOT NULL,
	added_indexes text[] NOT NULL,
	extended_at timestamptz NOT NULL,
	target_oid oid NOT NULL,
	incarnation text NOT NULL,
	last_seq bigint NOT NULL,
	resync_after text COLLATE "C",
	retry_at timestamptz,
	PRIMARY KEY (target_schema, target_table)
);
COMMENT ON TABLE vapi_internal.call_mirror IS 'Tables of the user''s that vapi_extend_calls keeps in step with the calls.';
COMMENT ON COLUMN vapi_internal.call_mirror.owner_name IS 'The table''s owner when it was extended: after a restore only this role''s table, or a superuser''s, is written again.';
COMMENT ON COLUMN vapi_internal.call_mirror.added_columns IS 'What vapi_extend_calls added and an undo drops; the rest was the user''s.';
COMMENT ON COLUMN vapi_internal.call_mirror.target_oid IS 'Counts within the incarnation: another table of the same name is not written.';
COMMENT ON COLUMN vapi_internal.call_mirror.incarnation IS 'See mirror_incarnation(): in another one target_oid and last_seq mean nothing, and all calls are gone over again.';
COMMENT ON COLUMN vapi_internal.call_mirror.last_seq IS 'Changes of change_feed up to here are in the table.';
COMMENT ON COLUMN vapi_internal.call_mirror.resync_after IS 'All calls are being gone over, in the order of their ids; those after this one are still to come. NULL: no.';
COMMENT ON COLUMN vapi_internal.call_mirror.retry_at IS 'The table could not be written and is left alone until then.';

CREATE TABLE vapi_internal.mirror_error
(
	target_schema text NOT NULL,
	target_table text NOT NULL,
	call_id text COLLATE "C" NOT NULL,
	sqlstate text NOT NULL,
	message text NOT NULL,
	at timestamptz NOT NULL,
	attempts integer NOT NULL,
	PRIMARY KEY (target_schema, target_table, call_id)
);
COMMENT ON TABLE vapi_internal.mirror_error IS 'Calls that a table of call_mirror did not take. Read view vapi.mirror_errors.';
COMMENT ON COLUMN vapi_internal.mirror_error.call_id IS 'Empty: the table as a whole.';

CREATE VIEW vapi.mirror_errors WITH (security_barrier) AS
	SELECT pg_catalog.format('%I.%I', e.target_schema, e.target_table) AS target,
		nullif(e.call_id, '') AS call_id, e.sqlstate, e.message, e.at, e.attempts
	FROM vapi_internal.mirror_error e;
COMMENT ON VIEW vapi.mirror_errors IS 'Calls that a table extended by vapi_extend_calls did not take, and tables that cannot be written at all. Tried again at the call''s next change, and by vapi_extend_calls.';
COMMENT ON COLUMN vapi.mirror_errors.call_id IS 'NULL: the table as a whole; it is tried again by itself.';

CREATE FUNCTION vapi_internal.mirror_columns(OUT place integer, OUT name text, OUT data_type text, OUT condition text, OUT kind text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	VALUES (1, 'vapi_call_id', 'character varying(255)', '', 'key'),
		(2, 'vapi_status', 'character varying(50)', '', 'word'),
		(3, 'vapi_metadata', 'jsonb', '', 'json'),
		(4, 'cost', 'numeric(10,4)', '', 'money'),
		(5, 'qualification_score', 'integer', ' CHECK (qualification_score >= 0 AND qualification_score <= 100)', 'score'),
		(6, 'call_type', 'character varying(20)', ' CHECK (call_type IN (''inbound'', ''outbound''))', 'word'),
		(7, 'assistant_id', 'character varying(255)', '', 'text'),
		(8, 'phone_number_id', 'character varying(255)', '', 'text'),
		(9, 'customer_number', 'character varying(50)', '', 'text'),
		(10, 'started_at', 'timestamp with time zone', '', 'time'),
		(11, 'ended_at', 'timestamp with time zone', '', 'time'),
		(12, 'error_message', 'text', '', 'text')
$$;
COMMENT ON FUNCTION vapi_internal.mirror_columns() IS 'The plan''s Phase 1. place is the number of the array with the column''s values in src/vapi_target.c.';

CREATE FUNCTION vapi_internal.mirror_incarnation() RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$ SELECT vapi_internal.feed_epoch() || '/' || 'vapi_internal.change_feed'::regclass::oid $$;
COMMENT ON FUNCTION vapi_internal.mirror_incarnation() IS 'The feed''s epoch and the feed itself: changes with every promotion, restore and CREATE EXTENSION.';

-- Domains count as the type they are made of.
CREATE FUNCTION vapi_internal.mirror_layout(target oid, OUT place integer, OUT name text, OUT data_type text, OUT condition text,
	OUT kind text, OUT attnum smallint, OUT found_type text, OUT base_type text, OUT is_enum boolean, OUT writable boolean,
	OUT not_null boolean, OUT default_value text, OUT collation_name text, OUT fits boolean)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT c.place, c.name, c.data_type, c.condition, c.kind, a.attnum,
		format_type(a.atttypid, a.atttypmod), format_type(b.oid, b.typmod), b.typtype = 'e',
		a.attgenerated = '' AND a.attidentity <> 'a',
		a.attnotnull OR b.not_null,
		CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
		(SELECT format('%I.%I', n.nspname, l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
			WHERE l.oid = a.attcollation),
		CASE c.kind
			WHEN 'key' THEN b.oid IN ('text'::regtype, 'varchar'::regtype) AND a.attgenerated = ''
			WHEN 'text' THEN b.oid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype)
			WHEN 'word' THEN b.oid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) OR b.typtype = 'e'
			WHEN 'json' THEN b.oid IN ('jsonb'::regtype, 'json'::regtype)
			WHEN 'money' THEN b.oid IN ('numeric'::regtype, 'float4'::regtype, 'float8'::regtype)
			WHEN 'score' THEN b.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'float4'::regtype, 'float8'::regtype)
			WHEN 'time' THEN b.oid = 'timestamptz'::regtype
		END
	FROM vapi_internal.mirror_columns() c
		LEFT JOIN pg_attribute a ON a.attrelid = target AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		LEFT JOIN LATERAL (
			WITH RECURSIVE base AS (
				SELECT t.oid, a.atttypmod AS typmod, t.typtype, t.typbasetype, t.typtypmod, t.typnotnull AS not_null
				FROM pg_type t WHERE t.oid = a.atttypid
				UNION ALL
				SELECT t.oid, base.typtypmod, t.typtype, t.typbasetype, t.typtypmod, base.not_null OR t.typnotnull
				FROM base JOIN pg_type t ON t.oid = base.typbasetype
				WHERE base.typtype = 'd')
			SELECT base.oid, base.typmod, base.typtype, base.not_null FROM base WHERE base.typtype <> 'd'
		) b ON true
	ORDER BY c.place
$$;
COMMENT ON FUNCTION vapi_internal.mirror_layout(oid) IS 'The Phase 1 columns as a table has them: attnum is NULL where one is missing, fits is false where its type cannot hold the values.';

-- Within an incarnation the oid counts, so that a renamed table is found and
-- another one of the old name is not; in another one only the name is left.
CREATE FUNCTION vapi_internal.mirror_of(target oid) RETURNS SETOF vapi_internal.call_mirror
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m.*
	FROM vapi_internal.call_mirror m, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
		vapi_internal.mirror_incarnation() AS i(present)
	WHERE c.oid = target
		AND CASE WHEN m.incarnation = i.present THEN m.target_oid = target
			ELSE m.target_schema = n.nspname AND m.target_table = c.relname END
	ORDER BY m.incarnation = i.present DESC
	LIMIT 1
$$;
COMMENT ON FUNCTION vapi_internal.mirror_of(oid) IS 'The registration of a table, if it has one.';

-- unique_only: also what is unique for all but NULL, as a partial index may be.
CREATE FUNCTION vapi_internal.mirror_has_index(target oid, attnum smallint, unique_only boolean, but text[]) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (
		SELECT FROM pg_index i
			JOIN pg_class c ON c.oid = i.indexrelid
			JOIN pg_am m ON m.oid = c.relam
		WHERE i.indrelid = target AND i.indisvalid AND i.indnkeyatts = 1 AND i.indkey[0] = mirror_has_index.attnum
			AND m.amname = 'btree' AND c.relname::text <> ALL (but)
			AND (i.indpred IS NULL
				OR (unique_only AND pg_get_expr(i.indpred, i.indrelid) = '(vapi_call_id IS NOT NULL)'))
			AND (i.indisunique OR NOT unique_only))
$$;
COMMENT ON FUNCTION vapi_internal.mirror_has_index(oid, smallint, boolean, text[]) IS 'Has the table an index on that column alone, other than those named.';

-- A partitioned table can be unique only in what contains its partition key.
CREATE FUNCTION vapi_internal.mirror_may_be_unique(target oid, attnum smallint) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT NOT EXISTS (SELECT FROM pg_partitioned_table p
		WHERE p.partrelid = target
			AND NOT (p.partnatts = 1 AND p.partattrs[0] IS NOT DISTINCT FROM mirror_may_be_unique.attnum))
$$;
COMMENT ON FUNCTION vapi_internal.mirror_may_be_unique(oid, smallint) IS 'Can that column be unique in the table: no where it is partitioned by another.';

CREATE FUNCTION vapi_internal.extend_check(target oid, caller oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation record;
BEGIN
	SELECT CASE WHEN c.relpersistence = 't' THEN quote_ident(c.relname) ELSE format('%I.%I', n.nspname, c.relname) END AS name,
			n.nspname, c.relkind, c.relpersistence, c.relispartition, c.relowner,
			pg_get_userbyid(c.relowner) AS owner_name, c.oid
		INTO relation
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = target;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no table with oid %', target
			USING ERRCODE = 'undefined_table';
	ELSIF NOT pg_has_role(caller, relation.relowner, 'USAGE') THEN
		RAISE EXCEPTION 'must be owner of table %', relation.name
			USING ERRCODE = 'insufficient_privilege', HINT = format('Its owner is %I.', relation.owner_name);
	ELSIF relation.relkind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION '% is not a table', relation.name
			USING ERRCODE = 'wrong_object_type', HINT = 'Only ordinary and partitioned tables can be extended; views may read schema vapi.';
	ELSIF relation.nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'vapi', 'vapi_internal', 'vapi_edge') OR relation.oid < 16384
		OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = target AND d.deptype = 'e') THEN
		RAISE EXCEPTION '% belongs to the system or to an extension', relation.name
			USING ERRCODE = 'insufficient_privilege', HINT = 'Name a table of your own, such as public.calls.';
	ELSIF relation.relpersistence = 't' THEN
		RAISE EXCEPTION '% is a temporary table', relation.name
			USING ERRCODE = 'wrong_object_type', HINT = 'Other sessions could not keep it in step with the calls.';
	ELSIF relation.relispartition THEN
		RAISE EXCEPTION '% is a partition', relation.name
			USING ERRCODE = 'wrong_object_type', HINT = 'Extend the partitioned table itself.';
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.extend_check(oid, oid) IS 'Raises what keeps the caller from extending the table.';

-- The plan's own name where it is free.
CREATE FUNCTION vapi_internal.mirror_free_name(target oid, VARIADIC candidates text[]) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT n.candidate
	FROM unnest(candidates) WITH ORDINALITY AS n(candidate, position), pg_class t
	WHERE t.oid = target AND octet_length(n.candidate) < 64
		AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = t.relnamespace AND c.relname = n.candidate)
		AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = target AND k.conname = n.candidate)
	ORDER BY n.position
	LIMIT 1
$$;
COMMENT ON FUNCTION vapi_internal.mirror_free_name(oid, text[]) IS 'The first of the names that an index of the table can have.';

CREATE FUNCTION vapi_internal.extend_plan(target oid, OUT statements text[], OUT objects text[], OUT actions text[],
	OUT added_columns text[], OUT added_constraints text[], OUT added_indexes text[])
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation record;
	layout record;
	conflict record;
	wanted record;
	additions text[] := '{}';
	new_name text;
BEGIN
	SELECT c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS full_name, n.nspname::text AS schema,
			c.relnamespace, c.relowner, pg_get_userbyid(c.relowner) AS owner_name, c.oid::text AS oid
		INTO STRICT relation
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = target;
	SELECT string_agg(format('%I is %s%s, needed is %s', l.name, l.found_type, CASE WHEN l.writable THEN '' ELSE ' (generated)' END, l.data_type),
				'; ' ORDER BY l.place) AS columns,
			string_agg(format('ALTER COLUMN %I TYPE %s', l.name, l.data_type), ', ' ORDER BY l.place) AS change,
			count(*) AS count
		INTO conflict
		FROM vapi_internal.mirror_layout(target) l
		WHERE l.attnum IS NOT NULL AND NOT l.fits AND (l.writable OR l.kind = 'key');
	IF conflict.count > 0 THEN
		RAISE EXCEPTION 'table % has columns that cannot hold what Vapi gives: %', relation.full_name, conflict.columns
			USING ERRCODE = 'datatype_mismatch',
				DETAIL = 'Nothing was changed.',
				HINT = format('If they are meant for it: ALTER TABLE %s %s (with USING where the values need it). Else rename them.',
					relation.full_name, conflict.change);
	END IF;

	SELECT m.added_columns, m.added_constraints, m.added_indexes INTO added_columns, added_constraints, added_indexes
		FROM vapi_internal.mirror_of(target) m;
	IF NOT FOUND THEN
		added_columns := '{}';
		added_constraints := '{}';
		added_indexes := '{}';
	END IF;
	statements := '{}';
	objects := '{}';
	actions := '{}';

	FOR layout IN SELECT * FROM vapi_internal.mirror_layout(target) ORDER BY place LOOP
		objects := objects || ('column ' || layout.name);
		IF layout.attnum IS NULL THEN
			additions := additions || format('ADD COLUMN %I %s%s', layout.name, layout.data_type, layout.condition);
			added_columns := array_remove(added_columns, layout.name) || layout.name;
			actions := actions || 'added'::text;
		ELSIF NOT layout.writable THEN
			actions := actions || 'kept: generated, not written'::text;
		ELSIF layout.name = ANY (added_columns) THEN
			actions := actions || 'there already'::text;
		ELSE
			actions := actions || ('kept: ' || layout.found_type);
		END IF;
		CONTINUE WHEN layout.kind <> 'key';
		IF layout.attnum IS NOT NULL AND vapi_internal.mirror_has_index(target, layout.attnum, true, '{}') THEN
			CONTINUE;
		END IF;
		objects := objects || 'unique constraint on vapi_call_id'::text;
		IF NOT vapi_internal.mirror_may_be_unique(target, layout.attnum) THEN
			actions := actions || 'left out: the table is partitioned by another column'::text;
			CONTINUE;
		END IF;
		new_name := vapi_internal.mirror_free_name(target, relation.name || '_vapi_call_id_key',
			'calls_' || relation.oid || '_vapi_call_id_key');
		additions := additions || format('ADD CONSTRAINT %I UNIQUE (vapi_call_id)', new_name);
		added_constraints := added_constraints || new_name;
		actions := actions || ('added as ' || quote_ident(new_name));
	END LOOP;
	IF cardinality(additions) > 0 THEN
		statements := statements || format('ALTER TABLE %s %s', relation.full_name, array_to_string(additions, ', '));
	END IF;

	FOR wanted IN
		SELECT w.name, w.direction, l.attnum
		FROM (VALUES (1, 'vapi_call_id', ''), (2, 'vapi_status', ''), (3, 'qualification_score', ' DESC'), (4, 'call_type', '')) AS w(place, name, direction)
			JOIN vapi_internal.mirror_layout(target) l USING (name)
		ORDER BY w.place
	LOOP
		objects := objects || ('index on ' || wanted.name);
		IF wanted.attnum IS NOT NULL
			AND vapi_internal.mirror_has_index(target, wanted.attnum, false, added_constraints) THEN
			actions := actions || 'there already'::text;
			CONTINUE;
		END IF;
		new_name := vapi_internal.mirror_free_name(target, 'idx_calls_' || wanted.name,
			format('idx_%s_%s', relation.name, wanted.name), format('idx_%s_%s', relation.oid, wanted.name));
		statements := statements || format('CREATE INDEX %I ON %s (%I%s)', new_name, relation.full_name, wanted.name, wanted.direction);
		added_indexes := array_remove(added_indexes, new_name) || new_name;
		actions := actions || ('added as ' || quote_ident(new_name));
	END LOOP;

	IF cardinality(statements) > 0 AND NOT has_schema_privilege(relation.relowner, relation.relnamespace, 'CREATE') THEN
		RAISE EXCEPTION 'the owner of table %, %, may not create indexes in schema %',
				relation.full_name, quote_ident(relation.owner_name), quote_ident(relation.schema)
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = 'Columns and indexes are added as the table''s owner.',
				HINT = format('GRANT CREATE ON SCHEMA %I TO %I.', relation.schema, relation.owner_name);
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.extend_plan(oid) IS
	'What vapi_extend_calls has to run, as the table''s owner, what it reports, and all it has added then. 42804 for a column whose type cannot hold the values.';

CREATE FUNCTION vapi_internal.undo_plan(target oid, OUT statements text[], OUT objects text[], OUT actions text[])
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mirror record;
	item record;
	drops text[] := '{}';
BEGIN
	statements := '{}';
	objects := '{}';
	actions := '{}';
	SELECT m.*, format('%I.%I', n.nspname, c.relname) AS full_name, n.nspname::text AS schema, c.relnamespace INTO mirror
		FROM vapi_internal.mirror_of(target) m, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = target;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	FOR item IN
		SELECT c.relname
		FROM unnest(mirror.added_indexes) WITH ORDINALITY AS i(name, place)
			JOIN pg_class c ON c.relnamespace = mirror.relnamespace AND c.relname = i.name
			JOIN pg_index x ON x.indexrelid = c.oid AND x.indrelid = target
		ORDER BY i.place
	LOOP
		statements := statements || format('DROP INDEX %I.%I', mirror.schema, item.relname);
		objects := objects || ('index ' || quote_ident(item.relname));
		actions := actions || 'dropped'::text;
	END LOOP;
	FOR item IN
		SELECT k.conname
		FROM unnest(mirror.added_constraints) WITH ORDINALITY AS i(name, place)
			JOIN pg_constraint k ON k.conrelid = target AND k.conname = i.name
		ORDER BY i.place
	LOOP
		drops := drops || format('DROP CONSTRAINT %I', item.conname);
		objects := objects || ('constraint ' || quote_ident(item.conname));
		actions := actions || 'dropped'::text;
	END LOOP;
	FOR item IN
		SELECT l.name, l.found_type, l.data_type
		FROM vapi_internal.mirror_layout(target) l
		WHERE l.attnum IS NOT NULL AND l.name = ANY (mirror.added_columns)
		ORDER BY l.place
	LOOP
		objects := objects || ('column ' || item.name);
		IF item.found_type = item.data_type THEN
			drops := drops || format('DROP COLUMN %I', item.name);
			actions := actions || 'dropped'::text;
		ELSE
			actions := actions || ('kept: it was made ' || item.found_type);
		END IF;
	END LOOP;
	IF cardinality(drops) > 0 THEN
		statements := statements || format('ALTER TABLE %s %s', mirror.full_name, array_to_string(drops, ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.undo_plan(oid) IS 'What undoing vapi_extend_calls has to run, as the table''s owner, and what it reports; empty for a table that is not extended.';

CREATE FUNCTION vapi_internal.mirror_register(target oid, added_columns text[], added_constraints text[], added_indexes text[]) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation record;
	old record;
BEGIN
	SELECT n.nspname::text AS schema, c.relname::text AS name, pg_get_userbyid(c.relowner)::text AS owner_name INTO STRICT relation
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = target;
	SELECT * INTO old FROM vapi_internal.mirror_of(target);
	DELETE FROM vapi_internal.call_mirror m
		WHERE (m.target_schema, m.target_table) IN ((old.target_schema, old.target_table), (relation.schema, relation.name));
	-- A renamed table keeps its errors; a dropped one's are not those of the table that has its name now.
	DELETE FROM vapi_internal.mirror_error e
		WHERE (e.target_schema, e.target_table) = (relation.schema, relation.name)
			AND (old.target_schema, old.target_table) IS DISTINCT FROM (relation.schema, relation.name);
	UPDATE vapi_internal.mirror_error e SET target_schema = relation.schema, target_table = relation.name
		WHERE (e.target_schema, e.target_table) = (old.target_schema, old.target_table)
			AND (old.target_schema, old.target_table) <> (relation.schema, relation.name);
	INSERT INTO vapi_internal.call_mirror (target_schema, target_table, owner_name, added_columns, added_constraints, added_indexes,
			extended_at, target_oid, incarnation, last_seq)
		VALUES (relation.schema, relation.name, relation.owner_name, added_columns, added_constraints, added_indexes,
			coalesce(old.extended_at, now()), target, vapi_internal.mirror_incarnation(), 0);
END
$$;
COMMENT ON FUNCTION vapi_internal.mirror_register(oid, text[], text[], text[]) IS 'Notes that the table is extended, and what was added to it.';

CREATE FUNCTION vapi_internal.mirror_forget(target oid, caller oid) RETURNS integer
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
	forgotten integer := 0;
BEGIN
	IF target IS NULL AND NOT (SELECT pg_has_role(caller, e.extowner, 'USAGE') FROM pg_extension e WHERE e.extname = 'vapi_sales') THEN
		RAISE EXCEPTION 'must be owner of extension vapi_sales to forget tables that are gone'
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	FOR old IN
		SELECT m.target_schema, m.target_table FROM vapi_internal.mirror_of(target) m
		UNION ALL
		SELECT m.target_schema, m.target_table
		FROM vapi_internal.call_mirror m LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
			ON CASE WHEN m.incarnation = vapi_internal.mirror_incarnation() THEN c.oid = m.target_oid
				ELSE n.nspname = m.target_schema AND c.relname = m.target_table END
		WHERE target IS NULL AND c.oid IS NULL
	LOOP
		DELETE FROM vapi_internal.call_mirror m WHERE (m.target_schema, m.target_table) = (old.target_schema, old.target_table);
		DELETE FROM vapi_internal.mirror_error e WHERE (e.target_schema, e.target_table) = (old.target_schema, old.target_table);
		forgotten := forgotten + 1;
	END LOOP;
	RETURN forgotten;
END
$$;
COMMENT ON FUNCTION vapi_internal.mirror_forget(oid, oid) IS 'Forgets the table''s registration, position and errors; NULL: those of all tables that are gone.';

-- Names in what is written are the plan's, types and names of the user's table are quoted or from format_type.
CREATE FUNCTION vapi_internal.mirror_statements(target oid, added_columns text[],
	OUT update_sql text, OUT insert_sql text, OUT clear_sql text, OUT erased_sql text)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH relation AS (
		SELECT format('%I.%I', n.nspname, c.relname) AS name
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid = target
	), layout AS (
		SELECT l.*, 's.v' || l.place AS given, l.name = ANY (added_columns) AS ours,
			CASE WHEN l.is_enum OR l.kind IN ('money', 'score', 'time') OR l.base_type = 'json'
				THEN format('s.v%s::%s', l.place, l.base_type) ELSE 's.v' || l.place END AS value,
			format(CASE WHEN l.kind IN ('text', 'word') THEN 't.%I::pg_catalog.text COLLATE pg_catalog."C"'
				WHEN l.kind = 'json' THEN 't.%I::pg_catalog.jsonb' ELSE 't.%I' END, l.name) AS present,
			CASE WHEN l.kind IN ('text', 'word', 'json') THEN 's.v' || l.place
				ELSE format('s.v%s::%s', l.place, l.base_type) END AS compared
		FROM vapi_internal.mirror_layout(target) l
		WHERE l.attnum IS NOT NULL AND l.writable
	), source AS (
		SELECT format('(SELECT u.* FROM ROWS FROM (%s) AS u(%s)) AS s',
				string_agg(format('pg_catalog.unnest(($%s)[$13:$14])', i), ', ' ORDER BY i),
				string_agg('v' || i, ', ' ORDER BY i)) AS rows,
			-- The column's collation, so that its index serves.
			(SELECT format('t.vapi_call_id OPERATOR(pg_catalog.=) (s.v1 COLLATE %s)', l.collation_name)
				FROM layout l WHERE l.kind = 'key') AS match
		FROM generate_series(1, 12) AS i
	)
	SELECT
		(SELECT format('UPDATE %s AS t SET %s FROM %s WHERE %s AND (%s)', r.name,
				string_agg(CASE WHEN l.ours THEN format('%I = %s', l.name, l.value)
					ELSE format('%I = coalesce(%s, t.%I)', l.name, l.value, l.name) END, ', ' ORDER BY l.place),
				s.rows, s.match,
				string_agg(CASE WHEN l.ours THEN format('%s IS DISTINCT FROM %s', l.present, l.compared)
					ELSE format('(%s IS NOT NULL AND %s IS DISTINCT FROM %s)', l.given, l.present, l.compared) END, ' OR ' ORDER BY l.place))
			FROM layout l WHERE l.kind <> 'key'),
		(SELECT format('INSERT INTO %s (%s) SELECT %s FROM %s WHERE NOT EXISTS (SELECT FROM %1$s AS t WHERE %5$s)', r.name,
				string_agg(quote_ident(l.name), ', ' ORDER BY l.place),
				string_agg(CASE WHEN NOT l.ours AND l.not_null AND l.default_value IS NOT NULL
					THEN format('coalesce(%s, %s)', l.value, l.default_value) ELSE l.value END, ', ' ORDER BY l.place),
				s.rows, s.match)
			FROM layout l),
		-- What may not be NULL: empty where it is private, else as it is.
		(SELECT format('UPDATE %s AS t SET %s WHERE t.vapi_call_id OPERATOR(pg_catalog.=) ANY (($1)[$2:$3] COLLATE %s)', r.name,
				string_agg(format('%I = %s', l.name, CASE WHEN NOT l.not_null THEN 'NULL' WHEN l.kind = 'json' THEN '''{}''' ELSE '''''' END),
					', ' ORDER BY l.place),
				(SELECT k.collation_name FROM layout k WHERE k.kind = 'key'))
			FROM layout l
			WHERE NOT l.not_null OR (l.name IN ('vapi_metadata', 'customer_number', 'error_message') AND NOT l.is_enum)),
		format('SELECT pg_catalog.array_agg(t.vapi_call_id::pg_catalog.text) FROM %s AS t WHERE t.vapi_call_id IS NOT NULL'
			' AND pg_catalog.sha256(pg_catalog.convert_to(t.vapi_call_id::pg_catalog.text, ''UTF8'')) OPERATOR(pg_catalog.=) ANY ($1)', r.name)
	FROM relation r, source s
$$;
COMMENT ON FUNCTION vapi_internal.mirror_statements(oid, text[]) IS
	'The statements of src/vapi_target.c for a table. Where the column was the user''s, an unknown value leaves what is there, and its default stands in where NULL is not allowed.';

CREATE FUNCTION vapi_internal.mirror_due(OUT target_schema text, OUT target_table text, OUT target_oid oid, OUT restart boolean,
	OUT last_seq bigint, OUT resync_after text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m.target_schema, m.target_table,
		(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = m.target_schema AND c.relname = m.target_table),
		m.incarnation <> i.present OR m.last_seq > h.last
			OR (m.last_seq < h.last AND NOT EXISTS (SELECT FROM vapi_internal.change_feed f WHERE f.seq = m.last_seq + 1)),
		m.last_seq, m.resync_after
	FROM vapi_internal.call_mirror m,
		(SELECT coalesce(max(last), 0) AS last FROM vapi_internal.feed_head) h,
		vapi_internal.mirror_incarnation() AS i(present)
	WHERE (m.retry_at IS NULL OR m.retry_at <= clock_timestamp())
		AND (m.incarnation <> i.present OR m.resync_after IS NOT NULL OR m.last_seq <> h.last)
	ORDER BY m.target_schema, m.target_table
$$;
COMMENT ON FUNCTION vapi_internal.mirror_due() IS 'Tables that changes wait for; restart where all calls have to be gone over: after a restore, or when the feed no longer has the next change.';

CREATE FUNCTION vapi_internal.mirror_open(target_schema text, target_table text, target oid, OUT problem text, OUT owner oid,
	OUT search_path text, OUT update_sql text, OUT insert_sql text, OUT clear_sql text, OUT erased_sql text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	mirror record;
	relation record;
	key record;
	conflict text;
	full_name text := format('%I.%I', target_schema, target_table);
BEGIN
	SELECT * INTO STRICT mirror FROM vapi_internal.call_mirror m
		WHERE m.target_schema = mirror_open.target_schema AND m.target_table = mirror_open.target_table;
	SELECT c.oid, c.relowner, c.relkind, c.relnamespace, r.rolname, r.rolsuper INTO relation
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
		WHERE c.oid = target AND n.nspname = mirror_open.target_schema AND c.relname = mirror_open.target_table;
	IF NOT FOUND OR relation.relkind NOT IN ('r', 'p') THEN
		problem := format('there is no table %s any more', full_name);
		RETURN;
	ELSIF mirror.incarnation = vapi_internal.mirror_incarnation() AND mirror.target_oid <> target THEN
		problem := format('%s is another table than the one that was extended', full_name);
		RETURN;
	ELSIF mirror.incarnation <> vapi_internal.mirror_incarnation() AND relation.rolname <> mirror.owner_name AND NOT relation.rolsuper
		AND NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'vapi_sales' AND e.extowner = relation.relowner) THEN
		problem := format('%s belongs to %I now, not to %I', full_name, relation.rolname, mirror.owner_name);
		RETURN;
	END IF;
	SELECT l.attnum INTO key FROM vapi_internal.mirror_layout(target) l WHERE l.kind = 'key';
	SELECT string_agg(format('%I is %s', l.name, l.found_type), ', ' ORDER BY l.place) INTO conflict
		FROM vapi_internal.mirror_layout(target) l
		WHERE l.attnum IS NOT NULL AND NOT l.fits AND (l.writable OR l.kind = 'key');
	IF conflict IS NOT NULL THEN
		problem := format('columns of %s cannot hold what Vapi gives: %s', full_name, conflict);
	ELSIF key.attnum IS NULL THEN
		problem := format('%s has no column vapi_call_id any more', full_name);
	ELSIF NOT vapi_internal.mirror_has_index(target, key.attnum, vapi_internal.mirror_may_be_unique(target, key.attnum), '{}') THEN
		-- Also in the middle of a restore, whose indexes come last: rows of ours would be in its way.
		problem := format('vapi_call_id of %s is not indexed as unique', full_name);
	ELSE
		owner := relation.relowner;
		-- The owner's triggers find what is in the table's schema, unless others could put something there for a superuser to run.
		search_path := CASE WHEN NOT relation.rolsuper OR NOT EXISTS (
				SELECT FROM pg_namespace n
					CROSS JOIN LATERAL (
						SELECT a.grantee FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a WHERE a.privilege_type = 'CREATE'
						UNION ALL SELECT n.nspowner) AS g(grantee)
				WHERE n.oid = relation.relnamespace
					AND NOT EXISTS (SELECT FROM pg_roles r
						WHERE r.rolsuper AND r.oid = CASE WHEN g.grantee = 'pg_database_owner'::regrole
							THEN (SELECT d.datdba FROM pg_database d WHERE d.datname = current_database()) ELSE g.grantee END))
			THEN format('%I, pg_temp', mirror_open.target_schema) ELSE 'pg_catalog, pg_temp' END;
		SELECT s.* INTO update_sql, insert_sql, clear_sql, erased_sql
			FROM vapi_internal.mirror_statements(target, mirror.added_columns) s;
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_internal.mirror_open(text, text, oid) IS 'How to write a table that is locked already, or the problem that it cannot be.';

CREATE FUNCTION vapi_internal.mirror_step(most integer DEFAULT 1000) RETURNS integer
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_mirror_step';
COMMENT ON FUNCTION vapi_internal.mirror_step(integer) IS
	'Takes at most so many changes to each extended table; returns how many in all, 0 when none waits or none can be written now. Raises nothing that a table''s owner causes: see vapi.mirror_errors.';

CREATE FUNCTION vapi.vapi_extend_calls(target regclass, undo boolean DEFAULT false, OUT object text, OUT action text)
	RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_extend_calls';
COMMENT ON FUNCTION vapi.vapi_extend_calls(regclass, boolean) IS
	'Adds the missing columns, checks and indexes of the plan''s Phase 1 to your own table, fills them with all calls, and has them kept in step. Again: adds what is missing, goes over all calls. With undo: drops what was added. 42501 unless you own the table; 42804 for a column of a type that cannot hold the values, which changes nothing.';
