# The outbox and outgoing webhooks: once each, signed, in order, through
# failures; replay, rotation, 410, a dead destination beside a good one, and
# the rate budget.
use strict;
use warnings;
use JSON::PP;
use VapiSales::Test;
use VapiSales::Vendors;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

VapiSales::Test::skip_without_simulator();

my $vendors = VapiSales::Vendors->new;
my $node = VapiSales::Test->node('main', preload => 1, config => $vendors->config);
$vendors->secrets($node);

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub wait_for { my ($what, $query) = @_; return ok($node->poll_query_until('calls', $query), $what) || diag(sql('SELECT * FROM vapi.deliveries ORDER BY 1 DESC LIMIT 10')); }
sub received { my ($name) = @_; return grep { $_->{name} eq $name } @{ $vendors->state->{receiver}{received} }; }
sub fails { my ($text) = @_; my (undef, undef, $error) = $node->psql('calls', $text, extra_params => [ '-v', 'VERBOSITY=verbose' ]); return $error; }
sub all_done { my ($what) = @_; return wait_for($what, VapiSales::Vendors::all_done()); }

# 1. Without a destination nothing is written.
sql($vendors->ended('before', 90));
wait_for('the feed has the call', q{SELECT count(*) > 0 FROM vapi_internal.change_feed});
sleep(1);
is(sql('SELECT count(*) FROM vapi_internal.outbox'), 0, 'no destination: nothing is written');
is(sql(q{SELECT count(*) FROM vapi_internal.feed_follower WHERE follower = 'outbox'}), 0, 'and nothing is followed');

# 2. One of each kind, signed, through replays of the event.
my $key = $vendors->webhook($node, 'crm', '{call.ended,lead.qualified,follow_up.due,score.changed}');
like($key, qr{^whsec_[A-Za-z0-9+/]{43}=$}, 'a webhook gets a key');
is(sql(q{SELECT count(*) FROM vapi_internal.destination WHERE encode(secret, 'escape') LIKE '%whsec%'}), 0, 'which is sealed');
for (1 .. 3) { sql($vendors->ended('good', 91)); }
sql($vendors->ended('bad', 12));
all_done('all is delivered');
is(sql('SELECT vapi_internal.delivery_due() IS NULL'), 't', 'then nothing is due');
my %by;
$by{ $_->{body}{type} }{ $_->{body}{data}{callId} }++ for received('crm');
is_deeply(\%by, { 'call.ended' => { good => 1, bad => 1 }, 'lead.qualified' => { good => 1 }, 'score.changed' => { good => 1, bad => 1 } }, 'each once, of the qualified call one of each kind');
is(scalar(grep { !$_->{genuine} } received('crm')), 0, 'each signed as the receiver verifies it');
my ($first) = grep { $_->{body}{type} eq 'lead.qualified' } received('crm');
is($first->{body}{data}{score}, 91, 'with the score');
is($first->{body}{data}{url}, 'https://sales.example.com/calls/good', 'and the page of the call');
like($first->{body}{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'and a time');
is(sql(q{SELECT count(*) FROM vapi_internal.outbox WHERE call_id = 'before'}), 0, 'a call from before the webhook is not told of');

# 3. A follow-up, once, and the score when it changes.
sql(q{INSERT INTO vapi_internal.follow_up (call_id, due_at, note) VALUES ('good', now(), 'send the offer'); SELECT vapi_internal.deliver_follow_up(1), vapi_internal.deliver_follow_up(1)});
sql($vendors->ended('good', 40, endedAt => undef));
all_done('the follow-up is delivered');
is(scalar(grep { $_->{body}{type} eq 'follow_up.due' } received('crm')), 1, 'follow_up.due once');
wait_for('score.changed again', q{SELECT count(*) = 2 FROM vapi_internal.outbox WHERE call_id = 'good' AND event = 'score.changed' AND state = 'delivered'});
my ($latest) = reverse grep { $_->{body}{type} eq 'score.changed' && $_->{body}{data}{callId} eq 'good' } received('crm');
is("$latest->{body}{data}{formerScore} $latest->{body}{data}{score}", '91 40', 'with the former one');
like(fails('SELECT vapi_internal.deliver_follow_up(99)'), qr/02000.*no follow-up 99/s, 'no such follow-up');

# 4. Failures: 5xx, an answer that is lost, resets, too many requests; the id stays.
$vendors->faults({ path => '/hook/crm', times => 1, before => { status => 503, value => {} } }, { path => '/hook/crm', times => 1, before => 'reset' },
	{ path => '/hook/crm', times => 1, after => { delayMs => 4000 } }, { path => '/hook/crm', times => 1, before => { status => 429, headers => { 'Retry-After' => '1' }, value => {} } });
sql($vendors->ended('bumpy', 10));
all_done('it arrives in the end');
my @bumpy = grep { ($_->{body}{data}{callId} // '') eq 'bumpy' && $_->{body}{type} eq 'call.ended' } received('crm');
cmp_ok(scalar @bumpy, '<=', 2, 'what the receiver took before the answer was lost comes once more at most');
is(scalar(keys %{ { map { $_->{id} => 1 } @bumpy } }), 1, 'under the same id');
$vendors->faults();

# 5. Order of a lead: what comes later waits for what failed.
sql(q{INSERT INTO vapi_internal.prospect (external_id, name) VALUES ('crm-1', 'Robin Example')});
$vendors->faults({ path => '/hook/crm', body => 'lead-a', times => 3, before => { status => 500, value => {} } });
sql($vendors->ended('lead-a', 10, metadata => { leadId => 'crm-1' }));
sql($vendors->ended('lead-b', 10, metadata => { leadId => 'crm-1' }));
all_done('both arrive');
is(join(' ', map { $_->{body}{data}{callId} } grep { $_->{body}{type} eq 'call.ended' && $_->{body}{data}{callId} =~ /^lead-/ } received('crm')), 'lead-a lead-b', 'in order');
$vendors->faults();

# 6. Dead letters: given up after so many attempts, replayed, discarded.
$node->append_conf('postgresql.conf', "vapi_sales.delivery_attempts = 3\nvapi_sales.delivery_backoff = 1ms\n");
$node->reload;
$vendors->faults({ path => '/hook/crm', before => { status => 400, value => {} } });
sql($vendors->ended('dead', undef, qualificationScore => undef));
wait_for('it is given up', q{SELECT count(*) = 1 FROM vapi.deliveries WHERE state = 'dead' AND attempts = 3 AND last_status = 400 AND last_error LIKE '%status 400%'});
like(sql(q{SELECT status || ': ' || detail FROM vapi.health WHERE check_name = 'deliveries'}), qr/^warn: .*1 given up/, 'health says so');
$vendors->faults();
is(sql(q{SELECT vapi.vapi_replay_deliveries('crm', dry_run => true)}), 1, 'what would be replayed');
is(sql(q{SELECT vapi.vapi_replay_deliveries('crm')}), 1, 'it is replayed');
all_done('and arrives');
my $id = sql(q{SELECT delivery_id FROM vapi.deliveries WHERE call_id = 'dead'});
sql("SELECT vapi.vapi_replay_delivery($id)");
all_done('what has arrived can be sent again');
my @twice = grep { ($_->{body}{data}{callId} // '') eq 'dead' && $_->{body}{type} eq 'call.ended' } received('crm');
is(scalar(@twice), 2, 'it comes once more');
is(scalar(keys %{ { map { $_->{id} => 1 } @twice } }), 1, 'with its id');
like(fails("SELECT vapi.vapi_discard_delivery($id, 'no')"), qr/VS011/, 'what has arrived is not discarded');
like(fails("SELECT vapi.vapi_discard_delivery($id, ' ')"), qr/22004/, 'a reason is needed');
like(fails('SELECT vapi.vapi_replay_delivery(0)'), qr/02000/, 'no such delivery');

# 7. Rotation: two signatures for a while, then the new key alone.
my $new = sql(q{SELECT vapi.vapi_rotate_webhook('crm', '1 hour')});
isnt($new, $key, 'a new key');
sql($vendors->ended('rotated', 10));
all_done('delivered after the rotation');
my ($rotated) = grep { ($_->{body}{data}{callId} // '') eq 'rotated' } received('crm');
is("$rotated->{signatures} $rotated->{genuine}", '2 1', 'the former key is still good');
$vendors->set(receiver => { secrets => { crm => $new } });
sql(q{UPDATE vapi_internal.destination SET former_until = now()});
sql($vendors->ended('rotated-2', 10));
all_done('delivered by the new key');
($rotated) = grep { ($_->{body}{data}{callId} // '') eq 'rotated-2' } received('crm');
is("$rotated->{signatures} $rotated->{genuine}", '1 1', 'which signs alone');

# 8. 410 switches it off; what waits stays.
$vendors->set(receiver => { status => { crm => 410 } });
sql($vendors->ended('gone', 10));
wait_for('410 switches a webhook off', q{SELECT state = 'off' AND problem LIKE '%410%' FROM vapi.destinations WHERE destination = 'crm'});
$vendors->set(receiver => { status => {} });
sql(q{SELECT vapi.vapi_switch_destination('crm', true)});
all_done('switched on, what waited goes on');

# 9. A destination that never answers holds up no other.
$vendors->webhook($node, 'dark', '{call.ended}');
$vendors->webhook($node, 'light', '{call.ended}');
$vendors->faults({ path => '/hook/dark', before => 'hold' });
my $started = time();
sql(join ' ', map { $vendors->ended("many-$_", 10) } 1 .. 30);
wait_for('the good one has all', q{SELECT count(*) = 30 FROM vapi_internal.outbox WHERE destination = 'light' AND state = 'delivered'});
my $took = time() - $started;
cmp_ok($took, '<', 15, sprintf('within %.1f s, with time-outs of 2 s each beside them', $took));
cmp_ok(sql(q{SELECT count(*) FROM vapi_internal.outbox WHERE destination = 'dark' AND state = 'delivered'}), '==', 0, 'while the other has none');
wait_for('the breaker opens', q{SELECT state = 'cannot be reached' FROM vapi.destinations WHERE destination = 'dark'});
my $tried = sql(q{SELECT sum(attempts) FROM vapi_internal.outbox WHERE destination = 'dark'});
sleep(1);
cmp_ok(sql(q{SELECT sum(attempts) FROM vapi_internal.outbox WHERE destination = 'dark'}) - $tried, '<=', 2, 'and burns no attempts');
$vendors->faults();
$vendors->release;
sql(q{UPDATE vapi_internal.destination_state SET open_until = NULL WHERE destination = 'dark'; SELECT vapi.vapi_replay_deliveries('dark')});
all_done('it has all in the end');
is(sql(q{SELECT count(*) FROM vapi_internal.outbox WHERE destination = 'dark' AND state = 'delivered'}), 30, 'nothing is lost');

# 10. The rate budget bounds it.
sql(q{SELECT vapi.vapi_remove_destination('dark'), vapi.vapi_remove_destination('light')});
$vendors->webhook($node, 'slow', '{call.ended}', '{"requests_per_minute": 120, "burst": 1}');
sql(join ' ', map { $vendors->ended("paced-$_", 10) } 1 .. 8);
wait_for('paced deliveries', q{SELECT count(*) = 8 FROM vapi_internal.outbox WHERE destination = 'slow' AND state = 'delivered'});
my @at = sort { $a <=> $b } map { $_->{at} } received('slow');
is(scalar(@at), 8, 'all of them');
cmp_ok(($at[-1] - $at[0]) / 1000, '>=', 7 * 0.5 * 0.9, '120 a minute are not exceeded');

# 11. What is refused.
like(fails(q{SELECT vapi.vapi_add_webhook('x', 'https://example.com/hook', '{call.ended}')}), qr/VS001/, 'a host that is not allowed');
like(fails(q{SELECT vapi.vapi_add_webhook('linear', 'http://127.0.0.1/', '{call.ended}')}), qr/22023/, 'a name that is taken');
like(fails(q{SELECT vapi.vapi_add_webhook('x', 'http://127.0.0.1/', '{no.such}')}), qr/22023/, 'an event that there is not');
like(fails(q{SELECT vapi.vapi_add_webhook('x', 'http://127.0.0.1/', '{call.ended}', '{"speed": 1}')}), qr/22023.*unknown option: speed/s, 'an option that there is not');

# 12. Erasure: what waits is discarded, and nothing of the call stays in the outbox.
sql(q{SELECT vapi.vapi_switch_destination('crm', false), vapi.vapi_switch_destination('slow', false), vapi.vapi_switch_destination('crm', true)});
$vendors->faults({ path => '/hook/', before => { status => 500, value => {} } });
sql($vendors->ended('erased', 88));
wait_for('it waits', q{SELECT count(*) > 0 FROM vapi_internal.outbox WHERE call_id = 'erased' AND attempts > 0 AND last_error IS NOT NULL});
sql(q{SELECT vapi_internal.erase_call('erased')});
is(sql(q{SELECT count(*) FROM vapi_internal.outbox WHERE call_id = 'erased' OR payload ->> 'callId' = 'erased'}), 0, 'an erased call is not in the outbox');
$vendors->faults();
all_done('and nothing of it waits');

# 13. health.changed.
sql(q{SELECT vapi.vapi_remove_destination('slow')});
$vendors->webhook($node, 'ops', '{health.changed}');
sql(q{UPDATE vapi_internal.step_state SET next_due_at = NULL WHERE step = 'health_events'});
sql('SELECT * FROM vapi.vapi_work()');
sql(q{INSERT INTO vapi_internal.event (received_at, channel, type, dedupe_key, content_hash, last_delivered_at, status, body) VALUES (now(), 'trusted', 'hang', '\x01', '', now(), 'dead', '{}');
	UPDATE vapi_internal.step_state SET next_due_at = NULL WHERE step = 'health_events'});
wait_for('health.changed is delivered', q{SELECT count(*) > 0 FROM vapi_internal.outbox, vapi.vapi_work() w WHERE event = 'health.changed' AND payload ->> 'check' = 'dead_letters' AND state = 'delivered'});
my ($health) = grep { $_->{body}{data}{check} eq 'dead_letters' } received('ops');
is("$health->{body}{data}{formerStatus} $health->{body}{data}{status}", 'ok warn', 'from which status to which');

done_testing();
