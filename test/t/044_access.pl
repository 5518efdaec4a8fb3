# Access with real sessions and imported calls: each profile over its own
# connection, an import by somebody who is no superuser, and attempts that need
# more than one session or a server of one's own settings.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 200, bytes => 20000, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator, config => "vapi_sales.page_size = 50\n");
$node->safe_psql('calls', q{
	CREATE ROLE viewer LOGIN; CREATE ROLE agent LOGIN; CREATE ROLE admin LOGIN; CREATE ROLE bi LOGIN;
	CREATE ROLE webhook LOGIN; CREATE ROLE nobody LOGIN; CREATE ROLE authenticator LOGIN NOINHERIT;
	SELECT vapi.vapi_grant('viewer', 'viewer'), vapi.vapi_grant('agent', 'agent'), vapi.vapi_grant('admin', 'admin'),
		vapi.vapi_grant('bi', 'bi'), vapi.vapi_grant('webhook', 'webhook');
	GRANT viewer TO authenticator;
	GRANT CREATE ON DATABASE calls TO viewer});

# ask(role, sql): (output, error) of a session of that role.
sub ask
{
	my ($role, $sql) = @_;
	my ($out, $error) = ('', '');
	$node->psql('calls', $sql, stdout => \$out, stderr => \$error, on_error_stop => 0, extra_params => [ '-U', $role, '-v', 'VERBOSITY=verbose' ]);
	return ($out, $error);
}

# answers(role, sql, expected, name) and refuses(role, sql, pattern, name)
sub answers
{
	my ($role, $sql, $expected, $name) = @_;
	my ($out, $error) = ask($role, $sql);
	return is($out, $expected, $name) || diag($error);
}

sub refuses
{
	my ($role, $sql, $pattern, $name) = @_;
	my ($out, $error) = ask($role, $sql);
	return like($error, $pattern, $name) || diag($out);
}
my $denied = qr/ERROR:  42501: permission denied/;

# 1. Imports by a role that is no superuser, and has no right on any table.
my $sync = q{SELECT status, seen, new FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};
answers('admin', $sync, 'complete|200|200', 'an admin imports');
answers('admin', 'SELECT count(*), min(requested_by) FROM vapi.sync_runs', '1|admin', 'and sees the run, which names who asked');
answers('admin', 'SELECT status FROM vapi.vapi_sync_changes()', 'complete', 'an admin imports changes');
refuses('admin', 'SELECT vapi.vapi_cancel_sync(1)', qr/ERROR:  VS/, 'an admin may cancel: the run has ended');
refuses('admin', 'SELECT vapi.vapi_resume_sync(1)', qr/ERROR:  VS/, 'an admin may resume: the run is complete');
refuses('admin', 'SELECT count(*) FROM vapi_internal.sync_run', $denied, 'but reads no table');
for my $role (qw(viewer agent bi webhook nobody))
{
	refuses($role, $sync, $denied, "$role: no import");
	refuses($role, 'SELECT vapi.vapi_sync_changes()', $denied, "$role: no import of changes");
	refuses($role, "SELECT vapi.vapi_grant('$role', 'admin')", $denied, "$role: grants itself nothing");
	refuses($role, q{SELECT vapi_internal.merge_observations('[]')}, $denied, "$role: merges nothing");
	refuses($role, 'SELECT count(*) FROM vapi_internal.call', $denied, "$role: reads no table");
	refuses($role, 'SELECT vapi_internal.scope()', $denied, "$role: calls no helper");
}

# 2. Every call, by profile.
my $whole = q{SELECT count(*), count(*) FILTER (WHERE customer_number ~ '^\+?[0-9]{7,}$'), count(*) FILTER (WHERE customer_number ~ '\*\*\*'),
	count(customer_name) > 0, count(summary) > 0, count(vapi_metadata) > 0, count(name) FROM vapi.calls};
my $numbers = $node->safe_psql('calls', q{SELECT count(*) FROM vapi_internal.call WHERE customer_number ~ '^\+?[0-9]{7,}$'});
cmp_ok($numbers, '>', 50, 'there are numbers to mask');
my ($names, $metadata) = split /\|/, $node->safe_psql('calls', q{SELECT count(customer_name) > 0, (SELECT count(metadata) > 0 FROM vapi_internal.call_content) FROM vapi_internal.call});
$node->safe_psql('calls', q{UPDATE vapi_internal.call SET name = 'for somebody' WHERE call_id = (SELECT min(call_id) FROM vapi_internal.call)});
answers('agent', $whole, "200|$numbers|0|$names|t|$metadata|1", 'agent: all calls as they are');
answers('admin', $whole, "200|$numbers|0|$names|t|$metadata|1", 'admin: the same');
answers('viewer', $whole, "200|0|$numbers|$names|f|f|1", 'viewer: names, each number masked, no content');
refuses('viewer', "SELECT count(*) FROM vapi.$_", $denied, "viewer: no $_") for qw(call_messages call_notes);
answers('bi', $whole, '200|0|0|f|f|f|0', 'bi: no number, no name, no content');
answers('bi', 'SELECT count(name), count(company), count(email), count(phones) FROM vapi.prospects', '0|0|0|0', 'bi: nobody\'s name, address or number');
answers('viewer', q{SELECT count(*) > 0, bool_and(p ~ '\*') FROM vapi.prospects, unnest(phones) p}, 't|t', 'viewer: masked prospects');
refuses('webhook', 'SELECT count(*) FROM vapi.calls', $denied, 'webhook: nothing to read');
refuses('nobody', 'SELECT count(*) FROM vapi.calls', $denied, 'nobody: nothing at all');

# 3. Other ways to the same rows.
answers('viewer', q{COPY (SELECT count(*) FROM vapi.calls WHERE customer_number ~ '^\+?[0-9]{7,}$') TO STDOUT}, '0', 'COPY is masked');
answers('viewer', q{SET force_parallel_mode = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT count(*) FROM vapi.calls WHERE customer_number ~ '^\+?[0-9]{7,}$'}, '0', 'parallel queries are masked');
answers('viewer', q{CREATE TEMP TABLE mine AS SELECT * FROM vapi.calls; SELECT count(*) FROM mine WHERE customer_number ~ '^\+?[0-9]{7,}$'},
	'0', 'a copy of one\'s own is masked');
answers('viewer', q{CREATE TEMP VIEW mine AS SELECT * FROM vapi.calls; SELECT count(*) FROM mine WHERE customer_number ~ '^\+?[0-9]{7,}$'},
	'0', 'so is a view of one\'s own');
my ($plan) = ask('viewer', 'EXPLAIN (ANALYZE, VERBOSE, COSTS OFF) SELECT * FROM vapi.calls');
unlike($plan, qr/\+1\d{10}/, 'EXPLAIN shows no number');
refuses('viewer', 'SET ROLE agent', qr/permission denied to set role/, 'no SET ROLE to a role one is no member of');
refuses('viewer', 'SET SESSION AUTHORIZATION agent', qr/permission denied to set session authorization/, 'nor another session user');
{
	local $ENV{PGOPTIONS} = '-c role=agent';
	my ($out, $error) = ('', '');
	# not by standard input, which a psql that is refused may not read
	IPC::Run::run([ 'psql', '-XAtq', '-U', 'viewer', '-d', $node->connstr('calls'), '-c', q{SELECT count(*) FROM vapi.calls WHERE customer_number ~ '^\+?[0-9]{7,}$'} ],
		'<', '/dev/null', '>', \$out, '2>', \$error);
	isnt($out, "$numbers\n", 'nor one from the connection\'s options');
	like($error, qr/permission denied to set role/, 'which are refused');
}

# Two roles in one session share plans, not what they see.
my $session = $node->background_psql('calls', on_error_stop => 0);
$session->query('SET ROLE agent');
$session->query(q{PREPARE look AS SELECT count(*) FROM vapi.calls WHERE customer_number ~ '^\+?[0-9]{7,}$'});
is(scalar($session->query('EXECUTE look')), $numbers, 'a prepared statement as agent') for 1 .. 7;
$session->query('SET ROLE viewer');
is(scalar($session->query('EXECUTE look')), '0', 'the same statement as viewer');
$session->query('SET ROLE bi');
is(scalar($session->query('EXECUTE look')), '0', 'and as bi');
$session->query('RESET ROLE');
is(scalar($session->query('EXECUTE look')), $numbers, 'and as superuser');
$session->quit;

# What a web server does: one login role that changes to the user's for each request. Claims alone change nothing.
answers('authenticator', q{BEGIN; SET LOCAL ROLE viewer; SELECT count(*) FROM vapi.calls WHERE customer_number ~ '\*\*\*'; COMMIT;},
	$numbers, 'SET LOCAL ROLE decides');
answers('authenticator', q{BEGIN; SET LOCAL ROLE viewer; SET LOCAL request.jwt.claims = '{"role": "agent", "sub": "admin"}'; SET LOCAL role.profile = 'agent';
	SELECT count(*) FROM vapi.calls WHERE customer_number ~ '^\+?[0-9]{7,}$'; COMMIT;}, '0', 'claims that a session makes up do not');
refuses('authenticator', 'SELECT count(*) FROM vapi.calls', $denied, 'between requests it reads nothing');
refuses('authenticator', 'BEGIN; SET LOCAL ROLE agent', qr/permission denied to set role/, 'and changes to granted roles only');

# 4. Scope, with what the calls really are.
my ($assistant, $in_scope) = split /\|/, $node->safe_psql('calls',
	q{SELECT assistant_id, count(*) FROM vapi_internal.call WHERE assistant_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1});
cmp_ok($in_scope, '<', 200, 'one assistant has some of the calls');
$node->safe_psql('calls', "SELECT vapi.vapi_grant('viewer', 'viewer', ARRAY['$assistant'])");
answers('viewer', "SELECT count(*), count(*) FILTER (WHERE assistant_id = '$assistant') FROM vapi.calls", "$in_scope|$in_scope", 'calls of one assistant');
answers('viewer', 'SELECT sum(calls) FROM vapi.call_volume_monthly', $in_scope, 'analytics of the same calls');
$node->safe_psql('calls', "SELECT vapi.vapi_grant('agent', 'agent', ARRAY['$assistant'])");
for my $view (qw(call_messages call_costs))
{
	my $all = $node->safe_psql('calls', "SELECT count(*) FROM vapi.$view v JOIN vapi_internal.call c USING (call_id) WHERE c.assistant_id = '$assistant'");
	cmp_ok($all, '>', 0, "$view has rows");
	answers($view eq 'call_costs' ? 'viewer' : 'agent', "SELECT count(*) FROM vapi.$view", $all, "$view of the same calls");
}
$node->safe_psql('calls', "SELECT vapi.vapi_grant('agent', 'agent')");
my $prospects = $node->safe_psql('calls', "SELECT count(DISTINCT prospect_id) FROM vapi_internal.call WHERE assistant_id = '$assistant'");
answers('viewer', 'SELECT count(*) FROM vapi.prospects', $prospects, 'prospects of the same calls');
answers('viewer', 'SELECT count(*) FROM vapi.assistants', '1', 'and the assistant itself');

# 5. Code of users must not run with the worker's rights, whatever the database's settings are.
ask('viewer', q{
	CREATE SCHEMA evil;
	CREATE FUNCTION evil.spy(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'evil: % as %', what, current_user; END $$;
	CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.spy('now'); RETURN pg_catalog.now(); END $$;
	CREATE FUNCTION evil.count(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.spy('count'); RETURN 1; END $$;
	CREATE FUNCTION evil.may(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.spy('may'); RETURN true; END $$;
	CREATE FUNCTION evil.jsonb_array_elements(jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.spy('elements'); END $$;
	CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.spy('='); RETURN true; END $$;
	CREATE OPERATOR evil.= (FUNCTION = evil.same, LEFTARG = text, RIGHTARG = text);
	CREATE FUNCTION evil.same(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.spy('='); RETURN true; END $$;
	CREATE OPERATOR evil.= (FUNCTION = evil.same, LEFTARG = bigint, RIGHTARG = bigint);
	CREATE FUNCTION evil.greatest(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.spy('greatest'); RETURN 0; END $$;
	CREATE TABLE evil.call (call_id text); CREATE TABLE evil.sync_run (run_id bigint)});
$node->safe_psql('postgres', q{ALTER DATABASE calls SET search_path = evil, pg_catalog, public});
my ($heard) = ask('viewer', q{SELECT 'a'::text = 'b'::text});
like(slurp_file($node->logfile), qr/evil: = as viewer/, 'the trap works for who walks into it');
my $position = -s $node->logfile;
answers('admin', $sync, 'complete|200|0', 'an import with a hostile search_path');
answers('admin', 'SELECT status FROM vapi.vapi_sync_changes()', 'complete', 'and an incremental one');
answers('admin', q{SELECT pg_catalog.sum(calls) FROM vapi.call_volume_daily}, '200', 'and analytics');
$node->safe_psql('calls', q{SELECT vapi.vapi_grant('bi', 'bi', ARRAY['a']); SELECT vapi_internal.erase_call('none'); SELECT vapi_internal.change_step()});
unlike(substr(slurp_file($node->logfile), $position), qr/evil:/, 'nothing of the trap ran');
$node->safe_psql('postgres', 'ALTER DATABASE calls RESET search_path');

# 6. Roles go when their access has gone.
$node->safe_psql('calls', q{SELECT vapi.vapi_revoke('webhook'); DROP ROLE webhook});
is($node->safe_psql('calls', q{SELECT count(*) FROM pg_roles WHERE rolname = 'webhook'}), '0', 'a revoked role can be dropped');

# 7. Where the secrets are. A server knows that this is for superusers only once the library is loaded: with a
# session's first call, or from the start with shared_preload_libraries.
my $hidden = qr/ERROR:  42501: (must be superuser|permission denied to examine)/;
for my $role (qw(viewer agent admin bi))
{
	my $load = 'SELECT FROM vapi.call_volume_daily;';
	refuses($role, "$load SHOW vapi_sales.secrets_directory", $hidden, "$role: does not learn where the secrets are");
	answers($role, "$load SELECT count(*) FROM pg_settings WHERE name = 'vapi_sales.secrets_directory'", '0', "$role: nor from pg_settings");
}
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'vapi_sales'\n");
$node->restart;
refuses($_, 'SHOW vapi_sales.secrets_directory', $hidden, "with preload, $_ never learns it") for qw(viewer agent admin bi nobody);
answers('nobody', "SELECT count(*) FROM pg_settings WHERE name ~ '^vapi_sales.(secrets|proxy|ca_file)'", '0', 'nor from pg_settings');
refuses('nobody', "SELECT pg_read_file('postgresql.conf')", $denied, 'nor from files');

$node->stop;
done_testing();
