# Random sets of observations of one call, as the payloads that carry them and
# as what they say. What a payload of each shape says is written out here by
# hand, from Vapi's documentation and the plan; nothing is asked of the mapper.
#
#   srand($seed);
#   my $set = VapiSales::Observations->draw_set;    # [element, ...]
#   my $json = VapiSales::Observations->json($element, $call_id);
#
# An element is one element of merge_observations' array: a call object, a
# server message or a flat event. It holds
#   kind          api, snapshot, report, status-update, message, flat, flat-data
#   repeats       exact, newer, tie: how it repeats an earlier element
#   observations  [{ ms, completeness, received, groups => { name => [value, ...] }, raw }]
# A value is what the first column of the group holds, the rest its other
# columns: text as bytes, numbers without trailing zeros, times as Unix
# microseconds, jsonb as its text. raw is an element with the same remainder.
package VapiSales::Observations;

use strict;
use warnings;

# Source times, in Unix milliseconds: few, so that they meet.
our $EPOCH = 1767600000000;    # 2026-01-05T08:00:00Z
my @source_times = map { $EPOCH + $_ } 0, 1, 1000, 1001, 60_000, 900_000;

# Completeness of the sources (docs/data-model.md).
my %completeness = (snapshot => 0, flat => 1, message => 2, report => 3, api => 4);

# Entries are [JSON, stored value, other columns...]. The orders of text differ
# between C and other locales, those of numbers from those of their text.
sub text { return [ map { [ qq("$_"), $_ ] } @_ ]; }

my %pool = (
	org => text('org-B', 'org-a', "org-\xc3\xa4"),
	type => text('inboundPhoneCall', 'outboundPhoneCall', 'webCall'),
	name => text('Zero', 'alpha', "\xc3\x89t\xc3\xa9"),
	assistant => text('assistant-b', 'assistant-C', 'assistant-a'),
	assistant_version => [ [ '2', '2' ], [ '"10"', '10' ], [ '"v1"', 'v1' ] ],
	squad => text('squad-B', 'squad-a'),
	phone_number => text('number-1', 'number-2'),
	customer => text('customer-Z', 'customer-a'),
	customer_number => [
		[ '"+13035550101"', '+13035550101', '+13035550101' ],
		[ '"+1 303 555 0102"', '+1 303 555 0102', '+13035550102' ],
		[ '"anonymous"', 'anonymous', undef ]
	],
	customer_name => text('Zoe Example', 'amy Example', "\xc3\x85sa Example"),
	campaign => text('campaign-B', 'campaign-a'),
	created => [ map { time_entry($_) } $EPOCH * 1000 - 1000, $EPOCH * 1000, $EPOCH * 1000 + 899_999_250 ],
	status => text('scheduled', 'queued', 'ringing', 'in-progress', 'forwarding', 'ended', 'ended', 'not-found', 'napping'),
	started => [ map { time_entry($_) } $EPOCH * 1000 + 1_250_000, $EPOCH * 1000 + 899_999_000, $EPOCH * 1000 + 900_000_000 ],
	ended => [ map { time_entry($_) } $EPOCH * 1000 + 600_000_000, $EPOCH * 1000 + 960_500_500, $EPOCH * 1000 + 1_800_000_000 ],

	# seconds, as stored, the same in milliseconds
	duration => [ [ '245.0', '245', '245000' ], [ '30.5', '30.5', '30500' ], [ '9', '9', '9000.0' ] ],
	ended_reason => [
		[ '"customer-ended-call"', 'customer-ended-call', 'completed', 'completed', 't' ],
		[ '"silence-timed-out"', 'silence-timed-out', 'limit', 'completed', 't' ],
		[ '"customer-busy"', 'customer-busy', 'busy', 'busy', 'f' ],
		[ '"voicemail"', 'voicemail', 'voicemail', 'voicemail', 'f' ],
		[ '"pipeline-error-openai-llm-failed"', 'pipeline-error-openai-llm-failed', 'provider-error', 'failed', 'f' ],
		[ '"assistant-not-found"', 'assistant-not-found', 'setup-error', 'failed', 'f' ]
	],
	ended_message => text('SIP 503', 'a fault', 'Zero balance'),
	cost => [ [ '0.5', '0.5' ], [ '0.50', '0.5' ], [ '10', '10' ], [ '9.00', '9' ], [ '0', '0' ] ],
	summary => text('They agreed.', 'they declined.', "\xc3\x9cberlegt noch."),
	success_evaluation => [ [ 'true', 'true' ], [ '"good"', 'good' ], [ '9', '9' ], [ '10', '10' ] ],
	reported_outcome => text('meeting-scheduled', 'Interested', 'not-interested'),
	reported_score => [ [ '85', '85' ], [ '85.0', '85' ], [ '9', '9' ], [ '100', '100' ] ],
	transcript => [
		[ '"AI: Hello\nUser: Hi\n"', "AI: Hello\nUser: Hi\n" ],
		[ '"AI: Hello\nUser: No \u00fc\n"', "AI: Hello\nUser: No \xc3\xbc\n" ],
		[ '"AI: Hello\n"', "AI: Hello\n" ]
	],
	messages => [
		tree('[{"role": "bot", "message": "Hello"}, {"role": "user", "message": "Hi"}]', 2, 1),
		tree('[{"role": "system", "message": "Be kind"}, {"role": "bot", "message": "Hello"}]', 1, 0),
		tree('[{"role": "tool_calls", "toolCalls": []}]', 0, 0)
	],
	structured_data => [ tree('{"kept": true}'), tree('{"kept": null}') ],
	structured_outputs => [ tree('{"o1": {"name": "Interest", "result": true}}'), tree('{"o1": {"name": "Interest", "result": 7}}') ],
	scorecards => [ tree('{"s1": {"score": 10}}'), tree('{"s1": {"score": 9}}') ],
	performance_metrics => [ tree('{"turnLatencyAverage": 900}'), tree('{"turnLatencyAverage": 90.5}') ],
	transfers => [ tree('[{"status": "connected"}]'), tree('[{"status": "busy"}]') ],
	metadata => [ tree('{"a": [1, 2], "leadId": "lead-B"}'), tree('{"leadId": 7}'), tree('{"note": "no lead"}') ],
	variable_values => [ tree('{"first": "Zoe"}'), tree('{"first": "Amy"}') ],
	cost_items => [ tree('[{"cost": 0.5, "type": "model"}]'), tree('[{"cost": 0.50, "type": "model"}]'), tree('[{"cost": 9, "type": "voice"}]') ],
	cost_breakdown => [ tree('{"total": 0.5}'), tree('{"llm": 0.2, "total": 10}'), tree('{"llm": 0.2}') ],
	map({ ("recording_$_" => url_entries($_)) } qw(mono stereo customer assistant video)));

# What follows from a value for another group.
my %lead_of = ('{"a": [1, 2], "leadId": "lead-B"}' => 'lead-B', '{"leadId": 7}' => '7');
my %total_of = ('{"total": 0.5}' => '0.5', '{"llm": 0.2, "total": 10}' => '10');

sub tree { my ($text, @columns) = @_; return [ $text, $text, @columns ]; }

sub url_entries
{
	my ($kind) = @_;
	return [ map { [ qq("https://storage.example/$_-$kind.wav?X-Amz-Signature=1"), "https://storage.example/$_-$kind.wav" ] } qw(b A) ];
}

# A time as Vapi writes it: ISO 8601, or epoch milliseconds when it is finer than that.
sub time_entry
{
	my ($us) = @_;
	return [ time_json($us), $us ];
}

sub time_json
{
	my ($us) = @_;
	return sprintf('%d.%03d', $us / 1000, $us % 1000) if $us % 1000;
	my @t = gmtime($us / 1_000_000);
	return sprintf('"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ], $us / 1000 % 1000);
}

sub one_of { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

# Members of JSON objects by group.
my %member = (
	org => 'orgId', type => 'type', name => 'name', assistant => 'assistantId', assistant_version => 'assistantVersion',
	squad => 'squadId', phone_number => 'phoneNumberId', customer => 'customerId', campaign => 'campaignId',
	created => 'createdAt', status => 'status', started => 'startedAt', ended => 'endedAt', ended_reason => 'endedReason',
	ended_message => 'endedMessage', cost => 'cost', cost_items => 'costs', cost_breakdown => 'costBreakdown',
	metadata => 'metadata', transcript => 'transcript', messages => 'messages', structured_outputs => 'structuredOutputs',
	scorecards => 'scorecards', performance_metrics => 'performanceMetrics', transfers => 'transfers',
	variable_values => 'variableValues', summary => 'summary', reported_outcome => 'outcome',
	reported_score => 'qualificationScore', recording_mono => 'recordingUrl');

my @who = qw(org type name assistant assistant_version squad phone_number customer customer_number customer_name campaign created);
my @progress = qw(status started ended ended_reason);
my @spoken = qw(transcript messages structured_outputs scorecards performance_metrics transfers variable_values);
my @recordings = map { "recording_$_" } qw(mono stereo customer assistant video);
my @content = (qw(ended_message cost cost_items cost_breakdown structured_data summary success_evaluation), @spoken, @recordings);
my @call = (@who, @progress, @content, 'metadata');
my @flat = qw(org assistant phone_number customer duration cost reported_score reported_outcome summary transcript metadata recording_mono);

# fields(density, group...): a value for some of the groups.
sub fields
{
	my ($density, @groups) = @_;
	return { map { $_ => one_of(@{ $pool{$_} }) } grep { chance($density) } @groups };
}

# '"member": value' for every named group that is there; what is missing is sometimes null.
sub members
{
	my ($fields, @groups) = @_;
	my @written;
	for my $group (@groups)
	{
		if ($fields->{$group}) { push @written, qq("$member{$group}": $fields->{$group}[0]); }
		elsif ($fields->{nulls}) { push @written, qq("$member{$group}": null); }
	}
	return @written;
}

sub object { my ($name, @written) = @_; return @written ? ($name ne '' ? qq("$name": ) : '') . '{' . join(', ', @written) . '}' : (); }

sub value { my ($name, $entry) = @_; return $entry ? qq("$name": $entry->[0]) : (); }

# Money, conversation and analysis: the same members in a Call and in a report.
sub content_members
{
	my ($f) = @_;
	my @analysis = (value(summary => $f->{summary}), value(structuredData => $f->{structured_data}), value(successEvaluation => $f->{success_evaluation}));
	my @mono = (
		value(combinedUrl => $f->{recording_mono}), value(customerUrl => $f->{recording_customer}),
		value(assistantUrl => $f->{recording_assistant}));
	my @recording = (object(mono => @mono), value(stereoUrl => $f->{recording_stereo}), value(videoUrl => $f->{recording_video}));

	return (
		members($f, qw(ended_message cost cost_items cost_breakdown)),
		object(analysis => @analysis),
		object(artifact => members($f, @spoken), object(recording => @recording)));
}

# What an entry's columns hold.
sub stored { my ($entry) = @_; return [ @$entry[ 1 .. $#$entry ] ]; }

# Groups that a Call or a report carries beside those that were drawn.
sub with_derived
{
	my ($f) = @_;
	my %groups = map { $_ => stored($f->{$_}) } grep { $_ ne 'structured_data' && $_ ne 'nulls' } keys %$f;
	my @analysis = (
		value(summary => $f->{summary}), value(structuredData => $f->{structured_data}),
		value(successEvaluation => $f->{success_evaluation}));
	if (@analysis)
	{
		# jsonb's own text: characters are no longer escaped
		$groups{analysis} = [ '{' . join(', ', @analysis) . '}' ];
	}
	derive(\%groups);
	return \%groups;
}

# What metadata and the breakdown say for groups of their own.
sub derive
{
	my ($groups) = @_;
	if ($groups->{metadata} && exists $lead_of{ $groups->{metadata}[0] })
	{
		$groups->{lead} = [ $lead_of{ $groups->{metadata}[0] } ];
	}
	if (!$groups->{cost} && $groups->{cost_breakdown} && exists $total_of{ $groups->{cost_breakdown}[0] })
	{
		$groups->{cost} = [ $total_of{ $groups->{cost_breakdown}[0] } ];
	}
	return;
}

# A Call object: { json, groups, ms } from drawn fields and its updatedAt in microseconds.
sub call_object
{
	my ($f, $updated) = @_;
	my @customer = (value(number => $f->{customer_number}), value(name => $f->{customer_name}));
	my $json = object(
		'', '"id": "%ID%"',
		members($f, grep { $member{$_} } @who, @progress, 'metadata'),
		object(customer => @customer),
		content_members($f),
		defined $updated ? '"updatedAt": ' . time_json($updated) : ());
	my $groups = with_derived($f);
	$groups->{updated} = [$updated] if defined $updated;
	my $time = $updated // ($f->{created} ? $f->{created}[1] : undef);
	return { json => $json, groups => $groups, ms => defined $time ? int($time / 1000) : undef };
}

# An observation of a Call object.
sub observe_call
{
	my ($call, $source) = @_;
	my %groups = %{ $call->{groups} };
	$groups{settled} = ['t'] if $source eq 'api' && $groups{status} && $groups{status}[0] eq 'ended';
	return {
		ms => $call->{ms},
		completeness => $completeness{$source},
		groups => \%groups,
		raw => qq({"received_ms": 1, "source": "snapshot", "call": $call->{json}})
	};
}

my %type_of = (report => 'end-of-call-report', 'status-update' => 'status-update');
my @other_types = (('conversation-update') x 2, 'speech-update', 'hang', 'transcript', 'transfer-update');

# What is drawn for an element, so that another one can repeat it at another time.
sub draw
{
	my ($kind) = @_;
	my $density = one_of(0.1, 0.35, 0.6, 0.95);
	my $flat = $kind =~ /^flat/;
	my $whole = $kind eq 'api' || $kind eq 'snapshot';
	my %drawn = (kind => $kind, density => $density);
	$drawn{ms} = one_of(@source_times) unless chance(0.04);
	$drawn{fraction} = $whole && chance(0.1) ? 250 : 0;

	if ($flat)
	{
		$drawn{name} = one_of('call.started', 'call.ended', 'call.ended', 'recording.ready', 'transcript.ready');
		$drawn{own} = fields($density, @flat);
		return \%drawn;
	}
	if ($whole || $kind eq 'report' || chance(0.8))
	{
		my $bare = !$whole && chance(0.2);
		$drawn{call} = fields($bare ? 0 : $density, @call);
		$drawn{call}{nulls} = 1 if chance(0.2);
		$drawn{call_ms} = $bare || chance(0.1) ? undef : one_of(@source_times);

		# Vapi's snapshots are of a young call, its API rows mostly of an ended one.
		$drawn{call}{status} = [ '"queued"', 'queued' ] if !$whole && $drawn{call}{status} && chance(0.7);
		$drawn{call}{status} = [ '"ended"', 'ended' ] if $kind eq 'api' && $drawn{call}{status} && chance(0.5);
	}
	if (!$whole)
	{
		my %carries = (report => [ qw(started ended ended_reason duration), @content ], 'status-update' => \@progress, message => ['messages']);
		$drawn{own} = fields($density, @{ $carries{$kind} });
		$drawn{over} = fields($density / 3, qw(assistant assistant_version phone_number customer customer_number customer_name));
		$drawn{type} = $type_of{$kind} // one_of(@other_types);
		$drawn{in_milliseconds} = chance(0.5);
	}
	return \%drawn;
}

# A server message: the snapshot's observation and its own.
sub message_element
{
	my ($drawn) = @_;
	my ($own, $over, $type, $kind) = @$drawn{qw(own over type kind)};
	my $call = $drawn->{call} ? call_object($drawn->{call}, defined $drawn->{call_ms} ? $drawn->{call_ms} * 1000 : undef) : undef;
	my @members = (qq("type": "$type"));
	push @members, '"timestamp": ' . (chance(0.5) ? $drawn->{ms} : time_json($drawn->{ms} * 1000)) if defined $drawn->{ms};

	my %groups = map { $_ => $call->{groups}{$_} } $call ? grep { $call->{groups}{$_} } @who : ();
	if ($kind eq 'report')
	{
		my $content = with_derived({ %$own, $call && $drawn->{call}{metadata} ? (metadata => $drawn->{call}{metadata}) : () });
		$content->{duration} = [ $own->{duration}[1] ] if $own->{duration};
		%groups = (%groups, %$content, status => ['ended']);
		push @members, members($own, qw(started ended ended_reason)), content_members($own);
		if ($own->{duration})
		{
			push @members, $drawn->{in_milliseconds} ? qq("durationMs": $own->{duration}[2]) : qq("durationSeconds": $own->{duration}[0]);
		}
	}
	elsif ($kind eq 'status-update')
	{
		$groups{$_} = stored($own->{$_}) for keys %$own;
		push @members, members($own, @progress);
	}
	elsif ($type eq 'conversation-update')
	{
		$groups{messages} = stored($own->{messages}) if $own->{messages};
		push @members, members($own, 'messages');
	}
	else
	{
		# words that mean something else in these messages
		push @members, '"status": "started"', '"transcript": "one turn only"';
	}

	# the assistant of a squad's message is the one that speaks now, not the call's
	for my $group (grep { $_ ne 'assistant' || !$groups{squad} } keys %$over)
	{
		$groups{$group} = stored($over->{$group});
	}
	push @members,
	  object(assistant => value(id => $over->{assistant})), members($over, 'assistant_version'),
	  object(phoneNumber => value(id => $over->{phone_number})),
	  object(customer => value(id => $over->{customer}), value(number => $over->{customer_number}), value(name => $over->{customer_name}));

	my $observation = { ms => $drawn->{ms}, completeness => $completeness{ $kind eq 'report' ? 'report' : 'message' }, groups => \%groups };

	# The report's remainder does not hold the call: an old and bare one leaves the report's to be learned.
	$observation->{raw} = '{"received_ms": 1, "event": {"message": {"call": {"id": "%ID%"}, ' . join(', ', @members) . '}}}' if $kind eq 'report';
	unshift @members, $call ? qq("call": $call->{json}) : '"callId": "%ID%"';
	return {
		json => '"event": {"message": {' . join(', ', @members) . '}}',
		observations => [ $call ? observe_call($call, 'snapshot') : (), $observation ]
	};
}

# One of the plan's flat events, its fields at the top or under "data".
sub flat_element
{
	my ($drawn) = @_;
	my ($own, $name) = @$drawn{qw(own name)};
	my %groups = map { $_ => stored($own->{$_}) } keys %$own;
	$groups{duration} = [ $own->{duration}[1] ] if $own->{duration};
	derive(\%groups);
	my $us = defined $drawn->{ms} ? $drawn->{ms} * 1000 : undef;
	if ($name eq 'call.started')
	{
		$groups{status} = ['in-progress'];
		$groups{started} = [$us] if defined $us;
	}
	elsif ($name eq 'call.ended')
	{
		$groups{status} = ['ended'];
		$groups{ended} = [$us] if defined $us;
	}
	my @fields = ('"callId": "%ID%"', members($own, grep { $_ ne 'duration' } @flat), value(duration => $own->{duration}));
	my @members = (qq("event": "$name"), defined $us ? '"timestamp": ' . time_json($us) : ());
	push @members, $drawn->{kind} eq 'flat-data' ? object(data => @fields) : @fields;
	return {
		json => '"event": {' . join(', ', @members) . '}',
		observations => [ { ms => $drawn->{ms}, completeness => $completeness{flat}, groups => \%groups } ]
	};
}

# The element of what was drawn, without its received_ms.
sub build
{
	my ($drawn) = @_;
	my $element;
	if ($drawn->{kind} eq 'api' || $drawn->{kind} eq 'snapshot')
	{
		my $call = call_object($drawn->{call}, defined $drawn->{ms} ? $drawn->{ms} * 1000 + $drawn->{fraction} : undef);
		$element = { json => qq("source": "$drawn->{kind}", "call": $call->{json}), observations => [ observe_call($call, $drawn->{kind}) ] };
	}
	elsif ($drawn->{kind} =~ /^flat/) { $element = flat_element($drawn); }
	else { $element = message_element($drawn); }

	my $received = one_of(@source_times) + 5000;
	$element->{json} = qq({"received_ms": $received, $element->{json}});
	for my $observation (@{ $element->{observations} })
	{
		$observation->{received} = !defined $observation->{ms};
		$observation->{ms} //= $received;
	}
	$element->{kind} = $drawn->{kind};
	$element->{partial} = $drawn->{density} < 0.9;
	$element->{drawn} = $drawn;
	return $element;
}

my @kinds = (('api') x 5, 'snapshot', ('report') x 4, ('status-update') x 4, ('message') x 2, ('flat') x 2, ('flat-data') x 2);

# A set of 2 to 12 elements about one call, some of which repeat others.
sub draw_set
{
	my @set;
	my $wanted = 2 + int rand 11;
	while (@set < $wanted)
	{
		my $earlier = @set && chance(0.35) ? one_of(@set) : undef;
		my $repeats = $earlier ? one_of(qw(exact newer tie)) : 'nothing';
		if ($repeats eq 'exact') { push @set, { %$earlier, repeats => 'exact' }; next; }

		my %drawn = %{ $repeats eq 'newer' ? $earlier->{drawn} : draw($repeats eq 'tie' && chance(0.6) ? $earlier->{kind} : one_of(@kinds)) };
		$drawn{ms} = one_of(@source_times) if $repeats eq 'newer';
		$drawn{ms} = $earlier->{drawn}{ms} if $repeats eq 'tie';
		push @set, { %{ build(\%drawn) }, repeats => $repeats };
	}
	return \@set;
}

# The element's JSON, about that call.
sub json
{
	my (undef, $element, $call_id) = @_;
	(my $json = ref $element ? $element->{json} : $element) =~ s/%ID%/$call_id/g;
	return $json;
}

1;
