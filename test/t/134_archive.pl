# The archive of recordings: what is kept, that all of it is or nothing, whatever ends the worker, how it is heard through real nginx and
# PostgREST without asking Vapi, quota, retention, erasure, dumps.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 sha256_hex);
use HTTP::Tiny;
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
my ($day, $json) = (86400, JSON::PP->new->canonical);
sub iso { my ($at) = @_; my @t = gmtime $at; return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0]; }
my ($from, $to) = (iso(time() - 10 * $day), iso(time() - $day));
my $simulator = VapiSales::Test->simulator(calls => 40, bytes => 20000, from => $from, to => $to);
my $node = VapiSales::Test->node('main', simulator => $simulator, config => <<'CONF');
vapi_sales.storage_hosts = '127.0.0.1'
log_statement = none
remove_temp_files_after_crash = on
restart_after_crash = on
CONF
sub value { return $node->safe_psql('calls', $_[0]); }
sub configure
{
	my ($name, $to_value) = @_;
	$node->append_conf('postgresql.conf', "vapi_sales.$name = '$to_value'\n");
	$node->reload;
	$node->poll_query_until('calls', "SELECT current_setting('vapi_sales.$name') = '$to_value'") or die "no $name";
	return;
}
sub faults { my $answer = $simulator->request('PUT', '/_sim/faults', $_[0]); die $answer->{content} unless $answer->{success}; return; }
sub paths { my ($pattern) = @_; my $by = $simulator->admin('stats')->{byPath}; my $n = 0; $n += $by->{$_} for grep { /$pattern/ } keys %$by; return $n; }
sub vapi { return paths(qr{ /call/}); }
sub storage { return paths(qr{ /_storage}); }
# step(): the step once more, whenever it was last taken; what it did and its error
sub step
{
	value(q{UPDATE vapi_internal.step_state SET next_due_at = NULL, last_error = NULL, failures = 0 WHERE step = 'archive'});
	return value(q{SELECT done || ' ' || coalesce(error, '') FROM vapi.vapi_work() WHERE step = 'archive'});
}
sub rest { return value(q{UPDATE vapi_internal.archived_recording SET next_attempt_at = NULL WHERE status = 'waiting'}); }
sub stored { return value(q{SELECT count(*) FROM vapi_internal.archived_recording WHERE status = 'stored'}); }
sub health { return value(q{SELECT status || ': ' || detail FROM vapi.health WHERE check_name = 'archive'}); }
sub temporary { return map { glob "$_/*" } glob $node->data_dir . '/base/pgsql_tmp'; }

value(q{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE webhook; CREATE ROLE bi; CREATE ROLE viewer; CREATE ROLE agent; CREATE ROLE admin; CREATE ROLE other;
	GRANT webhook, viewer, agent, admin, bi, other TO authenticator;
	SELECT vapi.vapi_grant('webhook', 'webhook'), vapi.vapi_grant('viewer', 'viewer'), vapi.vapi_grant('agent', 'agent'),
		vapi.vapi_grant('admin', 'admin'), vapi.vapi_grant('bi', 'bi'), vapi.vapi_grant('other', 'agent', '{somebody-else}')});
VapiSales::Test->write_secret($node, 'webhook_secret', 'a-secret');
VapiSales::Test->write_secret($node, 'jwt_secret', $key);
is(value("SELECT status FROM vapi.vapi_sync('$from', '$to')"), 'complete', 'calls are here');
VapiSales::Test->finish_work($node, 'calls');
my $recorded = value(q{SELECT count(*) FROM vapi_internal.call c JOIN vapi_internal.call_content t USING (call_id) WHERE c.settled AND t.recording_mono <> ''});
cmp_ok($recorded, '>', 10, 'and some are recorded');
# The longest one, and what Vapi's storage has of it.
my ($id, $seconds) = split /\|/, value(q{SELECT call_id, duration_seconds FROM vapi_internal.call ORDER BY duration_seconds DESC NULLS LAST LIMIT 1});
sub original
{
	my ($call, $kind) = @_;
	my $location = HTTP::Tiny->new(max_redirect => 0)->get($simulator->url . "/call/$call/$kind-recording", { headers => { Authorization => "Bearer $VapiSales::Test::KEY" } })->{headers}{location};
	return HTTP::Tiny->new->get($location)->{content};
}
my $mono = original($id, 'mono');
my $length = length $mono;
cmp_ok($length, '>', 1_000_000, "a long one: $length bytes, $seconds s");

# 1. Off, nothing is kept.
is(step(), '0 ', 'by itself nothing is kept');
is(value('SELECT count(*) FROM vapi_internal.archived_recording'), 0, 'nor noted');
is(health(), 'ok: vapi_sales.archive_recordings is off: what Vapi deletes is gone', 'which health says');

# 2. The worker is killed in mid-download. The whole server restarts with it, as PostgreSQL wants it.
configure('archive_recordings', 'mono');
# the others wait: the longest comes first
value('SELECT vapi_internal.archive_choose(\'mono\', 100000)') for 1 .. 2;
is(value(q{SELECT count(*) FROM vapi_internal.archived_recording WHERE status = 'waiting'}), $recorded, 'each recording is noted');
like(health(), qr/^(ok|warn): 0 recordings, 0 bytes; $recorded recordings waiting, of which Vapi keeps the oldest for [345] more days$/, 'health tells how many days of safety remain');
value("UPDATE vapi_internal.archived_recording SET next_attempt_at = now() + interval '1 day' WHERE call_id <> '$id'");
faults([ { kind => 'slow-body', path => '^/_storage', ms => 60000, chunks => 50 } ]);
# killed(signal): during the download; what was there to see then
sub killed
{
	my ($signal) = @_;
	my $work = $node->background_psql('calls', on_error_stop => 0);
	value(q{UPDATE vapi_internal.step_state SET next_due_at = NULL WHERE step = 'archive'});
	$work->query_until(qr/begun/, "\\echo begun\nSELECT done FROM vapi.vapi_work() WHERE step = 'archive';\n");
	VapiSales::Test->wait_until("$signal: it downloads", sub { return grep { -s $_ } temporary(); }, 60)
	  or diag(value('SELECT s FROM vapi_internal.step_state s'), value('SELECT a FROM vapi_internal.archived_recording a'), $work->{stdout}, $work->{stderr});
	is(stored() . ' ' . value('SELECT count(*) FROM vapi_internal.archived_recording_part'), '0 0', "$signal: nothing of it is in a table");
	is(value(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales%' AND xact_start IS NOT NULL}), 0, "$signal: and no transaction is open");
	my $pid = value(q{SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales%work%' AND datname = 'calls' ORDER BY backend_start DESC LIMIT 1});
	kill $signal, $pid;
	eval { $work->quit; };
	VapiSales::Test->wait_until("$signal: the server answers", sub { return $node->psql('calls', 'SELECT 1') == 0 && !kill(0, $pid); }, 60);
	is(stored() . ' ' . value('SELECT count(*) FROM vapi_internal.archived_recording_part'), '0 0', "$signal: no half recording is left");
	VapiSales::Test->wait_until("$signal: nor a temporary file", sub { return !temporary(); }, 30);
	return;
}
killed('TERM');
killed('KILL');
faults([]);
rest();
value("UPDATE vapi_internal.archived_recording SET next_attempt_at = now() + interval '1 day' WHERE call_id <> '$id'");
is(step(), '1 ', 'the next time finishes it');
is(value("SELECT status || ' ' || bytes || ' ' || media_type || ' ' || encode(sha256, 'hex') FROM vapi_internal.archived_recording WHERE call_id = '$id'"),
	"stored $length audio/wav " . sha256_hex($mono), 'whole');
is(value('SELECT count(*) FROM vapi_internal.archived_recording_part'), int(($length + 262143) / 262144), 'in parts');

# 3. Heard through the edge: equal, with ranges, without a request to Vapi, by who may.
my $web = VapiSales::Web->new($node, 'webhook', public => 1, recordings => 1, rates => { vapi_api => '100000r/s', vapi_token => '100000r/s' });
my $root = $web->root;
sub token
{
	my ($role) = @_;
	my $signed = join '.', map { encode_base64url($json->encode($_)) } { alg => 'HS256', typ => 'JWT' }, { role => $role, exp => time() + 3600 };
	return "$signed." . encode_base64url(hmac_sha256($signed, $key));
}
my %as = map { $_ => [ Authorization => 'Bearer ' . token($_) ] } qw(viewer agent admin bi other webhook);
sub hear { my ($path, @headers) = @_; return $web->request('GET', "$root/api/vapi/recordings/$path", undef, @{ $as{agent} }, @headers); }

# The server has just come back: PostgREST finds it again.
$web->wait_for('PostgREST', sub { hear($id, Range => 'bytes=0-0')->{status} != 503 });
my $asked = vapi() + storage();
my $answer = hear($id);
is("$answer->{status} " . sha256_hex($answer->{content}), '200 ' . sha256_hex($mono), 'the whole, byte for byte') or diag(substr($answer->{content}, 0, 300), slurp_file($web->folder . '/error.log'));
is("$answer->{headers}{'content-type'} $answer->{headers}{'content-length'} $answer->{headers}{'accept-ranges'}", "audio/wav $length bytes", 'its type and length');
my $etag = $answer->{headers}{etag} // '';
like($etag, qr/^"[0-9a-f]{32}"$/, 'and what tells it apart');
is_deeply([ grep { /^(x-rec|x-accel|x-vapi|set-cookie|location|access-control|server-timing|vary|content-location|content-profile)/ } keys %{ $answer->{headers} } ], [], 'only what a player needs');
my @ranges = (
	[ 'bytes=0-0', substr($mono, 0, 1) ], [ 'bytes=100-199', substr($mono, 100, 100) ], [ 'bytes=262143-262144', substr($mono, 262143, 2) ], [ 'bytes=262144-524287', substr($mono, 262144, 262144) ],
	[ 'bytes=1000-700000', substr($mono, 1000, 699001) ], [ 'bytes=44-', substr($mono, 44) ], [ 'bytes=-100', substr($mono, -100) ], [ 'bytes=0-' . ($length + 5), $mono ],
	[ 'bytes=' . ($length - 1) . '-', substr($mono, -1) ]);
for my $range (@ranges)
{
	$answer = hear($id, Range => $range->[0]);
	is("$answer->{status} " . sha256_hex($answer->{content}), '206 ' . sha256_hex($range->[1]), "range $range->[0]");
	is($answer->{headers}{'content-length'}, length $range->[1], "range $range->[0]: its length");
	like($answer->{headers}{'content-range'}, qr{^bytes \d+-\d+/$length$}, "range $range->[0]: where it lies");
}
for my $beyond ($length, $length + 300_000)
{
	$answer = hear($id, Range => "bytes=$beyond-");
	is("$answer->{status} $answer->{headers}{'content-range'}", "416 bytes */$length", "from $beyond: 416");
}
$answer = hear($id, Range => 'bytes=0-9', 'If-Range' => $etag);
is("$answer->{status} $answer->{headers}{'content-length'}", '206 10', 'the same as before: the range');
$answer = hear($id, Range => 'bytes=0-9', 'If-Range' => '"another"');
is("$answer->{status} $answer->{headers}{'content-length'}", "200 $length", 'another than before: the whole');
$answer = $web->request('HEAD', "$root/api/vapi/recordings/$id", undef, @{ $as{agent} });
is("$answer->{status} $answer->{headers}{'content-length'} $answer->{headers}{'accept-ranges'}", "200 $length bytes", 'HEAD');
is(sha256_hex(value("SET ROLE admin; SELECT encode(vapi.vapi_get_recording('$id'), 'hex')")), sha256_hex(unpack 'H*', $mono), 'by SQL');
is(vapi() + storage(), $asked, 'all of it without a request to Vapi or its storage');
is(value("SELECT count(*) FROM vapi.audit WHERE action = 'recording' AND outer_role = 'agent'"), 1, 'and it is one hearing');
is($web->request('GET', "$root/api/vapi/recordings/$id", undef, @{ $as{$_} })->{status}, $_ eq 'other' ? 404 : 403, "not for $_") for qw(other bi webhook);
is($web->get("$root/api/vapi/recordings/$id")->{status}, 401, 'nor for nobody');
is($web->get("$root/_vapi_recording_archive", @{ $as{admin} })->{status}, 404, 'the inner location is inner');
for my $bad ('bytes=5-1', 'bytes=0-2000000', 'bytes=0-', 'x')
{
	is(value("SET ROLE admin; SELECT convert_from(vapi_edge.recording_part('$id', 'mono', '$bad'), 'UTF8')::jsonb ->> 'status'"), 400, "no part: $bad");
}
is(value("SET ROLE other; SELECT convert_from(vapi_edge.recording_part('$id', 'mono', 'bytes=0-9'), 'UTF8')::jsonb ->> 'status'"), 404, 'no part of a call that is not theirs');
my $stereo = hear("$id?kind=stereo");
is(sha256_hex($stereo->{content}), sha256_hex(original($id, 'stereo')), 'what is not archived comes from Vapi');

my @play = ("$root/api/vapi/recordings/$id", $as{agent}[1]);
$_->finish for $web->plays(20, @play);
my $used = $web->memory;
my @plays = $web->plays(20, @play, '50k');
sleep(3);
my $more = $web->memory - $used;
note(sprintf 'twenty plays: %d kB more than %d kB', $more, $used);
is(scalar(grep { $_->pumpable } @plays), 20, 'twenty at once');
cmp_ok($more, '<', 20480, 'grow the memory of nginx and PostgreSQL by less than 20 MB');
for (@plays) { $_->signal('TERM'); eval { $_->finish }; }

# 4. The memory of the worker does not grow with the recording.
SKIP:
{
	skip 'no /proc', 1 unless -r "/proc/$$/smaps_rollup";
	value("SELECT vapi_internal.retire_audio('infinity', 1000)");
	value("DELETE FROM vapi_internal.archived_recording WHERE call_id = '$id'");
	value("INSERT INTO vapi_internal.archived_recording (call_id, kind, call_created_at) VALUES ('$id', 'stereo', now() - interval '5 days')");
	faults([ { kind => 'slow-body', path => '^/_storage', ms => 8000, chunks => 40 } ]);
	value(q{UPDATE vapi_internal.step_state SET next_due_at = NULL WHERE step = 'archive'});
	my $work = $node->background_psql('calls');
	$work->query_until(qr/begun/, "\\echo begun\nSELECT done FROM vapi.vapi_work() WHERE step = 'archive';\n");
	my @seen;
	# the file's name has the worker's process
	VapiSales::Test->wait_until('the stereo recording comes', sub {
		my ($file) = temporary();
		my ($pid) = ($file // '') =~ /pgsql_tmp(\d+)\./ or return @seen > 0;
		push @seen, $1 if -s $file && (eval { slurp_file("/proc/$pid/smaps_rollup") } // '') =~ /^Anonymous:\s+(\d+) kB/m;
		return 0;
	}, 120);
	VapiSales::Test->wait_until('and is stored', sub { return stored() == 1; });
	$work->quit;
	faults([]);
	@seen = sort { $a <=> $b } @seen;
	cmp_ok(scalar @seen, '>', 5, 'it was looked at on the way');
	my $grown = (($seen[-1] // 0) - ($seen[0] // 0)) * 1024;
	my $size = value("SELECT bytes FROM vapi_internal.archived_recording WHERE call_id = '$id' AND kind = 'stereo'");
	note(sprintf 'the worker has grown by %d kB, the recording has %d kB', $grown / 1024, $size / 1024);
	cmp_ok($grown, '<', $size / 2, 'the worker has grown by less than half of it');
	is(sha256_hex(hear("$id?kind=stereo")->{content}), sha256_hex($stereo->{content}), 'and it is as it was from Vapi');
}

# 5. All the others; what is the matter with one is its own; what is gone is said.
value('DELETE FROM vapi_internal.archived_recording_part; DELETE FROM vapi_internal.archived_recording; DELETE FROM vapi_internal.feed_follower WHERE follower = \'archive\'');
my ($missing, $failing) = split /\n/, value(qq{SELECT c.call_id FROM vapi_internal.call c JOIN vapi_internal.call_content t USING (call_id) WHERE t.recording_mono <> '' AND c.call_id <> '$id' ORDER BY c.call_id LIMIT 2});
faults([ { kind => 'status', status => 400, path => "^/call/$missing/mono-recording", message => 'This call is older than your retention.' },
	{ kind => 'status', status => 404, path => "^/call/$failing/mono-recording", message => 'No recording.' } ]);
my $done = 0;
for (1 .. 10)
{
	my ($some, $error) = split / /, step(), 2;
	is($error, '', 'no error of the step');
	$done += $some;
	last if $done >= $recorded - 2;
}
is($done, $recorded - 2, 'all that Vapi gives');
like(value("SELECT status || ': ' || last_error FROM vapi.archived_recordings WHERE id = '$missing'"), qr/^gone: Vapi no longer keeps the recording of call/, 'one is gone for good');
like(value("SELECT status || ': ' || attempts || ' ' || last_error FROM vapi.archived_recordings WHERE id = '$failing'"), qr/^waiting: 1 there is no mono recording of call/, 'one is asked for again later');
faults([]);
like(health(), qr/^(ok|warn): \d+ recordings, .*; 1 recording waiting, of which Vapi keeps the oldest for \d+ more days; 1 recording gone before$/, 'health tells of both');
rest();
is(step(), '1 ', 'which works');
my $sum = value(q{SELECT sum(bytes) FROM vapi_internal.archived_recording WHERE status = 'stored'});
is(value('SELECT recordings || \' \' || bytes FROM vapi_internal.archive_state'), ($recorded - 1) . " $sum", 'the archive is as large as it says');
is(value(q{SELECT count(*) FROM vapi_internal.archived_recording a WHERE status = 'stored' AND (SELECT sha256(string_agg(p.audio, '' ORDER BY p.part)) FROM vapi_internal.archived_recording_part p WHERE p.call_id = a.call_id AND p.kind = a.kind) = a.sha256}),
	$recorded - 1, 'and each recording is whole');

# 6. What concerns all: a storage that does not answer, a host that is not allowed, a refused key.
value("SELECT vapi_internal.retire_audio('infinity', 1)");
value("UPDATE vapi_internal.archived_recording SET status = 'waiting' WHERE status = 'removed'");
faults([ { kind => 'reset', path => '^/_storage' } ]);
like(step(), qr/^0 Recordings could not be archived: the recording could not be fetched/, 'a storage that breaks off');
faults([ { kind => 'redirect', path => 'recording$', location => 'http://169.254.169.254/latest' } ]);
rest();
like(step(), qr/^0 Recordings could not be archived: .*refused/, 'a host that is not allowed');
faults([]);
is(join(' ', temporary()), '', 'nothing is left of it');
rest();
is(step(), '1 ', 'then it is well');

# 7. Quota: nothing beyond it, and nothing is removed for it.
my $mb = int(value(q{SELECT sum(bytes) FROM vapi_internal.archived_recording WHERE status = 'stored'}) / 1048576);
value("SELECT vapi_internal.retire_audio('infinity', $recorded / 2)");
value("UPDATE vapi_internal.archived_recording SET status = 'waiting' WHERE status = 'removed'");
configure('archive_quota', "${mb}MB");
my $before = stored();
step();
rest();
step();
cmp_ok(value(q{SELECT sum(bytes) FROM vapi_internal.archived_recording WHERE status = 'stored'}), '<=', $mb * 1048576, 'the quota is kept');
cmp_ok(stored(), '>=', $before, 'and nothing removed for it');
if (value(q{SELECT count(*) FROM vapi_internal.archived_recording WHERE status = 'waiting'}) > 0)
{
	like(health(), qr/^(warn|fail): .*; vapi_sales\.archive_quota has been used up for \d+ s$/, 'health says that it is used up');
}
else { fail('the quota leaves something out'); }
configure('archive_quota', '0');
for (1 .. 5) { rest(); step(); last if stored() == $recorded - 1; }
is(stored(), $recorded - 1, 'without one all comes');

# 8. Retention and erasure.
my $cut = value(q{SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY call_created_at) FROM vapi_internal.archived_recording WHERE status = 'stored'});
my $keep = value("SELECT now() - '$cut'::timestamptz");
my $old = value("SELECT count(*) FROM vapi_internal.archived_recording WHERE status = 'stored' AND call_created_at < now() - '$keep'::interval");
like(value("SELECT contents || ' ' || (bytes > 100000) || ' ' || is_dry_run FROM vapi.vapi_retain('audio', '$keep')"), qr/^$old true true$/, 'a dry run counts');
is(stored(), $recorded - 1, 'and removes nothing');
value("SELECT vapi.vapi_retain('audio', '$keep', false)");
my $steps = 0;
$steps++ while $steps < 100 && value('SELECT vapi_internal.retention_step(20)') > 0;
is(stored(), $recorded - 1 - $old, 'old audio is gone');
cmp_ok($steps, '>=', $old, 'recording by recording');
is(value(q{SELECT count(*) FROM vapi_internal.archived_recording_part p LEFT JOIN vapi_internal.archived_recording a ON a.call_id = p.call_id AND a.kind = p.kind AND a.status = 'stored' WHERE a.call_id IS NULL}), 0, 'with all of its parts');
value(q{DELETE FROM vapi_internal.feed_follower WHERE follower = 'archive'});
is(step(), '0 ', 'and is not fetched again');
is(stored(), $recorded - 1 - $old, 'it stays gone');
my $young = value(q{SELECT call_id FROM vapi_internal.archived_recording WHERE status = 'stored' ORDER BY call_created_at DESC LIMIT 1});
value("SELECT vapi_internal.erase_call('$young')");
is(value("SELECT (SELECT count(*) FROM vapi_internal.archived_recording WHERE call_id = '$young') + (SELECT count(*) FROM vapi_internal.archived_recording_part WHERE call_id = '$young')"), 0, 'an erased call\'s audio is erased');

# 9. Once Vapi's time has passed, who asks for mono hears stereo.
my $late = value(q{SELECT call_id FROM vapi_internal.archived_recording WHERE status = 'stored' ORDER BY call_created_at LIMIT 1});
value("UPDATE vapi_internal.archived_recording SET kind = 'stereo' WHERE call_id = '$late'; UPDATE vapi_internal.archived_recording_part SET kind = 'stereo' WHERE call_id = '$late'");
$asked = vapi();
is(hear($late)->{status}, 200, 'mono of a young call');
is(vapi(), $asked + 1, 'comes from Vapi');
value("UPDATE vapi_internal.archived_recording SET call_created_at = now() - interval '20 days' WHERE call_id = '$late'");
is(sha256_hex(hear($late)->{content}), value("SELECT encode(sha256, 'hex') FROM vapi_internal.archived_recording WHERE call_id = '$late'"), 'that of an old one is what is there');
is(vapi(), $asked + 1, 'without asking');

# 10. Dumps have it, and can be made without it.
my $folder = PostgreSQL::Test::Utils::tempdir();
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/with", '-d', $node->connstr('calls') ], 'a dump');
$node->command_ok([ 'pg_dump', '-Fc', '--exclude-table-data=vapi_internal.archived_recording*', '-f', "$folder/without", '-d', $node->connstr('calls') ], 'a dump without audio');
cmp_ok(-s "$folder/without", '<', -s "$folder/with", 'is smaller');
my $hashes = q{SELECT md5(string_agg(a.call_id || a.kind || a.sha256::text || (SELECT sha256(string_agg(p.audio, '' ORDER BY p.part)) FROM vapi_internal.archived_recording_part p WHERE p.call_id = a.call_id AND p.kind = a.kind)::text, ',' ORDER BY a.call_id)) FROM vapi_internal.archived_recording a WHERE status = 'stored'};
for my $dump (qw(with without))
{
	$node->safe_psql('postgres', "CREATE DATABASE restored_$dump");
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr("restored_$dump"), "$folder/$dump" ], "restored $dump");
}
is($node->safe_psql('restored_with', $hashes), value($hashes), 'a restore has the same audio');
is($node->safe_psql('restored_without', 'SELECT (SELECT count(*) FROM vapi_internal.archived_recording) + (SELECT count(*) FROM vapi_internal.archived_recording_part)'), 0, 'or none at all');
is($node->safe_psql('restored_without', 'SELECT count(*) FROM vapi.calls'), value('SELECT count(*) FROM vapi.calls'), 'with all calls');
unlike(slurp_file($node->logfile), qr{SIMSECRET}, 'no presigned URL is in the log');

$web->stop;
$node->stop;
done_testing();
