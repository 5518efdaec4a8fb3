# Rollups beside writers: whatever is written, folded or killed meanwhile, what
# analytics count by rollups is what the calls say, in every snapshot, on the
# primary and on a standby.
#
#   VAPI_ROLLUP_SECONDS=60   how long each part lasts
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{VAPI_ROLLUP_SECONDS} || 6;
my $node = VapiSales::Test->node('main', preload => 1, config => <<'CONF');
vapi_sales.databases = 'calls'
restart_after_crash = on
wal_level = replica
max_wal_senders = 3
hot_standby = on
CONF
sub sql { return $node->safe_psql('calls', $_[0]); }

# 400 calls that come, move to another hour, are priced, judged, given to a prospect and erased, over three days.
my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/write.sql", <<'SQL');
\set call random(1, 400)
\set hour random(0, 71)
\set minute random(0, 59)
\set dice random(1, 100)
\set life random(1, 6)
SELECT * FROM vapi_internal.merge_observations(jsonb_build_array(jsonb_build_object('source', 'api', 'call', jsonb_build_object('id', 'call-' || :life || '-' || :call,
	'type', CASE WHEN :dice % 2 = 0 THEN 'outboundPhoneCall' ELSE 'inboundPhoneCall' END, 'assistantId', 'assistant-' || :dice % 3,
	'createdAt', to_char(timestamp '2026-03-01' + make_interval(hours => :hour, mins => :minute), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
	'updatedAt', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'status', 'ended',
	'endedReason', CASE WHEN :dice < 60 THEN 'customer-ended-call' WHEN :dice < 80 THEN 'voicemail' ELSE 'pipeline-error-openai-llm-failed' END,
	'customer', jsonb_build_object('number', '+1303555' || lpad((100 + :call % 90)::text, 4, '0')),
	'cost', :dice / 1000.0, 'costs', jsonb_build_array(jsonb_build_object('type', 'model', 'cost', :dice / 2000.0), jsonb_build_object('type', 'vapi', 'cost', :dice / 2000.0)),
	'analysis', jsonb_build_object('successEvaluation', CASE WHEN :dice % 3 = 0 THEN 'true' WHEN :dice % 3 = 1 THEN '7' ELSE 'false' END)))));
SELECT CASE WHEN :dice = 1 THEN vapi_internal.erase_call('call-' || :life || '-' || :call)::text
	WHEN :dice < 10 THEN (SELECT vapi.vapi_set_outcome(c.call_id, 'sale', 'a test')::text FROM vapi_internal.call c WHERE c.call_id = 'call-' || :life || '-' || :call)
	WHEN :dice = 10 THEN vapi_internal.mirror_assistants(jsonb_build_array(jsonb_build_object('id', 'assistant-1', 'analysisPlan', jsonb_build_object('successEvaluationPlan',
		jsonb_build_object('rubric', CASE WHEN :call % 2 = 0 THEN 'NumericScale' ELSE 'PassFail' END)))), clock_timestamp(), false)::text END;
SQL
append_to_file("$folder/fold.sql", "SELECT vapi_internal.rollup_step(24);\n\\sleep 5 ms\n");
# Division by zero where a figure of the rollups is not the calls'; all in one snapshot.
my $differs = <<'SQL';
WITH facts AS MATERIALIZED (
	SELECT date_bin('1 hour', f.created_at, '2026-01-01Z') AS hour, f.* FROM vapi_internal.facts('2026-03-01 00:10Z', '2026-03-03 23:50Z', NULL) AS f
), expected AS (
	SELECT f.hour AS bucket, f.status AS key, count(*) AS calls, count(*) FILTER (WHERE f.reached) AS reached, count(*) FILTER (WHERE f.successful) AS successful,
		coalesce(sum(f.cost), 0) AS cost
	FROM facts f GROUP BY 1, 2
), counted AS (
	SELECT v.bucket, v.group_key AS key, v.calls, v.reached, v.successful, v.cost
	FROM vapi.vapi_call_volume('hour', '2026-03-01 00:10Z', '2026-03-03 23:50Z', 'UTC', 'status') AS v WHERE v.calls > 0
), differences AS (
	SELECT count(*) AS n FROM expected e FULL JOIN counted c ON c.bucket = e.bucket AND c.key IS NOT DISTINCT FROM e.key
	WHERE (e.calls, e.reached, e.successful, e.cost) IS DISTINCT FROM (c.calls, c.reached, c.successful, c.cost)
	UNION ALL
	SELECT count(*) FROM (SELECT count(DISTINCT f.contact) AS contacts FROM facts f) AS e, vapi.vapi_funnel('2026-03-01 00:10Z', '2026-03-03 23:50Z') AS c
	WHERE c.stage = 'called' AND c.contacts <> e.contacts
	UNION ALL
	SELECT count(*) FROM (SELECT coalesce(sum((i.item ->> 'cost')::numeric), 0) AS cost FROM facts f JOIN vapi_internal.call_content t USING (call_id)
			CROSS JOIN LATERAL jsonb_array_elements(t.cost_items) AS i(item)) AS e,
		(SELECT coalesce(sum(cost), 0) AS cost FROM vapi.vapi_cost_components('2026-03-01 00:10Z', '2026-03-03 23:50Z') WHERE items > 0) AS c
	WHERE c.cost <> e.cost
)
SELECT 1 / (sum(n) = 0)::integer AS equal FROM differences
SQL
$differs =~ s/\n/ /g;
append_to_file("$folder/read.sql", "$differs;\n");

# Starts pgbench on a node; returns what waits for it.
sub load_on
{
	my ($on, $script, $clients) = @_;
	my %load = (out => '');
	$load{run} = IPC::Run::start([ 'pgbench', '-n', '-f', "$folder/$script.sql", '-c', $clients, '-T', $seconds, '-h', $on->host, '-p', $on->port, 'calls' ],
		'<', \undef, '>&', \$load{out});
	return \%load;
}

sub ends
{
	my ($load, $name) = @_;
	ok($load->{run}->finish, $name) or diag($load->{out});
	my ($done) = $load->{out} =~ /transactions actually processed: (\d+)/;
	note("$name: $done");
	return $done // 0;
}

sub settled { return VapiSales::Test->wait_until('the rollups are up to date', sub { sql('SELECT count(*) FROM vapi_internal.rollup_dirty') eq '0' }); }

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;

my @writers = load_on($node, 'write', 4);
my $folder_load = load_on($node, 'fold', 1);
my @readers = (load_on($node, 'read', 2), load_on($standby, 'read', 1));
cmp_ok(ends($_, 'writers'), '>', 100, 'write') for @writers;
ends($folder_load, 'a second session that folds does so');
cmp_ok(ends($_, 'no read differs from the calls'), '>', 10, 'often') for @readers;
settled();
is(sql($differs), 1, 'nor does the rest');
cmp_ok(sql('SELECT count(*) FROM vapi_internal.rollup WHERE calls > 0'), '>=', 70, 'all of it by rollups');
is(sql('SELECT sum(calls) FROM vapi_internal.rollup'), sql('SELECT count(*) FROM vapi_internal.call'), 'which have each call once');
is(sql(q{SELECT count(*) FROM vapi_internal.step_state WHERE step = 'rollups' AND failures > 0}), 0, 'the step did not fail');

# A crash in the midst.
@writers = load_on($node, 'write', 4);
$folder_load = load_on($node, 'fold', 2);
sleep($seconds / 2);
kill 'KILL', sql(q{SELECT pid FROM pg_stat_activity WHERE query LIKE '%rollup_step%' AND pid <> pg_backend_pid() LIMIT 1});
$_->{run}->finish for @writers, $folder_load;
VapiSales::Test->wait_until('the server comes back', sub { return system('pg_isready', '-q', '-d', $node->connstr('calls')) == 0; });
is(sql($differs), 1, 'after a crash nothing differs');
settled();
is(sql($differs), 1, 'nor once all is folded again');

# What is read before a change in the same transaction is not taken for what is there after it, or after its undoing.
my $count = q{SELECT sum(calls) FROM vapi.vapi_call_volume('day', '2026-03-01', '2026-03-04', 'UTC')};
my $erase = q{DO $$ BEGIN PERFORM vapi_internal.erase_call((SELECT min(call_id) FROM vapi_internal.call)); END $$};
my $before = sql($count);
is(sql("BEGIN; $count; SAVEPOINT a; $erase; $count; ROLLBACK TO a; $count; $erase; $count; ROLLBACK; $count"),
	join("\n", $before, $before - 1, $before, $before - 1, $before), 'a transaction sees its own changes, and their undoing');
like(($node->psql('calls', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT vapi_internal.rollup_step()'))[2], qr/only made in read committed/, 'one snapshot makes no rollups');

# Emptied by hand, they come back.
sql('DELETE FROM vapi_internal.rollup');
is(sql($differs), 1, 'without rollups nothing differs');
sql('SELECT vapi_internal.rollup_step(1000)');
is(sql('SELECT sum(calls) FROM vapi_internal.rollup'), $before, 'they are made again from the calls');

# Numbers beyond what is packed are kept as words.
sql(q{DELETE FROM vapi_internal.call; DELETE FROM vapi_internal.rollup;
	INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, vapi_status, ended_status, cost, reported_duration, customer_number)
	SELECT 'odd-' || i, now(), '2026-03-01 12:00Z', 'ended', 'completed', c::numeric, d::numeric, n FROM (VALUES
		(1, '0.12345678901234567890123', '1e20', 'sip:somebody@example.com'), (2, '123456789012345678.5', '0.1', 'sip:somebody@example.com'),
		(3, '-0.0000000000000000001', '5', '+013035550100'), (4, '0.5', NULL, '+13035550100'), (5, NULL, '999999999.999999999', '13035550100'),
		(6, '0.10', '1.50', NULL)) AS v(i, c, d, n);
	INSERT INTO vapi_internal.call_content (call_id, cost_items) VALUES ('odd-1', '[{"type": "model", "cost": 0.12345678901234567890123}, {"cost": 0}, {"type": "x"}, 5]'), ('odd-4', '{}')});
my $odd = q{SELECT v.calls, v.cost, v.minutes FROM vapi.vapi_call_volume(NULL, '2026-03-01', '2026-03-02', 'UTC') AS v
	UNION ALL SELECT d.timed_calls, d.longest_seconds, d.average_seconds FROM vapi.vapi_duration_by_outcome('2026-03-01', '2026-03-02', 'UTC') AS d
	UNION ALL SELECT f.contacts, 0, 0 FROM vapi.vapi_funnel('2026-03-01', '2026-03-02', 'UTC') AS f WHERE f.stage = 'called'
	UNION ALL (SELECT c.items, c.cost, c.calls FROM vapi.vapi_cost_components('2026-03-01', '2026-03-02', 'UTC') AS c ORDER BY c.items DESC, c.component)};
my $expected = sql(q{SELECT 6, sum(cost), sum(duration_seconds) / 60 FROM vapi_internal.call UNION ALL SELECT 5, max(duration_seconds), avg(duration_seconds) FROM vapi_internal.call
	UNION ALL SELECT 4, 0, 0 UNION ALL SELECT 1, 0.12345678901234567890123, 1 UNION ALL SELECT 1, 0, 1
	UNION ALL SELECT 0, sum(cost) - 0.12345678901234567890123, 4 FROM vapi_internal.call});
is(sql($odd), $expected, 'odd numbers count by the calls themselves');
sql('SELECT vapi_internal.rollup_step(1000)');
is(sql('SELECT sum(calls) FROM vapi_internal.rollup'), 6, 'they are in a rollup');
is(sql($odd), $expected, 'and count by it');

# What is personal stays with the calls, and goes with them.
my $trace = q{SELECT (SELECT count(*) FROM vapi_internal.rollup_word w WHERE w.word ~ 'somebody|sold to|0100') || ' ' ||
	(SELECT count(*) FROM vapi_internal.rollup r WHERE encode(r.facts, 'escape') ~ 'somebody|sold to|0100')};
sql(q{UPDATE vapi_internal.call SET outcome = 'sold to somebody by the river' WHERE call_id = 'odd-2'; INSERT INTO vapi_internal.rollup_dirty SELECT slot FROM vapi_internal.call;
	SELECT vapi_internal.rollup_step(1000)});
is(sql($trace), '0 1', 'no word of the rollups is somebody\'s number or remark');
is(sql(q{SELECT string_agg(v.group_key, ',') FROM vapi.vapi_call_volume(NULL, '2026-03-01', '2026-03-02', 'UTC', 'outcome') AS v WHERE v.group_key IS NOT NULL}),
	'sold to somebody by the river', 'which counts as a group nevertheless');
is(sql(q{SELECT v.calls FROM vapi.vapi_call_volume(NULL, '2026-03-01', '2026-03-02', 'UTC', filter => '{"outcome": "sold to somebody by the river"}') AS v}), 1, 'and as a filter');
sql(q{SELECT vapi_internal.erase_call('odd-2'), vapi_internal.erase_call('odd-1'), vapi_internal.erase_call('odd-3'), vapi_internal.erase_call('odd-5')});
is(sql($trace), '0 0', 'erased calls leave nothing there');
sql('SELECT vapi_internal.rollup_step(1000)');
is(sql($trace), '0 0', 'nor when it is made again');

# A fold that is undone leaves no words behind that others lack.
sql(q{UPDATE vapi_internal.call SET outcome = 'phantom' WHERE call_id = 'odd-4'; INSERT INTO vapi_internal.rollup_dirty SELECT slot FROM vapi_internal.call});
my $outcomes = q{SELECT string_agg(v.group_key, ',') FROM vapi.vapi_call_volume(NULL, '2026-03-01', '2026-03-02', 'UTC', 'outcome') AS v};
is(sql("BEGIN; SELECT vapi_internal.rollup_step(1000) > 0; $outcomes; ROLLBACK; SELECT vapi_internal.rollup_step(1000) > 0; $outcomes"), "t\nphantom\nt\nphantom", 'a fold that is undone');
is(sql($outcomes), 'phantom', 'and another session reads what was folded after it');
like(($node->psql('calls', q{UPDATE vapi_internal.rollup SET facts = substr(facts, 1, 40); SELECT vapi.vapi_dashboard('2026-03-01', '2026-03-02')}))[2],
	qr/cannot be read.*HINT:  DELETE FROM vapi_internal.rollup/s, 'a broken row is an error that says what to do');

$standby->stop;
$node->stop;
done_testing();
