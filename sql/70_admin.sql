-- Who gets what. The list is checked in and compared with the catalog by a test.

CREATE FUNCTION vapi_internal.profile_grants(OUT profile text, OUT object text, OUT privilege text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	WITH reader(profile) AS (VALUES ('viewer'), ('agent'), ('admin'), ('bi'))
	SELECT r.profile, o.object, o.privilege
	FROM reader r CROSS JOIN (VALUES
		('SCHEMA vapi', 'USAGE'),
		('FUNCTION vapi_internal.may(text)', 'EXECUTE'),
		('FUNCTION vapi_internal.scope()', 'EXECUTE'),
		('FUNCTION vapi_internal.mask_number(text)', 'EXECUTE'),
		('FUNCTION vapi_internal.is_under_way(text)', 'EXECUTE'),
		('FUNCTION vapi_internal.is_connected(text)', 'EXECUTE'),
		('FUNCTION vapi_internal.time_zone()', 'EXECUTE'),
		('TABLE vapi.calls', 'SELECT'),
		('TABLE vapi.live_calls', 'SELECT'),
		('FUNCTION vapi_internal.audience()', 'EXECUTE'),
		('FUNCTION vapi_internal.live_actions(text)', 'EXECUTE'),
		('FUNCTION vapi_internal.prospect_card(vapi_internal.live_fact, boolean)', 'EXECUTE'),
		('TABLE vapi.call_costs', 'SELECT'),
		('TABLE vapi.call_scores', 'SELECT'),
		('TABLE vapi.call_score_components', 'SELECT'),
		('TABLE vapi.call_quality', 'SELECT'),
		('TABLE vapi.call_quality_components', 'SELECT'),
		('TABLE vapi.keywords', 'SELECT'),
		('TABLE vapi.keyword_hits', 'SELECT'),
		('TABLE vapi.keyword_trends', 'SELECT'),
		('FUNCTION vapi.vapi_keyword_trends(timestamptz, timestamptz, text)', 'EXECUTE'),
		('TABLE vapi.prospect_temperatures', 'SELECT'),
		('TABLE vapi.scoring_accuracy', 'SELECT'),
		('TABLE vapi.scoring_calibration', 'SELECT'),
		('FUNCTION vapi_internal.temperature_decay()', 'EXECUTE'),
		('FUNCTION vapi_internal.sentiment_points(text)', 'EXECUTE'),
		('FUNCTION vapi_internal.band_number(numeric, text, boolean, integer, integer)', 'EXECUTE'),
		('TABLE vapi.prospects', 'SELECT'),
		('TABLE vapi.follow_ups', 'SELECT'),
		('TABLE vapi.prospect_statuses', 'SELECT'),
		('FUNCTION vapi_internal.statuses()', 'EXECUTE'),
		('TABLE vapi.pipeline_rules', 'SELECT'),
		('FUNCTION vapi_internal.rules()', 'EXECUTE'),
		('TABLE vapi.sequences', 'SELECT'),
		('FUNCTION vapi_internal.sequence_list()', 'EXECUTE'),
		('TABLE vapi.enrollments', 'SELECT'),
		('TABLE vapi.prospect_history', 'SELECT'),
		('TABLE vapi.assistants', 'SELECT'),
		('TABLE vapi.squads', 'SELECT'),
		('TABLE vapi.phone_numbers', 'SELECT'),
		('TABLE vapi.call_volume_daily', 'SELECT'),
		('TABLE vapi.call_volume_weekly', 'SELECT'),
		('TABLE vapi.call_volume_monthly', 'SELECT'),
		('TABLE vapi.completion_rate', 'SELECT'),
		('TABLE vapi.average_duration', 'SELECT'),
		('TABLE vapi.cost_analysis', 'SELECT'),
		('TABLE vapi.call_volume_hourly', 'SELECT'),
		('TABLE vapi.success_rate', 'SELECT'),
		('TABLE vapi.cost_components', 'SELECT'),
		('TABLE vapi.best_scripts', 'SELECT'),
		('TABLE vapi.peak_hours', 'SELECT'),
		('TABLE vapi.call_attempts', 'SELECT'),
		('TABLE vapi.time_to_first_contact', 'SELECT'),
		('TABLE vapi.funnel', 'SELECT'),
		('TABLE vapi.success_metrics', 'SELECT'),
		('FUNCTION vapi_internal.qualified_score()', 'EXECUTE'),
		('FUNCTION vapi_internal.outcome_succeeds(text)', 'EXECUTE'),
		('FUNCTION vapi_internal.evaluation_share(text, text)', 'EXECUTE'),
		('FUNCTION vapi_internal.call_succeeds(text, text, text)', 'EXECUTE'),
		('FUNCTION vapi_internal.bucket(timestamptz, text, text, boolean)', 'EXECUTE'),
		('FUNCTION vapi_internal.wilson(bigint, bigint)', 'EXECUTE'),
		('FUNCTION vapi_internal.success_metrics()', 'EXECUTE'),
		('FUNCTION vapi.vapi_call_volume(text, timestamptz, timestamptz, text, text, jsonb, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_completion_rate(timestamptz, timestamptz, text, text, text, jsonb, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_success_rate(timestamptz, timestamptz, text, text, text, jsonb, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_cost_analysis(timestamptz, timestamptz, text, text, text, jsonb, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_cost_components(timestamptz, timestamptz, text, jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_duration_by_outcome(timestamptz, timestamptz, text, text, text, jsonb, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_best_scripts(timestamptz, timestamptz, text, text, jsonb, integer)', 'EXECUTE'),
		('FUNCTION vapi.vapi_heatmap(timestamptz, timestamptz, text, jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_attempts(timestamptz, timestamptz, text, jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_time_to_first_contact(timestamptz, timestamptz, text, text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_funnel(timestamptz, timestamptz, text, jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_compare(timestamptz, timestamptz, text, jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_dashboard(timestamptz, timestamptz, text, text, jsonb, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_analytics(jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_search_calls(integer, integer, text, text, text, text, text, text, text, numeric, numeric, numeric, numeric, numeric, numeric, text, text, text, text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_export_calls(text[], text, text, text, text, text, text, text, numeric, numeric, numeric, numeric, numeric, numeric, text, text, text, boolean)', 'EXECUTE')) AS o(object, privilege)
	UNION ALL
	SELECT p.profile, o.object, o.privilege
	FROM (VALUES ('viewer'), ('agent'), ('admin')) AS p(profile) CROSS JOIN (VALUES
		('FUNCTION vapi.vapi_call(text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_changes(bigint, text)', 'EXECUTE')) AS o(object, privilege)
	UNION ALL
	SELECT p.profile, o.object, o.privilege
	FROM (VALUES ('agent'), ('admin')) AS p(profile) CROSS JOIN (VALUES
		('TABLE vapi.call_messages', 'SELECT'),
		('TABLE vapi.call_notes', 'SELECT'),
		('FUNCTION vapi.vapi_get_recording(text, text)', 'EXECUTE'),
		('FUNCTION vapi_edge.recording(text, text)', 'EXECUTE'),
		('FUNCTION vapi_edge.recording_part(text, text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_create_call(jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_end_call(text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_transfer_call(text, text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_say(text, text, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_mute_call(text, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_add_note(text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_set_prospect_status(bigint, text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_edit_prospect(bigint, jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_resolve_prospect(text, bigint, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_merge_prospects(bigint, bigint)', 'EXECUTE'),
		('FUNCTION vapi.vapi_keep_apart(bigint, bigint)', 'EXECUTE'),
		('TABLE vapi.prospect_duplicates', 'SELECT'),
		('FUNCTION vapi.vapi_do_not_call(text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_enroll(bigint, text, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_unenroll(bigint, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_schedule_follow_up(bigint, timestamptz, text, text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_finish_follow_up(bigint, boolean)', 'EXECUTE'),
		('TABLE vapi.review_queue', 'SELECT'),
		('TABLE vapi.call_reviews', 'SELECT'),
		('FUNCTION vapi.vapi_review(text, integer, boolean, text, jsonb, text)', 'EXECUTE')) AS o(object, privilege)
	UNION ALL
	SELECT 'admin', o.object, o.privilege
	FROM (VALUES
		('FUNCTION vapi.vapi_import_prospects(jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_set_status(text, text, integer)', 'EXECUTE'),
		('FUNCTION vapi.vapi_set_pipeline_rule(integer, text, text[], boolean, boolean, text[], boolean, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_save_sequence(text, jsonb, integer, interval, interval, time without time zone, time without time zone, integer[], text[])', 'EXECUTE'),
		('FUNCTION vapi.vapi_set_auto_enrollment(text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_allow_calls(text, text)', 'EXECUTE'),
		('TABLE vapi.prospect_links', 'SELECT'),
		('TABLE vapi.sync_runs', 'SELECT'),
		('TABLE vapi.sync_gaps', 'SELECT'),
		('TABLE vapi.health', 'SELECT'),
		('FUNCTION vapi.vapi_check_setup()', 'EXECUTE'),
		('TABLE vapi.audit', 'SELECT'),
		('TABLE vapi.retention', 'SELECT'),
		('TABLE vapi.archived_recordings', 'SELECT'),
		('FUNCTION vapi_internal.vapi_retention()', 'EXECUTE'),
		('TABLE vapi.handlers', 'SELECT'),
		('TABLE vapi.schedules', 'SELECT'),
		('TABLE vapi.events', 'SELECT'),
		('TABLE vapi.dead_letters', 'SELECT'),
		('TABLE vapi.unsettled_calls', 'SELECT'),
		('FUNCTION vapi.vapi_ingest_event(jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_replay(bigint)', 'EXECUTE'),
		('FUNCTION vapi.vapi_replay_dead_letters()', 'EXECUTE'),
		('FUNCTION vapi.vapi_discard(bigint, text)', 'EXECUTE'),
		('TABLE vapi.deliveries', 'SELECT'),
		('TABLE vapi.destinations', 'SELECT'),
		('TABLE vapi.linear_mappings', 'SELECT'),
		('TABLE vapi.billing_reviews', 'SELECT'),
		('TABLE vapi.client_time', 'SELECT'),
		('TABLE vapi.invoices', 'SELECT'),
		('FUNCTION vapi_internal.bare_url(text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_connect_linear(jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_linear_choices()', 'EXECUTE'),
		('FUNCTION vapi.vapi_map_linear(text, text, text[], text, text, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_freshbooks_authorize_url(text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_connect_freshbooks(text, text, bigint, jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_freshbooks_clients(text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_match_client(text, bigint)', 'EXECUTE'),
		('FUNCTION vapi.vapi_set_billing_terms(bigint, numeric, text, integer, integer, bigint, bigint, text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_draft_invoice(bigint, date)', 'EXECUTE'),
		('FUNCTION vapi.vapi_add_webhook(text, text, text[], jsonb)', 'EXECUTE'),
		('FUNCTION vapi.vapi_rotate_webhook(text, interval)', 'EXECUTE'),
		('FUNCTION vapi.vapi_switch_destination(text, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_remove_destination(text)', 'EXECUTE'),
		('FUNCTION vapi.vapi_replay_delivery(bigint)', 'EXECUTE'),
		('FUNCTION vapi.vapi_replay_deliveries(text, timestamptz, integer, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_discard_delivery(bigint, text)', 'EXECUTE'),
		('FUNCTION vapi_internal.health_checks()', 'EXECUTE'),
		('FUNCTION vapi_internal.handler_list()', 'EXECUTE'),
		('FUNCTION vapi_internal.schedule_list()', 'EXECUTE'),
		('FUNCTION vapi.vapi_sync(timestamptz, timestamptz, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_sync_changes(boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_resume_sync(bigint, boolean)', 'EXECUTE'),
		('FUNCTION vapi.vapi_cancel_sync(bigint)', 'EXECUTE')) AS o(object, privilege)
	UNION ALL
	SELECT p.profile, 'FUNCTION vapi.vapi_set_outcome(text, text, text)', 'EXECUTE' FROM (VALUES ('agent'), ('admin')) AS p(profile)
	UNION ALL
	SELECT 'webhook', o.object, o.privilege
	FROM (VALUES
		('SCHEMA vapi', 'USAGE'),
		('SCHEMA vapi_edge', 'USAGE'),
		('FUNCTION vapi.vapi_webhook(bytea)', 'EXECUTE'),
		('FUNCTION vapi_edge.webhook(bytea)', 'EXECUTE'),
		('FUNCTION vapi_edge.login(bytea)', 'EXECUTE')) AS o(object, privilege)
	UNION ALL
	SELECT 'recording', o.object, o.privilege
	FROM (VALUES
		('SCHEMA vapi_edge', 'USAGE'),
		('FUNCTION vapi_edge.check_session()', 'EXECUTE'),
		('FUNCTION vapi_edge.recording_source(text, text, bigint)', 'EXECUTE')) AS o(object, privilege)
	UNION ALL
	SELECT r.profile, o.object, o.privilege
	FROM reader r CROSS JOIN (VALUES
		('SCHEMA vapi_edge', 'USAGE'),
		('FUNCTION vapi_edge.check_session()', 'EXECUTE')) AS o(object, privilege)
	UNION ALL
	SELECT p.profile, o.object, o.privilege
	FROM (VALUES ('viewer'), ('agent'), ('admin')) AS p(profile) CROSS JOIN (VALUES
		('FUNCTION vapi_edge.session()', 'EXECUTE'),
		('FUNCTION vapi_edge.logout()', 'EXECUTE'),
		('FUNCTION vapi_edge.change_password(bytea)', 'EXECUTE'),
		('FUNCTION vapi_edge.calls()', 'EXECUTE'),
		('FUNCTION vapi_edge.call(text)', 'EXECUTE'),
		('FUNCTION vapi_edge.authorize_stream()', 'EXECUTE'),
		('FUNCTION vapi_edge.event_stream()', 'EXECUTE')) AS o(object, privilege)
	UNION ALL
	SELECT 'admin', o.object, o.privilege
	FROM (VALUES
		('TABLE vapi.accounts', 'SELECT'),
		('FUNCTION vapi_edge.sync(bytea)', 'EXECUTE')) AS o(object, privilege)
$$;
COMMENT ON FUNCTION vapi_internal.profile_grants() IS 'What vapi_grant grants, by profile.';

CREATE FUNCTION vapi.vapi_grant(role text, "as" text, assistants text[] DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry record;
BEGIN
	IF role IS NULL OR NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = vapi_grant.role) THEN
		RAISE EXCEPTION 'role "%" does not exist', role
			USING ERRCODE = 'undefined_object', HINT = 'Create it with CREATE ROLE first.';
	END IF;
	IF "as" IS NULL OR "as" NOT IN ('viewer', 'agent', 'admin', 'webhook', 'recording', 'bi') THEN
		RAISE EXCEPTION 'unknown profile "%"', "as"
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Profiles are viewer, agent, admin, webhook, recording and bi.';
	END IF;
	PERFORM vapi.vapi_revoke(role);
	INSERT INTO vapi_internal.role_access (role_name, profile, assistant_ids) VALUES (role, "as", assistants);
	FOR entry IN SELECT g.object, g.privilege FROM vapi_internal.profile_grants() g WHERE g.profile = "as" LOOP
		EXECUTE format('GRANT %s ON %s TO %I', entry.privilege, entry.object, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi.vapi_grant(text, text, text[]) IS
	'Lets a role use vapi_sales as viewer (names, but masked numbers and no content), agent (all of a call, and control of those under way), admin (and sync), webhook (delivers events), recording (tells nginx where recordings lie) or bi (no names, numbers or content); optionally only calls of these assistants. Replaces what the role had. 42704 no such role, 22023 no such profile. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_revoke(role text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry record;
BEGIN
	IF role IS NULL OR NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = vapi_revoke.role) THEN
		RAISE EXCEPTION 'role "%" does not exist', role
			USING ERRCODE = 'undefined_object';
	END IF;
	DELETE FROM vapi_internal.role_access a WHERE a.role_name = vapi_revoke.role;
	FOR entry IN SELECT DISTINCT g.object, g.privilege FROM vapi_internal.profile_grants() g LOOP
		EXECUTE format('REVOKE %s ON %s FROM %I', entry.privilege, entry.object, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION vapi.vapi_revoke(text) IS 'Takes back what vapi_grant gave. 42704 no such role. For the extension''s owner.';
