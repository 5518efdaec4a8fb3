# Linear, FreshBooks and a receiver of webhooks, simulated, and a cluster that
# delivers to them.
#
#   my $vendors = VapiSales::Vendors->new;
#   my $node = VapiSales::Test->node('main', preload => 1, config => $vendors->config);
#   $vendors->secrets($node);
package VapiSales::Vendors;

use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);
use VapiSales::Test;

# Invented; the simulator has the same.
our $LINEAR_KEY = 'lin_api_made_up_for_tests';
our $CLIENT = 'made-up-client:made-up-client-secret';
our $REDIRECT = 'https://sales.example.com/freshbooks';
our $TOKEN_KEY = 'made-up-token-key-of-at-least-32-characters';
our %ID = (team => '11111111-1111-4111-8111-111111111111', project => '22222222-2222-4222-8222-222222222222',
	label => '33333333-3333-4333-8333-333333333333', user => '44444444-4444-4444-8444-444444444444');

# new(): starts one process on a free port; it ends with this object.
sub new
{
	my ($class) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my $samples = VapiSales::Test::samples();
	my @command = ('node', "$VapiSales::Test::ROOT/test/sim/vendors.mjs", '--port-file', "$folder/port", '--die-with-stdin');
	push @command, '--schema', "$samples/linear-schema.graphql" if defined $samples && -f "$samples/linear-schema.graphql";
	pipe(my $reader, my $stdin) or die "pipe: $!";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		close $stdin;
		open STDIN, '<&', $reader or die $!;
		open STDOUT, '>', "$folder/log" or die $!;
		open STDERR, '>&', \*STDOUT or die $!;
		exec @command or die "node: $!";
	}
	close $reader;
	my $self = bless { pid => $pid, stdin => $stdin, folder => $folder }, $class;
	my $deadline = time() + 60;
	until (-s "$folder/port")
	{
		die 'the vendors did not start: ' . slurp_file("$folder/log") if waitpid($pid, 1) == $pid || time() > $deadline;
		sleep(0.05);
	}
	($self->{port}) = slurp_file("$folder/port") =~ /(\d+)/;
	return $self;
}

sub url { my ($self) = @_; return "http://127.0.0.1:$self->{port}"; }

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!, $@);
	close $self->{stdin} if $self->{stdin};
	kill 'KILL', $self->{pid} if $self->{pid};
	waitpid($self->{pid}, 0) if $self->{pid};
	return;
}

# config([further settings]): for postgresql.conf, with the permanent worker.
sub config
{
	my ($self, $more) = @_;
	my $url = $self->url;
	return <<"CONF" . ($more // '');
vapi_sales.databases = '$VapiSales::Test::DATABASE'
vapi_sales.linear_url = '$url/graphql'
vapi_sales.freshbooks_url = '$url/freshbooks'
vapi_sales.webhook_hosts = '127.0.0.1'
vapi_sales.delivery_backoff = 100ms
vapi_sales.delivery_timeout = 2s
vapi_sales.public_url = 'https://sales.example.com'
restart_after_crash = on
CONF
}

# secrets(node): the files that deliveries need.
sub secrets
{
	my ($self, $node) = @_;
	VapiSales::Test->write_secret($node, 'linear_api_key', $LINEAR_KEY);
	VapiSales::Test->write_secret($node, 'freshbooks_client', $CLIENT);
	VapiSales::Test->write_secret($node, 'token_key', $TOKEN_KEY);
	VapiSales::Test->write_secret($node, 'instance_id', 'made-up-instance');
	return;
}

# sim(method, path[, data]): asks the simulator's own routes; the answer's data.
sub sim
{
	my ($self, $method, $path, $data) = @_;
	my %options = defined $data ? (content => JSON::PP->new->canonical->encode($data)) : ();
	my $answer = HTTP::Tiny->new(timeout => 60)->request($method, $self->url . "/_sim/$path", \%options);
	die "$path: $answer->{status} $answer->{content}" unless $answer->{success};
	return JSON::PP->new->decode($answer->{content});
}

sub state { my ($self) = @_; return $self->sim('GET', 'state'); }
sub set { my ($self, %values) = @_; return $self->sim('POST', 'set', \%values); }
sub faults { my ($self, @rules) = @_; return $self->sim('PUT', 'faults', \@rules); }
sub release { my ($self) = @_; return $self->sim('POST', 'release', {})->{released}; }

# webhook(node, name, events[, options]): adds one that the receiver verifies; its key.
sub webhook
{
	my ($self, $node, $name, $events, $options) = @_;
	my $url = $self->url . "/hook/$name";
	$options //= '{}';
	my $key = $node->safe_psql($VapiSales::Test::DATABASE, "SELECT vapi.vapi_add_webhook('$name', '$url', '$events', '$options')");
	$self->{keys}{$name} = $key;
	$self->set(receiver => { secrets => $self->{keys} });
	return $key;
}

# ended(id, score[, further data]): the flat event of a call that has just ended, as SQL that ingests it.
sub ended
{
	my ($self, $id, $score, %more) = @_;
	my @now = gmtime(time() + 1);
	my $at = sprintf '%04d-%02d-%02dT%02d:%02d:%02d.000Z', $now[5] + 1900, $now[4] + 1, @now[ 3, 2, 1, 0 ];
	my $data = { callId => $id, duration => 245, startedAt => $at, endedAt => $at, outcome => 'meeting-scheduled', qualificationScore => $score, %more };
	my $event = JSON::PP->new->canonical->encode({ event => 'call.ended', timestamp => $at, data => $data });
	$event =~ s/'/''/g;
	return "SELECT vapi.vapi_ingest_event('$event');";
}

# all_done(): true once nothing that has happened waits for a step or for a delivery, as a query.
sub all_done
{
	return q{SELECT NOT EXISTS (SELECT FROM vapi_internal.event WHERE status = 'pending') AND NOT EXISTS (SELECT FROM vapi_internal.change_pending)
		AND NOT EXISTS (SELECT FROM vapi_internal.feed_follower f, vapi_internal.feed_head h WHERE f.last_seq < h.last OR f.resync_after IS NOT NULL)
		AND NOT EXISTS (SELECT FROM vapi_internal.outbox WHERE state NOT IN ('delivered', 'dead', 'discarded'))};
}

1;
