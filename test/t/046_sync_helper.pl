# The helper that gets the next page ready: the same rows as without it, and an
# import that goes on, or is resumed, whatever becomes of it.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my $calls = 800;
my $range = q{'2026-01-01', '2026-02-01'};
my $simulator = VapiSales::Test->simulator(calls => $calls, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z', bytes => 8000);
# shared memory as files of the cluster's own, to see what is left of it
my $node = VapiSales::Test->node('main', simulator => $simulator, config => <<'CONF');
dynamic_shared_memory_type = mmap
log_min_messages = debug1
restart_after_crash = on
vapi_sales.page_size = 100
CONF
my $all = join "\n", sort @{ $simulator->admin('ids') };
my $helper = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales import helper'};
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'vapi_sales import'};

# The next page arrives while a page is stored, however fast the machine is.
sub slow_down
{
	$node->safe_psql('calls', q{CREATE FUNCTION public.take_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$;
		CREATE TRIGGER take_time AFTER INSERT ON vapi_internal.call FOR EACH STATEMENT EXECUTE FUNCTION public.take_time();
		CREATE TRIGGER take_time AFTER INSERT ON vapi_internal.call_content FOR EACH STATEMENT EXECUTE FUNCTION public.take_time()});
	return;
}

# The resident worker may be at these tables in another order: of two that wait for each other one is turned away, and then asks again.
sub forget
{
	my $err;
	for (1 .. 20)
	{
		(my $status, undef, $err) = $node->psql('calls',
			'TRUNCATE vapi_internal.call, vapi_internal.call_content, vapi_internal.prospect, vapi_internal.prospect_phone RESTART IDENTITY CASCADE');
		return if $status == 0;
		die $err unless $err =~ /deadlock detected/;
	}
	die $err;
}
sub stored { return $node->safe_psql('calls', 'SELECT call_id FROM vapi_internal.call ORDER BY call_id'); }

# Everything that an import writes of calls, but the time when it was.
# What the import wrote; scores follow.
sub contents
{
	return $node->safe_psql('calls', q{SELECT md5(string_agg(md5((to_jsonb(c) - '{first_seen_at,prospect_id,prev_slot,outcome,outcome_source,qualification_score,score_coverage,temperature,sentiment}'::text[])::text || to_jsonb(t)::text), '' ORDER BY call_id))
		FROM vapi_internal.call c JOIN vapi_internal.call_content t USING (call_id)});
}

# How many segments of shared memory there are.
sub segments
{
	opendir my $folder, $node->data_dir . '/pg_dynshmem' or die $!;
	my $count = grep { /^mmap/ } readdir $folder;
	closedir $folder;
	return $count;
}

sub segments_back_to
{
	my ($count, $name) = @_;
	VapiSales::Test->wait_until($name, sub { segments() == $count });
	return;
}

# How often the helper had a page ready since that place in the log.
sub ready_since
{
	my ($place) = @_;
	my @found = slurp_file($node->logfile, $place) =~ /the helper had a page of \d+ calls ready/g;
	return scalar @found;
}

# Starts a run; returns its id once the helper is there and some pages are stored.
sub start_run
{
	my $run = $node->safe_psql('calls', "SELECT run_id FROM vapi.vapi_sync($range, wait => false)");
	$node->poll_query_until('calls', "SELECT pages >= 3 FROM vapi.sync_runs WHERE run_id = $run") or die 'no page';
	$node->poll_query_until('calls', "SELECT EXISTS ($helper)") or die 'no helper';
	return $run;
}

sub completes
{
	my ($run, $name) = @_;
	ok($node->poll_query_until('calls', "SELECT status = 'complete' FROM vapi.sync_runs WHERE run_id = $run"), $name);
	is(stored(), $all, 'all calls are here, once');
	return;
}

slow_down();
my $none = segments();
my $place = -s $node->logfile;
my $run = start_run();
completes($run, 'an import with its helper');
cmp_ok(ready_since($place), '>=', 3, 'which had pages ready');
ok($node->poll_query_until('calls', "SELECT NOT EXISTS ($helper)"), 'and is gone afterwards');
ok($node->poll_query_until('calls', "SELECT NOT EXISTS ($worker)"), 'as the worker is');
segments_back_to($none, 'with all shared memory');
my $with = contents();

# Two imports: one helper a database.
forget();
my @runs = map { $node->safe_psql('calls', "SELECT run_id FROM vapi.vapi_sync($_, wait => false)") } q{'2026-01-01', '2026-01-25'}, $range;
my $most = 0;
until ($node->safe_psql('calls', "SELECT count(*) FROM vapi.sync_runs WHERE run_id IN ($runs[0], $runs[1]) AND status = 'running'") == 0)
{
	my $helpers = $node->safe_psql('calls', "SELECT count(*) FROM ($helper) AS h");
	$most = $helpers if $helpers > $most;
}
is($most, 1, 'two imports have one helper');
completes($_, 'both complete') for @runs;

# Its end is not the import's.
for my $how (qw(pg_terminate_backend pg_cancel_backend))
{
	forget();
	$run = start_run();
	is($node->safe_psql('calls', "SELECT $how(pid) FROM ($helper) AS h"), 't', "the helper's end by $how");
	ok($node->poll_query_until('calls', "SELECT NOT EXISTS ($helper)"), 'takes place');
	completes($run, 'and the import completes');
	is(contents(), $with, 'with the same contents');
}

# The end of the import is its end.
forget();
$run = start_run();
is($node->safe_psql('calls', "SELECT status FROM vapi.vapi_cancel_sync($run)"), 'canceled', 'an import is canceled');
ok($node->poll_query_until('calls', "SELECT NOT EXISTS ($helper)"), 'its helper ends');
segments_back_to($none, 'with all shared memory');
$run = start_run();
$node->safe_psql('calls', "SELECT pg_terminate_backend(($worker), 5000)");
ok($node->poll_query_until('calls', "SELECT NOT EXISTS ($helper)"), 'a worker that is terminated takes its helper along');
segments_back_to($none, 'and all shared memory');
is($node->safe_psql('calls', "SELECT status FROM vapi.vapi_resume_sync($run)"), 'complete', 'its run is resumed');
is(stored(), $all, 'all calls are here, once');

# Killed, it takes the server along, as any process of it does.
forget();
$run = start_run();
kill 9, $node->safe_psql('calls', $helper);
ok($node->poll_query_until('calls', "SELECT status = 'interrupted' FROM vapi.sync_runs WHERE run_id = $run"), 'after kill -9 of the helper the run is interrupted');
is($node->safe_psql('calls', "SELECT status, seen FROM vapi.vapi_resume_sync($run)"), "complete|$calls", 'and is resumed');
is(stored(), $all, 'all calls are here, once');
segments_back_to($none, 'no shared memory is left');

# No worker is free for it: the launcher of logical replication has one, the import the other.
$node->append_conf('postgresql.conf', "max_worker_processes = 2\n");
$node->restart;
forget();
$place = -s $node->logfile;
is($node->safe_psql('calls', "SELECT status, seen FROM vapi.vapi_sync($range)"), "complete|$calls", 'without a free worker the import does it all');
is(ready_since($place), 0, 'no page was got ready');
is(contents(), $with, 'and the contents are the same');

$node->stop;
done_testing();
