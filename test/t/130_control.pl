# Control of live calls: end, transfer, say and mute are seen by the call within a second, and only by who may; the URL
# with which it is done is asked for each time, goes nowhere else, and leads to allowed hosts only.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use VapiSales::Test;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 3, bytes => 6000, control => 1, concurrency => 1000);
my $node = VapiSales::Test->node('main', simulator => $simulator, config => "vapi_sales.control_hosts = '127.0.0.1'\n");
my $json = JSON::PP->new->canonical;
sub value { return $node->safe_psql('calls', $_[0]); }
sub refused
{
	my ($sql, $pattern, $name) = @_;
	my ($result, $out, $err) = $node->psql('calls', $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return like($err, $pattern, $name);
}
sub as { return "SET ROLE $_[0]; SELECT vapi.$_[1]"; }

my $assistant = $simulator->request('GET', '/assistant')->{data}[0]{id};
my $number = $simulator->request('GET', '/phone-number')->{data}[0]{id};
value(qq{
	CREATE ROLE viewer; CREATE ROLE agent; CREATE ROLE admin; CREATE ROLE bi; CREATE ROLE other; CREATE ROLE mixed;
	SELECT vapi.vapi_grant('viewer', 'viewer'), vapi.vapi_grant('agent', 'agent'), vapi.vapi_grant('admin', 'admin'), vapi.vapi_grant('bi', 'bi'),
		vapi.vapi_grant('other', 'agent', '{somebody-else}'), vapi.vapi_grant('mixed', 'agent', '{$assistant}');
	GRANT viewer TO mixed});

# talking(): a call in which somebody talks for a minute more, stored here
sub talking
{
	for (1 .. 60)
	{
		my $id = $simulator->request('POST', '/call', { assistantId => $assistant, phoneNumberId => $number, customer => { number => '+13035550123' } })->{data}{id};
		$simulator->admin('clock', { advanceMs => 25000 });
		my $call = $simulator->request('GET', "/call/$id")->{data};
		my $final = $simulator->admin("final/$id");
		next if $call->{status} ne 'in-progress' || ($final->{endedAt} // '') le '2' || length($final->{transcript} // '') < length($call->{transcript} // '') + 200;
		next if value(qq{SELECT '$final->{endedAt}'::timestamptz - '$call->{startedAt}'::timestamptz > '60 s'}) ne 't';
		value("SELECT vapi.vapi_get_call('$id')");
		return $id;
	}
	die 'no call talks';
}
sub status { return $simulator->request('GET', "/call/$_[0]")->{data}{status}; }
sub controls { return grep { $_->{callId} eq $_[0] } @{ $simulator->admin('controls') }; }
sub audit { return value("SELECT string_agg(outer_role || ' ' || action || ' ' || coalesce(detail ->> 'control', ''), ', ' ORDER BY audit_id) FROM vapi.audit WHERE call_id = '$_[0]' AND action <> 'call'"); }

# 1. What each function does, and how fast.
my $id = talking();
my %timed = (
	vapi_say => [ "vapi_say('$id', ' One moment please. ')", { type => 'say', content => 'One moment please.', endCallAfterSpoken => JSON::PP::false } ],
	vapi_mute_call => [ "vapi_mute_call('$id')", { type => 'control', control => 'mute-assistant' } ],
	unmute => [ "vapi_mute_call('$id', false)", { type => 'control', control => 'unmute-assistant' } ],
	vapi_transfer_call => [ "vapi_transfer_call('$id', '(303) 555-0109', 'Connecting you.')",
		{ type => 'transfer', destination => { type => 'number', number => '+13035550109' }, content => 'Connecting you.' } ]);
for my $name (qw(vapi_say vapi_mute_call unmute vapi_transfer_call))
{
	my $requests = $simulator->admin('stats')->{requests};
	my $begin = time();
	value(as('agent', $timed{$name}[0]));
	my $took = time() - $begin;
	my $seen = (controls($id))[-1];
	delete @$seen{qw(at callId)};
	is_deeply($seen, $timed{$name}[1], "$name: what the call gets");
	is($simulator->admin('stats')->{requests}, $requests + 2, "$name: one question for the URL, one message");
	cmp_ok($took, '<', 10, sprintf('%s: at once (%.0f ms)', $name, $took * 1000));
}
is(status($id), 'forwarding', 'the call is transferred');
is(audit($id), 'agent control say, agent control mute, agent control unmute, agent control transfer', 'each is in the audit');
is(value("SELECT count(*) FROM vapi_internal.audit WHERE detail::text ~ '303|moment|Connecting'"), 0, 'which names neither number nor words');
like($simulator->admin("final/$id")->{transcript}, qr/AI: One moment please\./, 'the words were spoken');

$id = talking();
value(as('admin', "vapi_transfer_call('$id', 'sip:desk\@pbx.example.com')"));
is((controls($id))[-1]{destination}{sipUri}, 'sip:desk@pbx.example.com', 'to a SIP address');
$id = talking();
value(as('agent', "vapi_say('$id', 'Goodbye.', true)"));
is($simulator->admin("final/$id")->{endedReason}, 'assistant-ended-call-after-message-spoken', 'say and hang up');
$id = talking();
value(as('agent', "vapi_end_call('$id')"));
is(status($id), 'ended', 'the call has ended');

# 2. A call that is over. Here nothing has been heard of it yet, then Vapi says so; then it is known here.
is(value("SELECT vapi_status FROM vapi_internal.call WHERE call_id = '$id'"), 'in-progress', 'a second later nothing is known here');
my $over = qr/ERROR:  VS009: call "$id" is over.*DETAIL:  Vapi says it ended with manually-canceled.*HINT:  Only a call under way/s;
refused(as('agent', $_), $over, "a call that is over: $_") for "vapi_end_call('$id')", "vapi_say('$id', 'x')", "vapi_mute_call('$id')", "vapi_transfer_call('$id', '+13035550109')";
is(audit($id), 'agent control end_call', 'what failed is not in the audit');
$simulator->admin('clock', { advanceMs => 60000 });
value("SELECT vapi.vapi_get_call('$id')");
my $requests = $simulator->admin('stats')->{requests};
refused(as('agent', "vapi_end_call('$id')"), qr/ERROR:  VS009: call "$id" is over.*DETAIL:  It ended with manually-canceled/s, 'known to be over');
is($simulator->admin('stats')->{requests}, $requests, 'Vapi is not asked');
refused(as('agent', "vapi_end_call('no-such-call')"), qr/ERROR:  02000: there is no call "no-such-call"/, 'no such call');

# 3. Who may not.
$id = talking();
refused(as($_, "vapi_end_call('$id')"), qr/ERROR:  42501: permission denied for function vapi_end_call/, "$_ may not") for qw(viewer bi);
refused(as('other', "vapi_end_call('$id')"), qr/ERROR:  02000: there is no call/, 'an agent of other assistants: no such call');
refused(as('mixed', "vapi_end_call('$id')"), qr/ERROR:  42501: this role may not control calls/, 'agent of some and viewer of all: not');
refused('BEGIN READ ONLY; ' . as('agent', "vapi_end_call('$id')"), qr/ERROR:  25006/, 'read-only: it could not be written down');
is(status($id), 'in-progress', 'the call goes on');
is(scalar controls($id), 0, 'and has heard nothing');

# 4. Bad input, which changes nothing.
refused(as('agent', "vapi_transfer_call('$id', $_)"), qr/ERROR:  22023: a call cannot be transferred there/, "no destination: $_")
  for q{'12'}, q{'not a number'}, q{'tel:+13035550109'}, q{'sip:'}, q{'sip:a@b c'}, q{'sip:a@b?Replaces=x'}, q{'sip:a@b;maddr=127.0.0.1'}, q{''}, 'NULL', q{E'+13035550109\n'}, q{'+13035550109;x'};
refused(as('agent', "vapi_say('$id', $_)"), qr/ERROR:  22023: the text must have 1 to 1000 characters/, "no words: $_") for q{''}, q{'  '}, 'NULL', q{repeat('x', 1001)};
value(q{INSERT INTO vapi_internal.prospect (prospect_id, do_not_call) VALUES (7, true);
	INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) VALUES ('+13035550199', 7)});
refused(as('agent', "vapi_transfer_call('$id', $_)"), qr/ERROR:  VS007: .*do-not-call/, "do-not-call: $_") for q{'303 555 0199'}, q{'sip:+13035550199@pbx.example.com'};
is(scalar controls($id), 0, 'the call has heard nothing');

# 5. Notes: about any call of one's own, before and after it ends.
my $note = value(as('agent', "vapi_add_note('$id', 'Wants a quote by Friday.')"));
like($note, qr/^\d+$/, 'a note has a number');
is(value("SET ROLE admin; SELECT written_by || ': ' || note FROM vapi.call_notes WHERE call_id = '$id'"), 'agent: Wants a quote by Friday.', 'an admin reads it');
is(value("SET ROLE admin; SELECT vapi.vapi_call('$id') #>> '{notes,0,note}'"), 'Wants a quote by Friday.', 'also with the call');
is(value("SET ROLE viewer; SELECT vapi.vapi_call('$id') ? 'notes'"), 'f', 'a viewer does not');
refused("SET ROLE $_; SELECT * FROM vapi.call_notes", qr/42501/, "$_: not by the view either") for qw(viewer bi);
is(value('SET ROLE other; SELECT count(*) FROM vapi.call_notes'), 0, 'nor does another assistant\'s agent');
refused(as('viewer', "vapi_add_note('$id', 'x')"), qr/42501/, 'a viewer writes none');
refused(as('agent', "vapi_add_note('$id', '')"), qr/22023/, 'nobody writes nothing');
value(as('agent', "vapi_end_call('$id')"));
value(as('agent', "vapi_add_note('$id', 'Ended.')"));
is(audit($id), "agent note , agent control end_call, agent note ", 'notes are in the audit');
value("SELECT vapi_internal.erase_call('$id')");
is(value("SELECT count(*) FROM vapi_internal.call_note WHERE call_id = '$id'"), 0, 'and are erased with the call');

# 6. What Vapi's control server may answer, and hosts.
$id = talking();
my %answer = (404 => qr/VS009: call "$id" is over/, 410 => qr/VS009/, 401 => qr/VS003: .*HTTP 401.*HINT:  .*vapi_public_key/s, 400 => qr/VS003: .*DETAIL:  Vapi says: no/s,
	302 => qr/VS003: .*HTTP 302/s, 500 => qr/VS004/, 429 => qr/VS004/);
for my $status (sort keys %answer)
{
	$simulator->request('PUT', '/_sim/faults', [ { kind => $status == 302 ? 'redirect' : 'status', status => $status, path => '^/_control', message => 'no', location => 'http://169.254.169.254/' } ]);
	my $before = $simulator->admin('stats')->{requests};
	refused(as('agent', "vapi_end_call('$id')"), $answer{$status}, "the control server answers $status");
	is($simulator->admin('stats')->{requests}, $before + 2, "$status: it is asked once");
}
$simulator->request('PUT', '/_sim/faults', [ { kind => 'reset', path => '^/_control' } ]);
refused(as('agent', "vapi_end_call('$id')"), qr/ERROR:  0800[16]: call "$id" could not be controlled.*HINT:  It may have been done all the same/s, 'a broken connection');

# The URL is what Vapi says; where it may lead is ours to say. Nothing is sent anywhere else.
my %url = (
	'169.254.169.254' => 'https://169.254.169.254/latest', 'the call\'s own user' => 'https://user:pass@127.0.0.1/x', 'another host' => 'https://evil.example/control',
	'a name like it' => 'https://127.0.0.1.evil.example/control', 'decimal' => 'https://2130706433/x', 'no URL' => 'file:///etc/passwd', 'gopher' => 'gopher://127.0.0.1/x');
for my $name (sort keys %url)
{
	$simulator->request('PUT', '/_sim/faults', [ { kind => 'text', path => '^/call/', text => $json->encode({ id => $id, status => 'in-progress', monitor => { controlUrl => $url{$name} } }) } ]);
	refused(as('agent', "vapi_end_call('$id')"), $name eq 'decimal' ? qr/ERROR:  (VS001|08001)/ : qr/ERROR:  VS001/, "refused: $name");
}
$simulator->request('PUT', '/_sim/faults', [ { kind => 'text', path => '^/call/', text => $json->encode({ id => $id, status => 'in-progress' }) } ]);
refused(as('agent', "vapi_end_call('$id')"), qr/ERROR:  55000: call "$id" cannot be controlled.*monitorPlan/s, 'a call without control');
$simulator->request('PUT', '/_sim/faults', []);

is(scalar controls($id), 0, 'no message came through');
value(as('agent', "vapi_end_call('$id')"));
is(status($id), 'ended', 'until it is right');

# 7. The URL is nowhere.
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('calls'), '-f', $dump ], 'a dump');
unlike(slurp_file($dump), qr{SIMSECRET|/_control}, 'has no control URL');
unlike(slurp_file($node->logfile), qr{SIMSECRET|/_control}, 'nor has the log');
like(slurp_file($node->logfile), qr/LOG: .*vapi_sales: end_call of call $id by role agent/, 'which says what was done, whatever is rolled back');

$node->stop;
done_testing();
