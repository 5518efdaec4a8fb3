# No call is ever lost: live calls tell of themselves by webhooks through nginx
# and PostgREST, some of which are lost, doubled or out of order; the permanent worker
# is killed twice, which takes the whole server down each time. After the poll
# every call is what Vapi has.
#
#   VAPI_LIVE_CALLS=2000   how many calls (150)
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Test;
use VapiSales::Web;

VapiSales::Test::skip_without_simulator();
VapiSales::Web::skip_without_programs();

my $calls = $ENV{VAPI_LIVE_CALLS} || 150;
my $simulator = VapiSales::Test->simulator(calls => 0, bytes => 20000, 'live-calls' => 0, 'late-cost-share' => 0.2, 'late-cost-ms' => 60000,
	concurrency => 10000, 'time-factor' => 40, 'webhook-backoff' => '{"type": "exponential", "maxRetries": 8, "baseDelaySeconds": 1}');
my $node = VapiSales::Test->node('main', simulator => $simulator, preload => 1, config => <<'CONF');
vapi_sales.databases = 'calls'
vapi_sales.poll_interval = 5
restart_after_crash = on
max_worker_processes = 16
CONF
sub sql { my ($text, $database) = @_; return $node->safe_psql($database // 'calls', $text); }

# The server comes back after a crash; asked until it does.
sub answers { my ($text) = @_; my ($result, $out) = $node->psql('calls', $text); return $result == 0 ? $out : undef; }

sql(q{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE webhook;
	GRANT webhook TO authenticator;
	SELECT vapi.vapi_grant('webhook', 'webhook')});
VapiSales::Test->write_secret($node, 'webhook_secret', 'a-secret');
sql('SELECT status FROM vapi.vapi_sync_changes()');
my $web = VapiSales::Web->new($node, 'webhook');
$simulator->admin('webhook', { url => $web->edge, auth => 'secret', secret => 'a-secret', senders => 3, serverMessages => 'default',
	mishaps => { loss => 0.05, duplicate => 0.1, reorder => 0.2 } });

sub live { return $simulator->admin('live'); }
sub worker { return answers(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker' AND datname = 'calls'}) // ''; }
VapiSales::Test->wait_until('the worker runs', sub { worker() ne '' });

# They begin within ten simulated minutes, 15 real seconds; at a third and at two thirds of them the worker is killed.
my $begin = time();
$simulator->admin('live', { count => $calls, rate => $calls / 10 });
for my $share (1, 2)
{
	VapiSales::Test->wait_until("$share third(s) of the calls have begun", sub { live()->{begun} >= $calls * $share / 3 }, 600);
	my $pid = worker();
	cmp_ok($pid, '>', 0, 'the worker runs');
	kill 'KILL', $pid;
	VapiSales::Test->wait_until('another one takes over', sub { my $now = worker(); $now ne '' && $now != $pid }, 120);
}
VapiSales::Test->wait_until('all calls are over and all is delivered', sub { live()->{idle} }, 60 + 5 * $calls);
note(sprintf '%d calls and %d deliveries in %.0f s', $calls, live()->{deliveries}, time() - $begin);

# What was sent.
my @deliveries = @{ $simulator->admin('deliveries') };
my %count;
for my $delivery (@deliveries)
{
	$count{$delivery->{outcome}}++;
	$count{$_}++ for @{ $delivery->{mishaps} };
}
note(join ', ', map { "$_ $count{$_}" } sort keys %count);
cmp_ok($count{lost} / @deliveries, '>', 0.02, 'some webhooks were lost');
cmp_ok($count{$_} // 0, '>', 0, "some: $_") for qw(duplicate reorder);
my @taken = grep { ($_->{httpStatus} // 0) == 200 } @deliveries;
my @given_up = grep { ($_->{httpStatus} // 200) != 200 && !$_->{retried} } @deliveries;
is(scalar @given_up, 0, 'none was refused to the end');

# The poll brings the rest.
VapiSales::Test->wait_until('the poll settles every call', sub { (answers('SELECT count(*) FROM vapi_internal.call WHERE settled') // 0) == $calls }, 120);
my $pending = q{SELECT count(*) FROM vapi_internal.event WHERE status = 'pending'};
VapiSales::Test->wait_until('no event waits', sub { (answers($pending) // 1) == 0 }, 120);

# Every raw event is accounted for: what was answered is kept, once an event and content, and applied.
is(sql(q{SELECT string_agg(DISTINCT status, ' ') FROM vapi_internal.event}), 'applied', 'every event is applied');
my %taken;
$taken{"$_->{callId}|$_->{type}"}++ for @taken;
my %kept = map { my ($call, $type, $count) = split /\|/; ("$call|$type" => $count) }
  split /\n/, sql(q{SELECT call_id, type, sum(deliveries) FROM vapi_internal.event GROUP BY 1, 2});
is(scalar(grep { ($kept{$_} // 0) < $taken{$_} } keys %taken), 0, 'whatever was answered is kept');
# A crash may come between the commit and the answer: then it is sent, and counted, again.
my $attempts = grep { $_->{outcome} ne 'lost' } @deliveries;
my $kept = 0;
$kept += $_ for values %kept;
cmp_ok($kept, '<=', $attempts, "no delivery is counted twice: $kept of $attempts attempts");
cmp_ok($kept, '>=', scalar @taken, 'and none that was answered is missing');

# Every call equals Vapi's, field by field: what GET /call shows of it, read by PostgreSQL itself.
my $truth = $node->basedir . '/truth';
open my $out, '>:raw', $truth or die $!;
print $out $simulator->request('GET', '/_sim/final')->{content};
close $out;
sql("CREATE TABLE truth AS SELECT jsonb_array_elements(pg_read_file('$truth')::jsonb) AS call");
is(sql('SELECT count(*) FROM truth'), $calls, 'Vapi has all the calls');
is(sql('SELECT count(*) FROM vapi_internal.call'), $calls, 'and so have we, no more');
for my $field (
	[ 'orgId', 'c.org_id', q{v ->> 'orgId'} ],
	[ 'type', 'c.type', q{v ->> 'type'} ],
	[ 'status', 'c.vapi_status', q{v ->> 'status'} ],
	[ 'endedReason', 'c.ended_reason', q{v ->> 'endedReason'} ],
	[ 'assistantId', 'c.assistant_id', q{v ->> 'assistantId'} ],
	[ 'squadId', 'c.squad_id', q{v ->> 'squadId'} ],
	[ 'phoneNumberId', 'c.phone_number_id', q{v ->> 'phoneNumberId'} ],
	[ 'customer.number', 'c.customer_number', q{v -> 'customer' ->> 'number'} ],
	[ 'customer.name', 'c.customer_name', q{v -> 'customer' ->> 'name'} ],
	[ 'createdAt', 'c.created_at', q{(v ->> 'createdAt')::timestamptz} ],
	[ 'updatedAt', 'c.updated_at', q{(v ->> 'updatedAt')::timestamptz} ],
	[ 'startedAt', 'c.started_at', q{(v ->> 'startedAt')::timestamptz} ],
	[ 'endedAt', 'c.ended_at', q{(v ->> 'endedAt')::timestamptz} ],
	[ 'the duration', 'c.duration_seconds', q{extract(epoch FROM (v ->> 'endedAt')::timestamptz - (v ->> 'startedAt')::timestamptz)} ],
	[ 'cost', 'c.cost', q{(v ->> 'cost')::numeric} ],
	[ 'summary', 'c.summary', q{v -> 'analysis' ->> 'summary'} ],
	[ 'successEvaluation', 'c.success_evaluation', q{v -> 'analysis' ->> 'successEvaluation'} ],
	[ 'transcript', 't.transcript', q{nullif(coalesce(v -> 'artifact' ->> 'transcript', v ->> 'transcript'), '')} ],
	[ 'the number of messages', 'jsonb_array_length(t.messages)', q{jsonb_array_length(coalesce(v -> 'artifact' -> 'messages', v -> 'messages'))} ],
	[ 'analysis', 't.analysis', q{nullif(v -> 'analysis', '{}')} ],
	[ 'costs', 't.cost_items', q{v -> 'costs'} ],
	[ 'costBreakdown', 't.cost_breakdown', q{v -> 'costBreakdown'} ],
	[ 'metadata', 't.metadata', q{coalesce(v -> 'metadata', v -> 'assistantOverrides' -> 'metadata')} ])
{
	my ($name, $stored, $true) = @$field;
	is(sql(qq{SELECT count(*) FILTER (WHERE $stored IS DISTINCT FROM $true), count(*)
			FROM (SELECT call FROM truth) AS x(v) LEFT JOIN vapi_internal.call c ON c.call_id = v ->> 'id' LEFT JOIN vapi_internal.call_content t USING (call_id)}),
		"0|$calls", "$name is Vapi's")
	  or diag(sql(qq{SELECT v ->> 'id', left(($stored)::text, 200), left(($true)::text, 200) FROM (SELECT call FROM truth) AS x(v)
			LEFT JOIN vapi_internal.call c ON c.call_id = v ->> 'id' LEFT JOIN vapi_internal.call_content t USING (call_id)
			WHERE $stored IS DISTINCT FROM $true LIMIT 3}));
}

# And in everything else what an import of the same calls alone makes of them.
sql('CREATE DATABASE imported', 'postgres');
sql('CREATE EXTENSION vapi_sales', 'imported');
is(sql(q{SELECT status, seen FROM vapi.vapi_sync(now() - interval '1 day', now() + interval '30 days')}, 'imported'), "complete|$calls", 'an import of the same calls');
for my $table ('call', 'call_content')
{
	# When a row was seen is no part of the call, scores come later, raw is the newest payload, which may be the report, and only reports tell a duration.
	my @columns = split /\n/, sql(qq{SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = 'vapi_internal.$table'::regclass AND attnum > 0
		AND NOT attisdropped AND attname !~ '^[vh]_' AND attname NOT IN ('first_seen_at', 'prospect_id', 'prev_slot', 'raw', 'reported_duration',
			'outcome', 'outcome_source', 'qualification_score', 'score_coverage', 'temperature', 'sentiment') ORDER BY 1});
	my $hashes = 'SELECT ' . join(', ', map { "md5(string_agg(coalesce($_\::text, '-'), ',' ORDER BY call_id))" } @columns) . " FROM vapi_internal.$table";
	my @here = split /\|/, sql($hashes);
	my @there = split /\|/, sql($hashes, 'imported');
	is(join(' ', map { $columns[$_] } grep { $here[$_] ne $there[$_] } 0 .. $#columns), '', "no column of $table differs from that");
}
is(sql('SELECT count(*) FROM vapi_internal.live_call') . sql('SELECT count(*) FROM vapi_internal.live_line'), '00', 'nothing of a live call is left');
like(slurp_file($node->logfile), qr/terminated by signal 9/, 'the server did crash');

undef $web;
$node->stop;
done_testing();
