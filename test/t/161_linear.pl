# Linear, whose simulator executes its GraphQL schema: one issue a call, with
# evidence and attachment; updates; projects that never move back; rate limits
# as HTTP 400; keys that are refused.
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
my %id = %VapiSales::Vendors::ID;

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub wait_for { my ($what, $query) = @_; return ok($node->poll_query_until('calls', $query), $what) || diag(sql('SELECT * FROM vapi.deliveries ORDER BY 1 DESC LIMIT 10')); }
sub all_done { my ($what) = @_; return wait_for($what, VapiSales::Vendors::all_done()); }
sub linear { return $vendors->state->{linear}; }
sub fails { my ($text) = @_; my (undef, undef, $error) = $node->psql('calls', $text, extra_params => [ '-v', 'VERBOSITY=verbose' ]); return $error; }

# The operations that can be sent at all are valid by the schema that the simulator has.
my $choices = decode_json(sql('SELECT vapi.vapi_linear_choices()'));
is("$choices->{viewer}{name} $choices->{teams}{nodes}[0]{id}", "Robin Example $id{team}", 'what there is to choose from');
VapiSales::Test->write_secret($node, 'linear_api_key', 'lin_api_wrong');
like(fails('SELECT vapi.vapi_linear_choices()'), qr/28000.*Linear refused/s, 'a key that Linear refuses');
VapiSales::Test->write_secret($node, 'linear_api_key', $VapiSales::Vendors::LINEAR_KEY);

sql(q{INSERT INTO vapi_internal.prospect (external_id, name, company, time_zone) VALUES ('crm-1', 'Robin Example', 'Made [Up] Ltd', 'America/Denver')});
sql('SELECT vapi.vapi_set_auto_enrollment(NULL), vapi.vapi_connect_linear()');

# Without a mapping it waits and says why.
sql($vendors->ended('good', 91, summary => "Wants *three* seats\n[link](https://evil.example)", metadata => { leadId => 'crm-1' }));
wait_for('without a team it waits', q{SELECT count(*) = 1 FROM vapi.deliveries WHERE kind = 'issue' AND state = 'pending' AND attempts = 0 AND last_error = 'no team of Linear is mapped'});
like(fails(q{SELECT vapi.vapi_map_linear('SAL')}), qr/22023/, 'an id is needed');
sql("SELECT vapi.vapi_map_linear('$id{team}', '$id{project}', '{$id{label}}', '$id{user}', 'started')");
sql($vendors->ended('bad', 12));
all_done('delivered once it is mapped');
my @issues = @{ linear()->{issues} };
is(scalar(@issues), 1, 'one issue, of the qualified call');
my $issue = $issues[0];
is($issue->{id}, sql(q{SELECT delivery_key FROM vapi_internal.outbox WHERE kind = 'issue'}), 'under our id');
is($issue->{title}, 'Follow up: Robin Example (Made [Up] Ltd), score 91', 'its title');
like($issue->{description}, qr/\*\*Score 91\*\*/, 'the score');
like($issue->{description}, qr/Wants \\\*three\\\* seats \\\[link\\\]\\\(https\\:/, 'what was said has no effect');
like($issue->{description}, qr{\[The call\]\(https://sales\.example\.com/calls/good\)}, 'the link');
is("@{$issue->{labelIds}} $issue->{assigneeId} $issue->{projectId}", "$id{label} $id{user} $id{project}", 'label, assignee and project');
is(linear()->{attachments}[0]{url}, 'https://sales.example.com/calls/good', 'the attachment');
is(sql(q{SELECT vendor_id FROM vapi.deliveries WHERE kind = 'issue'}), 'SAL-1', 'we know what it is called there');

# A follow-up of the call goes into the same issue; a change of it brings it up to date.
sql(q{INSERT INTO vapi_internal.follow_up (prospect_id, call_id, due_at, note) VALUES (1, 'good', '2027-03-02 01:00+00', 'send the offer'); SELECT vapi_internal.deliver_follow_up(1)});
all_done('the follow-up is delivered');
wait_for('the issue is updated', q{SELECT content_hash = vapi_internal.linear_hash(outbox_id) FROM vapi_internal.outbox WHERE kind = 'issue'});
$issue = linear()->{issues}[0];
is(scalar(@{ linear()->{issues} }), 1, 'still one issue');
is($issue->{dueDate}, '2027-03-01', 'due by the day where the prospect lives');
like($issue->{description}, qr/send the offer/, 'with the note');
my $updates = $issue->{updates};
sql('SELECT vapi_internal.deliver_follow_up(1)');
all_done('the same again');
is(linear()->{issues}[0]{updates}, $updates, 'what is equal is not sent');
sql(q{INSERT INTO vapi_internal.follow_up (prospect_id, call_id, due_at) VALUES (1, 'good', '2027-04-01'), (1, NULL, '2027-04-02'); SELECT vapi_internal.deliver_follow_up(2), vapi_internal.deliver_follow_up(3)});
all_done('further follow-ups');
is(scalar(@{ linear()->{issues} }), 3, 'have issues of their own');

# The project moves on once, and has its update; never back.
is(join(' ', @{ linear()->{moves} }), '', 'before there was a mapping no project was moved');
sql($vendors->ended('mover', 95));
all_done('a qualified call with a project');
is(join(' ', @{ linear()->{moves} }), 'started', 'the qualified lead moved its project on');
is(scalar(@{ linear()->{updates} }), 1, 'and wrote an update');
$vendors->set(linear => { projectStatus => 'completed' });
sql($vendors->ended('good-2', 95));
all_done('another qualified call');
is(join(' ', @{ linear()->{moves} }), 'started', 'a completed project stays so');
is(scalar(@{ linear()->{updates} }), 2, 'but has its update');

# Outcomes that are not known: nothing twice.
for my $after ('reset', { delayMs => 4000 }, { status => 502, value => {} })
{
	my $name = 'unknown-' . (ref $after ? join '', keys %$after : $after);
	my $count = @{ linear()->{issues} };
	$vendors->faults(map { { path => '/graphql', body => $_, times => 1, after => $after } } qw(IssueCreate AttachmentCreate ProjectUpdateCreate));
	sql($vendors->ended($name, 95));
	wait_for("$name: delivered", "SELECT count(*) = 2 AND bool_and(state = 'delivered') FROM vapi_internal.outbox WHERE call_id = '$name'");
	is(scalar(@{ linear()->{issues} }), $count + 1, "$name: one issue");
	is(scalar(grep { $_->{url} =~ /$name$/ } @{ linear()->{attachments} }), 1, "$name: one attachment");
}
is(scalar(@{ linear()->{updates} }), 5, 'one project update each');
$vendors->faults();

# A conflict without an attempt of ours that is known: the id is looked for, and the job is done.
sql(q{UPDATE vapi_internal.outbox SET state = 'pending', vendor_id = NULL, content_hash = NULL, attempts = 0 WHERE call_id = 'good' AND kind = 'issue' AND follow_up_id = 1; SELECT vapi_internal.wake()});
my $issues = @{ linear()->{issues} };
all_done('an id that is there already');
is(scalar(@{ linear()->{issues} }), $issues, 'is no second issue');

# Rate limits: HTTP 400, to the reset; no attempt is burnt.
my $reset = int(time() * 1000) + 3000;
$vendors->set(linear => { limitedUntil => $reset });
sql($vendors->ended('limited', 95));
wait_for('rate limited', q{SELECT state = 'rate limited' FROM vapi.destinations WHERE destination = 'linear'});
all_done('delivered after the reset');
cmp_ok(time() * 1000, '>=', $reset, 'and not before');
is(sql(q{SELECT max(attempts) FROM vapi.deliveries WHERE call_id = 'limited'}), 1, 'in one attempt');
my $seen = grep { $_->{path} eq '/graphql' && $_->{at} < $reset && $_->{at} > $reset - 2900 } @{ $vendors->state->{seen} };
cmp_ok($seen, '<=', 3, 'it was not asked again and again');

# A refused key pauses the destination until it is another.
VapiSales::Test->write_secret($node, 'linear_api_key', 'lin_api_wrong');
sql($vendors->ended('refused', 95));
wait_for('the key is refused', q{SELECT state = 'key refused' FROM vapi.destinations WHERE destination = 'linear'});
like(sql(q{SELECT status FROM vapi.health WHERE check_name = 'deliveries'}), qr/fail/, 'health says so');
VapiSales::Test->write_secret($node, 'linear_api_key', "$VapiSales::Vendors::LINEAR_KEY ");
wait_for('another key is tried by itself', q{SELECT count(*) = 2 AND bool_and(state = 'delivered' AND attempts = 1) FROM vapi_internal.outbox, vapi.vapi_work() w WHERE call_id = 'refused' AND w.step = 'delivery'});

# What Linear will never take is dead at once.
sql("SELECT vapi.vapi_map_linear('55555555-5555-4555-8555-555555555555')");
sql($vendors->ended('no-team', 95));
wait_for('no such team', q{SELECT count(*) = 1 FROM vapi.deliveries WHERE call_id = 'no-team' AND state = 'dead' AND attempts = 1 AND last_error LIKE 'Linear says: Entity not found: Team%'});

# Every operation was valid by the schema.
my %sent = map { $_ => 1 } @{ linear()->{operations} };
my @all = split /\n/, sql('SELECT name FROM vapi_internal.linear_documents() ORDER BY 1');
is_deeply([ grep { !$sent{$_} } @all ], [], 'each operation was executed by the schema');

done_testing();
