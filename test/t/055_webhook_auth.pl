# Who may deliver a webhook: every mode against every kind of request, by SQL,
# through PostgREST and through nginx; and what a flood of bad ones costs.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_hex hmac_sha256 hmac_sha256_hex hmac_sha512_hex);
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use VapiSales::Misbehave;
use VapiSales::Test;
use VapiSales::Web;

VapiSales::Web::skip_without_programs();

my $node = VapiSales::Test->node('main', config => "autovacuum = off\nlog_statement = none\n");
$node->safe_psql('calls', q{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE webhook;
	GRANT webhook TO authenticator;
	SELECT vapi.vapi_grant('webhook', 'webhook')});
my $web = VapiSales::Web->new($node, 'webhook');

my $secret = 'a-shared-secret';
my $previous = 'the-secret-before';
my $number = 0;

# A body of its own for each request, with bytes that a parser would write otherwise.
sub new_body
{
	$number++;
	return qq({ "message":{"type":"hang","timestamp":1771500181403.50, "call":{"id":"call-$number"},\n "note":"\\u00e9 \xc3\xa9 1.0e2"} });
}
sub reserialised { my ($body) = @_; $body =~ s/": *"/":"/g; $body =~ s/\s+\}/}/g; $body =~ s/\n//; $body =~ s/\{ "/{"/; return $body; }

# by_sql(body, headers): what PostgREST does, without it.
sub by_sql
{
	my ($body, %headers) = @_;
	my $json = JSON::PP->new->canonical->encode({ map { lc $_ => $headers{$_} } keys %headers });
	my $hex = unpack 'H*', $body;
	my $out = $node->safe_psql('calls', qq{
		BEGIN;
		SET LOCAL ROLE webhook;
		SELECT set_config('request.headers', \$json\$$json\$json\$, true), set_config('request.method', 'POST', true) \\g /dev/null
		SELECT 'answer ' || vapi.vapi_webhook('\\x$hex')::text;
		SELECT 'status ' || coalesce(nullif(current_setting('response.status', true), ''), '200');
		COMMIT});
	my ($answer) = $out =~ /^answer (.*)$/m;
	my ($status) = $out =~ /^status (.*)$/m;
	return { status => $status, content => $answer };
}
my %channels = (
	sql => \&by_sql,
	PostgREST => sub { my ($body, %headers) = @_; return $web->post($web->plain, $body, %headers); },
	nginx => sub { my ($body, %headers) = @_; return $web->post($web->edge, $body, %headers); });

my %refusals;    # channel => { answer as text => 1 }

# What is the same in all refusals: status, body, and headers but for the date.
sub refusal_text
{
	my ($answer) = @_;
	my %headers = %{ $answer->{headers} // {} };
	delete @headers{qw(date)};
	return join "\n", $answer->{status}, $answer->{content}, map { "$_: $headers{$_}" } sort keys %headers;
}

# check(channel, name, status, body, headers)
sub check
{
	my ($channel, $name, $status, $body, %headers) = @_;
	my $answer = $channels{$channel}->($body, %headers);
	is($answer->{status}, $status, "$channel: $name: $status") or diag($answer->{content});
	$refusals{$channel}{ refusal_text($answer) } = $name if $answer->{status} == 401;
	is($answer->{content}, '{}', "$channel: $name: the answer") if $status == 200;
	return $answer;
}

# How often the event of that body was delivered; 0: it is not there.
sub deliveries
{
	my ($body) = @_;
	my ($call) = $body =~ /"id": ?"([^"]+)"/;
	return $node->safe_psql('calls', "SELECT coalesce(sum(deliveries), 0) FROM vapi_internal.event WHERE call_id = '$call'");
}

sub rejects { return $node->safe_psql('calls', 'SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM vapi_internal.webhook_reject'); }

my %defaults = (
	'vapi_sales.webhook_auth' => 'secret', 'vapi_sales.webhook_header' => '', 'vapi_sales.webhook_hmac_algorithm' => 'sha256',
	'vapi_sales.webhook_signature_header' => 'x-signature', 'vapi_sales.webhook_signature_prefix' => '',
	'vapi_sales.webhook_signature_encoding' => 'hex', 'vapi_sales.webhook_timestamp_header' => 'x-timestamp',
	'vapi_sales.webhook_message_id_header' => '', 'vapi_sales.webhook_payload_format' => '{timestamp}.{body}',
	'vapi_sales.webhook_url' => '', 'vapi_sales.webhook_secret_is_base64' => 'off', 'vapi_sales.webhook_tolerance' => '300');

sub configure
{
	my (%settings) = @_;
	VapiSales::Misbehave->configure($node, %defaults, map { ("vapi_sales.webhook_$_" => $settings{$_}) } keys %settings);
	return;
}

sub write_secrets
{
	my ($current, $former) = @_;
	my $folder = VapiSales::Test->secrets_directory($node);
	unlink "$folder/webhook_secret", "$folder/webhook_secret_previous";
	VapiSales::Test->write_secret($node, 'webhook_secret', $current) if defined $current;
	VapiSales::Test->write_secret($node, 'webhook_secret_previous', $former) if defined $former;
	return;
}

# A mode: its settings, and headers(secret, body, time) that prove a body's sender.
# signed: the proof depends on the body; timed: it ends.
my @modes = (
	{
		name => 'secret', settings => {}, headers => sub { return ('X-Vapi-Secret' => $_[0]); }, proof => 'X-Vapi-Secret',
	},
	{
		name => 'secret in a header of its own', settings => { header => 'X-Call-Key' },
		headers => sub { return ('x-call-key' => $_[0]); }, proof => 'x-call-key',
	},
	{
		name => 'bearer', settings => { auth => 'bearer' }, headers => sub { return (Authorization => "Bearer $_[0]"); },
		proof => 'Authorization', not_plain => 1,
	},
	{
		name => 'bearer in a header of its own', settings => { auth => 'bearer', header => 'X-Token' },
		headers => sub { return ('X-Token' => "bearer $_[0]"); }, proof => 'X-Token',
	},
	{
		name => 'hmac as Vapi has it', settings => { auth => 'hmac' }, signed => 1, timed => 1, proof => 'x-signature',
		headers => sub { my ($key, $body, $time) = @_; return ('x-timestamp' => $time, 'x-signature' => hmac_sha256_hex("$time.$body", $key)); },
	},
	{
		name => 'hmac with milliseconds and SHA-512', settings => { auth => 'hmac', hmac_algorithm => 'sha512' }, signed => 1, timed => 1,
		proof => 'x-signature',
		headers => sub {
			my ($key, $body, $time) = @_;
			$time *= 1000;
			return ('X-Timestamp' => $time, 'X-Signature' => uc hmac_sha512_hex("$time.$body", $key));
		},
	},
	{
		name => 'hmac of the body alone, with prefix', signed => 1, proof => 'x-vapi-signature',
		settings => { auth => 'hmac', signature_header => 'X-Vapi-Signature', signature_prefix => 'sha256=', payload_format => '{body}' },
		headers => sub { my ($key, $body) = @_; return ('x-vapi-signature' => 'sha256=' . hmac_sha256_hex($body, $key)); },
	},
	{
		name => 'hmac with SHA-1, method and URL', signed => 1, proof => 'x-signature',
		settings => { auth => 'hmac', hmac_algorithm => 'sha1', payload_format => '{method} {url} {body}', url => 'https://sales.example.com/hook?a=1' },
		headers => sub { my ($key, $body) = @_; return ('x-signature' => hmac_sha1_hex("POST https://sales.example.com/hook?a=1 $body", $key)); },
	},
	{
		name => 'hmac as Svix has it', signed => 1, timed => 1, proof => 'svix-signature', base64 => 1,
		settings => {
			auth => 'hmac', signature_header => 'svix-signature', signature_prefix => 'v1,', signature_encoding => 'base64', secret_is_base64 => 'on',
			timestamp_header => 'svix-timestamp', message_id_header => 'svix-id', payload_format => '{svix-id}.{timestamp}.{body}',
		},
		headers => sub {
			my ($key, $body, $time) = @_;
			my $signature = encode_base64(hmac_sha256("msg_1.$time.$body", $key), '');
			my $other = encode_base64(hmac_sha256("msg_1.$time.$body", 'another'), '');
			return ('svix-id' => 'msg_1', 'svix-timestamp' => $time, 'svix-signature' => "v1,$other v1,$signature");
		},
	});

for my $mode (@modes)
{
	configure(%{ $mode->{settings} });
	my ($headers, $proof) = @{$mode}{qw(headers proof)};
	my $stored = sub { my ($key) = @_; return $mode->{base64} ? 'whsec_' . encode_base64($key, '') : $key; };
	for my $channel (sort keys %channels)
	{
		# PostgREST would read the token itself; nginx moves it.
		next if $mode->{not_plain} && $channel eq 'PostgREST';
		my $name = $mode->{name};
		my $now = int time();
		my $rejected = rejects();
		write_secrets($stored->($secret));

		my $body = new_body();
		my %right = $headers->($secret, $body, $now);
		check($channel, "$name, right", 200, $body, %right);
		check($channel, "$name, replayed within the tolerance", 200, $body, %right);
		is(deliveries($body), 2, "$channel: $name: both deliveries are counted");
		is(rejects(), $rejected, "$channel: $name: nothing was refused");

		$body = new_body();
		my %wrong = $headers->('a-shared-secres', $body, $now);
		check($channel, "$name, wrong", 401, $body, %wrong);
		check($channel, "$name, of the former secret", 401, $body, $headers->($previous, $body, $now));
		%right = $headers->($secret, $body, $now);
		my %missing = %right;
		delete $missing{ (grep { lc eq lc $proof } keys %missing)[0] };
		check($channel, "$name, missing", 401, $body, %missing);
		check($channel, "$name, empty", 401, $body, %missing, $proof => '');
		check($channel, "$name, nothing at all", 401, $body);
		check($channel, "$name, cut short", 401, $body, map { $_ => substr($right{$_}, 0, -1) } keys %right);
		check($channel, "$name, longer", 401, $body, map { $_ => "$right{$_}0" } keys %right);
		my $refused = 7;
		if ($mode->{signed})
		{
			check($channel, "$name, re-serialised", 401, reserialised($body), %right);
			check($channel, "$name, of another body", 401, new_body(), %right);
			$refused += 2;
		}
		else
		{
			check($channel, "$name, re-serialised", 200, reserialised($body), %right);
			$body = new_body();
		}
		if ($mode->{timed})
		{
			my ($time) = grep { /timestamp/i } keys %right;
			check($channel, "$name, expired", 401, $body, $headers->($secret, $body, $now - 400));
			check($channel, "$name, of the future", 401, $body, $headers->($secret, $body, $now + 400));
			check($channel, "$name, replayed with a new time", 401, $body, %right, $time => $right{$time} + 1);
			check($channel, "$name, without time", 401, $body, map { $_ => $right{$_} } grep { $_ ne $time } keys %right);
			check($channel, "$name, with an empty time", 401, $body, %right, $time => '');
			check($channel, "$name, with no time in it", 401, $body, %right, $time => 'now');
			$refused += 6;
		}
		is(deliveries($body), 0, "$channel: $name: nothing of what was refused is stored");
		is(rejects(), $rejected + $refused, "$channel: $name: each refusal is counted");

		write_secrets($stored->($secret), $stored->($previous));
		$body = new_body();
		check($channel, "$name, rotated: the former", 200, $body, $headers->($previous, $body, $now));
		$body = new_body();
		check($channel, "$name, rotated: the new one", 200, $body, $headers->($secret, $body, $now));
		$body = new_body();
		check($channel, "$name, rotated: a wrong one", 401, $body, $headers->('x', $body, $now));
		write_secrets('', $stored->($previous));
		check($channel, "$name, an empty secret file and an empty proof", 401, $body, $headers->('', $body, $now));
		write_secrets();
		check($channel, "$name, no secret file", 401, $body, $headers->($secret, $body, $now));
		check($channel, "$name, no secret file and an empty proof", 401, $body, $headers->('', $body, $now));
	}
}

# Whatever was wrong, nobody can tell it from the answer.
is(scalar keys %{ $refusals{$_} }, 1, "$_: all refusals are the same") or diag(join "\n--\n", keys %{ $refusals{$_} }) for sort keys %refusals;
like((keys %{ $refusals{nginx} })[0], qr/^401\n\{"message": "Unauthorized"\}\n/, 'and say no more than that');

# What health says of it: the reason of the last one.
my $reason = sub { return $node->safe_psql('calls', 'SELECT vapi_internal.webhook_verdict(last_value) FROM vapi_internal.webhook_reject_last'); };
like($reason->(), qr/secret here cannot be read/, 'the reason is kept: no secret');
write_secrets($secret);
configure(auth => 'hmac');
my $body = new_body();
by_sql($body, 'x-timestamp' => 1000, 'x-signature' => hmac_sha256_hex("1000.$body", $secret));
like($reason->(), qr/too far from now/, 'the reason is kept: expired');
by_sql($body, 'x-timestamp' => 1000, 'x-signature' => hmac_sha256_hex('', $secret));
like($reason->(), qr/did not fit/, 'the reason is kept: wrong');

# none only says so.
configure(auth => 'none');
write_secrets();
for my $channel (sort keys %channels)
{
	$body = new_body();
	check($channel, 'none', 200, $body);
}

# A flood of bad signatures, through SQL by four sessions at once.
configure(auth => 'hmac');
write_secrets($secret);
my $script = "$PostgreSQL::Test::Utils::tmp_check/flood.sql";
open my $out, '>', $script or die $!;
my $bad = JSON::PP->new->encode({ 'x-timestamp' => int time(), 'x-signature' => '0' x 64 });
print $out "BEGIN;\nSELECT set_config('request.headers', '$bad', true);\nSELECT vapi.vapi_webhook('\\x7b7d');\nCOMMIT;\n";
close $out;
my $before = rejects();
my $read_costs = sub {
	return [ split /\|/, $node->safe_psql('calls', q{
		SELECT pg_stat_clear_snapshot(), pg_snapshot_xmax(pg_current_snapshot()), pg_current_wal_insert_lsn() - '0/0', w.wal_records FROM pg_stat_wal w}) ];
};
$node->safe_psql('calls', 'CHECKPOINT');
my $costs = $read_costs->();
my ($stdout, $stderr) = run_command([ 'pgbench', '-n', '-c', 4, '-t', 500, '-f', $script, '-h', $node->host, '-p', $node->port, 'calls' ]);
like($stdout, qr/transactions actually processed: 2000\/2000/, 'flood: 2,000 bad signatures are refused') or diag($stderr);
my $after = $read_costs->();
is(rejects() - $before, 2000, 'flood: each is counted');
is($after->[1], $costs->[1], 'flood: no transaction id is used, so no row is locked and no commit flushed');
cmp_ok($after->[2] - $costs->[2], '<', 16 * 2000, 'flood: less than 16 bytes of WAL a reject')
  or diag($after->[2] - $costs->[2]);
note(sprintf 'flood: %d bytes of WAL for 2,000 rejects', $after->[2] - $costs->[2]);
$costs = $read_costs->();
$web->post($web->edge, '{}', 'x-timestamp' => int time(), 'x-signature' => '0' x 64) for 1 .. 100;
is($read_costs->()->[1], $costs->[1], 'flood: nor through nginx and PostgREST');

$web->stop;
$node->stop;
done_testing();
