# The official SDK's requests to POST /analytics, as it serialises them, are
# accepted as they are, and what it reads back adds up.
use strict;
use warnings;
use JSON::PP;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 200);
my $node = VapiSales::Test->node('main', simulator => $simulator);
$node->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
my $out = `node $VapiSales::Test::ROOT/test/sdk/analytics.mjs calls`;
if ($? >> 8 == 77)
{
	$node->stop;
	plan skip_all => 'package @vapi-ai/server-sdk is not installed';
}
is($?, 0, 'the SDK has asked');
my ($example, $everything, $groups, $steps, $variables, $refused) = map { decode_json($_) } split /\n/, $out;

is_deeply($example->{results}[0]{result}, [ { sumId => undef } ], 'the SDK\'s example: ids have no sum');
is($everything->{results}[0]{result}[0]{countId}, 200, 'every column and operation');
is($everything->{results}[0]{result}[0]{sumCost}, $node->safe_psql('calls', 'SELECT trim_scale(sum(cost)) FROM vapi.calls'), 'the cost');
for my $result (@{ $groups->{results} }, @{ $steps->{results} }, @{ $variables->{results} })
{
	my $n = 0;
	$n += $_->{n} for @{ $result->{result} };
	is($n, 200, "$result->{name}: every call is in one group");
}
is($steps->{results}[0]{timeRange}{timezone}, 'Asia/Kathmandu', 'the range is answered with its zone');
is($refused->{status}, 400, 'what only Vapi knows is a bad request');
is($refused->{body}{statusCode}, 400, 'with Vapi\'s body');
like($refused->{body}{message}[0], qr/^queries\.0\.table must be one of/, 'and its words');

# The simulator answers the same numbers.
my $query = { queries => [ { table => 'call', name => 'q', groupBy => ['endedReason'], operations => [ { operation => 'count', column => 'id' } ],
	timeRange => { start => '2026-01-01T00:00:00Z', end => '2026-02-01T00:00:00Z' } } ] };
my $answer = $simulator->request('POST', '/analytics', $query);
my %theirs = map { ($_->{endedReason} // '') => $_->{countId} } @{ $answer->{data}[0]{result} };
my $json = JSON::PP->new->canonical->encode($query);
my $ours = decode_json($node->safe_psql('calls', "SELECT vapi.vapi_analytics('$json')"));
my %ours = map { ($_->{endedReason} // '') => $_->{countId} } @{ $ours->[0]{result} };
is_deeply(\%ours, \%theirs, 'Vapi\'s and our counts by reason are equal');

$node->stop;
done_testing();
