# CREATE EXTENSION alone installs; DROP EXTENSION is clean whatever ran or
# runs; a database of another encoding is refused.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 300, admin => 1);
my $node = VapiSales::Test->node('main', simulator => $simulator, extension => 0, config => "vapi_sales.page_size = 20\n");
my $sync = q{SELECT status, seen, new FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};

# The README's one statement, in a fresh database, with nothing before it.
is($node->safe_psql('calls', 'SHOW shared_preload_libraries'), '', 'nothing is preloaded');
is($node->safe_psql('calls', q{SELECT string_agg(extname, ',') FROM pg_extension}), 'plpgsql', 'no other extension is there');
$node->safe_psql('calls', 'CREATE EXTENSION vapi_sales');
is($node->safe_psql('calls', $sync), 'complete|300|300', 'CREATE EXTENSION is all that an import needs');
is($node->safe_psql('calls', q{SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> current_user}), '0', 'it makes no role');

# faults(rules): what goes wrong at the simulator from now on.
sub faults
{
	my $answer = $simulator->request('PUT', '/_sim/faults', $_[0]);
	die $answer->{content} unless $answer->{success};
	return;
}

# What the catalogs know of us: object names by kind, and comments.
my $ours = q{
	SELECT 'relation', c.oid::regclass::text FROM pg_class c WHERE c.relnamespace::regnamespace::text ~ '^vapi'
	UNION ALL SELECT 'function', p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace::regnamespace::text ~ '^vapi' OR p.probin ~ 'vapi_sales'
	UNION ALL SELECT 'type', t.oid::regtype::text FROM pg_type t WHERE t.typnamespace::regnamespace::text ~ '^vapi'
	UNION ALL SELECT 'schema', n.nspname FROM pg_namespace n WHERE n.nspname = 'vapi_internal'
	UNION ALL SELECT 'extension', e.extname FROM pg_extension e WHERE e.extname = 'vapi_sales'
	UNION ALL SELECT 'dependency', d.classid::regclass::text FROM pg_depend d
		WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = (SELECT oid FROM pg_namespace WHERE nspname = 'vapi')
	UNION ALL SELECT 'initial privileges', count(*)::text FROM pg_init_privs i WHERE i.classoid = 'pg_class'::regclass
		AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = i.objoid) HAVING count(*) > 0
	UNION ALL SELECT 'description', d.description FROM pg_description d WHERE d.classoid = 'pg_class'::regclass
		AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objoid)};

# log_errors(from): lines of the server's log since a position that no test expects.
sub log_errors
{
	my ($from) = @_;
	my @bad = grep { /PANIC|FATAL|TRAP|terminated by signal|cache lookup failed|could not open relation|\bERROR:/ }
		split /\n/, substr(slurp_file($node->logfile), $from);
	return join "\n", @bad;
}
sub log_position { return -s $node->logfile; }
sub workers { return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'vapi\_sales%'}); }

# After a run has ended.
my $from = log_position();
$node->safe_psql('calls', 'DROP EXTENSION vapi_sales');
is($node->safe_psql('calls', $ours), '', 'DROP EXTENSION after a run leaves nothing');
$node->safe_psql('calls', 'CREATE EXTENSION vapi_sales');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi.calls'), '0', 'the new installation is empty');
is($node->safe_psql('calls', $sync), 'complete|300|300', 'and imports');
is($node->safe_psql('calls', 'SELECT min(run_id) FROM vapi.sync_runs'), '1', 'with runs counted from 1');
is(log_errors($from), '', 'no error in the log');

# While a run works, fetches, and waits for its budget.
my %slow = (
	'stores pages' => [ [ { kind => 'delay', ms => 40 } ], 100000, 'pages >= 2' ],
	'waits for an answer' => [ [ { kind => 'delay', ms => 20000, skip => 2 } ], 100000, 'pages >= 1' ],
	'waits for its budget' => [ [], 10, 'requests >= 1' ]);
for my $what (sort keys %slow)
{
	my ($faults, $rate, $until) = @{ $slow{$what} };
	faults($faults);
	$node->append_conf('postgresql.conf', "vapi_sales.requests_per_minute = $rate\n");
	$node->reload;
	$node->safe_psql('calls', 'DROP EXTENSION IF EXISTS vapi_sales CASCADE');
	$node->safe_psql('calls', 'CREATE EXTENSION vapi_sales');
	my $run = $node->safe_psql('calls', q{SELECT run_id FROM vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)});
	VapiSales::Test->wait_until("a worker $what", sub {
		$node->safe_psql('calls', "SELECT $until FROM vapi.sync_runs WHERE run_id = $run") eq 't' });
	my $begin = time();
	my ($result, $out, $error) = $node->psql('calls', 'SET statement_timeout = 10000; DROP EXTENSION vapi_sales');
	is($result, 0, "DROP EXTENSION while a worker $what") or diag($error);
	cmp_ok(time() - $begin, '<', 5, "... takes less than 5 seconds");
	is($node->safe_psql('calls', $ours), '', '... and leaves nothing');

	# At once, while the old worker may not have noticed: it must neither be in the way nor write into the new installation.
	$node->safe_psql('calls', 'CREATE EXTENSION vapi_sales');
	faults([]);
	$node->append_conf('postgresql.conf', "vapi_sales.requests_per_minute = 100000\n");
	$node->reload;
	is($node->safe_psql('calls', q{SELECT run_id, status, seen FROM vapi.vapi_sync('2026-03-01', '2026-04-01')}),
		'1|complete|0', '... and the new installation imports an empty month at once');
	VapiSales::Test->wait_until('... the old worker ends', sub { workers() eq '0' }, 40);
	is($node->safe_psql('calls', 'SELECT (SELECT count(*) FROM vapi.calls), count(*), sum(seen) FROM vapi.sync_runs'),
		'0|1|0', '... and has left nothing in it');
	is($node->safe_psql('calls', $sync), 'complete|300|300', '... which imports as ever');
	my $log = slurp_file($node->logfile);
	unlike($log, qr/PANIC|TRAP|terminated by signal/, '... and nothing crashed');
}

# In one transaction, and rolled back: the installation and its data are as before.
$node->safe_psql('calls', 'BEGIN; DROP EXTENSION vapi_sales; CREATE EXTENSION vapi_sales; ROLLBACK');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi.calls'), '300', 'a rolled back DROP changes nothing');

# Objects of users that depend on ours are named, and go with CASCADE only.
$node->safe_psql('calls', 'CREATE VIEW mine AS SELECT id FROM vapi.calls');
my ($result, $out, $error) = $node->psql('calls', 'DROP EXTENSION vapi_sales');
like($error, qr/view mine depends on view vapi\.calls/, 'DROP EXTENSION names a view of the user that depends on ours');
$node->safe_psql('calls', 'DROP EXTENSION vapi_sales CASCADE');
is($node->safe_psql('calls', $ours), '', 'with CASCADE nothing is left');

# Another encoding than UTF8.
for my $encoding (qw(LATIN1 SQL_ASCII))
{
	my $name = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $name ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	($result, $out, $error) = $node->psql($name, "\\set VERBOSITY verbose\nCREATE EXTENSION vapi_sales");
	isnt($result, 0, "$encoding is refused");
	like($error, qr/0A000.*UTF8.*HINT:.*ENCODING 'UTF8' TEMPLATE template0/s, "$encoding: the error says what to do");
	is($node->safe_psql($name, $ours), '', "$encoding: nothing is left");
}

# Each function of the install script says how volatile it is and whether parallel workers may run it.
my ($version) = slurp_file("$VapiSales::Test::ROOT/vapi_sales.control") =~ /^default_version = '(.*)'$/m;
my $sharedir = $node->config_data('--sharedir');
my $script = slurp_file("$sharedir/extension/vapi_sales--$version.sql");
my @functions = $script =~ /^(CREATE FUNCTION .*?\n\s*(?:AS |RETURN ))/gms;
cmp_ok(scalar @functions, '>', 20, 'the install script has functions');
is_deeply([ grep { !/\b(IMMUTABLE|STABLE|VOLATILE)\b/ || !/\bPARALLEL (SAFE|RESTRICTED|UNSAFE)\b/ } @functions ],
	[], 'each states volatility and parallel safety');
is_deeply([ $script =~ /^(CREATE OR REPLACE.*|CREATE .*IF NOT EXISTS.*|ALTER DEFAULT PRIVILEGES.*|CREATE ROLE.*)/gm ],
	[], 'nothing takes over objects of others or makes roles');

$node->stop;
done_testing();
