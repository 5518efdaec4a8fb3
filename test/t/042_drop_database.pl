# A sync worker never holds up DROP DATABASE, CREATE DATABASE or a shutdown:
# neither of another database (which waits for every process to close its files)
# nor, once the run has ended, of its own.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 300, admin => 1);

# faults(rules): what goes wrong at the simulator from now on.
sub faults
{
	my $answer = $simulator->request('PUT', '/_sim/faults', $_[0]);
	die $answer->{content} unless $answer->{success};
	return;
}

# bounded(node, what, sql): runs it in database postgres, in less than five seconds.
sub bounded
{
	my ($node, $what, $sql) = @_;
	my $begin = time();
	my ($result, $out, $error) = $node->psql('postgres', $sql, extra_params => [ '-c', 'SET statement_timeout = 20000' ], timeout => 60);
	is($result, 0, $what) or diag($error);
	cmp_ok(time() - $begin, '<', 5, "$what: in less than five seconds");
	return;
}

sub workers { return $_[0]->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'vapi\_sales%' AND backend_type <> 'vapi_sales launcher'}); }

for my $preload (0, 1)
{
	my $with = $preload ? 'with preload' : 'without preload';
	my $node = VapiSales::Test->node("drop$preload", simulator => $simulator, preload => $preload, config => "vapi_sales.page_size = 20\n");
	my %states = (
		'stores pages' => [ [ { kind => 'delay', ms => 900 } ], 100000, 'pages >= 2' ],
		'waits for an answer' => [ [ { kind => 'delay', ms => 30000, skip => 2 } ], 100000, 'pages >= 1' ],
		'waits for its budget' => [ [], 2, 'message IS NOT NULL' ],
		'waits between attempts' => [ [ { kind => 'status', status => 503, retryAfter => 30 } ], 100000, 'message IS NOT NULL' ]);
	for my $state (sort keys %states)
	{
		my ($faults, $rate, $until) = @{ $states{$state} };
		faults($faults);
		$node->append_conf('postgresql.conf', "vapi_sales.requests_per_minute = $rate\n");
		$node->reload;
		$node->safe_psql('calls', 'DROP EXTENSION vapi_sales CASCADE; CREATE EXTENSION vapi_sales');
		$node->safe_psql('postgres', 'CREATE DATABASE other');
		my $run = $node->safe_psql('calls', q{SELECT run_id FROM vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)});
		VapiSales::Test->wait_until("$with: a worker $state", sub {
			$node->safe_psql('calls', "SELECT $until FROM vapi.sync_runs WHERE run_id = $run") eq 't' });
		bounded($node, "$with: DROP DATABASE elsewhere while a worker $state", 'DROP DATABASE other');
		# it may have a helper
		cmp_ok(workers($node), '>=', 1, "$with: the worker is still at work");
		if ($state eq 'waits for an answer') # five seconds, for PostgreSQL waits that long
		{
			my ($result, $out, $error) = $node->psql('postgres', 'DROP DATABASE calls');
			like($error, qr/is being accessed by other users/, "$with: its own database cannot be dropped meanwhile");
		}
		$node->safe_psql('calls', "SELECT vapi.vapi_cancel_sync($run)");
		VapiSales::Test->wait_until("$with: it stops when canceled", sub { workers($node) eq '0' }, 10);
		faults([]);
	}

	# With FORCE the worker goes; a finished run holds nothing.
	faults([ { kind => 'delay', ms => 30000, skip => 1 } ]);
	$node->append_conf('postgresql.conf', "vapi_sales.requests_per_minute = 100000\n");
	$node->reload;
	$node->safe_psql('calls', q{SELECT run_id FROM vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)});
	bounded($node, "$with: DROP DATABASE ... WITH (FORCE) in mid-run", 'DROP DATABASE calls WITH (FORCE)');
	VapiSales::Test->wait_until("$with: the worker is gone", sub { workers($node) eq '0' }, 10);
	faults([]);

	$node->safe_psql('postgres', 'CREATE DATABASE calls');
	$node->safe_psql('calls', 'CREATE EXTENSION vapi_sales');
	is($node->safe_psql('calls', q{SELECT status, new FROM vapi.vapi_sync('2026-01-01', '2026-02-01')}),
		'complete|300', "$with: a run ends");
	VapiSales::Test->wait_until("$with: its worker has ended", sub { workers($node) eq '0' }, 30);
	bounded($node, "$with: then it is a template like any other", 'CREATE DATABASE copy TEMPLATE calls');
	is($node->safe_psql('copy', q{SELECT status, new FROM vapi.vapi_sync('2026-01-01', '2026-02-01')}),
		'complete|0', "$with: the copy imports on its own");
	bounded($node, "$with: DROP DATABASE of its own database after the run", 'DROP DATABASE calls');

	# A shutdown does not wait for Vapi.
	faults([ { kind => 'delay', ms => 30000 } ]);
	$node->safe_psql('copy', q{SELECT run_id FROM vapi.vapi_sync_changes(wait => false)});
	my $begin = time();
	$node->stop('fast');
	cmp_ok(time() - $begin, '<', 10, "$with: a fast shutdown in mid-run takes less than ten seconds");
	unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, "$with: nothing crashed");
	faults([]);
}

done_testing();
