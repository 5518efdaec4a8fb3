# The step that scores calls, reads their quality and finds keywords: its worker is killed in mid-step, ended and
# started again; all calls are then scored, each once. Scoring again: progress, and memory that does not grow.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep);

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 300, bytes => 6000);
my $node = VapiSales::Test->node('main', simulator => $simulator, preload => 1,
	config => "vapi_sales.databases = 'calls'\nrestart_after_crash = on\n");

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub wait_for { my ($what, $query) = @_; return ok($node->poll_query_until('calls', $query), $what); }

# hold(query): a session that runs the query and keeps its transaction open; ended by finish(session).
sub hold
{
	my ($query) = @_;
	my %session = (in => "BEGIN;\n$query;\n\\echo held\n", out => '');
	$session{run} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('calls') ], '<', \$session{in}, '>', \$session{out}, '2>', \$session{err},
		IPC::Run::timeout(180));
	$session{run}->pump until $session{out} =~ /held/ || !$session{run}->pumpable;
	return \%session;
}
sub finish { my ($session) = @_; $session->{in} .= "\\q\n"; eval { $session->{run}->finish; }; return; }

# It may wait for something else a moment before, too.
my $waiting = q{SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid WHERE a.backend_type = 'vapi_sales worker'
	AND l.relation = 'vapi_internal.call_quality'::regclass AND NOT l.granted AND a.query LIKE 'vapi_sales: scores%'};
my $done = q{SELECT (SELECT last_seq FROM vapi_internal.feed_follower WHERE follower = 'scores' AND resync_after IS NULL) = (SELECT last FROM vapi_internal.feed_head)
	AND (SELECT count(*) FROM vapi_internal.change_pending) = 0};
my $ended = q{c.status IN ('completed', 'failed', 'no-answer', 'busy', 'voicemail', 'canceled')};
my $missing = qq{SELECT count(*) FROM vapi_internal.call c WHERE $ended AND NOT EXISTS (SELECT FROM vapi_internal.call_score s JOIN vapi_internal.call_quality q USING (call_id)
	WHERE s.call_id = c.call_id)};

# In mid-step: the scores of its batch are written, its transaction is open.
my $lock = hold('LOCK TABLE vapi_internal.call_quality IN SHARE MODE');
is(sql(q{SELECT status, seen FROM vapi.vapi_sync('2026-01-01', '2026-02-01')}), 'complete|300', 'an import does not wait for scores');
wait_for('the worker is in the middle of the step', "SELECT count(*) = 1 FROM ($waiting) w");
is(sql('SELECT count(*) FROM vapi_internal.call_score'), 0, 'nothing of it is seen yet');
is(sql(q{SELECT status FROM vapi.health WHERE check_name = 'scores'}), 'warn', 'health says that calls wait');
my $pid = sql($waiting);
kill 'KILL', $pid;
finish($lock);
VapiSales::Test->wait_until('the server comes back', sub { my ($status) = $node->psql('calls', 'SELECT 1'); return $status == 0; });
wait_for('and the step goes on', $done);
is(sql($missing), 0, 'each call that has ended is scored and read');
is(sql('SELECT count(*) FROM vapi_internal.call_score_history'), 0, 'once');
is(sql(q{SELECT status, detail FROM vapi.health WHERE check_name = 'scores'}), 'ok|up to date', 'health is content');
is(sql(q{SELECT count(*) FROM vapi.call_scores s JOIN (SELECT call_id, sum(points) AS points FROM vapi.call_score_components GROUP BY call_id) p USING (call_id) WHERE s.score <> p.points}),
	0, 'points sum to the scores');
# a turn is a message, or a line of the transcript where there are none
my $turn = q{(SELECT coalesce(t.messages -> q.turn - 1 ->> 'message', split_part(t.transcript, chr(10), q.turn)) FROM vapi_internal.call_content t WHERE t.call_id = q.call_id)};
for my $view ('call_score_components', 'keyword_hits', 'call_quality_components')
{
	is(sql(qq{SELECT count(*) > 10, count(*) FILTER (WHERE coalesce(strpos($turn, q.quote), 0) = 0) FROM vapi.$view q WHERE q.quote IS NOT NULL AND q.turn IS NOT NULL}),
		't|0', "quotes of $view stand in their turns");
}
cmp_ok(sql('SELECT count(*) FROM vapi.call_quality WHERE score IS NOT NULL'), '>', 50, 'many calls have a quality');

# Asked to end in mid-step.
sql(q{CREATE TABLE was AS SELECT call_id, score, components, scored_at FROM vapi_internal.call_score});
$lock = hold('LOCK TABLE vapi_internal.call_quality IN SHARE MODE');
sql(q{SELECT vapi.vapi_track_keyword('competitor', 'acme')});
sql(q{UPDATE vapi_internal.feed_follower SET resync_after = '' WHERE follower = 'scores'; SELECT vapi_internal.wake()});
wait_for('it goes over all calls', "SELECT count(*) = 1 FROM ($waiting) w");
$pid = sql($waiting);
is(sql("SELECT pg_terminate_backend($pid, 10000)"), 't', 'it ends in mid-step when it is asked to');
finish($lock);
wait_for('the next one goes on', $done);
is(sql($missing), 0, 'all are read');
is(sql('SELECT count(*) FROM was w JOIN vapi_internal.call_score s USING (call_id) WHERE w.scored_at <> s.scored_at'), 0, 'what is scored already is left alone');

# Progress and memory of scoring again: calls without words for the first, with many for the second.
sql(q{INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, vapi_status, ended_status, ended_reason, reached)
	SELECT 'silent ' || i, now(), '2025-01-01', 'ended', 'no-answer', 'customer-did-not-answer', false FROM generate_series(1, 10100) AS i});
my ($status, $out, $err) = $node->psql('calls', q{SELECT calls, scored FROM vapi.vapi_rescore('2024-01-01', '2025-06-01')});
is($out, '10100|10100', 'over ten thousand calls are scored at once');
like($err, qr/NOTICE:  10000 calls gone over, 10000 scored/, 'with a notice on the way');
is(sql(q{SELECT calls, scored FROM vapi.vapi_rescore('2024-01-01', '2025-06-01')}), '10100|0', 'and not again');
sql(q{INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, vapi_status, ended_status, ended_reason, reached)
		SELECT 'long ' || i, now(), '2024-01-01', 'ended', 'completed', 'customer-ended-call', true FROM generate_series(1, 1000) AS i;
	INSERT INTO vapi_internal.call_content (call_id, messages, h_messages)
		SELECT 'long ' || i, (SELECT jsonb_agg(jsonb_build_object('role', CASE n % 2 WHEN 0 THEN 'bot' ELSE 'user' END, 'secondsFromStart', n,
			'message', 'How much is it for call ' || i || '? That is too expensive, we already have somebody. ' || repeat('So we talk on. ', 6))) FROM generate_series(1, 60) AS n), i
		FROM generate_series(1, 1000) AS i});

# RssAnon of a process in kB; undef when it is gone.
sub rss
{
	open my $in, '<', "/proc/$_[0]/status" or return;
	my ($rss) = join('', <$in>) =~ /^RssAnon:\s*(\d+)/m;
	return $rss;
}
my $session = hold(q{SELECT pg_backend_pid()});
my ($backend) = $session->{out} =~ /^(\d+)/m;
my @samples;
$session->{out} = '';
$session->{in} .= "SELECT scored FROM vapi.vapi_rescore('2023-01-01', '2024-06-01');\n\\echo over\n";
until ($session->{out} =~ /over/ || !$session->{run}->pumpable)
{
	$session->{run}->pump_nb;
	push @samples, rss($backend) // ();
	sleep(0.02);
}
like($session->{out}, qr/^1000$/m, 'a thousand long calls are scored again');
finish($session);
my $third = int(@samples / 3);
my ($early, $late) = (max(@samples[ 0 .. $third ]), max(@samples[ -$third .. -1 ]));
note(sprintf '%d samples, RssAnon at most %.1f MB in the first third, %.1f MB in the last', scalar @samples, $early / 1024, $late / 1024);
cmp_ok($late, '<', $early * 1.2 + 2048, 'memory does not grow with the calls');

$node->stop;
done_testing();
