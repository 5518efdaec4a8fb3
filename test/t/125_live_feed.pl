# The live feed through real nginx, nchan and PostgREST: who gets which cards, that no change is lost whatever is killed, when streams
# end, that PostgREST stands in for the live nginx, and that nothing makes nchan abort.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use IO::Socket::UNIX;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Stream;
use VapiSales::Test;
use VapiSales::Web;

VapiSales::Web::skip_without_programs();
VapiSales::Web::skip_without_nchan();

my $key = 'a key of tokens that is long enough for HS256';
my $json = JSON::PP->new->canonical;
my $node = VapiSales::Test->node('main', preload => 1, config => <<'CONF');
vapi_sales.databases = 'calls'
restart_after_crash = on
log_statement = none
max_worker_processes = 12
CONF
my @roles = qw(viewer agent admin narrow bi);
$node->safe_psql('calls', q{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE webhook; CREATE ROLE viewer; CREATE ROLE agent; CREATE ROLE admin;
	CREATE ROLE narrow; CREATE ROLE bi;
	GRANT webhook, viewer, agent, admin, narrow, bi TO authenticator;
	SELECT vapi.vapi_grant('webhook', 'webhook'), vapi.vapi_grant('viewer', 'viewer'), vapi.vapi_grant('agent', 'agent'),
		vapi.vapi_grant('admin', 'admin'), vapi.vapi_grant('narrow', 'agent', ARRAY['assistant-b']), vapi.vapi_grant('bi', 'bi')});
VapiSales::Test->write_secret($node, 'webhook_secret', 'a-secret');
VapiSales::Test->write_secret($node, 'jwt_secret', $key);
my $web = VapiSales::Web->new($node, 'webhook', public => 1, live => 1);

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }

# The server comes back after a crash; asked until it does.
sub answers { my ($text) = @_; my ($result, $out) = $node->psql('calls', $text); return $result == 0 ? $out : undef; }
sub wait_for { my ($what, $query) = @_; return VapiSales::Test->wait_until($what, sub { (answers($query) // '') eq 't' }, 60); }

sub configure
{
	my ($text) = @_;
	$node->append_conf('postgresql.conf', $text);
	$node->reload;
	return;
}
my $publish = "vapi_sales.publish_url = 'unix:" . $web->folder . "/publish.sock'\n";
configure($publish);

# as(role[, seconds]): the header of a token.
sub as
{
	my ($role, $seconds) = @_;
	my $signed = join '.', map { encode_base64url($json->encode($_)) } { alg => 'HS256', typ => 'JWT' }, { role => $role, exp => int(time() + ($seconds // 3600)) };
	return (Authorization => "Bearer $signed." . encode_base64url(hmac_sha256($signed, $key)));
}

# message(type, id, field => value...): posts one as Vapi does; its status. The assistant is that of the id's last letter.
my $clock = 1_796_000_000_000;
sub message
{
	my ($type, $id, %fields) = @_;
	my %call = (id => $id, type => 'inboundPhoneCall', assistantId => 'assistant-' . substr($id, -1), customer => { number => '+13035550123', name => 'Grace' });
	my $body = { message => { type => $type, timestamp => $clock++, call => \%call, %fields } };
	return $web->post($web->edge, $json->encode($body), 'X-Vapi-Secret' => 'a-secret')->{status};
}
sub worker { return answers(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales worker' AND datname = 'calls'}) // ''; }
my $head = q{SELECT coalesce(max(last), 0) FROM vapi_internal.feed_head};

# holds(stream, what, seconds): the stream holds everything that there is, as a snapshot of the same moment has it.
sub holds
{
	my ($stream, $what, $seconds) = @_;
	my $is_there = sub {
		my $there = $stream->changes or return 0;
		return $stream->{epoch} eq $there->{epoch} && $json->encode([ map { $stream->{cards}{$_} } sort keys %{ $stream->{cards} } ]) eq
		  $json->encode([ sort { $a->{id} cmp $b->{id} } @{ $there->{calls} } ]);
	};
	my $good = $stream->wait_for($seconds // 20, $is_there);
	ok($good, $what) or diag($json->encode([ $stream->{last}, $stream->{cards}, $stream->changes ]));
	return $good;
}

# The grants above had PostgREST read the schema again.
$web->wait_for('PostgREST', sub { VapiSales::Stream->new($web, as('bi'))->{status} != 503 });

# 1. Who may.
is(VapiSales::Stream->new($web)->{status}, 401, 'no token, no stream');
is(VapiSales::Stream->new($web, as('viewer', -60))->{status}, 401, 'nor with one that has expired');
is(VapiSales::Stream->new($web, as('bi'))->{status}, 403, 'nor for a role without a live feed');
is($web->request('POST', $web->root . '/api/sse/calls', '', as('viewer'))->{status}, 405, 'nor by POST');
like(VapiSales::Stream->new($web, as('webhook'))->{status}, qr/^40[13]$/, 'nor for who sends webhooks');
my ($cookie) = { as('viewer') }->{Authorization} =~ /^Bearer (.*)/;
is(VapiSales::Stream->new($web, Cookie => "vapi_session=$cookie")->{status}, 200, 'a browser has it by its cookie');
my $first = VapiSales::Stream->new($web, as('agent'), Origin => 'https://evil.example');
is($first->{status}, 200, 'an agent has one');
like($first->{head}, qr{^Content-Type: text/event-stream}mi, 'of events');
like($first->{head}, qr{^Cache-Control: no-store}mi, 'which nobody keeps');
unlike($first->{head}, qr{^Access-Control|^X-Vapi|^X-Accel}mi, 'and which is not for other sites');
is($web->get($web->root . "/_vapi_authorize_stream", as('agent'))->{status}, 404, 'what authorises is not to be reached');
is($web->get($web->root . "/rest/rpc/authorize_stream", as('agent'))->{status}, 404, 'by no way');

# 2. What they get.
my %stream = map { $_ => VapiSales::Stream->new($web, as($_)) } qw(viewer agent admin narrow);
# They stay for the following sections, whatever the time of day says.
sql(q{UPDATE vapi_internal.live_channel SET ends_at = ends_at + interval '10 minutes'});
$_->step(0) for values %stream;
is(message('status-update', 'first-a', status => 'in-progress'), 200, 'a call');
is(message('status-update', 'second-b', status => 'ringing'), 200, 'and another one');
is(message('transcript', 'first-a', role => 'user', transcriptType => 'final', transcript => 'my number is a secret'), 200, 'somebody speaks');
is(message('speech-update', 'first-a', role => 'user', status => 'started'), 200, 'and speaks on');
ok($stream{$_}->wait_for(20, sub { ($_[0]->{cards}{'first-a'} // {})->{speaker} }), "$_: it comes by the stream") for qw(viewer agent admin);
holds($stream{$_}, "$_: all there is") for qw(viewer agent admin narrow);
is(join(' ', sort keys %{ $stream{$_}{cards} }), $_ eq 'narrow' ? 'second-b' : 'first-a second-b', "$_: its calls") for sort keys %stream;
is($stream{agent}{cards}{'first-a'}{customer_number}, '+13035550123', 'an agent sees numbers');
is($stream{agent}{cards}{'first-a'}{last_line}, 'my number is a secret', 'and what is said');
my $viewed = $json->encode([ $stream{viewer}{messages}, $stream{viewer}->changes, $stream{viewer}->changes($stream{viewer}{last} - 2, $stream{viewer}{epoch}) ]);
unlike($viewed, qr/\+1303555|5550123/, 'a viewer no number');
unlike($viewed, qr/secret/, 'nor a transcript');
like($viewed, qr/first-a/, 'but the call');
unlike($json->encode($stream{narrow}{messages}), qr/first-a/, 'of another assistant nothing comes');
is($json->encode([ grep { $_->{seq} } @{ $stream{admin}{messages} } ]), $json->encode([ grep { $_->{seq} } @{ $stream{agent}{messages} } ]), 'admin and agent get the same');
is(sql(q{SELECT count(DISTINCT (audience, assistant_ids)), count(*) = count(DISTINCT (audience, assistant_ids, ends_at)) FROM vapi_internal.live_channel}), '3|t', 'by one channel');

# 3. The same from PostgREST alone.
my $epoch = $stream{agent}{epoch};
$_->wait_for(10, sub { $_[0]->{last} >= sql($head) }) for @stream{qw(agent viewer)};
for my $role (qw(agent viewer))
{
	my $stream = $stream{$role};
	my ($before, $seq) = (sql($head), undef);
	is(message('transcript', 'first-a', role => 'assistant', transcriptType => 'final', transcript => "for $role"), 200, "$role: one more change");
	ok($stream->wait_for(10, sub { $_[0]->{messages}[-1]{seq} && $_[0]->{messages}[-1]{seq} > $before }), "$role: by the wire");
	my ($wire) = grep { ($_->{seq} // 0) > $before } @{ $stream->{messages} };
	my $text = sql(qq{SET ROLE $role; SET "request.headers" = '{"last-event-id": "$epoch/$before"}'; SELECT vapi_edge.event_stream()});
	my ($polled) = map { $json->decode($_) } grep { /"seq"/ } $text =~ /^data: (.*)$/mg;
	is_deeply($polled, $wire, "$role: as the function has it");
	like($text, qr/^retry: [23]\d{3}\n\nid: \Q$epoch\E\/$wire->{seq}\ndata: \{.*\}\n\nid: \Q$epoch\E\/$wire->{seq}\ndata: \{"last": $wire->{seq}, "epoch": "\Q$epoch\E"\}\s*$/, "$role: as server-sent events");
}

# 4. Heartbeats, without which nobody would notice that the last message was lost.
my $beats = sub { scalar grep { !exists $_->{seq} } @{ $_[0]->{messages} } };
my $had = $beats->($stream{narrow});
my $begin = time();
ok($stream{narrow}->wait_for(20, sub { $beats->($_[0]) >= $had + 2 }), 'heartbeats come');
cmp_ok(time() - $begin, '<', 14, 'every five seconds');
my $reads = $stream{narrow}{reads};
message('speech-update', 'first-a', role => 'user', status => $_) for qw(stopped started);
$stream{narrow}->wait_for(7, sub { 0 });
is($stream{narrow}{reads}, $reads, 'changes of others have nobody read');

# 5. The worker is killed, which takes the server down, with webhooks on their way.
$_->{reopen} = 1 for values %stream;
my $sent = 0;
for my $round (1 .. 3)
{
	my $pid = worker();
	for my $i (1 .. 10)
	{
		my $id = "round $round call $i-" . ($i % 2 ? 'a' : 'b');
		kill 'KILL', $pid if $i == 5 && $pid ne '';
		my $deadline = time() + 60;
		sleep(0.1) until message('status-update', $id, status => 'in-progress') == 200 || time() > $deadline;
		$sent++;
		$_->step(0) for values %stream;
	}
	VapiSales::Test->wait_until("another worker runs ($round)", sub { my $now = worker(); $now ne '' && $now ne $pid });
}
wait_for('the feed has them all', q{SELECT count(DISTINCT call_id) = 30 FROM vapi_internal.change_feed WHERE call_id LIKE 'round%'});
holds($stream{$_}, "$_: nothing is lost", 30) for sort keys %stream;
is(sql(q{SELECT count(*) - count(DISTINCT seq), min(seq), max(seq) - count(*) FROM vapi_internal.change_feed}), '0|1|0', 'each change has one number, without gaps');
is(sql('SELECT max(seq) FROM vapi_internal.change_feed'), sql($head), 'up to the head');

# 6. The end of a token is the end of its streams, however much is sent; nothing comes afterwards.
my $line = 0;
sub talk { return message('transcript', 'first-a', role => 'user', transcriptType => 'final', transcript => 'line ' . $line++); }
my ($began, $ends) = (time(), int(time() + 20));
my $short = VapiSales::Stream->new($web, as('agent', $ends - time()));
my $channel = sql(q{SELECT channel FROM vapi_internal.live_channel WHERE audience = 'agent' AND assistant_ids IS NULL ORDER BY ends_at LIMIT 1});
while (!$short->{ended} && time() < $ends + 10) { talk(); $short->step(0.2); }
cmp_ok(scalar(grep { ($_->{card}{last_line} // '') =~ /^line / } @{ $short->{messages} }), '>=', 5, 'a stream with a token of 20 seconds has messages');
ok($short->{ended}, 'and ends in the midst of them');
cmp_ok($short->{ended} || 9e12, '<', $ends + 3, 'with the token, but for a busy machine');
cmp_ok($short->{ended}, '>', $began + 9, 'after no less than half the time');
my ($beat) = grep { exists $_->{ends_in} } @{ $short->{messages} };
ok($beat && $beat->{ends_in} <= 20, 'a heartbeat has told when');
# Somebody who is in the channel all the same.
my $late = IO::Socket::UNIX->new(Peer => $web->folder . '/live.sock') or die $!;
$late->autoflush(1);
print $late "GET /30/$channel HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n";
my $heard = '';
my $until = time() + 3;
while (time() < $until)
{
	talk();
	while (IO::Select->new($late)->can_read(0.2)) { sysread($late, $heard, 65536, length $heard) or last; }
}
like($heard, qr{^HTTP/1.1 200}, 'who is in its channel afterwards');
unlike($heard, qr/^data:/m, 'hears nothing');
close $late;
$short->{reopen} = 1;
while (time() < $ends + 4 && $short->{status} == 200) { talk(); $short->step(0.2); }
is($short->{status}, 401, 'a token that has expired opens no stream');
cmp_ok((sort { $b <=> $a } 0, @{ $short->{closed} })[0], '<', $ends + 3, 'and those that were opened ended, too');

# So does a channel in which everybody has been for as long as a stream may last, and not before: all of it by one and the same stream.
wait_for('channels whose time is over are forgotten', q{SELECT count(*) = 0 FROM vapi_internal.live_channel WHERE ends_at < clock_timestamp() - interval '10 seconds'});
my $agent = $stream{agent};
ok($agent->wait_for(60, sub { $_[0]->{opened} < time() - 2 && !$_[0]->{ended} }), 'a stream that goes on');
my $opened = $agent->{opened};
# The time of day decides when it is; here it is soon.
($until) = split /\n/, sql(q{UPDATE vapi_internal.live_channel SET ends_at = clock_timestamp() + interval '15 seconds' WHERE audience = 'agent' RETURNING extract(epoch FROM ends_at)});
while ($agent->{opened} == $opened && time() < $until + 30) { talk(); $agent->step(0.2); }
cmp_ok($agent->{closed}[-1] // 0, '>', $until - 2, 'goes on to its channel\'s end');
cmp_ok($agent->{closed}[-1] // 9e12, '<', $until + 10, 'when it is closed, though messages come');
holds($agent, 'the next stream goes on');

# Without a worker nothing is sent, and silence ends the stream.
my $silent = VapiSales::Stream->new($web, as('viewer', 12));
$began = time();
configure("vapi_sales.publish_url = ''\n");
ok($silent->wait_for(30, sub { $_[0]->{ended} }), 'where nobody publishes a stream ends, too');
cmp_ok($silent->{ended}, '<', $began + 24, 'soon');
my $moment = sql('SELECT clock_timestamp()');
configure($publish);
wait_for('it is published again', qq{SELECT published_at > '$moment' FROM vapi_internal.live_publisher});

# 7. The live nginx is killed: REST and webhooks go on, the streams come from PostgREST.
my @bad;
sub go_on
{
	my ($what, $count, $id) = @_;
	for my $i (1 .. $count)
	{
		my $hook = message('speech-update', $id, role => 'user', status => $i % 2 ? 'stopped' : 'started');
		my $rest = $web->get($web->root . '/api/vapi/calls?limit=1', as('agent'))->{status};
		push @bad, "$what: webhook $hook, REST $rest" if $hook != 200 || $rest != 200;
		$_->step(0) for values %stream;
	}
	return;
}
go_on('before', 10, 'first-a');
$web->kill_live;
go_on('dead', 40, 'first-a');
holds($stream{$_}, "$_: without the live nginx", 20) for sort keys %stream;
my $poll = VapiSales::Stream->new($web, as('viewer'));
is($poll->{status}, 200, 'the stream is there all the same');
like($poll->{head}, qr{^Content-Type: text/event-stream}mi, 'of events');
ok($poll->wait_for(5, sub { $_[0]->{ended} }), 'which the client asks for again and again');
is($poll->{id} // '', "$epoch/" . sql($head), 'from its own place');
is(VapiSales::Stream->new($web)->{status}, 401, 'still not without a token');
is(VapiSales::Stream->new($web, as('bi'))->{status}, 403, 'nor for a role without a live feed');
like(sql(q{SELECT last_error FROM vapi_internal.live_publisher}), qr/could not connect/, 'the publisher notes why');
sql(q{UPDATE vapi_internal.live_publisher SET failing_since = failing_since - interval '1 minute'});
like(sql(q{SELECT status || ' ' || detail || ' / ' || what_to_do FROM vapi.health WHERE check_name = 'live_feed'}), qr/^warn publishing has failed for .*could not connect.*Start the live nginx/, 'so does health');
is(sql(q{SELECT count(*) FROM vapi_internal.step_state WHERE failures > 0 AND step <> 'vapi_objects'}), 0, 'no step of background work fails by it');
$web->start_live;
go_on('back', 10, 'first-a');
my $wired = scalar @{ $stream{agent}{messages} };
ok($stream{agent}->wait_for(20, sub { $_[0]->{opened} < time() - 5 && !$_[0]->{ended} }), 'with the live nginx the streams last again');
message('speech-update', 'second-b', role => 'user', status => 'started');
holds($stream{$_}, "$_: and nothing is lost", 20) for sort keys %stream;
is("@bad", '', 'neither webhooks nor REST failed meanwhile');
wait_for('publishing goes on', q{SELECT last_error IS NULL FROM vapi_internal.live_publisher});

# 8. A live nginx that takes connections and says nothing keeps nobody waiting.
$web->kill_live;
unlink $web->folder . '/publish.sock';
my $deaf = IO::Socket::UNIX->new(Local => $web->folder . '/publish.sock', Listen => 10) or die $!;
chmod 0777, $web->folder . '/publish.sock';
for my $i (1 .. 5)
{
	my $before = time();
	message('speech-update', 'first-a', role => 'user', status => $i % 2 ? 'stopped' : 'started');
	wait_for("deaf: change $i is in the feed", 'SELECT count(*) = 0 FROM vapi_internal.change_pending');
	cmp_ok(time() - $before, '<', 4, 'soon');
}
wait_for('the publisher gave up', q{SELECT last_error ~ 'time|T' FROM vapi_internal.live_publisher});
close $deaf;
$web->start_live;
holds($stream{agent}, 'afterwards nothing is missing', 20);

# 9. Where it may be published.
configure("vapi_sales.allow_private_hosts = off\nvapi_sales.publish_url = 'http://127.0.0.1:1/publish'\n");
wait_for('plain http to a private host is refused', q{SELECT coalesce(last_error LIKE 'refused to send a request%', false) FROM vapi_internal.live_publisher});
configure($publish);
wait_for('a socket of the operator\'s is not', q{SELECT last_error IS NULL FROM vapi_internal.live_publisher});
configure("vapi_sales.publish_url = ''\n");
wait_for('nor need it be published', q{SELECT detail = 'vapi_sales.publish_url is empty: nothing is published' FROM vapi.health WHERE check_name = 'live_feed'});
configure($publish);
holds($stream{viewer}, 'switched on again, it goes on', 20);

# 10. More changes than are worth sending: clients are told to read.
my $count = $stream{agent}{reads};
sql(q{INSERT INTO vapi_internal.change_pending SELECT 'first-a', 'call' FROM generate_series(1, 3000); SELECT vapi_internal.wake()});
wait_for('a burst of changes', q{SELECT count(*) = 0 FROM vapi_internal.change_pending});
ok($stream{agent}->wait_for(20, sub { $_[0]->{last} >= sql($head) }), 'is passed over');
cmp_ok($stream{agent}{reads}, '>', $count, 'and read');
holds($stream{agent}, 'so that nothing is missing');
my $published = 'SELECT position = (SELECT last FROM vapi_internal.feed_head) AND NOT EXISTS (SELECT FROM vapi_internal.change_pending) FROM vapi_internal.live_publisher';
# As many as are worth it, in so many scopes that to read them takes longer than a round of sending.
sql(q{INSERT INTO vapi_internal.live_channel SELECT md5(i::text), 'agent', ARRAY['assistant-a', 'assistant-b', 'other-' || i], (SELECT last FROM vapi_internal.feed_head), clock_timestamp() + interval '1 hour'
	FROM generate_series(1, 20) AS i});
sql(q{INSERT INTO vapi_internal.change_pending SELECT call_id, 'call' FROM (SELECT DISTINCT call_id FROM vapi_internal.change_feed) AS c, generate_series(1, 60) LIMIT 1900; SELECT vapi_internal.wake()});
wait_for('many changes in many scopes are published', $published);
holds($stream{agent}, 'and all there is comes');
sql(q{DELETE FROM vapi_internal.live_channel WHERE assistant_ids[3] LIKE 'other-%'});
# What the live nginx does not take is read.
is(message('transcript', 'first-a', role => 'user', transcriptType => 'final', transcript => 'a long line ' . 'x' x 400000), 200, 'somebody says more than fits into a message');
wait_for('which keeps no other message back', $published);
holds($stream{$_}, "$_: it is read") for qw(agent viewer);
is(message('transcript', 'first-a', role => 'user', transcriptType => 'final', transcript => 'a short line'), 200, 'and then less');
holds($stream{agent}, 'it goes on');

# 11. What makes nchan abort otherwise: clients that resume, in channels with and without messages.
my @ids = ('1:0', '1:', time() - 10 . ':0', time() + 100 . ':0', '0:0', '1795998271:0', 'x', '');
# storm(folder, seconds): how many connections were made.
sub storm
{
	my ($folder, $seconds) = @_;
	my ($made, @open) = (0);
	my $until = time() + $seconds;
	while (time() < $until)
	{
		my $socket = IO::Socket::UNIX->new(Peer => "$folder/live.sock") or next;
		my $header = ("Last-Event-ID: $ids[rand @ids]", "If-Modified-Since: Sun, 29 Nov 2026 12:00:00 GMT\r\nIf-None-Match: 0", 'X-No: 1')[rand 3];
		$socket->autoflush(1);
		print $socket "GET /30/storm" . int(rand 20) . " HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n$header\r\n\r\n";
		push @open, $socket;
		shift @open if @open > 40;
		next if $made++ % 10;
		my $publisher = IO::Socket::UNIX->new(Peer => "$folder/publish.sock") or next;
		my $method = rand() < 0.1 ? 'DELETE' : 'POST';
		print $publisher "$method /publish/storm" . int(rand 10) . " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
		my $answer = <$publisher>;
	}
	return $made;
}
sub aborts { my ($folder) = @_; return scalar(() = slurp_file("$folder/live.log") =~ /exited on signal|Assertion/g); }
my ($master) = slurp_file($web->folder . '/live.pid') =~ /(\d+)/;
my $before = `pgrep -P $master`;
my $made = storm($web->folder, 5);
cmp_ok($made, '>', 200, "a storm of $made connections");
is(aborts($web->folder), 0, 'no worker of nginx aborted');
is(`pgrep -P $master`, $before, 'it is the same one');
for my $i (1 .. 20)
{
	my $stream = VapiSales::Stream->new($web, as('narrow'), 'Last-Event-ID' => $ids[ $i % @ids ], 'If-None-Match' => '0', 'If-Modified-Since' => 'Sun, 29 Nov 2026 12:00:00 GMT');
	is($stream->{status}, 200, "the edge passes on nothing of it: $i") or last;
}
is(aborts($web->folder), 0, 'no worker of nginx aborted');
holds($stream{agent}, 'the streams went on', 20);

# 12. No secret on the way.
my $logs = join '', slurp_file($node->logfile), map { slurp_file($_) } glob $web->folder . '/*.log';
unlike($logs, qr/\Q$key\E|eyJ|5550123|my number is/, 'nothing of it is in the logs');

$web->stop;
$node->stop;
done_testing();
