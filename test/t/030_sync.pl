# vapi_sync from end to end: progress that others see, a second pass that
# changes nothing, and the transactions from which it may be called.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my @range = (from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $simulator = VapiSales::Test->simulator(calls => 1000, @range, 'latency-ms' => 150);
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $sync = q{SELECT status, seen, new, changed, unchanged, failed FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};
my $ids = $simulator->admin('ids');

# Without wait: one row at once, and the rest is seen from this other session.
is($node->safe_psql('calls', q{SELECT run_id, status, seen FROM vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)}),
	'1|running|0', 'without wait the first row comes back');
ok( $node->poll_query_until('calls', q{
		SELECT r.status = 'running' AND r.seen BETWEEN 100 AND 900 AND r.pages > 0 AND r.estimated_end IS NOT NULL
			AND (SELECT count(*) FROM vapi_internal.call) >= r.seen
		FROM vapi.sync_runs r WHERE run_id = 1}),
	'in mid-run another session sees committed calls and the progress');

# The same range again joins the run that is under way.
my ($result, $out, $err) = $node->psql('calls', q{SELECT run_id, status, seen FROM vapi.vapi_sync('2026-01-01', '2026-02-01')});
is($out, '1|complete|1000', 'the same range joins the run under way');
like($err, qr/NOTICE:  vapi_sync 1: complete: 1,000 calls \(1,000 new, 0 changed\)/, 'its waiter is told the end');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi.sync_runs'), 1, 'there is one run');
is($node->safe_psql('calls', 'SELECT call_id FROM vapi_internal.call ORDER BY call_id'), join("\n", sort @$ids),
	'exactly the calls of the range are here');
my $same = q{SELECT count(*), count(*) FILTER (WHERE stored *= again) FROM vapi_internal.call_content t,
	LATERAL (SELECT t.raw, t.messages, t.analysis, t.cost_items, t.metadata) AS stored,
	LATERAL (SELECT t.raw::text::jsonb, t.messages::text::jsonb, t.analysis::text::jsonb, t.cost_items::text::jsonb, t.metadata::text::jsonb) AS again};
like($node->safe_psql('calls', $same), qr/^(\d+)\|\1$/, 'every jsonb is, byte for byte, what the server makes of its text');
is($node->safe_psql('calls', q{SELECT open_gaps, requests > 10, wire_bytes < body_bytes, body_bytes > 100000, message, warning, requested_by,
		finished_at >= started_at, oldest < newest FROM vapi.sync_runs}),
	'0|t|t|t|||' . $node->safe_psql('calls', 'SELECT current_user') . '|t|t', 'the row says what was done');

# The same range again changes nothing: neither content nor versions.
VapiSales::Test->finish_work($node, 'calls');
my $content = q{SELECT md5(string_agg(c::text, '' ORDER BY call_id)), md5((SELECT string_agg(t::text, '' ORDER BY call_id)
	FROM vapi_internal.call_content t)) FROM vapi_internal.call c};
my $before = $node->safe_psql('calls', $content);
my $written = q{SELECT sum(n_tup_upd + n_tup_ins) FROM pg_stat_user_tables WHERE relname IN ('call', 'call_content', 'rollup_dirty', 'change_pending')};
ok($node->poll_query_until('calls', q{SELECT sum(n_tup_ins) >= 1000 FROM pg_stat_user_tables WHERE relname = 'call'}), 'statistics are there');
my $writes = $node->safe_psql('calls', $written);
($result, $out, $err) = $node->psql('calls', $sync);
is($out, 'complete|1000|0|0|1000|0', 'a second pass changes no row');
like($err, qr/NOTICE:  vapi_sync 2: nothing new: 1,000 calls seen, 0 new, 0 changed/, 'and says so');
like($err, qr/NOTICE:  vapi_sync 2: [\d,]+ calls \(0 new, 0 changed\), \d+ pages?, back to 2026-01-\d\d/, 'with progress on the way');
is($node->safe_psql('calls', $content), $before, 'contents and versions are equal');
$node->safe_psql('calls', 'SELECT pg_stat_force_next_flush()');
is($node->safe_psql('calls', $written), $writes, 'nothing was written');

# Called from other transactions.
is($node->safe_psql('calls', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM vapi.sync_runs; $sync; COMMIT"),
	"2\ncomplete|1000|0|0|1000|0", 'a REPEATABLE READ caller gets the final row');
is($node->safe_psql('calls', "BEGIN READ ONLY; $sync; COMMIT"), 'complete|1000|0|0|1000|0', 'a read-only caller too');
is($node->safe_psql('calls', "BEGIN; $sync; $sync; COMMIT"), "complete|1000|0|0|1000|0\ncomplete|1000|0|0|1000|0",
	'two in one transaction');
($result, $out, $err) = $node->psql('calls', "BEGIN; SELECT txid_current(); $sync", extra_params => ['-v', 'VERBOSITY=verbose']);
like($err, qr/25001: cannot wait.*\n.*DETAIL:.*\n.*HINT:  Commit first/, 'a caller that has written is refused');
is($node->safe_psql('calls', q{BEGIN; SELECT txid_current() > 0; SELECT status FROM vapi.vapi_sync('2026-01-01', '2026-02-01', false); COMMIT}),
	"t\nrunning", 'but not without wait');
ok($node->poll_query_until('calls', q{SELECT bool_and(status = 'complete') FROM vapi.sync_runs}), 'that run ends by itself');

# A caller that holds a lock without having written: the worker gives up, nobody hangs.
($result, $out, $err) = $node->psql('calls',
	"BEGIN; LOCK TABLE vapi_internal.rollup_dirty, vapi_internal.call IN SHARE MODE; $sync", timeout => 120,
	extra_params => ['-v', 'VERBOSITY=verbose']);
like($err, qr/55P03: canceling statement due to lock timeout\nHINT:  Another session.*vapi_resume_sync\(\d+\)/,
	'a worker that its waiting caller blocks ends the run');
is($node->safe_psql('calls', 'SELECT status FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1'), 'failed', 'which is failed');

# Arguments.
for my $case (
	[ q{'2026-02-01', '2026-01-01'}, '22023', 'from after to' ],
	[ q{'2026-01-01', '2026-01-01'}, '22023', 'an empty range' ],
	[ q{NULL, '2026-01-01'}, '22004', 'from is NULL' ],
	[ q{'2026-01-01', NULL}, '22004', 'to is NULL' ],
	[ q{'-infinity', '2026-01-01'}, '22008', 'from is infinite' ],
	[ q{'2026-01-01', 'infinity'}, '22008', 'to is infinite' ])
{
	my ($arguments, $state, $name) = @$case;
	($result, $out, $err) = $node->psql('calls', "SELECT vapi.vapi_sync($arguments)", extra_params => ['-v', 'VERBOSITY=verbose']);
	like($err, qr/ERROR:  $state: /, "$name is refused");
}
is($node->safe_psql('calls', q{SELECT status, seen FROM vapi.vapi_sync('2026-01-31', now() + interval '1 year')}) =~ /^complete\|\d+$/, 1,
	'to may lie in the future');
($result, $out, $err) = $node->psql('calls', 'CREATE ROLE nobody; SET ROLE nobody; ' . $sync);
like($err, qr/permission denied/, 'not for everybody');

$node->stop;
done_testing();
