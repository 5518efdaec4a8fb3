-- Signing in. PostgREST calls the functions of vapi_edge; the others are the operator's.

CREATE FUNCTION vapi_internal.hash_password(password text) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_hash_password';
COMMENT ON FUNCTION vapi_internal.hash_password(text) IS 'bcrypt of a password, with a new salt; takes a quarter of a second. 22023 for more than 72 bytes, which bcrypt would not read.';

CREATE FUNCTION vapi_internal.password_fits(password text, hash text) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_password_fits';
COMMENT ON FUNCTION vapi_internal.password_fits(text, text) IS 'Is it the password of that hash? Takes as long as hash_password, whatever the answer.';

CREATE FUNCTION vapi_internal.random_password() RETURNS text
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_random_password';
COMMENT ON FUNCTION vapi_internal.random_password() IS 'A password of 20 characters, 100 random bits.';

CREATE FUNCTION vapi_internal.sign_token(claims jsonb) RETURNS text
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_sign_token';
COMMENT ON FUNCTION vapi_internal.sign_token(jsonb) IS 'A JSON Web Token (HS256) with these claims, signed with secret file jwt_secret. VS002 when it cannot be read, 55000 when it is shorter than 32 characters.';

CREATE FUNCTION vapi_internal.query_parameters(query text) RETURNS jsonb
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'vapi_sales_query_parameters';
COMMENT ON FUNCTION vapi_internal.query_parameters(text) IS 'The parameters of a URL''s query as an object of texts; of several with one name the last. 22023 for a broken escape, 22021 for what is no UTF-8.';

CREATE FUNCTION vapi_internal.request_header(name text) RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT nullif(current_setting('request.headers', true), '')::jsonb ->> name
$$;
COMMENT ON FUNCTION vapi_internal.request_header(text) IS 'A header of the request that PostgREST answers, its name in lower case; NULL when there is none.';

CREATE FUNCTION vapi_internal.request_claims() RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}')
$$;
COMMENT ON FUNCTION vapi_internal.request_claims() IS 'What the token of the request says that PostgREST answers. Every SQL session can set it: it may only narrow what somebody may.';

CREATE FUNCTION vapi_internal.session_id(sid text) RETURNS uuid
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN sid ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN sid::uuid END;
COMMENT ON FUNCTION vapi_internal.session_id(text) IS 'The key of the session that a token''s sid names, written as login() writes it; NULL for any other text.';

CREATE FUNCTION vapi_internal.login_name(login text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT lower(btrim(login))
$$;
COMMENT ON FUNCTION vapi_internal.login_name(text) IS 'A login as it is stored.';

CREATE VIEW vapi.accounts WITH (security_barrier = true) AS
SELECT a.login, r.profile, a.role_name AS role, r.assistant_ids AS assistants, a.must_change_password, a.disabled,
	a.failed_logins, a.locked_until, a.last_login_at, a.created_at,
	(SELECT count(*) FROM vapi_internal.account_session s WHERE s.account_id = a.account_id AND s.expires_at > pg_catalog.now()) AS sessions
FROM vapi_internal.account a
	LEFT JOIN vapi_internal.role_access r ON r.role_name = a.role_name;
COMMENT ON VIEW vapi.accounts IS 'Who may sign in to the bundled pages.';
COMMENT ON COLUMN vapi.accounts.login IS 'The name to sign in with, in lower case.';
COMMENT ON COLUMN vapi.accounts.profile IS 'What its role has by vapi_grant; NULL: nothing any more, so it cannot sign in.';
COMMENT ON COLUMN vapi.accounts.role IS 'The database role of its tokens.';
COMMENT ON COLUMN vapi.accounts.assistants IS 'The assistants whose calls it sees; NULL: all.';
COMMENT ON COLUMN vapi.accounts.must_change_password IS 'It still has the password that was given to it.';
COMMENT ON COLUMN vapi.accounts.disabled IS 'It may not sign in.';
COMMENT ON COLUMN vapi.accounts.failed_logins IS 'Failed attempts since the last good one.';
COMMENT ON COLUMN vapi.accounts.locked_until IS 'Until then it cannot sign in: too many attempts failed.';
COMMENT ON COLUMN vapi.accounts.last_login_at IS 'When it last signed in.';
COMMENT ON COLUMN vapi.accounts.created_at IS 'When it was made.';
COMMENT ON COLUMN vapi.accounts.sessions IS 'How many of its sessions are signed in.';

CREATE FUNCTION vapi.vapi_create_account(login text, role text) RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text := vapi_internal.login_name(login);
	password text := vapi_internal.random_password();
BEGIN
	IF name IS NULL OR name = '' OR length(name) > 254 THEN
		RAISE EXCEPTION 'an account needs a login of 1 to 254 characters' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF NOT EXISTS (SELECT FROM vapi_internal.role_access a WHERE a.role_name = role AND a.profile IN ('viewer', 'agent', 'admin')) THEN
		RAISE EXCEPTION 'role "%" is no viewer, agent or admin', left(role, 64)
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Create the role and use SELECT vapi.vapi_grant(role, ''viewer'') first, and grant it to the role that PostgREST logs in as.';
	END IF;
	BEGIN
		INSERT INTO vapi_internal.account (login, password_hash, role_name) VALUES (name, vapi_internal.hash_password(password), role);
	EXCEPTION
		WHEN unique_violation THEN
			RAISE EXCEPTION 'there is an account "%" already', name
				USING ERRCODE = 'duplicate_object', HINT = 'Use vapi_reset_password for a new password.';
	END;
	RETURN password;
END
$$;
COMMENT ON FUNCTION vapi.vapi_create_account(text, text) IS
	'Makes an account that signs in as this role, which must have profile viewer, agent or admin, and returns its password, which is shown only here and must be changed. 22023 for another role, 42710 when the login is taken. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_reset_password(login text) RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	password text := vapi_internal.random_password();
	account bigint;
BEGIN
	UPDATE vapi_internal.account a
	SET password_hash = vapi_internal.hash_password(password), must_change_password = true, failed_logins = 0, locked_until = NULL
	WHERE a.login = vapi_internal.login_name(vapi_reset_password.login)
	RETURNING account_id INTO account;
	IF account IS NULL THEN
		RAISE EXCEPTION 'there is no account "%"', left(login, 254) USING ERRCODE = '02000', HINT = 'vapi.accounts lists them.';
	END IF;
	DELETE FROM vapi_internal.account_session s WHERE s.account_id = account;
	RETURN password;
END
$$;
COMMENT ON FUNCTION vapi.vapi_reset_password(text) IS
	'Gives an account a new password, which is returned and must be changed, unlocks it and ends its sessions. 02000 when there is none. For the extension''s owner.';

CREATE FUNCTION vapi.vapi_disable_account(login text, disabled boolean DEFAULT true) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	account bigint;
BEGIN
	UPDATE vapi_internal.account a SET disabled = coalesce(vapi_disable_account.disabled, true)
	WHERE a.login = vapi_internal.login_name(vapi_disable_account.login)
	RETURNING account_id INTO account;
	IF account IS NULL THEN
		RAISE EXCEPTION 'there is no account "%"', left(login, 254) USING ERRCODE = '02000', HINT = 'vapi.accounts lists them.';
	END IF;
	IF coalesce(disabled, true) THEN
		DELETE FROM vapi_internal.account_session s WHERE s.account_id = account;
	END IF;
END
$$;
COMMENT ON FUNCTION vapi.vapi_disable_account(text, boolean) IS
	'Keeps an account from signing in and ends its sessions; with false it may again. 02000 when there is none. For the extension''s owner.';

CREATE FUNCTION vapi_internal.session_cookie(token text, seconds integer) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT set_config('response.headers', jsonb_build_array(jsonb_build_object('Set-Cookie',
		format('vapi_session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%s', token, seconds)
			|| CASE WHEN vapi_internal.request_header('x-forwarded-proto') = 'https' THEN '; Secure' ELSE '' END),
		jsonb_build_object('Cache-Control', 'no-store'))::text, true)
$$;
COMMENT ON FUNCTION vapi_internal.session_cookie(text, integer) IS 'Has PostgREST answer with the session''s cookie: no script reads it, no other site''s page sends it.';

CREATE FUNCTION vapi_edge.login(bytea) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- of no password: an unknown login takes as long as a wrong password
	nobody CONSTANT text := '$2b$12$vsvCC0H7NSzL0iqNbX60UOR0QrGGXDMwFebyxnTct4kdDcscBaFHq';
	hours CONSTANT integer := 8;
	p jsonb;
	found vapi_internal.account;
	profile text;
	fits boolean;
	session uuid := gen_random_uuid();
	message text;
	hint text;
BEGIN
	BEGIN
		p := vapi_internal.request_body($1, '{login,password}');
	EXCEPTION
		WHEN invalid_parameter_value THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
			RETURN vapi_internal.problem(400, 'Bad Request', message, hint);
	END;
	SELECT a.* INTO found FROM vapi_internal.account a WHERE a.login = vapi_internal.login_name(p ->> 'login') FOR UPDATE;
	fits := coalesce(vapi_internal.password_fits(p ->> 'password', coalesce(found.password_hash, nobody)), false) AND found.account_id IS NOT NULL;
	SELECT r.profile INTO profile FROM vapi_internal.role_access r
	WHERE r.role_name = found.role_name AND r.profile IN ('viewer', 'agent', 'admin');
	IF NOT fits OR found.disabled OR profile IS NULL OR found.locked_until > now() THEN
		-- While it is locked nothing is learnt from an attempt, so none makes it last longer.
		UPDATE vapi_internal.account a
		SET failed_logins = a.failed_logins + 1,
			locked_until = CASE WHEN a.failed_logins >= 4 THEN now() + least(interval '15 minutes', interval '1 minute' * 2 ^ least(a.failed_logins - 4, 4)) END
		WHERE a.account_id = found.account_id AND NOT fits AND (found.locked_until IS NULL OR found.locked_until <= now());
		RETURN vapi_internal.problem(401, 'Not signed in',
			'The login or the password is wrong, the account is disabled, or too many attempts have failed: then wait a quarter of an hour.');
	END IF;
	UPDATE vapi_internal.account a SET failed_logins = 0, locked_until = NULL, last_login_at = now() WHERE a.account_id = found.account_id;
	DELETE FROM vapi_internal.account_session s WHERE s.expires_at < now();
	INSERT INTO vapi_internal.account_session (session_id, account_id, expires_at) VALUES (session, found.account_id, now() + make_interval(hours => hours));
	PERFORM vapi_internal.session_cookie(vapi_internal.sign_token(jsonb_build_object('role', found.role_name, 'login', found.login, 'sid', session,
		'iat', floor(extract(epoch FROM now()))::bigint, 'exp', floor(extract(epoch FROM now()))::bigint + hours * 3600)), hours * 3600);
	RETURN jsonb_build_object('login', found.login, 'profile', profile, 'must_change_password', found.must_change_password,
		'expires_at', now() + make_interval(hours => hours));
END
$$;
COMMENT ON FUNCTION vapi_edge.login(bytea) IS
	'POST /api/login with {"login", "password"}: a cookie with a token for eight hours, and who it is. One and the same 401 for a wrong login, a wrong password and an account that is disabled or locked; five failed attempts lock an account, for a minute at first, for a quarter of an hour at most.';

CREATE FUNCTION vapi_edge.logout() RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM vapi_internal.account_session s WHERE s.session_id = vapi_internal.session_id(vapi_internal.request_claims() ->> 'sid');
	PERFORM vapi_internal.session_cookie('', 0);
	RETURN '{}';
END
$$;
COMMENT ON FUNCTION vapi_edge.logout() IS 'Ends the session of the request''s token, which is good for nothing any more.';

CREATE FUNCTION vapi_edge.session() RETURNS jsonb
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('login', coalesce(a.login, c.claims ->> 'login'), 'profile', r.profile, 'assistants', r.assistant_ids,
		'must_change_password', coalesce(a.must_change_password, false), 'expires_at', s.expires_at)
	FROM (SELECT vapi_internal.request_claims() AS claims) AS c
		LEFT JOIN vapi_internal.account_session s ON s.session_id = vapi_internal.session_id(c.claims ->> 'sid')
		LEFT JOIN vapi_internal.account a ON a.account_id = s.account_id
		LEFT JOIN vapi_internal.role_access r ON r.role_name = pg_get_userbyid(vapi_internal.outer_role())
$$;
COMMENT ON FUNCTION vapi_edge.session() IS 'Who is signed in, with which profile, until when.';

CREATE FUNCTION vapi_internal.actor() RETURNS text
	LANGUAGE sql STABLE PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
AS $$
	-- Claims can be set by anybody; a session counts for its own account's role alone.
	SELECT coalesce((SELECT a.login FROM vapi_internal.account_session s JOIN vapi_internal.account a USING (account_id)
			WHERE s.session_id = vapi_internal.session_id(vapi_internal.request_claims() ->> 'sid') AND a.role_name = pg_get_userbyid(vapi_internal.outer_role())),
		pg_get_userbyid(vapi_internal.outer_role()))
$$;
COMMENT ON FUNCTION vapi_internal.actor() IS 'Who does this: the account that is signed in, else the outer role.';

CREATE FUNCTION vapi_edge.change_password(bytea) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	session text := vapi_internal.request_claims() ->> 'sid';
	old_password text;
	new_password text;
	found vapi_internal.account;
	message text;
	hint text;
BEGIN
	BEGIN
		SELECT b.body ->> 'old_password', b.body ->> 'new_password' INTO old_password, new_password
		FROM (SELECT vapi_internal.request_body($1, '{old_password,new_password}')) AS b(body);
	EXCEPTION
		WHEN invalid_parameter_value THEN
			GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
			RETURN vapi_internal.problem(400, 'Bad Request', message, hint);
	END;
	SELECT a.* INTO found FROM vapi_internal.account_session s JOIN vapi_internal.account a ON a.account_id = s.account_id
	WHERE s.session_id = vapi_internal.session_id(session) AND s.expires_at > now() FOR UPDATE OF a;
	IF found.account_id IS NULL THEN
		RETURN vapi_internal.problem(403, 'No account', 'This token is not of an account here: change the password where it was issued.');
	END IF;
	IF found.locked_until > now() OR NOT coalesce(vapi_internal.password_fits(old_password, found.password_hash), false) THEN
		UPDATE vapi_internal.account a
		SET failed_logins = a.failed_logins + 1,
			locked_until = CASE WHEN a.failed_logins >= 4 THEN now() + interval '15 minutes' END
		WHERE a.account_id = found.account_id AND (a.locked_until IS NULL OR a.locked_until <= now());
		RETURN vapi_internal.problem(403, 'Not changed', 'The old password is wrong, or too many attempts have failed.');
	END IF;
	IF new_password IS NULL OR length(new_password) < 12 OR octet_length(new_password) > 72 OR new_password = old_password THEN
		RETURN vapi_internal.problem(400, 'Not changed', 'The new password must have at least 12 characters and at most 72 bytes, and be another one.');
	END IF;
	UPDATE vapi_internal.account a
	SET password_hash = vapi_internal.hash_password(new_password), must_change_password = false, failed_logins = 0, locked_until = NULL
	WHERE a.account_id = found.account_id;
	DELETE FROM vapi_internal.account_session s WHERE s.account_id = found.account_id AND s.session_id::text <> session;
	RETURN '{}';
END
$$;
COMMENT ON FUNCTION vapi_edge.change_password(bytea) IS 'POST /api/change-password with {"old_password", "new_password"}: changes the password of who is signed in and ends the other sessions. 403 for a wrong old one, 400 for a new one of less than 12 characters.';

CREATE FUNCTION vapi_edge.check_session() RETURNS void
	LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	session text := vapi_internal.request_claims() ->> 'sid';
	must_change boolean;
BEGIN
	IF session IS NULL THEN
		RETURN;
	END IF;
	SELECT a.must_change_password INTO must_change
	FROM vapi_internal.account_session s JOIN vapi_internal.account a ON a.account_id = s.account_id
	WHERE s.session_id = vapi_internal.session_id(session) AND s.expires_at > now() AND NOT a.disabled AND a.role_name = pg_get_userbyid(vapi_internal.outer_role());
	IF must_change IS NULL THEN
		RAISE EXCEPTION 'the session has ended' USING ERRCODE = 'PT401', HINT = 'Sign in again.';
	END IF;
	-- With the password that somebody else has seen nobody reads calls. Who it is may be asked: a page must know what to show.
	IF must_change AND coalesce(current_setting('request.path', true), '') NOT IN ('/rpc/change_password', '/rpc/logout', '/rpc/session') THEN
		RAISE EXCEPTION 'the password that was given to this account must be changed first' USING ERRCODE = 'PT428', HINT = 'POST /api/change-password.';
	END IF;
END
$$;
COMMENT ON FUNCTION vapi_edge.check_session() IS 'PostgREST''s db-pre-request: refuses tokens of sessions that have ended, with PT401, and with PT428 whatever a session wants that still has the password given to it, but for changing it, signing out, and asking who it is. Tokens of other issuers name no session and pass.';
