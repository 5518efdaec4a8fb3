# The steps that go by the clock: poll, settle, sweep and inbox_retention, first
# by vapi_work() without preload, then by the permanent worker.
use strict;
use warnings;
use IPC::Run;
use JSON::PP;
use POSIX qw(strftime);
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 60);
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $ids = $simulator->admin('ids');

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub wait_for { my ($what, $query) = @_; return ok($node->poll_query_until('calls', $query), $what); }
sub told { my ($check) = @_; return sql("SELECT status || ': ' || detail FROM vapi.health WHERE check_name = '$check'"); }
sub set { my ($text) = @_; $node->append_conf('postgresql.conf', "vapi_sales.$text\n"); $node->reload; sleep(0.3); return; }
sub call { my ($id, $columns) = @_; return sql("SELECT $columns FROM vapi_internal.call WHERE call_id = '$id'"); }

sub faults
{
	my (@rules) = @_;
	my $answer = $simulator->request('PUT', '/_sim/faults', \@rules);
	die $answer->{content} unless $answer->{success};
	return;
}

# work(step): takes all steps as if each were due; "done|more|error" of that one.
sub work
{
	my ($step) = @_;
	sql('UPDATE vapi_internal.step_state SET next_due_at = NULL');
	sql('UPDATE vapi_internal.call_recheck SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL');
	return sql("SELECT done, more, error FROM vapi.vapi_work() WHERE step = '$step'");
}

# event(type, id, seconds ago): one of the flat events.
sub event
{
	my ($type, $id, $ago) = @_;
	my $at = strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime(time() - $ago));
	my $event = JSON::PP->new->canonical->encode({ event => $type, timestamp => $at, data => { callId => $id, endedAt => $type eq 'call.ended' ? $at : undef } });
	return sql("SELECT vapi.vapi_ingest_event('$event')");
}

# Settle: asked for by itself only when no import has brought it for minutes.
my ($known, $other) = @$ids[ 0, 1 ];
event('call.ended', $known, 10);
is(sql('SELECT id, attempts, next_attempt_at FROM vapi.unsettled_calls'), "$known|0|", 'an end by an event leaves the call unsettled');
like(told('unsettled'), qr/^ok: 1 call not settled yet, 0 of them/, 'health counts it');
is(work('settle'), '0|f|', 'a young one is left to the poll');
sql("UPDATE vapi_internal.call SET v_status = v_status - ((2 * 3600 * 1000)::bigint << 3), ended_at = ended_at - interval '2 hours'");
like(told('unsettled'), qr/^warn: 1 call not settled yet, 1 of them for more than an hour/, 'health warns of one that stays');
is(work('settle'), '1|f|', 'an old one is asked for');
is(sql('SELECT count(*) FROM vapi.unsettled_calls'), 0, 'and is settled');
is(call($known, "settled, vapi_status, created_at IS NOT NULL"), 't|ended|t', 'with what Vapi says of it');
is(sql('SELECT count(*) FROM vapi_internal.call_recheck'), 0, 'nothing is left to remember');
is(work('settle'), '0|f|', 'it is not asked for again');

set('settle_after = 0');
event('call.ended', 'not at Vapi', 1);
is(work('settle'), '1|f|', 'a call that Vapi does not have is settled');
is(call('not at Vapi', 'settled, status'), 't|completed', 'as it is here');
is(sql(q{SELECT gone_at IS NOT NULL, last_error FROM vapi_internal.call_recheck WHERE call_id = 'not at Vapi'}) =~ /^t\|.+/ ? 1 : 0, 1, 'which is said');
like(told('unsettled'), qr/Vapi no longer had 1 call, settled as they are here/, 'in health, too');
like(slurp_file($node->logfile), qr/Vapi no longer has call "not at Vapi"/, 'and in the log');
is(sql(q{SELECT count(*) > 0 FROM vapi_internal.change_feed WHERE call_id = 'not at Vapi'}), 't', 'its readers see the change');

# Refused for one call, unavailable for all, no key, a call that has not ended after all.
event('call.ended', $other, 1);
faults({ kind => 'status', status => 400, path => "^/call/$other" });
event('call.ended', $ids->[2], 1);
is(work('settle'), '1|f|', 'what is refused for one call does not hold up another');
is(sql('SELECT id, attempts, last_error IS NOT NULL, next_attempt_at > now() + interval \'4 minutes\' FROM vapi.unsettled_calls'), "$other|1|t|t", 'and puts that one off');
faults({ kind => 'status', status => 503, path => '^/call/' });
like(work('settle'), qr/^0\|f\|Calls that have ended could not be settled: /, 'Vapi is not available: the step fails');
is(sql('SELECT attempts FROM vapi.unsettled_calls'), 1, 'which is no attempt of the call');
faults();
my $secret = VapiSales::Test->secrets_directory($node) . '/vapi_api_key';
rename $secret, "$secret.away" or die $!;
is(work('settle'), '0|f|', 'without a key nothing is asked, and nothing fails');
rename "$secret.away", $secret or die $!;
is(work('settle'), '1|f|', 'in the end it is settled');
my $created = $simulator->request('POST', '/call', { assistantId => $simulator->admin('account')->{assistants}[0]{id}, phoneNumberId => $simulator->admin('account')->{phoneNumbers}[0]{id}, customer => { number => '+13035550142' } });
is($created->{status}, 201, 'a call begins') or diag($created->{content});
my $running = $created->{data}{id};
event('call.ended', $running, 0);
is(work('settle'), '0|f|', 'a call that Vapi shows as under way stays unsettled');
is(sql('SELECT id, attempts, last_error FROM vapi.unsettled_calls'), "$running|1|", 'it is asked for again later');
is(call($running, 'status'), 'completed', 'and is as ended as it was');
sql("SELECT vapi_internal.erase_call('$running')");
is(sql("SELECT count(*) FROM vapi_internal.call_recheck WHERE call_id = '$running'"), 0, 'an erased call is forgotten here, too');

# Sweep: calls under way for too long.
event('call.started', $ids->[3], 2 * 3600);
event('call.started', $ids->[4], 60);
event('call.started', 'lost', 2 * 3600);
is(sql('SELECT count(*) FROM vapi.live_calls'), 3, 'three calls are under way');
is(work('sweep'), '2|f|', 'those without a sign of life are asked for');
is(call($ids->[3], 'settled, vapi_status'), 't|ended', 'one has ended long ago');
is(call('lost', 'settled, vapi_status, status'), 't|not-found|failed', 'one is not at Vapi');
is(sql('SELECT string_agg(id, \',\') FROM vapi.live_calls'), $ids->[4], 'the young one is left alone');
event('call.ended', 'lost', 3600);
is(call('lost', 'vapi_status, status'), 'ended|completed', 'an end that comes yet counts more');

# Inbox retention.
sql(q{INSERT INTO vapi_internal.event (received_at, channel, type, dedupe_key, content_hash, last_delivered_at, status, next_attempt_at, body)
	SELECT now() - interval '31 days', 'trusted', 'hang', sha256(i::text::bytea), '', now() - interval '31 days', CASE WHEN i % 500 = 0 THEN 'dead' WHEN i % 500 = 1 THEN 'pending' WHEN i % 500 = 2 THEN 'discarded' ELSE 'applied' END,
		CASE WHEN i % 500 = 1 THEN now() + interval '1 day' END, '{}' FROM generate_series(1, 2500) i});
sql(q{UPDATE vapi_internal.event SET last_delivered_at = now() WHERE event_id = (SELECT max(event_id) FROM vapi_internal.event WHERE status = 'applied')});
sql(q{INSERT INTO vapi_internal.event_answer (event_id, answer) SELECT event_id, '{}' FROM vapi_internal.event WHERE received_at < now() - interval '30 days'});
my $young = sql(q{SELECT count(*) FROM vapi_internal.event WHERE received_at > now() - interval '1 day'});
set('keep_events = 0');
is(work('inbox_retention'), '0|f|', 'with keep_events = 0 events are kept for ever');
set("keep_events = '30d'");
is(work('inbox_retention'), '2489|f|', 'old events that were applied or discarded go');
is(sql(q{SELECT string_agg(status || ' ' || count, ', ' ORDER BY status) FROM (SELECT status, count(*) FROM vapi_internal.event WHERE received_at < now() - interval '30 days' GROUP BY 1) s}),
	'applied 1, dead 5, pending 5', 'but not what waits, nor dead letters, nor what came again since');
is(sql('SELECT count(*) FROM vapi_internal.event_answer a WHERE NOT EXISTS (SELECT FROM vapi_internal.event e WHERE e.event_id = a.event_id)'), 0, 'their answers go with them');
is(sql(q{SELECT count(*) FROM vapi_internal.event WHERE received_at > now() - interval '1 day'}), $young, 'young events are all there');

# Poll, by vapi_work().
is(work('poll'), '0|f|', 'poll_interval = 0: Vapi is not polled');
is(told('poll'), 'ok: vapi_sales.poll_interval is 0: Vapi is not asked by itself', 'health says so');
set('poll_interval = 3600');
like(told('poll'), qr/^warn: Vapi was never asked/, 'health warns as long as there was none');
$simulator->admin('touch', { ids => [ @$ids[ 10 .. 12 ] ] });
is(work('poll'), '3|f|', 'a poll brings what changed');
like(told('poll'), qr/^ok: Vapi was last asked what has changed \d+ s ago/, 'health knows the last good one');
is(sql('SELECT status, kind, requested_by FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1'), 'complete|changes|vapi_sales poll', 'as a run like any other');
$simulator->admin('touch', { ids => [ $ids->[13] ] });
is(sql(q{SELECT done FROM vapi.vapi_work() WHERE step = 'poll'}), 0, 'the next one waits for its time');
is(work('poll'), '1|f|', 'and brings the rest then');
sql(q{INSERT INTO vapi_internal.sync_run (run_id, kind, status, started_at, updated_at, finished_at, requested_by) SELECT 1000 + i, 'changes', 'complete', now(), now(), now() - interval '8 days', 'vapi_sales poll' FROM generate_series(1, 10) i});
sql(q{SELECT setval('vapi_internal.sync_run_run_id_seq', 1023)});
is(work('poll'), '0|f|', 'a poll that brings nothing');
is(sql('SELECT count(*) FROM vapi_internal.sync_run WHERE run_id BETWEEN 1001 AND 1010'), 0, 'those of long ago are forgotten');

# A refused key makes no runs.
my $runs = sql('SELECT count(*) FROM vapi_internal.sync_run');
faults({ kind => 'expired-key' });
like(work('poll'), qr/^0\|f\|Vapi could not be asked what has changed: .*refused/, 'Vapi refuses the key');
like(work('poll'), qr/it has not changed since/, 'then it is not asked again with that one');
is(sql('SELECT count(*) FROM vapi_internal.sync_run'), $runs + 1, 'and only the first made a run');
faults();
VapiSales::Test->write_secret($node, 'vapi_api_key', $VapiSales::Test::KEY);
is(work('poll'), '0|f|', 'with another file it is');

# Another run of the kind is left to bring the same; who asks for one joins a poll.
$simulator->admin('touch', { ids => [ $ids->[20] ] });
faults({ kind => 'delay', ms => 4000, path => '^/call' });
my $run = sql('SELECT run_id FROM vapi.vapi_sync_changes(wait => false)');
is(work('poll'), '0|f|', 'a run under way is left to bring the same');
faults();
wait_for('it does', "SELECT status = 'complete' AND new + changed = 1 FROM vapi.sync_runs WHERE run_id = $run");

# The same by the permanent worker.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'vapi_sales'\nvapi_sales.databases = 'calls'\nvapi_sales.poll_interval = 1\n");
$node->restart;
$simulator->admin('touch', { ids => [ $ids->[21] ] });
my $truth = $simulator->request('GET', "/call/$ids->[21]")->{data};
wait_for('the worker polls', "SELECT count(*) = 1 FROM vapi_internal.call WHERE call_id = '$ids->[21]' AND cost = $truth->{cost}");
event('call.ended', $ids->[5], 1);
sql('UPDATE vapi_internal.step_state SET next_due_at = now() + interval \'1 second\' WHERE step = \'settle\'');
event('call.ended', 'gone, too', 1);
wait_for('it settles', 'SELECT count(*) = 0 FROM vapi.unsettled_calls');
faults({ kind => 'delay', ms => 3000, path => '^/call' });
wait_for('it polls slowly', q{SELECT count(*) = 1 FROM vapi.sync_runs WHERE status = 'running'});
my $row = sql('SELECT requested_by, status FROM vapi.vapi_sync_changes()');
is($row, 'vapi_sales poll|complete', 'who asks for a run joins the poll');
faults({ kind => 'delay', ms => 60000, path => '^/call' });
wait_for('it waits for Vapi', q{SELECT count(*) = 1 FROM vapi.sync_runs WHERE status = 'running'});
event('call.started', 'meanwhile', 1);
wait_for('meanwhile the feed moves on', q{SELECT count(*) = 1 FROM vapi_internal.change_feed WHERE call_id = 'meanwhile'});
is(sql(q{SELECT count(*) FROM vapi.sync_runs WHERE status = 'running'}), 1, 'while it still waits');
faults();
$node->stop('fast');
unlike(slurp_file($node->logfile), qr/TRAP|PANIC|terminated by signal/, 'nothing crashed');

done_testing();
