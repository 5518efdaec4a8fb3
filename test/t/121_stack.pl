# What make demo starts, in a folder of its own: signing in with the printed password, webhooks and live calls in the list,
# each part killed and back, started twice, stopped without a trace.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Test;
use VapiSales::Web;

VapiSales::Test::skip_without_simulator();
VapiSales::Web::skip_without_programs();

my $root = $VapiSales::Test::ROOT;
my $folder = PostgreSQL::Test::Utils::tempdir_short() . '/demo';
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $secret = 'a-secret-of-webhooks';
my $json = JSON::PP->new->canonical;
my ($http, $url) = (HTTP::Tiny->new(timeout => 60), "http://127.0.0.1:$port");
delete local @ENV{qw(VAPI_API_KEY VAPI_POSTGREST VAPI_DEMO_LOGIN)};
local $ENV{VAPI_DEMO_DIR} = $folder;
local $ENV{VAPI_DEMO_PORT} = $port;
local $ENV{VAPI_DEMO_CALLS} = 60;
local $ENV{VAPI_DEMO_LIVE} = 60;
local $ENV{VAPI_WEBHOOK_SECRET} = $secret;
local $ENV{VAPI_ASSISTANT_ID} = 'assistant-of-the-test';
local $ENV{VAPI_PHONE_NUMBER_ID} = 'number-of-the-test';
local $ENV{NEXT_PUBLIC_APP_URL} = 'https://calls.example.com/';

# script(name, argument...): exit status and what it printed
sub script
{
	my ($name, @arguments) = @_;
	my $out = '';
	IPC::Run::run([ "$root/deploy/demo/$name", @arguments ], '<', '/dev/null', '>', \$out, '2>&1');
	return ($? >> 8, $out);
}
sub healthy { return (script('health.sh', '--quiet'))[0] == 0; }
sub parts { return map { m{([^/]+)$} ? $1 : () } glob "$folder/parts/*"; }
sub pid_of { my ($part) = @_; return -s "$folder/run/$part.pid" ? (split / /, slurp_file("$folder/run/$part.pid"))[0] : 0; }
sub sql
{
	my ($statement) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ "$folder/pg/usr/lib/postgresql/15/bin/psql", '-XAt', '-h', "$folder/run", '-U', 'postgres', '-d', 'demo', '-c', $statement ], '<', '/dev/null', '>', \$out, '2>', \$err);
	chomp $out;
	return $err eq '' ? $out : $err;
}

# ask(method, path, body or undef, header => value...): status, decoded body, headers
sub ask
{
	my ($method, $path, $body, %headers) = @_;
	$headers{'Content-Type'} //= 'application/json' if defined $body;
	my $answer = $http->request($method, "$url$path", { headers => \%headers, defined $body ? (content => ref $body ? $json->encode($body) : $body) : () });
	return ($answer->{status}, eval { $json->decode($answer->{content}) } // $answer->{content}, $answer->{headers});
}

# sign_in(password): status, body, cookie
sub sign_in
{
	my ($status, $body, $headers) = ask('POST', '/api/login', { login => 'admin@example.com', password => $_[0] });
	return ($status, $body, ($headers->{'set-cookie'} // '') =~ /^([^;]+)/ ? $1 : '');
}

# processes: those whose command or folder is the demo's
sub processes
{
	return grep { (readlink("$_/cwd") // '') =~ m{^\Q$folder\E} || (-r "$_/cmdline" ? slurp_file("$_/cmdline") : '') =~ m{\Q$folder\E} }
	  grep { $_ ne "/proc/$$" } glob '/proc/[0-9]*';
}

# 1. A port that is taken.
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $port, ReuseAddr => 1) or die "port $port: $!";
my ($status, $out) = script('start.sh');
is($status, 1, 'a port that is taken is an error');
like($out, qr/port $port is taken by another program/, 'which says so');
ok(!-e $folder, 'before anything is made');
close $taken;

# 2. Started.
($status, $out) = script('start.sh');
is($status, 0, 'the stack starts') or BAIL_OUT($out . join '', map { "== $_\n" . slurp_file($_) } glob "$folder/logs/*");
like($out, qr{open +http://localhost:$port\n +login +admin\@example\.com\n}, 'it says where and who');
my ($password) = $out =~ /password +(\w{20}) \(shown only here/ or diag($out);
ok($password, 'and the password');
is((script('health.sh'))[1] =~ s/^ok .*\n//mgr, '', 'all is well');
my @parts = parts();
cmp_ok(scalar @parts, '>=', 5, "parts: @parts");
is(sql(q{SELECT string_agg(current_setting('vapi_sales.' || s), ' ' ORDER BY s) FROM unnest('{default_assistant_id,default_phone_number_id,public_url}'::text[]) s}),
	'assistant-of-the-test number-of-the-test https://calls.example.com', 'the environment has become settings');
unlike(slurp_file('/proc/' . pid_of($_) . '/environ'), qr/\Q$secret\E/, "the secret is in no environment of $_") for grep { $_ ne 'simulator' && pid_of($_) } @parts;
unlike(slurp_file("$folder/data/postgresql.auto.conf") . slurp_file("$folder/data/instance.conf"), qr/\Q$secret\E/, 'nor in the server\'s configuration');
my @listening = grep { /:/ } split /\n/, join '', map { slurp_file($_) } '/proc/net/tcp', '/proc/net/tcp6';
my $hex = sprintf '%04X', $port;
is_deeply([ map { (split ' ')[1] } grep { (split ' ')[1] =~ /:$hex$/ && (split ' ')[3] eq '0A' } @listening ], ["0100007F:$hex"], 'nginx listens on this machine\'s own address alone');

# 3. Signing in, the list.
my ($body, $cookie, $headers);
($status, $body, $cookie) = sign_in($password);
is($status, 200, 'the printed password signs in') or diag(explain($body));
is("$body->{profile} $body->{must_change_password}", 'admin 1', 'as an admin who must change it');
is((ask('POST', '/api/change-password', { old_password => $password, new_password => 'a good long password' }, Cookie => $cookie))[0], 200, 'which works');
is((sign_in($password))[0], 401, 'then the printed one is over');
($status, $body) = ask('GET', '/api/vapi/calls?limit=500', undef, Cookie => $cookie);
is($status, 200, 'the list');
cmp_ok($body->{total}, '>=', 60, 'has the imported calls');
is((ask('GET', '/api/vapi/calls'))[0], 401, 'but for nobody else');

# 4. A webhook, as Vapi signs it.
sub post_webhook
{
	my ($id, $key) = @_;
	my ($now, $text) = (int time(), $json->encode({ message => { type => 'status-update', status => 'in-progress', timestamp => int(time() * 1000),
		call => { id => $id, type => 'webCall', createdAt => '2026-11-01T10:00:00.000Z' } } }));
	return (ask('POST', '/api/webhooks/vapi', $text, 'X-Timestamp' => $now, 'X-Signature' => hmac_sha256_hex("$now.$text", $key)))[0];
}
is(post_webhook('posted-1', 'another secret'), 401, 'a webhook with a wrong signature');
is(post_webhook('posted-2', $secret), 200, 'one with a good one');
($status, $body) = ask('GET', '/api/vapi/calls?date_from=2026-11-01T09:59:59Z&date_to=2026-11-01T10:00:01Z', undef, Cookie => $cookie);
is_deeply([ map { "$_->{id} $_->{status}" } grep { $_->{id} =~ /^posted/ } @{ $body->{calls} } ], ['posted-2 in-progress'], 'its call is in the list at once, the other is not');

# 5. Live calls: the simulator tells of them by signed webhooks.
VapiSales::Test->wait_until('calls under way are in the list', sub {
	my ($status, $body) = ask('GET', '/api/vapi/calls?limit=20', undef, Cookie => $cookie);
	return $status == 200 && grep { $_->{id} !~ /^posted/ && $_->{status} =~ /^(queued|ringing|in-progress)$/ } @{ $body->{calls} };
});
VapiSales::Test->wait_until('and what happens in them arrives', sub { return sql(q{SELECT count(*) >= 5 FROM vapi.events WHERE status = 'applied'}) eq 't'; })
  or diag(sql('SELECT status, count(*) FROM vapi.events GROUP BY 1'));
unlike(slurp_file("$folder/logs/access.log"), qr{/webhooks/vapi 401.*\n(?:.*\n)*.*/webhooks/vapi 401}, 'none of which is refused');

# first_event(): what the live feed says first, within 20 seconds
sub first_event
{
	my $stream = IO::Socket::INET->new("127.0.0.1:$port") or return '';
	my $text = '';
	print $stream "GET /api/sse/calls HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nCookie: $cookie\r\n\r\n";
	eval {
		local $SIG{ALRM} = sub { die "too late\n" };
		alarm 20;
		while ($text !~ /^data: /m && sysread($stream, my $more, 65536)) { $text .= $more; }
	};
	alarm 0;
	return $text;
}
SKIP:
{
	skip 'no live nginx', 1 unless grep { $_ eq 'nginx-live' } @parts;
	like(first_event(), qr{^HTTP/1\.1 200 .*^Content-Type: text/event-stream.*^data: \{}ms, 'the live feed tells of it');
}

# 6. What the answers say of themselves.
my ($script) = (ask('GET', '/'))[1] =~ m{"(/assets/app-\w+\.js)"};
ok($script, 'the page names its script') or $script = '/assets/none.js';
my $page = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
my %csp = ('/' => $page, '/calls' => $page, '/calls/a-call' => $page);
for my $path ('/', '/calls', '/calls/a-call', $script, '/serving.md', '/api/session', '/api/nothing', '/rest/calls?limit=1', '/rest/')
{
	(undef, undef, $headers) = ask('GET', $path, undef, Cookie => $cookie, Origin => 'https://evil.example');
	is_deeply([ map { $headers->{$_} } qw(x-content-type-options x-frame-options referrer-policy content-security-policy) ],
		[ qw(nosniff DENY no-referrer), $csp{$path} // "default-src 'none'; frame-ancestors 'none'" ], "$path: its headers");
	is($headers->{'cache-control'}, $path eq $script ? 'public, max-age=31536000, immutable' : $path =~ m{^/(calls.*|serving.md)?$} ? 'no-cache' : 'no-store', "$path: what caches may");
	is_deeply([ grep { /^access-control/ } keys %$headers ], [], "$path: for no other site");
	is($headers->{server}, 'nginx', "$path: no version");
}
(undef, undef, $headers) = ask('OPTIONS', '/rest/calls', undef, Origin => 'https://evil.example', 'Access-Control-Request-Method' => 'GET');
is_deeply([ grep { /^access-control/ } keys %$headers ], [], 'nor does a preflight allow any');
($status, $body, $headers) = ask('GET', '/');
like("$status $headers->{'content-type'} $body", qr{^200 text/html; charset=utf-8 .*<title>vapi_sales</title>}s, 'the page');
like((ask('GET', '/serving.md'))[1], qr{^# Serving over HTTP}, 'what it links to');
($status, $body, $headers) = ask('GET', $script, undef, 'Accept-Encoding' => 'gzip');
is("$status $headers->{'content-type'} $headers->{'content-encoding'}", '200 text/javascript; charset=utf-8 gzip', 'its script');
like((ask('GET', '/assets/licenses.txt'))[1], qr/== preact\n.*== uplot\n/s, 'with the licences of what is in it');
like((ask('GET', "/$_"))[0], qr/^40[04]$/, "nothing else is served: /$_") for 'index.html', 'assets/', 'assets/../index.html', '../etc/edge/nginx.conf', 'secrets/demo/jwt_secret', '.git/config';

# 7. The description of /rest/.
($status, $body) = ask('GET', '/rest/', undef, Cookie => $cookie);
is("$status $body->{swagger} $body->{host}$body->{basePath} @{ $body->{schemes} }", '200 2.0 calls.example.com:443/rest https', '/rest/ describes itself, with the public URL');
ok($body->{paths}{$_}, "and $_") for '/calls', '/sync_runs', '/rpc/vapi_search_calls';
is((ask('GET', '/rest/'))[0], 401, 'to who has a token');

# 8. Each part is killed. The simulator's calls under way are lost with it, which is not the stack's fault.
my $kept = pid_of('supervisor');
for my $part (@parts)
{
	my $pid = pid_of($part);
	is(kill('KILL', $pid), 1, "$part is killed");
	my $begin = time();
	VapiSales::Test->wait_until("$part is back", sub { return pid_of($part) && pid_of($part) != $pid && healthy(); }, 120)
	  or diag(slurp_file("$folder/logs/$part.log"));
	note(sprintf '%s: back after %.1f s', $part, time() - $begin);
}
is((ask('GET', '/api/vapi/calls', undef, Cookie => $cookie))[0], 200, 'the session has outlived it');
unlike(slurp_file("$folder/logs/postgres.log"), qr/PANIC|terminated by signal|without having selected a database/, 'the server itself is well');

# 9. Started again: nothing is made or started twice.
my %before = map { $_ => pid_of($_) } 'supervisor', @parts;
($status, $out) = script('start.sh');
is($status, 0, 'a second start') or diag($out);
is_deeply({ map { $_ => pid_of($_) } keys %before }, \%before, 'leaves what runs alone') or diag(slurp_file("$folder/logs/supervisor.log"));
like($out, qr/password +unchanged; another one: deploy\/demo\/reset-password\.sh admin\@example\.com\n/, 'makes no second account, and says how to reset the password');
is(pid_of('supervisor'), $kept, 'it is the same supervisor from the start');
my ($reset) = (script('reset-password.sh', 'admin@example.com'))[1] =~ /^(\w{20})$/;
is((ask('GET', '/api/session', undef, Cookie => $cookie))[0], 401, 'a reset ends sessions');
($status, $body, $cookie) = sign_in($reset);
is($status, 200, 'and the new password signs in') or diag(explain($body));
is((ask('GET', '/api/vapi/calls', undef, Cookie => $cookie))[0], 403, 'for nothing but to change it');
is((ask('POST', '/api/change-password', { old_password => $reset, new_password => 'another good long password' }, Cookie => $cookie))[0], 200, 'which it does');
is((script('reset-password.sh', 'nobody@example.com'))[0], 3, 'nobody\'s password is not reset');
is((ask('GET', '/api/vapi/calls?search=%2B13035550123', undef, Cookie => $cookie))[0], 200, 'somebody looks for a number');

# 10. Without its supervisor no part goes on, and the next start makes it good.
kill 'KILL', pid_of('supervisor');
VapiSales::Test->wait_until('with the supervisor all ends', sub { return !processes(); }, 30) or diag(join "\n", map { slurp_file("$_/cmdline") } processes());
is((script('health.sh', '--quiet'))[0], 1, 'which the health check notices');
($status, $out) = script('start.sh');
is($status, 0, 'the next start') or diag($out, map { "$_.log:\n" . substr(slurp_file("$folder/logs/$_.log"), -3000) } qw(postgres supervisor));
ok(healthy(), 'makes it good');
like((ask('GET', '/api/session', undef, Cookie => $cookie))[0], qr/^200$/, 'the session is still there');

# 11. Nothing secret is in a log.
my $logs = join '', map { slurp_file($_) } glob "$folder/logs/*";
unlike($logs, qr/\Q$_->[1]\E/, "no $_->[0] in the logs") for [ 'password', $password ], [ 'password', $reset ], [ 'password', 'good long password' ], [ 'webhook secret', $secret ],
  [ 'cookie', $cookie =~ s/.*=//r ], [ 'key of tokens', slurp_file("$folder/secrets/demo/jwt_secret") =~ s/\s//gr ], [ 'key of Vapi', slurp_file("$folder/simulator/key") =~ s/\s//gr ],
  [ 'number', '3035550123' ];

# 12. Stopped.
($status, $out) = script('stop.sh');
is($status, 0, 'it stops') or diag($out);
is_deeply([ processes() ], [], 'no process is left');
is_deeply([ grep { -S || /\.pid$/ } glob "$folder/run/* $folder/run/.s*" ], [], 'no socket, no trace of a process');
ok(!IO::Socket::INET->new("127.0.0.1:$port"), 'the port is free');
is((script('stop.sh'))[0], 0, 'stopping twice is fine');
is((script('health.sh', '--quiet'))[0], 1, 'nothing is well then');
is((script('stop.sh', '--clean'))[0], 0, 'cleaned');
ok(!-e $folder, 'nothing is left');
like((script('stop.sh'))[1], qr/there is no demo/, 'and that is said');

END { local $?; script('stop.sh', '--clean') if defined $folder && -e "$folder/.vapi_sales_demo"; }
done_testing();
