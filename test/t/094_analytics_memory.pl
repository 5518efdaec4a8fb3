# What a session keeps of what it has counted: whatever changes, two sessions, of
# which one keeps nothing, have the same answers; kept is what the setting has room for.
#
#   VAPI_MEMORY_ROUNDS=60   how many random changes
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{VAPI_MEMORY_ROUNDS} || 12;
my $seed = $ENV{VAPI_MEMORY_SEED} || int(rand(1_000_000));
note("VAPI_MEMORY_SEED=$seed");
srand($seed);

# No worker: the test folds when it wants to, and nobody else reads what is folded.
my $node = VapiSales::Test->node('main', preload => 1, config => "autovacuum = off\n");
sub sql { return $node->safe_psql('calls', $_[0]); }
sub any { return $_[ int rand @_ ]; }

# 12,000 calls of 60 hours, most of them in a few: rows of those hours are stored apart, so that reading them shows. Contacts are
# prospects, numbers and addresses; some outcomes, costs and durations are not what is packed as a number.
sql(<<'SQL');
INSERT INTO vapi_internal.assistant (assistant_id, name, data, synced_at) SELECT 'a' || i, 'Assistant ' || i, '{}', now() FROM generate_series(1, 5) AS i;
INSERT INTO vapi_internal.prospect (prospect_id, name, status, source, created_at)
	SELECT i, 'Person ' || i, CASE WHEN i % 9 = 0 THEN 'won' ELSE 'contacted' END, 'import', '2026-02-01' FROM generate_series(1, 900) AS i;
CREATE FUNCTION make_calls(named text, count integer, first timestamptz, hours integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO vapi_internal.call (call_id, first_seen_at, type, created_at, vapi_status, ended_status, ended_reason, reached, reported_duration, cost, assistant_id,
		assistant_version, prospect_id, customer_number, outcome, qualification_score)
	SELECT named || i, now(), CASE WHEN x.a < 0.3 THEN 'inboundPhoneCall' ELSE 'outboundPhoneCall' END, first + make_interval(secs => floor(x.b ^ 3 * hours) * 3600 + x.c * 3600),
		'ended', (ARRAY['completed', 'completed', 'failed', 'no-answer', 'busy'])[1 + floor(x.d * 5)::integer], 'made-up', x.e < 0.6,
		CASE WHEN x.f < 0.002 THEN 1e20 WHEN x.f < 0.9 THEN round((x.f * 400)::numeric, 2) END,
		CASE WHEN x.g < 0.002 THEN 0.12345678901234567890123 WHEN x.g < 0.9 THEN round(x.g::numeric, 4) END, 'a' || 1 + floor(x.h * 5)::integer, (1 + floor(x.k * 3))::text,
		CASE WHEN x.l < 0.4 THEN 1 + floor(x.l * 2200)::integer END,
		CASE WHEN x.l < 0.45 THEN 'sip:' || floor(x.m * 30) || '@example.com' WHEN x.l < 0.9 THEN '+1303555' || lpad(floor(x.m * 100)::text, 4, '0') END,
		(ARRAY['sale', 'not-interested', 'callback', 'sold to somebody by the river', NULL])[1 + floor(x.m * 5)::integer], floor(x.k * 101)::integer
	FROM generate_series(1, count) AS i, LATERAL (SELECT random() AS a, random() AS b, random() AS c, random() AS d, random() AS e, random() AS f, random() AS g, random() AS h,
		random() AS k, random() AS l, random() AS m WHERE i > 0) AS x;
	INSERT INTO vapi_internal.call_content (call_id, cost_items) SELECT named || i, jsonb_build_array(jsonb_build_object('type', 'model', 'cost', i / 1000.0),
		jsonb_build_object('type', 'voice', 'provider', 'vapi ' || i % 3, 'cost', 0.01)) FROM generate_series(1, count) AS i WHERE i % 5 > 0;
	INSERT INTO vapi_internal.rollup_dirty (slot) SELECT DISTINCT c.slot FROM vapi_internal.call c WHERE c.call_id LIKE named || '%';
$$;
SELECT make_calls('call-', 12000, '2026-03-01 00:00Z', 60);
SELECT vapi_internal.rollup_step(1000000);
VACUUM ANALYZE;
CREATE ROLE scoped; SELECT vapi.vapi_grant('scoped', 'viewer', ARRAY['a1', 'a3', 'nobody''s']);
CREATE ROLE viewer; SELECT vapi.vapi_grant('viewer', 'viewer');
SQL

my @ranges = (q{'2026-03-01', '2026-03-04'}, q{'2026-03-01', '2026-03-02'}, q{'2026-03-01 03:20', '2026-03-03 10:10'}, q{'2026-02-01', NULL}, q{'2026-03-02', '2026-03-03'});
my @zones = qw(UTC America/Denver Asia/Kathmandu Australia/Lord_Howe);
my @filters = ('NULL', 'NULL', q('{"direction": "outbound"}'), q('{"outcome": ["sold to somebody by the river", "unheard of"]}'), q('{"assistant_id": "a1", "status": ["completed", "failed"]}'));

sub question
{
	my ($range, $zone, $filter) = (any(@ranges), any(@zones), any(@filters));
	my $step = any(qw('hour' 'day' 'week' NULL));
	my $by = any(qw('outcome' 'assistant' 'status' 'direction' NULL));
	return any(
		"SELECT vapi.vapi_dashboard($range, '$zone', NULL, $filter) - 'range'",
		"SELECT coalesce(md5(string_agg(v::text, '' ORDER BY v::text)), 'none') FROM vapi.vapi_call_volume($step, $range, '$zone', $by, $filter) AS v",
		"SELECT coalesce(md5(string_agg(v::text, '' ORDER BY v::text)), 'none') FROM vapi.vapi_duration_by_outcome($range, '$zone', $step, coalesce($by, 'outcome'), $filter) AS v",
		"SELECT coalesce(string_agg(v::text, '' ORDER BY v::text), 'none') FROM vapi.vapi_funnel($range, '$zone', $filter) AS v",
		"SELECT coalesce(md5(string_agg(v::text, '' ORDER BY v::text)), 'none') FROM vapi.vapi_heatmap($range, '$zone', $filter) AS v",
		"SELECT coalesce(string_agg(v::text, '' ORDER BY v::text), 'none') FROM vapi.vapi_cost_components($range, '$zone', $filter) AS v",
		"SELECT coalesce(md5(string_agg(v::text, '' ORDER BY v::text)), 'none') FROM vapi.vapi_best_scripts($range, '$zone', 'assistant', $filter) AS v");
}

my %session = map { $_ => $node->background_psql('calls', on_error_stop => 0) } qw(keeps other);
$_->query('SELECT 1') for values %session;
$session{other}->query('SET vapi_sales.analytics_memory = 0');

# Where two texts begin to differ.
sub difference
{
	my ($one, $other) = @_;
	my $i = 0;
	$i++ while $i < length($one) && substr($one, $i, 1) eq substr($other, $i, 1);
	$i = $i > 60 ? $i - 60 : 0;
	return substr($one, $i, 160), substr($other, $i, 160);
}

# Asks both; an answer of which one knows nothing is none.
sub same
{
	my ($name, @questions) = @_;
	my @wrong;
	for my $question (@questions)
	{
		my ($kept, $counted) = map { scalar $session{$_}->query($question) } qw(keeps other);
		push @wrong, join("\n", $question, difference($kept, $counted)) if $kept ne $counted || $kept eq '';
	}
	is("@wrong", '', $name);
	return;
}
sub in_both { $_->query($_[0]) for values %session; return; }
# Between two questions only what is kept has this name.
sub kept { return scalar $session{keeps}->query(q{SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'vapi_sales tally'}); }
sub kept_bytes { return scalar $session{keeps}->query(q{SELECT coalesce(sum(total_bytes), 0) FROM pg_backend_memory_contexts WHERE name = 'vapi_sales tally'}); }

# How often the facts of hours that are stored apart were read.
sub facts_read
{
	for my $open (values %session)
	{
		$open->query('SELECT pg_stat_force_next_flush()');
		$open->query('SELECT 1');
	}
	return sql(q{SELECT toast_blks_read + toast_blks_hit FROM pg_statio_user_tables WHERE relid = 'vapi_internal.rollup'::regclass});
}

my $dashboard = q{SELECT vapi.vapi_dashboard('2026-03-01', '2026-03-04', 'UTC') - 'range'};
my $before = facts_read();
same('the first time', $dashboard);
my $first = facts_read();
cmp_ok($first, '>', $before, 'facts are read');
$session{keeps}->query($dashboard) for 1 .. 3;
is(facts_read(), $first, 'asked again, none is');
cmp_ok(kept(), '>=', 5, 'what was counted is kept');
cmp_ok(kept_bytes(), '<', 32 * 1024 * 1024, 'within the setting');
my @questions = map { question() } 1 .. 60;
same('other questions, twice', @questions, @questions);

# What may change, by somebody else.
my $more = 0;
my %changes = (
	'an outcome' => sub { sql("SELECT vapi.vapi_set_outcome('call-" . (1 + int rand 12000) . "', '" . any('sale', 'callback', 'a word never heard', 'neverheard' . ++$more) . "', 'a test')"); },
	'many outcomes' => sub { sql("UPDATE vapi_internal.call SET outcome = 'sale' WHERE call_id LIKE 'call-" . int(rand 99) . "%'; INSERT INTO vapi_internal.rollup_dirty SELECT slot FROM vapi_internal.call WHERE outcome = 'sale'"); },
	'an erased call' => sub { sql("SELECT vapi_internal.erase_call((SELECT max(call_id) FROM vapi_internal.call WHERE call_id < 'call-" . int(rand 99) . "x'))"); },
	'new calls' => sub { sql("SELECT make_calls('more-" . ++$more . "-', 40, '2026-03-01 00:00Z', 30)"); },
	'calls of now' => sub { sql("SELECT make_calls('now-" . ++$more . "-', 10, now() - interval '1 hour', 1)"); },
	'a fold' => sub { sql('SELECT vapi_internal.rollup_step(1000000)'); },
	'another fold' => sub { sql('SELECT vapi_internal.rollup_step(24)'); },
	'a rewritten table' => sub { sql('VACUUM FULL vapi_internal.rollup'); },
	'emptied rollups' => sub { sql('DELETE FROM vapi_internal.rollup'); },
	'truncated and made again' => sub { sql('BEGIN; TRUNCATE vapi_internal.rollup, vapi_internal.rollup_item; SELECT vapi_internal.rollup_step(1000000); COMMIT'); },
	'prospects that are won' => sub { sql('UPDATE vapi_internal.prospect SET status = ' . any(qw('won' 'contacted')) . ' WHERE prospect_id % 17 = ' . int(rand 17)); },
	'another scope' => sub { sql('SELECT vapi.vapi_grant(\'scoped\', \'viewer\', ARRAY[\'' . any(qw(a1 a2 a3)) . '\'])'); },
	'a score that qualifies' => sub { in_both('SET vapi_sales.qualified_score = ' . any(50, 70, 90)); },
	'a reader' => sub { in_both(any('SET ROLE scoped', 'SET ROLE viewer', 'RESET ROLE')); },
	'little room' => sub { $session{keeps}->query('SET vapi_sales.analytics_memory = ' . any(0, 100, 1000)); },
	'much room' => sub { $session{keeps}->query('SET vapi_sales.analytics_memory = ' . any(q('32MB'), q('1GB'))); });
for my $round (1 .. $rounds)
{
	my @names = map { any(sort keys %changes) } 1 .. 1 + int rand 3;
	$changes{$_}->() for @names;
	same(join(', ', @names), @questions[ map { int rand @questions } 1 .. 12 ], question());
}
# Each of them by itself, after questions that leave something to be out of date.
in_both('RESET ROLE');
$session{keeps}->query(q(SET vapi_sales.analytics_memory = '32MB'));
for my $name (sort keys %changes)
{
	sql('SELECT vapi_internal.rollup_step(1000000)') if rand() < 0.7;
	same("before $name", $dashboard, @questions[ 0 .. 3 ]);
	$changes{$name}->();
	same($name, $dashboard, @questions[ 0 .. 3 ]);
}

# Questions that are as long as one another: of other assistants, other filters.
in_both('SET ROLE scoped');
for my $assistant (qw(a1 a2 a3 a1))
{
	sql("SELECT vapi.vapi_grant('scoped', 'viewer', ARRAY['$assistant'])");
	same("who sees $assistant", $dashboard);
}
in_both('RESET ROLE');
same("filter $_", "SELECT vapi.vapi_dashboard('2026-03-01', '2026-03-04', 'UTC', NULL, '{\"assistant_id\": \"$_\"}') - 'range'") for qw(a1 a2 a3 a1);
for my $score (50, 70, 90, 50)
{
	in_both("SET vapi_sales.qualified_score = $score");
	same("qualified from $score", $dashboard);
}
same("heat map in $_", "SELECT coalesce(md5(string_agg(v::text, '' ORDER BY v::text)), 'none') FROM vapi.vapi_heatmap('2026-03-01', '2026-03-04', '$_') AS v") for @zones, @zones;

# A row that took the place of the one that was counted is not taken for it.
{
	my $hour = sql('SELECT r.hour FROM vapi_internal.rollup r ORDER BY r.calls DESC, r.hour LIMIT 1');
	my $place = sub { return sql("SELECT r.ctid FROM vapi_internal.rollup r WHERE r.hour = $hour"); };
	same('before its place is used again', $dashboard);
	my ($first, $tries) = ($place->(), 0);
	do
	{
		sql("UPDATE vapi_internal.call SET outcome = CASE outcome WHEN 'sale' THEN 'callback' ELSE 'sale' END WHERE slot >> 2 = $hour; INSERT INTO vapi_internal.rollup_dirty (slot) VALUES ($hour * 4)");
		sql('SELECT vapi_internal.rollup_step(1000000)');
		sql('VACUUM vapi_internal.rollup');
	} while ($place->() ne $first && $tries++ < 20);
	is($place->(), $first, "a row takes the place that a former one had ($tries)");
	same('which is counted anew', $dashboard, @questions);
}

# Durations that are no numbers, and equal ones with other decimals: as SQL has them, whatever is counted first.
sql(q{INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, vapi_status, ended_status, outcome, reported_duration)
	SELECT 'odd-' || i, now(), timestamptz '2026-01-10 00:00Z' + i * interval '20 minutes', 'ended', 'completed', CASE WHEN i % 2 = 0 THEN 'tied' END,
		CASE WHEN i % 2 = 0 THEN (ARRAY['27', '27.000', '3', '27.00'])[1 + i / 2 % 4]::numeric WHEN i % 5 = 1 THEN 'NaN' ELSE 97 * i % 31 END
	FROM generate_series(1, 60) AS i;
	INSERT INTO vapi_internal.rollup_dirty SELECT slot FROM vapi_internal.call WHERE call_id LIKE 'odd-%'; SELECT vapi_internal.rollup_step(1000000)});
for my $range (q{'2026-01-10 00:10Z', '2026-01-10 19:50Z'}, q{'2026-01-10 04:50Z', '2026-01-10 10:00Z'})
{
	my $odd = "SELECT string_agg(concat_ws(' ', d.group_key, d.timed_calls, d.median_seconds, d.p90_seconds, d.longest_seconds), ';' ORDER BY d.group_key) FROM vapi.vapi_duration_by_outcome($range, 'UTC') AS d";
	same("odd durations in $range", $odd);
	is(scalar($session{keeps}->query($odd)), sql(qq{SELECT string_agg(concat_ws(' ', d.outcome, d.timed, d.parts[1], d.parts[2], d.longest), ';' ORDER BY d.outcome)
		FROM (SELECT outcome, count(*) AS timed, percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY reported_duration::double precision) AS parts,
				(array_agg(reported_duration ORDER BY reported_duration DESC, scale(reported_duration) DESC))[1] AS longest
			FROM (SELECT *, (ARRAY[$range]::timestamptz[]) AS r FROM vapi_internal.call) AS c WHERE c.created_at >= c.r[1] AND c.created_at < c.r[2] GROUP BY outcome) AS d}), 'as SQL has them');
}

# In the session's own transactions: what they change, fold, and undo.
in_both('RESET ROLE');
$session{keeps}->query(q(SET vapi_sales.analytics_memory = '32MB'));
sql('SELECT vapi_internal.rollup_step(1000000)');
same('before a transaction', $dashboard);
my $answer = $session{keeps}->query($dashboard);
my $change = q{UPDATE vapi_internal.call SET outcome = 'sale', reached = true WHERE call_id LIKE 'call-1%'; INSERT INTO vapi_internal.rollup_dirty SELECT slot FROM vapi_internal.call WHERE call_id LIKE 'call-1%'};
my $fold = 'SELECT vapi_internal.rollup_step(1000000)';
my $keeps = $session{keeps};
$keeps->query('BEGIN');
$keeps->query($change);
my $changed = $keeps->query($dashboard);
isnt($changed, $answer, 'a transaction sees what it changed');
$keeps->query('SAVEPOINT a');
$keeps->query($fold);
is(scalar($keeps->query($dashboard)), $changed, 'and has folded');
$keeps->query(q{UPDATE vapi_internal.call SET outcome = 'busy' WHERE call_id LIKE 'call-1%'; INSERT INTO vapi_internal.rollup_dirty SELECT slot FROM vapi_internal.call WHERE call_id LIKE 'call-1%'});
$keeps->query($fold);
isnt(scalar($keeps->query($dashboard)), $changed, 'and changed again, and folded again');
$keeps->query('ROLLBACK TO a');
is(scalar($keeps->query($dashboard)), $changed, 'and undone');
$keeps->query($fold);
is(scalar($keeps->query($dashboard)), $changed, 'and folded once more');
$keeps->query('ROLLBACK');
is(scalar($keeps->query($dashboard)), $answer, 'all of it undone');
$keeps->query("BEGIN; $change; $fold; COMMIT");
is(scalar($keeps->query($dashboard)), $changed, 'or done');
same('as others see it', $dashboard, @questions);

# Without room nothing is kept, and what was kept is freed.
cmp_ok(kept(), '>=', 5, 'something is kept');
$keeps->query('SET vapi_sales.analytics_memory = 0');
same('without room', $dashboard, @questions);
is(kept(), 0, 'nothing is');
$keeps->query('SET vapi_sales.analytics_memory = 200');
same('with little room', @questions, @questions);
cmp_ok(kept_bytes(), '<=', 200 * 1024, 'no more is kept than there is room for');
cmp_ok(kept(), '>', 0, 'but something');
same('a filter that is larger', q{SELECT vapi.vapi_dashboard('2026-03-01', '2026-03-04', 'UTC', NULL, jsonb_build_object('outcome', repeat('y', 1000000))) - 'range'});
cmp_ok(kept_bytes(), '<=', 200 * 1024, 'nor is what it would take');

# Another installation has other rows and words.
$keeps->query(q(SET vapi_sales.analytics_memory = '32MB'));
same('before the extension is dropped', $dashboard);
sql('DROP FUNCTION make_calls; DROP EXTENSION vapi_sales CASCADE; CREATE EXTENSION vapi_sales');
same('after it was made again', $dashboard);
isnt(scalar($keeps->query($dashboard)), $changed, 'which is empty');
# Nothing was folded yet, so rollups know no word.
sql(q{INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, vapi_status, ended_status, reached)
	SELECT 'first-' || i, now(), timestamptz '2026-03-02Z' + i * interval '20 minutes', 'ended', CASE WHEN i % 3 = 0 THEN 'failed' ELSE 'completed' END, true FROM generate_series(1, 30) AS i;
	INSERT INTO vapi_internal.rollup_dirty SELECT slot FROM vapi_internal.call});
my $counts = q{SELECT v.calls, v.completed, v.failed, v.not_reached FROM vapi.vapi_call_volume(NULL, '2026-03-01', '2026-03-04', 'UTC') AS v};
is(scalar($keeps->query($counts)), '30|20|10|0', 'calls are counted before there are rollups');
sql('SELECT vapi_internal.rollup_step(1000000)');
is(scalar($keeps->query($counts)), '30|20|10|0', 'and by the first of them');

$_->quit for values %session;
$node->stop;
done_testing();
