# Memory of the sync worker and of its helper: each holds one page, however many calls there are.
# Figures are printed; VAPI_MEMORY_CALLS=100000 makes the long run longer.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use List::Util qw(max);
use Test::More;
use Time::HiRes qw(sleep time);

VapiSales::Test::skip_without_simulator();

my $short = 5000;
my $long = $ENV{VAPI_MEMORY_CALLS} || 20000;
my ($from, $to) = ('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z');
my $simulator = VapiSales::Test->simulator(calls => $long, from => $from, to => $to, bytes => 45000, 'cache-mb' => 200);
my $node = VapiSales::Test->node('main', simulator => $simulator, config => <<'CONF');
synchronous_commit = off
max_wal_size = '4GB'
CONF

# RssAnon of a process in kB; undef when it is gone.
sub rss
{
	my ($pid) = @_;
	open my $in, '<', "/proc/$pid/status" or return;
	my ($rss) = join('', <$in>) =~ /^RssAnon:\s*(\d+)/m;
	return $rss;
}

# Imports calls of the month; returns the worker's RssAnon in kB, its 95th percentile and its maximum, the run's row, and the helper's maximum in
# the first and in the second half of the time in which it had a page: how early it gets its first one depends on what else the machine does.
# The maximum is one large page's and varies by a tenth from run to run.
sub memory
{
	my ($since) = @_;
	my $begin = time();
	my $run = $node->safe_psql('calls', "SELECT run_id FROM vapi.vapi_sync('$since', '$to', wait => false)");
	my $pid = $node->safe_psql('calls', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales import'});
	my (@samples, @helper_samples, $helper);
	while ($pid ne '')
	{
		my $rss = rss($pid) // last;
		push @samples, $rss;
		# it comes with the second page
		$helper = $node->safe_psql('calls', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales import helper'})
			if !$helper && @samples % 20 == 0;
		push @helper_samples, rss($helper) // () if $helper;
		sleep(0.01);
	}
	@samples = sort { $a <=> $b } @samples;
	# while it had a page
	my $most = max(0, @helper_samples);
	@helper_samples = grep { $_ > 0.5 * $most } @helper_samples;
	my $half = int(@helper_samples / 2);
	my ($first, $second) = map { max(0, @$_) } [ @helper_samples[ 0 .. $half - 1 ] ], [ @helper_samples[ $half .. $#helper_samples ] ];
	my ($usual, $peak) = @samples ? ($samples[ 0.95 * $#samples ], $samples[-1]) : (0, 0);
	my $row = $node->safe_psql('calls', "SELECT status, seen FROM vapi.sync_runs WHERE run_id = $run");
	my ($megabytes, $pages) = split /\|/, $node->safe_psql('calls', "SELECT body_bytes / 1000000, pages FROM vapi.sync_runs WHERE run_id = $run");
	note(sprintf '%s: %d MB in %d pages, %.1f s, RssAnon of the worker: 95 %% of the time up to %.1f MB, at most %.1f MB, of its helper at most %.1f and %.1f MB',
		$row, $megabytes, $pages, time() - $begin, $usual / 1024, $peak / 1024, $first / 1024, $second / 1024);
	return ($usual, $peak, $row, $first, $second);
}

my $ids = $simulator->admin('ids');
my $since = $node->safe_psql('calls', qq{SELECT vapi.vapi_list_calls('{"id": "$ids->[ $short - 1 ]"}') #>> '{0,createdAt}'});
my ($few, $few_at_most, $row) = memory($since);
is($row, "complete|$short", "an import of $short calls");
my ($many, $at_most, $last, $helper_first, $helper_second) = memory($from);
is($last, "complete|$long", "an import of $long calls");
cmp_ok($few, '>', 0, 'the worker was seen');
cmp_ok($many, '<=', $few * 1.2, 'needs no more memory, within a fifth');
cmp_ok($at_most, '<', 200 * 1024, 'and never 200 MB');
# How much of the short import it does depends on how fast the simulator answers: so the long one is compared with itself. It holds a
# page of 4.5 MB while it reads one, which a slow machine may show in one half only; a tenth of each page kept would come to 45 MB.
cmp_ok($helper_first, '>', 0, 'its helper was seen');
cmp_ok($helper_second, '<=', $helper_first * 1.3 + 9 * 1024, 'needs no more memory with time, either');
cmp_ok($helper_second, '<', 200 * 1024, 'and never 200 MB');

# 1000 calls at once: read as a whole, or refused by the limit that says so.
$node->append_conf('postgresql.conf', 'vapi_sales.page_size = 1000');
$node->reload;
$node->poll_query_until('calls', q{SELECT current_setting('vapi_sales.page_size') = '1000'}) or die 'no reload';
(undef, undef, $row) = memory($since);
is($row, "complete|$short", 'a page of 1000 calls is read');
$node->append_conf('postgresql.conf', "vapi_sales.max_response_size = '20MB'");
$node->reload;
$node->poll_query_until('calls', q{SELECT current_setting('vapi_sales.max_response_size') = '20MB'}) or die 'no reload';
my (undef, undef, $err) = $node->psql('calls', "SELECT vapi.vapi_sync('$since', '$to')", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  54000: .*larger than 20480 kB.*HINT:  Lower vapi_sales.page_size or raise vapi_sales.max_response_size/s,
	'unless max_response_size is smaller: an error that says what to do');

$node->stop;
done_testing();
