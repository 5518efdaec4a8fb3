# What the TAP tests share: a simulator of Vapi, a cluster that imports from
# it, polling, and requests to the simulator's admin routes.
#
#   my $simulator = VapiSales::Test->simulator(calls => 200, bytes => 2000);
#   my $node = VapiSales::Test->node('main', simulator => $simulator);
#   is($node->safe_psql('calls', 'SELECT ...'), ...);
#
# The database that node() makes is called "calls".
package VapiSales::Test;

use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our $ROOT = $ENV{VAPI_ROOT} // File::Spec->rel2abs(dirname(__FILE__) . '/../../..');
our $DATABASE = 'calls';

# An invented key; the simulator and the secret file get the same.
our $KEY = 'simulated-key-for-tests';

# Skips the whole test where the simulator or Node is missing.
sub skip_without_simulator
{
	plan skip_all => 'no simulator' unless -f "$ROOT/test/sim/vapi.mjs";
	plan skip_all => 'no node' if system('node --version >/dev/null 2>&1') != 0;
	return;
}

my %is_switch = map { $_ => 1 } qw(admin die-with-stdin shuffle-ties fixed-presigned gzip assistant-requests predial control);

# simulator(option => value...): starts one on a free port; every option of the
# simulator may be given (calls, from, to, seed, bytes, ...; 1 or 0 for a switch).
# It ends with this object, and with this process in any case.
sub simulator
{
	my ($class, %options) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my %arguments = (
		port => 0,
		'port-file' => "$folder/port",
		calls => 100,
		from => '2026-01-01T00:00:00Z',
		to => '2026-02-01T00:00:00Z',
		seed => 1,
		bytes => 2000,
		admin => 1,
		'die-with-stdin' => 1,
		%options);
	my @command = ('node', "$ROOT/test/sim/vapi.mjs");
	for my $name (sort keys %arguments)
	{
		next if $name eq 'key' || !defined $arguments{$name};
		push @command, $is_switch{$name} ? ($arguments{$name} ? "--$name" : "--no-$name") : ("--$name", $arguments{$name});
	}

	# The key goes through the environment, as in the demo; the simulator ends when this pipe closes.
	my $pid;
	my $stdin;
	{
		local $ENV{VAPI_SIM_KEY} = $options{key} // $KEY;
		pipe(my $reader, $stdin) or die "pipe: $!";
		$pid = fork() // die "fork: $!";
		if ($pid == 0)
		{
			close $stdin;
			open STDIN, '<&', $reader or die $!;
			open STDOUT, '>', "$folder/log" or die $!;
			open STDERR, '>&', \*STDOUT or die $!;
			exec @command or die "node: $!";
		}
		close $reader;
	}
	my $self = bless { pid => $pid, stdin => $stdin, folder => $folder, key => $options{key} // $KEY }, $class;
	my $deadline = time() + 60;
	until (-s "$folder/port")
	{
		my $gone = waitpid($pid, 1) == $pid;
		if ($gone || time() > $deadline)
		{
			$self->{pid} = 0 if $gone;
			die "the simulator did not start: " . slurp_file("$folder/log");
		}
		sleep(0.05);
	}
	($self->{port}) = slurp_file("$folder/port") =~ /(\d+)/;
	return $self;
}

sub port { return $_[0]->{port}; }
sub url { return "http://127.0.0.1:$_[0]->{port}"; }
sub log_text { return slurp_file("$_[0]->{folder}/log"); }

# Ends the simulator; the object's end does it too.
sub stop
{
	my ($self) = @_;
	return unless $self->{pid};
	local ($?, $!, $@);
	close $self->{stdin} if $self->{stdin};
	kill 'TERM', $self->{pid};
	my $deadline = time() + 10;
	while (time() < $deadline)
	{
		if (waitpid($self->{pid}, 1) != 0) { $self->{pid} = 0; return; }
		sleep(0.02);
	}
	kill 'KILL', $self->{pid};
	waitpid($self->{pid}, 0);
	$self->{pid} = 0;
	return;
}

sub DESTROY { $_[0]->stop if ref $_[0]; return; }

# request(method, path[, data]): asks the simulator with the key, returns {status, data, content, headers}.
sub request
{
	my ($self, $method, $path, $data) = @_;
	my %options = (headers => { Authorization => "Bearer $self->{key}" });
	if (defined $data)
	{
		$options{content} = JSON::PP->new->canonical->encode($data);
		$options{headers}{'Content-Type'} = 'application/json';
	}
	my $answer = HTTP::Tiny->new(timeout => 60)->request($method, $self->url . $path, \%options);
	$answer->{data} = eval { JSON::PP->new->allow_nonref->decode($answer->{content}) };
	return $answer;
}

# admin(path[, data]): POST with data, else GET, to /_sim/path; dies unless it succeeds; returns the answer's data.
sub admin
{
	my ($self, $path, $data) = @_;
	my $answer = $self->request(defined $data ? 'POST' : 'GET', "/_sim/$path", $data);
	die "admin $path: $answer->{status} $answer->{content}" unless $answer->{success};
	return $answer->{data};
}

# node(name, option => value...): a started cluster with a database "calls".
#   simulator  imports go there (its key is written to the secrets directory)
#   preload    1: shared_preload_libraries = 'vapi_sales'
#   config     text for postgresql.conf
#   extension  0: no CREATE EXTENSION
sub node
{
	my ($class, $name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(%{ $options{init} // {} });
	my $secrets = $class->secrets_directory($node);
	mkdir $secrets, 0750 or die "$secrets: $!";
	my $simulator = $options{simulator};
	$class->write_secret($node, 'vapi_api_key', $simulator ? $simulator->{key} : $KEY);
	$node->append_conf('postgresql.conf', $class->settings($node, $simulator));
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'vapi_sales'\n") if $options{preload};
	$node->append_conf('postgresql.conf', $options{config}) if defined $options{config};
	$node->start;
	$node->safe_psql('postgres', "CREATE DATABASE $DATABASE");
	$node->safe_psql($DATABASE, 'CREATE EXTENSION vapi_sales') if $options{extension} // 1;
	return $node;
}

# The settings with which a cluster talks to the simulator, for postgresql.conf.
sub settings
{
	my ($class, $node, $simulator) = @_;
	my $url = $simulator ? $simulator->url : 'http://127.0.0.1:1';
	my $secrets = $class->secrets_directory($node);
	return <<"CONF";
vapi_sales.base_url = '$url'
vapi_sales.allowed_hosts = '127.0.0.1,localhost'
vapi_sales.allow_private_hosts = on
vapi_sales.secrets_directory = '$secrets'
vapi_sales.requests_per_minute = 100000
vapi_sales.poll_interval = 0
CONF
}

sub secrets_directory { my ($class, $node) = @_; return $node->basedir . '/secrets'; }

# write_secret(node, name, text[, mode])
sub write_secret
{
	my ($class, $node, $name, $text, $mode) = @_;
	my $path = $class->secrets_directory($node) . "/$name";
	open my $out, '>', $path or die "$path: $!";
	print $out "$text\n";
	close $out;
	chmod $mode // 0640, $path or die "$path: $!";
	return $path;
}

# finish_work(node, database): background work until none is left, such as the search and scores that follow an import.
sub finish_work
{
	my ($class, $node, $database) = @_;
	return $class->wait_until('background work is done',
		sub
		{
			# an import that has said its end may still be at a step, which is then left to it
			return 0 if $node->safe_psql($database, q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales import%'}) > 0;
			return $node->safe_psql($database, q{SELECT bool_or(done > 0 OR more) FROM vapi.vapi_work() WHERE step IN ('change_feed', 'extended_tables', 'search', 'scores', 'pipeline')}) eq 'f';
		}, 120);
}

# wait_until(what, code[, seconds]): polls the code, one test case.
sub wait_until
{
	my ($class, $what, $code, $seconds) = @_;
	my $deadline = time() + ($seconds // 60);
	while (time() < $deadline)
	{
		return pass($what) if $code->();
		sleep(0.05);
	}
	return fail("$what (waited " . ($seconds // 60) . ' s)');
}

# slow_names(): a library with which the name slow.test takes 8 s to resolve, for LD_PRELOAD of a cluster that starts;
# undef without a compiler.
sub slow_names
{
	my $folder = PostgreSQL::Test::Utils::tempdir();
	PostgreSQL::Test::Utils::append_to_file("$folder/slow.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	if (node != NULL && strcmp(node, "slow.test") == 0)
		sleep(8);
	return next(node, service, hints, result);
}
C
	my $failed = system('cc', '-shared', '-fPIC', '-o', "$folder/slow.so", "$folder/slow.c", '-ldl');
	return $failed ? undef : "$folder/slow.so";
}

# samples(): the folder of real payloads, or undef; a test that needs it is skipped without.
sub samples
{
	my $folder = $ENV{VAPI_SAMPLES} // "$ROOT/../shared/samples";
	return -d $folder ? $folder : undef;
}

1;
