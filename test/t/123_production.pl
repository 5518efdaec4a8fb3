# The files of deploy/ for production: nginx with TLS as in the example, systemd's units, the container's file.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Test;

my $root = $VapiSales::Test::ROOT;
my $folder = PostgreSQL::Test::Utils::tempdir_short();

sub put
{
	my ($name, $text) = @_;
	open my $out, '>', "$folder/$name" or die "$name: $!";
	print $out $text;
	close $out;
	return;
}

# run(command...): exit status and what it printed
sub run
{
	my $out = '';
	IPC::Run::run([@_], '<', '/dev/null', '>', \$out, '2>&1');
	return ($? >> 8, $out);
}
sub there { my ($program) = @_; return scalar grep { -x "$_/$program" } split(/:/, $ENV{PATH}), '/usr/sbin'; }

# 1. systemd's units. What they start is not there.
SKIP:
{
	skip 'no systemd-analyze', 1 unless there('systemd-analyze');
	mkdir "$folder/units" or die $!;
	my @units = map { s{.*/}{}r } glob "$root/deploy/systemd/*.service";
	is_deeply(\@units, [qw(vapi-nginx-live.service vapi-postgrest-edge.service vapi-postgrest-public.service vapi-postgrest-waiting.service)], 'the units');
	for my $unit (@units)
	{
		put("units/$unit", slurp_file("$root/deploy/systemd/$unit") =~ s{^(ExecStart)=\S+}{$1=/bin/true}mr);
		my ($status, $out) = run('systemd-analyze', 'verify', "$folder/units/$unit");
		is("$status$out", '0', "$unit is right");
		my ($exposure) = (run('systemd-analyze', 'security', '--offline=true', "$folder/units/$unit"))[1] =~ /Overall exposure level for \S+: ([\d.]+)/;
		cmp_ok($exposure // 10, '<=', 1, "$unit is hardened") or diag("exposure $exposure");
	}
}

# 2. The container's file: what it copies is there.
my @copied = map { split ' ' } slurp_file("$root/deploy/Containerfile") =~ /^COPY (?!--from)(.*) \S+$/mg;
ok(@copied, 'the container copies');
ok(-e "$root/$_" || $_ eq '.', "$_ is there") for @copied;

# 3. nginx with TLS, on a port of this test's.
SKIP:
{
	skip 'no nginx', 1 unless there('nginx');
	skip 'no openssl', 1 unless there('openssl');
	skip 'no npm packages', 1 unless -e "$root/node_modules/preact";
	is((run("$root/dashboard/build.sh", "$folder/www"))[0], 0, 'the dashboard is built');
	my ($port, $plain) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;
	is((run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', 1, '-subj', '/CN=calls.example.com', '-keyout', "$folder/privkey.pem", '-out', "$folder/fullchain.pem"))[0], 0, 'a certificate');
	for my $file (glob "$root/deploy/nginx/*.conf")
	{
		my $text = slurp_file($file);
		$text =~ s{/run/vapi_sales/}{$folder/}g;
		$text =~ s{/etc/vapi_sales_tls/}{$folder/}g;
		$text =~ s{/var/www/vapi_sales}{$folder/www}g;
		$text =~ s{/var/log/nginx/}{$folder/}g;
		$text =~ s{listen \[::\].*\n}{}g;
		$text =~ s{listen 80;}{listen 127.0.0.1:$plain;};
		$text =~ s{listen 443 }{listen 127.0.0.1:$port }g;
		$text =~ s{^\tinclude sse\.conf;\n}{}m unless -f "$root/deploy/nginx/sse.conf";
		put($file =~ s{.*/}{}r, $text);
	}
	mkdir "$folder/temp" or die $!;
	put('nginx.conf', join '', "daemon off;\npid $folder/nginx.pid;\nerror_log $folder/error.log;\nevents { worker_connections 512; }\nhttp {\n",
		(map { "${_}_temp_path $folder/temp/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi)), "include site-tls.conf;\n}\n");
	my @nginx = ('/usr/sbin/nginx', '-p', $folder, '-c', "$folder/nginx.conf", '-e', "$folder/error.log");
	my ($status, $out) = run(@nginx, '-t');
	is($status, 0, 'nginx takes the example') or diag($out);
	unlike($out, qr/warn/, 'without a warning');
	my $nginx = IPC::Run::start(\@nginx, '<', '/dev/null', '>', "$folder/nginx.log", '2>&1');

	# answer(port, name, path): over TLS with this name, else plain
	my $answer = sub {
		my ($to, $name, $path) = @_;
		my $out = '';
		my $request = "GET $path HTTP/1.1\r\nHost: $name\r\nConnection: close\r\n\r\n";
		IPC::Run::run($to == $port ? [ 'openssl', 's_client', '-quiet', '-connect', "127.0.0.1:$port", '-servername', $name ]
			: [ 'perl', '-MIO::Socket::INET', '-e', 'my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or exit 1; print $s join "", <STDIN>; print while <$s>', $plain ],
			'<', \$request, '>', \$out, '2>', \my $err, IPC::Run::timeout(30));
		return $out;
	};
	VapiSales::Test->wait_until('it runs', sub { return $answer->($plain, 'calls.example.com', '/') ne ''; }, 20) or diag(slurp_file("$folder/nginx.log"));
	like($answer->($plain, 'evil.example', '/a?b=c'), qr{^HTTP/1\.1 308.*^Location: https://calls\.example\.com/a\?b=c\r$}ms, 'without TLS it sends to TLS, to its own name');
	my $page = $answer->($port, 'calls.example.com', '/');
	like($page, qr{^HTTP/1\.1 200 }, 'the page over TLS');
	like($page, qr/^Strict-Transport-Security: max-age=31536000\r$/m, 'and from now on TLS alone');
	like($answer->($port, 'calls.example.com', '/api/vapi/calls'), qr{^HTTP/1\.1 503 .*^Content-Type: application/problem\+json\r\n.*^Strict-Transport-Security: max-age=31536000\r\n}ms, 'without PostgREST a route says 503, with the same headers');
	is($answer->($port, 'other.example', '/'), '', 'another name gets no answer');
	my $old = '';
	IPC::Run::run([ 'openssl', 's_client', '-connect', "127.0.0.1:$port", '-servername', 'calls.example.com', '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0' ], '<', '/dev/null', '>', \$old, '2>&1');
	like($old, qr/Cipher is \(NONE\)/, 'nor does TLS 1.1');
	$nginx->signal('TERM');
	$nginx->finish;
}

done_testing();
