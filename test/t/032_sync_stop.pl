# Runs that stop: canceled by a call, with the waiting client, by a killed
# worker; and resumed, with every call once.
use strict;
use warnings;
use IPC::Run ();
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

VapiSales::Test::skip_without_simulator();

my $calls = 1500;
my $simulator = VapiSales::Test->simulator(calls => $calls, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z', 'latency-ms' => 100);
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $range = q{'2026-01-01', '2026-02-01'};
my $all = join "\n", sort @{ $simulator->admin('ids') };
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales import'};

# Starts a run and returns its id once it has stored some pages.
sub start_run
{
	my ($pages) = @_;
	my $run = $node->safe_psql('calls', "SELECT run_id FROM vapi.vapi_sync($range, wait => false)");
	$node->poll_query_until('calls', "SELECT pages >= $pages FROM vapi.sync_runs WHERE run_id = $run") or die 'no page';
	return $run;
}

sub forget { $node->safe_psql('calls', 'TRUNCATE vapi_internal.call, vapi_internal.call_content'); return; }
sub stored { return $node->safe_psql('calls', 'SELECT call_id FROM vapi_internal.call ORDER BY call_id'); }
sub status { my ($run) = @_; return $node->safe_psql('calls', "SELECT status FROM vapi.sync_runs WHERE run_id = $run"); }

# A session of its own; returns its harness, and its process id in the server.
sub session
{
	my ($sql) = @_;
	my ($in, $out, $err) = ("SELECT 'pid ' || pg_backend_pid();\n$sql;\n", '', '');
	my $harness = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('calls') ], \$in, \$out, \$err);
	$harness->pump until $out =~ /^pid (\d+)$/m;
	return { harness => $harness, pid => $1, out => \$out, err => \$err };
}

# vapi_cancel_sync.
my $run = start_run(2);
my $started = time();
is($node->safe_psql('calls', "SELECT status, message FROM vapi.vapi_cancel_sync($run)"), 'canceled|canceled by request', 'a run is canceled');
my $took = time() - $started;
note(sprintf 'vapi_cancel_sync took %.0f ms', $took * 1000);
cmp_ok($took, '<', 10, 'soon');
is($node->safe_psql('calls', $worker), '', 'its worker is gone');
my $seen = $node->safe_psql('calls', "SELECT seen FROM vapi.sync_runs WHERE run_id = $run");
cmp_ok($seen, '<', $calls, 'in mid-run');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), $seen, 'what it has stored stays');
my ($result, $out, $err) = $node->psql('calls', "SELECT vapi.vapi_cancel_sync($run)", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  VS006: run $run is not running: it is canceled/, 'a second cancel is an error');
is($node->safe_psql('calls', "SELECT status, seen, new FROM vapi.vapi_resume_sync($run)"), "complete|$calls|$calls", 'it is resumed to the end');
is(stored(), $all, 'all calls are here, once');
($result, $out, $err) = $node->psql('calls', "SELECT vapi.vapi_resume_sync($run)", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  VS006: run $run is complete.*\n.*HINT/, 'a complete run is not resumed');
($result, $out, $err) = $node->psql('calls', 'SELECT vapi.vapi_resume_sync(12345)', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  02000: there is no run 12345/, 'nor one that is not there');

# A worker killed in mid-page.
forget();
$run = start_run(3);
is($node->safe_psql('calls', "SELECT pg_terminate_backend(($worker), 5000)"), 't', 'the worker is killed');
ok($node->poll_query_until('calls', "SELECT status = 'interrupted' FROM vapi.sync_runs WHERE run_id = $run"), 'the run shows as interrupted');
cmp_ok($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.call'), '<', $calls, 'in mid-run');
is($node->safe_psql('calls', "SELECT status, seen, new FROM vapi.vapi_resume_sync($run)"), "complete|$calls|$calls", 'it is resumed');
is(stored(), $all, 'all calls are here, once');

# The whole server killed.
forget();
$run = start_run(3);
$node->stop('immediate');
$node->start;
ok($node->poll_query_until('calls', "SELECT status = 'interrupted' FROM vapi.sync_runs WHERE run_id = $run"), 'after a crash the run is interrupted');
is($node->safe_psql('calls', "SELECT status, seen, new FROM vapi.vapi_resume_sync($run)"), "complete|$calls|$calls", 'it is resumed');
is(stored(), $all, 'all calls are here, once');

# Cancel of the waiting client: it is back at once, and the worker stops.
forget();
my $session = session("SELECT status FROM vapi.vapi_sync($range)");
$node->poll_query_until('calls', q{SELECT pages >= 2 FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1}) or die 'no page';
$run = $node->safe_psql('calls', 'SELECT max(run_id) FROM vapi.sync_runs');
my $backend = $session->{pid};
$started = time();
$node->safe_psql('calls', "SELECT pg_cancel_backend($backend)");
$session->{harness}->finish;
$took = time() - $started;
note(sprintf 'a canceled client is back after %.0f ms', $took * 1000);
cmp_ok($took, '<', 2, 'a canceled client is back at once');
like(${ $session->{err} }, qr/ERROR:  57014: canceling statement due to user request/, 'with the usual error');
ok($node->poll_query_until('calls', "SELECT status = 'canceled' FROM vapi.sync_runs WHERE run_id = $run"), 'its run is canceled');
$took = time() - $started;
note(sprintf 'and its run after %.0f ms', $took * 1000);
cmp_ok($took, '<', 10, 'soon');

# statement_timeout cancels as well.
($result, $out, $err) = $node->psql('calls', "SET statement_timeout = '700ms'; SELECT status FROM vapi.vapi_sync($range)");
like($err, qr/canceling statement due to statement timeout/, 'statement_timeout ends the wait');
$run = $node->safe_psql('calls', 'SELECT max(run_id) FROM vapi.sync_runs');
ok($node->poll_query_until('calls', "SELECT status = 'canceled' FROM vapi.sync_runs WHERE run_id = $run"), 'and the run');

# A caller as PostgREST makes them: it logs in as one role, sets another, the claims and the timeout for the transaction only.
$node->safe_psql('calls', q{CREATE ROLE web_admin; CREATE ROLE authenticator LOGIN NOINHERIT; GRANT web_admin TO authenticator;
	SELECT vapi.vapi_grant('web_admin', 'admin')});
my $request = q{BEGIN; SELECT set_config('search_path', 'vapi', true), set_config('role', 'web_admin', true),
	set_config('statement_timeout', '700ms', true), set_config('request.jwt.claims', '{"role": "web_admin"}', true)};
my @as_web = (extra_params => [ '-U', 'authenticator', '-v', 'VERBOSITY=verbose' ]);
($result, $out, $err) = $node->psql('calls', "$request; SELECT status FROM vapi_sync($range); COMMIT", @as_web);
like($err, qr/ERROR:  57014: canceling statement due to statement timeout/, 'a PostgREST caller that waits too long is canceled');
$run = $node->safe_psql('calls', 'SELECT max(run_id) FROM vapi.sync_runs');
ok($node->poll_query_until('calls', "SELECT status = 'canceled' FROM vapi.sync_runs WHERE run_id = $run"), 'with its run');
forget();
($result, $out, $err) = $node->psql('calls', "$request; SELECT 'run ' || run_id, status FROM vapi_sync($range, wait => false); COMMIT", @as_web);
like($out, qr/^run (\d+)\|running$/m, 'one that does not wait has its run at once');
($run) = $out =~ /^run (\d+)/m;
ok($node->poll_query_until('calls', "SELECT status = 'complete' FROM vapi.sync_runs WHERE run_id = " . ($run // 0)), 'which its timeout does not touch');
is(stored(), $all, 'all calls are here, once');

# The end of the waiting backend does not.
forget();
$session = session("SELECT status FROM vapi.vapi_sync($range)");
$node->poll_query_until('calls', q{SELECT status = 'running' AND pages >= 2 FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1}) or die 'no page';
$run = $node->safe_psql('calls', 'SELECT max(run_id) FROM vapi.sync_runs');
$backend = $session->{pid};
$node->safe_psql('calls', "SELECT pg_terminate_backend($backend)");
$session->{harness}->finish;
is(status($run), 'running', 'a lost client leaves its run alone');
ok($node->poll_query_until('calls', "SELECT status = 'complete' FROM vapi.sync_runs WHERE run_id = $run"), 'which ends by itself');
is(stored(), $all, 'all calls are here, once');

# Who waits when the worker is killed is told so.
forget();
$session = session("SELECT status FROM vapi.vapi_sync($range)");
$node->poll_query_until('calls', q{SELECT status = 'running' AND pages >= 2 FROM vapi.sync_runs ORDER BY run_id DESC LIMIT 1}) or die 'no page';
$node->safe_psql('calls', "SELECT pg_terminate_backend(($worker), 5000)");
$session->{harness}->finish;
like(${ $session->{err} }, qr/ERROR:  VS006: the worker of run \d+ was stopped.*HINT:.*vapi_resume_sync\(/s, 'the waiter of a killed worker is told');

# A run that is under way is not resumed twice.
$run = start_run(1);
($result, $out, $err) = $node->psql('calls', "SELECT vapi.vapi_resume_sync($run)", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  55006: run $run is still running/, 'a running run is not resumed');
$node->safe_psql('calls', "SELECT vapi.vapi_cancel_sync($run)");

# No worker slot.
$node->append_conf('postgresql.conf', "max_worker_processes = 1\n");
$node->restart;
($result, $out, $err) = $node->psql('calls', "SELECT vapi.vapi_sync($range, wait => false); SELECT vapi.vapi_sync('2026-01-02', '2026-01-03')",
	extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  53400: no background worker is free.*HINT:  Raise max_worker_processes \(now 1\)/s, 'no free worker is an error that names the setting');

$node->stop;
done_testing();
