# Recordings through real nginx and PostgREST: byte for byte, with ranges; one question to Vapi a play; a URL that expires in the midst of
# it; who may hear what; where requests never go; what never reaches a client.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 sha256_hex);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Test;
use VapiSales::Web;

VapiSales::Test::skip_without_simulator();
VapiSales::Web::skip_without_programs();
plan skip_all => 'no CA certificates' unless -f '/etc/ssl/certs/ca-certificates.crt';

my $key = 'a key of tokens that is long enough for HS256';
my $simulator = VapiSales::Test->simulator(calls => 60, bytes => 45000);
my $node = VapiSales::Test->node('main', simulator => $simulator, config => "vapi_sales.storage_hosts = '127.0.0.1'\nlog_statement = none\n");
sub value { return $node->safe_psql('calls', $_[0]); }
value(q{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE webhook; CREATE ROLE bi;
	CREATE ROLE viewer; CREATE ROLE agent; CREATE ROLE admin; CREATE ROLE other;
	GRANT webhook, viewer, agent, admin, bi, other TO authenticator;
	SELECT vapi.vapi_grant('webhook', 'webhook'), vapi.vapi_grant('viewer', 'viewer'), vapi.vapi_grant('agent', 'agent'),
		vapi.vapi_grant('admin', 'admin'), vapi.vapi_grant('bi', 'bi'), vapi.vapi_grant('other', 'agent', '{somebody-else}')});
VapiSales::Test->write_secret($node, 'webhook_secret', 'a-secret');
VapiSales::Test->write_secret($node, 'jwt_secret', $key);
my $web = VapiSales::Web->new($node, 'webhook', public => 1, recordings => 1, rates => { vapi_api => '100000r/s', vapi_token => '100000r/s' });
my ($root, $json) = ($web->root, JSON::PP->new->canonical);
value(q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});

sub token
{
	my ($role) = @_;
	my $signed = join '.', map { encode_base64url($json->encode($_)) } { alg => 'HS256', typ => 'JWT' }, { role => $role, exp => time() + 3600 };
	return "$signed." . encode_base64url(hmac_sha256($signed, $key));
}
my %as = map { $_ => [ Authorization => 'Bearer ' . token($_) ] } qw(viewer agent admin bi other webhook);

sub hear
{
	my ($path, @headers) = @_;
	return $web->request('GET', "$root/api/vapi/recordings/$path", undef, @{ $as{agent} }, @headers);
}

# vapi(): how many requests Vapi itself has had; storage(): the storage
sub paths { my ($pattern) = @_; my $by = $simulator->admin('stats')->{byPath}; my $n = 0; $n += $by->{$_} for grep { /$pattern/ } keys %$by; return $n; }
sub vapi { return paths(qr{ /call/}); }
sub storage { return paths(qr{ /_storage}); }

# The longest call, and what its storage holds.
my $id = value(q{SELECT call_id FROM vapi_internal.call ORDER BY duration_seconds DESC NULLS LAST LIMIT 1});
sub original
{
	my ($kind) = @_;
	my $http = HTTP::Tiny->new(max_redirect => 0);
	my $location = $http->get($simulator->url . "/call/$id/$kind-recording", { headers => { Authorization => "Bearer $VapiSales::Test::KEY" } })->{headers}{location};
	return HTTP::Tiny->new->get($location)->{content};
}
my %whole = map { $_ => original($_) } qw(mono stereo customer assistant);
my $mono = $whole{mono};
my $length = length $mono;
note("$length bytes of " . value("SELECT duration_seconds FROM vapi_internal.call WHERE call_id = '$id'") . ' s');
cmp_ok($length, '>', 1_000_000, 'a long one');

# 1. Byte for byte.
for my $kind (sort keys %whole)
{
	my $answer = hear("$id?kind=$kind");
	is($answer->{status}, 200, "$kind: 200") or diag($answer->{content} =~ /^\{/ ? $answer->{content} : '', slurp_file("$web->{folder}/error.log"));
	is(sha256_hex($answer->{content}), sha256_hex($whole{$kind}), "$kind: identical");
	is($answer->{headers}{'content-type'}, 'audio/wav', "$kind: its type");
}
is(sha256_hex(hear($id)->{content}), sha256_hex($mono), 'without a kind: mono');
my @ranges = (
	[ 'bytes=100-199', 206, substr($mono, 100, 100) ], [ 'bytes=0-0', 206, substr($mono, 0, 1) ], [ 'bytes=44-', 206, substr($mono, 44) ],
	[ 'bytes=-100', 206, substr($mono, -100) ], [ 'bytes=0-' . ($length + 5), 206, $mono ]);
for my $range (@ranges)
{
	my $answer = hear($id, Range => $range->[0]);
	is("$answer->{status} " . sha256_hex($answer->{content}), "$range->[1] " . sha256_hex($range->[2]), "range $range->[0]");
	is($answer->{headers}{'content-length'}, length $range->[2], "range $range->[0]: its length");
	like($answer->{headers}{'content-range'}, qr{^bytes \d+-\d+/$length$}, "range $range->[0]: where it lies");
}
my $answer = hear($id, Range => "bytes=$length-");
is("$answer->{status} $answer->{headers}{'content-range'}", "416 bytes */$length", 'past the end: 416');
$answer = $web->request('HEAD', "$root/api/vapi/recordings/$id", undef, @{ $as{agent} });
is("$answer->{status} $answer->{headers}{'content-length'} $answer->{headers}{'accept-ranges'}", "200 $length bytes", 'HEAD');
is(sha256_hex(value("SET ROLE admin; SELECT encode(vapi.vapi_get_recording('$id', 'stereo'), 'hex')")), sha256_hex(unpack 'H*', $whole{stereo}), 'by SQL');

# 2. One play of many requests is one question to Vapi, one row of the audit.
value('TRUNCATE vapi_internal.recording_url');
my ($asked, $rows) = (vapi(), value("SELECT count(*) FROM vapi.audit WHERE action = 'recording'"));
my $budget = value('SELECT last_value FROM vapi_internal.budget_all');
my $all = join '', map { hear($id, Range => sprintf 'bytes=%d-%d', $_ * 5000, $_ * 5000 + 4999)->{content} } 0 .. 199;
is(sha256_hex($all), sha256_hex(substr $mono, 0, 1_000_000), '200 ranges');
is(vapi() - $asked, 1, 'are one question to Vapi');
is(value("SELECT count(*) FROM vapi.audit WHERE action = 'recording'"), $rows, 'and the same hearing as before');
is(value("SELECT string_agg(DISTINCT outer_role || ' ' || (detail ->> 'kind'), ', ' ORDER BY outer_role || ' ' || (detail ->> 'kind')) FROM vapi.audit WHERE action = 'recording'"),
	'admin stereo, agent assistant, agent customer, agent mono, agent stereo', 'the audit says who heard what');
value('TRUNCATE vapi_internal.recording_url');
$asked = vapi();
{
	my @curls = map { IPC::Run::start([ 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', "Authorization: $as{agent}[1]", "$root/api/vapi/recordings/$id" ], '>', \my $out, '2>&1') } 1 .. 8;
	$_->finish for @curls;
}
is(vapi() - $asked, 1, 'eight who begin at once ask Vapi once');

# 3. A URL that has expired in the midst of a play.
my $life = value("SELECT expires_at - now() > '25 min' FROM vapi_internal.recording_url WHERE call_id = '$id' AND kind = 'mono'");
is($life, 't', 'the URL is kept for its life');
hear($id, Range => 'bytes=0-999');
$simulator->admin('clock', { advanceMs => 1900000 });
$asked = vapi();
$answer = hear($id, Range => 'bytes=1000-1999');
is("$answer->{status} " . sha256_hex($answer->{content}), '206 ' . sha256_hex(substr $mono, 1000, 1000), 'it goes on');
is(vapi() - $asked, 1, 'after one more question to Vapi');
is(hear($id, Range => 'bytes=2000-2999')->{status}, 206, 'and on');
is(vapi() - $asked, 1, 'without another one');
$simulator->admin('clock', { advanceMs => 1900000 });
is(sha256_hex(value("SET ROLE admin; SELECT encode(vapi.vapi_get_recording('$id', 'mono'), 'hex')")), sha256_hex(unpack 'H*', $mono), 'by SQL as well');
$simulator->request('PUT', '/_sim/faults', [ { kind => 'status', status => 403, path => '^/_storage' } ]);
$answer = hear($id);
is($answer->{status}, 502, 'a storage that refuses every URL: 502');
is($json->decode($answer->{content})->{detail}, 'The storage of recordings did not serve this one. Try again.', 'as a problem');
$simulator->request('PUT', '/_sim/faults', []);

# 4. Clear errors.
sub problem
{
	my ($name, $status, $pattern, $path, @headers) = @_;
	my $got = $web->request('GET', "$root/api/vapi/recordings/$path", undef, @headers ? @headers : @{ $as{agent} });
	is($got->{status}, $status, "$name: $status") or diag($got->{content});
	like($got->{content}, $pattern, "$name: why");
	return;
}
my $silent = value(q{SELECT call_id FROM vapi_internal.call WHERE started_at IS NULL LIMIT 1});
problem('no recording', 404, qr/HIPAA.*there is no mono recording of call/, $silent);
problem('no call', 404, qr/there is no call/, 'no-such-call');
problem('no kind', 400, qr/there is no kind of recording/, "$id?kind=video");
problem('a kind of another kind', 400, qr/there is no kind/, "$id?kind=%22%7D");
problem('not mine', 404, qr/there is no call/, $id, @{ $as{other} });
problem('no token', 401, qr/./, $id, 'X-None' => '');
problem($_, 403, qr/./, $id, @{ $as{$_} }) for qw(viewer bi);
is($web->request($_, "$root/api/vapi/recordings/$id", undef, @{ $as{agent} })->{status}, 405, "$_: 405") for qw(POST PUT DELETE);
$simulator->request('PUT', '/_sim/faults', [ { kind => 'status', status => 400, path => 'recording$', message => 'This call is older than your retention.' } ]);
value('TRUNCATE vapi_internal.recording_url');
problem('retention passed', 400, qr/Vapi no longer keeps the recording/, $id);
$simulator->request('PUT', '/_sim/faults', []);

# 5. Where requests never go. What Vapi says counts only as far as our own list goes; nothing reaches the storage.
my %bad = (private => 'http://10.0.0.1/x', metadata => 'http://169.254.169.254/latest', 'another host' => 'https://evil.example/x', user => 'http://user@127.0.0.1/x',
	'a name like it' => 'http://127.0.0.1.evil.example/x', scheme => 'file:///etc/passwd', 'IPv6' => 'http://[::1]/x', 'no URL' => '/x', blank => 'http://127.0.0.1/x y');
my $stored = storage();
for my $name (sort keys %bad)
{
	$simulator->request('PUT', '/_sim/faults', [ { kind => 'redirect', path => 'recording$', location => $bad{$name} } ]);
	problem("refused: $name", 502, qr/refused to send a request/, $id);
}
$simulator->request('PUT', '/_sim/faults', [ { kind => 'redirect', path => '^/_storage', location => 'http://169.254.169.254/' } ]);
problem('a redirect of the storage', 502, qr/storage of recordings did not serve/, $id);
is(storage() - $stored, 1, 'is not followed');
$simulator->request('PUT', '/_sim/faults', []);

# In production only https on its usual port, to public addresses, whatever a name says: before anything is sent.
$node->append_conf('postgresql.conf', "vapi_sales.allow_private_hosts = off\nvapi_sales.storage_hosts = '127.0.0.1, localhost, storage.example'\n");
$node->reload;
$node->poll_query_until('calls', q{SELECT current_setting('vapi_sales.allow_private_hosts') = 'off'}) or die 'no reload';
$stored = storage();
my $port = $simulator->port;
for my $url ([ 'plain http', 'http://storage.example/x', qr/Plain http/ ], [ 'another port', 'https://storage.example:8443/x', qr/another port/ ],
	[ 'a private address', 'https://127.0.0.1/x', qr/not a public one/ ], [ 'the same in decimal', 'https://2130706433/x', qr/not a public one|not in/ ],
	[ 'a name of a private address', 'https://localhost/x', qr/an address that is not a public one/ ], [ 'a user', 'https://a:b@storage.example/x', qr/user name/ ],
	[ 'another host', "https://evil.example/x", qr/not in vapi_sales.storage_hosts/ ])
{
	my ($result, $out, $err) = $node->psql('calls', "SELECT vapi_internal.check_recording_url('$url->[1]')", extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, qr/ERROR:  VS001.*$url->[2]/s, "production refuses: $url->[0]");
}
is(storage(), $stored, 'nothing was sent');
$node->append_conf('postgresql.conf', "vapi_sales.allow_private_hosts = on\nvapi_sales.storage_hosts = '127.0.0.1'\n");
$node->reload;
$node->poll_query_until('calls', q{SELECT current_setting('vapi_sales.allow_private_hosts') = 'on'}) or die 'no reload';

# 6. What never reaches a client, and what no client can call.
for my $try ([ GET => {} ], [ HEAD => {} ], [ GET => { Range => 'bytes=0-9' } ], [ GET => { Range => "bytes=$length-" } ])
{
	my $got = $web->request($try->[0], "$root/api/vapi/recordings/$id", undef, @{ $as{agent} }, %{ $try->[1] });
	is_deeply([ grep { /^(x-rec|x-accel|x-vapi|set-cookie|location|access-control|server-timing|vary)/ } keys %{ $got->{headers} } ], [], "$try->[0] " . ($try->[1]{Range} // '') . ': only what a player needs');
	is_deeply([ grep { ($got->{headers}{$_} // '') =~ /SIMSECRET|_storage/ } keys %{ $got->{headers} } ], [], 'and no URL');
}
for my $role (qw(viewer agent admin bi other webhook))
{
	my ($result, $out, $err) = $node->psql('calls', "SET ROLE $role; SELECT vapi_edge.recording_source('$id', 'mono')");
	like($err, qr/permission denied for function recording_source/, "$role: not the location");
	like($web->request('POST', "$root/rest/rpc/recording_source", $json->encode({ id => $id, kind => 'mono' }), 'Content-Type' => 'application/json', 'Content-Profile' => 'vapi_edge', @{ $as{$role} })->{status},
		qr/^40[346]$/, "$role: nor by REST");
	($result, $out, $err) = $node->psql('calls', "SET ROLE $role; SELECT vapi_internal.locate_recording('$id', 'mono', 0)");
	like($err, qr/permission denied/, "$role: nor what it calls");
}
is($web->get("$root$_", @{ $as{admin} })->{status}, 404, "from outside there is no $_") for '/_vapi_recording_source', '/_vapi_recording_audio', '/_vapi_recording_again', '/_vapi_recording_audio_again';
is($web->request('GET', "$root/api/vapi/recordings/$id", undef, @{ $as{agent} }, 'X-Rec-Host' => 'evil.example', 'X-Rec-Address' => '10.0.0.1', 'X-Accel-Redirect' => '/x')->{status}, 200, 'a client\'s headers change nothing');

# 7. Who goes away ends the fetch.
$simulator->request('PUT', '/_sim/faults', [ { kind => 'slow-body', path => '^/_storage', ms => 60000, chunks => 100 } ]);
my $socket = IO::Socket::INET->new(PeerAddr => $root =~ s{^http://}{}r) or die $!;
print $socket "GET /api/vapi/recordings/$id HTTP/1.1\r\nHost: x\r\nAuthorization: $as{agent}[1]\r\n\r\n";
sysread $socket, my $some, 2000;
like($some, qr{^HTTP/1.1 200}, 'it has begun');
cmp_ok($simulator->admin('stats')->{running}, '>=', 1, 'the storage is sending');
close $socket;
VapiSales::Test->wait_until('the storage stops', sub { $simulator->admin('stats')->{running} == 0 }, 30);
$simulator->request('PUT', '/_sim/faults', []);

# 8. Twenty at once, once the programs have what they need to run.
my @play = ("$root/api/vapi/recordings/$id", $as{agent}[1]);
$_->finish for $web->plays(20, @play);
my $before = $web->memory;
my $begun = storage();
my @plays = $web->plays(20, @play, '50k');
VapiSales::Test->wait_until('twenty play', sub { storage() - $begun >= 20 }, 60);
my $grown = $web->memory - $before;
note(sprintf 'twenty plays: %d kB more than %d kB', $grown, $before);
is(scalar(grep { $_->pumpable } @plays), 20, 'all of them');
cmp_ok($grown, '<', 20480, 'grow the memory of nginx and PostgreSQL by less than 20 MB');
for (@plays) { $_->signal('TERM'); eval { $_->finish }; }

# 9. The presigned URL is nowhere in clear.
hear($id);
is(value("SELECT count(*) FROM vapi_internal.recording_url WHERE position('SIMSECRET'::bytea IN sealed) > 0 OR position('http'::bytea IN sealed) > 0"), 0, 'it is sealed');
VapiSales::Test->write_secret($node, 'vapi_api_key', 'another key');
is(hear($id)->{status}, 502, 'with another key it does not open, and Vapi refuses that key');
VapiSales::Test->write_secret($node, 'vapi_api_key', $VapiSales::Test::KEY);
is(hear($id)->{status}, 200, 'with the right one all is well');
value("UPDATE vapi_internal.recording_url SET sealed = set_byte(sealed, 20, (get_byte(sealed, 20) + 1) % 256)");
is(hear($id)->{status}, 200, 'a row that was changed counts for nothing');
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('calls'), '-f', $dump ], 'a dump');
unlike(slurp_file($dump), qr{SIMSECRET|_storage}, 'has no presigned URL');
unlike(join('', slurp_file($node->logfile), map { slurp_file($_) } glob "$web->{folder}/*.log"), qr{SIMSECRET}, 'nor have the logs');

$web->stop;
$node->stop;
done_testing();
