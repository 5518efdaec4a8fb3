# 20,000 calls of which 900 were created at one instant, at 100 calls a page:
# all of them once, and a second pass changes nothing. More calls of one
# instant than Vapi ever returns: a gap, not a silent loss.
use strict;
use warnings;
use Digest::MD5;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my @range = (from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $sync = q{SELECT status, seen, new, changed, failed, open_gaps FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};

my $simulator = VapiSales::Test->simulator(calls => 20000, ties => 900, 'shuffle-ties' => 1, @range, bytes => 2000);
my $node = VapiSales::Test->node('main', simulator => $simulator);
is($node->safe_psql('calls', $sync), 'complete|20000|20000|0|0|0', 'all calls, none twice');
is($node->safe_psql('calls', 'SELECT max(n) FROM (SELECT count(*) AS n FROM vapi_internal.call GROUP BY created_at) s'), 900,
	'900 of one instant');
is($node->safe_psql('calls', 'SELECT md5(string_agg(call_id, chr(10) ORDER BY call_id)) FROM vapi_internal.call'),
	Digest::MD5::md5_hex(join("\n", sort @{ $simulator->admin('ids') })), 'they are the right ones');
my $versions = q{SELECT md5(string_agg(c::text, '' ORDER BY call_id)) FROM vapi_internal.call c};
my $before = $node->safe_psql('calls', $versions);
is($node->safe_psql('calls', $sync), 'complete|20000|0|0|0|0', 'the same range again changes nothing');
is($node->safe_psql('calls', $versions), $before, 'not a version');

# Small pages meet ties at every edge.
$node->append_conf('postgresql.conf', 'vapi_sales.page_size = 7');
$node->reload;
my ($from, $to) = split /\|/, $node->safe_psql('calls',
	q{SELECT created_at - interval '20 hours', created_at + interval '20 hours' FROM vapi_internal.call GROUP BY created_at HAVING count(*) > 100});
my $expected = $node->safe_psql('calls', "SELECT count(*) FROM vapi_internal.call WHERE created_at >= '$from' AND created_at < '$to'");
cmp_ok($expected, '>', 905, 'there are calls before and after');
is($node->safe_psql('calls', "SELECT status, seen, unchanged FROM vapi.vapi_sync('$from', '$to')"), "complete|$expected|$expected",
	'seven calls a page');
$node->append_conf('postgresql.conf', 'vapi_sales.page_size = 1');
$node->reload;
is($node->safe_psql('calls', "SELECT status, seen, unchanged FROM vapi.vapi_sync('$from', '$to')"), "complete|$expected|$expected",
	'one call a page');
$node->stop;
$simulator->stop;

$simulator = VapiSales::Test->simulator(calls => 1600, ties => 1500, @range, bytes => 2000);
$node = VapiSales::Test->node('crowd', simulator => $simulator);
my ($result, $out, $err) = $node->psql('calls', $sync);
like($out, qr/^incomplete\|(\d+)\|\1\|0\|0\|1$/, 'more than 1000 of one instant: the run is incomplete');
like($err, qr/WARNING:  vapi_sync 1 is incomplete/, 'with a warning');
is($node->safe_psql('calls', q{SELECT "from" = "to", reason ~ '1000', status FROM vapi.sync_gaps}), 't|t|open', 'and a gap at that instant');
is($node->safe_psql('calls', q{SELECT count(*) FILTER (WHERE created_at < g."to"), count(*) FILTER (WHERE created_at > g."to")
		FROM vapi_internal.call, vapi.sync_gaps g}),
	join('|', map { my $newer = $_; scalar grep { $newer ? $_ > 0 : $_ < 0 } @{ sides($simulator) } } (0, 1)), 'the calls on both sides are here');
$node->stop;

# For each call beside the crowd: -1 when older than it, 1 when newer.
sub sides
{
	my ($from_simulator) = @_;
	my $instant = $node->safe_psql('calls', q{SELECT to_char("from" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM vapi.sync_gaps});
	my $newer = $from_simulator->admin("ids?from=$instant");
	my $all = $from_simulator->admin('ids');
	my $count = @$newer - 1500;
	return [ (1) x $count, (-1) x (@$all - @$newer) ];
}

done_testing();
