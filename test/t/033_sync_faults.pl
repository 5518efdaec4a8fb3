# What Vapi may answer instead of a page: nothing of it counts as success, and
# nothing is lost without a gap.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my $calls = 300;
my @range = (from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $simulator = VapiSales::Test->simulator(calls => $calls, @range, now => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $sync = q{SELECT status, seen, new, failed, open_gaps FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};
my @verbose = (extra_params => [ '-v', 'VERBOSITY=verbose' ]);
my ($result, $out, $err);

sub faults
{
	my (@rules) = @_;
	my $answer = $simulator->request('PUT', '/_sim/faults', \@rules);
	die $answer->{content} unless $answer->{success};
	return;
}
sub forget { $node->safe_psql('calls', 'TRUNCATE vapi_internal.call, vapi_internal.call_content'); return; }
sub newest { return $node->safe_psql('calls', 'SELECT max(run_id) FROM vapi.sync_runs'); }

# Passing faults are tried again; the run tells of it.
faults(map { { %$_, query => 'createdAtLe', count => 1 } } { kind => 'status', status => 500 }, { kind => 'cut-body' },
	{ kind => 'status', status => 429, retryAfter => 1, body => 'html' });
is($node->safe_psql('calls', $sync), "complete|$calls|$calls|0|0", 'a 500, a cut body and a 429 are tried again');
is($node->safe_psql('calls', 'SELECT retries, wait_ms >= 1000 FROM vapi.sync_runs'), '3|t', 'the run counts retries and waits');

# A long wait is in the run's row while it lasts.
faults({ kind => 'status', status => 429, retryAfter => 4, query => 'createdAtLe', count => 1 });
$node->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)});
ok($node->poll_query_until('calls', q{SELECT message ~ '^waiting to try again, [45] s$' FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1}),
	'a run tells what it waits for');
ok($node->poll_query_until('calls', q{SELECT status = 'complete' AND message IS NULL FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1}),
	'and no longer when it is over');

# A client that waits is told of a long wait once, not every second.
faults({ kind => 'status', status => 429, retryAfter => 4, query => 'createdAtLe', count => 1 });
($result, $out, $err) = $node->psql('calls', $sync);
my $told = () = $err =~ /waiting to try again/g;
is($told, 1, 'a waiting client is told once');

# One call that the database refuses costs no other, whatever the database's settings.
forget();
my $refused = $simulator->admin('ids')->[120];
$node->safe_psql('calls', qq{
	ALTER TABLE vapi_internal.call ADD CONSTRAINT refuse CHECK (call_id <> '$refused');
	ALTER DATABASE calls SET exit_on_error = on});
($result, $out, $err) = $node->psql('calls', $sync);
is($out, 'incomplete|' . $calls . '|' . ($calls - 1) . '|1|1', 'a call that is refused is one gap');
$node->safe_psql('calls', 'ALTER DATABASE calls RESET exit_on_error; ALTER TABLE vapi_internal.call DROP CONSTRAINT refuse');
is($node->safe_psql('calls', 'SELECT status, open_gaps FROM vapi.vapi_resume_sync(' . newest() . ')'), 'complete|0', 'which a resumed run fills');

# A page that is cut off but says 200 is asked for again.
forget();
faults({ kind => 'invalid-json', skip => 1, count => 1 });
is($node->safe_psql('calls', $sync), "complete|$calls|$calls|0|0", 'a page that is no JSON is asked for again');

# Call payloads that no jsonb holds as they are.
forget();
faults({ kind => 'nul', count => 1 }, { kind => 'surrogate', count => 1 });
is($node->safe_psql('calls', $sync), "complete|$calls|$calls|0|0", 'NUL and lone surrogates are stored as replacement characters');

my $victim = $simulator->admin('ids')->[150];
forget();

# Every page is unreadable from the second on: what is left is a gap down to the start, and resume drains it.
faults({ kind => 'text', text => '<html>edge</html>', skip => 1 });
($result, $out, $err) = $node->psql('calls', $sync);
like($out, qr/^incomplete\|100\|100\|\d+\|\d+$/, 'unreadable pages make a run incomplete');
like($err, qr/WARNING:  vapi_sync \d+ is incomplete: some calls could not be read/, 'with a warning');
my $run = newest();
is($node->safe_psql('calls', qq{SELECT min("from"), bool_and(status = 'open'), bool_and(reason ~ 'could not be read') FROM vapi.sync_gaps WHERE run_id = $run}),
	'2026-01-01 00:00:00+00|t|t', 'the gap reaches down to the start');
faults();
is($node->safe_psql('calls', "SELECT status, new, open_gaps FROM vapi.vapi_resume_sync($run)"), "complete|$calls|0", 'resume reads the gap');
is($node->safe_psql('calls', "SELECT DISTINCT status FROM vapi.sync_gaps WHERE run_id = $run"), 'drained', 'and drains it');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), $calls, 'all calls are here');

# Pages of some sizes cannot be read: smaller ones are asked for, and nothing is lost.
forget();
faults({ kind => 'invalid-json', query => 'limit=(100|25)(&|$)' });
is($node->safe_psql('calls', $sync), "complete|$calls|$calls|0|0", 'what cannot be read in one page is read in smaller ones');
faults();

# One call that cannot be stored: the others of its page are, and resume brings it.
forget();
$node->safe_psql('calls', "ALTER TABLE vapi_internal.call ADD CONSTRAINT poison CHECK (call_id <> '$victim')");
($result, $out, $err) = $node->psql('calls', $sync);
is($out, sprintf('incomplete|%d|%d|1|1', $calls, $calls - 1), 'a call that cannot be stored is a gap, the rest is stored');
$run = newest();
is($node->safe_psql('calls', "SELECT call_id, reason ~ 'could not be read: .*poison', \"from\" = \"to\" FROM vapi.sync_gaps WHERE run_id = $run"),
	"$victim|t|t", 'the gap names it');
$node->safe_psql('calls', 'ALTER TABLE vapi_internal.call DROP CONSTRAINT poison');
is($node->safe_psql('calls', "SELECT status, new, open_gaps FROM vapi.vapi_resume_sync($run)"), "complete|$calls|0", 'resume brings it');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), $calls, 'all calls are here');

# The key is refused: the run ends, and no import asks again before the key is another one.
sub requests { my $statistics = $simulator->admin('stats'); return $statistics->{requests}; }
sub refused { my ($sql, $pattern, $name) = @_; (undef, undef, $err) = $node->psql('calls', $sql, @verbose); return like($err, $pattern, $name); }
my $known = qr/ERROR:  28000: Vapi refused the API key at \d{4}-.*, and it has not changed since.*DETAIL:  No request was made now. Vapi says: .*HINT:  Put .* into the file vapi_api_key/s;
my $state = q{SELECT key_refused_at IS NOT NULL, key_refused_stamp IS NOT NULL, key_refused_message FROM vapi_internal.sync_state};
forget();
faults({ kind => 'expired-key', skip => 1, path => '^/call' });
refused($sync, qr/ERROR:  28000: Vapi refused the API key \(HTTP 401\).*CONTEXT:  vapi_sync run \d+/s, 'a refused key fails the run');
$run = newest();
is($node->safe_psql('calls', "SELECT status, seen, message ~ 'API key' FROM vapi.sync_runs WHERE run_id = $run"), 'failed|100|t', 'which keeps its page');
like($node->safe_psql('calls', $state), qr/^t\|t\|Vapi says: /, 'that it is refused is noted');
unlike($node->safe_psql('calls', 'SELECT s::text FROM vapi_internal.sync_state s'), qr/\Q$VapiSales::Test::KEY\E/, 'without the key');
my $requests = requests();
refused($_, $known, "$_ fails at once")
  for "SELECT vapi.vapi_resume_sync($run)", $sync, 'SELECT vapi.vapi_sync_changes()',
  q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)},
  q{BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT vapi.vapi_sync_changes()};
is(requests(), $requests, 'without a request');
is(newest(), $run, 'and without a run');

# A person may always try; refused, nothing changes.
refused('SELECT vapi.vapi_list_calls()', qr/ERROR:  28000: Vapi refused the API key \(HTTP 401\)/, 'a client function asks all the same');
is(requests(), $requests + 1, 'with a request');
refused($sync, $known, 'imports do not yet');

# What is accepted in a read-only transaction cannot be noted; else it is.
faults();
is($node->safe_psql('calls', q{BEGIN READ ONLY; SELECT vapi.vapi_list_calls('{"limit": 1}') IS NOT NULL; COMMIT}), 't', 'Vapi accepts the key again');
refused($sync, $known, 'imports do not know it');
is($node->safe_psql('calls', q{SELECT vapi.vapi_list_calls('{"limit": 1}') IS NOT NULL}), 't', 'accepted in a transaction that writes');
is($node->safe_psql('calls', $state), 'f|f|', 'the note is gone');
is($node->safe_psql('calls', "SELECT status, seen FROM vapi.vapi_resume_sync($run)"), "complete|$calls", 'and the run is resumed');

# Another key: the next import tries it, and what it finds counts for all.
$simulator->admin('key', { key => 'another-invented-key' });
refused($sync, qr/ERROR:  28000: Vapi refused the API key \(HTTP 401\)/, 'a key that was withdrawn');
refused($sync, $known, 'is not tried twice');
VapiSales::Test->write_secret($node, 'vapi_api_key', 'a-wrong-key');
refused($sync, qr/ERROR:  28000: Vapi refused the API key \(HTTP 401\)/, 'another one is tried');
refused($sync, $known, 'once');
VapiSales::Test->write_secret($node, 'vapi_api_key', 'another-invented-key');
is($node->safe_psql('calls', "SELECT status, seen FROM vapi.vapi_sync('2026-01-01', '2026-02-01')"), "complete|$calls", 'the right one works at once');
is($node->safe_psql('calls', $state), 'f|f|', 'the note is gone');
$simulator->{key} = 'another-invented-key';

# A run under way stops too when another one finds the key refused.
forget();
faults({ kind => 'expired-key', query => 'updatedAtGe' }, { kind => 'delay', ms => 500, path => '^/call' });
$run = $node->safe_psql('calls', q{SELECT run_id FROM vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)});
refused('SELECT vapi.vapi_sync_changes()', qr/ERROR:  28000: Vapi refused the API key \(HTTP 401\)/, 'one run finds the key refused');
ok($node->poll_query_until('calls', "SELECT status = 'failed' AND message ~ 'has not changed since' FROM vapi.sync_runs WHERE run_id = $run"),
	'the other one stops');
faults();
is($node->safe_psql('calls', q{SELECT vapi.vapi_list_calls('{"limit": 1}') IS NOT NULL}), 't', 'a person finds it accepted');
is($node->safe_psql('calls', "SELECT status, seen FROM vapi.vapi_resume_sync($run)"), "complete|$calls", 'and it goes on');

# Another organisation's key.
forget();
$node->safe_psql('calls', 'DELETE FROM vapi_internal.tombstone');
$simulator->admin('org', { orgId => '99999999-0000-4000-8000-000000000000' });
($result, $out, $err) = $node->psql('calls', $sync, @verbose);
like($err, qr/ERROR:  VS005: the key belongs to Vapi organisation "99999999-.*HINT:/s, 'another organisation stops the run');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), 0, 'nothing of it is stored');
($result, $out, $err) = $node->psql('calls', "SELECT vapi.vapi_get_call('$victim')", @verbose);
like($err, qr/ERROR:  VS005/, 'nor by vapi_get_call');
$simulator->admin('org', {});
is($node->safe_psql('calls', $sync), "complete|$calls|$calls|0|0", 'the first one goes on');
$node->stop;
$simulator->stop;

# Vapi keeps calls for 14 days only.
$simulator = VapiSales::Test->simulator(calls => $calls, @range, now => '2026-02-01T00:00:00Z', 'retention-days' => 14);
$node = VapiSales::Test->node('short', simulator => $simulator);
my $kept = @{ $simulator->admin('ids?from=2026-01-18T00:00:00Z') };
($result, $out, $err) = $node->psql('calls', $sync);
is($out, "complete|$kept|$kept|0|0", 'what Vapi still has is imported');
like($err, qr/WARNING:  vapi_sync 1: Vapi no longer keeps all calls of this range\. .*14 days/, 'with a warning that says what Vapi says');
is($node->safe_psql('calls', q{SELECT warning ~ '14 days' FROM vapi.sync_runs}), 't', 'kept in the row');
($result, $out, $err) = $node->psql('calls', q{SELECT status, seen FROM vapi.vapi_sync('2026-01-02', '2026-01-05')});
is($out, 'complete|0', 'a range that is all gone is empty');
like($err, qr/WARNING:.*no longer keeps/, 'and says why');

# A refusal that has nothing to do with the range fails the run.
faults({ kind => 'status', status => 400, message => 'limit must not be greater than 50' });
($result, $out, $err) = $node->psql('calls', $sync, @verbose);
like($err, qr/ERROR:  VS003: Vapi refused GET .call .HTTP 400.*limit must not be/s, 'another refusal is an error');
$node->stop;
done_testing();
