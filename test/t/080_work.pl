# Background work: vapi_work() and what the sync worker does after a run. Runs
# whose worker is gone, gaps, the words of calls, steps that fail, several
# sessions at once; and that view health tells.
use strict;
use warnings;
use IPC::Run;
use POSIX ();
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

VapiSales::Test::skip_without_simulator();

my $calls = 300;
my $simulator = VapiSales::Test->simulator(calls => $calls, bytes => 6000, now => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator, init => { allows_streaming => 1 });
my @verbose = (extra_params => [ '-v', 'VERBOSITY=verbose' ]);
my $range = q{'2026-01-01', '2026-02-01'};
my $import = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales import'};

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub work { return { map { my ($step, @rest) = split /\|/, $_, -1; ($step => \@rest) } split /\n/, sql('SELECT * FROM vapi.vapi_work()') }; }
sub health { my ($check) = @_; return sql("SELECT status FROM vapi.health WHERE check_name = '$check'"); }
sub told { my ($check) = @_; return sql("SELECT detail || coalesce(' / ' || what_to_do, '') FROM vapi.health WHERE check_name = '$check'"); }
sub wait_for { my ($what, $query) = @_; return ok($node->poll_query_until('calls', $query), $what); }

sub faults
{
	my (@rules) = @_;
	my $answer = $simulator->request('PUT', '/_sim/faults', \@rules);
	die $answer->{content} unless $answer->{success};
	return;
}

# found(word): ids of the calls that have it, by the index.
sub found { my ($word) = @_; return sql("SELECT call_id FROM vapi_internal.call_search WHERE search @@ websearch_to_tsquery('simple', '$word') ORDER BY 1"); }

# Nothing is there yet.
is(sql('SELECT string_agg(step, \' \') FROM vapi.vapi_work() WHERE done = 0 AND NOT more AND error IS NULL'),
	'stale_runs events change_feed publish extended_tables search scores pipeline outbox rollups linked_prospects inbox_retention feed_retention retention sequences delivery_retention health_events delivery poll settle sweep archive sync_gaps', 'in an empty database all is done but to read the objects of Vapi');
cmp_ok(sql('SELECT count(*) FROM vapi.assistants'), '>', 0, 'which needs no import');
is(health('last_sync'), 'warn', 'no import has been complete');

# What the sync worker does after a run: the words of all calls.
is(sql("SELECT status, seen FROM vapi.vapi_sync($range)"), "complete|$calls", 'calls are imported');
wait_for('the worker brings the words in after the run', q{SELECT count(*) = 1 FROM vapi.health WHERE check_name = 'search' AND status = 'ok' AND detail = 'up to date'});
wait_for('and ends', "SELECT count(*) = 0 FROM ($import) w");
is(sql('SELECT count(*) FROM vapi_internal.call_search'), $calls, 'each call has its words');
is(sql('SELECT count(*) FROM vapi_internal.change_pending'), 0, 'no change is left waiting');

# Every plain word of the transcripts finds exactly the calls that have it.
my %has;
for my $line (split /\n/, sql(q{SELECT call_id || ' ' || regexp_replace(transcript, '\s+', ' ', 'g') FROM vapi_internal.call_content WHERE transcript IS NOT NULL}))
{
	my ($id, $text) = split / /, $line, 2;
	$has{ lc $_ }{$id} = 1 for grep { /^[A-Za-z]{3,}$/ } map { s/^["(]+//r =~ s/[,.;:!?")]+$//r } split / /, $text;
}
my @rare = sort { keys %{ $has{$a} } <=> keys %{ $has{$b} } || $a cmp $b } keys %has;
cmp_ok(scalar @rare, '>', 200, 'the transcripts have words');
for my $word (@rare[ 0, int(@rare / 3), int(@rare / 2), -1 ])
{
	# names and summaries are found, too
	my %there = map { $_ => 1 } split /\n/, found($word);
	is(scalar(grep { !$there{$_} } keys %{ $has{$word} }), 0, "\"$word\" finds all " . keys(%{ $has{$word} }) . ' calls that have it');
	my @more = grep { !$has{$word}{$_} } keys %there;
	my $list = join ',', map { "'$_'" } @more, '';
	is(sql(qq{SELECT count(*) FROM vapi_internal.call_search WHERE call_id IN ($list)
			AND NOT search \@\@ '$word:AB'::tsquery}), 0, 'and others by their names and summaries only');
}

# A change: the old words are found until the step, then the new ones.
my $victim = (sort keys %{ $has{ $rare[0] } })[0];
my $change = sub {
	my ($second, $fields) = @_;
	return sql(qq{SELECT changed FROM vapi_internal.merge_observations('[{"source": "api", "call": {"id": "$victim", "updatedAt": "2027-01-01T00:00:${second}Z", $fields}}]')});
};
is($change->('01', '"artifact": {"transcript": "User: quokkas and numbats"}'), 1, 'a transcript changes');
is(found('quokkas'), '', 'its new words are not found before the step');
is(told('change_feed'), '1 change waiting', 'health tells what waits');
my $rows = work();
is("@{ $rows->{change_feed} }[0] @{ $rows->{search} }[0]", '1 1', 'one change is taken');
is(found('quokkas'), $victim, 'the new words are found');
is(scalar(grep { $_ eq $victim } split /\n/, found($rare[0])), 0, 'the old ones no longer');
my $version = q{SELECT xmin FROM vapi_internal.call_search WHERE call_id = '} . $victim . q{'};
my $before = sql($version);
$change->('02', '"cost": 12.5');
is(work()->{search}[0], 1, 'a change of something else is gone over');
is(sql($version), $before, 'and writes nothing');
is(sql("SELECT vapi_internal.erase_call('$victim')"), 't', 'the call is erased');
is(found('quokkas'), '', 'and its words with it, at once');
work();
is(found('quokkas'), '', 'for good');

# A run whose worker was killed.
# Its second page does not come, however slow the machine.
faults({ kind => 'delay', path => '/call', skip => 1, ms => 60000 });
my $run = sql(q{SELECT run_id FROM vapi.vapi_sync('2026-01-01', '2026-01-20', wait => false)});
$node->poll_query_until('calls', "SELECT pages >= 1 FROM vapi.sync_runs WHERE run_id = $run") or die 'no page';
is(work()->{stale_runs}[0], 0, 'a run that is under way is left alone');
is(sql("SELECT pg_terminate_backend(pid, 5000) FROM ($import) w"), 't', 'its worker is killed');
faults();
is(sql("SELECT status FROM vapi_internal.sync_run WHERE run_id = $run"), 'running', 'it cannot say so');
is(work()->{stale_runs}[0], 1, 'vapi_work does');
is(sql("SELECT status, message, finished_at IS NOT NULL FROM vapi_internal.sync_run WHERE run_id = $run"),
	"interrupted|its worker was stopped; vapi_resume_sync($run) goes on from there|t", 'with what to do');
is(health('runs'), 'warn', 'and so does health');
like(told('runs'), qr/run $run interrupted.*vapi_resume_sync\($run\)/, 'for that run');
is(sql("SELECT status FROM vapi.vapi_resume_sync($run)"), 'complete', 'it is resumed');
is(health('runs'), 'ok', 'health is well again');

# due(): makes all gaps due, once no sync worker is left to go over them by itself.
sub due
{
	$node->poll_query_until('calls', "SELECT count(*) = 0 FROM ($import) w") or die 'a worker is left';
	sql(q{UPDATE vapi_internal.sync_gap SET next_attempt_at = now() WHERE status = 'open'});
	return;
}

# A gap that is still unreadable, then one that is not.
my $unreadable = { kind => 'text', text => '<html>edge</html>', skip => 1, path => '^/call' };
faults($unreadable);
($run) = split /\|/, sql(q{SELECT run_id FROM vapi.vapi_sync('2026-01-02', '2026-02-01')});
is(sql("SELECT status FROM vapi.sync_runs WHERE run_id = $run"), 'incomplete', 'a run has gaps');
is(health('gaps'), 'warn', 'health tells of them');
is(work()->{sync_gaps}[0], 0, 'they are left alone for two minutes');
is(sql('SELECT max(attempts) FROM vapi.sync_gaps'), 0, 'without an attempt');
due();
faults({ %$unreadable, skip => 0 });
$rows = work();
is(join('|', @{ $rows->{sync_gaps} }), '0|f|', 'an attempt in vain is no error of the step');
is(sql("SELECT r.status, max(g.attempts), bool_and(g.next_attempt_at BETWEEN now() + interval '3 minutes' AND now() + interval '5 minutes')
	FROM vapi.sync_runs r JOIN vapi.sync_gaps g USING (run_id) WHERE r.run_id = $run AND g.status = 'open' GROUP BY 1"), 'incomplete|1|t', 'but counts, and puts them off for longer');

# Vapi refuses the key: the run is as incomplete as before, and free.
due();
faults({ kind => 'expired-key' });
$rows = work();
like($rows->{sync_gaps}[2], qr/^Gaps of imports could not be gone over again: Vapi refused the API key \(HTTP 401\)\.$/, 'a pass that fails says why');
is($rows->{search}[2], '', 'and no other step does');
is(sql("SELECT status, message FROM vapi.sync_runs WHERE run_id = $run"), 'incomplete|its gaps could not be gone over again: Vapi refused the API key (HTTP 401)', 'the run stays incomplete');
is(sql("SELECT max(attempts) FROM vapi.sync_gaps WHERE run_id = $run AND status = 'open'"), 2, 'which counts as well');
is(health('steps'), 'warn', 'health names the step');
like(told('steps'), qr/^sync_gaps failed 1 time, last \d+ s ago: .*refused the API key/, 'and its error');
is(health('key_accepted'), 'fail', 'health names the key');
faults();
due();
sql(q{UPDATE vapi_internal.step_state SET next_due_at = now()});
like(work()->{sync_gaps}[2], qr/refused the API key at .*, and it has not changed since/, 'Vapi is asked no more with that key');
VapiSales::Test->write_secret($node, 'vapi_api_key', $VapiSales::Test::KEY);
due();
is(health('key_accepted'), 'warn', 'another key has not been tried');
$rows->{sync_gaps}[2] = sql(q{SELECT last_error FROM vapi_internal.step_state WHERE step = 'sync_gaps'});
is(work()->{sync_gaps}[2], $rows->{sync_gaps}[2], 'after a failure the step is put off');
is(sql("SELECT status FROM vapi.sync_runs WHERE run_id = $run"), 'incomplete', 'and not taken');
sql(q{UPDATE vapi_internal.step_state SET next_due_at = now()});
my $open = sql("SELECT count(*) FROM vapi.sync_gaps WHERE run_id = $run AND status = 'open'");
is(join('|', @{ work()->{sync_gaps} }), "$open|f|", 'then the gaps are drained');
is(sql("SELECT status, open_gaps, message IS NULL FROM vapi.sync_runs WHERE run_id = $run"), 'complete|0|t', 'the run is complete');
is(health('gaps') . health('steps') . health('key_accepted'), 'okokok', 'health is well again');
is(sql('SELECT count(*) FROM vapi_internal.call'), $calls - 1, 'all calls are here');

# Several sessions at once: one does the work, the others return.
faults({ %$unreadable });
$run = sql(q{SELECT run_id FROM vapi.vapi_sync('2026-01-03', '2026-02-01')});
due();
faults({ kind => 'delay', ms => 8000, count => 1 });
my ($out, $err) = ('', '');
my $slow = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('calls'), '-c', q{SELECT done > 0, more FROM vapi.vapi_work() WHERE step = 'sync_gaps'} ], \'', \$out, \$err);
wait_for('a session drains the gaps', "SELECT status = 'running' FROM vapi.sync_runs WHERE run_id = $run");
sql(q{SELECT vapi_internal.merge_observations('[{"event": {"event": "call.started", "timestamp": "2027-01-01T00:00:00.000Z", "data": {"callId": "concurrent"}}}]')});
my $begin = time();
my @sessions = map {
	my ($out, $err) = ('', '');
	[ IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('calls'), '-c', q{SELECT step, done, more, error IS NULL FROM vapi.vapi_work() WHERE step IN ('change_feed', 'sync_gaps')} ], \'', \$out, \$err), \$out, \$err ];
} 1 .. 3;
$_->[0]->finish for @sessions;
cmp_ok(time() - $begin, '<', 6, 'others do not wait for it');
is(scalar(grep { ${ $_->[1] } =~ /^sync_gaps\|0\|f\|t$/m } @sessions), 3, 'and leave the gaps to it');
my $moved = 0;
$moved += ${ $_->[1] } =~ /^change_feed\|(\d+)\|f\|t$/m ? $1 : 100 for @sessions;
is($moved, 1, 'a change is moved once');
$slow->finish;
is($out, "t|f\n", 'the first one drains them');

# A worker that is killed while it goes over gaps: the run is interrupted, and gone on with by itself.
faults({ %$unreadable });
$run = sql(q{SELECT run_id FROM vapi.vapi_sync('2026-01-03', '2026-02-02')});
due();
faults({ kind => 'delay', ms => 20000 });
my $killed = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('calls'), '-c', q{SELECT * FROM vapi.vapi_work()} ], \'', \$out, \$err);
wait_for('gaps are being drained', "SELECT status = 'running' FROM vapi.sync_runs WHERE run_id = $run");
sql(q{SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE backend_type = 'vapi_sales work'});
$killed->finish;
like($err, qr/ERROR:  the worker of the background work was stopped/, 'who waits for a killed worker is told');
faults();
is(work()->{stale_runs}[0], 1, 'the run is interrupted');
due();
work();
due();
work();
is(sql("SELECT status, open_gaps FROM vapi.sync_runs WHERE run_id = $run"), 'complete|0', 'and gone on with by itself, to the end');
($out, $err) = ('', '');

# A canceled caller is back at once, its work stops, and the run can be taken up again.
faults({ %$unreadable });
$run = sql(q{SELECT run_id FROM vapi.vapi_sync('2026-01-04', '2026-02-01')});
due();
faults({ kind => 'delay', ms => 20000 });
$begin = time();
my ($result, $stdout, $stderr) = $node->psql('calls', q{SET statement_timeout = '2s'; SELECT * FROM vapi.vapi_work()}, @verbose);
like($stderr, qr/ERROR:  57014: canceling statement due to statement timeout/, 'statement_timeout ends the wait');
cmp_ok(time() - $begin, '<', 4, 'at once');
wait_for('and the work', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'vapi_sales work'});
cmp_ok(time() - $begin, '<', 8, 'soon');
is(sql("SELECT status FROM vapi.sync_runs WHERE run_id = $run"), 'incomplete', 'the run is incomplete as before');

# vapi_cancel_sync stops a pass, too, and then the run is left alone.
due();
$slow = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('calls'), '-c', q{SELECT * FROM vapi.vapi_work()} ], \'', \$out, \$err);
wait_for('gaps are drained once more', "SELECT status = 'running' FROM vapi.sync_runs WHERE run_id = $run");
is(sql("SELECT status FROM vapi.vapi_cancel_sync($run)"), 'canceled', 'vapi_cancel_sync stops that');
$slow->finish;
like($out, qr/^sync_gaps\|0\|f\|$/m, 'and only that');
faults();
due();
is(work()->{sync_gaps}[0], 0, 'a canceled run is left alone');
is(sql("SELECT status FROM vapi.vapi_resume_sync($run)"), 'incomplete', 'until somebody resumes it');
due();
work();
is(sql("SELECT status FROM vapi.sync_runs WHERE run_id = $run"), 'complete', 'then its gaps are gone over again');

# One step that fails does not stop the others, and is put off a little longer each time.
sql('ALTER TABLE vapi_internal.change_feed ADD CONSTRAINT broken CHECK (seq < 0) NOT VALID');
sql(q{SELECT vapi_internal.merge_observations('[{"event": {"event": "call.started", "timestamp": "2027-01-01T00:00:01.000Z", "data": {"callId": "contained"}}}]')});
sql(q{UPDATE vapi_internal.call_search SET search = '' WHERE call_id = 'concurrent'; UPDATE vapi_internal.feed_follower SET last_seq = last_seq - 1 WHERE follower = 'search'});
$rows = work();
like($rows->{change_feed}[2], qr/^The change feed is not up to date: new row for relation "change_feed" violates check constraint "broken"\.$/, 'a step fails');
is($rows->{search}[0] . $rows->{search}[2], '1', 'the next one does its work');
is($rows->{sync_gaps}[2], '', 'and the last one');
is(sql(q{SELECT failures, next_due_at > now() + interval '5 seconds', last_ok_at IS NOT NULL FROM vapi_internal.step_state WHERE step = 'change_feed'}), '1|t|t', 'it is put off');
work();
is(sql(q{SELECT failures FROM vapi_internal.step_state WHERE step = 'change_feed'}), 1, 'and not taken before');
is(health('steps'), 'warn', 'health tells');
for (2 .. 5)
{
	sql(q{UPDATE vapi_internal.step_state SET next_due_at = now()});
	work();
}
is(sql(q{SELECT failures, next_due_at > now() + interval '2 minutes' FROM vapi_internal.step_state WHERE step = 'change_feed'}), '5|t', 'each failure puts it off for longer');
is(health('steps'), 'fail', 'health fails in the end');

# An import does the step all the same, and only warns.
($result, $stdout, $stderr) = $node->psql('calls', q{SELECT status FROM vapi.vapi_sync('2026-01-05', '2026-01-06')});
is($stdout, 'complete', 'an import is complete without the feed');
like($stderr, qr/WARNING:  vapi_sync \d+: The change feed is not up to date: new row/, 'but warns');
sql('ALTER TABLE vapi_internal.change_feed DROP CONSTRAINT broken');
sql(q{UPDATE vapi_internal.step_state SET next_due_at = now()});
is(work()->{change_feed}[0], 1, 'repaired, it goes on');
is(health('steps'), 'ok', 'and health is well again');

# A user's table, kept in step by the worker.
sql(q{CREATE ROLE alice; CREATE SCHEMA shop AUTHORIZATION alice; SET ROLE alice; CREATE TABLE shop.calls (id bigserial PRIMARY KEY)});
sql(q{SELECT * FROM vapi.vapi_extend_calls('shop.calls')});
is(health('extended_tables'), 'ok', 'an extended table is up to date');
$simulator->admin('add', { count => 3, createdAt => '2026-01-31T23:00:00Z' });
sql(q{SELECT status FROM vapi.vapi_sync('2026-01-31', '2026-02-01')});
is(sql('SELECT count(*) FROM shop.calls'), sql('SELECT count(*) FROM vapi_internal.call'), 'an import brings new calls into it');
sql(q{ALTER TABLE shop.calls ADD CONSTRAINT no_new CHECK (vapi_call_id <> 'refused')});
sql(q{SELECT vapi_internal.merge_observations('[{"event": {"event": "call.started", "timestamp": "2027-01-01T00:00:02.000Z", "data": {"callId": "refused"}}}]')});
is(work()->{extended_tables}[2], '', 'what its owner refuses is no failure of the step');
is(health('extended_tables'), 'warn', 'but health tells of it');
is(told('extended_tables') =~ /^1 call not taken/ ? 1 : 0, 1, 'with how many');
sql(q{ALTER TABLE shop.calls DROP COLUMN vapi_call_id});
sql(q{SELECT vapi_internal.merge_observations('[{"event": {"event": "call.started", "timestamp": "2027-01-01T00:00:03.000Z", "data": {"callId": "another"}}}]')});
work();
is(health('extended_tables'), 'fail', 'a table that cannot be written at all fails');
sql(q{SELECT * FROM vapi.vapi_extend_calls('shop.calls', undo => true)});
is(health('extended_tables'), 'ok', 'without it health is well again');

# The key file, and Vapi's clock.
my $path = VapiSales::Test->secrets_directory($node) . '/vapi_api_key';
is(health('api_key'), 'ok', 'the key can be read');
chmod 0644, $path;
is(health('api_key'), 'fail', 'a key file that others can read fails');
like(told('api_key'), qr/accessible to others .* chmod 0600/, 'and says what to do');
unlike(told('api_key'), qr/$VapiSales::Test::KEY/, 'without the key');
unlink $path;
like(told('api_key'), qr/could not open the file of secret "vapi_api_key": No such file/, 'so does a missing one');
is(work()->{vapi_objects}[2], '', 'without a key nothing is asked, and nothing fails');
VapiSales::Test->write_secret($node, 'vapi_api_key', $VapiSales::Test::KEY);
is(health('api_key'), 'ok', 'put back it is well');

for my $skew ([ 90, 'warn', 'ahead of' ], [ -400, 'fail', 'behind' ], [ 0, 'ok', '' ])
{
	my ($seconds, $status, $word) = @$skew;
	$simulator->admin('clock', { now => POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time() + $seconds)) });
	sql(q{SELECT status FROM vapi.vapi_sync('2026-01-05', '2026-01-06')});
	is(health('clock'), $status, "Vapi's clock is off by $seconds s: $status");
	like(told('clock'), qr/Vapi's was \d+ s $word/, 'it says so');
}
is(health('last_sync'), 'ok', 'the last import is young');

# The mirror of Vapi's objects without an import.
sql('UPDATE vapi_internal.sync_state SET mirrored_at = now() - interval \'3 days\'');
is(health('vapi_objects'), 'warn', 'an old mirror is told');
cmp_ok(work()->{vapi_objects}[0], '>', 0, 'vapi_work reads the objects');
is(health('vapi_objects'), 'ok', 'then it is young');
is(work()->{vapi_objects}[0], 0, 'and left alone for a day');

# Who may not call it. One worker is PostgreSQL's own launcher of logical replication.
($result, $stdout, $stderr) = $node->psql('calls', 'BEGIN; CREATE TABLE written (id integer); SELECT * FROM vapi.vapi_work()', @verbose);
like($stderr, qr/ERROR:  25001: cannot wait for background work in a transaction that has already written.*HINT/s, 'a transaction that has written is refused');
is($node->safe_psql('calls', q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM vapi.vapi_work(); COMMIT}), 24, 'REPEATABLE READ is not');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$node->backup('base');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
($result, $stdout, $stderr) = $standby->psql('calls', 'SELECT * FROM vapi.vapi_work()', @verbose);
like($stderr, qr/ERROR:  25006: there is no background work on a standby.*HINT/s, 'a standby is refused');
is($standby->safe_psql('calls', q{SELECT count(*), count(*) FILTER (WHERE status = 'ok') > 10 FROM vapi.health}), sql('SELECT count(*) FROM vapi.health') . '|t', 'but shows its health');
$standby->stop;
$node->append_conf('postgresql.conf', "max_worker_processes = 1\n");
$node->restart;
($result, $stdout, $stderr) = $node->psql('calls', 'SELECT * FROM vapi.vapi_work()', @verbose);
like($stderr, qr/ERROR:  53400: no background worker is free for the work.*max_worker_processes/s, 'without a free worker the error names the setting');

$node->stop;
done_testing();
