# The permanent worker on a standby: none until it is promoted. And what it
# costs when there is nothing to do.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 50);
my $primary = VapiSales::Test->node('primary', simulator => $simulator, preload => 1, init => { allows_streaming => 1 },
	config => "vapi_sales.databases = 'calls'\n");
my $standby = PostgreSQL::Test::Cluster->new('standby');
my $runs = q{SELECT count(*) = 1 FROM vapi.health WHERE check_name = 'worker' AND detail LIKE 'runs as process %'};
my $ours = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'vapi\_sales%'};

# event(node, id)
sub event
{
	my ($node, $id) = @_;
	return $node->safe_psql('calls', qq{SELECT vapi.vapi_ingest_event('{"event": "call.started", "timestamp": "2026-01-31T00:00:00.000Z", "data": {"callId": "$id"}}')});
}

ok($primary->poll_query_until('calls', $runs), 'the primary has a worker');
event($primary, 'before');
ok($primary->poll_query_until('calls', q{SELECT count(*) = 1 FROM vapi_internal.change_feed}), 'which works');

# used(pid...): processor time in seconds.
sub used
{
	my $sum = 0;
	$sum += (split / /, slurp_file("/proc/$_/schedstat"))[0] / 1e9 for @_;
	return $sum;
}
SKIP:
{
	skip 'no /proc/PID/schedstat', 1 unless -r "/proc/$$/schedstat";
	my %pids = map { split /\|/ } split /\n/, $primary->safe_psql('postgres', q{SELECT backend_type, pid FROM pg_stat_activity WHERE backend_type LIKE 'vapi\_sales%'});
	sleep(2);
	my $begin = time();
	my %before = map { $_ => used($pids{$_}) } sort keys %pids;
	sleep(20);
	my $seconds = time() - $begin;
	my %share = map { $_ => 100 * (used($pids{$_}) - $before{$_}) / $seconds } sort keys %pids;
	note(sprintf '%s at rest uses %.4f %% of a processor', $_, $share{$_}) for sort keys %share;
	is(scalar(grep { $_ >= 1 } values %share), 0, 'at rest they use next to no processor time');
}

$primary->backup('base');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
is($standby->safe_psql('calls', $ours), 0, 'a standby has neither worker nor launcher');
is($standby->safe_psql('calls', q{SELECT status, detail FROM vapi.health WHERE check_name = 'worker'}), 'ok|a standby has none', 'its health says so');

# What the primary left undone is done there.
$primary->safe_psql('calls', 'ALTER TABLE vapi_internal.change_feed ADD CONSTRAINT broken CHECK (seq < 0) NOT VALID');
event($primary, 'left');
$primary->safe_psql('calls', 'ALTER TABLE vapi_internal.change_feed DROP CONSTRAINT broken');
$primary->wait_for_catchup($standby);
$primary->stop('immediate');
$standby->promote;
ok($standby->poll_query_until('calls', $runs), 'promoted, it has a worker');
$standby->safe_psql('calls', q{UPDATE vapi_internal.step_state SET next_due_at = now() WHERE last_error IS NOT NULL});
event($standby, 'after');
ok($standby->poll_query_until('calls', q{SELECT count(*) = 2 FROM vapi_internal.change_feed WHERE call_id IN ('left', 'after')}), 'which goes on where the primary ended');
$standby->stop;
done_testing();
