# On a standby an import is refused with a clear error, and works once it is
# promoted; a run of the former primary can be resumed there.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 1000, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z', 'latency-ms' => 100);
my $primary = VapiSales::Test->node('primary', simulator => $simulator, init => { allows_streaming => 1 });
my $standby = PostgreSQL::Test::Cluster->new('standby');
$primary->backup('base');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

for my $function (q{vapi_sync('2026-01-01', '2026-02-01')}, 'vapi_sync_changes()', 'vapi_resume_sync(1)', 'vapi_cancel_sync(1)')
{
	my ($result, $out, $err) = $standby->psql('calls', "SELECT vapi.$function", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, qr/ERROR:  25006: calls cannot be imported on a standby.*HINT/s, "$function is refused on a standby");
}

is($standby->safe_psql('calls', q{SELECT jsonb_array_length(vapi.vapi_list_calls('{"limit": 2}'))}), 2, 'Vapi can be asked from a standby');

$primary->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)});
$primary->poll_query_until('calls', q{SELECT pages >= 3 FROM vapi.sync_runs}) or die 'no page';
ok($standby->poll_query_until('calls', q{SELECT pages >= 3 FROM vapi.sync_runs}), 'the standby shows the progress');
$primary->stop('immediate');
$standby->promote;
ok($standby->poll_query_until('calls', q{SELECT status = 'interrupted' FROM vapi.sync_runs}), 'after promotion the run is interrupted');
is($standby->safe_psql('calls', q{SELECT status, seen FROM vapi.vapi_resume_sync(1)}), 'complete|1000', 'and is resumed');
is($standby->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), 1000, 'all calls are here');
$standby->stop;
done_testing();
