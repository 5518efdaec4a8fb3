# A client of the live feed: one stream of GET /api/sse/calls, and what the
# protocol of docs/serving.md makes of it: cards by id as of place last.
#
#   my $stream = VapiSales::Stream->new($web, Authorization => "Bearer $token");
#   $stream->wait_for(10, sub { $_[0]->{cards}{'a call'} });
package VapiSales::Stream;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw(time);

my $json = JSON::PP->new->canonical;

# new(web, header => value...): opens the stream and reads its head. Host and path are those of the edge.
sub new
{
	my ($class, $web, %headers) = @_;
	my $self = bless { web => $web, headers => \%headers, messages => [], cards => {}, last => undef, epoch => '', reads => 0, opened => 0, retry => 1 }, $class;
	$self->open;
	return $self;
}

sub open
{
	my ($self) = @_;
	my ($host) = $self->{web}->root =~ m{^http://(.*)};
	@$self{qw(raw head text chunk ended opened)} = ('', '', '', 0, 0, time());
	$self->{socket} = IO::Socket::INET->new(PeerAddr => $host, Timeout => 10);
	if (!$self->{socket}) { @$self{qw(ended status)} = (time(), 0); return; }
	my %headers = (Host => $host, Accept => 'text/event-stream', %{ $self->{headers} });
	$self->{socket}->print("GET /api/sse/calls HTTP/1.1\r\n", (map { "$_: $headers{$_}\r\n" } sort keys %headers), "\r\n");
	my $deadline = time() + 20;
	$self->receive(0.2) until $self->{head} || $self->{ended} || time() > $deadline;
	($self->{status}) = $self->{head} =~ m{^HTTP/1.1 (\d+)};
	$self->{status} //= 0;
	# EventSource ends for good then, and its page opens another one.
	$self->{ended} ||= time() if $self->{status} != 200;
	return;
}

# receive(seconds): what has come, at most waited for so long.
sub receive
{
	my ($self, $seconds) = @_;
	return if $self->{ended} || !IO::Select->new($self->{socket})->can_read($seconds);
	my $count = sysread $self->{socket}, $self->{raw}, 65536, length $self->{raw};
	$self->{ended} = time() if !$count;
	if (!$self->{head})
	{
		return unless $self->{raw} =~ s/^(.*?\r\n)\r\n//s;
		$self->{head} = $1;
		$self->{chunked} = $self->{head} =~ /^Transfer-Encoding: chunked/mi;
	}
	if (!$self->{chunked}) { $self->{text} .= $self->{raw}; $self->{raw} = ''; }
	while ($self->{chunked} && $self->{raw} =~ /^([0-9A-Fa-f]+)\r\n/)
	{
		my ($size, $skip) = (hex $1, length($1) + 2);
		last if length $self->{raw} < $skip + $size + 2;
		$self->{text} .= substr $self->{raw}, $skip, $size;
		substr $self->{raw}, 0, $skip + $size + 2, '';
		$self->{ended} = time() if $size == 0;
	}
	while ($self->{text} =~ s/^(.*?)\n\n//s)
	{
		my $event = $1;
		$self->{id} = $1 if $event =~ /^id: (.*)$/m;
		$self->{retry} = $1 / 1000 if $event =~ /^retry: (\d+)$/m;
		# a message a line
		$self->take($json->decode($_)) for $event =~ /^data: (.*)$/mg;
	}
	return;
}

# take(message): as a client has to.
sub take
{
	my ($self, $message) = @_;
	push @{ $self->{messages} }, $message;
	return if !defined $self->{last};
	if ($message->{epoch} ne $self->{epoch}) { $self->{wants_read} = 1; return; }
	if (!exists $message->{seq}) { $self->{wants_read} = 1 if $message->{last} > $self->{last}; return; }
	return if $message->{seq} <= $self->{last};
	if ($message->{prev} > $self->{last}) { $self->{wants_read} = 1; return; }
	$self->apply($message);
	return;
}

sub apply
{
	my ($self, $change) = @_;
	my $card = $change->{card};
	if ($card->{live}) { $self->{cards}{ $card->{id} } = $card; }
	else { delete $self->{cards}{ $card->{id} }; $self->{ends}{ $card->{id} } = $card; }
	$self->{seen}{ $change->{seq} } = $card;
	$self->{last} = $change->{seq};
	return;
}

# changes(): what vapi_changes has after our place, by the edge's REST.
sub changes
{
	my ($self, $after, $epoch) = @_;
	my %headers = %{ $self->{headers} };
	my $answer = $self->{web}->get($self->{web}->root . '/rest/rpc/vapi_changes' . (defined $after ? "?after=$after&epoch=$epoch" : ''), %headers);
	return $answer->{status} == 200 ? $json->decode($answer->{content}) : undef;
}

# read(): takes what did not come by the stream; false when that cannot be had now.
sub read
{
	my ($self) = @_;
	my $more = 1;
	while ($more)
	{
		my $answer = $self->changes($self->{last}, $self->{epoch}) // return 0;
		$self->{reads}++;
		if ($answer->{reset})
		{
			$self->{resets}++;
			$self->{cards} = { map { $_->{id} => $_ } @{ $answer->{calls} } };
		}
		$self->apply($_) for @{ $answer->{changes} // [] };
		@$self{qw(epoch last)} = @$answer{qw(epoch last)};
		$more = $answer->{more};
	}
	$self->{wants_read} = 0;
	return 1;
}

# step(seconds): receives, reads what is missing, and opens the stream again when it ended.
sub step
{
	my ($self, $seconds) = @_;
	$self->read if !defined $self->{last} && $self->{status} == 200;
	$self->receive($seconds);
	$self->read if $self->{wants_read};
	if ($self->{ended} && $self->{reopen} && time() > $self->{ended} + $self->{retry})
	{
		push @{ $self->{closed} }, $self->{ended};
		$self->{headers}{'Last-Event-ID'} = $self->{id} if defined $self->{id};
		$self->open;
		$self->{wants_read} = 1 if $self->{status} == 200;
	}
	return;
}

# wait_for(seconds, code): steps until the code, which is given the stream, says yes.
sub wait_for
{
	my ($self, $seconds, $code) = @_;
	my $deadline = time() + $seconds;
	while (time() < $deadline)
	{
		return 1 if $code->($self);
		$self->step(0.1);
	}
	return $code->($self);
}

1;
