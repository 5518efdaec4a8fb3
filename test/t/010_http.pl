# The HTTP layer against servers that misbehave: the right error for each, no
# wait longer than the limits, cancel at any time, nothing left behind.
use strict;
use warnings;
use Cwd qw(abs_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Test;
use VapiSales::Misbehave;

plan skip_all => 'no node' if system('node --version >/dev/null 2>&1') != 0;

my $elsewhere = VapiSales::Misbehave->new;
my $body = PostgreSQL::Test::Utils::tempdir() . '/body';
my $server = VapiSales::Misbehave->new(target => $elsewhere->url . '/fine', 'body-file' => $body);

my $slow_names = VapiSales::Test->slow_names;

# The environment's proxies must not be used: they lead to a listener that would notice.
my $node;
{
	local %ENV = (%ENV, map { $_ => $elsewhere->url } qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY));
	local $ENV{LD_PRELOAD} = $slow_names if $slow_names;
	$node = VapiSales::Test->node('http', config => <<"CONF");
vapi_sales.base_url = '@{[ $server->url ]}'
vapi_sales.max_attempts = 1
vapi_sales.http_timeout = '1s'
vapi_sales.connect_timeout = '2s'
vapi_sales.max_response_size = '1MB'
log_min_messages = warning
CONF
}

# Settings for all sessions that start from now on.
sub configure { VapiSales::Misbehave->configure($node, @_); return; }

sub get { my ($behaviour) = @_; return VapiSales::Misbehave->failure($node, "SELECT vapi.vapi_get_call('$behaviour')"); }

# Errors: SQLSTATE, and what the message must and the whole must not say.
is(get('fine')->{code}, '00000', 'a server that behaves');
for my $case (
	[ 'reset', '08006', qr/no usable answer/ ],
	[ 'close', '08006', qr/no usable answer/ ],
	[ 'truncated', '08006', qr/no usable answer/ ],
	[ 'garbage', '08006', qr/no usable answer/ ],
	[ 'bad-gzip', '08006', qr/no usable answer/ ],
	[ 'silent', '08006', qr/sent nothing for 1000 ms/ ],
	[ 'stall', '08006', qr/sent nothing for 1000 ms/ ],
	[ 'trickle', '08006', qr/timed out/ ],
	[ 'long-length', '54000', qr/larger than 1024 kB/ ],
	[ 'long-chunks', '54000', qr/larger than 1024 kB/ ],
	[ 'bomb', '54000', qr/larger than 1024 kB/ ],
	[ 'headers', '54000', qr/headers of the answer are larger/ ],
	[ 'redirect', 'VS003', qr/redirect/ ],
	[ 'unavailable', 'VS004', qr/HTTP 503/ ],
	[ 'html', 'VS004', qr/HTTP 502/, qr/an HTML page/ ],
	[ 'busy', 'VS004', qr/HTTP 429/, qr/Rate limit exceeded/ ],
	[ 'bad-key', '28000', qr/refused the API key/, qr/Invalid Key/ ],
	[ 'forbidden', '28000', qr/refused the API key/ ],
	[ 'missing', '02000', qr/no call/ ],
	[ 'retention', 'VS008', qr/no longer keeps/, qr/14 days/ ],
	[ 'invalid', 'VS003', qr/HTTP 400/, qr/property foo should not exist; limit must/ ],
	[ 'not-json', '22032', qr/cannot be used/ ],
	[ 'empty', '22032', qr/cannot be used/ ])
{
	my ($behaviour, $code, $message, $detail) = @$case;
	$server->forget;
	my $got = get($behaviour);
	is($got->{code}, $code, "$behaviour: SQLSTATE $code") or diag($got->{text});
	like($got->{message} // '', $message, "$behaviour: the message says what happened");
	like($got->{detail} // '', $detail, "$behaviour: the detail has the server's words") if $detail;
	is(scalar($server->requests), 1, "$behaviour: one request") or diag(join "\n", $server->lines);
	cmp_ok($got->{seconds}, '<', $behaviour eq 'trickle' ? 60 : 10, "$behaviour: in time");
}
is($elsewhere->connections, 0, 'the redirect was not followed, and no proxy of the environment was used');

# What the server says is masked.
{
	my $got = get('echo');
	is($got->{code}, 'VS003', 'an answer that repeats the request');
	like($got->{detail}, qr/You sent/, 'its words are shown');
	unlike($got->{text}, qr/\Q$VapiSales::Test::KEY\E|secret|token=|555/, 'without key, password, query and number');
}

for my $case (
	# what the server says, what the detail shows of it
	[ 'plain words', 'plain words' ],
	[ '{"message":"one","error":"Bad Request"}', 'one' ],
	[ '{"message":["one","two"],"statusCode":400}', 'one; two' ],
	[ '{"error":"assistant_pinned"}', 'assistant_pinned' ],
	[ '{"message":""}', '{"message":""}' ],
	[ '{"message":"one"} and more', '{"message":"one"} and more' ],
	[ '', 'an empty answer' ],
	[ '  <!DOCTYPE html><p>secret</p>', 'an HTML page' ],
	[ "two\nlines\tand \x01 control", 'two lines and   control' ],
	[ 'call +1 303 555 0100 now', 'call +*** now' ],
	[ 'call (303) 555-0100', 'call (***' ],
	[ 'tel3035550100', 'tel***' ],
	[ 'six digits 123456 stay, 1234567 do not', 'six digits 123456 stay, *** do not' ],
	[ 'since 2026-02-19T11:23:01.403Z', 'since 2026-02-19T11:23:01.403Z' ],
	[ 'on 2026-02-19 and 2026-02-20', 'on 2026-02-19 and 2026-02-20' ],
	[ 'call 123e4567-e89b-12d3-a456-426614174000.', 'call ***.' ],
	[ 'Bearer abc.def-ghi rest', '*** rest' ],
	[ 'authorization: bearer   abc rest', 'authorization: *** rest' ],
	[ 'see https://x.example/a?X-Amz-Signature=abc&b=c now', 'see https://x.example/a*** now' ],
	[ 'see https://user:word@x.example/a', 'see https://***@x.example/a' ],
	[ 'why? because a=b', 'why? because a=b' ],
	[ 'token Abcdefghijklmnopqrstuvwxyz012345', 'token ***' ],
	[ 'call.in-progress.error-vapifault-openai-401-incorrect-api-key', 'call.in-progress.error-vapifault-openai-401-incorrect-api-key' ],
	[ 'x' x 300, 'x' x 200 ],
	[ "\xc3\xbc" x 150, "\xc3\xbc" x 100 ],
	[ 'x' . "\xc3\xbc" x 150, 'x' . "\xc3\xbc" x 99 ],
	[ "bad \xff\xfe bytes \xc3", 'bad ?? bytes ?' ])
{
	my ($said, $shown) = @$case;
	unlink $body;
	append_to_file($body, $said);
	my $got = get('words');
	is($got->{detail}, "Vapi says: $shown", 'shown: ' . ($shown =~ s/[^ -~]+/./gr));
}

# Attempts.
configure('vapi_sales.max_attempts' => 3);
{
	$server->forget;
	my $got = get('unavailable');
	is($got->{code}, 'VS004', 'unavailable to the end');
	like($got->{message}, qr/3 attempts/, 'the message counts the attempts');
	is(scalar($server->requests), 3, 'as many requests as attempts');
	$server->forget;
	$got = get('busy-once');
	is($got->{code}, '00000', '429 once, then served');
	cmp_ok($got->{seconds}, '>=', 1, 'Retry-After was waited for');
	is(scalar($server->requests), 2, 'in two requests');
	is($server->connections, 1, 'over one kept connection');
	$server->forget;
	is(get('reset-once')->{code}, '00000', 'a reset connection is tried again');
	$server->forget;
	get($_) for qw(bad-key missing invalid redirect long-length);
	is(scalar($server->requests), 5, 'what cannot get better is tried once');
}
{
	configure('vapi_sales.base_url' => 'http://127.0.0.1:1');
	my $got = get('fine');
	is($got->{code}, '08001', 'nobody listens: 08001');
	like($got->{detail}, qr/3 attempts/, 'tried again');
	configure('vapi_sales.base_url' => $server->url);
}

# A configured proxy is used, for names that only it can resolve.
{
	configure('vapi_sales.base_url' => 'http://behind-the-proxy.test', 'vapi_sales.proxy' => $server->url,
		'vapi_sales.allowed_hosts' => 'behind-the-proxy.test');
	is(get('fine')->{code}, '00000', 'a request through the proxy');
	configure('vapi_sales.base_url' => $server->url, 'vapi_sales.proxy' => '', 'vapi_sales.allowed_hosts' => '127.0.0.1,localhost');
}

# Cancel. The times are the server's, from the timeout to the end.
sub cancel_latency
{
	my ($behaviour) = @_;
	my (undef, $stdout, $stderr) = $node->psql('calls', <<"SQL");
LOAD 'vapi_sales';
SET statement_timeout = 300;
DO \$\$
DECLARE begin_at timestamptz := statement_timestamp();
BEGIN
	PERFORM vapi.vapi_get_call('$behaviour');
EXCEPTION WHEN query_canceled THEN
	RAISE NOTICE 'latency %', round(extract(epoch FROM clock_timestamp() - begin_at) * 1000) - 300;
END
\$\$;
SQL
	return $stderr =~ /latency (-?\d+)/ ? $1 : undef;
}
configure('vapi_sales.http_timeout' => '60s', 'vapi_sales.connect_timeout' => '30s', 'vapi_sales.max_attempts' => 20);
for my $behaviour (qw(silent stall unavailable))
{
	my $latency = cancel_latency($behaviour);
	cmp_ok($latency // 1e6, '<', 2000, "$behaviour: cancelled at once");
	note("$behaviour: cancel took " . ($latency // '(none)') . ' ms');
}
{
	my $session = $node->background_psql('calls', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/begun/, "\\echo begun\nSELECT vapi.vapi_get_call('silent');\n");
	$node->poll_query_until('calls', "SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = $pid");
	pass('pg_stat_activity shows the wait');
	my $activity = $node->safe_psql('calls', "SELECT a::text FROM pg_stat_activity a");
	unlike($activity, qr/\Q$VapiSales::Test::KEY\E/, 'and no key');
	my $begin = time();
	$node->safe_psql('calls', "SELECT pg_terminate_backend($pid, 5000)");
	cmp_ok(time() - $begin, '<', 5, 'a session that waits can be terminated');
	$session->{run}->kill_kill;
}

SKIP:
{
	skip 'no compiler for the slow name resolution', 5 unless $slow_names;
	configure('vapi_sales.base_url' => 'http://slow.test', 'vapi_sales.allowed_hosts' => 'slow.test,127.0.0.1');
	my $latency = cancel_latency('fine');
	cmp_ok($latency // 1e6, '<', 2000, 'cancelled in the middle of a slow name resolution');
	note('slow name resolution: cancel took ' . ($latency // '(none)') . ' ms');

	# curl's thread must not get the server's signals
	my $session = $node->background_psql('calls', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/begun/, "\\echo begun\nSELECT vapi.vapi_get_call('fine');\n");
	my @threads;
	for (1 .. 100)
	{
		@threads = grep { !m{/$pid$} } glob "/proc/$pid/task/*";
		last if @threads;
		sleep(0.05);
	}
	is(scalar(@threads), 1, 'one thread resolves the name');
	my ($blocked) = @threads ? slurp_file("$threads[0]/status") =~ /^SigBlk:\s*([0-9a-f]+)/m : ('0');
	# SIGHUP 1, SIGINT 2, SIGUSR1 10, SIGUSR2 12, SIGALRM 14, SIGTERM 15, SIGCHLD 17, SIGURG 23
	my $wanted = 0;
	$wanted |= 1 << ($_ - 1) for 1, 2, 10, 12, 14, 15, 17, 23;
	is(hex($blocked) & $wanted, $wanted, "it blocks the server's signals");
	my $begin = time();
	$node->safe_psql('calls', "SELECT pg_cancel_backend($pid)");
	$node->poll_query_until('calls', "SELECT state = 'idle' FROM pg_stat_activity WHERE pid = $pid");
	cmp_ok(time() - $begin, '<', 2, 'cancelled by pg_cancel_backend');
	is(scalar($session->query('SELECT 1')), '1', 'the session goes on');
	$session->quit;
	configure('vapi_sales.base_url' => $server->url, 'vapi_sales.allowed_hosts' => '127.0.0.1,localhost');
}

# Hosts and addresses that must not be asked. The listener is on loopback.
configure('vapi_sales.allow_private_hosts' => 'off', 'vapi_sales.max_attempts' => 3, 'vapi_sales.connect_timeout' => '2s');
my $port = $server->port;
for my $host (
	'169.254.169.254', "127.0.0.1:$port", "2130706433:$port", "0x7f000001:$port", "0177.0.0.1:$port", "127.1:$port",
	"0:$port", "[::1]:$port", '[::ffff:10.0.0.1]', "[::ffff:127.0.0.1]:$port", "[::ffff:7f00:1]:$port", '10.0.0.1',
	'[fe80::1]', '[fd00::1]', '100.64.0.1', "localhost:$port", "LOCALHOST:$port")
{
	my $name = $host =~ s/:\d+$//r;
	# "127.1" and its like become 127.0.0.1 on the way
	configure('vapi_sales.base_url' => "https://$host", 'vapi_sales.allowed_hosts' => "$name,127.0.0.1,0.0.0.0");
	$server->forget;
	my $got = get('fine');
	is($got->{code}, 'VS001', "$host: refused") or diag($got->{text});
	like(($got->{message} // '') . ($got->{detail} // ''), qr/not a public one/, "$host: because of its address");
	cmp_ok($got->{seconds}, '<', 10, "$host: at once");
	is($server->connections, 0, "$host: no connection");
}
for my $case (
	[ "http://localhost:$port", 'localhost', qr/Plain http/ ],
	[ "https://localhost:$port", 'api.vapi.ai', qr/not in vapi_sales.allowed_hosts/ ],
	[ "https://localhost:$port", '', qr/not in vapi_sales.allowed_hosts/ ],
	[ "https://sub.localhost:$port", 'localhost', qr/not in vapi_sales.allowed_hosts/ ])
{
	my ($url, $allowed, $why) = @$case;
	configure('vapi_sales.base_url' => $url, 'vapi_sales.allowed_hosts' => $allowed);
	my $got = get('fine');
	is($got->{code}, 'VS001', "$url with \"$allowed\": refused");
	like($got->{detail} // '', $why, "$url with \"$allowed\": the reason");
	is($server->connections, 0, "$url with \"$allowed\": no connection");
}

# Failures leave nothing behind: 300 in one session, in transactions of their own and in one.
configure(
	'vapi_sales.base_url' => $server->url,
	'vapi_sales.allowed_hosts' => '127.0.0.1',
	'vapi_sales.allow_private_hosts' => 'on',
	'vapi_sales.max_attempts' => 1,
	'vapi_sales.http_timeout' => '100ms');
{
	my $session = $node->background_psql('calls');
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	my $open = sub { return scalar(my @files = glob "/proc/$pid/fd/*"); };
	my $resident = sub { return slurp_file("/proc/$pid/status") =~ /^VmRSS:\s*(\d+)/m ? $1 : die 'no VmRSS'; };
	my $contexts = 'SELECT count(*) FROM pg_backend_memory_contexts';
	my @behaviours = qw(reset truncated missing long-length redirect unavailable garbage bad-gzip not-json silent);
	my $round = sub {
		my ($times) = @_;
		for my $i (1 .. $times)
		{
			$session->query_safe(<<"SQL") for $behaviours[ $i % @behaviours ];
DO \$\$ BEGIN PERFORM vapi.vapi_get_call('$_'); EXCEPTION WHEN OTHERS THEN NULL; END \$\$
SQL
		}
		my $list = join ',', map { "'$_'" } @behaviours;
		$session->query_safe(<<"SQL");
DO \$\$ BEGIN FOR i IN 1..$times LOOP BEGIN
	PERFORM vapi.vapi_get_call((ARRAY[$list])[1 + i % @{[ scalar @behaviours ]}]);
EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END \$\$
SQL
		return;
	};
	$round->(20);
	my @before = ($open->(), $session->query_safe($contexts), $resident->());
	$server->forget;
	$round->(150);
	is(scalar($server->requests), 300, '300 requests failed');
	my @after = ($open->(), $session->query_safe($contexts), $resident->());
	note("open files $before[0] -> $after[0], memory contexts $before[1] -> $after[1], resident $before[2] -> $after[2] kB");
	cmp_ok($after[0], '<=', $before[0], 'no file descriptor is left behind');
	cmp_ok($after[1], '<=', $before[1], 'no memory context is left behind');
	# a lost handle or buffer adds up to more than malloc's own ups and downs
	cmp_ok($after[2] - $before[2], '<', 400, 'nor other memory');
	is($session->query_safe("SELECT count(*) FROM pg_backend_memory_contexts WHERE name ~ 'HTTP'"), '0', 'no HTTP client is left behind');
	$session->quit;
}

# Many requests of one import share a connection, and their answers are compressed.
{
	my $simulator = VapiSales::Test->simulator(calls => 200, bytes => 5000);
	configure('vapi_sales.base_url' => $simulator->url, 'vapi_sales.page_size' => 20, 'vapi_sales.http_timeout' => '60s');
	# in a database of its own: the simulator has another organisation
	$node->safe_psql('postgres', 'CREATE DATABASE imported');
	$node->safe_psql('imported', 'CREATE EXTENSION vapi_sales');
	my $before = $simulator->admin('stats');
	my $run = $node->safe_psql('imported',
		q{SELECT status, requests, wire_bytes < body_bytes / 2 FROM vapi.vapi_sync("from" => '2026-01-01', "to" => '2026-02-01')});
	my $after = $simulator->admin('stats');
	like($run, qr/^complete\|\d\d\|t$/, 'an import in ten requests and more, compressed on the wire') or diag($run);
	# one of them is the test's own
	cmp_ok($after->{connections} - $before->{connections}, '<=', 3, 'over one connection, or two');
}

is($elsewhere->connections, 0, 'still no connection to where nobody should go');
$node->stop;
done_testing();
