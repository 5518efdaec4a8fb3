# A restored copy delivers nothing, and no key or token is in clear: in the
# dump, the log, the views or an error.
use strict;
use warnings;
use VapiSales::Test;
use VapiSales::Vendors;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

VapiSales::Test::skip_without_simulator();

my $vendors = VapiSales::Vendors->new;
my $node = VapiSales::Test->node('main', preload => 1, config => $vendors->config("log_min_messages = debug5\nlog_statement = none\n"));
$vendors->secrets($node);
my %id = %VapiSales::Vendors::ID;

sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
sub wait_for { my ($what, $query) = @_; return ok($node->poll_query_until('calls', $query), $what) || diag(sql('SELECT * FROM vapi.deliveries ORDER BY 1 DESC LIMIT 10')); }

sql('SELECT vapi.vapi_connect_linear()');
sql("SELECT vapi.vapi_map_linear('$id{team}')");
sql("SELECT vapi.vapi_connect_freshbooks('code-1', '$VapiSales::Vendors::REDIRECT', options => '{\"settle_minutes\": 0}')");
$vendors->set(freshbooks => { clients => [ { id => 11, organization => 'Made Up Ltd', vis_state => 0 } ] });
sql(q{SELECT vapi.vapi_match_client('assistant:none', 11)});
my $key = $vendors->webhook($node, 'crm', '{call.ended,lead.qualified,score.changed}');
sql($vendors->ended('one', 91));
wait_for('all is delivered', q{SELECT count(*) = 5 AND bool_and(state = 'delivered') FROM vapi_internal.outbox});
my $books = $vendors->state->{freshbooks};
$vendors->faults({ path => '/', before => { status => 500, value => { error => "echo $VapiSales::Vendors::LINEAR_KEY $books->{access}" } } });
sql($vendors->ended('two', 91));
wait_for('failures are on record', q{SELECT count(*) >= 3 FROM vapi_internal.outbox WHERE call_id = 'two' AND last_error IS NOT NULL});

# Needles, in everything that can be read.
my %needles = ('the key of Linear' => $VapiSales::Vendors::LINEAR_KEY, 'an access token' => $books->{access}, 'a refresh token' => $books->{refresh},
	'the secret of FreshBooks' => 'made-up-client-secret', 'the key of seals' => $VapiSales::Vendors::TOKEN_KEY, 'the key of a webhook' => substr($key, 6));
my ($dump) = run_command([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-d', 'calls' ]);
my %places = (dump => $dump, log => slurp_file($node->logfile), views => sql('SELECT * FROM vapi.deliveries') . sql('SELECT * FROM vapi.destinations') . sql('SELECT * FROM vapi.health'),
	settings => sql('SELECT * FROM pg_settings'), activity => sql('SELECT * FROM pg_stat_activity'));
$places{outbox} = sql('SELECT * FROM vapi_internal.outbox') . sql('SELECT * FROM vapi_internal.destination_state');
for my $place (sort keys %places)
{
	for my $needle (sort keys %needles)
	{
		is(index($places{$place}, $needles{$needle}), -1, "$needle is not in the $place");
	}
}
isnt(index("$places{dump} $needles{'an access token'}", $needles{'an access token'}), -1, 'the search finds what is there');

# A copy in the same cluster, and one in another.
$vendors->faults();
$vendors->sim('POST', 'forget', {});
my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-Fc', '-f', $file, 'calls' ], 'dump');
my $other = VapiSales::Test->node('other', preload => 1, extension => 0, config => $vendors->config);
$vendors->secrets($other);
VapiSales::Test->write_secret($other, 'instance_id', 'another-instance');
$other->command_ok([ 'pg_restore', '-h', $other->host, '-p', $other->port, '-d', 'calls', $file ], 'restore');
$node->stop;
$vendors->sim('POST', 'forget', {});
$other->safe_psql('calls', q{UPDATE vapi_internal.outbox SET state = 'pending', run_at = now()});
for (1 .. 3) { $other->safe_psql('calls', 'SELECT * FROM vapi.vapi_work()'); }
sleep(2);
is(scalar(@{ $vendors->state->{seen} }), 0, 'the copy asks nobody');
is($other->safe_psql('calls', q{SELECT count(*) FROM vapi_internal.outbox WHERE state = 'pending'}), $other->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.outbox'), 'what waits goes on waiting');
like($other->safe_psql('calls', q{SELECT status || ': ' || detail FROM vapi.health WHERE check_name = 'instance'}), qr/^fail: .*copy/, 'health says so');
my $issues = @{ $vendors->state->{linear}{issues} };
my $entries = @{ $vendors->state->{freshbooks}{entries} };
$other->safe_psql('calls', q{SELECT vapi.vapi_adopt_instance()});
ok($other->poll_query_until('calls', q{SELECT bool_and(state = 'delivered') FROM vapi_internal.outbox}), 'adopted, it delivers')
  or diag($other->safe_psql('calls', 'SELECT * FROM vapi.deliveries'));
is(scalar(grep { $_->{description} =~ m{calls/one\)} } @{ $vendors->state->{linear}{issues} }), 1, 'what Linear had is not made again');

done_testing();
