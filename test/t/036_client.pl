# The client functions: list, get, create and delete of single calls.
use strict;
use warnings;
use JSON::PP;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 40, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z', bytes => 45000);
my $node = VapiSales::Test->node('main', simulator => $simulator);
my @verbose = (extra_params => [ '-v', 'VERBOSITY=verbose' ]);
my $ids = $simulator->admin('ids');
sub refused
{
	my ($sql, $pattern, $name) = @_;
	my ($result, $out, $err) = $node->psql('calls', $sql, @verbose);
	like($err, $pattern, $name);
	return;
}
sub value { my ($sql) = @_; return JSON::PP->new->allow_nonref->decode($node->safe_psql('calls', $sql)); }

# vapi_list_calls
is_deeply([ map { $_->{id} } @{ value('SELECT vapi.vapi_list_calls()') } ], $ids, 'all calls, as Vapi orders them');
is_deeply([ map { $_->{id} } @{ value(q{SELECT vapi.vapi_list_calls('{"limit": 3}')}) } ], [ @$ids[ 0 .. 2 ] ], 'limit');
is_deeply([ map { $_->{id} } @{ value(qq{SELECT vapi.vapi_list_calls('{"id": "$ids->[7]"}')}) } ], [ $ids->[7] ], 'id');
my $since = $simulator->admin('ids?from=2026-01-20T00:00:00Z');
is_deeply([ map { $_->{id} } @{ value(q{SELECT vapi.vapi_list_calls('{"createdAtGe": "2026-01-20T00:00:00Z"}')}) } ], $since, 'createdAtGe');
is($node->safe_psql('calls', q{SELECT vapi.vapi_list_calls()::text ~ 'SIMSECRET|controlUrl|listenUrl|presigned'}), 'f', 'no secrets');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), 0, 'nothing is stored');
refused(q{SELECT vapi.vapi_list_calls('{"status": "ended"}')}, qr/ERROR:  22023: Vapi has no filter "status".*HINT:.*createdAtGe/s, 'an unknown filter');
refused(q{SELECT vapi.vapi_list_calls('{"limit": 1001}')}, qr/ERROR:  22023/, 'a limit past the maximum');
refused(q{SELECT vapi.vapi_list_calls('{"limit": 1.5}')}, qr/ERROR:  22023/, 'a limit that is no whole number');
refused(q{SELECT vapi.vapi_list_calls('{"createdAtGe": "yesterday"}')}, qr/ERROR:  22007/, 'a time that is none');
refused(q{SELECT vapi.vapi_list_calls('[]')}, qr/ERROR:  22023/, 'a filter that is no object');

# vapi_get_call
my $call = value("SELECT vapi.vapi_get_call('$ids->[0]')");
is($call->{id}, $ids->[0], 'a call that is not here comes from Vapi');
is($node->safe_psql('calls', 'SELECT call_id FROM vapi_internal.call'), $ids->[0], 'and is stored');
my $requests = $simulator->admin('stats')->{requests};
my $again = value("SELECT vapi.vapi_get_call('$ids->[0]')");
is($simulator->admin('stats')->{requests}, $requests, 'settled, it comes from the store');
is_deeply([ @$again{qw(id orgId type status endedReason cost transcript)} ], [ @$call{qw(id orgId type status endedReason cost transcript)} ],
	'as the same call');
is($node->safe_psql('calls', "SELECT vapi.vapi_get_call('$ids->[1]')::text ~ 'SIMSECRET|controlUrl|listenUrl|presigned'"), 'f', 'no secrets');
refused(q{SELECT vapi.vapi_get_call('00000000-0000-4000-8000-000000000000')}, qr/ERROR:  02000: there is no call "00000000-0000-4000-8000-000000000000"/, 'a call that is nowhere');
refused(q{SELECT vapi.vapi_get_call('')}, qr/ERROR:  22023/, 'an empty id');
refused(q{SELECT vapi.vapi_get_call('../assistant')}, qr/ERROR:  02000/, 'an id that is a path is only an id');

# Read-only transactions: nothing is stored and nothing booked, but both work, and erased calls stay erased.
my $counts = 'SELECT count(*) FROM vapi_internal.call';
my $stored = $node->safe_psql('calls', $counts);
is($node->safe_psql('calls', qq{BEGIN READ ONLY; SELECT jsonb_array_length(vapi.vapi_list_calls('{"limit": 3}')); COMMIT}), 3,
	'vapi_list_calls in a read-only transaction');
is($node->safe_psql('calls', "BEGIN READ ONLY; SELECT vapi.vapi_get_call('$ids->[2]') ->> 'id'; COMMIT"), $ids->[2], 'vapi_get_call as well');
is($node->safe_psql('calls', $counts), $stored, 'which stores nothing');
$node->safe_psql('calls', "INSERT INTO vapi_internal.tombstone (call_hash) VALUES (sha256('$ids->[3]'))");
refused("BEGIN READ ONLY; SELECT vapi.vapi_get_call('$ids->[3]')", qr/ERROR:  02000: there is no call .*It was erased/s, 'an erased call stays erased there');
$node->safe_psql('calls', 'DELETE FROM vapi_internal.tombstone');
{
	# 60 requests a minute, three at once: what one session asks in read-only transactions is paced like the rest.
	$node->append_conf('postgresql.conf', "vapi_sales.requests_per_minute = 60\n");
	$node->reload;
	$node->poll_query_until('calls', q{SELECT current_setting('vapi_sales.requests_per_minute') = '60'}) or die 'no reload';
	my $started = time();
	$node->safe_psql('calls', 'BEGIN READ ONLY;' . q{SELECT vapi.vapi_list_calls('{"limit": 1}') IS NOT NULL;} x 6 . 'COMMIT');
	my $took = time() - $started;
	note(sprintf 'six read-only requests at 60 a minute took %.1f s', $took);
	cmp_ok($took, '>', 2.5, 'requests of read-only transactions wait for the budget');
	$node->append_conf('postgresql.conf', "vapi_sales.requests_per_minute = 100000\n");
	$node->reload;
	$node->poll_query_until('calls', q{SELECT current_setting('vapi_sales.requests_per_minute') = '100000'}) or die 'no reload';
}

# vapi_create_call
my $assistant = $simulator->request('GET', '/assistant')->{data}[0]{id};
my $number = $simulator->request('GET', '/phone-number')->{data}[0]{id};
refused(q{SELECT vapi.vapi_create_call('{"customer": {"number": "+13035550123"}}')}, qr/ERROR:  22023: the call request names no assistant.*HINT/s,
	'neither assistant nor default');
$node->append_conf('postgresql.conf', "vapi_sales.default_assistant_id = '$assistant'\nvapi_sales.default_phone_number_id = '$number'\n");
$node->reload;
$node->poll_query_until('calls', qq{SELECT current_setting('vapi_sales.default_assistant_id') = '$assistant'}) or die 'no reload';
my $created = value(q{SELECT vapi.vapi_create_call('{"customer": {"number": "+13035550123"}}')});
is_deeply([ @$created{qw(assistantId phoneNumberId)} ], [ $assistant, $number ], 'the defaults are filled in');
is($node->safe_psql('calls', "SELECT vapi_status IS NOT NULL, coalesce(settled, false) FROM vapi_internal.call WHERE call_id = '$created->{id}'"), 't|f',
	'the new call is stored, not settled');
$requests = $simulator->admin('stats')->{requests};
value("SELECT vapi.vapi_get_call('$created->{id}')");
is($simulator->admin('stats')->{requests}, $requests + 1, 'an unsettled call is asked for again');
my $batch = value(q{SELECT vapi.vapi_create_call('{"customers": [{"number": "+13035550124"}, {"number": "+13035550125"}]}')});
is($node->safe_psql('calls', q{SELECT count(*) FROM vapi_internal.call WHERE call_id = ANY (ARRAY['}
	  . join(q{','}, map { $_->{id} } @{ $batch->{results} }) . q{'])}), 2, 'a batch is stored');
$node->safe_psql('calls', q{
	INSERT INTO vapi_internal.prospect (prospect_id, do_not_call) VALUES (7, true);
	INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) VALUES ('+13035550199', 7)});
$requests = $simulator->admin('stats')->{requests};
refused(q{SELECT vapi.vapi_create_call('{"customer": {"number": "+13035550199"}}')}, qr/ERROR:  VS007: customer 1 .*may not be called/, 'a number on the do-not-call list');
refused(q{SELECT vapi.vapi_create_call('{"customers": [{"number": "+13035550124"}, {"number": "+1 303 555 0199"}]}')}, qr/ERROR:  VS007: customer 2/,
	'within a batch, however it is written');
refused(q{SELECT vapi.vapi_create_call('{"customer": {"sipUri": "sip:+13035550199@pbx.example.com"}}')}, qr/ERROR:  VS007: customer 1/, 'by SIP');
refused(q{SELECT vapi.vapi_create_call('{"customer": {"number": "+13035550199w5"}}')}, qr/ERROR:  VS007: customer 1/, 'with something to dial after it');
refused(q{SELECT vapi.vapi_create_call('{"customerId": "c1"}')}, qr/ERROR:  22023/, 'a customer whose number cannot be checked');
refused(q{SELECT vapi.vapi_create_call('[]')}, qr/ERROR:  22023/, 'a request that is no object');
refused(q{BEGIN READ ONLY; SELECT vapi.vapi_create_call('{"customer": {"number": "+13035550123"}}')}, qr/ERROR:  25006/, 'a read-only transaction');
is($simulator->admin('stats')->{requests}, $requests, 'none of them reached Vapi');
refused(q{SELECT vapi.vapi_create_call('{"customer": {"number": "+13035550123"}, "colour": "red"}')}, qr/ERROR:  VS003: .*DETAIL:  Vapi says: .*colour/s, 'what Vapi refuses');
my $put = $simulator->request('PUT', '/_sim/faults', [ { kind => 'status', status => 500, method => 'POST' } ]);
$requests = $simulator->admin('stats')->{requests};
refused(q{SELECT vapi.vapi_create_call('{"customer": {"number": "+13035550123"}}')}, qr/ERROR:  VS004/, 'a 500');
is($simulator->admin('stats')->{requests}, $requests + 1, 'is not tried again');
$simulator->request('PUT', '/_sim/faults', []);

# vapi_delete_call
$node->safe_psql('calls', q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});
my $victim = $ids->[5];
$simulator->request('PUT', '/_sim/faults', [ { kind => 'status', status => 400, method => 'DELETE', message => 'no' } ]);
refused("SELECT vapi.vapi_delete_call('$victim')", qr/ERROR:  VS003/, 'if Vapi refuses it is an error');
is($node->safe_psql('calls', "SELECT count(*) FROM vapi_internal.call WHERE call_id = '$victim'"), 1, 'and nothing changes here');
$simulator->request('PUT', '/_sim/faults', []);
is($node->safe_psql('calls', "SELECT vapi.vapi_delete_call('$victim')"), 't', 'a call is deleted');
is($simulator->request('GET', "/call/$victim")->{status}, 404, 'at Vapi');
is($node->safe_psql('calls', "SELECT (SELECT count(*) FROM vapi_internal.call WHERE call_id = '$victim'), (SELECT count(*) FROM vapi_internal.call_content WHERE call_id = '$victim')"),
	'0|0', 'and here');
is($node->safe_psql('calls', "SELECT vapi.vapi_delete_call('$victim')"), 'f', 'again: there is nothing left');
$victim = $ids->[6];
$simulator->admin('delete', { ids => [$victim] });
is($node->safe_psql('calls', "SELECT vapi.vapi_delete_call('$victim')"), 't', 'what Vapi no longer has is erased here');
$victim = $ids->[7];
$simulator->request('PUT', '/_sim/faults', [ { kind => 'status', status => 400, method => 'DELETE', message => 'This call is older than your retention.' } ]);
is($node->safe_psql('calls', "SELECT vapi.vapi_delete_call('$victim')"), 't', 'and so is what is past its retention');
$simulator->request('PUT', '/_sim/faults', []);
# Deleted stays deleted, whatever Vapi still says.
$node->safe_psql('calls', "SELECT vapi_internal.erase_call('$ids->[8]')");
is($node->safe_psql('calls', q{SELECT status, new, erased FROM vapi.vapi_sync('2026-01-01', '2026-02-01')}), 'complete|0|2', 'an import does not bring it back');
refused("SELECT vapi.vapi_get_call('$ids->[8]')", qr/ERROR:  02000: .*DETAIL:  It was erased here/s, 'nor does vapi_get_call');

# Interruptible.
$simulator->request('PUT', '/_sim/faults', [ { kind => 'delay', ms => 20000 } ]);
my $started = time();
refused(q{SET statement_timeout = '300ms'; SELECT vapi.vapi_list_calls()}, qr/ERROR:  57014/, 'a slow answer is interrupted');
cmp_ok(time() - $started, '<', 5, 'at once');

$node->stop;
done_testing();
