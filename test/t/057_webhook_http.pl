# What PostgREST and nginx do to a webhook on its way, and what each error
# comes back as: the traps of content types, queries, methods and sizes.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Misbehave;
use VapiSales::Test;
use VapiSales::Web;

VapiSales::Web::skip_without_programs();

my $node = VapiSales::Test->node('main', config => "vapi_sales.webhook_max_body = 64kB\nlog_statement = none\n");
$node->safe_psql('calls', q{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE webhook;
	GRANT webhook TO authenticator;
	SELECT vapi.vapi_grant('webhook', 'webhook');
	CREATE SCHEMA my;
	CREATE FUNCTION my.fails(message jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION E'closed\ntoday'; END $$;
	SELECT vapi.vapi_register_handler('tool-calls:fails', 'my.fails(jsonb)')});
VapiSales::Test->write_secret($node, 'webhook_secret', 'a-secret');
my $web = VapiSales::Web->new($node, 'webhook');
my @proof = ('X-Vapi-Secret' => 'a-secret');

my $number = 0;
sub body { $number++; return qq({"message": {"type": "hang", "timestamp": 1771500181403, "call": {"id": "call-$number"}, "note": "$_[0]"}}); }
sub value { return $node->safe_psql('calls', $_[0]); }
sub stored { return value('SELECT count(*) FROM vapi_internal.event'); }

# expect(name, answer, status, pattern of the body[, how many events more])
sub expect
{
	my ($name, $answer, $status, $pattern, $more) = @_;
	$more //= 0;
	is($answer->{status}, $status, "$name: $status") or diag($answer->{content});
	like($answer->{content}, $pattern, "$name: the body");
	our $last //= 0;
	is(stored(), $last + $more, "$name: " . ($more ? 'the event is kept' : 'nothing is stored'));
	$last = stored();
	return $answer;
}
my ($plain, $nginx) = ($web->plain, $web->edge);

# Content types. nginx sets the right one, whatever the sender says.
my $type = 'Content-Type';
expect("nginx, $_", $web->post($nginx, body($_), @proof, $type => $_), 200, qr/^\{\}$/, 1)
  for 'application/json', 'application/json; charset=utf-8', 'text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream', 'image/png';
expect('PostgREST, octets', $web->post($plain, body('octets'), @proof), 200, qr/^\{\}$/, 1);
expect('PostgREST, octets and charset', $web->post($plain, body('charset'), @proof, $type => 'application/octet-stream; charset=binary'), 200, qr/^\{\}$/, 1);
for my $wrong ('application/json', 'text/plain', 'application/x-www-form-urlencoded')
{
	my $answer = $web->post($plain, body($wrong), @proof, $type => $wrong);
	like($answer->{status}, qr/^4/, "PostgREST alone, $wrong: $answer->{status}, not stored") or diag($answer->{content});
}
expect('nothing of that', $web->post($plain, body('x')), 401, qr/Unauthorized/);

# Queries.
expect('nginx, a query', $web->post("$nginx?id=eq.1&select=x", body('query'), @proof), 200, qr/^\{\}$/, 1);
like($web->post("$plain?id=eq.1", body('query'), @proof)->{status}, qr/^4/, 'PostgREST alone takes a query for a filter');
is(stored(), $main::last, 'and stores nothing');

# Methods.
expect("nginx, $_", $web->request($_, $nginx, undef, @proof), 405, $_ eq 'HEAD' ? qr/^$/ : qr/405/) for qw(GET HEAD DELETE PUT);
my $get = $web->request('GET', $plain, undef, @proof);
like($get->{status}, qr/^4/, "PostgREST, GET: $get->{status}");
$web->request('HEAD', $plain, undef, @proof);
is(stored(), $main::last, 'PostgREST, HEAD: nothing is stored');

# Other paths, and the rest of the schemas, are not to be had through nginx or with the role.
my $root = $nginx =~ s{/api/.*}{}r;
is($web->post("$root$_", '{}', @proof)->{status}, 404, "nginx has no $_") for '/rpc/webhook', '/api/webhooks/vapi/', '/rpc/vapi_ingest_event';
like($web->request('GET', $web->plain_root . '/calls', undef)->{status}, qr/^40[13]$/, 'the role sees no calls');
like($web->request('POST', $web->plain_root . '/rpc/vapi_ingest_event', '{"event": {}}', $type => 'application/json')->{status}, qr/^40[134]$/,
	'and cannot deliver without proof');

# Headers that would change PostgREST's mind.
expect('nginx, headers of PostgREST', $web->post($nginx, body('headers'), @proof, Prefer => 'params=single-object', 'Content-Profile' => 'vapi',
		'Accept-Profile' => 'public', Range => '0-1', Accept => 'text/csv', Cookie => 'callId=1', Authorization => 'Basic x'), 200, qr/^\{\}$/, 1);
expect('nginx, what axios accepts', $web->post($nginx, body('axios'), @proof, Accept => 'application/json, text/plain, */*'), 200, qr/^\{\}$/, 1);

# Bytes: all of them arrive; what is no JSON is a dead letter, not an error.
my $bytes = join '', map { chr } 0 .. 255;
expect("nginx, $_->[0]", $web->post($nginx, $_->[1], @proof), 200, qr/^\{\}$/, 1)
  for [ 'every byte', $bytes ], [ 'a zero byte', qq({"message": {"type": "hang"}}\0) ], [ 'no UTF-8', qq({"message": {"type": "hang", "note": "\xff"}}) ], [ 'half a body', substr(body('half'), 0, 40) ],
  [ 'a string', '"x"' ], [ 'an array', '[{"a": 1}, {"b": 2}]' ], [ 'white space', " \n" ];
cmp_ok(value("SELECT count(*) FROM vapi.dead_letters"), '>=', 5, 'as dead letters') or diag(value('SELECT event_id, type, status, last_error FROM vapi_internal.event ORDER BY 1 DESC LIMIT 7'));
expect('nginx, nothing', $web->post($nginx, '', @proof), 400, qr/Empty body/);
expect('PostgREST, nothing', $web->post($plain, '', @proof), 400, qr/Empty body/);
my $chunked = body('chunked');
my @pieces = unpack '(A10)*', $chunked;
expect('nginx, chunked', $web->request('POST', $nginx, sub { shift @pieces }, @proof), 200, qr/^\{\}$/, 1);

# Sizes.
my $large = body('x' x 70000);
expect('a body of 70 kB', $web->post($nginx, $large, @proof), 413, qr/Content Too Large/);
expect('a body of 70 kB without proof', $web->post($nginx, $large), 401, qr/Unauthorized/);
expect('a body of 60 kB', $web->post($nginx, body('x' x 60000), @proof), 200, qr/^\{\}$/, 1);
expect('a body of 17 MB', $web->post($nginx, body('x' x 17_000_000), @proof), 413, qr/nginx/);
is(value('SELECT last_value FROM vapi_internal.webhook_too_large'), 1, 'the genuine one is counted');
like(value(q{SELECT status || detail FROM vapi.health WHERE check_name = 'webhook_rejects'}), qr/^warn.*missing or empty; 1 larger/, 'and health says so');

# Answers.
my $call = sub { my ($tool) = @_; $number++; return qq({"message": {"type": "tool-calls", "timestamp": 1771500181403, "call": {"id": "call-$number"}, "toolCallList": [{"id": "t1", "name": "$tool"}]}}); };
my $answer = expect('a tool call', $web->post($nginx, $call->('lookup_prospect'), @proof), 200, qr/"result": "\{\\"found\\": false\}"/, 1);
like($answer->{headers}{'content-type'}, qr{^application/json}, 'as JSON');
is($answer->{headers}{'access-control-allow-origin'}, undef, 'for no browser of others');
expect('a handler that fails', $web->post($nginx, $call->('fails'), @proof), 200, qr/"error": "closed today"/, 1);

# The inbox is locked: the sender may try again, and is told nothing of ours.
my $holder = $node->background_psql('calls');
$holder->query_safe('BEGIN; LOCK vapi_internal.event IN ACCESS EXCLUSIVE MODE');
my $body = body('locked');
$answer = $web->post($nginx, $body, @proof);
$holder->query_safe('ROLLBACK');
$holder->quit;
expect('a locked inbox', $answer, 503, qr{^\{"type":"about:blank","title":"Service Unavailable"});
unlike($answer->{content}, qr/lock|vapi_internal|relation/, 'nothing of ours is said');
like(slurp_file($node->logfile), qr/could not store a webhook: /, 'the log says it');
expect('once more', $web->post($nginx, $body, @proof), 200, qr/^\{\}$/, 1);

# The server restarts: PostgREST comes back by itself.
$node->restart;
VapiSales::Test->wait_until('webhooks go on after a restart of the server', sub { $web->post($nginx, body('restart'), @proof)->{status} == 200 });

$web->stop;
$node->stop;
done_testing();
