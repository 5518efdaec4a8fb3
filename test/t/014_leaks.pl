# A thousand imports of one page leave neither memory nor file descriptors nor
# shared memory behind: not in the session, not in the postmaster.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();
plan skip_all => 'needs /proc' unless -d "/proc/$$/fd";

my $simulator = VapiSales::Test->simulator(calls => 50, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];

# Open files of the postmaster; what dynamic shared memory it maps.
my $open_files = sub { my @files = glob("/proc/$postmaster/fd/*"); return scalar @files; };
my $segments = sub { my @files = glob('/proc/' . $postmaster . '/map_files/*'); return scalar @files; };

# One session: warm up, measure, repeat, measure.
my $measure = q{
	SELECT 'measured', sum(total_bytes),
		(SELECT count(*) FROM pg_ls_dir('/proc/' || pg_backend_pid() || '/fd'))
	FROM pg_backend_memory_contexts;
};
my $sync = q{SELECT status FROM vapi.vapi_sync('2026-01-01', '2026-02-01');} . "\n";
my $list = q{SELECT count(*) FROM vapi.vapi_list_calls('{"limit": 100}');} . "\n";
for my $case ([ 'imports', $sync ], [ 'listings', $list ])
{
	my ($what, $statement) = @$case;
	my $rounds = 1000;
	$node->safe_psql('calls', $statement x 5);
	my ($files, $maps) = ($open_files->(), $segments->());
	my $output = $node->safe_psql('calls', "SET client_min_messages = warning;\n" . $statement x 50 . $measure . $statement x $rounds . $measure);
	my @measured = map { [ split /\|/ ] } grep { /^measured/ } split /\n/, $output;
	is(scalar @measured, 2, "$what: measured twice");
	my $done = () = $output =~ /^(?:complete|\d+)$/mg;
	is($done, $rounds + 50, "$what: all $rounds are complete");
	my ($first, $last) = @measured;
	cmp_ok($last->[1] - $first->[1], '<', 128 * 1024, "$what: the session's memory contexts stay ($first->[1], $last->[1])");
	# The server keeps files of tables open as it likes, a few; a leak would be one a round.
	cmp_ok($last->[2] - $first->[2], '<', 10, "$what: the session's open files stay ($first->[2], $last->[2])");
	ok( $node->poll_query_until('calls', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'vapi%'}),
		"$what: no worker is left");
	is($open_files->(), $files, "$what: the postmaster's open files stay");
	cmp_ok($segments->(), '<=', $maps, "$what: the postmaster's mappings stay");
}

$node->stop;
done_testing();
