# Handlers that hang, that do not want to end, and that two deliveries ask at
# once; and what becomes of the connection afterwards.
use strict;
use warnings;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Misbehave;
use VapiSales::Test;

my $node = VapiSales::Test->node('main', config => "vapi_sales.handler_timeout = 1s\nvapi_sales.assistant_request_timeout = 500ms\n");
$node->safe_psql('calls', q{
	CREATE ROLE shop;
	CREATE SCHEMA my AUTHORIZATION shop;
	SET ROLE shop;
	CREATE TABLE my.run (tool text, at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION my.hangs(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO my.run VALUES ('hangs'); PERFORM pg_sleep(60); RETURN 'x'; END $$;
	CREATE FUNCTION my.loops(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN LOOP END LOOP; END $$;
	CREATE FUNCTION my.catches(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
		BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END;
		PERFORM pg_sleep(60); RETURN 'x'; END $$;
	CREATE FUNCTION my.just_in_time(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
		PERFORM pg_sleep(extract(epoch FROM statement_timestamp() + interval '1 second' - clock_timestamp() - (random() * 4 - 2) * interval '1 millisecond')); RETURN 'x'; END $$;
	CREATE FUNCTION my.fast(message jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'fast' $$;
	CREATE FUNCTION my.slow(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO my.run VALUES ('slow'); PERFORM pg_sleep(0.7); RETURN 'slow'; END $$;
	CREATE FUNCTION my.waits(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN LOCK my.run; RETURN 'x'; END $$;
	CREATE FUNCTION my.late(message jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN '{"assistantId": "a"}'; END $$;
	CREATE TABLE my.parent (id integer PRIMARY KEY);
	CREATE TABLE my.child (id integer REFERENCES my.parent DEFERRABLE INITIALLY DEFERRED);
	CREATE FUNCTION my.spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO my.run (tool) VALUES ('trigger as ' || current_user); RETURN NULL; END $$;
	CREATE CONSTRAINT TRIGGER spy AFTER INSERT ON my.parent DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION my.spy();
	CREATE FUNCTION my.defers(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO my.parent VALUES (1); INSERT INTO my.child VALUES (1); RETURN 'deferred'; END $$;
	CREATE FUNCTION my.orphan(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO my.child VALUES (99); RETURN 'x'; END $$;
	RESET ROLE;
	SELECT vapi.vapi_register_handler('tool-calls:' || p.proname, p.oid::regprocedure) FROM pg_proc p
	WHERE p.pronamespace = 'my'::regnamespace AND p.proname NOT IN ('spy', 'late');
	SELECT vapi.vapi_register_handler('assistant-request', 'my.late(jsonb)');
});

my $number = 0;

# message(tools...): a message with these tool calls, of a call of its own.
sub message
{
	my (@tools) = @_;
	$number++;
	my $place = 0;
	return JSON::PP->new->canonical->encode({ message => { type => 'tool-calls', timestamp => 1771500181403, call => { id => "call-$number" },
		toolCallList => [ map { $place++; { id => "t$number-$place", type => 'function', function => { name => $_, arguments => {} } } } @tools ] } });
}

sub ingest { my ($message) = @_; return "SELECT vapi.vapi_ingest_event(\$json\$$message\$json\$)"; }

# ask(message): what each tool call got, and how long it took.
sub ask
{
	my ($message, $before) = @_;
	my $begin = time();
	my $out = $node->safe_psql('calls', ($before // '') . ingest($message));
	return ([ map { $_->{result} // "error: $_->{error}" } @{ JSON::PP->new->decode($out)->{results} } ], time() - $begin);
}
my $late = 'error: The answer took too long.';

for my $tool (qw(hangs loops))
{
	my ($got, $seconds) = ask(message($tool, 'fast'));
	is_deeply($got, [ $late, $late ], "a handler that $tool: Vapi is told, and what is after it has no time");
	cmp_ok($seconds, '<', 10, "a handler that $tool: soon enough");
}
my ($got) = ask(message('fast', 'hangs'));
is_deeply($got, [ 'fast', $late ], 'what was before it has its answer');
is($node->safe_psql('calls', 'SELECT count(*) FROM my.run'), 0, 'what it wrote is undone');
($got) = ask(message('catches'));
is_deeply($got, [$late], 'a handler that catches its cancel is canceled again');
($got) = ask(message('hangs'), 'SET statement_timeout = 300; ');
is_deeply($got, ['error: The request could not be handled.'], 'a limit of the session ends it, too, and the event stays');
is($node->safe_psql('calls', "SELECT count(*) FROM vapi_internal.event WHERE status = 'applied'"), $number, 'every event is there');
is($node->safe_psql('calls', q{SELECT vapi.vapi_ingest_event('{"message": {"type": "assistant-request", "call": {"id": "a"}}}')}),
	'{"error": "The answer took too long."}', 'an assistant-request has a limit of its own');
like($node->safe_psql('calls', q{SELECT error || ' ' || (elapsed_ms BETWEEN 400 AND 5000) FROM vapi_internal.event_answer WHERE error LIKE '%500 ms'}),
	qr/^not done within 500 ms true$/, 'what happened is kept');

# A deadline that passes as the function ends leaves no cancel behind.
my $script = join '', map { ingest(message('just_in_time')) . ";\nSELECT count(*) FROM generate_series(1, 100000);\n" } 1 .. 10;
my ($stdout, $stderr);
is($node->psql('calls', $script, stdout => \$stdout, stderr => \$stderr, on_error_stop => 1), 0, 'a deadline at the last moment cancels nothing that follows')
  or diag($stderr);

# Deferred triggers of what it writes run now, as its owner.
($got) = ask(message('defers', 'orphan'));
is_deeply($got, [ 'deferred', 'error: The request could not be handled.' ], 'deferred constraints are checked at once');
is($node->safe_psql('calls', 'SELECT tool FROM my.run'), 'trigger as shop', "a deferred trigger runs as the function's owner");

# A lock that another holds.
my $holder = $node->background_psql('calls');
$holder->query_safe('BEGIN; LOCK my.run');
($got, my $seconds) = ask(message('waits'));
like($got->[0], qr/^error: /, 'a lock is not waited for');
cmp_ok($seconds, '<', 10, 'not for long');
$holder->query_safe('ROLLBACK');
$holder->quit;

# Two deliveries at once, with other content: one runs it, both get its answer.
$node->safe_psql('calls', 'TRUNCATE my.run');
for my $round (1 .. 5)
{
	my $message = message('slow');
	(my $other = $message) =~ s/"timestamp"/"artifact":{"presigned":"$round"},"timestamp"/;
	my @runs = map {
		my $in = ingest($_);
		my %run = (out => '', err => '');
		$run{process} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('calls'), '-c', $in ], '<', '/dev/null', '>', \$run{out}, '2>', \$run{err});
		\%run;
	} $message, $other;
	$_->{process}->finish for @runs;
	is($runs[0]{out}, $runs[1]{out}, "round $round: both deliveries get one answer") or diag($runs[0]{err}, $runs[1]{err});
	like($runs[0]{out}, qr/"result": "slow"/, "round $round: and it is the handler's");
}
is($node->safe_psql('calls', 'SELECT count(*) FROM my.run'), 5, 'it ran once a round');

$node->stop;
done_testing();
