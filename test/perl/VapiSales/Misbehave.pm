# A server that misbehaves (test/sim/misbehave.mjs), for tests of the HTTP layer.
#
#   my $server = VapiSales::Misbehave->new(target => 'http://10.0.0.1/');
#   $server->url; $server->connections; $server->requests; $server->forget;
#
# and what the tests that use it share: configure, failure.
package VapiSales::Misbehave;

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Symbol qw(gensym);
use Time::HiRes qw(sleep time);
use VapiSales::Test;

# new(option => value...): a running server, with the program's options; it ends with the object.
sub new
{
	my ($class, %options) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { log => "$folder/log" }, $class;
	my @command = ('node', "$VapiSales::Test::ROOT/test/sim/misbehave.mjs",
		'--port-file', "$folder/port", '--log', $self->{log}, '--die-with-stdin');
	push @command, "--$_", $options{$_} for sort keys %options;
	$self->forget;

	my $stdin = gensym;
	$self->{process} = IPC::Run::start(\@command, '<pipe', $stdin, '>', "$folder/out", '2>', "$folder/err");
	$self->{stdin} = $stdin;
	my $deadline = time() + 30;
	until (-s "$folder/port")
	{
		die 'the misbehaving server did not start: ' . slurp_file("$folder/err") if time() > $deadline;
		sleep(0.02);
	}
	$self->{port} = slurp_file("$folder/port");
	return $self;
}

sub port { return $_[0]->{port}; }
sub url { return "http://127.0.0.1:$_[0]->{port}"; }

# What happened since new or forget: the number of connections, and the requests as "METHOD PATH".
sub connections { my ($self) = @_; return scalar grep { $_ eq 'connect' } $self->lines; }
sub requests { my ($self) = @_; return grep { $_ ne 'connect' } $self->lines; }
sub lines { my ($self) = @_; return split /\n/, slurp_file($self->{log}); }

sub forget
{
	my ($self) = @_;
	open my $out, '>', $self->{log} or die "$self->{log}: $!";
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!, $@);
	close $self->{stdin} if $self->{stdin};
	eval { $self->{process}->finish } if $self->{process};
	return;
}

my $configured = 0;

# configure(node, name => value...): settings for all sessions that start from now on.
sub configure
{
	my ($class, $node, %settings) = @_;
	$configured++;
	$node->append_conf('postgresql.conf',
		join '', (map { "$_ = '$settings{$_}'\n" } sort keys %settings), "test.configured = '$configured'\n");
	$node->reload;
	# a new session has the old values until the postmaster has read the file
	$node->poll_query_until('postgres', "SELECT current_setting('test.configured', true) = '$configured'")
	  or die 'the configuration was not read';
	return;
}

# failure(node, sql, options of psql...): {code, message, detail, hint, text, seconds} of a statement's
# error; code is 00000 when there was none.
sub failure
{
	my ($class, $node, $sql, %options) = @_;
	my $begin = time();
	my ($stdout, $stderr, $timed_out);
	$node->psql($options{database} // $VapiSales::Test::DATABASE, "\\set VERBOSITY verbose\n$sql",
		stdout => \$stdout, stderr => \$stderr, on_error_stop => 1, extra_params => $options{extra_params} // [],
		timeout => 60, timed_out => \$timed_out);
	my %result = (seconds => time() - $begin, text => $stderr, code => '00000', stdout => $stdout);
	$result{code} = 'hangs' if $timed_out;
	if ($stderr =~ /(?:ERROR|FATAL):  (\w{5}): (.*)/) { @result{qw(code message)} = ($1, $2); }
	($result{detail}) = $stderr =~ /^DETAIL:  (.*)/m;
	($result{hint}) = $stderr =~ /^HINT:  (.*)/m;
	return \%result;
}

1;
