# No secret in clear: a key, presigned, listen and control URLs appear nowhere
# but in the key's file. Everything that can be asked for is searched after a
# day's work at DEBUG5, and each search is shown to find what is planted.
use strict;
use warnings;
use JSON::PP;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

VapiSales::Test::skip_without_simulator();

# Made up, and easy to find; the simulator marks its own secrets with SIMSECRET.
my $key = '7f3a91c2-made-up-key-0000-c0ffee000001';
my $wrong_key = '55e1d0a4-wrong-up-key-0000-c0ffee000002';
my %needles = (
	'the key' => ['7f3a91c2-made'],
	'the wrong key' => ['55e1d0a4-wrong'],
	'a presigned, listen or control URL' => [ 'simsecret', 'x-amz-signature=', 'x-amz-credential=' ],
	'an authorization header' => ['authorization: bearer']);

my $simulator = VapiSales::Test->simulator(calls => 60, bytes => 45000, key => $key, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator, config => <<'CONF');
log_min_messages = debug5
log_statement = none
log_error_verbosity = verbose
track_activity_query_size = 100000
vapi_sales.keep_raw = full
vapi_sales.page_size = 10
vapi_sales.max_attempts = 1
CONF
my $shown = '';

# run(sql): in a session of its own that shows everything; its output is kept.
sub run
{
	my ($sql, $database) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=debug5';
	my ($out, $error) = ('', '');
	$node->psql($database // 'calls', $sql, stdout => \$out, stderr => \$error, on_error_stop => 0,
		extra_params => [ '-v', 'VERBOSITY=verbose', '-v', 'SHOW_CONTEXT=always' ]);
	$shown .= "$out\n$error\n";
	return ($out, $error);
}

sub faults
{
	my $answer = $simulator->request('PUT', '/_sim/faults', $_[0]);
	die $answer->{content} unless $answer->{success};
	return;
}

# configure(name => value...): in postgresql.conf, seen by new sessions afterwards.
sub configure
{
	my (%settings) = @_;
	$node->append_conf('postgresql.conf', join '', map { "$_ = '$settings{$_}'\n" } sort keys %settings);
	$node->reload;
	while (my ($name, $value) = each %settings)
	{
		die "$name is not set" unless $node->poll_query_until('calls', "SELECT current_setting('$name') = '$value'");
	}
	return;
}

my $sync = q{SELECT * FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};

# The simulator's answers hold what must not be found.
my $raw = $simulator->request('GET', '/call?limit=60')->{content};
like($raw, qr/X-Amz-Signature=SIMSECRET/, 'the simulator sends presigned URLs');
like($raw, qr{wss://SIMSECRET.*/listen}, 'and listen URLs');
like($raw, qr{https://SIMSECRET[^"]*/control}, 'and control URLs');

# 1. A day's work, sampled from another session while it goes on.
my $activity = '';
faults([ { kind => 'delay', ms => 150 } ]);
my ($run_id) = (run(q{SELECT run_id FROM vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)}))[0] =~ /^(\d+)$/m;
my $deadline = time() + 60;
do
{
	$activity .= $node->safe_psql('postgres', q{SELECT row_to_json(a) FROM pg_stat_activity a}) . "\n";
	for my $file (glob '/proc/[0-9]*/cmdline')
	{
		open my $in, '<', $file or next;
		local $/ = undef;
		my $line = <$in> // '';
		$activity .= "$line\n" if $line =~ /postgres|vapi|psql/;
	}
	sleep(0.05);
} until time() > $deadline || $node->safe_psql('calls', "SELECT status <> 'running' FROM vapi.sync_runs WHERE run_id = $run_id") eq 't';
like($activity, qr/vapi_sales/, 'the worker was seen at work');
is($node->safe_psql('calls', "SELECT status, seen FROM vapi.sync_runs WHERE run_id = $run_id"), 'complete|60', 'the calls are imported');
faults([]);

my $id = $node->safe_psql('calls', q{SELECT id FROM vapi.calls WHERE has_recording ORDER BY id LIMIT 1});
my ($assistant, $number) = split /\|/, $node->safe_psql('calls',
	q{SELECT (SELECT id FROM vapi.assistants ORDER BY id LIMIT 1), (SELECT id FROM vapi.phone_numbers ORDER BY id LIMIT 1)});
run($sync);
run('SELECT * FROM vapi.vapi_sync_changes()');
like((run(q{SELECT vapi.vapi_list_calls('{"limit": 50}')}))[0], qr/"orgId"/, 'vapi_list_calls answers');
like((run("SELECT vapi.vapi_get_call('$id')"))[0], qr/\Q$id\E/, 'vapi_get_call answers');
my ($created) = (run(qq{SELECT vapi.vapi_create_call('{"assistantId": "$assistant", "phoneNumberId": "$number", "customer": {"number": "+13035550142"}}') ->> 'id'}))[0] =~ /^([0-9a-f-]{36})$/m;
ok($created, 'vapi_create_call answers') or diag($shown =~ /^(.*ERROR.*)$/m);
$created //= $id;
run("SELECT vapi.vapi_get_call('$created')");
run("SELECT vapi.vapi_delete_call('$created')");
run(q{SELECT * FROM vapi_internal.merge_observations(jsonb_build_array(jsonb_build_object('event', jsonb_build_object('message', jsonb_build_object(
	'type', 'status-update', 'status', 'in-progress', 'timestamp', 1770000000000, 'call', jsonb_build_object('id', 'live-1',
	'monitor', jsonb_build_object('listenUrl', 'wss://SIM' || 'SECRET.example/listen', 'controlUrl', 'https://SIM' || 'SECRET.example/control')),
	'artifact', jsonb_build_object('recordingUrl', 'https://storage.example/a.wav?X-Amz' || '-Signature=SIM' || 'SECRET1'))))))});

# 2. Errors of every kind. What Vapi says in them may quote the key and URLs.
my $link = 'https://storage.example/a.wav?X-Amz-Signature=SIMSECRET2';
my $quote = "Invalid key $key, see $link, Authorization: Bearer $key";
my %trouble = (
	'a 500 that quotes secrets' => [ { kind => 'status', status => 500, message => $quote } ],
	'a 400 that quotes secrets' => [ { kind => 'status', status => 400, message => $quote } ],
	'a 401 that quotes secrets' => [ { kind => 'status', status => 401, message => $quote } ],
	'a page that quotes secrets' => [ { kind => 'status', status => 403, message => ['x', $quote] } ],
	'an HTML page' => [ { kind => 'status', status => 502, body => 'html' } ],
	'text that is no JSON' => [ { kind => 'text', text => "[{\"recordingUrl\": \"$link\", $link" } ],
	'JSON of another kind' => [ { kind => 'text', text => encode_json({ message => $link, recordingUrl => $link, monitor => { controlUrl => 'https://SIMSECRET.example/control' } }) } ],
	'a call without an id' => [ { kind => 'text', text => encode_json([ { monitor => { listenUrl => 'wss://SIMSECRET.example/' }, orgId => 'x' } ]) } ],
	'a redirect' => [ { kind => 'redirect', location => 'https://storage.example/a.wav?X-Amz-Signature=SIMSECRET4' } ],
	'a cut body' => [ { kind => 'cut-body' } ],
	'cut JSON' => [ { kind => 'invalid-json' } ],
	'zero characters' => [ { kind => 'nul' } ],
	'half surrogates' => [ { kind => 'surrogate' } ],
	'deep nesting' => [ { kind => 'deep' } ],
	'a reset connection' => [ { kind => 'reset' } ],
	'another organisation' => [ { kind => 'org' } ]);
my $failures = 0;
for my $what (sort keys %trouble)
{
	faults([ { %{ $trouble{$what}[0] }, count => 8 } ]); # then the import need not go round every page
	my $before = length $shown;
	my $begin = time();
	run(q{SELECT vapi.vapi_list_calls('{"limit": 5}')});
	run("SELECT vapi.vapi_get_call('not-stored-$id')");
	run(qq{SELECT vapi.vapi_create_call('{"assistantId": "$assistant", "phoneNumberId": "$number", "customer": {"number": "+13035550143"}}')});
	run($sync);
	$failures++ if substr($shown, $before) =~ /ERROR:|WARNING:/;
	note(sprintf '%s: %.1f s', $what, time() - $begin);
}
is($failures, scalar keys %trouble, 'each kind of trouble ends in an error or a warning');
faults([]);

my $directory = VapiSales::Test->secrets_directory($node);
VapiSales::Test->write_secret($node, 'vapi_api_key', $wrong_key);
like((run($sync))[1], qr/refused the API key/, 'a wrong key is refused by Vapi');
run(q{SELECT vapi.vapi_list_calls('{}')});
VapiSales::Test->write_secret($node, 'vapi_api_key', "$key\nsecond line $key");
like((run($sync))[1], qr/ERROR/, 'a key file of two lines is an error');
VapiSales::Test->write_secret($node, 'vapi_api_key', $key, 0644);
like((run($sync))[1], qr/accessible to others/, 'so is one that everybody may read');
VapiSales::Test->write_secret($node, 'vapi_api_key', $key);
for my $url ('https://no-such-host.invalid', 'http://127.0.0.1:1', 'http://169.254.169.254')
{
	configure('vapi_sales.base_url' => $url, 'vapi_sales.allowed_hosts' => 'no-such-host.invalid,127.0.0.1,localhost,169.254.169.254',
		'vapi_sales.http_timeout' => '2s', 'vapi_sales.connect_timeout' => '1s');
	like((run(q{SELECT vapi.vapi_list_calls('{}')}))[1], qr/ERROR/, "$url: an error");
	run($sync);
}
configure('vapi_sales.base_url' => $simulator->url);
is((run('SELECT status FROM vapi.vapi_sync_changes()'))[0], 'complete', 'the work goes on');
run(qq{SELECT set_config('vapi_sales.base_url', 'https://example.com', false)});

# 3. Where to look: name => text of everything there.
sub relations
{
	my @rows;
	for my $name (split /\n/, $node->safe_psql('calls', q{SELECT oid::regclass FROM pg_class
		WHERE relnamespace IN ('vapi'::regnamespace, 'vapi_internal'::regnamespace, 'public'::regnamespace) AND relkind IN ('r', 'v', 'm')}))
	{
		push @rows, $node->safe_psql('calls', "SELECT row_to_json(t) FROM $name t");
	}
	return join "\n", @rows;
}

sub files
{
	my ($folder) = @_;
	my ($text, @folders) = ('', $folder);
	while (defined(my $current = shift @folders))
	{
		opendir my $handle, $current or next;
		for my $name (grep { !/^\.\.?$/ } readdir $handle)
		{
			my $path = "$current/$name";
			next if -l $path;
			if (-d $path) { push @folders, $path; }
			elsif (-f $path) { open my $in, '<:raw', $path or next; local $/ = undef; $text .= <$in> // ''; }
		}
		closedir $handle;
	}
	return $text;
}
my %places = (
	'the server\'s log' => sub { slurp_file($node->logfile) },
	'what sessions were shown' => sub { $shown },
	'tables and views' => \&relations,
	'pg_settings' => sub { $node->safe_psql('calls', q{LOAD 'vapi_sales'; SELECT row_to_json(s) FROM pg_settings s})
		. $node->safe_psql('calls', q{SELECT row_to_json(s) FROM pg_file_settings s}) },
	'pg_stat_activity' => sub { $activity . $node->safe_psql('postgres', q{SELECT row_to_json(a) FROM pg_stat_activity a}) },
	'a dump' => sub { (run_command([ 'pg_dump', '-d', $node->connstr('calls') ]))[0] },
	'a dump of the cluster' => sub { (run_command([ 'pg_dumpall', '-d', $node->connstr('postgres') ]))[0] },
	'all files of the cluster' => sub { $node->safe_psql('postgres', 'CHECKPOINT'); files($node->data_dir) });

# found(place): which needles are in it.
sub found
{
	my ($place) = @_;
	my $text = lc $places{$place}->();
	cmp_ok(length $text, '>', 1000, "there is something in $place");
	my @found;
	for my $name (sort keys %needles)
	{
		my ($at) = grep { $_ >= 0 } map { index $text, $_ } @{ $needles{$name} };
		next unless defined $at;
		push @found, $name;
		note("$place: ..." . (substr($text, $at > 80 ? $at - 80 : 0, 140) =~ s/[^ -~]/?/gr) . '...');
	}
	return join ', ', @found;
}
like($shown, qr/DEBUG:/, 'sessions were shown debug messages');
like(slurp_file($node->logfile), qr/DEBUG:.*GET \/call/s, 'the log has our debug messages');
is(found($_), '', "no secret in $_") for sort keys %places;

# 4. The searches find what is there.
$node->safe_psql('calls', qq{CREATE TABLE planted AS SELECT '$key' AS text; ALTER DATABASE calls SET my.setting = '$key';
	DO \$\$ BEGIN RAISE LOG 'https://storage.example/a.wav?X-Amz-Signature=SIMSECRET5'; END \$\$});
run("DO \$\$ BEGIN RAISE NOTICE 'Authorization: Bearer $wrong_key'; END \$\$");
configure('my.planted' => $key);
my $session = $node->background_psql('calls', on_error_stop => 0);
$session->query("SELECT '$key'");
my %planted = (
	'the server\'s log' => qr/URL/,
	'what sessions were shown' => qr/authorization header.*the wrong key/,
	'tables and views' => qr/the key/,
	'pg_settings' => qr/the key/,
	'pg_stat_activity' => qr/the key/,
	'a dump' => qr/the key/,
	'a dump of the cluster' => qr/the key/,
	'all files of the cluster' => qr/the key/);
like(found($_), $planted{$_}, "what is planted is found in $_") for sort keys %planted;
$session->quit;
$node->stop;

# 5. Telephone numbers stay out of the log and out of errors at the usual levels.
my $plain = VapiSales::Test->node('plain', simulator => $simulator, config => "log_statement = none\nvapi_sales.max_attempts = 1\n");
my $number_pattern = qr/\+?1?303[^0-9a-f]{0,2}555[^0-9a-f]?01\d\d|\+1\d{10}\b/;
my @numbers = $raw =~ /"number":"(\+\d+)"/g;
cmp_ok(scalar @numbers, '>', 10, 'the calls have numbers');
my $texts = '';
my $ask = sub {
	my ($out, $error) = ('', '');
	$plain->psql('calls', $_[0], stdout => \$out, stderr => \$error, on_error_stop => 0, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	$texts .= "$error\n";
	return $out;
};
$ask->($sync);

# Requests come from a table: the statement that fails is the user's own text and may be logged.
$ask->(q{
	CREATE TABLE request (name text, body jsonb);
	INSERT INTO vapi_internal.prospect (prospect_id, do_not_call) VALUES (1000001, true);
	INSERT INTO vapi_internal.prospect_phone VALUES ('+13035550144', 1000001);
	INSERT INTO request VALUES
		('do not call', '{"assistantId": "a", "phoneNumberId": "p", "customer": {"number": "+13035550144"}}'),
		('unknown assistant', '{"assistantId": "a", "phoneNumberId": "p", "customer": {"number": "+13035550145"}}'),
		('no assistant', '{"customer": {"number": "+13035550146"}}'),
		('no array', '{"assistantId": "a", "customers": {"number": "+13035550147"}}'),
		('bad number', '{"assistantId": "a", "phoneNumberId": "p", "customer": {"number": "(303) 555-0148 ext"}}')});
my $errors = 0;
for my $name ('do not call', 'unknown assistant', 'no assistant', 'no array', 'bad number')
{
	my $before = length $texts;
	$ask->("SELECT vapi.vapi_create_call(body) FROM request WHERE name = '$name'");
	$errors++ if substr($texts, $before) =~ /ERROR/;
}
cmp_ok($errors, '>=', 4, 'requests fail');
for my $kind (qw(nul surrogate deep invalid-json cut-body))
{
	faults([ { kind => $kind, count => 6 } ]);
	$ask->($sync);
	$ask->(q{SELECT * FROM vapi.vapi_resume_sync((SELECT max(run_id) FROM vapi.sync_runs WHERE status NOT IN ('complete', 'running')))});
}
faults([ { kind => 'status', status => 400, message => 'customer.number must be a valid phone number: +13035550149' } ]);
$ask->("SELECT vapi.vapi_create_call(body) FROM request WHERE name = 'unknown assistant'");
faults([]);
like($texts, qr/ERROR|WARNING/, 'there are errors to look at');
my $log = slurp_file($plain->logfile);
unlike($log, $number_pattern, 'no telephone number in the log');
unlike($texts, $number_pattern, 'no telephone number in errors');
like("the number is $numbers[0]", $number_pattern, 'the pattern finds the calls\' numbers');
$plain->stop;

done_testing();
