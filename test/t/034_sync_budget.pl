# The rate budget: requests of all processes together never exceed
# requests_per_minute in any minute, an import leaves the last fifth, and a
# person goes first. Measured at the simulator, from its clock's arrival times.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 2000, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $rate = 60;
$node->append_conf('postgresql.conf', "vapi_sales.requests_per_minute = $rate\nvapi_sales.page_size = 20\n");
$node->reload;
$node->poll_query_until('calls', qq{SELECT current_setting('vapi_sales.requests_per_minute') = '$rate'}) or die 'no reload';
sub requests { my $statistics = $simulator->admin('stats'); return $statistics->{requests}; }

# Two imports and a person who asks all the time.
my $started = time();
$node->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-01', '2026-01-16', wait => false)});
$node->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-16', '2026-02-01', wait => false)});
my ($asked, $longest) = (0, 0);
my @samples = ([ 0, requests() ]);
while (time() - $started < 64)
{
	if ($asked < 10 && time() - $started > 20)
	{
		my $before = time();
		$node->safe_psql('calls', q{SELECT vapi.vapi_list_calls('{"limit": 1}') IS NOT NULL});
		my $took = time() - $before;
		$longest = $took if $took > $longest;
		$asked++;
	}
	sleep(0.25);
	push @samples, [ time() - $started, requests() ];
}
my $most = 0;
for my $first (@samples)
{
	for my $last (@samples)
	{
		next if $last->[0] < $first->[0] || $last->[0] - $first->[0] > 60;
		$most = $last->[1] - $first->[1] if $last->[1] - $first->[1] > $most;
	}
}
is($asked, 10, 'the person was served ten times');
cmp_ok($longest, '<', 4, 'without a long wait');
cmp_ok($most, '<=', $rate, "at most $rate requests in any minute (most: $most)");
cmp_ok($most, '>=', $rate * 0.6, 'and the budget is used');
my ($imports) = $node->safe_psql('calls', 'SELECT sum(requests) FROM vapi.sync_runs') =~ /(\d+)/;
cmp_ok($imports, '<=', $rate * 0.8 * 64 / 60 + 2, "imports leave the last fifth ($imports requests in 64 s)");
is($node->safe_psql('calls', 'SELECT bool_and(wait_ms > 1000) FROM vapi.sync_runs'), 't', 'runs tell of their waits');
$node->safe_psql('calls', 'SELECT vapi.vapi_cancel_sync(run_id) FROM vapi.sync_runs WHERE status = \'running\'');

# A budget that a step of the clock has left in the future heals.
$node->safe_psql('calls', q{SELECT setval('vapi_internal.budget_all', (extract(epoch FROM now()) * 1000000)::bigint + 3600000000::bigint * 24)});
$started = time();
$node->safe_psql('calls', q{SELECT vapi.vapi_list_calls('{"limit": 1}') IS NOT NULL});
cmp_ok(time() - $started, '<', 5, 'a budget from a wrong clock is forgotten');

$node->stop;
done_testing();
