# Schedules with Debian's pg_cron, which fires once a minute at most: jobs of
# this database and of another one, their results, and what is in the way.
use strict;
use warnings;
use VapiSales::Test;
use VapiSales::Misbehave;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();
plan skip_all => 'no pg_cron' unless -e '/usr/lib/postgresql/15/lib/pg_cron.so';

my $calls = 40;
my $simulator = VapiSales::Test->simulator(calls => $calls, now => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $other = q{it's another};
$node->safe_psql('postgres', qq{CREATE DATABASE "$other"});
$node->safe_psql($other, 'CREATE EXTENSION vapi_sales');

sub sql { my ($text, $database) = @_; return $node->safe_psql($database // 'calls', $text); }
sub health { my ($database) = @_; return sql(q{SELECT status || ' ' || detail FROM vapi.health WHERE check_name = 'schedules'}, $database); }
sub jobs { return sql(q{SELECT string_agg(jobname || ' ' || schedule, '; ' ORDER BY jobname) FROM cron.job}); }

# refused(what, sql, code, message, hint[, database])
sub refused
{
	my ($what, $text, $code, $message, $hint, $database) = @_;
	my $failure = VapiSales::Misbehave->failure($node, $text, database => $database // 'calls');
	is($failure->{code}, $code, "$what: $code");
	like($failure->{message} // '', $message, "$what: the message");
	like($failure->{hint} // '', $hint, "$what: the hint");
	return;
}

# told(sql, database): what a statement that succeeds warns of.
sub told
{
	my ($text, $database) = @_;
	my ($result, $stdout, $stderr) = $node->psql($database, $text);
	is($result, 0, "$text succeeds");
	return $stderr;
}

# What is in the way.
refused('without pg_cron', 'SELECT vapi.vapi_schedule_defaults()', '55000', qr/^pg_cron is not loaded$/, qr/shared_preload_libraries.*vapi_work/);
is(health(), 'ok none', 'nothing is scheduled, and nothing is wrong');
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'pg_cron'
cron.database_name = 'calls'
cron.use_background_workers = on
max_worker_processes = 24
CONF
$node->restart;
refused('without its extension', 'SELECT vapi.vapi_schedule_import()', '55000', qr/^extension "pg_cron" is not installed in this database$/, qr/^Run CREATE EXTENSION pg_cron\.$/);
sql('CREATE EXTENSION pg_cron');
for my $bad ('61 * * * *', '* * * *', '* * * * * *', '5-1 * * * *', '*/0 * * * *', 'every day', '', '* * 0 * *', '1,,2 * * * *', '-1 * * * *', '* * * foo *')
{
	refused("\"$bad\"", "SELECT vapi.vapi_schedule_import('$bad')", '22023', qr/^not a cron expression: "\Q$bad\E"$/, qr/^Five fields: /);
}
refused('31 February', q{SELECT vapi.vapi_schedule_import('0 0 31 2 *')}, '22023', qr/never comes/, qr/./);
refused('seconds, which this pg_cron does not know', q{SELECT vapi.vapi_schedule_import('5 seconds')}, '22023', qr/^pg_cron does not take/, qr/pg_cron 1\.5/);
refused('no interval', q{SELECT vapi.vapi_schedule_import('* * * * *', 'soon')}, '22007', qr/invalid input syntax for type interval/, qr/^$/);
refused("lookback $_->[0]", "SELECT vapi.vapi_schedule_import('* * * * *', $_->[0])", '22023', qr/^lookback must be/, qr/2 days/)
  for [q{'-1 day'}], ['NULL'], [q{'0'}], [q{'11 years'}];
refused('a bad name', q{SELECT vapi.vapi_schedule_import(name => 'a b')}, '22023', qr/^not a name/, qr/small letters/);
refused('NULL', 'SELECT vapi.vapi_schedule_import(NULL)', '22004', qr/must not be NULL/, qr/^$/);
is(sql('SELECT count(*) FROM vapi.schedules') . jobs(), '0', 'no error left anything behind');

# When a job was due, against a plain walk over the minutes.
is(sql(<<'SQL'), '', 'due times are those that a walk over the minutes finds');
WITH expression(cron, minutes, hours, days, months, weekdays, is_or) AS (VALUES
	('*/15 * * * *', '{0,15,30,45}'::int[], NULL::int[], NULL::int[], NULL::int[], NULL::int[], false),
	('7 3-5,22 * * 1-5', '{7}', '{3,4,5,22}', NULL, NULL, '{1,2,3,4,5}', false),
	('50/3 0 */10 * *', '{50,53,56,59}', '{0}', '{1,11,21,31}', NULL, NULL, false),
	('0 12 13 * fri', '{0}', '{12}', '{13}', NULL, '{5}', true),
	('0 0 1 jan,Jul *', '{0}', '{0}', '{1}', '{1,7}', NULL, false),
	('30 6 * * 7', '{30}', '{6}', NULL, NULL, '{0}', false)),
moment(at) AS (SELECT timestamptz '2024-02-27 00:00:30+00' + g * interval '13 hours 7 minutes' FROM generate_series(0, 20) g),
walk AS (
	SELECT e.cron, m.at, (
		SELECT max(w.minute) FROM generate_series(date_trunc('minute', m.at AT TIME ZONE 'UTC') - interval '400 days', m.at AT TIME ZONE 'UTC', interval '1 minute') AS w(minute)
		WHERE extract(minute FROM w.minute) = ANY (e.minutes)
			AND (e.hours IS NULL OR extract(hour FROM w.minute) = ANY (e.hours))
			AND (e.months IS NULL OR extract(month FROM w.minute) = ANY (e.months))
			AND CASE WHEN e.is_or THEN extract(day FROM w.minute) = ANY (e.days) OR extract(dow FROM w.minute) = ANY (e.weekdays)
				ELSE (e.days IS NULL OR extract(day FROM w.minute) = ANY (e.days)) AND (e.weekdays IS NULL OR extract(dow FROM w.minute) = ANY (e.weekdays)) END
		) AT TIME ZONE 'UTC' AS due
	FROM expression e, (SELECT at FROM moment ORDER BY at LIMIT 3) m)
SELECT cron, at, due, vapi_internal.cron_due(cron, at, 'UTC') FROM walk WHERE due IS DISTINCT FROM vapi_internal.cron_due(cron, at, 'UTC')
SQL
is(sql(q{SET TimeZone = 'UTC'; SELECT vapi_internal.cron_due('0 3 * * *', '2026-07-01 12:00+00', 'Europe/Berlin')}), '2026-07-01 01:00:00+00', "in pg_cron's zone");

# The defaults, twice; what somebody chose is left as it is.
is(sql(q{SELECT name, cron, lookback, scheduled FROM vapi.vapi_schedule_import('*/10 * * * *', '3 days')}), 'import|*/10 * * * *|3 days|t', 'an import is scheduled');
for my $time ('once', 'twice')
{
	is(sql('SELECT string_agg(name, \' \') FROM vapi.vapi_schedule_defaults() WHERE scheduled'), 'import reconcile retention work', "the defaults, $time");
	is(jobs(), join('; ', 'vapi_sales/calls/import */10 * * * *', 'vapi_sales/calls/reconcile 17 3 * * *', 'vapi_sales/calls/retention 47 3 * * *',
		'vapi_sales/calls/work * * * * *'), 'are the jobs of pg_cron');
}
is(sql('SELECT string_agg(lookback::text, \' \' ORDER BY name) FROM vapi.schedules'), '3 days 14 days', 'with their lookbacks');

# Jobs that pg_cron has lost are missed, and come back.
sql(q{SELECT cron.unschedule('vapi_sales/calls/reconcile'); UPDATE cron.job SET active = false WHERE jobname = 'vapi_sales/calls/retention'});
like(health(), qr/^warn reconcile: pg_cron has no such job.*; retention: pg_cron has no such job/, 'health misses a job and a stopped one');
is(sql('SELECT count(*) FROM vapi.vapi_schedule_defaults() WHERE scheduled'), 4, 'the defaults bring them back');
like(health(), qr/^ok /, 'and health is well');

# Now they fire: an import in each database, one that cannot work, and one whose command somebody has changed.
sql(q{SELECT vapi.vapi_schedule_import('* * * * *', '5 years'); SELECT vapi.vapi_schedule_import('* * * * *', '1 day', 'changed');
	SELECT vapi.vapi_schedule_import('17 3 * * *', '1 day', 'retained')});
sql(q{UPDATE vapi_internal.schedule SET cron = '* * * * *' WHERE name = 'retention'; SELECT vapi.vapi_schedule_defaults();
	UPDATE cron.job SET command = 'SELECT 1 / 0' WHERE jobname = 'vapi_sales/calls/changed'});
sql(q{INSERT INTO cron.job_run_details (jobid, runid, database, command, status, end_time)
	SELECT 1, nextval('cron.runid_seq'), 'calls', c, 'succeeded', now() - interval '8 days' FROM unnest(ARRAY['SELECT vapi.vapi_run_schedule(''work'')', 'SELECT another()']) AS c});
my $warning = told(q{SELECT vapi.vapi_schedule_import('* * * * *', '5 years')}, $other);
my $statement = q{SELECT cron.schedule_in_database('vapi_sales/it''s another/import', '* * * * *', 'SELECT vapi.vapi_run_schedule(''import'')', 'it''s another');};
like($warning, qr/WARNING:  schedule "import" needs a job in database "calls", which pg_cron works from\nHINT:  Run there: \Q$statement\E$/m, 'in another database the hint has the statement');
is(sql('SELECT scheduled IS NULL, statement FROM vapi.schedules', $other), "t|$statement", 'and so has the view');
is(sql(q{UPDATE vapi_internal.schedule SET scheduled_at = now() - interval '1 hour', cron = '0 0 1 1 *'; UPDATE vapi_internal.schedule SET scheduled_at = now() - interval '2 years';
	SELECT status, detail ~ '^import: was due [0-9]+ (days|h|min|s) ago and has not started$' FROM vapi.health WHERE check_name = 'schedules'}, $other), 'warn|t', 'a job that nobody made is missed once it is due');
told(q{SELECT vapi.vapi_schedule_import('* * * * *', '5 years')}, $other);
sql($statement);

sub fires { my ($what, $query, $database) = @_; return VapiSales::Test->wait_until($what, sub { sql($query, $database) eq 't' }, 150); }
fires('a job fires here, and its import is complete', q{SELECT EXISTS (SELECT FROM vapi.schedules WHERE name = 'import' AND last_status = 'complete')});
fires('so does one in another database', q{SELECT EXISTS (SELECT FROM vapi.schedules WHERE name = 'import' AND last_status = 'complete')}, $other);
is(sql('SELECT count(*) FROM vapi.calls', $_), $calls, 'with all calls') for 'calls', $other;
is(sql(q{SELECT r.status, r."to" - r."from" > interval '1800 days', s.last_message ~ '^run [0-9]+$' FROM vapi.schedules s JOIN vapi.sync_runs r ON r.run_id = s.last_run WHERE s.name = 'import'}), 'complete|t|t', 'the run is named');
fires('vapi_work fires', q{SELECT EXISTS (SELECT FROM vapi.schedules WHERE name = 'work' AND last_status = 'complete')});
fires('and retention', q{SELECT EXISTS (SELECT FROM vapi.schedules WHERE name = 'retention' AND last_status = 'complete')});
is(sql(q{SELECT string_agg(command, ' ') FROM cron.job_run_details WHERE end_time < now() - interval '7 days'}), 'SELECT another()', "which removes old notes of our jobs and nobody else's");
fires('a job that pg_cron saw fail is told', q{SELECT EXISTS (SELECT FROM vapi.schedules WHERE name = 'changed' AND last_status = 'failed' AND last_message ~ '^pg_cron: ')});
like(health(), qr/^warn changed: pg_cron has no such job, or another/, 'health tells');
is(sql(q{SELECT vapi.vapi_unschedule('changed'); SELECT count(*) FROM cron.job WHERE jobname LIKE '%/changed'}), "\n0", 'it is removed');
like(health(), qr/^ok import (complete|running) \d+ s ago, /, 'then all is well, with the last results');
like(health($other), qr/^ok import (complete|running) \d+ s ago$/, 'in the other database, too');

# No run piles up on another, an error is noted, and the next time is another chance.
sql(q{SELECT vapi.vapi_schedule_import('0 0 1 1 *', '5 years')});
sql(q{UPDATE cron.job SET active = false WHERE jobname LIKE '%another%'});
$node->poll_query_until($_, q{SELECT NOT EXISTS (SELECT FROM vapi.sync_runs WHERE status = 'running')}) or die 'a run goes on' for 'calls', $other;
$simulator->request('PUT', '/_sim/faults', [ { kind => 'delay', path => '/call', ms => 60000 } ]);
my ($run) = sql(q{SELECT vapi.vapi_run_schedule('import')}) =~ /^running: run (\d+)$/;
is(sql(q{SELECT vapi.vapi_run_schedule('import')}), "running: run $run was still going", 'a run that is going is left to go on');
is(sql(q{SELECT last_run, last_status FROM vapi.schedules WHERE name = 'import'}), "$run|running", 'it stays the last one');
is(sql(q{SELECT count(*) FROM vapi.sync_runs WHERE status = 'running'}), 1, 'and the only one');
is(sql("SELECT status FROM vapi.vapi_cancel_sync($run)"), 'canceled', 'it is canceled');
like(health(), qr/^warn import: canceled \d+ s ago/, 'health tells');
$simulator->request('PUT', '/_sim/faults', []);
my $lock = $node->background_psql('calls');
$lock->query_safe(q{BEGIN; SELECT pg_advisory_xact_lock('vapi_internal.schedule'::regclass::oid::integer, hashtext('import'))});
is(sql(q{SELECT vapi.vapi_run_schedule('import')}), 'another session is at it', 'two sessions do not run one schedule');
$lock->query_safe('COMMIT');
$lock->quit;
sql(q{ALTER TABLE vapi_internal.change_feed RENAME TO gone});
like(sql(q{SELECT vapi.vapi_run_schedule('retention')}), qr/^failed: relation "vapi_internal\.change_feed" does not exist$/, 'an error is the result');
sql(q{ALTER TABLE vapi_internal.gone RENAME TO change_feed});
like(health(), qr/^warn import: canceled.*; retention: failed \d+ s ago: relation/, 'and told');
sql(q{UPDATE vapi_internal.change_feed SET changed_at = now() - interval '8 days' WHERE seq < 10; SELECT * FROM vapi.vapi_work()});
is(sql(q{SELECT vapi.vapi_run_schedule('retention')}), "complete: 9 rows of the change feed and 0 rows of pg_cron's log removed", 'old changes that all have taken go');
like(sql(q{SELECT vapi.vapi_run_schedule('import')}), qr/^running: run \d+$/, 'the next time is another chance');
fires('which is taken', q{SELECT EXISTS (SELECT FROM vapi.schedules WHERE name = 'import' AND last_status = 'complete')});
like(health(), qr/^ok /, 'and health is well again');

# Removed.
refused('no such schedule', q{SELECT vapi.vapi_unschedule('nothing')}, '42704', qr/^there is no schedule "nothing"$/, qr/vapi\.schedules/);
refused('no such schedule, run', q{SELECT vapi.vapi_run_schedule('nothing')}, '42704', qr/^there is no schedule "nothing"$/, qr/cron\.unschedule\('vapi_sales\/calls\/nothing'\)/);
$warning = told(q{SELECT vapi.vapi_unschedule('import')}, $other);
my $removal = q{SELECT cron.unschedule('vapi_sales/it''s another/import');};
like($warning, qr/WARNING:  the job of schedule "import" is still in database "calls".*\nHINT:  Run there: \Q$removal\E$/m, 'in another database the hint has the statement');
sql($removal);
is(sql('SELECT count(*) FROM vapi.schedules', $other) . sql(q{SELECT count(*) FROM cron.job WHERE jobname LIKE '%another%'}), '00', 'nothing is left of it');
sql(q{SELECT vapi.vapi_unschedule('reconcile')});
unlike(jobs(), qr/reconcile/, 'a job is removed with its schedule');

# DROP EXTENSION knows nothing of pg_cron; created again, the jobs are taken over.
sql('DROP EXTENSION vapi_sales');
like(jobs(), qr/import.*retained.*retention.*work/, 'the extension is dropped, the jobs are left');
sql('CREATE EXTENSION vapi_sales');
is(sql('SELECT count(*) FROM vapi.schedules'), 0, 'created again it has no schedules');
is(sql('SELECT count(*) FROM vapi.vapi_schedule_defaults() WHERE scheduled'), 4, 'the defaults are made');
is(sql('SELECT count(*), count(DISTINCT jobname) FROM cron.job'), '5|5', 'of the jobs that are left');
sql(q{SELECT vapi.vapi_unschedule(n) FROM unnest(ARRAY['import', 'reconcile', 'retention', 'work', 'retained']) AS n});
is(jobs(), '', 'also a job without a schedule can be removed');

# Who may see and do what.
sql(q{CREATE ROLE boss; CREATE ROLE clerk; SELECT vapi.vapi_grant('boss', 'admin'); SELECT vapi.vapi_grant('clerk', 'agent'); SELECT vapi.vapi_schedule_import()});
is(sql('SET ROLE boss; SELECT name FROM vapi.schedules'), 'import', 'an admin sees the schedules');
refused('an agent', 'SET ROLE clerk; SELECT * FROM vapi.schedules', '42501', qr/permission denied/, qr/^$/);
refused("an admin calls $_", "SET ROLE boss; SELECT vapi.$_", '42501', qr/permission denied for function/, qr/^$/)
  for 'vapi_schedule_import()', 'vapi_schedule_defaults()', q{vapi_unschedule('import')}, q{vapi_run_schedule('import')};

$node->stop;
done_testing();
