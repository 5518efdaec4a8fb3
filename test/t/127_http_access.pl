# What tokens can reach over HTTP: every view and function of the catalog by every role, errors of every route, attempts by parameters and
# headers, and what a viewer can learn.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use VapiSales::Test;
use VapiSales::Web;

VapiSales::Test::skip_without_simulator();
VapiSales::Web::skip_without_programs();

my $key = 'a key of tokens that is long enough for HS256';
my $json = JSON::PP->new->canonical->allow_nonref;
my $simulator = VapiSales::Test->simulator(calls => 80, bytes => 3000, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
my @profiles = qw(viewer agent admin webhook bi recording); # as expected/access.out has its columns
$node->safe_psql('calls', q{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE webhook; CREATE ROLE bi; CREATE ROLE plain; CREATE ROLE viewer; CREATE ROLE agent;
	CREATE ROLE admin; CREATE ROLE narrow; CREATE ROLE recording;
	GRANT webhook, viewer, agent, admin, bi, plain, narrow, recording TO authenticator;
	SELECT vapi.vapi_grant('webhook', 'webhook'), vapi.vapi_grant('recording', 'recording'), vapi.vapi_grant('viewer', 'viewer'), vapi.vapi_grant('agent', 'agent'),
		vapi.vapi_grant('admin', 'admin'), vapi.vapi_grant('bi', 'bi'), vapi.vapi_grant('narrow', 'viewer', ARRAY['no such assistant']);
	SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});
VapiSales::Test->finish_work($node, 'calls');
# What a function of somebody else's could answer with.
$node->safe_psql('calls', q{
	CREATE FUNCTION vapi.test_headers() RETURNS text LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
		SELECT 'plain' FROM set_config('response.headers', '[{"X-Accel-Redirect": "/_vapi_authorize_stream"}, {"X-Accel-Buffering": "no"}, {"X-Vapi-Problem": "{}"}]', true) $$;
	GRANT EXECUTE ON FUNCTION vapi.test_headers() TO agent});
VapiSales::Test->write_secret($node, 'webhook_secret', 'a-secret');
VapiSales::Test->write_secret($node, 'jwt_secret', $key);
my %high = map { $_ => '100000r/s' } qw(vapi_api vapi_token vapi_webhook vapi_login vapi_stream);
my $web = VapiSales::Web->new($node, 'webhook', public => 1, rates => \%high);
my $root = $web->root;

sub value { return $node->safe_psql('calls', $_[0]); }
sub token
{
	my ($role, %claims) = @_;
	my $signed = join '.', map { encode_base64url($json->encode($_)) } { alg => 'HS256', typ => 'JWT' }, { role => $role, exp => int(time() + 3600), %claims };
	return "Bearer $signed." . encode_base64url(hmac_sha256($signed, $key));
}
my %token = map { $_ => token($_) } @profiles, qw(plain narrow);

# ask(method, path, role or undef, body or undef, header => value...): HTTP::Tiny's answer, data its decoded body.
sub ask
{
	my ($method, $path, $role, $body, %headers) = @_;
	$headers{Authorization} //= $token{$role} if defined $role;
	$headers{'Content-Type'} //= 'application/json' if defined $body;
	my $answer = $web->request($method, "$root$path", ref $body ? JSON::PP->new->utf8->encode($body) : $body, %headers);
	$answer->{content} //= '';
	$answer->{data} = eval { $json->decode($answer->{content}) };
	return $answer;
}
sub escape { my ($text) = @_; utf8::encode($text); return $text =~ s/([^A-Za-z0-9_.-])/sprintf '%%%02X', ord $1/ger; }

# 1. What each role may is the list that is checked in for its profile, by the description of /rest/ and by asking.
my (%listed, %exists);
for my $line (split /\n/, slurp_file("$VapiSales::Test::ROOT/expected/access.out"))
{
	my ($object, @granted) = map { s/^\s+|\s+$//gr } split /\|/, $line, -1;
	next unless @granted == @profiles && $object =~ /^vapi\.(\w+)(\(.*\))?$/;
	my $path = $2 ? "/rpc/$1" : "/$1";
	$exists{$path} = 1;
	for my $i (0 .. $#profiles) { $listed{ $profiles[$i] }{$path} = 1 if $granted[$i] ne ''; }
}
cmp_ok(scalar keys %{ $listed{admin} }, '>', 50, 'the list is read');
delete $listed{webhook}; # it has its function by the other PostgREST, and this one lets nobody in with it
my %parameters; # of functions, by path: [name, has a default]
for my $row (split /\n/, value(q{SELECT p.proname || E'\t' || coalesce(string_agg(a.name || ',' || (a.place > p.pronargs - p.pronargdefaults)::int, ' ' ORDER BY a.place), '')
	FROM pg_proc p LEFT JOIN LATERAL (SELECT n.name, n.place FROM unnest(p.proargnames) WITH ORDINALITY AS n(name, place)
			WHERE n.place <= p.pronargs AND coalesce(p.proargmodes[n.place], 'i') = 'i') AS a ON true
	WHERE p.pronamespace = 'vapi'::regnamespace GROUP BY p.oid}))
{
	my ($name, $arguments) = split /\t/, $row, -1;
	$parameters{"/rpc/$name"} = [ map { [ split /,/ ] } split / /, $arguments // '' ];
}
for my $role (grep { $listed{$_} } @profiles)
{
	my $answer = ask('GET', '/rest/', $role);
	is("$answer->{status} $answer->{data}{swagger}", '200 2.0', "$role: /rest/ describes itself") or next;
	my @named = sort grep { $_ ne '/' && $_ ne '/rpc/test_headers' } keys %{ $answer->{data}{paths} };
	is_deeply(\@named, [ sort keys %{ $listed{$role} } ], "$role: with every view and function of its profile, and no other");
}
is(ask('GET', '/rest/', $_)->{status}, $_ ? 403 : 401, ($_ // 'nobody') . ': no description') for undef, 'plain', 'webhook';
for my $role (undef, 'plain', @profiles)
{
	my (@open, @closed, @ungraceful);
	# The PostgREST of requests that wait for Vapi takes who has no token for the role recording, and the other way round.
	my %refusal = map { $_ => 1 } !defined $role ? 401 : $role eq 'recording' ? (401, 403) : 403;
	for my $path (sort keys %exists)
	{
		my %arguments = map { $_->[0] => undef } grep { $listed{ $role // '' }{$path} ? !$_->[1] : 1 } @{ $parameters{$path} // [] };
		my $answer = ask(exists $parameters{$path} ? ('POST', "/rest$path", $role, \%arguments) : ('GET', "/rest$path?limit=1", $role));
		my $allowed = $listed{ $role // '' }{$path};
		push @open, "$path: $answer->{status}" if !$allowed && !$refusal{ $answer->{status} } && !($path eq '/rpc/vapi_webhook' && $answer->{status} == 404); # no function for JSON
		push @closed, "$path: $answer->{status}" if $allowed && $answer->{status} =~ /^40[13]$/;
		push @ungraceful, "$path: $answer->{status} $answer->{content}" if $answer->{status} >= 500 && !($allowed && $answer->{status} == 503);
	}
	is("@open", '', ($role // 'nobody') . ': nothing else');
	is("@closed", '', ($role // 'nobody') . ': but that');
	is("@ungraceful", '', ($role // 'nobody') . ': no failure of the server') or diag(substr slurp_file($node->logfile), -2000);
}
my @inner = split /\n/, value(q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace IN ('vapi_edge'::regnamespace, 'vapi_internal'::regnamespace) AND proname !~ '^vapi_'});
my @reached = grep { ask('POST', "/rest/rpc/$_", 'admin', {})->{status} != 404 } @inner;
is("@reached", '', 'no function of the inner schemas is under /rest/ (' . @inner . ')');
@reached = grep { ask('GET', "/rest/$_", 'admin')->{status} != 404 } grep { !$exists{"/$_"} } split /\n/, value(q{SELECT relname FROM pg_class WHERE relnamespace = 'vapi_internal'::regnamespace AND relkind IN ('r', 'v')});
is("@reached", '', 'nor one of their tables');

# 2. Claims make nobody more than its role.
my $of_narrow = ask('GET', '/api/vapi/calls', 'narrow')->{data}{total};
is($of_narrow, 0, 'a role limited to an assistant sees the calls of no other');
for my $claims ({ profile => 'admin' }, { assistants => undef, assistant_ids => ['*'], scope => undef }, { 'request.jwt.claims' => { role => 'admin' } }, { roles => ['admin'], is_admin => \1, login => 'admin' })
{
	my %with = (Authorization => token('narrow', %$claims));
	is(ask('GET', '/api/vapi/calls', undef, undef, %with)->{data}{total}, 0, 'not with ' . $json->encode($claims));
	is(ask('POST', '/api/vapi/sync', undef, {}, %with)->{status}, 403, 'nor does it import');
}
is(ask('GET', '/api/session', undef, undef, Authorization => token('viewer', profile => 'admin'))->{data}{profile}, 'viewer', 'the session says what counts');

# 3. Errors of every route: a problem with its own status, nothing of SQL, and no failure of the server, whatever is sent.
my @routes = (qw(/api/vapi/calls /api/vapi/calls/no-such-call /api/vapi/calls/x.html /api/vapi/calls/ /api/vapi/sync /api/login /api/logout /api/change-password /api/session /api/nothing
	/rest/ /rest/calls /rest/nothing /rest/rpc/vapi_search_calls /rest/rpc/nothing /rest/rpc/vapi_grant /rest/rpc/), '/rest/calls?colour=eq.red', '/rest/calls?id=red', '/rest/calls?select=a(b',
	'/rest/calls?limit=x', '/rest/calls?order=nothing.desc', '/rest/rpc/vapi_search_calls?page=x', '/rest/rpc/vapi_search_calls?colour=red', '/api/vapi/calls?colour=red', '/api/vapi/calls?page=x',
	'/api/vapi/calls/%00', '/api/vapi/calls/%ff', '/rest/%00', '/rest/calls?id=eq.%ff', "/rest/rpc/vapi_call?id=1", '/api/webhooks/vapi');
my @bodies = (undef, '{', '[]', '"x"', '{"a": 1}', '{"login": 1, "password": 2}', '{"logn": "x"}', '{"from": 1, "to": {}}', '{"old_password": ["x"]}', '{"a\u0000": 1}', "\xff\xfe", '[' x 3000, 'null');
my (@wrong, @said, $asked);
for my $path (@routes)
{
	for my $method (qw(GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND))
	{
		for my $body ($method eq 'POST' ? ($path =~ m{^/api/(vapi/sync|login|change|webhooks)|^/rest/rpc/vapi_search_calls$} ? @bodies : @bodies[ 0, 1, 4 ]) : $method =~ /^P[UA]TC?H?$/ ? $bodies[4] : undef)
		{
			for my $type ($method eq 'POST' && ($body // '') eq '{"a": 1}' ? ('application/json', 'text/plain', 'application/xml', 'application/octet-stream', 'text/csv') : 'application/json')
			{
				my $answer = ask($method, $path, $path =~ m{login|webhook} ? undef : 'agent', $body, 'Content-Type' => $type);
				my $what = "$method $path " . ($body // '') . " ($type): $answer->{status}";
				$asked++;
				push @wrong, "$what: a failure" if $answer->{status} >= 500;
				next if $answer->{status} < 400;
				push @said, "$what: $answer->{content}" if $answer->{content} =~ /PL\/pgSQL|CONTEXT|vapi_internal|pg_catalog|\bSELECT\b|\.c:\d|socket|PostgreSQL|postgres:/;
				if ($method eq 'HEAD') { push @wrong, "$what: a body" if $answer->{content} ne ''; next; }
				# The webhook's own answers are for Vapi.
				next if $path eq '/api/webhooks/vapi' && $answer->{status} =~ /^(400|401|413)$/;
				push @wrong, "$what: no problem: $answer->{content}" unless ($answer->{headers}{'content-type'} // '') eq 'application/problem+json'
				  && ref $answer->{data} eq 'HASH' && $answer->{data}{status} == $answer->{status} && $answer->{data}{type} eq 'about:blank' && $answer->{data}{title};
				push @said, "$what: $answer->{content}" if $path =~ m{^/api} && $answer->{content} =~ /PGRST|schema|function|"code"/i;
			}
		}
	}
}
is(join("\n", @wrong), '', "errors are problems ($asked requests)");
is(join("\n", @said), '', 'and say nothing of the inside');
my $answer = ask('POST', '/api/login', undef, { logn => 'x', password => 'y' });
is("$answer->{data}{detail} / $answer->{data}{hint}", 'there is no member "logn" / Members are login, password, each a text.', 'a wrong member is named');
is(ask('POST', '/api/change-password', 'agent', { old => 'x' })->{data}{detail}, 'there is no member "old"', 'so it is here');
like(ask('POST', '/api/vapi/sync', 'admin', { from => 5, to => 'x' })->{content}, qr/\\"from\\" must be a text/, 'and a wrong type');
is(ask('GET', '/api/vapi/calls?' . escape("\x{e4}\x{1f600}") . '=1', 'agent')->{data}{detail}, "there is no parameter \"\x{e4}\x{1f600}\"", 'letters of every kind are shown as they were');

# 4. Parameters are only values.
my @attempts = (q{'}, q{''; DROP SCHEMA vapi CASCADE; --}, q{x' OR '1'='1}, q{') UNION SELECT login FROM vapi.accounts --}, q{$$; SELECT pg_sleep(60); $$}, '\\', '%', '_', '{"x":1}', '{}',
	'[]', '-1', '1e400', '9999999999999999999', 'NaN', 'infinity', '2026-13-45', "\x{202e}\x{0}", "\x{e4}" x 500, '../../x', '${x}', '*', '(', 'pg_sleep(60)', "a\r\nX-Injected: yes", '1; SELECT 1', 'null', 'true');
my $calls = value('SELECT count(*) FROM vapi_internal.call');
my $begin = time();
my ($place, @bad) = 0;
for my $name (qw(page limit status date_from date_to search assistant outcome direction score_min score_max cost_min cost_max duration_min duration_max phone_number campaign sort next time_zone))
{
	$place++;
	for my $text (@attempts[ map { 2 * $_ + $place % 2 } 0 .. $#attempts / 2 - 1 ])
	{
		my $answer = ask('GET', "/api/vapi/calls?$name=" . escape($text), 'viewer');
		push @bad, "$name=$text: $answer->{status} $answer->{content}" if $answer->{status} !~ /^(200|400)$/ || $answer->{headers}{'x-injected'};
	}
}
for my $path (sort grep { exists $parameters{$_} && $_ ne '/rpc/vapi_call' } keys %{ $listed{viewer} })
{
	for my $parameter (map { $_->[0] } @{ $parameters{$path} })
	{
		for my $text (@attempts[ 3, 17 ])
		{
			my $answer = ask('POST', "/rest$path", 'viewer', { $parameter => $text });
			push @bad, "$path $parameter=$text: $answer->{status} $answer->{content}" if $answer->{status} !~ /^(200|400|404)$/ || $answer->{content} =~ /vapi_internal|CONTEXT|PL\/pgSQL/;
		}
	}
}
for my $query (map { my $text = escape($_); ("id=eq.$text", "id=in.($text)", "select=$text", "order=$text", "or=($text)", "$text=eq.1", "limit=$text", "id=$text.1") } @attempts[ 0 .. 9, 17, 24 ])
{
	my $answer = ask('GET', "/rest/calls?$query", 'viewer');
	push @bad, "$query: $answer->{status} $answer->{content}" if $answer->{status} !~ /^(200|206|400|404|416)$/ || $answer->{content} =~ /vapi_internal|password|CONTEXT/;
}
is(join("\n", @bad), '', 'no parameter is anything but a value');
cmp_ok(time() - $begin, '<', 600, 'and none makes the server sleep');
is(value('SELECT count(*) FROM vapi_internal.call'), $calls, 'nothing is gone');

# 5. Headers of a request reach no inner place, those of an answer neither.
my $same = ask('GET', '/api/vapi/calls?limit=3', 'agent')->{content};
for my $header ([ 'X-Vapi-Query' => 'limit=50' ], [ 'X-Accel-Redirect' => '/_vapi_authorize_stream' ], [ 'X-Vapi-Problem' => '{}' ], [ 'X-Vapi-Channel' => 'x' ], [ 'Accept-Profile' => 'vapi' ],
	[ 'Content-Profile' => 'vapi' ], [ 'Prefer' => 'tx=rollback, count=exact, params=single-object, return=minimal' ], [ 'Range' => '0-0' ], [ 'X-Original-URL' => '/rest/accounts' ], [ 'X-Rewrite-URL' => '/rest/accounts' ],
	[ 'X-HTTP-Method-Override' => 'DELETE' ], [ 'Accept' => 'text/csv' ], [ 'X-Forwarded-For' => '127.0.0.1' ], [ 'Connection' => 'Authorization' ], [ 'If-None-Match' => '*' ], [ 'Content-Encoding' => 'gzip' ])
{
	is(ask('GET', '/api/vapi/calls?limit=3', 'agent', undef, @$header)->{content}, $same, "header $header->[0] changes nothing");
}
is(ask('GET', '/rest/accounts', 'agent', undef, 'Accept-Profile' => 'vapi_internal')->{status}, 403, 'no other schema');
is(ask('GET', $_, 'admin')->{status}, 404, "an inner location is not to be reached: $_") for qw(/_vapi_foreign /_vapi_authorize_stream /api/../_vapi_foreign /rest/../_vapi_foreign //_vapi_foreign /_vapi_foreign/);
$answer = ask('POST', '/rest/rpc/test_headers', 'agent', {});
is("$answer->{status} $answer->{content}", '200 "plain"', 'an answer leads nginx to no inner location');
is(join(' ', grep { /^x-accel/ } keys %{ $answer->{headers} }), '', 'nor says where it would');

# raw(bytes): what comes back until the connection is closed or a second long nothing comes.
sub raw
{
	my ($bytes) = @_;
	my ($socket, $text) = (IO::Socket::INET->new(PeerAddr => $root =~ s{^http://}{}r, Timeout => 10) || die $!, '');
	print $socket $bytes;
	while (IO::Select->new($socket)->can_read(1)) { sysread($socket, $text, 65536, length $text) || last; }
	return $text;
}
my $inner = "GET /rest/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: $token{admin}\r\n\r\n";
my $head = "POST /api/vapi/sync HTTP/1.1\r\nHost: x\r\nAuthorization: $token{viewer}\r\nContent-Type: application/json\r\n";
for my $case ([ 'two lengths', "${head}Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}$inner" ], [ 'length and chunks', "${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$inner" ],
	[ 'a strange encoding', "${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n$inner" ], [ 'a space before the colon', "${head}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" ],
	[ 'a bare line feed', "GET /api/vapi/calls HTTP/1.1\nHost: x\nAuthorization: $token{viewer}\nX: a\rAuthorization: $token{admin}\n\n" ], [ 'no host', "GET /rest/accounts HTTP/1.1\r\n\r\n" ],
	[ 'two tokens', "GET /rest/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: $token{viewer}\r\nAuthorization: $token{admin}\r\n\r\n" ], [ 'a zero byte', "GET /rest/\0accounts HTTP/1.1\r\nHost: x\r\nAuthorization: $token{admin}\r\n\r\n" ],
	[ 'another protocol', "GET http://evil.example/rest/accounts HTTP/1.1\r\nHost: x\r\n\r\n" ], [ 'a tunnel', "CONNECT 127.0.0.1:5432 HTTP/1.1\r\nHost: x\r\n\r\n" ])
{
	my $text = raw($case->[1]);
	unlike($text, qr{"login"|HTTP/1.1 200|Connection established}, "smuggling by $case->[0]") or diag($text);
}

# 6. What a viewer is shown has no number and nothing of what was said, and no question finds either out.
my @numbers = split /\n/, value(q{SELECT DISTINCT customer_e164 FROM vapi_internal.call WHERE customer_e164 IS NOT NULL});
cmp_ok(scalar @numbers, '>', 10, 'there are numbers');
my $any = join '|', map { quotemeta substr $_, 1 } @numbers;
my $secret = join '|', map { quotemeta } $key, 'a-secret', $VapiSales::Test::KEY;
my @lines = split /\n/, value(q{SELECT DISTINCT l.line FROM vapi_internal.call_content t, regexp_split_to_table(t.transcript, '\n?(AI|User): ') AS l(line)
	WHERE l.line ~ '^[A-Za-z ,.?]{25,}$' LIMIT 200});
push @lines, split /\n/, value(q{SELECT DISTINCT summary FROM vapi.calls WHERE summary ~ '^[A-Za-z ,.?]{25,}$' LIMIT 50});
cmp_ok(scalar @lines, '>', 20, 'and something was said');
my $said = join '|', map { quotemeta } @lines;
for my $role (qw(viewer bi))
{
	my (@shown, $count);
	my @paths = ((map { exists $parameters{$_} ? () : "/rest$_" } keys %{ $listed{$role} }), '/rest/', '/api/vapi/calls?limit=500', '/api/session',
		map { "/api/vapi/calls/$_->{id}" } @{ ask('GET', '/rest/calls?select=id', $role)->{data} });
	for my $path (sort @paths)
	{
		my $answer = ask('GET', $path, $role);
		$count++;
		push @shown, $path if $answer->{content} =~ /$any|$said|$secret|\$2b\$/;
	}
	for my $path (grep { exists $parameters{$_} } keys %{ $listed{$role} })
	{
		my $answer = ask('POST', "/rest$path", $role, { map { $_->[0] => undef } grep { !$_->[1] } @{ $parameters{$path} } });
		push @shown, $path if $answer->{content} =~ /$any|$said|$secret/;
	}
	is("@shown", '', "$role: no number, nothing said, no secret in $count answers");
}
like(ask('GET', '/rest/calls', 'agent')->{content}, qr/$any/, 'an agent is shown numbers');
like(ask('GET', '/rest/calls', 'agent')->{content}, qr/$said/, 'and what was said');
like(ask('GET', "/api/vapi/calls/$_", 'agent')->{content}, qr/$said/, 'also in a call') for value(q{SELECT call_id FROM vapi_internal.call_content WHERE transcript ~ 'User: [A-Za-z ,.?]{25,}\n' LIMIT 1});
my ($word) = value(q{SELECT w FROM vapi_internal.call c JOIN vapi_internal.call_content t USING (call_id), regexp_split_to_table(lower(t.transcript), '[^a-z]+') AS w
	WHERE length(w) > 6 AND NOT EXISTS (SELECT FROM vapi_internal.call_search s WHERE s.search @@ (w || ':A')::tsquery) GROUP BY w ORDER BY count(*) DESC, w LIMIT 1});
is(join(' ', map { ask('GET', "/api/vapi/calls?search=$word", $_)->{data}{total} > 0 ? "$_ finds" : "$_ does not find" } qw(viewer agent)), 'viewer does not find agent finds',
	"a word that was said ($word)");
my $number = $numbers[0];
my ($digits, $last) = (substr($number, 1), substr $number, -4);
my $none = '13035559999';
for my $ask (
	map({ my $n = $_; [ "search=$n", sub { ask('GET', '/api/vapi/calls?search=' . escape($_[0] =~ s/N/$n/r), 'viewer')->{data}{total} } ] } 'N', '+N', '"N"', 'N*'),
	[ 'phone_number', sub { ask('GET', '/api/vapi/calls?phone_number=' . escape("+$_[0]"), 'viewer')->{data}{total} } ],
	[ 'a filter of the view', sub { scalar @{ ask('GET', '/rest/calls?select=id&customer_number=eq.' . escape("+$_[0]"), 'viewer')->{data} } } ],
	[ 'a pattern', sub { scalar @{ ask('GET', '/rest/calls?select=id&customer_number=like.*' . substr($_[0], 5, 5) . '*', 'viewer')->{data} } } ],
	[ 'a prospect\'s numbers', sub { scalar @{ ask('GET', '/rest/prospects?select=prospect_id&phones=cs.' . escape("{+$_[0]}"), 'viewer')->{data} } } ],
	[ 'the export', sub { ask('POST', '/rest/rpc/vapi_export_calls', 'viewer', { search => $_[0] })->{content} } ],
	[ 'the dashboard', sub { ask('POST', '/rest/rpc/vapi_call_volume', 'viewer', { step => 'month', filter => { search => $_[0] } })->{content} } ],
	[ 'the live view', sub { scalar @{ ask('GET', '/rest/live_calls?customer_number=eq.' . escape("+$_[0]"), 'viewer')->{data} } } ])
{
	my ($name, $code) = @$ask;
	is($code->($digits), $code->($none), "a number that is there is found by $name no more than one that is not");
}
cmp_ok(ask('GET', '/api/vapi/calls?search=' . escape($number), 'agent')->{data}{total}, '>', 0, 'an agent finds it');

# 7. Failures: what a function of ours says of them comes through, what anything else says does not.
value(q{CREATE OR REPLACE FUNCTION vapi.vapi_call(id text) RETURNS jsonb LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'BEGIN RAISE EXCEPTION USING ERRCODE = id, MESSAGE = ''made up'', HINT = ''Do something.''; END'});
for my $case ([ '22023', 400 ], [ '42501', 403 ], [ '02000', 404 ], [ 'VS006', 409 ], [ '54000', 413 ], [ 'XX000', 500 ], [ 'P0001', 500 ], [ '08006', 502 ], [ 'VS004', 502 ], [ '53400', 503 ], [ '40001', 503 ])
{
	my ($state, $status) = @$case;
	my $answer = ask('GET', "/api/vapi/calls/$state", 'agent');
	is("$answer->{status} $answer->{data}{status} $answer->{headers}{'content-type'}", "$status $status application/problem+json", "SQLSTATE $state: $status");
	is($answer->{data}{detail}, $status == 500 ? 'The request could not be answered; the server\'s log says why.' : 'made up', "SQLSTATE $state: what it says");
}
$web->halt('public');
for my $path (qw(/api/vapi/calls /api/session /rest/calls /rest/))
{
	my $answer = ask('GET', $path, 'agent');
	is("$answer->{status} $answer->{data}{title} $answer->{headers}{'content-type'}", '503 Service Unavailable application/problem+json', "without PostgREST: $path");
}
$web->resume('public');
VapiSales::Test->wait_until('it comes back', sub { ask('GET', '/api/session', 'agent')->{status} == 200 });
$node->stop;
for my $request ([ 'GET', '/api/vapi/calls' ], [ 'GET', '/rest/calls' ], [ 'POST', '/api/login', {} ], [ 'POST', '/api/webhooks/vapi', {} ])
{
	my $answer = ask(@$request[ 0, 1 ], 'agent', $request->[2]);
	is("$answer->{status} $answer->{headers}{'content-type'}", '503 application/problem+json', "without the database: $request->[1]");
	unlike($answer->{content}, qr/socket|connection|\Q@{[ $node->host ]}\E/i, 'of which nothing is said');
}
$node->start;

# 8. Limits of one token, from however many addresses; of one address, whatever its tokens.
# from(address, path, token): the status
sub from
{
	my ($web, $address, $token) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $web->root =~ s{^http://}{}r, LocalAddr => $address, Timeout => 10) or die "$address: $!";
	print $socket "GET /api/vapi/calls?limit=1 HTTP/1.0\r\nHost: x\r\nAuthorization: $token\r\n\r\n";
	my $text = do { local $/; <$socket> };
	return $text =~ m{^HTTP/1.1 (\d+)} ? $1 : 0;
}
$web->stop;
$web = VapiSales::Web->new($node, 'webhook', public => 1, rates => { %high, vapi_token => '1r/m' }, bursts => { vapi_token => 3 });
is(join(' ', map { from($web, "127.0.0.$_", $token{agent}) } 2 .. 7), '200 200 200 200 429 429', 'a token is limited, wherever it comes from');
is(from($web, '127.0.0.2', $token{viewer}), 200, 'another one is not');
$web->stop;
$web = VapiSales::Web->new($node, 'webhook', public => 1, rates => { %high, vapi_api => '1r/m' }, bursts => { vapi_api => 3 });
is(join(' ', map { from($web, '127.0.0.9', token('agent', n => $_)) } 1 .. 6), '200 200 200 200 429 429', 'an address is limited, whatever it sends');
is(from($web, '127.0.0.8', $token{agent}), 200, 'another one is not');
$web->stop;
$web = VapiSales::Web->new($node, 'webhook', public => 1, rates => { %high, vapi_login => '1r/m' }, bursts => { vapi_login => 3 });
$root = $web->root;
is(join(' ', map { ask('POST', '/api/login', undef, { login => "nobody $_", password => 'x' })->{status} } 1 .. 6), '401 401 401 401 429 429', 'attempts to sign in are limited by address');

$web->stop;
$node->stop;
done_testing();
