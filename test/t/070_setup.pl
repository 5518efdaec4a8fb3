# Set-up: what vapi_check_setup finds, and what vapi_configure_webhook changes.
use strict;
use warnings;
use JSON::PP;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

# Made up, and easy to find in any part of them.
my $secret = 'whsec-Kq7vN2xTzL4mWc9RbY6p';
my $new_secret = 'whsec-Jd3hG8sQfX5uEa1VnZ0k';
my $header = 'header-Ue6yPo4IbM2nCx8LwD5t';
my $needle = qr/Kq7vN2xT|2xTzL4mWc|Jd3hG8sQ|8sQfX5uEa|Ue6yPo4I|4IbM2nCx8/;

my $url = 'https://sales.example.com/api/webhooks/vapi';
my $simulator = VapiSales::Test->simulator(calls => 20);
my $node = VapiSales::Test->node('main', simulator => $simulator, config => <<'CONF');
log_min_messages = debug5
log_error_verbosity = verbose
vapi_sales.public_url = 'https://sales.example.com/'
vapi_sales.max_attempts = 2
CONF
my $shown = '';

# run(sql): output and errors, which are kept for the search at the end.
sub run
{
	my ($sql) = @_;
	my ($out, $error) = ('', '');
	$node->psql('calls', $sql, stdout => \$out, stderr => \$error, on_error_stop => 0,
		extra_params => [ '-v', 'VERBOSITY=verbose', '-v', 'SHOW_CONTEXT=always' ]);
	$shown .= "$out\n$error\n";
	return ($out, $error);
}

# rows(sql): as hashes; dies on an error.
sub rows
{
	my ($sql) = @_;
	my ($out, $error) = run("SELECT coalesce(json_agg(r), '[]') FROM ($sql) r");
	die $error if $error =~ /ERROR/;
	return @{ decode_json($out) };
}
sub check { return rows('SELECT * FROM vapi.vapi_check_setup()'); }
sub configure { my ($arguments) = @_; return rows("SELECT * FROM vapi.vapi_configure_webhook($arguments)"); }

# findings(id or subject, rows): "severity finding" of each.
sub findings { my ($of, @rows) = @_; return map { "$_->{severity} $_->{finding}" } grep { ($_->{id} // $_->{subject}) eq $of } @rows; }

sub refused
{
	my ($sql, $pattern, $name) = @_;
	like((run($sql))[1], $pattern, $name);
	return;
}
sub faults { my $answer = $simulator->request('PUT', '/_sim/faults', $_[0]); die $answer->{content} unless $answer->{success}; return; }
sub account { return $simulator->admin('account'); }
sub patches { return sum(map { $_ =~ /^PATCH/ ? $simulator->admin('stats')->{byPath}{$_} : () } keys %{ $simulator->admin('stats')->{byPath} }); }
sub sum { my $sum = 0; $sum += $_ for @_; return $sum; }

my @assistants = @{ $simulator->request('GET', '/assistant')->{data} };
my @numbers = @{ $simulator->request('GET', '/phone-number')->{data} };
sub assistant { my ($id) = @_; return (grep { $_->{id} eq $id } @{ account()->{assistants} })[0]; }
sub change
{
	my ($path, %body) = @_;
	my $answer = $simulator->request('PATCH', $path, \%body);
	die "PATCH $path: $answer->{content}" unless $answer->{success};
	return;
}
my %id;
my $next = 0;

# prepare(name, members...): an assistant that has nothing but what is given (undef takes a member away).
sub prepare
{
	my ($name, %members) = @_;
	$id{$name} = $assistants[ $next++ ]{id};
	change("/assistant/$id{$name}", name => $name, server => undef, serverMessages => undef, analysisPlan => undef, artifactPlan => undef, %members);
	return;
}
my @needed = ('status-update', 'end-of-call-report', 'transcript');
my $backoff = { type => 'exponential', maxRetries => 3, baseDelaySeconds => 2 };
my $right = { url => $url, secret => 'another', backoffPlan => $backoff };
prepare('right', server => $right, serverMessages => [ 'hang', @needed ]);
prepare('default messages', server => $right);
prepare('final transcripts', server => $right, serverMessages => [ 'status-update', 'end-of-call-report', 'transcript[transcriptType="final"]' ]);
prepare('no reports', server => $right, serverMessages => ['transcript']);
prepare('nowhere', serverMessages => \@needed);
prepare('by its number', serverMessages => \@needed);
prepare('elsewhere', server => { %$right, url => 'https://other.example.com/hook' }, serverMessages => \@needed);
prepare('hidden token', server => { %$right, url => "https://user:$header\@sales.example.com/api/webhooks/vapi" }, serverMessages => \@needed);
prepare('open', server => { url => $url, backoffPlan => $backoff }, serverMessages => \@needed);
prepare('credential', server => { url => 'https://other.example.com/', credentialId => 'c1', backoffPlan => $backoff, timeoutSeconds => 2 }, serverMessages => \@needed);
prepare('headers', server => { url => 'https://other.example.com/', headers => { Authorization => $header, 'X-Tenant' => "tenant-$header" },
		staticIpAddressesEnabled => JSON::PP::true, timeoutSeconds => 30, backoffPlan => { %$backoff, maxRetries => 0, excludedStatusCodes => [404] } },
	serverMessages => ['status-update', 'tool-calls']);
prepare('no retries', server => { url => $url, secret => 'x' }, serverMessages => \@needed);
prepare('slow', server => { %$right, timeoutSeconds => 300 }, serverMessages => \@needed);
prepare('blind', server => $right, serverMessages => \@needed,
	analysisPlan => { summaryPlan => { enabled => JSON::PP::false }, successEvaluationPlan => { enabled => JSON::PP::false } },
	artifactPlan => { recordingEnabled => JSON::PP::false, transcriptPlan => { enabled => JSON::PP::false } }, monitorPlan => { controlEnabled => JSON::PP::false });
is(scalar @assistants - $next, 2, 'two assistants stay as they are');
my ($line, $pool) = map { my $name = $_; (grep { $_->{name} eq $name } @numbers)[0]{id} } 'Solar main line', 'Solar outbound pool';
change("/phone-number/$line", assistantId => $id{'by its number'}, server => { url => $url, backoffPlan => $backoff });

# 1. The check
my @rows = check();
is($node->safe_psql('calls', 'SELECT org_id IS NULL, mirrored_at IS NOT NULL FROM vapi_internal.sync_state'), 't|t', 'a check does not decide which organisation is ours');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi.assistants'), scalar @assistants, 'it refreshes the mirror');
is($node->safe_psql('calls', "SELECT server_url FROM vapi.assistants WHERE id = '$id{elsewhere}'"), 'https://other.example.com/hook', 'with what is at Vapi now');
is_deeply([ map { $_->{subject} } @rows[ 0 .. 5 ] ], [ 'Vapi API', 'clock', 'public URL', 'webhook secret', 'rate limit', 'retention' ], 'general subjects come first');
like((findings('Vapi API', @rows))[0], qr/^ok Vapi accepts the key; it belongs to organisation [0-9a-f-]{36}\.$/, 'the key works');
like((findings('clock', @rows))[0], qr/^ok /, 'the clocks agree');
is((findings('public URL', @rows))[0], "ok Events belong to $url.", 'the public URL is set');
like((findings('webhook secret', @rows))[0], qr/^warn File webhook_secret is missing/, 'the secret is missing');
like((findings('rate limit', @rows))[0], qr/^warn 100000 requests a minute/, 'the rate is not plausible');
like((findings('retention', @rows))[0], qr/^warn No import has been complete yet/, 'nothing is imported yet');
my %expected = (
	'right' => [qr/^ok No finding\.$/],
	'default messages' => [qr/^warn It does not send transcript: a live call/],
	'final transcripts' => [qr/^ok No finding/],
	'no reports' => [qr/^fail It does not send status-update, end-of-call-report: live calls are not seen/],
	'nowhere' => [qr/^fail It has no server URL, nor has a phone number of it/],
	'by its number' => [qr/^warn It has no server URL of its own: only calls through the phone number Solar main line/],
	'elsewhere' => [qr{^warn Its events go to https://other\.example\.com/hook, not to \Q$url\E}],
	'hidden token' => [qr{^warn Its events go to https://sales\.example\.com/api/webhooks/vapi with a user or query, not to}],
	'open' => [qr/^warn Its server has neither secret nor credential/],
	'credential' => [ qr/^warn Its events go to/, qr/^warn Its server's timeoutSeconds is 2: Vapi gives up/ ],
	'headers' => [ qr/^fail It does not send end-of-call-report, transcript/, qr/^warn Its events go to/, qr/^warn Its server has no backoffPlan with retries/ ],
	'no retries' => [qr/^warn Its server has no backoffPlan/],
	'slow' => [qr/^warn Its server's timeoutSeconds is 300: a caller/],
	'blind' => [ qr/^warn Its calls are not analysed/, qr/^warn Its calls are not recorded/, qr/^warn Its running calls cannot be controlled/, qr/^warn Vapi keeps no transcript/ ]);
for my $name (sort keys %expected)
{
	my @found = sort { $a cmp $b } findings($id{$name}, @rows);
	my @patterns = @{ $expected{$name} };
	ok(@found == @patterns && !grep({ $found[$_] !~ $patterns[$_] } 0 .. $#patterns), "findings of: $name") or diag(join "\n", @found);
}
my ($fix) = map { $_->{fix} } grep { ($_->{id} // '') eq $id{open} } @rows;
like($fix, qr/vapi_configure_webhook\(assistants => ARRAY\['$id{open}'\]\)/, 'a finding says how to repair it');
like((findings($line, @rows))[0], qr/^ok Vapi does not show whether its server has a secret/, 'what Vapi does not tell is not guessed');
like((findings($pool, @rows))[0], qr/^warn It has neither assistant, squad/, 'a number without assistant');
ok(!grep({ !defined $_->{fix} && $_->{severity} ne 'ok' } @rows), 'each finding has a fix');
is(scalar(grep { $_->{subject} =~ /^squad / && $_->{severity} eq 'ok' } @rows), 2, 'squads are looked at');

# References to what is not there.
change("/phone-number/$pool", assistantId => '00000000-0000-4000-8000-000000000000');
my $squad = $simulator->request('GET', '/squad')->{data}[0];
change("/squad/$squad->{id}", members => [ { assistantId => '00000000-0000-4000-8000-000000000001', assistantOverrides => { server => { url => 'https://squad.example.com/' } } } ]);
@rows = check();
like((findings($pool, @rows))[0], qr/^fail It belongs to assistant 0+-0000-4000-8000-0+, which Vapi does not list/, 'a number of a missing assistant');
like(join("\n", findings($squad->{id}, @rows)), qr{^fail Its member .* is no assistant.*\nwarn It sends its members' events to https://squad\.example\.com/, not to}, 'a squad of a missing assistant with a server of its own');
change("/squad/$squad->{id}", members => $squad->{members});
change("/phone-number/$pool", assistantId => undef);

# Trouble is a row, not an error.
VapiSales::Test->write_secret($node, 'webhook_secret', $secret);
faults([ { kind => 'clock-skew', ms => -90000, path => '.' } ]);
@rows = check();
like((findings('clock', @rows))[0], qr/^warn Vapi's clock is (?:89|90|91) s behind/, 'a clock that is wrong');
like((findings('webhook secret', @rows))[0], qr/^ok/, 'the secret is there');
faults([ { kind => 'clock-skew', ms => 20000, path => '.' } ]);
like((findings('clock', check()))[0], qr/^ok/, 'a clock that is a little off');
faults([ { kind => 'status', status => 400, path => '^/squad', message => 'no squads today' } ]);
@rows = check();
like((findings('Vapi API', @rows))[0], qr/^fail Vapi refused GET \/squad .*VS003.*no squads today/, 'a list that cannot be read');
like((findings($id{open}, @rows))[0], qr/^warn Its server has neither/, 'the others are judged all the same');
faults([ { kind => 'text', text => '{"not": "a list"}', path => '^/assistant' } ]);
like((findings('Vapi API', check()))[0], qr/^fail Vapi's answer to GET \/assistant is no JSON array/, 'an answer of another kind');
faults([ { kind => 'expired-key', path => '.' } ]);
@rows = check();
like((findings('Vapi API', @rows))[0], qr/^fail Vapi refused the API key/, 'a key that is refused');
is(scalar(grep { defined $_->{id} } @rows), 0, 'nothing is said of what cannot be seen');
refused('SELECT * FROM vapi.vapi_configure_webhook()', qr/ERROR:  28000: Vapi refused the API key.*DETAIL:  .*Nothing was changed/s, 'and nothing can be configured');
faults([]);
VapiSales::Test->write_secret($node, 'webhook_secret', $secret, 0644);
like((findings('webhook secret', check()))[0], qr/^warn .*accessible to others/, 'a secret that others may read');
VapiSales::Test->write_secret($node, 'webhook_secret', $secret);
$node->safe_psql('calls', q{SELECT * FROM vapi.vapi_sync('2026-01-01', '2026-02-01')});
like((findings('retention', check()))[0], qr/^ok The last complete import was at \d{4}-\d\d-\d\d \d\d:\d\d UTC/, 'after an import');
$node->safe_psql('calls', q{UPDATE vapi_internal.sync_run SET finished_at = finished_at - interval '9 days'});
like((findings('retention', check()))[0], qr/^warn The last complete import is 9 days old/, 'a long time after an import');
my $before = $node->safe_psql('calls', 'SELECT md5(string_agg(data::text, chr(10) ORDER BY assistant_id)) FROM vapi_internal.assistant');
faults([ { kind => 'org', path => '.' } ]);
@rows = check();
like((findings('Vapi API', @rows))[0], qr/^fail The key belongs to organisation 99999999-\S+, the calls here to /, 'a key of another organisation');
is(scalar(grep { defined $_->{id} } @rows), 0, 'its objects are not ours to judge');
is($node->safe_psql('calls', 'SELECT md5(string_agg(data::text, chr(10) ORDER BY assistant_id)) FROM vapi_internal.assistant'), $before, 'nor to keep');
refused('SELECT * FROM vapi.vapi_configure_webhook()', qr/ERROR:  VS005/, 'nor to configure');
faults([]);
refused('BEGIN READ ONLY; SELECT * FROM vapi.vapi_check_setup()', qr/ERROR:  25006/, 'a check needs the rate budget, which a read-only transaction cannot change');

# 2. Configuring: a dry run
$simulator->admin('stats/reset', {});
my $old = account();
@rows = configure('');
is(scalar @rows, scalar @assistants, 'one row an assistant');
is(patches(), 0, 'a dry run sends no PATCH');
is_deeply(account(), $old, 'and changes nothing');
my %row = map { $_->{id} => $_ } @rows;
is($row{ $id{right} }{status}, 'unchanged', 'what is right needs no change');
is($row{ $id{'final transcripts'} }{status}, 'unchanged', 'final transcripts are enough');
is($row{ $id{elsewhere} }{status}, 'would change', 'what is wrong would be changed');
is_deeply($row{ $id{elsewhere} }{changes},
	[ { path => 'server.url', old => 'https://other.example.com/hook', new => $url }, { path => 'server.secret', old => 'set', new => 'set' } ],
	'path, old and new value; of a secret only whether it is set');
is_deeply($row{ $id{nowhere} }{changes}, [
		{ path => 'server.url', old => undef, new => $url },
		{ path => 'server.backoffPlan', old => undef, new => { type => 'exponential', maxRetries => 5, baseDelaySeconds => 1 } },
		{ path => 'server.secret', old => 'not set', new => 'set' } ], 'a server from nothing') or diag(encode_json($row{ $id{nowhere} }));
like(encode_json($row{ $id{'hidden token'} }{changes}), qr/the old value had a user or query that is not shown/, 'an old URL that is not shown as it was');
is_deeply([ map { $_->{new} } grep { $_->{path} eq 'serverMessages' } @{ $row{ $id{'default messages'} }{changes} } ], [ [
		'conversation-update', 'end-of-call-report', 'function-call', 'hang', 'speech-update', 'status-update', 'tool-calls',
		'transfer-destination-request', 'handoff-destination-request', 'user-interrupted', 'assistant.started', 'transcript' ] ],
	'Vapi\'s default messages stay');

# 3. Only some
@rows = configure("assistants => ARRAY['$id{elsewhere}', 'no-such-id'], dry_run => false");
is_deeply([ map { "$_->{status} $_->{id}" } sort { $a->{status} cmp $b->{status} } @rows ], [ "changed $id{elsewhere}", 'failed no-such-id' ], 'only these are touched');
like((grep { $_->{id} eq 'no-such-id' } @rows)[0]{reason}, qr/Vapi lists no such assistant/, 'one that is not there fails');
is_deeply(assistant($id{elsewhere})->{server}, { url => $url, secret => $secret, backoffPlan => $backoff }, 'it is changed at Vapi');
is($node->safe_psql('calls', "SELECT server_url FROM vapi.assistants WHERE id = '$id{elsewhere}'"), $url, 'and in the mirror');
{
	my ($now) = account();
	my $others = sub { return [ grep { $_->{id} ne $id{elsewhere} } @{ $_[0]{assistants} } ] };
	is_deeply($others->($now), $others->($old), 'the others are as they were');
}
is(patches(), 1, 'by one PATCH');

# 4. What is refused before anything happens
refused(q{SELECT * FROM vapi.vapi_configure_webhook('ftp://example.com/')}, qr/ERROR:  22023: .*no http/, 'no http URL');
refused(q{SELECT * FROM vapi.vapi_configure_webhook('https://me@example.com/')}, qr/ERROR:  22023: .*user part/, 'a user part');
refused(q{SELECT * FROM vapi.vapi_configure_webhook('https://example.com/?a=b')}, qr/ERROR:  22023: .*query/, 'a query');
refused(q{BEGIN READ ONLY; SELECT * FROM vapi.vapi_configure_webhook(dry_run => false)}, qr/ERROR:  25006/, 'a read-only transaction');
unlink VapiSales::Test->secrets_directory($node) . '/webhook_secret';
refused(q{SELECT * FROM vapi.vapi_configure_webhook(dry_run => false)}, qr/ERROR:  VS002: .*missing.*HINT:  .*secret => false/s, 'without the secret');
VapiSales::Test->write_secret($node, 'webhook_secret', $secret);
run(q{CREATE ROLE guest; CREATE ROLE boss; SELECT vapi.vapi_grant('boss', 'admin'); GRANT USAGE ON SCHEMA vapi TO guest});
for my $role ('guest', 'boss')
{
	refused("SET ROLE $role; SELECT * FROM vapi.vapi_check_setup()", qr/ERROR:  42501/, "$role may not check") if $role eq 'guest';
	refused("SET ROLE $role; SELECT * FROM vapi.vapi_configure_webhook()", qr/ERROR:  42501/, "$role may not configure");
	refused("SET ROLE $role; SELECT vapi_internal.setup_patch('assistant', '$id{open}', '{}', false)", qr/ERROR:  42501/, "$role may not patch");
}
like((run('SET ROLE boss; SELECT count(*) > 3 FROM vapi.vapi_check_setup()'))[0], qr/^t$/m, 'an administrator may check');
is(patches(), 1, 'none of it changed anything at Vapi');

# 5. Without the secret
@rows = configure("'https://third.example.com/', secret => false, dry_run => false, assistants => ARRAY['$id{open}', '$id{elsewhere}', '$id{credential}']");
%row = map { $_->{id} => $_ } @rows;
is($row{ $id{open} }{status}, 'changed', 'a server without secret is changed');
is($row{ $id{elsewhere} }{status}, 'failed', 'one with a secret is not');
like($row{ $id{elsewhere} }{reason}, qr/has a secret that Vapi does not show/, 'which would be lost');
is($row{ $id{credential} }{status}, 'changed', 'a credential stays anyway');
is(assistant($id{credential})->{server}{credentialId}, 'c1', 'and is there');
is(assistant($id{elsewhere})->{server}{secret}, $secret, 'the secret, too');

# 6. All, and one of them fails, with an answer that quotes secrets
change("/assistant/$id{blind}", serverMessages => ['status-update']);
faults([ { kind => 'status', status => 400, method => 'PATCH', path => "^/assistant/$id{slow}", message => 'server.colour is not allowed' },
	{ kind => 'status', status => 500, method => 'PATCH', path => "^/assistant/$id{nowhere}", message => "bad secret $secret" },
	{ kind => 'status', status => 400, method => 'PATCH', path => "^/assistant/$id{headers}", message => "bad header $header" },
	{ kind => 'text', method => 'PATCH', path => "^/assistant/$id{blind}", text => encode_json($assistants[13]) },
	{ kind => 'reset', method => 'PATCH', path => "^/assistant/$id{'hidden token'}" } ]);
@rows = configure('dry_run => false');
%row = map { $_->{id} => $_ } @rows;
is(scalar @rows, scalar @assistants, 'one row an assistant again');
is($row{ $id{slow} }{status}, 'failed', 'one that Vapi refuses fails');
like($row{ $id{slow} }{reason}, qr/VS003.*server\.colour is not allowed/, 'and says why');
is_deeply($row{ $id{slow} }{changes}[0], { path => 'server.timeoutSeconds', old => 300, new => 20 }, 'and what was to change');
like($row{ $id{nowhere} }{reason}, qr/VS004.*not shown.*may have made the change all the same/, 'an answer that quotes the secret is not shown');
like($row{ $id{headers} }{reason}, qr/VS003.*not shown/, 'nor one that quotes a header');
like($row{ $id{'hidden token'} }{reason}, qr/08\d{3}/, 'a broken connection is a row, too');
like($row{ $id{blind} }{reason}, qr/Vapi accepted the change, but still shows another/, 'a change that Vapi forgets is noticed') or diag(encode_json($row{ $id{blind} }));
is_deeply([ sort map { $_->{status} } grep { $_->{id} ne $id{right} && $_->{status} ne 'failed' && $_->{id} ne $id{'final transcripts'} } @rows ],
	[ ('changed') x (scalar(@rows) - 8), 'unchanged' ], 'the others are changed');
faults([]);
@rows = configure('dry_run => false');
is_deeply([ sort map { $_->{name} } grep { $_->{status} eq 'changed' } @rows ], [ 'blind', 'headers', 'hidden token', 'nowhere', 'slow' ], 'a second run changes what failed');
my $count = patches();
$old = account();
@rows = configure('dry_run => false');
is_deeply([ grep { $_->{status} ne 'unchanged' } @rows ], [], 'a third run finds nothing to do');
is(patches(), $count, 'and sends nothing');
is_deeply(account(), $old, 'all is as it was');
is_deeply(assistant($id{headers})->{server}, {
		url => $url, secret => $secret, headers => { Authorization => $header, 'X-Tenant' => "tenant-$header" }, staticIpAddressesEnabled => JSON::PP::true,
		timeoutSeconds => 30, backoffPlan => { type => 'exponential', maxRetries => 5, baseDelaySeconds => 1, excludedStatusCodes => [404] } },
	'what a server has besides stays');
is_deeply(assistant($id{headers})->{serverMessages}, [ 'status-update', 'tool-calls', 'end-of-call-report', 'transcript' ], 'messages are added');
is_deeply(assistant($id{credential})->{server}, { url => $url, credentialId => 'c1', backoffPlan => $backoff, timeoutSeconds => 20 }, 'no secret beside a credential');
is_deeply(assistant($id{right})->{server}, $right, 'what was right was left alone');
is(assistant($id{open})->{model}{model}, $assistants[8]{model}{model}, 'the rest of an assistant stays');
is_deeply([ grep { $_->{severity} ne 'ok' && $_->{finding} =~ /server|send|events/ && $_->{subject} =~ /^assistant/ } check() ], [], 'the check is content');

# 7. Another secret
VapiSales::Test->write_secret($node, 'webhook_secret', $new_secret);
is_deeply([ grep { $_->{status} ne 'unchanged' } configure('dry_run => false') ], [], 'a new secret cannot be seen to differ');
@rows = configure("dry_run => false, renew_secret => true, assistants => ARRAY['$id{open}', '$id{credential}']");
is_deeply({ map { $_->{id} => $_->{status} } @rows }, { $id{open} => 'changed', $id{credential} => 'unchanged' }, 'it is sent when asked for');
is(assistant($id{open})->{server}{secret}, $new_secret, 'and has arrived');

# 8. Phone numbers
@rows = configure("assistants => '{}', phone_numbers => ARRAY['$line'], dry_run => false");
is_deeply([ map { "$_->{kind} $_->{id} $_->{status}" } @rows ], ["phone-number $line unchanged"], 'a number that is right, but for what Vapi does not tell');
@rows = configure("assistants => '{}', phone_numbers => ARRAY['$pool', '$line'], dry_run => false, renew_secret => true");
is_deeply([ map { $_->{status} } @rows ], [ 'changed', 'changed' ], 'numbers are changed');
for my $number (grep { $_->{id} eq $pool || $_->{id} eq $line } @{ account()->{phoneNumbers} })
{
	is_deeply([ @{ $number->{server} }{qw(url secret)} ], [ $url, $new_secret ], "server of $number->{name}");
}
is(scalar(configure("assistants => '{}', phone_numbers => NULL")), scalar @numbers, 'NULL means all');

# 9. Transactions
change("/assistant/$id{$_}", server => undef) for ('open', 'right');
run(qq{BEGIN; SELECT * FROM vapi.vapi_configure_webhook(dry_run => false, assistants => ARRAY['$id{right}']); ROLLBACK});
is(assistant($id{right})->{server}{url}, $url, 'a rollback takes nothing back');
change("/assistant/$id{right}", server => undef);
faults([ { kind => 'delay', ms => 20000, method => 'PATCH', path => "^/assistant/$id{right}" } ]);
refused(qq{SET statement_timeout = '4s'; SELECT * FROM vapi.vapi_configure_webhook(dry_run => false, assistants => ARRAY['$id{open}', '$id{right}'])},
	qr/ERROR:  57014: .*DETAIL:  Already changed at Vapi, and stays so: $id{open}\. Assistant $id{right} may be/s, 'a cancel says what is changed already');
is(assistant($id{open})->{server}{url}, $url, 'and it is');
faults([]);
change("/assistant/$id{right}", server => undef);
like((run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT status FROM vapi.vapi_configure_webhook(dry_run => false, assistants => ARRAY['$id{right}']); SELECT count(*) FROM vapi.vapi_check_setup(); COMMIT"))[0],
	qr/^changed\n\d+$/m, 'under REPEATABLE READ');

# 10. No secret anywhere
sub everything
{
	my @texts = ($shown, slurp_file($node->logfile));
	push @texts, $node->safe_psql('calls', "SELECT row_to_json(t) FROM $_ t") for split /\n/, $node->safe_psql('calls', q{SELECT oid::regclass FROM pg_class
		WHERE relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace) AND relkind IN ('r', 'v')});
	push @texts, (run_command([ 'pg_dump', '-d', $node->connstr('calls') ]))[0];
	$node->safe_psql('postgres', 'CHECKPOINT');
	my $data = $node->data_dir;
	push @texts, slurp_file($_) for glob "$data/base/*/* $data/pg_wal/0*";
	return join "\n", @texts;
}
my $texts = everything();
like($shown, qr/server\.secret/, 'there are changes of secrets to look at');
like($texts, qr/PATCH \/assistant/, 'the log has the requests');
unlike($texts, $needle, 'no part of a secret or header in output, log, tables or files');
$node->safe_psql('calls', "CREATE TABLE planted AS SELECT '$secret' AS text");
like(everything(), $needle, 'what is planted is found');

$node->stop;
done_testing();
