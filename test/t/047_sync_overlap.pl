# The next page comes in while this one is stored: at a moment at which page n
# cannot be committed, page n + 1 has been delivered to its end. It is larger
# than what sockets hold (36 MB where the limits are Linux's usual ones), so
# somebody has read it meanwhile.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

VapiSales::Test::skip_without_simulator();

my ($calls, $page) = (4000, 1000);
my $simulator = VapiSales::Test->simulator(calls => $calls, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z',
	bytes => 80000, 'cache-mb' => 800);
my $node = VapiSales::Test->node('main', simulator => $simulator, config => <<"CONF");
vapi_sales.page_size = $page
synchronous_commit = off
CONF
my $session = $node->background_psql('calls');

# Answers whose last byte has left the simulator.
sub delivered
{
	my $statistics = $simulator->admin('stats');
	return $statistics->{requests} - $statistics->{running};
}

# Imports everything; how often a page was there before its predecessor could be committed.
sub overlaps
{
	$node->safe_psql('calls', 'TRUNCATE vapi_internal.call, vapi_internal.call_content');
	my $before = delivered();
	my $run = $node->safe_psql('calls', q{SELECT run_id FROM vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)});
	my $found = 0;
	for (1 .. 2 * $calls / $page)
	{
		# as long as this session has the run's row, no page is committed
		my ($status, $pages) = split /\|/, $session->query_safe("BEGIN; SELECT status, pages FROM vapi_internal.sync_run WHERE run_id = $run FOR UPDATE");
		last if $status ne 'running';
		# not as long as a lock is waited for (5 s)
		my $deadline = time() + 3;
		my $there = 0;
		while (time() < $deadline && !$there && $pages + 2 <= $calls / $page)
		{
			$there = delivered() - $before >= $pages + 2;
			sleep(0.02);
		}
		$found++ if $there;
		$session->query_safe('COMMIT');
		last if $found >= 2;
		# until a page more is committed
		$node->poll_query_until('calls', "SELECT status <> 'running' OR pages > $pages FROM vapi_internal.sync_run WHERE run_id = $run") or die 'no page';
	}
	ok($node->poll_query_until('calls', "SELECT status = 'complete' FROM vapi.sync_runs WHERE run_id = $run"), 'the import completes');
	is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), $calls, 'with all calls');
	return $found;
}

# the simulator has its pages ready afterwards
$node->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});
cmp_ok(overlaps(), '>=', 1, 'with a helper, the page after the one that is stored comes in');

$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$session->quit;
$node->restart;
$session = $node->background_psql('calls');
cmp_ok(overlaps(), '>=', 1, 'and without one');

$session->quit;
$node->stop;
done_testing();
