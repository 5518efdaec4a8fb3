# FreshBooks: connection, one entry a call, whom it is billed to, refresh tokens
# that are good for one use, outcomes that are not known, invoices.
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
my $redirect = $VapiSales::Vendors::REDIRECT;

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub wait_for { my ($what, $query) = @_; return ok($node->poll_query_until('calls', $query), $what) || diag(sql('SELECT * FROM vapi.deliveries ORDER BY 1 DESC LIMIT 10')); }
sub all_done { my ($what) = @_; return wait_for($what, VapiSales::Vendors::all_done()); }
sub books { return $vendors->state->{freshbooks}; }
sub fails { my ($text) = @_; my (undef, undef, $error) = $node->psql('calls', $text, extra_params => [ '-v', 'VERBOSITY=verbose' ]); return $error; }
sub entries { my ($id) = @_; return grep { $_->{note} =~ /\[call:\Q$id\E\]/ } @{ books()->{entries} }; }

# 1. The connection.
like(sql("SELECT vapi.vapi_freshbooks_authorize_url('$redirect')"), qr{/oauth/authorize\?response_type=code&client_id=made-up-client&redirect_uri=https%3A%2F%2Fsales\.example\.com%2Ffreshbooks&scope=user%3Aprofile%3Aread%20}, 'where a person authorises us');
like(fails("SELECT vapi.vapi_connect_freshbooks('no-such-code', '$redirect')"), qr/28000.*FreshBooks refused/s, 'a wrong code');
like(fails('SELECT vapi.vapi_freshbooks_clients()'), qr/VS011.*not connected/s, 'nothing is asked without a connection');
is(sql("SELECT vapi.vapi_connect_freshbooks('code-1', '$redirect', options => '{\"settle_minutes\": 0}')"), 'Made Up Ltd', 'connected with the business');
is(sql('SELECT business_id, account_id FROM vapi_internal.freshbooks_connection'), '4242|ABC123', 'whose ids are found');
is(sql("SELECT count(*) FROM vapi_internal.freshbooks_connection WHERE encode(access_token, 'escape') LIKE '%fb-access%'"), 0, 'tokens are sealed');

# 2. Whom a call is billed to: by e-mail, by number, else a person chooses.
$vendors->set(freshbooks => { clients => [
	{ id => 11, organization => 'Made Up Ltd', email => 'robin@example.com', mob_phone => '', vis_state => 0 },
	{ id => 12, organization => 'Another', email => '', mob_phone => '(303) 555-0142', vis_state => 0 },
	{ id => 13, organization => 'Twins', email => 'twin@example.com', vis_state => 0 },
	{ id => 14, organization => 'Twins', email => 'twin@example.com', vis_state => 0 },
	{ id => 15, organization => 'Gone', email => 'gone@example.com', vis_state => 1 } ] });
sql(q{INSERT INTO vapi_internal.prospect (external_id, name, company, email) VALUES
		('mail', 'Robin', NULL, 'Robin@example.com'), ('phone', 'Kim', NULL, NULL), ('twin', 'Sam', 'Twins', 'twin@example.com'), ('none', 'Lee', 'Nobody', NULL);
	INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) SELECT '+13035550142', prospect_id FROM vapi_internal.prospect WHERE external_id = 'phone'});
for my $who (qw(mail phone twin none)) { sql($vendors->ended("call-$who", 91, metadata => { leadId => $who })); }
wait_for('two are logged', q{SELECT count(*) = 2 FROM vapi.deliveries WHERE kind = 'time_entry' AND state = 'delivered'});
wait_for('two wait for a person', q{SELECT count(*) = 2 FROM vapi.deliveries WHERE state = 'pending' AND next_attempt_at = 'infinity' AND last_error LIKE '%billing_reviews' AND attempts = 0});
is((entries('call-mail'))[0]{client_id}, 11, 'by e-mail');
is((entries('call-phone'))[0]{client_id}, 12, 'by number, however it is written');
is(sql(q{SELECT string_agg(company || ' ' || jsonb_array_length(candidates), ',' ORDER BY company) FROM vapi.billing_reviews}), 'Nobody 0,Twins 2', 'what there is to choose from');
is((entries('call-mail'))[0]{duration}, 300, '245 seconds are 5 minutes');
is((entries('call-mail'))[0]{billable} ? 1 : 0, 1, 'billable');
sql(q{SELECT vapi.vapi_set_billing_terms(13, rate => 90, rounding_seconds => 360, minimum_seconds => 600, service => 7, name => 'Twins')});
sql(q{SELECT vapi.vapi_match_client(subject, 13) FROM vapi.billing_reviews WHERE company = 'Twins'});
wait_for('the chosen one goes on', q{SELECT count(*) = 1 FROM vapi.deliveries WHERE call_id = 'call-twin' AND state = 'delivered'});
is(join(' ', map { "$_->{client_id} $_->{duration} $_->{service_id}" } entries('call-twin')), '13 600 7', 'by the terms of the client');
sql(q{SELECT vapi.vapi_match_client(subject, 12) FROM vapi.billing_reviews});
all_done('all are logged');
sql($vendors->ended('call-mail-2', 91, metadata => { leadId => 'mail' }));
all_done('the next call of the same prospect');
is(sql(q{SELECT count(*) FROM vapi_internal.billing_match WHERE decided_by = 'rule'}), 2, 'is billed without another search');
is(decode_json(sql(q{SELECT vapi.vapi_freshbooks_clients('twin')}))->[0]{id}, 13, 'clients can be looked for');

# 3. Answers that are lost: looked for before it is sent again.
for my $after ('reset', { delayMs => 4000 }, { status => 502, value => {} })
{
	my $name = 'lost-' . (ref $after ? join '', keys %$after : $after);
	$vendors->faults({ path => '/time_entries', method => 'POST', times => 1, after => $after });
	sql($vendors->ended($name, 91, metadata => { leadId => 'mail' }));
	wait_for("$name: logged", "SELECT count(*) = 1 FROM vapi.deliveries WHERE call_id = '$name' AND state = 'delivered'");
	is(scalar(entries($name)), 1, "$name: one entry");
}
for my $before ('reset', { status => 503, value => {} }, { status => 429, headers => { 'Retry-After' => '1' }, value => {} })
{
	my $name = 'not-there-' . (ref $before ? $before->{status} : $before);
	$vendors->faults({ path => '/time_entries', method => 'POST', times => 1, before => $before });
	sql($vendors->ended($name, 91, metadata => { leadId => 'mail' }));
	wait_for("$name: logged", "SELECT count(*) = 1 FROM vapi.deliveries WHERE call_id = '$name' AND state = 'delivered'");
	is(scalar(entries($name)), 1, "$name: one entry");
}

# 4. Errors in their shapes.
my @shapes = (
	[ 422, { errno => 2001, error => { started_at => 'field required' } }, 'started_at: field required' ],
	[ 404, { error => 'Requested resource could not be found.' }, 'Requested resource could not be found.' ],
	[ 400, { message => 'no such thing' }, 'no such thing' ],
	[ 200, { response => { errors => [ { errno => 1012, field => 'userid', message => 'Client not found' } ] } }, 'userid: Client not found' ],
	[ 409, { code => 5, message => 'Not found here', details => [] }, 'Not found here' ]);
for my $shape (@shapes)
{
	my ($status, $value, $said) = @$shape;
	my $name = "error-$status";
	$vendors->faults({ path => '/time_entries', method => 'POST', times => 1, before => { status => $status, value => $value } });
	sql($vendors->ended($name, 91, metadata => { leadId => 'phone' }));
	wait_for("status $status is dead at once", "SELECT count(*) = 1 FROM vapi.deliveries WHERE call_id = '$name' AND state = 'dead' AND attempts = 1");
	is(sql("SELECT last_error FROM vapi.deliveries WHERE call_id = '$name'"), "FreshBooks says: $said", 'and says why');
}
$vendors->faults();
is(sql(q{SELECT vapi.vapi_replay_deliveries('freshbooks')}), 5, 'dead letters are replayed');
all_done('and arrive');
is(sql(q{SELECT count(*) FROM vapi.deliveries WHERE state = 'dead'}), 0, 'all');

# 5. One refresh among eight deliveries that need it.
my $refreshes = books()->{refreshes};
$vendors->set(freshbooks => { expire => 1 });
sql('UPDATE vapi_internal.freshbooks_connection SET issued_at = now() - interval \'13 hours\', expires_at = now() - interval \'1 hour\'');
sql(q{SELECT vapi.vapi_match_client('assistant:none', 11)});
sql(join ' ', map { $vendors->ended("eight-$_", 91) } 1 .. 8);
wait_for('eight are logged', q{SELECT count(*) = 8 FROM vapi.deliveries WHERE call_id LIKE 'eight-%' AND state = 'delivered'});
is(books()->{refreshes}, $refreshes + 1, 'one refresh');
# The same when only FreshBooks knows that the token is no good any more.
sql('UPDATE vapi_internal.freshbooks_connection SET issued_at = now() - interval \'2 hours\'');
$refreshes = books()->{refreshes};
$vendors->set(freshbooks => { expire => 1 });
sql(join ' ', map { $vendors->ended("nine-$_", 91) } 1 .. 8);
wait_for('eight more are logged', q{SELECT count(*) = 8 FROM vapi.deliveries WHERE call_id LIKE 'nine-%' AND state = 'delivered'});
is(books()->{refreshes}, $refreshes + 1, 'one refresh after eight refusals');
is(scalar(grep { $_->{note} =~ /(eight|nine)-/ } @{ books()->{entries} }), 16, 'one entry each');

# 6. A refresh whose answer is lost costs the authorisation: deliveries wait, nothing is lost.
$vendors->faults({ path => '/auth/oauth/token', times => 1, after => 'reset' });
sql('UPDATE vapi_internal.freshbooks_connection SET issued_at = now() - interval \'13 hours\', expires_at = now() - interval \'1 hour\'');
sql($vendors->ended('waits', 91, metadata => { leadId => 'mail' }));
wait_for('a person is needed', q{SELECT state = 'needs authorisation' AND problem LIKE 'a refresh was interrupted%' FROM vapi.destinations WHERE destination = 'freshbooks'});
is(sql(q{SELECT state, attempts FROM vapi.deliveries WHERE call_id = 'waits'}), 'pending|0', 'the delivery waits');
like(sql(q{SELECT status || detail FROM vapi.health WHERE check_name = 'deliveries'}), qr/^fail.*freshbooks: needs authorisation/, 'health says so');
$vendors->faults();
$vendors->set(freshbooks => { code => 'code-2' });
sql("SELECT vapi.vapi_connect_freshbooks('code-2', '$redirect', options => '{\"settle_minutes\": 0}')");
wait_for('authorised again, it goes on', q{SELECT state = 'delivered' FROM vapi.deliveries WHERE call_id = 'waits'});
# One that never got there costs nothing.
$vendors->faults({ path => '/auth/oauth/token', times => 1, before => 'reset' });
sql('UPDATE vapi_internal.freshbooks_connection SET issued_at = now() - interval \'13 hours\', expires_at = now() - interval \'1 hour\'');
sql($vendors->ended('again', 91, metadata => { leadId => 'mail' }));
wait_for('a refresh that did not arrive is made again', q{SELECT state = 'delivered' FROM vapi.deliveries WHERE call_id = 'again'});
$vendors->faults();

# 7. Invoices.
like(fails(q{SELECT vapi.vapi_draft_invoice(11, current_date)}), qr/VS011.*no rate is agreed/s, 'a rate is needed');
sql(q{SELECT vapi.vapi_set_billing_terms(11, rate => 120, name => 'Made Up')});
# The newest one, if one has begun meanwhile.
my $month = sql(q{SELECT max(month) FROM vapi.client_time WHERE client_id = 11});
my $hours = sql("SELECT unbilled_hours FROM vapi.client_time WHERE client_id = 11 AND month = '$month'");
cmp_ok($hours, '>', 1, 'there is unbilled time');
$vendors->faults({ path => '/invoices/invoices', method => 'POST', times => 1, after => 'reset' });
my $invoice = sql("SELECT vapi.vapi_draft_invoice(11, '$month')");
wait_for('the draft is complete', "SELECT state = 'complete' FROM vapi.invoices WHERE invoice_id = $invoice");
is(scalar(@{ books()->{invoices} }), 1, 'one draft, although its answer was lost');
my $draft = books()->{invoices}[0];
is("$draft->{v3_status} $draft->{customerid} $draft->{lines}[0]{unit_cost}{amount}", 'draft 11 120', 'a draft for the client at its rate');
cmp_ok(abs($draft->{lines}[0]{qty} - $hours), '<', 0.01, 'of all hours');
is(sql("SELECT unbilled_hours FROM vapi.client_time WHERE client_id = 11 AND month = '$month'"), '0.00', 'which are billed now');
is(scalar(grep { $_->{client_id} == 11 && !$_->{billed} && substr($_->{started_at}, 0, 7) eq substr($month, 0, 7) } @{ books()->{entries} }), 0, 'at FreshBooks, too');
like(fails("SELECT vapi.vapi_draft_invoice(11, '$month')"), qr/02000.*no unbilled time/s, 'nothing is billed twice');
$vendors->set(freshbooks => { billedReadOnly => JSON::PP::true });
sql("SELECT vapi.vapi_draft_invoice(13, '$month')");
wait_for('an account that does not let it be written says so', q{SELECT count(*) = 1 FROM vapi.deliveries WHERE kind = 'invoice' AND state = 'dead' AND last_error LIKE '%does not mark%'});

# 8. Another token_key opens nothing.
VapiSales::Test->write_secret($node, 'token_key', 'another-made-up-token-key-of-32-characters');
sql($vendors->ended('sealed', 91, metadata => { leadId => 'mail' }));
wait_for('sealed under another key', q{SELECT state = 'needs authorisation' AND problem LIKE '%token_key%' FROM vapi.destinations WHERE destination = 'freshbooks'});

done_testing();
