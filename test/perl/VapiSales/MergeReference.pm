# What a call's rows must be, after any observations in any order: the rules
# of docs/data-model.md, written again without a look at the merge's own code.
#
#   my $reference = VapiSales::MergeReference->new(hash => { group => { value => hash } });
#   my ($call, $content) = $reference->rows($call_id, \@observations);
#
# Observations are those of VapiSales::Observations. A row is a line of COPY in
# text format, of the columns that call_columns() and content_columns() name.
package VapiSales::MergeReference;

use strict;
use warnings;

# [group, kind of its first column, columns]; the kind says how equal versions are decided.
my @call_groups = (
	[ 'org', 'text', 'org_id' ],
	[ 'type', 'text', 'type' ],
	[ 'name', 'text', 'name' ],
	[ 'assistant', 'text', 'assistant_id' ],
	[ 'assistant_version', 'text', 'assistant_version' ],
	[ 'squad', 'text', 'squad_id' ],
	[ 'phone_number', 'text', 'phone_number_id' ],
	[ 'customer', 'text', 'customer_id' ],
	[ 'customer_number', 'text', 'customer_number', 'customer_e164' ],
	[ 'customer_name', 'text', 'customer_name' ],
	[ 'campaign', 'text', 'campaign_id' ],
	[ 'lead', 'text', 'lead_id' ],
	[ 'created', 'time', 'created_at' ],
	[ 'updated', 'time', 'updated_at' ],
	[ 'status', 'text', 'vapi_status' ],
	[ 'started', 'time', 'started_at' ],
	[ 'ended', 'time', 'ended_at' ],
	[ 'duration', 'number', 'reported_duration' ],
	[ 'ended_reason', 'text', 'ended_reason', 'ended_family', 'ended_status', 'reached' ],
	[ 'ended_message', 'text', 'ended_message' ],
	[ 'cost', 'number', 'cost' ],
	[ 'summary', 'text', 'summary' ],
	[ 'success_evaluation', 'text', 'success_evaluation' ],
	[ 'reported_outcome', 'text', 'reported_outcome' ],
	[ 'reported_score', 'number', 'reported_score' ],
	[ 'settled', 'text', 'settled' ]);
my @content_groups = (
	[ 'transcript', 'hash', 'transcript' ],
	[ 'messages', 'hash', 'messages', 'turns', 'user_turns' ],
	(map { [ $_, 'hash', $_ ] } qw(analysis structured_outputs scorecards performance_metrics transfers
		  metadata variable_values cost_items cost_breakdown)),
	(map { [ "recording_$_", 'text', "recording_$_" ] } qw(mono stereo customer assistant video)),
	[ 'raw', 'hash', 'raw' ]);
my @derived = qw(direction status duration_seconds error_message slot);

my $ENDED = 1 << 62;

# Every column but those that no observation writes and prev_slot, which tells of the order on purpose.
sub call_columns { return ('call_id', group_columns(@call_groups), @derived); }
sub content_columns { return ('call_id', group_columns(@content_groups)); }

sub group_columns
{
	return map { my ($group, $kind, @columns) = @$_; (@columns, "v_$group", $kind eq 'hash' ? "h_$group" : ()) } @_;
}

sub kind_of
{
	my ($self, $group) = @_;
	$self->{kinds} //= { map { $_->[0] => $_->[1] } @call_groups, @content_groups };
	return $self->{kinds}{$group};
}

# new(hash => { group => { value => hash } }, raw => { payload => [text, hash] })
sub new { my ($class, %fields) = @_; return bless {%fields}, $class; }

sub version
{
	my ($group, $observation) = @_;
	my $version = $observation->{ms} << 3 | $observation->{completeness};
	$version |= $ENDED if $group eq 'status' && $observation->{groups}{status}[0] eq 'ended';
	return $version;
}

# -1, 0 or 1: the order of two values of a group whose versions are equal.
sub order_values
{
	my ($self, $group, $x, $y) = @_;
	my $kind = $self->kind_of($group);
	return $x cmp $y if $kind eq 'text';
	return $x <=> $y if $kind eq 'time' || $kind eq 'number';
	return $self->hash_of($group, $x) <=> $self->hash_of($group, $y);
}

sub hash_of
{
	my ($self, $group, $value) = @_;
	return $self->{hash}{$group}{$value} // die "no hash is known of $group: $value";
}

# The groups of an observation, with the remainder of its payload.
sub groups_of
{
	my ($self, $observation) = @_;
	return $observation->{groups} unless defined $observation->{raw};
	my $raw = $self->{raw}{ $observation->{raw} } // die "no remainder is known of $observation->{raw}";
	return { %{ $observation->{groups} }, raw => [$raw] };
}

# { group => { version, value, observation } } of the winners.
sub winners
{
	my ($self, $observations) = @_;
	my %best;
	for my $observation (@$observations)
	{
		my $groups = $self->groups_of($observation);
		for my $group (keys %$groups)
		{
			my %candidate = (version => version($group, $observation), value => $groups->{$group}, observation => $observation);
			my $stored = $best{$group};
			my $order = !$stored ? 1 : $candidate{version} <=> $stored->{version};
			$order = $self->order_values($group, $candidate{value}[0], $stored->{value}[0]) if $stored && $order == 0;
			$best{$group} = \%candidate if $order > 0;
		}
	}
	return \%best;
}

my %kind_names = (
	api => 'API rows', snapshot => 'snapshots of their own', report => 'reports', 'status-update' => 'status updates',
	message => 'other messages', flat => 'flat events', 'flat-data' => 'flat events under data');

# situations(set): { what => is it there } of a set of elements.
sub situations
{
	my ($self, $set) = @_;
	my @observations = map { @{ $_->{observations} } } @$set;
	my $best = $self->winners(\@observations);
	my %found = map { my $kind = $_; $kind_names{$kind} => scalar(grep { $_->{kind} eq $kind } @$set) } keys %kind_names;
	$found{'partial API rows'} = grep { $_->{kind} eq 'api' && $_->{partial} } @$set;
	$found{'snapshots in messages'} = grep { $_->{kind} ne 'snapshot' && @{ $_->{observations} } == 2 } @$set;
	$found{'exact duplicates'} = grep { $_->{repeats} eq 'exact' } @$set;
	$found{'a time of receipt instead of a source time'} = grep { $_->{received} } @observations;

	my $newest = (sort { $b <=> $a } map { $_->{ms} } @observations)[0];
	my @newest = grep { $_->{ms} == $newest } @observations;
	$found{'a field that the newest observation lacks'} =
	  grep { my $group = $_; !grep { $self->groups_of($_)->{$group} } @newest } keys %$best;
	my %winning = map { $_->{observation} => 1 } values %$best;
	$found{'values of three observations in the final row'} = keys %winning >= 3;

	$found{"ties decided by $_"} = 0 for qw(text number time hash);
	$found{'one time in two channels, different values'} = 0;
	$found{'an equal value with a newer version'} = 0;
	for my $group (keys %$best)
	{
		my ($winner, $kind) = ($best->{$group}, $self->kind_of($group));
		for my $observation (grep { $self->groups_of($_)->{$group} } @observations)
		{
			my $version = version($group, $observation);
			my $equal = $self->groups_of($observation)->{$group}[0] eq $winner->{value}[0];
			$found{"ties decided by $kind"}++ if $version == $winner->{version} && !$equal;
			$found{'one time in two channels, different values'}++
			  if $version != $winner->{version} && $version >> 3 == $winner->{version} >> 3 && !$equal;
			$found{'an equal value with a newer version'}++ if $version < $winner->{version} && $equal;
		}
	}

	my @status = grep { $_->{groups}{status} } @observations;
	my @ended = sort { $b->{ms} <=> $a->{ms} } grep { $_->{groups}{status}[0] eq 'ended' } @status;
	my @alive = sort { $b->{ms} <=> $a->{ms} } grep { $_->{groups}{status}[0] ne 'ended' } @status;
	$found{'a live status that is newer than the ended one'} = @ended && @alive && $alive[0]{ms} > $ended[0]{ms};
	$found{'a live status that is older than the ended one'} = @ended && @alive && $alive[0]{ms} < $ended[0]{ms};
	$found{'no ended status'} = @alive && !@ended;
	$found{'a settled call with a newer report'} =
	  $best->{settled} && grep { $_->{completeness} == 3 && $_->{ms} > $best->{settled}{observation}{ms} } @observations;

	my ($started, $ended) = map { $best->{$_} ? $best->{$_}{value}[0] : undef } qw(started ended);
	$found{'a reported duration that counts'} = $best->{duration} && !(defined $started && defined $ended && $ended >= $started);
	$found{'an end before the start'} = defined $started && defined $ended && $ended < $started;
	$found{'a slot of the start or the end'} = !$best->{created} && (defined $started || defined $ended);
	return %found;
}

# Microseconds as decimal seconds, without trailing zeros.
sub seconds
{
	my ($us) = @_;
	my $text = sprintf('%d.%06d', $us / 1_000_000, $us % 1_000_000);
	$text =~ s/\.?0+$// if $text =~ /\./;
	return $text;
}

# timestamptz in the zone UTC.
sub timestamp
{
	my ($us) = @_;
	my @t = gmtime($us / 1_000_000);
	my $text = sprintf('%04d-%02d-%02d %02d:%02d:%02d.%06d', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ], $us % 1_000_000);
	$text =~ s/\.?0+$//;
	return "$text+00";
}

sub escaped
{
	my ($text) = @_;
	return '\N' unless defined $text;
	$text =~ s/([\\\n\t\r])/{ "\\" => "\\\\", "\n" => '\n', "\t" => '\t', "\r" => '\r' }->{$1}/ge;
	return $text;
}

# A field of a line of COPY; undef for NULL.
sub unescaped
{
	my ($field) = @_;
	return undef if $field eq '\N';
	$field =~ s/\\(.)/{ n => "\n", t => "\t", r => "\r" }->{$1} \/\/ $1/ge;
	return $field;
}

my %is_live = map { $_ => 1 } qw(scheduled queued ringing in-progress forwarding);
my %is_failure = map { $_ => 1 } qw(not-found deletion-failed);
my %direction = (inboundPhoneCall => 'inbound', outboundPhoneCall => 'outbound');

# The generated columns, from the merged groups alone.
sub derived_values
{
	my ($best) = @_;
	my $value = sub { my ($group, $i) = @_; return $best->{$group} ? $best->{$group}{value}[ $i // 0 ] : undef; };
	my ($started, $ended, $vapi_status) = ($value->('started'), $value->('ended'), $value->('status'));
	my $reason = $value->('ended_reason');
	my $ended_status = $value->('ended_reason', 2);

	my $status;
	if (defined $reason || ($vapi_status // '') eq 'ended') { $status = $ended_status // 'completed'; }
	elsif (defined $vapi_status) { $status = $is_live{$vapi_status} ? $vapi_status : $is_failure{$vapi_status} ? 'failed' : undef; }

	my $duration = $value->('duration');
	$duration = seconds($ended - $started) if defined $started && defined $ended && $ended >= $started;
	my $time = $value->('created') // $started // $ended;
	return (
		$direction{ $value->('type') // '' },
		$status, $duration,
		($ended_status // '') eq 'failed' ? $value->('ended_message') // $reason : undef,
		defined $time ? int($time / 900_000_000) : 0);
}

sub group_values
{
	my ($self, $best, @groups) = @_;
	my @values;
	for my $entry (@groups)
	{
		my ($group, $kind, @columns) = @$entry;
		my $winner = $best->{$group};
		my @stored = $winner ? @{ $winner->{value} }[ 0 .. $#columns ] : (undef) x @columns;
		$stored[0] = timestamp($stored[0]) if $kind eq 'time' && defined $stored[0];
		push @values, @stored, $winner ? $winner->{version} : 0;
		push @values, $winner ? $self->hash_of($group, $stored[0]) : undef if $kind eq 'hash';
	}
	return @values;
}

# The row of call and that of call_content (undef: none) of a call with these observations.
sub rows
{
	my ($self, $call_id, $observations) = @_;
	my $best = $self->winners($observations);
	my $call = join "\t", map { escaped($_) } $call_id, $self->group_values($best, @call_groups), derived_values($best);
	my $content;
	if (grep { $best->{ $_->[0] } } @content_groups)
	{
		$content = join "\t", map { escaped($_) } $call_id, $self->group_values($best, @content_groups);
	}
	return ($call, $content);
}

1;
