# What the demo shows after its import: every query runs, and its figures agree.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 400);
my $node = VapiSales::Test->node('main', simulator => $simulator);
$node->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});
my ($result, $out, $err) = $node->psql('calls', slurp_file("$VapiSales::Test::ROOT/deploy/demo/tour.sql"));
is($err, '', 'the tour runs without a word of trouble');

my %section = map { /^([^\n]+)\n(.*)/s ? ($1 => [ map { [ split /\|/ ] } split /\n/, $2 ]) : () } split /\n*^(?=[A-Z][a-z])/m, $out;
my ($rate) = @{ $section{'Completed against failed'} };
is($rate->[3], 400, 'all calls have ended');
my %calls = map { $_->[0] => $_->[1] } @{ $section{'How calls ended'} };
my $sum = 0;
$sum += $_ for values %calls;
is($sum, 400, 'the families are of all ended calls');
ok($calls{busy} && $calls{'setup-error'}, 'also of those that never connected');
my $month = 0;
$month += $_->[1] for @{ $section{'What the calls cost, by month'} };
is($month, 400, 'the months too');

$node->stop;
done_testing();
