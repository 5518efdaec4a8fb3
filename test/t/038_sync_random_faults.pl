# Imports under fire: a tenth of all answers is faulty, in every way there is,
# while the worker, the server and the client are killed and the run is
# canceled. Every call arrives once.
use strict;
use warnings;
use IPC::Run ();
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

VapiSales::Test::skip_without_simulator();

my $begin = time();
my $calls = 20000;
my @range = (from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $simulator = VapiSales::Test->simulator(calls => $calls, @range, bytes => 2500);
my $node = VapiSales::Test->node('main', simulator => $simulator, config => <<'CONF');
vapi_sales.page_size = 200
vapi_sales.http_timeout = '1s'
restart_after_crash = on
CONF
my $sync = q{vapi.vapi_sync('2026-01-01', '2026-02-01'};
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales import'};
my @ids = sort @{ $simulator->admin('ids') };

my @kinds = (
	{ kind => 'status', status => 429, retryAfter => 1 },
	{ kind => 'status', status => 429 },
	{ kind => 'status', status => 500 },
	{ kind => 'status', status => 502, body => 'html' },
	{ kind => 'delay', ms => 1500 },
	{ kind => 'slow-body', ms => 5000, chunks => 3 },
	{ kind => 'slow-body', ms => 600, chunks => 6 },
	{ kind => 'cut-body' },
	{ kind => 'invalid-json' },
	{ kind => 'nul' },
	{ kind => 'surrogate' },
	{ kind => 'pad', bytes => 250000, query => 'limit=200' },
	{ kind => 'deep' },
	{ kind => 'reset' });

# Each kind once, seven requests apart, and at random at a tenth of all requests.
sub faults
{
	my $skip = 0;
	my $answer = $simulator->request('PUT', '/_sim/faults',
		[ (map { { %$_, skip => $skip += 7, count => 1 } } @kinds), (map { { %$_, probability => 0.1 / @kinds } } @kinds) ]);
	die $answer->{content} unless $answer->{success};
	return;
}

sub fired
{
	my $sum = 0;
	my %by_kind;
	for my $rule (@{ $simulator->admin('faults') })
	{
		$sum += $rule->{fired};
		$by_kind{ join ' ', grep { defined } @$rule{qw(kind status ms)} } += $rule->{fired};
	}
	note(join ', ', map { "$_: $by_kind{$_}" } sort keys %by_kind);
	return ($sum, scalar grep { $_ == 0 } values %by_kind);
}

sub stored_is_all
{
	my ($name) = @_;
	my @stored = split /\n/, $node->safe_psql('calls', 'SELECT call_id FROM vapi_internal.call ORDER BY call_id');
	is(scalar(@stored), $calls, "$name: so many calls");
	return is(join("\n", @stored), join("\n", @ids), "$name: exactly the simulator's");
}

sub pages { my ($run) = @_; return $node->safe_psql('calls', "SELECT pages FROM vapi.sync_runs WHERE run_id = $run"); }

# Waits until the run has stored so many pages more.
sub go_on
{
	my ($run, $pages) = @_;
	my $until = pages($run) + $pages;
	$node->poll_query_until('calls', "SELECT pages >= $until FROM vapi.sync_runs WHERE run_id = $run") or die 'no progress';
	return;
}

sub resume
{
	my ($run) = @_;
	return is($node->safe_psql('calls', "SELECT run_id FROM vapi.vapi_resume_sync($run, wait => false)"), $run, 'it is resumed');
}

sub is_stopped
{
	my ($run, $status, $name) = @_;
	ok($node->poll_query_until('calls', "SELECT status = '$status' FROM vapi.sync_runs WHERE run_id = $run"), "$name: the run is $status");
	return is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'),
		$node->safe_psql('calls', "SELECT new FROM vapi.sync_runs WHERE run_id = $run"), "$name: what it counts is there");
}

# Undisturbed but for the faults.
faults();
is($node->safe_psql('calls', "SELECT status, seen, new, failed, open_gaps FROM $sync)"), "complete|$calls|$calls|0|0", 'all calls through random faults');
stored_is_all('through faults');
my ($fired, $never) = fired();
my ($requests, $retries, $waited) = split /\|/, $node->safe_psql('calls', 'SELECT requests, retries, wait_ms FROM vapi.sync_runs');
cmp_ok($fired, '>=', $requests * 0.1, "faults at a tenth of the requests and more ($fired of $requests)");
is($never, 0, 'of every kind');
note(sprintf '%d requests, %d tried again, waited %.1f s, in all %.1f s', $requests, $retries, $waited / 1000, time() - $begin);

# Killed and canceled on the way.
my $begin_kills = time();
$node->safe_psql('calls', 'TRUNCATE vapi_internal.call, vapi_internal.call_content');
faults();
my $run = $node->safe_psql('calls', "SELECT run_id FROM $sync, wait => false)");
go_on($run, 12);

my $started = $node->safe_psql('calls', 'SELECT pg_postmaster_start_time()');
my $pid = $node->safe_psql('calls', $worker);
kill 'KILL', $pid;
VapiSales::Test->wait_until('after a kill -9 of the worker the server is back',
	sub { return $node->psql('calls', "SELECT 1 / (NOT EXISTS ($worker AND pid = $pid))::integer", timeout => 10) == 0; });
is($node->safe_psql('calls', 'SELECT pg_postmaster_start_time()'), $started, 'without having been started again');
is_stopped($run, 'interrupted', 'kill -9 of the worker');
resume($run);
go_on($run, 12);

my $postmaster = $node->{_pid};
$pid = $node->safe_psql('calls', $worker);
kill 'KILL', $postmaster;
VapiSales::Test->wait_until('after a kill -9 of the postmaster its worker ends', sub { return !kill(0, $pid); });
$node->{_pid} = undef;
sleep(0.1) while kill 0, $postmaster;
VapiSales::Test->wait_until('and the server can be started', sub { return $node->start(fail_ok => 1); });
is_stopped($run, 'interrupted', 'kill -9 of the postmaster');

my ($out, $err) = ('', '');
my $client = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('calls'), '-c', "SELECT vapi.vapi_resume_sync($run)" ], '<', \undef, '>', \$out, '2>', \$err);
go_on($run, 12);
$client->kill_kill;
go_on($run, 12);
pass('a run whose client was killed goes on');

is($node->safe_psql('calls', "SELECT status FROM vapi.vapi_cancel_sync($run)"), 'canceled', 'it is canceled');
is_stopped($run, 'canceled', 'cancel');
is($node->safe_psql('calls', "SELECT status, seen, new, failed, open_gaps FROM vapi.vapi_resume_sync($run)"), "complete|$calls|$calls|0|0",
	'resumed to the end, every call counted once');
stored_is_all('killed four times');
fired();
note(sprintf 'killed and resumed in %.1f s', time() - $begin_kills);

$node->stop;
done_testing();
