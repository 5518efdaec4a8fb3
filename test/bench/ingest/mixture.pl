#!/usr/bin/env perl
# Writes the mixture that the benchmark of ingest sends: a line a body, "kind<TAB>JSON".
# Always the same bytes. CALL-ID stands for the call's id. Sizes are those of real messages: a
# status-update of 2.4 kB as of a call with a stored assistant, reports of 20, 62 and 111 kB.
use strict;
use warnings;
use JSON::PP;

my $json = JSON::PP->new->canonical;
my $state = 42;
sub draw { my ($n) = @_; $state = ($state * 1103515245 + 12345) & 0x7fffffff; return ($state >> 8) % $n; }
my @words = qw(roof gutter shingle estimate Tuesday morning insurance leak attic ladder price warranty inspect schedule office
  manager would could please thanks great absolutely understand number address street appointment storm hail damage siding);
sub sentence { my ($n) = @_; return ucfirst(join(' ', map { $words[ draw(scalar @words) ] } 1 .. $n)) . '.'; }

my %call = (
	id => 'CALL-ID', orgId => '0c6f1d5e-6d0c-4f0e-9a53-2f7a5c0b7a11', type => 'outboundPhoneCall', status => 'queued',
	createdAt => '2026-01-05T08:00:00.000Z', updatedAt => '2026-01-05T08:00:00.000Z', assistantId => 'a55157a2-7b51-4b60-8f62-0a1bfa1f0c01',
	phoneNumberId => 'b0e5d8f4-97a3-4f0c-8c2b-5f0f0e6f2d02', phoneCallProvider => 'twilio', phoneCallTransport => 'pstn', cost => 0,
	customer => { number => '+13035550101', name => 'Ada Example' },
	monitor => { listenUrl => 'wss://phone-call-websocket.vapi.ai/CALL-ID/listen', controlUrl => 'https://phone-call-websocket.vapi.ai/CALL-ID/control' },
	transport => { provider => 'twilio', callSid => 'CA0123456789', conversationType => 'voice' });
my %common = (
	call => \%call, customer => $call{customer},
	phoneNumber => { id => $call{phoneNumberId}, orgId => $call{orgId}, number => '+13035550190', name => 'Front desk', provider => 'twilio',
		createdAt => '2025-11-01T00:00:00.000Z', updatedAt => '2025-11-01T00:00:00.000Z' },
	assistant => { id => $call{assistantId}, orgId => $call{orgId}, name => 'Roofing', firstMessage => 'Hello, this is the roofing office.',
		model => { provider => 'openai', model => 'gpt-4o', temperature => 0.4, messages => [ { role => 'system', content => sentence(90) } ] },
		voice => { provider => '11labs', voiceId => 'burt' }, transcriber => { provider => 'deepgram', model => 'nova-2' } });

my $ms = 1767600000000;
for my $status (qw(queued ringing in-progress ended))
{
	$ms += 3000;
	print "status\t", $json->encode({ message => { %common, type => 'status-update', timestamp => $ms, status => $status,
		$status eq 'ended' ? (endedReason => 'customer-ended-call') : () } }), "\n";
}
for my $turns (30, 95, 178)
{
	my @messages;
	for my $i (1 .. $turns)
	{
		my $text = sentence(8 + draw(24));
		push @messages, { role => $i % 2 ? 'bot' : 'user', message => $text, time => $ms + $i * 4000, endTime => $ms + $i * 4000 + 2500,
			secondsFromStart => $i * 4 + 0.25, duration => 2500 };
	}
	my $transcript = join '', map { ($_->{role} eq 'bot' ? 'AI: ' : 'User: ') . $_->{message} . "\n" } @messages;
	print "report\t", $json->encode({ message => { %common, type => 'end-of-call-report', timestamp => $ms + 1000000, endedReason => 'customer-ended-call',
		startedAt => '2026-01-05T08:00:06.000Z', endedAt => '2026-01-05T08:12:00.000Z', cost => 0.8123, durationSeconds => 714,
		costBreakdown => { transport => 0.1, stt => 0.12, llm => 0.4, tts => 0.15, vapi => 0.0423, total => 0.8123 },
		costs => [ map { { type => $_, cost => 0.1, minutes => 11.9 } } qw(transport transcriber model voice vapi) ],
		analysis => { summary => sentence(60), successEvaluation => 'true' },
		artifact => { messages => \@messages, messagesOpenAIFormatted => [ map { { role => $_->{role} eq 'bot' ? 'assistant' : 'user', content => $_->{message} } } @messages ],
			transcript => $transcript, recordingUrl => 'https://storage.vapi.ai/CALL-ID-mono.wav', stereoRecordingUrl => 'https://storage.vapi.ai/CALL-ID-stereo.wav' } } }), "\n";
}
