# Click-to-call: who may start which calls, when, and what is said when Vapi has no room.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 3, concurrency => 5, 'time-factor' => 0.001);
my $assistants = $simulator->request('GET', '/assistant')->{data};
my $number = $simulator->request('GET', '/phone-number')->{data}[0]{id};
my $node = VapiSales::Test->node('main', simulator => $simulator,
	config => "vapi_sales.default_assistant_id = '$assistants->[0]{id}'\nvapi_sales.default_phone_number_id = '$number'\n");
sub value { return $node->safe_psql('calls', $_[0]); }
sub call
{
	my ($role, $request) = @_;
	return $node->psql('calls', "SET ROLE $role; SELECT vapi.vapi_create_call('" . JSON::PP->new->canonical->encode($request) . "') ->> 'id'",
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
}
sub refused
{
	my ($role, $request, $pattern, $name) = @_;
	my $requests = $simulator->admin('stats')->{requests};
	my (undef, undef, $err) = call($role, $request);
	like($err, $pattern, $name);
	return is($simulator->admin('stats')->{requests}, $requests, "$name: Vapi is not asked");
}
value(qq{
	CREATE ROLE viewer; CREATE ROLE agent; CREATE ROLE mine; CREATE ROLE bi;
	SELECT vapi.vapi_grant('viewer', 'viewer'), vapi.vapi_grant('agent', 'agent'), vapi.vapi_grant('bi', 'bi'),
		vapi.vapi_grant('mine', 'agent', '{$assistants->[1]{id}}')});
my $customer = { number => '+13035550123' };

# 1. With the defaults, by an agent.
my ($result, $id, $err) = call('agent', { customer => $customer });
is($result, 0, 'an agent calls a customer') or diag($err);
is(value("SELECT assistant_id || ' ' || phone_number_id FROM vapi_internal.call WHERE call_id = '$id'"), "$assistants->[0]{id} $number", 'with the default assistant and number');
is(value("SELECT outer_role || ' ' || action FROM vapi.audit WHERE call_id = '$id'"), 'agent create_call', 'it is in the audit');
is(value("SELECT count(*) FROM vapi_internal.audit WHERE detail::text ~ '303'"), 0, 'without the number');

# 2. Who may not.
refused($_, { customer => $customer }, qr/ERROR:  42501/, "$_ may not") for qw(viewer bi);
refused('mine', { customer => $customer }, qr/ERROR:  42501: this role may not start calls of that assistant/, 'the default assistant is another\'s');
refused('mine', { customer => $customer, assistantId => $assistants->[0]{id} }, qr/ERROR:  42501/, 'so is that one');
refused('mine', { customer => $customer, assistant => { firstMessage => 'x' } }, qr/ERROR:  42501/, 'nor one made up');
refused('mine', { customer => $customer, assistantId => $assistants->[1]{id}, assistantOverrides => { firstMessage => 'x' } }, qr/ERROR:  42501/, 'nor overrides');
(undef, $id, $err) = call('mine', { customer => $customer, assistantId => $assistants->[1]{id} });
like($id, qr/^[0-9a-f-]{36}$/, 'an assistant of one\'s own') or diag($err);

# 3. When: in the prospect's zone, now or as planned.
my $hour = (gmtime)[2];
# zones whose local time is 3 and 15 o'clock, by the sign that POSIX gives them
my ($night, $day) = map { my $h = ($_ - $hour + 36) % 24 - 12; sprintf 'Etc/GMT%+d', -$h } 3, 15;
value(qq{
	INSERT INTO vapi_internal.prospect (prospect_id, time_zone, do_not_call) VALUES (101, '$night', false), (102, '$day', false), (103, NULL, true);
	INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) VALUES ('+13035550101', 101), ('+13035550102', 102), ('+13035550103', 103)});
refused('agent', { customer => { number => '+13035550101' } }, qr/ERROR:  VS007: customer 1 .*outside 08:00 to 21:00/, 'at night there');
refused('agent', { customer => { number => '+13035550103' } }, qr/ERROR:  VS007: .*do-not-call/, 'do-not-call');
my $planned = value(qq{SELECT to_char(date_trunc('day', now() AT TIME ZONE '$night') + interval '1 day 10 hours', 'YYYY-MM-DD"T"HH24:MI:SS')});
$planned = value(qq{SELECT to_char(timestamp '$planned' AT TIME ZONE '$night' AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')});
(undef, $id, $err) = call('agent', { customer => { number => '+13035550101' }, schedulePlan => { earliestAt => $planned } });
like($id, qr/^[0-9a-f-]{36}$/, 'planned for their morning') or diag($err);

# 4. No room at Vapi.
($result, $id, $err) = call('agent', { customer => { number => '+13035550102' } });
for (1 .. 5) { last if $err =~ /NOTICE|ERROR/; ($result, $id, $err) = call('agent', { customer => $customer }); }
like($err, qr/NOTICE:  00000: the Vapi account runs as many calls at once as it may \(5\)/, 'the last one that fits says so') or diag($err);
($result, $id, $err) = call('agent', { customer => $customer });
like($err, qr/ERROR:  VS003: .*DETAIL:  Vapi says: Over Concurrency Limit.*HINT:  The Vapi account runs as many calls at once as it may/s, 'the next one is refused, with the reason');
($result, $id, $err) = call('agent', { customers => [ $customer, { number => '+13035550124' } ] });
like($err, qr/WARNING:  01000: 2 of the calls were not made/, 'several: what was not made is said') or diag($err);

$node->stop;
done_testing();
