# Fuzzed events: whatever arrives is applied or a dead letter with a reason,
# and the server stands. Structure-aware: from the OpenAPI schema's server
# messages where it is there (VAPI_SAMPLES), else from shapes written here.
#
#   VAPI_FUZZ_EVENTS  how many (10000)
#   VAPI_FUZZ_SEED    (1)
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;

my $count = $ENV{VAPI_FUZZ_EVENTS} // 10000;
srand($ENV{VAPI_FUZZ_SEED} // 1);
my $json = JSON::PP->new->allow_nonref;
my $node = VapiSales::Test->node('fuzz');
my $folder = PostgreSQL::Test::Utils::tempdir();

my $schemas = {};
my $path = ($ENV{VAPI_SAMPLES} // '') . '/vapi-openapi.json';
if (-f $path)
{
	local $/ = undef;
	open my $in, '<', $path or die "$path: $!";
	$schemas = $json->decode(<$in>)->{components}{schemas};
}
my @messages = map { $_->{'$ref'} =~ s{.*/}{}r } grep { $_->{'$ref'} } @{ ($schemas->{ServerMessage}{properties}{message} // {})->{oneOf} // [] };
note(@messages ? scalar(@messages) . ' schemas of messages' : 'no schema: shapes of our own');

my @types = ('status-update', 'end-of-call-report', 'transcript', 'transcript[transcriptType="final"]', 'speech-update', 'hang', 'conversation-update',
	'tool-calls', 'function-call', 'user-interrupted', 'model-output', 'call.deleted', 'assistant-request', 'campaign.predial', 'chat.created', 'of-tomorrow');
my @odd = (undef, '', 0, -1, 1e308, '1e999', "\x{1F600}", "\x{FFFF}", 'x' x 300, JSON::PP::true, JSON::PP::false, "'; DROP TABLE calls; --",
	'https://u:p@h.example/a?X-Amz-Signature=1', '2026-02-30T25:61:61Z', '9999999999999999999999', '+1 303 555 0101', "a\tb\nc\x01");
sub pick { return $_[ rand @_ ]; }
# a new container each time: others are put into it
sub odd { my $which = int rand(@odd + 3); return $which == @odd ? {} : $which == @odd + 1 ? [] : $which == @odd + 2 ? [ [] ] : $odd[$which]; }

# A value for a schema; what is deep, or with some luck, is anything.
sub value
{
	my ($schema, $depth) = @_;
	return odd() if $depth > 12 || rand() < 0.04 || ref $schema ne 'HASH';
	return value($schemas->{ $schema->{'$ref'} =~ s{.*/}{}r }, $depth + 1) if $schema->{'$ref'};
	for my $many (qw(oneOf anyOf allOf)) { return value(pick(@{ $schema->{$many} }), $depth + 1) if @{ $schema->{$many} // [] }; }
	return pick(@{ $schema->{enum} }) if @{ $schema->{enum} // [] };
	my $type = $schema->{type} // 'string';
	if ($type eq 'object')
	{
		my %required = map { $_ => 1 } @{ $schema->{required} // [] };
		my %object;
		for my $name (keys %{ $schema->{properties} // {} })
		{
			next unless rand() < ($required{$name} ? 0.95 : $depth > 2 ? 0.15 : 0.5);
			$object{$name} = value($schema->{properties}{$name}, $depth + 1);
		}
		return \%object;
	}
	return [ map { value($schema->{items}, $depth + 1) } 1 .. int rand 4 ] if $type eq 'array';
	return pick(0, 1, 0.5, 1767600000000 + int rand 100000, -3) if $type eq 'number' || $type eq 'integer';
	return rand() < 0.5 ? JSON::PP::true : JSON::PP::false if $type eq 'boolean';
	return pick('started', 'user', 'assistant', 'Hello there', '2026-01-05T08:00:01.000Z', 'call-' . int rand 50);
}

sub call
{
	return pick(odd(), {}, { id => odd() }) if rand() < 0.1;
	return { id => 'call-' . int(rand 300), map { $_->[0] => (rand() < 0.1 ? odd() : $_->[1]) } [ type => 'webCall' ], [ status => pick(qw(queued in-progress ended)) ],
		[ createdAt => '2026-01-05T08:00:00.000Z' ], [ updatedAt => '2026-01-05T08:00:00.000Z' ], [ assistantId => 'a' . int rand 3 ],
		[ customer => { number => '+1303555010' . int rand 10 } ], [ metadata => { leadId => odd() } ] };
}

sub event
{
	return odd() if rand() < 0.01;
	if (rand() < 0.1)
	{
		my %fields = map { $_ => rand() < 0.3 ? odd() : pick('call-' . int rand 300, 12, 'Hello', '2026-01-05T08:00:00Z') }
			grep { rand() < 0.8 } qw(callId orgId duration cost outcome summary qualificationScore metadata recordingUrl transcript timestamp);
		my $name = pick('call.started', 'call.ended', 'recording.ready', 'transcript.ready', 'call.unknown', odd());
		return { event => $name, rand() < 0.5 ? %fields : (timestamp => $fields{timestamp}, data => \%fields) };
	}
	my $message;
	$message = value({ '$ref' => pick(@messages) }, 0) if @messages && rand() < 0.7;
	if (ref $message ne 'HASH')
	{
		$message = { type => pick(@types), map { $_ => rand() < 0.3 ? odd() : pick('started', 'user', 'ended', 'in-progress', [ { role => 'user', message => 'Hi' } ], { a => 1 }) }
			grep { rand() < 0.5 } qw(role status transcript transcriptType endedReason messages artifact analysis costs cost startedAt endedAt toolCallList summary) };
	}
	$message->{timestamp} = rand() < 0.9 ? 1767600000000 + int rand 100000 : odd();
	$message->{call} = call() if rand() < 0.9;
	# most calls live on
	$message->{type} = 'hang' if ($message->{type} // '') eq 'call.deleted' && rand() < 0.9;
	delete $message->{type} if rand() < 0.01;
	return { message => rand() < 0.99 ? $message : odd() };
}

my $sent = 0;
open my $out, '>:raw', "$folder/events.sql" or die $!;
print $out "SET client_min_messages = error;\nBEGIN;\n";
for my $i (1 .. $count)
{
	my $text = JSON::PP->new->allow_nonref->ascii->encode(event());
	# what jsonb refuses is the sender's error, not the inbox's
	next if $text =~ /\\u0000|\$f\$/ || $text =~ /(?<![0-9a-zA-Z"])(?:inf|nan)/i;
	print $out "SELECT vapi.vapi_ingest_event(\$f\$$text\$f\$::jsonb);\n";
	$sent++;
	print $out "COMMIT;\nBEGIN;\n" if $i % 100 == 0;
}
print $out "COMMIT;\n";
close $out;
my ($stdout, $stderr) = run_command([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('calls'), '-f', "$folder/events.sql" ]);
is(substr($stderr, 0, 2000), '', "$sent events are accepted");
is($node->safe_psql('calls', 'SELECT sum(deliveries) FROM vapi_internal.event'), $sent, 'each is accounted for');
is($node->safe_psql('calls', q{SELECT count(*) FROM vapi_internal.event WHERE status = 'pending'
	OR (status IN ('dead', 'discarded') AND coalesce(last_error, '') = '')}), '0', 'each is applied, or given up for a reason');
note($node->safe_psql('calls', q{SELECT status, last_error, count(*) FROM vapi_internal.event GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 12}));
cmp_ok($node->safe_psql('calls', q{SELECT count(*) FROM vapi_internal.event WHERE status = 'applied'}), '>', $count / 2, 'most are applied');
is($node->safe_psql('calls', q{SELECT count(*) FROM vapi_internal.event e WHERE e.body::text ~ 'X-Amz-Signature|u:p@'}), '0', 'no secret is kept');
is($node->safe_psql('calls', q{SELECT replayed - dead FROM vapi.vapi_replay_dead_letters()}), '0', 'what can never be applied stays dead');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP/, 'the server stands');

$node->stop;
done_testing();
