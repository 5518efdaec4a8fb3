# The URLs under /api and /rest through real nginx and PostgREST: signing in, what each profile gets, errors, and
# attempts to get more.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;
use VapiSales::Web;

VapiSales::Test::skip_without_simulator();
VapiSales::Web::skip_without_programs();

my $key = 'a key of tokens that is long enough for HS256';
my $simulator = VapiSales::Test->simulator(calls => 120, bytes => 6000, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator, config => "log_statement = none\n");
my @roles = qw(viewer agent admin);
$node->safe_psql('calls', qq{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE webhook; CREATE ROLE bi; CREATE ROLE plain;
	CREATE ROLE viewer; CREATE ROLE agent; CREATE ROLE admin;
	GRANT webhook, viewer, agent, admin, bi, plain TO authenticator;
	SELECT vapi.vapi_grant('webhook', 'webhook'), vapi.vapi_grant('viewer', 'viewer'), vapi.vapi_grant('agent', 'agent'),
		vapi.vapi_grant('admin', 'admin'), vapi.vapi_grant('bi', 'bi')});
my %password = map { $_ => $node->safe_psql('calls', "SELECT vapi.vapi_create_account('$_\@example.com', '$_')") } @roles;
VapiSales::Test->write_secret($node, 'webhook_secret', 'a-secret');
VapiSales::Test->write_secret($node, 'jwt_secret', $key);
my $web = VapiSales::Web->new($node, 'webhook', public => 1);
my ($root, $json) = ($web->root, JSON::PP->new->canonical);

sub value { return $node->safe_psql('calls', $_[0]); }
sub token
{
	my ($claims, $secret, $header) = @_;
	my $signed = join '.', map { encode_base64url($json->encode($_)) } $header // { alg => 'HS256', typ => 'JWT' }, $claims;
	return "$signed." . encode_base64url(hmac_sha256($signed, $secret // $key));
}

# ask(method, path, body or undef, header => value...): status, decoded body, headers
sub ask
{
	my ($method, $path, $body, %headers) = @_;
	$headers{'Content-Type'} //= 'application/json' if defined $body;
	my $answer = $web->request($method, "$root$path", ref $body ? $json->encode($body) : $body, %headers);
	return ($answer->{status}, eval { $json->decode($answer->{content}) } // $answer->{content}, $answer->{headers});
}

# problem(name, status, pattern, ask's parameters...)
sub problem
{
	my ($name, $status, $pattern, @request) = @_;
	my ($got, $body, $headers) = ask(@request);
	is($got, $status, "$name: $status") or diag(explain($body));
	return if $request[0] eq 'HEAD';
	like($headers->{'content-type'}, qr{^application/problem\+json}, "$name: as a problem");
	is(ref $body eq 'HASH' && $body->{status}, $status, "$name: which says its status");
	like($json->encode(ref $body ? $body : {}), $pattern, "$name: and what it is about");
	return $body;
}

# 1. Signing in.
problem('a wrong password', 401, qr/login or the password is wrong/, 'POST', '/api/login', { login => 'agent@example.com', password => 'wrong' });
problem('nobody', 401, qr/login or the password is wrong/, 'POST', '/api/login', { login => 'nobody@example.com', password => 'wrong' });
problem('no password', 401, qr/wrong/, 'POST', '/api/login', { login => 'agent@example.com', password => undef });
is((ask('POST', '/api/login', "login=agent&password=$password{agent}", 'Content-Type' => 'application/x-www-form-urlencoded'))[0], 415, 'a form signs nobody in');
problem('login by GET', 405, qr/Method/, 'GET', '/api/login');
my (%cookie, %token);
for my $role (@roles)
{
	my ($status, $body, $headers) = ask('POST', '/api/login', { login => " \U$role\E\@example.com", password => $password{$role} }, 'X-Forwarded-Proto' => $role eq 'admin' ? 'https' : '');
	is($status, 200, "$role signs in") or diag(explain($body));
	is($body->{profile}, $role, "$role: its profile");
	ok($body->{must_change_password}, "$role: must change the password that it was given");
	like($headers->{'set-cookie'}, qr/^vapi_session=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/, "$role: the cookie") if $role ne 'admin';
	like($headers->{'set-cookie'}, qr/; Secure$/, 'over TLS the cookie is for TLS only') if $role eq 'admin';
	unlike($json->encode($body), qr/eyJ/, "$role: the token is in no body that a script could read");
	($token{$role}) = $headers->{'set-cookie'} =~ /vapi_session=([^;]+)/;
	$cookie{$role} = "vapi_session=$token{$role}";
}
my %as = map { $_ => [ Cookie => $cookie{$_} ] } @roles;

# With the password that was given to it, a session may do nothing but change it.
for my $request ([ 'GET', '/api/vapi/calls' ], [ 'GET', '/api/vapi/calls/x' ], [ 'POST', '/api/vapi/sync', {} ], [ 'GET', '/rest/calls' ], [ 'GET', '/rest/' ], [ 'POST', '/rest/rpc/vapi_dashboard', {} ],
	[ 'GET', '/rest/calls?id=eq.1' ])
{
	problem("one-time password: $request->[0] $request->[1]", 403, qr/must be changed first.*change-password/, $request->[0], $request->[1], $request->[2], @{ $as{$_} }) for 'admin';
}
is((ask('GET', '/api/session', undef, @{ $as{admin} }))[1]{must_change_password}, JSON::PP::true, 'it may ask who it is');
for my $role (@roles)
{
	my $new = "the first password of $role";
	is((ask('POST', '/api/change-password', { old_password => $password{$role}, new_password => $new }, @{ $as{$role} }))[0], 200, "$role: changes the password");
	$password{$role} = $new;
}
is((ask('GET', '/api/session', undef, @{ $as{admin} }))[1]{must_change_password}, JSON::PP::false, 'then all is well');
is((ask('GET', '/api/session', undef, @{ $as{agent} }))[1]{login}, 'agent@example.com', 'the session says who it is');

# 2. An import by the plan's URL.
is((ask('POST', '/api/vapi/sync', { from => '2026-01-01', to => '2026-02-01' }))[0], 401, 'no token, no import');
is((ask('POST', '/api/vapi/sync', { from => '2026-01-01', to => '2026-02-01' }, @{ $as{$_} }))[0], 403, "$_: no import") for qw(viewer agent);
my ($status, $run) = ask('POST', '/api/vapi/sync', { from => '2026-01-01', to => '2026-02-01' }, @{ $as{admin} });
is($status, 200, 'an admin imports') or diag(explain($run));
is("$run->{status} $run->{imported}", 'complete 120', 'with the run\'s status and the count');
problem('half a range', 400, qr/belong together/, 'POST', '/api/vapi/sync', { from => '2026-01-01' }, @{ $as{admin} });
problem('no time', 400, qr/invalid input syntax/, 'POST', '/api/vapi/sync', { from => 'x', to => 'y' }, @{ $as{admin} });
problem('sync by GET', 405, qr/Method/, 'GET', '/api/vapi/sync', undef, @{ $as{admin} });
value('SELECT vapi_internal.search_step()');

# 3. The list and a call, as the functions give them, once they have their scores.
VapiSales::Test->finish_work($node, 'calls');
my $list = '/api/vapi/calls?page=2&limit=7&status=completed&date_from=2026-01-05&date_to=2026-01-20';
for my $role (@roles)
{
	my ($status, $body, $headers) = ask('GET', $list, undef, @{ $as{$role} });
	is($status, 200, "$role: the list") or diag(explain($body));
	my $same = value("SET ROLE $role; SELECT vapi.vapi_search_calls(page => 2, \"limit\" => 7, status => 'completed', date_from => '2026-01-05', date_to => '2026-01-20')");
	is_deeply($body, $json->decode($same), "$role: is what the function gives");
	like($headers->{'content-type'}, qr{^application/json}, "$role: as JSON");
	my $id = $body->{calls}[0]{id};
	($status, $body) = ask('GET', "/api/vapi/calls/$id", undef, @{ $as{$role} });
	is($status, 200, "$role: a call");
	is_deeply($body, $json->decode(value("SET ROLE $role; SELECT vapi.vapi_call('$id')")), "$role: whole");
	like($json->encode($body), $role eq 'viewer' ? qr/\*\*\*/ : qr/\+1303555/, "$role: numbers " . ($role eq 'viewer' ? 'masked' : 'as they are'));
	unlike($json->encode($body), qr/\+1303555\d{4}/, 'viewer: no number in clear') if $role eq 'viewer';
	is(exists $body->{messages} ? 'said' : 'not said', $role eq 'viewer' ? 'not said' : 'said', "$role: what was said");
}
my ($all) = map { $_->[1] } [ ask('GET', '/api/vapi/calls?limit=500', undef, @{ $as{agent} }) ];
is(scalar @{ $all->{calls} }, 120, 'all calls');
my (%seen, $next);
do
{
	my (undef, $body) = ask('GET', '/api/vapi/calls?limit=50' . ($next ? "&next=$next" : ''), undef, @{ $as{agent} });
	$seen{ $_->{id} }++ for @{ $body->{calls} };
	$next = $body->{next};
} while ($next);
is_deeply([ sort keys %seen ], [ sort map { $_->{id} } @{ $all->{calls} } ], 'by "next" each call once');
my $number = value(q{SELECT customer_number FROM vapi_internal.call WHERE customer_e164 IS NOT NULL ORDER BY call_id LIMIT 1});
my $escaped = $number =~ s/\+/%2B/r;
cmp_ok((ask('GET', "/api/vapi/calls?search=$escaped", undef, @{ $as{agent} }))[1]{total}, '>', 0, 'an agent finds a number');
is((ask('GET', "/api/vapi/calls?search=$escaped", undef, @{ $as{viewer} }))[1]{total}, 0, 'a viewer does not');
is((ask('HEAD', '/api/vapi/calls', undef, @{ $as{agent} }))[0], 200, 'HEAD');
is((ask('GET', '/api/vapi/calls?page=&status=', undef, @{ $as{agent} }))[1]{total}, 120, 'empty parameters are none');

# 4. Errors.
problem($_->[0], 400, $_->[2], 'GET', "/api/vapi/calls?$_->[1]", undef, @{ $as{agent} })
  for [ 'an unknown parameter', 'colour=red', qr/no parameter \\"colour\\".*page, limit/ ], [ 'an unknown status', 'status=happy', qr/there is no status \\"happy\\"/ ],
  [ 'a limit of 0', 'limit=0', qr/between 1 and 500/ ], [ 'a page that is no number', 'page=x', qr/invalid input syntax for type integer/ ],
  [ 'a broken escape', 'search=%zz', qr/two hexadecimal digits/ ], [ 'no UTF-8', 'search=%ff%fe', qr/no UTF-8/ ], [ 'a zero byte', 'search=a%00b', qr/./ ],
  [ 'a wrong "next"', 'next=abc', qr/not a place in this list/ ], [ 'a page beyond all', 'status=completed&page=20000&limit=50', qr/pages end at row 100000.*next/ ];
problem('no such call', 404, qr/there is no call/, 'GET', '/api/vapi/calls/no-such-call', undef, @{ $as{agent} });
problem('no such URL', 404, qr/Not Found/, 'GET', '/api/vapi/nothing', undef, @{ $as{agent} });
problem("$_ of the list", 405, qr/Method/, $_, '/api/vapi/calls', undef, @{ $as{agent} }) for qw(POST PUT DELETE PATCH);
problem('a large body', 413, qr/Large/, 'POST', '/api/vapi/sync', 'x' x 1_100_000, @{ $as{admin} });
for my $injection ("'; DROP TABLE vapi_internal.call; --", '%27%29%3BSELECT%201', '{"id":"x"}', '../../rpc/vapi_sync')
{
	my ($status) = ask('GET', '/api/vapi/calls?search=' . ($injection =~ s/([^A-Za-z0-9%])/sprintf '%%%02X', ord $1/ger), undef, @{ $as{agent} });
	is($status, 200, "an injection is only text: $injection");
	($status) = ask('GET', '/api/vapi/calls/' . ($injection =~ s/([^A-Za-z0-9%])/sprintf '%%%02X', ord $1/ger), undef, @{ $as{agent} });
	is($status, 404, "and no call: $injection");
}
is(value('SELECT count(*) FROM vapi_internal.call'), 120, 'nothing is gone');

# 5. Tokens.
my $hour = time() + 3600;
is((ask('GET', '/api/vapi/calls', undef, $_->[1] ? (Authorization => $_->[1]) : ()))[0], $_->[2], "token: $_->[0]")
  for [ 'none', undef, 401 ], [ 'of another issuer with our key', 'Bearer ' . token({ role => 'agent', exp => $hour }), 200 ],
  [ 'expired', 'Bearer ' . token({ role => 'agent', exp => time() - 60 }), 401 ], [ 'another key', 'Bearer ' . token({ role => 'agent', exp => $hour }, 'b' x 40), 401 ],
  [ 'alg none', 'Bearer ' . token({ role => 'agent', exp => $hour }, $key, { alg => 'none' }), 401 ], [ 'nonsense', 'Bearer abc', 401 ],
  [ 'a role that PostgREST may not take', 'Bearer ' . token({ role => $node->safe_psql('calls', 'SELECT current_user'), exp => $hour }), 403 ],
  [ 'a role without a profile', 'Bearer ' . token({ role => 'plain', exp => $hour }), 403 ],
  [ 'a session that never was', 'Bearer ' . token({ role => 'admin', exp => $hour, sid => '00000000-0000-4000-8000-000000000000' }), 401 ],
  [ 'a session with another role', 'Bearer ' . token({ role => 'admin', exp => $hour, sid => value(q{SELECT session_id FROM vapi_internal.account_session s JOIN vapi_internal.account a USING (account_id) WHERE a.role_name = 'viewer'}) }), 401 ];

# 6. Requests that another site's page could have a browser send.
for my $path ('/api/vapi/sync', '/api/logout', '/api/change-password', '/rest/rpc/vapi_work')
{
	problem("$path from another site", 403, qr/page of this site/, 'POST', $path, {}, @{ $as{admin} }, Origin => 'https://evil.example');
	problem("$path from nowhere", 403, qr/page of this site/, 'POST', $path, {}, @{ $as{admin} }, 'Sec-Fetch-Site' => 'cross-site');
}
my $host = $root =~ s{^http://}{}r;
is((ask('POST', '/api/vapi/sync', { from => '2026-01-01', to => '2026-01-02' }, @{ $as{admin} }, Origin => $root))[0], 200, 'a page of our own may');
is((ask('POST', '/api/vapi/sync', { from => '2026-01-01', to => '2026-01-02' }, Authorization => "Bearer $token{admin}"))[0], 200, 'so may who has the token itself');

# 7. PostgREST under /rest: schema vapi, by privileges.
is(scalar @{ (ask('GET', '/rest/calls?select=id&limit=3', undef, @{ $as{agent} }))[1] }, 3, '/rest: a view');
is((ask('GET', '/rest/sync_runs', undef, @{ $as{agent} }))[0], 403, '/rest: an agent sees no runs');
is((ask('GET', '/rest/', undef, @{ $as{agent} }))[1]{swagger}, '2.0', '/rest: its description');
is((ask('GET', '/rest/calls?select=id&limit=1', undef, Authorization => 'Bearer ' . token({ role => 'bi', exp => $hour })))[0], 200, '/rest: a BI role');
like((ask('GET', '/rest/rpc/calls', undef, @{ $as{agent} }, 'Accept-Profile' => 'vapi_edge'))[0], qr/^40[46]$/, '/rest: no other schema by a header');
like((ask('POST', '/rest/rpc/login', { login => 'x', password => 'y' }, @{ $as{agent} }, 'Content-Profile' => 'vapi_edge'))[0], qr/^40[46]$/, '/rest: nor by this one');
is((ask('GET', '/rest/rpc/vapi_search_calls', undef))[0], 401, '/rest: nothing without a token');
my (undef, undef, $headers) = ask('GET', '/api/vapi/calls', undef, @{ $as{agent} }, Origin => 'https://evil.example');
is($headers->{'access-control-allow-origin'}, undef, 'no answer is for other sites');
is($headers->{'x-content-type-options'}, 'nosniff', 'and says what it is');
is((ask('GET', '/api/vapi/calls?limit=1', undef, @{ $as{agent} }, 'X-Vapi-Query' => 'limit=5'))[1]{limit}, 1, 'the query is the URL\'s, whatever a header says');
is((ask('POST', $web->edge =~ s/^\Q$root\E//r, { message => { type => 'hang', call => { id => 'webhook-1' } } }, 'X-Vapi-Secret' => 'a-secret'))[0], 200, 'webhooks go beside it');

# 8. Passwords.
is((ask('POST', '/api/change-password', { old_password => $password{agent}, new_password => 'short' }, @{ $as{agent} }))[0], 400, 'a short password');
is((ask('POST', '/api/change-password', { old_password => 'wrong', new_password => 'a good long password' }, @{ $as{agent} }))[0], 403, 'a wrong old password');
my (undef, undef, $second) = ask('POST', '/api/login', { login => 'agent@example.com', password => $password{agent} });
my ($other) = $second->{'set-cookie'} =~ /^([^;]+)/;
is((ask('GET', '/api/session', undef, Cookie => $other))[0], 200, 'a second session');
is((ask('POST', '/api/change-password', { old_password => $password{agent}, new_password => 'a good long password' }, @{ $as{agent} }))[0], 200, 'a new password');
is((ask('GET', '/api/session', undef, Cookie => $other))[0], 401, 'ends the other sessions');
is((ask('GET', '/api/session', undef, @{ $as{agent} }))[0], 200, 'but not this one');
is((ask('POST', '/api/login', { login => 'agent@example.com', password => $password{agent} }))[0], 401, 'the old password is over');

# 9. The end of sessions.
is((ask('POST', '/api/logout', {}, @{ $as{agent} }))[0], 200, 'logout');
is((ask('GET', '/api/vapi/calls', undef, @{ $as{agent} }))[0], 401, 'its token is good for nothing any more');
value(q{SELECT vapi.vapi_disable_account('viewer@example.com')});
is((ask('GET', '/api/vapi/calls', undef, @{ $as{viewer} }))[0], 401, 'a disabled account is out at once');
value(q{SELECT vapi.vapi_disable_account('viewer@example.com', false)});

# 10. Guessing locks the account, whoever then has the password; straight at PostgREST, past the limit of nginx.
sub guess
{
	my ($password) = @_;
	return (split /\n/, value(qq{SET ROLE webhook; SELECT vapi_edge.login(convert_to('{"login": "viewer\@example.com", "password": "$password"}', 'UTF8'))}))[-1];
}
like(guess("guess $_"), qr/"status": 401/, "guess $_") for 1 .. 5;
like(guess($password{viewer}), qr/"status": 401/, 'then the right password is refused, too');
is(value(q{SELECT failed_logins, locked_until > now() FROM vapi.accounts WHERE login = 'viewer@example.com'}), '5|t', 'the account is locked');
value(q{UPDATE vapi_internal.account SET locked_until = now() - interval '1 second'});
like(guess($password{viewer}), qr/"profile": "viewer"/, 'until its time is over');

# 11. Nothing secret is said anywhere.
my $logs = join '', slurp_file($node->logfile), map { slurp_file($_) } glob "$web->{folder}/*.log";
unlike($logs, qr/\Q$_\E/, 'no password, token or key in the logs') for values %password, values %token, $key, 'a good long password';
my $dump = "$web->{folder}/dump";
$node->command_ok([ 'pg_dump', '-d', $node->connstr('calls'), '-f', $dump ], 'a dump');
unlike(slurp_file($dump), qr/\Q$_\E/, 'nor in a dump') for values %password, values %token;
like(slurp_file($dump), qr/agent\@example\.com\t\$2b\$12\$/, 'which has the accounts');

$web->stop;
$node->stop;
done_testing();
