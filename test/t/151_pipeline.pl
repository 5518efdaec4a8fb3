# From a call that qualifies to the call that follows on it: each thing once, whatever is repeated, and wherever the
# server dies in between; a request of which nobody knows whether it was served is never repeated.
use strict;
use warnings;
use IPC::Run;
use JSON::PP;
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Test;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 3, concurrency => 50, 'time-factor' => 0.001);
my $assistant = $simulator->request('GET', '/assistant')->{data}[0]{id};
my $number = $simulator->request('GET', '/phone-number')->{data}[0]{id};
my $node = VapiSales::Test->node('main', simulator => $simulator,
	config => "restart_after_crash = on\nvapi_sales.default_assistant_id = '$assistant'\nvapi_sales.default_phone_number_id = '$number'\n");
VapiSales::Test->write_secret($node, 'token_key', 'a key of this test alone');
sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub faults
{
	my (@rules) = @_;
	my $answer = $simulator->request('PUT', '/_sim/faults', \@rules);
	die $answer->{content} unless $answer->{success};
	return;
}

# A zone where it is about noon, whenever this runs.
my $hour = (gmtime)[2];
my $zone = sprintf 'Etc/GMT%+d', -((12 - $hour + 36) % 24 - 12);

# work(): takes every step once, as if each were due.
sub work
{
	sql('UPDATE vapi_internal.step_state SET next_due_at = NULL');
	return sql(q{SELECT string_agg(step || ': ' || error, '; ') FROM vapi.vapi_work() WHERE error IS NOT NULL});
}

# settle(): until nothing more follows.
sub settle
{
	for (1 .. 20)
	{
		my $errors = work();
		diag($errors) if $errors ne '';
		return if sql(q{SELECT (SELECT count(*) FROM vapi_internal.change_pending)
			+ (SELECT count(*) FROM vapi_internal.feed_head h, vapi_internal.feed_follower f WHERE f.last_seq < h.last)
			+ (SELECT count(*) FROM vapi_internal.follow_up WHERE status = 'open' AND work IN ('waiting', 'claimed') AND due_at <= now())}) eq '0';
	}
	return fail('it settles');
}

# report(id, number, minutes ago): the end-of-call report of a conversation that qualifies.
sub report
{
	my ($id, $phone, $ago) = @_;
	my $at = sub { strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime(time() - $ago * 60 + $_[0])) };
	my @lines = (
		'bot: Hello, this is Zoe from Bright Lawns. What can I do for you?',
		'user: The drain backs up every time it rains, we lost a whole bed of roses last week.',
		'bot: That would be nine hundred dollars. Is it your house?',
		'user: Nine hundred is fine. Yes, it is my house, I decide.',
		'bot: When would you like it done?',
		'user: This week, before the next storm.',
		'bot: I can have a crew there Thursday at nine.',
		'user: Thursday at nine works, I will be there.');
	my $n = 0;
	return JSON::PP->new->canonical->encode({ message => {
		type => 'end-of-call-report', timestamp => int((time() - $ago * 60) * 1000), endedReason => 'customer-ended-call',
		startedAt => $at->(-200), endedAt => $at->(0),
		call => { id => $id, orgId => $simulator->request('GET', '/call?limit=1')->{data}[0]{orgId}, type => 'outboundPhoneCall', assistantId => $assistant, createdAt => $at->(-210), updatedAt => $at->(-210),
			customer => { number => $phone } },
		artifact => { messages => [ map { my ($role, $words) = split /: /, $_, 2; { role => $role, message => $words, secondsFromStart => 5 * ++$n } } @lines ] } } });
}
sub ingest { my ($json) = @_; return sql("SELECT vapi.vapi_ingest_event(\$json\$$json\$json\$)"); }

# once(call, name): what must have followed from a call, once each.
sub once
{
	my ($id, $name) = @_;
	return is(sql(qq{
		SELECT p.status, p.status_source, (SELECT count(*) FROM vapi_internal.prospect_history h WHERE h.prospect_id = p.prospect_id AND h.field = 'status'),
			(SELECT count(*) FROM vapi_internal.enrollment e WHERE e.prospect_id = p.prospect_id),
			(SELECT count(*) FROM vapi_internal.follow_up f WHERE f.prospect_id = p.prospect_id),
			(SELECT t.temperature FROM vapi.prospect_temperatures t WHERE t.prospect_id = p.prospect_id)
		FROM vapi_internal.call c JOIN vapi_internal.prospect p USING (prospect_id) WHERE c.call_id = '$id'}), 'qualified|rule|1|1|1|hot', $name);
}

# placed(): the names of the calls that the simulator was asked for by sequences.
sub placed
{
	my @names = sort map { $_->{name} // () } grep { ($_->{name} // '') =~ /^vapi_sales/ } @{ $simulator->request('GET', '/call?limit=1000')->{data} };
	return @names;
}

# 1. Replays.
my $first = report('first', '+13035550101', 60);
ingest($first) for 1 .. 3;
settle();
once('first', 'a call that qualifies: status, temperature, enrolment, follow-up');
ingest($first) for 1 .. 3;
sql(q{SELECT vapi.vapi_replay(event_id) FROM vapi_internal.event WHERE call_id = 'first'});
settle();
once('first', 'once under replays');
is(sql(q{SELECT bool_and(due_at <= c.ended_at + interval '24 hours' AND due_at > c.ended_at) FROM vapi_internal.follow_up f JOIN vapi_internal.call c USING (call_id)}), 't', 'due within 24 hours of the call');
is(sql(q{SELECT field, new_value, cause, call_id FROM vapi.prospect_history WHERE field = 'status'}), 'status|qualified|rule|first', 'its history tells the cause');

# 2. The server dies after each step of the way; what follows is done by whoever comes next.
my @points = (
	[ 'the report is stored', undef ],
	[ 'the change is in the feed', 'SELECT vapi_internal.change_step()' ],
	[ 'it is scored', 'SELECT vapi_internal.score_step()' ],
	[ 'the score is in the feed', 'SELECT vapi_internal.change_step()' ],
	[ 'the rules are applied', 'SELECT vapi_internal.pipeline_step()' ],
	[ 'the follow-up is claimed', q{UPDATE vapi_internal.follow_up SET due_at = now() - interval '1 minute' WHERE call_id = 'POINT'; SELECT vapi_internal.claim_follow_ups(10)} ],
	[ 'it is told', 'SELECT vapi_internal.tell_follow_ups(10)' ]);
for my $point (0 .. $#points)
{
	my $id = "point $point";
	ingest(report($id, sprintf('+130355501%02d', 10 + $point), 50));
	for (grep { defined } map { $_->[1] } @points[ 0 .. $point ]) { (my $text = $_) =~ s/POINT/$id/; sql($text); }
	$node->stop('immediate');
	$node->start;
	ingest(report($id, sprintf('+130355501%02d', 10 + $point), 50)) if $point % 2;
	settle();
	if ($point < 5) { once($id, "killed after: $points[$point][0]"); next; }
	is(sql(qq{SELECT string_agg(step || ' ' || work || ' ' || status, ', ' ORDER BY step) FROM vapi_internal.follow_up WHERE call_id = '$id'}),
		'1 told open, 2 waiting open', "killed after: $points[$point][0]");
}

# 3. Calls of a sequence: placed once, with its outcome known again by the name.
sql(qq{SELECT vapi.vapi_save_sequence('calls', '[{"delay": "0", "channel": "call"}, {"delay": "1 day", "channel": "call"}, {"delay": "1 day", "channel": "task", "title": "Write"}]',
	attempts => 3, weekdays => '{1,2,3,4,5,6,7}', "from" => '08:00', "to" => '21:00')});
my $next = 30;

# prospect(): a new one, who lives where it is noon.
sub prospect
{
	my $phone = sprintf '+130355501%02d', $next++;
	return sql(qq{WITH p AS (INSERT INTO vapi_internal.prospect (name, time_zone) VALUES ('Person $next', '$zone') RETURNING prospect_id)
		INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) SELECT '$phone', prospect_id FROM p RETURNING prospect_id});
}
sub enroll { my ($prospect) = @_; sql("SELECT vapi.vapi_enroll($prospect, 'calls')"); return sql("SELECT follow_up_id FROM vapi_internal.follow_up WHERE prospect_id = $prospect AND step = 1"); }
sub state_of { my ($follow_up) = @_; return sql("SELECT status, work FROM vapi_internal.follow_up WHERE follow_up_id = $follow_up"); }

my $someone = prospect();
my $call = enroll($someone);
settle();
is_deeply([ placed() ], ["vapi_sales follow-up $call"], 'the call of a step is placed');
is(state_of($call), 'done|told', 'its follow-up is done');
is(sql("SELECT c.prospect_id FROM vapi_internal.call c JOIN vapi_internal.follow_up f ON f.placed_call_id = c.call_id WHERE f.follow_up_id = $call"), $someone, 'the call is the prospect\'s');
is(sql("SELECT attempts, step, status FROM vapi_internal.enrollment WHERE prospect_id = $someone"), '1|2|active', 'the attempt is counted, the next step is open')
  or diag(sql("SELECT step, channel, status, due_at FROM vapi_internal.follow_up WHERE prospect_id = $someone"));

# 4. What is refused is tried again, what is not known is not.
$someone = prospect();
$call = enroll($someone);
faults({ kind => 'status', status => 400, message => 'No.', method => 'POST', path => '/call', count => 1 });
work();
is(sql("SELECT status, work, attempts, due_at > now() + interval '15 minutes', last_error ~ 'HTTP 400' FROM vapi_internal.follow_up WHERE follow_up_id = $call"), 'open|waiting|1|t|t', 'a refused call is put off');
sql("UPDATE vapi_internal.follow_up SET due_at = now() WHERE follow_up_id = $call");
settle();
is(state_of($call), 'done|told', 'and placed later');

for my $fault ([ 'cut-body' => 'an answer that breaks off', 1 ], [ 'invalid-json' => 'an answer that is no JSON', 1 ], [ 'status' => 'an answer of 502', 0, status => 502 ], [ 'reset' => 'a broken connection', 0 ])
{
	my ($kind, $name, $made, %more) = @$fault;
	$someone = prospect();
	$call = enroll($someone);
	my $before = placed();
	faults({ kind => $kind, method => 'POST', path => '/call', count => 1, %more });
	work();
	is(state_of($call), 'open|unknown', "$name: it is not known whether the call was made");
	work() for 1 .. 3;
	is(scalar(placed()) - $before, $made, "$name: it is not asked for again");
	if ($made)
	{
		sql('SELECT vapi.vapi_sync_changes()');
		work();
		is(state_of($call), 'done|told', "$name: the call that came in settles it");
		is(sql("SELECT count(*) FROM vapi_internal.follow_up WHERE prospect_id = $someone AND step = 2"), '1', "$name: the sequence goes on");
	}
	else
	{
		sql("UPDATE vapi_internal.follow_up SET work_at = now() - interval '2 hours' WHERE follow_up_id = $call");
		work();
		is(sql("SELECT status, (SELECT count(*) FROM vapi_internal.follow_up t WHERE t.prospect_id = f.prospect_id AND t.title = 'Was this call made?') FROM vapi_internal.follow_up f WHERE follow_up_id = $call"),
			'canceled|1', "$name: after an hour a person is to look");
	}
}
faults();

# 5. Killed while the request is on its way, and between the claim and the request.
$someone = prospect();
$call = enroll($someone);
my $before = placed();
faults({ kind => 'slow-body', ms => 20000, chunks => 2, method => 'POST', path => '/call', count => 1 });
my $work = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('calls'), '-c', 'SELECT * FROM vapi.vapi_work()' ], '>', \my $out, '2>', \my $err);
VapiSales::Test->wait_until('the request is on its way', sub { scalar(placed()) > $before });
my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales%' ORDER BY backend_start DESC LIMIT 1});
kill 'KILL', $pid;
$work->finish;
VapiSales::Test->wait_until('the server is up again', sub { ($node->psql('calls', 'SELECT 1'))[0] == 0 });
faults();
is(state_of($call), 'open|placing', 'the worker was killed while it was placing the call');
work();
is(state_of($call), 'open|unknown', 'the next one does not ask for it again');
sql('SELECT vapi.vapi_sync_changes()');
work();
is(state_of($call), 'done|told', 'but finds it by its name');
is(scalar(placed()) - $before, 1, 'one call was made');

$someone = prospect();
$call = enroll($someone);
sql('SELECT vapi_internal.claim_follow_ups(100)');
$node->stop('immediate');
$node->start;
settle();
is(state_of($call), 'done|told', 'a claim whose worker is gone is taken up');

# 6. Restored, it does nothing, and nothing twice.
my $folder = PostgreSQL::Test::Utils::tempdir();
$someone = prospect();
enroll($someone);
my $counts = q{SELECT (SELECT count(*) FROM vapi_internal.enrollment), (SELECT count(*) FROM vapi_internal.follow_up), (SELECT count(*) FROM vapi_internal.prospect_history),
	(SELECT count(*) FROM vapi_internal.do_not_call), (SELECT string_agg(status, ',' ORDER BY prospect_id) FROM vapi_internal.prospect)};
my $was = sql($counts);
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/calls", '-d', $node->connstr('calls') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), "$folder/calls" ], 'pg_restore');
my $posted = placed();
$node->safe_psql('restored', 'SELECT count(*) FROM vapi.vapi_work()') for 1 .. 4;
is($node->safe_psql('restored', $counts), $was, 'a restored database that works its calls over changes nothing');
is(scalar(placed()), $posted, 'and calls nobody');
like($node->safe_psql('restored', q{SELECT status || ' ' || detail FROM vapi.health WHERE check_name = 'instance'}), qr/^fail this database is a copy/, 'which its health says');
$node->safe_psql('restored', 'SELECT vapi.vapi_adopt_instance()');
$node->safe_psql('restored', 'SELECT count(*) FROM vapi.vapi_work()') for 1 .. 2;
is(scalar(placed()), $posted + 1, 'adopted, it does what is due');

$node->stop;
done_testing();
