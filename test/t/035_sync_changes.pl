# vapi_sync_changes: what changed since the last complete step, and nothing
# else; and the mirror of assistants, squads and phone numbers.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 250, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z',
	now => '2026-02-01T01:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $changes = q{SELECT status, new, changed FROM vapi.vapi_sync_changes()};
my ($result, $out, $err);

$node->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});
is($node->safe_psql('calls', $changes), 'complete|0|0', 'nothing has changed yet');
is($node->safe_psql('calls', q{SELECT kind, "from" = (SELECT max(created_at) FROM vapi_internal.call), "to" IS NULL, watermark
		FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1}) =~ /^changes\|t\|t\|2026-02-01 01:0[01]:\d\d\+00$/, 1,
	'the first step starts at the newest call, its watermark is Vapi\'s clock');

$simulator->admin('clock', { advanceMs => 600000 });
my $touched = $simulator->admin('touch', { count => 3, costAdjust => 0.5 });
my $added = $simulator->admin('add', { count => 2 });
$simulator->admin('clock', { advanceMs => 60000 });
is($node->safe_psql('calls', $changes), 'complete|2|3', 'two calls are new, three have changed');
is($node->safe_psql('calls', q{SELECT "from" FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1}) =~ /^2026-02-01 00:5[56]:\d\d/, 1,
	'the step starts at the watermark less the overlap');
is($node->safe_psql('calls', $changes), 'complete|0|0', 'again: nothing');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), 252, 'all calls are here');

# A step that fails does not move the watermark.
$simulator->admin('clock', { advanceMs => 3600000 });
my $before = $node->safe_psql('calls', 'SELECT watermark FROM vapi_internal.sync_state');
$simulator->admin('touch', { count => 200 });
$simulator->request('PUT', '/_sim/faults', [ { kind => 'status', status => 400, message => 'bad', query => 'createdAtLe' } ]);
($result, $out, $err) = $node->psql('calls', $changes);
like($err, qr/ERROR:  Vapi refused/, 'the second page is refused');
is($node->safe_psql('calls', 'SELECT watermark FROM vapi_internal.sync_state'), $before, 'the watermark stays');
$simulator->request('PUT', '/_sim/faults', []);
is($node->safe_psql('calls', $changes), 'complete|0|100', 'the next step reads what was left');
isnt($node->safe_psql('calls', 'SELECT watermark FROM vapi_internal.sync_state'), $before, 'and moves it');

# A Date header that is years ahead: later changes are still found.
$simulator->request('PUT', '/_sim/faults', [ { kind => 'clock-skew', ms => 100 * 365 * 86400000 } ]);
is($node->safe_psql('calls', $changes), 'complete|0|0', 'a step with a Date header from the future');
is($node->safe_psql('calls', 'SELECT watermark <= now() FROM vapi_internal.sync_state'), 't', 'does not move the watermark there');
$simulator->request('PUT', '/_sim/faults', []);
$simulator->admin('clock', { now => $node->safe_psql('calls', q{SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')}) });
$simulator->admin('touch', { count => 2 });
is($node->safe_psql('calls', $changes), 'complete|0|2', 'and what changes afterwards is found');

# The mirror.
my $assistants = $simulator->request('GET', '/assistant')->{data};
is($node->safe_psql('calls', 'SELECT string_agg(id, \',\' ORDER BY id) FROM vapi.assistants WHERE NOT gone'),
	join(',', sort map { $_->{id} } @$assistants), 'the assistants are mirrored');
is($node->safe_psql('calls', q{SELECT string_agg(DISTINCT success_rubric, ',' ORDER BY success_rubric) FROM vapi.assistants}),
	join(',', do { my %seen; sort grep { defined && !$seen{$_}++ } map { $_->{analysisPlan}{successEvaluationPlan}{rubric} } @$assistants }),
	'with the scale of their success evaluation');
is($node->safe_psql('calls', 'SELECT (SELECT count(*) FROM vapi.squads), (SELECT count(*) FROM vapi.phone_numbers)'),
	join('|', map { scalar @{ $simulator->request('GET', $_)->{data} } } '/squad', '/phone-number'), 'squads and numbers too');
is($node->safe_psql('calls', q{SELECT count(*) FROM vapi_internal.assistant WHERE data::text ~ 'SIMSECRET|"secret"' OR server_url ~ '[?@]'}), 0,
	'without secrets');
my $stamp = $node->safe_psql('calls', 'SELECT mirrored_at FROM vapi_internal.sync_state');
$simulator->request('DELETE', "/assistant/$assistants->[0]{id}");
$node->safe_psql('calls', $changes);
is($node->safe_psql('calls', 'SELECT mirrored_at FROM vapi_internal.sync_state'), $stamp, 'it is read once a day');
$node->safe_psql('calls', q{UPDATE vapi_internal.sync_state SET mirrored_at = now() - interval '25 hours'});
$node->safe_psql('calls', $changes);
is($node->safe_psql('calls', 'SELECT id FROM vapi.assistants WHERE gone'), $assistants->[0]{id}, 'what Vapi no longer lists is gone');
$node->safe_psql('calls', q{UPDATE vapi_internal.sync_state SET mirrored_at = now() - interval '25 hours'});
$simulator->request('PUT', '/_sim/faults', [ { kind => 'status', status => 404, path => '^/squad' } ]);
($result, $out, $err) = $node->psql('calls', $changes);
like($out, qr/^complete/, 'a mirror that cannot be read does not fail the run');
like($err, qr/WARNING:.*mirror of assistants, squads and phone numbers is not up to date/, 'but warns');

$node->stop;
done_testing();
