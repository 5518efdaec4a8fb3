# The permanent worker: where it runs, what wakes it, and how it ends. Databases
# that come and go, extensions that are dropped, processes that are killed.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 60, admin => 1);
my $node = VapiSales::Test->node('main', simulator => $simulator, preload => 1,
	config => "vapi_sales.databases = 'calls, \"Not There\"'\nlog_min_messages = log\nrestart_after_crash = on\nmax_worker_processes = 12\n");

sub sql { my ($text, $database) = @_; return $node->safe_psql($database // 'calls', $text); }
sub wait_for { my ($what, $query, $database) = @_; return ok($node->poll_query_until($database // 'calls', $query), $what); }
sub health { my ($check) = @_; return sql("SELECT status FROM vapi.health WHERE check_name = '$check'"); }
sub told { my ($check) = @_; return sql("SELECT detail || coalesce(' / ' || what_to_do, '') FROM vapi.health WHERE check_name = '$check'"); }
sub worker { my ($database) = @_; return sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker' AND datname = '" . ($database // 'calls') . "'", 'postgres'); }
sub logged { my ($pattern) = @_; return scalar(() = slurp_file($node->logfile) =~ /$pattern/g); }

sub list
{
	my ($databases) = @_;
	$node->append_conf('postgresql.conf', "vapi_sales.databases = '$databases'\n");
	$node->reload;
	return;
}

# bounded(what, seconds, code): as fast as that.
sub bounded
{
	my ($what, $seconds, $code) = @_;
	my $begin = time();
	$code->();
	cmp_ok(time() - $begin, '<', $seconds, "$what: in less than $seconds seconds");
	return;
}

sub faults
{
	my (@rules) = @_;
	my $answer = $simulator->request('PUT', '/_sim/faults', \@rules);
	die $answer->{content} unless $answer->{success};
	return;
}

# event(id, second): a call that has started.
sub event
{
	my ($id, $second) = @_;
	return sql(sprintf q{SELECT vapi.vapi_ingest_event('{"event": "call.started", "timestamp": "2026-01-31T00:00:%02d.000Z", "data": {"callId": "%s"}}')}, $second, $id);
}

my $runs = q{SELECT count(*) = 1 FROM vapi.health WHERE check_name = 'worker' AND status = 'ok' AND detail LIKE 'runs as process %'};
my $empty = 'SELECT count(*) = 0 FROM vapi_internal.change_pending';

# Where it runs: node() creates the database and the extension after the start.
wait_for('CREATE EXTENSION has the worker started', $runs);
is(sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'vapi_sales launcher' AND datid IS NULL}), 1, 'by a launcher that is connected to no database');
like(told('databases'), qr/^Not There: no database for \d/, 'health names a database that does not exist');
is(logged(qr/database "Not There" of vapi_sales\.databases does not exist/), 1, 'the log says so once');
is(sql(q{SELECT state FROM vapi_internal.workers() ORDER BY database}), "no database\nrunning", 'the list is read as SQL reads names');

# What wakes it.
wait_for('it takes each step', q{SELECT count(*) = 0 FROM vapi.health WHERE check_name IN ('lag', 'steps') AND status <> 'ok'});
my @times;
for my $i (1 .. 10)
{
	my $begin = time();
	event("woken $i", $i);
	$node->poll_query_until('calls', "SELECT count(*) = $i FROM vapi_internal.change_feed WHERE call_id LIKE 'woken%'") or last;
	push @times, time() - $begin;
	sleep(0.1);
}
is(scalar @times, 10, 'commits wake it');
my $wake = sql(q{
	SELECT max(f.changed_at - e.received_at) FROM vapi_internal.change_feed f JOIN vapi_internal.event e USING (call_id) WHERE call_id LIKE 'woken%'});
note("from receipt to the change feed: at most $wake");
is(sql(qq{SELECT '$wake'::interval < interval '5 seconds'}), 't', 'at once, not at the next tick');
wait_for('what follows the feed follows too', q{SELECT last_seq = (SELECT last FROM vapi_internal.feed_head) FROM vapi_internal.feed_follower WHERE follower = 'search'});
sql(q{BEGIN; SELECT vapi_internal.erase_call('woken 1'); ROLLBACK});
sql(q{SELECT vapi_internal.erase_call('woken 1')});
wait_for('an erased call wakes it', q{SELECT count(*) = 1 FROM vapi_internal.change_feed WHERE call_id = 'woken 1' AND kind = 'erased'});

# SIGTERM, also while Vapi is waited for; then it is started again.
faults({ kind => 'delay', ms => 60000, path => '^/call$' });
$node->append_conf('postgresql.conf', "vapi_sales.poll_interval = 1\n");
$node->reload;
wait_for('it polls', q{SELECT count(*) = 1 FROM vapi.sync_runs WHERE status = 'running' AND requested_by = 'vapi_sales poll'});
my $pid = worker();
bounded('SIGTERM in mid-request', 2, sub { is(sql("SELECT pg_terminate_backend($pid, 5000)"), 't', 'it ends') });
wait_for('it is started again', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker' AND pid <> $pid");
faults();
wait_for('the run that it was at is marked, and the next poll is complete',
	q{SELECT count(*) FILTER (WHERE status = 'interrupted') > 0 AND count(*) FILTER (WHERE status = 'complete') > 0 FROM vapi.sync_runs WHERE requested_by = 'vapi_sales poll'});

# A cancel ends what it is at, not the worker.
faults({ kind => 'delay', ms => 60000, path => '^/call$' });
wait_for('it polls again', q{SELECT count(*) = 1 FROM vapi.sync_runs WHERE status = 'running' AND requested_by = 'vapi_sales poll'});
$pid = worker();
is(sql(q{SELECT (vapi.vapi_cancel_sync(run_id)).status FROM vapi.sync_runs WHERE status = 'running'}), 'canceled', 'vapi_cancel_sync stops a poll');
is(worker(), $pid, 'and not the worker');
faults();
my $last = sql('SELECT max(run_id) FROM vapi.sync_runs');
wait_for('which polls on', "SELECT count(*) > 0 FROM vapi.sync_runs WHERE run_id > $last AND status = 'complete'");
sql("SELECT pg_cancel_backend($pid)") for 1 .. 3;
event('after cancels', 20);
wait_for('a cancel while it sleeps is no harm', $empty);
is(worker(), $pid, 'it is the same process');

# kill -9: the server restarts, and nothing is lost.
sql('ALTER TABLE vapi_internal.change_feed ADD CONSTRAINT broken CHECK (seq < 0) NOT VALID');
event("killed $_", $_) for 1 .. 20;
my $victim = worker();
kill 'KILL', $victim;
# it is in shared memory until the postmaster has noticed
ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $victim)"), 'the server comes back after kill -9');
sql('ALTER TABLE vapi_internal.change_feed DROP CONSTRAINT broken');
wait_for('so does the worker', $runs);
sql(q{UPDATE vapi_internal.step_state SET next_due_at = now() WHERE last_error IS NOT NULL});
wait_for('and takes what was left', q{SELECT count(DISTINCT call_id) = 20 FROM vapi_internal.change_feed WHERE call_id LIKE 'killed%'});
is(sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker'}), 1, 'there is one of it');

# The launcher is killed softly: its workers stay, and it finds them.
$pid = worker();
sql(q{SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE backend_type = 'vapi_sales launcher'});
wait_for('the launcher is started again', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'vapi_sales launcher'});
sleep(1.5);
is(worker(), $pid, 'the worker is the same');

# DROP EXTENSION with a running worker, also in mid-request, and CREATE EXTENSION again.
for my $busy (0, 1)
{
	my $when = $busy ? 'in mid-request' : 'at rest';
	faults({ kind => 'delay', ms => 60000, path => '^/call$' }) if $busy;
	wait_for("$when: it polls", q{SELECT count(*) = 1 FROM vapi.sync_runs WHERE status = 'running'}) if $busy;
	bounded("$when: DROP EXTENSION", 5, sub { sql('DROP EXTENSION vapi_sales CASCADE') });
	faults();
	sql('CREATE EXTENSION vapi_sales');
	event("created again $busy", 30);
	wait_for("$when: the extension that was created again has its worker", $runs);
	wait_for("$when: which does its work", $empty);
}
sql('DROP EXTENSION vapi_sales CASCADE');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker'}), 'without the extension the worker ends');
sleep(2);
is(logged(qr/database "calls" of vapi_sales\.databases has no extension/) > 0, 1, 'the log says why');
unlike(slurp_file($node->logfile), qr/TRAP|PANIC/, 'nothing crashed');

# The list, read again.
$node->append_conf('postgresql.conf', "vapi_sales.poll_interval = 0\n");
sql('CREATE DATABASE other', 'postgres');
sql('CREATE EXTENSION vapi_sales', 'other');
list('other');
wait_for('a database that is added has its worker', $runs, 'other');
sql('CREATE EXTENSION vapi_sales');
is(worker(), '', 'one that was taken out has none');
is(health('worker'), 'warn', 'its health says so');
like(told('worker'), qr/^vapi_sales\.databases does not name this database.*Set vapi_sales\.databases = 'other, calls' in postgresql\.conf and SELECT pg_reload_conf\(\)/, 'and what to do');
list('other, calls');
wait_for('put back, it has one again', $runs);
list('calls');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker' AND datname = 'other'}), 'the other one is stopped');
list('other, calls');
wait_for('and started', $runs, 'other');

# It gives way to who drops, renames or copies its database.
faults({ kind => 'delay', ms => 60000, path => '^/call$' });
bounded('CREATE DATABASE ... TEMPLATE', 20, sub { sql('CREATE DATABASE copy TEMPLATE other', 'postgres') });
wait_for('it comes back', $runs, 'other');
bounded('ALTER DATABASE ... RENAME', 5, sub { sql('ALTER DATABASE other RENAME TO another', 'postgres') });
bounded('and back', 5, sub { sql('ALTER DATABASE another RENAME TO other', 'postgres') });
wait_for('it comes back after both', $runs, 'other');
bounded('DROP DATABASE with a worker at rest', 5, sub { sql('DROP DATABASE other', 'postgres') });
$node->append_conf('postgresql.conf', "vapi_sales.poll_interval = 1\n");
$node->reload;
wait_for('the worker of calls polls', q{SELECT count(*) = 1 FROM vapi.sync_runs WHERE status = 'running'});
bounded('DROP DATABASE with a worker in mid-request', 5, sub { sql('DROP DATABASE calls', 'postgres') });
faults();
sql('CREATE DATABASE calls', 'postgres');
sql('CREATE EXTENSION vapi_sales');
wait_for('a database of that name that is created again has its worker', $runs);
bounded('a shutdown with a running worker', 10, sub { $node->stop('fast') });
unlike(slurp_file($node->logfile), qr/TRAP|PANIC/, 'nothing crashed');

done_testing();
