# The worker is killed at every step of a delivery: in the claim, before and
# after the other side has committed, and before the answer is stored. One
# Linear issue, one time entry, one webhook of each kind come out of it; nothing
# that FreshBooks or Linear has is made twice. Refresh tokens likewise.
use strict;
use warnings;
use VapiSales::Test;
use VapiSales::Vendors;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

VapiSales::Test::skip_without_simulator();

my $vendors = VapiSales::Vendors->new;
my $node = VapiSales::Test->node('main', preload => 1, config => $vendors->config("vapi_sales.delivery_timeout = 30s\n"));
$vendors->secrets($node);
my %id = %VapiSales::Vendors::ID;

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub wait_for { my ($what, $query) = @_; return ok($node->poll_query_until('calls', $query), $what) || diag(sql('SELECT * FROM vapi.deliveries ORDER BY 1 DESC LIMIT 10')); }

# The worker's process; the server restarts all its processes after such an end.
sub kill_worker
{
	my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales worker%'});
	die 'no worker' unless $pid;
	kill 'KILL', $pid;
	ok($node->poll_query_until('postgres', 'SELECT true'), 'the server is back');
	$node->poll_query_until('calls', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales worker%' AND pid <> $pid") or die 'no new worker';
	return;
}

sql('SELECT vapi.vapi_connect_linear()');
sql("SELECT vapi.vapi_map_linear('$id{team}', '$id{project}', project_status => 'started')");
sql("SELECT vapi.vapi_connect_freshbooks('code-1', '$VapiSales::Vendors::REDIRECT', options => '{\"settle_minutes\": 0}')");
$vendors->set(freshbooks => { clients => [ { id => 11, organization => 'Made Up Ltd', vis_state => 0 } ] });
sql(q{SELECT vapi.vapi_match_client('assistant:none', 11)});
$vendors->webhook($node, 'crm', '{call.ended,lead.qualified}');

# wait_held(count): so many requests are held at the vendors.
sub wait_held
{
	my ($count) = @_;
	return VapiSales::Test->wait_until("$count held", sub { $vendors->state->{held} >= $count }, 60);
}

# settled(name): what became of a call.
sub check
{
	my ($name, $extra) = @_;
	wait_for("$name: all delivered", "SELECT count(*) = 5 AND bool_and(state = 'delivered') FROM vapi_internal.outbox WHERE call_id = '$name'");
	my $state = $vendors->state;
	is(scalar(grep { $_->{description} =~ /calls\/$name\)/ } @{ $state->{linear}{issues} }), 1, "$name: one issue");
	is(scalar(grep { $_->{url} =~ /calls\/$name$/ } @{ $state->{linear}{attachments} }), 1, "$name: one attachment");
	is(scalar(grep { $_->{body} =~ /calls\/$name\)/ } @{ $state->{linear}{updates} }), 1, "$name: one project update");
	is(scalar(grep { $_->{note} =~ /\[call:$name\]/ } @{ $state->{freshbooks}{entries} }), 1, "$name: one time entry");
	for my $event (qw(call.ended lead.qualified))
	{
		my @got = grep { $_->{body}{type} eq $event && $_->{body}{data}{callId} eq $name } @{ $state->{receiver}{received} };
		is(scalar(keys %{ { map { $_->{id} => 1 } @got } }), 1, "$name: one $event by its id");
		cmp_ok(scalar(@got), '<=', 1 + $extra, "$name: at most $extra more of it");
	}
	return;
}

# 1. Before the other side has done anything.
$vendors->faults(map { { path => $_->[0], method => 'POST', body => $_->[1], times => 1, before => 'hold' } } [ '/graphql', 'IssueCreate' ], [ '/time_entries', '' ], [ '/hook', 'call.ended' ]);
sql($vendors->ended('before', 91));
wait_held(3);
kill_worker();
$vendors->faults();
$vendors->release;
check('before', 1);

# 2. After it has, before it says so.
for my $operation (qw(IssueCreate AttachmentCreate ProjectSetStatus ProjectUpdateCreate))
{
	my $name = "after-$operation";
	$vendors->set(linear => { projectStatus => 'backlog' });
	$vendors->faults({ path => '/graphql', body => $operation, times => 1, after => 'hold' }, { path => '/time_entries', method => 'POST', times => 1, after => 'hold' },
		{ path => '/hook', body => 'lead.qualified', times => 1, after => 'hold' });
	sql($vendors->ended($name, 91));
	wait_held(3);
	kill_worker();
	$vendors->faults();
	$vendors->release;
	check($name, 1);
}

# 3. In the claim, and after the answer before it is stored: another session holds the rows.
for my $when (qw(claim settle))
{
	my $name = "in-$when";
	$vendors->faults({ path => '/(graphql|freshbooks|hook)', method => 'POST', before => 'hold' }) if $when eq 'settle';
	my $lock = $node->background_psql('calls', on_error_stop => 0);
	$lock->query_safe('BEGIN; LOCK TABLE vapi_internal.destination_state IN EXCLUSIVE MODE') if $when eq 'claim';
	sql($vendors->ended($name, 91));
	if ($when eq 'settle')
	{
		wait_held(3);
		$lock->query_safe('BEGIN; LOCK TABLE vapi_internal.destination_state IN EXCLUSIVE MODE');
		$vendors->faults();
		$vendors->release;
	}
	wait_for("$when: the worker waits", q{SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales worker%' AND wait_event_type = 'Lock'});
	kill_worker();
	eval { $lock->quit };
	check($name, 1);
}

# 4. Refresh tokens: before the request, and after the commit, it works on.
my $expired = q{UPDATE vapi_internal.freshbooks_connection SET issued_at = now() - interval '13 hours', expires_at = now() - interval '1 hour'};
$vendors->faults({ path => '/auth/oauth/token', times => 1, before => 'hold' });
sql($expired);
sql($vendors->ended('refresh-before', 20));
wait_held(1);
# The request is on its way, but nobody takes it.
kill_worker();
$vendors->faults({ path => '/auth/oauth/token', times => 1, before => { status => 503, value => {} } });
wait_for('a refresh that was not taken costs nothing', q{SELECT state = 'delivered' FROM vapi.deliveries WHERE call_id = 'refresh-before' AND kind = 'time_entry'});
$vendors->faults({ path => '/time_entries', method => 'POST', times => 1, before => 'hold' });
sql($expired);
sql($vendors->ended('refresh-after', 20));
wait_held(1);
kill_worker();
$vendors->faults();
$vendors->release;
wait_for('a new pair that was stored is used', q{SELECT state = 'delivered' FROM vapi.deliveries WHERE call_id = 'refresh-after' AND kind = 'time_entry'});

# 5. In between a person is needed, and nothing is lost.
$vendors->faults({ path => '/auth/oauth/token', times => 1, after => 'hold' });
sql($expired);
sql($vendors->ended('refresh-between', 20));
wait_held(1);
kill_worker();
$vendors->faults();
$vendors->release;
wait_for('a refresh that was interrupted', q{SELECT state = 'needs authorisation' FROM vapi.destinations WHERE destination = 'freshbooks'});
is(sql(q{SELECT state FROM vapi.deliveries WHERE call_id = 'refresh-between' AND kind = 'time_entry'}), 'pending', 'the delivery waits');
$vendors->set(freshbooks => { code => 'code-2' });
sql("SELECT vapi.vapi_connect_freshbooks('code-2', '$VapiSales::Vendors::REDIRECT', options => '{\"settle_minutes\": 0}')");
wait_for('and goes on once it is authorised again', q{SELECT state = 'delivered' FROM vapi.deliveries WHERE call_id = 'refresh-between' AND kind = 'time_entry'});

done_testing();
