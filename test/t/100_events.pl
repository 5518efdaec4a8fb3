# Events of a call end in one state: all permutations of lists of up to six,
# with one delivered twice, and random orders of longer ones; and a status seen
# on the way never goes back.
#
#   VAPI_EVENT_ORDERS  random orders of longer lists (300)
#   VAPI_EVENT_SEED    of these (1)
use strict;
use warnings;
use JSON::PP;
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;

my $orders = $ENV{VAPI_EVENT_ORDERS} // 300;
srand($ENV{VAPI_EVENT_SEED} // 1);
my $node = VapiSales::Test->node('events');
my $json = JSON::PP->new->canonical;
my $folder = PostgreSQL::Test::Utils::tempdir();

sub message
{
	my ($type, $second, %fields) = @_;
	return $json->encode({ message => { type => $type, timestamp => 1767600000000 + $second * 1000, call => { id => 'CALL',
		type => 'outboundPhoneCall', status => 'queued', createdAt => '2026-01-05T08:00:00.000Z', updatedAt => '2026-01-05T08:00:00.000Z',
		assistantId => 'assistant-1', customer => { number => '+13035550101' } }, %fields } });
}
sub flat { my ($event, $at, %fields) = @_; return $json->encode({ event => $event, timestamp => $at, callId => 'CALL', %fields }); }

my $report = message('end-of-call-report', 14, endedReason => 'customer-ended-call', startedAt => '2026-01-05T08:00:02.000Z',
	endedAt => '2026-01-05T08:00:11.000Z', cost => 0.25, analysis => { summary => 'Wants a roof.' },
	artifact => { transcript => "AI: Hello\nUser: Hi\n", messages => [ { role => 'bot', message => 'Hello' }, { role => 'user', message => 'Hi' } ] });
my %lists = (
	statuses => [ map({ message('status-update', $_->[0], status => $_->[1]) } [ 1, 'queued' ], [ 2, 'ringing' ], [ 3, 'in-progress' ], [ 9, 'forwarding' ]),
		message('status-update', 11, status => 'ended', endedReason => 'customer-ended-call'), $report ],
	lines => [ message('speech-update', 3, role => 'user', status => 'started'),
		message('transcript', 3.1, role => 'user', transcriptType => 'partial', transcript => 'He'),
		message('transcript', 3.2, role => 'user', transcriptType => 'partial', transcript => 'Hello'),
		message('transcript', 3.3, role => 'user', transcriptType => 'final', transcript => 'Hello.'),
		message('transcript', 3.4, role => 'user', transcriptType => 'partial', transcript => 'And'),
		message('speech-update', 3.5, role => 'user', status => 'stopped') ],
	moments => [ message('hang', 4), message('hang', 5), message('user-interrupted', 6),
		message('conversation-update', 7, messages => [ { role => 'bot', message => 'a' } ]),
		message('conversation-update', 8, messages => [ { role => 'bot', message => 'ab' } ]),
		message('speech-update', 8, role => 'assistant', status => 'started') ],
	flat => [ flat('call.started', '2026-01-05T08:00:02.000Z', phoneNumberId => 'pn'), message('status-update', 1, status => 'ringing'),
		message('transcript', 3, role => 'user', transcriptType => 'final', transcript => 'Hello.'),
		flat('transcript.ready', '2026-01-05T08:04:06.500Z', transcript => 'AI: Hello', summary => 'Said hello.'),
		flat('recording.ready', '2026-01-05T08:04:06.000Z', recordingUrl => 'https://storage.vapi.ai/x.wav'),
		flat('call.ended', '2026-01-05T08:04:05.000Z', duration => 123, outcome => 'meeting-scheduled', qualificationScore => 85) ],
	deleted => [ message('status-update', 3, status => 'in-progress'), message('transcript', 3.1, role => 'user', transcript => 'Hello.'),
		message('call.deleted', 5), $report ]);

sub permutations
{
	my (@items) = @_;
	return ([]) unless @items;
	my @all;
	for my $i (0 .. $#items)
	{
		my @rest = @items;
		my ($first) = splice @rest, $i, 1;
		push @all, map { [ $first, @$_ ] } permutations(@rest);
	}
	return @all;
}

# A state without what may differ: ids, times of receipt.
$node->safe_psql('calls', q{
	CREATE FUNCTION state(id text) RETURNS text LANGUAGE sql AS $$
		SELECT md5(concat_ws('|',
			(SELECT to_jsonb(c) - 'call_id' - 'first_seen_at' - 'prospect_id' - 'prev_slot' FROM vapi_internal.call c WHERE call_id = id),
			(SELECT to_jsonb(c) - 'call_id' - 'h_raw' - 'raw' FROM vapi_internal.call_content c WHERE call_id = id),
			(SELECT to_jsonb(l) - 'call_id' FROM vapi_internal.live_call l WHERE call_id = id),
			(SELECT jsonb_agg(to_jsonb(l) - 'call_id' ORDER BY said_at, role, final) FROM vapi_internal.live_line l WHERE call_id = id),
			(SELECT string_agg(concat_ws(' ', type, message_at, body IS NOT NULL), ',' ORDER BY message_at, type) FROM vapi_internal.event
				WHERE call_id = id)))
	$$;
	CREATE TABLE seen (id text, ord bigserial, status text);
	CREATE PROCEDURE play(id text, events text[]) LANGUAGE plpgsql AS $$
	DECLARE event text;
	BEGIN
		FOREACH event IN ARRAY events LOOP
			PERFORM vapi.vapi_ingest_event(replace(event, 'CALL', id)::jsonb);
			INSERT INTO seen (id, status) SELECT call_id, vapi_status FROM vapi_internal.call WHERE call_id = id AND vapi_status IS NOT NULL;
		END LOOP;
	END $$;
});

# play_all(what, lists): every list is a call's events in their order of arrival; all must end in one state.
sub play_all
{
	my ($what, @lists) = @_;
	my $path = "$folder/play.sql";
	open my $out, '>', $path or die "$path: $!";
	print $out "TRUNCATE seen; BEGIN;\n";
	for my $i (0 .. $#lists)
	{
		print $out sprintf "CALL play('%s-%d', ARRAY[%s]);\n", $what, $i, join ', ', map { '$e$' . $_ . '$e$' } @{ $lists[$i] };
		print $out "COMMIT; BEGIN;\n" if $i % 50 == 49;
	}
	print $out "COMMIT;\n";
	close $out;
	$node->command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('calls'), '-f', $path ], "$what: " . @lists . ' orders are played');
	my $states = $node->safe_psql('calls', "SELECT count(*), count(DISTINCT state(id)) FROM (SELECT '$what-' || g AS id FROM generate_series(0, $#lists) g) i");
	is($states, scalar(@lists) . '|1', "$what: one state in the end");
	is($node->safe_psql('calls', "SELECT count(*) FROM vapi_internal.event WHERE status NOT IN ('applied', 'discarded')"), '0', "$what: no event is left");
	is($node->safe_psql('calls', q{
		SELECT count(*) FROM (SELECT array_position(ARRAY['scheduled', 'queued', 'ringing', 'in-progress', 'forwarding', 'ended'], status) AS now,
			lag(array_position(ARRAY['scheduled', 'queued', 'ringing', 'in-progress', 'forwarding', 'ended'], status)) OVER (PARTITION BY id ORDER BY ord) AS before
			FROM seen) s WHERE now < before}), '0', "$what: no status goes back");
	return;
}

for my $name (sort keys %lists)
{
	my @events = @{ $lists{$name} };
	play_all($name, map { my @order = @$_; [ @order, $order[ rand @order ] ] } permutations(@events));
}
my @long = map { @{ $lists{$_} } } qw(statuses lines moments);
play_all('long', map { [ shuffle(@long, grep { rand() < 0.3 } @long) ] } 1 .. $orders);

# What a wrong order would look like shows: the comparison can fail.
isnt($node->safe_psql('calls', q{SELECT state('statuses-0')}), $node->safe_psql('calls', q{SELECT state('flat-0')}), 'other events end in another state');

# An event that waits goes on in the step, and a dump carries it.
$node->safe_psql('calls', q{ALTER TABLE vapi_internal.call ADD CONSTRAINT refuse CHECK (call_id <> 'waits')});
$node->safe_psql('calls', 'SELECT vapi.vapi_ingest_event($e$' . (message('status-update', 3, status => 'in-progress') =~ s/CALL/waits/r) . '$e$)');
is($node->safe_psql('calls', q{SELECT status, attempts FROM vapi.events WHERE call_id = 'waits'}), 'pending|1', 'an event waits');
$node->safe_psql('calls', q{ALTER TABLE vapi_internal.call DROP CONSTRAINT refuse;
	UPDATE vapi_internal.event SET next_attempt_at = now() WHERE status = 'pending'});
is($node->safe_psql('calls', q{SELECT done FROM vapi.vapi_work() WHERE step = 'events'}), '1', 'the step takes it');
is($node->safe_psql('calls', q{SELECT e.status, c.status FROM vapi.events e JOIN vapi.calls c ON c.id = e.call_id WHERE c.id = 'waits'}),
	'applied|in-progress', 'and it is applied');

# A lock of the user's on our tables: senders come back within their second, and nothing is lost.
{
	my $session = $node->background_psql('calls');
	$session->query_safe('BEGIN; LOCK TABLE vapi_internal.call');
	my $begin = time();
	$node->safe_psql('calls', 'SELECT vapi.vapi_ingest_event($e$' . (message('status-update', $_, status => 'ringing') =~ s/CALL/locked-$_/r) . '$e$)') for 1 .. 3;
	cmp_ok(time() - $begin, '<', 60, 'senders do not wait for the lock');
	$session->query_safe('ROLLBACK');
	$session->quit;
	is($node->safe_psql('calls', q{SELECT count(*), min(attempts), max(last_error) FROM vapi_internal.event WHERE status = 'pending'}),
		'3|0|55P03: canceling statement due to lock timeout', 'their events wait, and no attempt is counted');
	$node->safe_psql('calls', q{SET statement_timeout = '10s'; SELECT vapi.vapi_replay(event_id) FROM vapi_internal.event WHERE status = 'pending'});
	is($node->safe_psql('calls', q{SELECT count(*) FROM vapi.calls WHERE id LIKE 'locked-%'}), '3', 'until they are applied');
}

$node->stop;
done_testing();
