# pg_dump and restore give equal data, and the restored database goes on as if
# nothing had happened. DROP EXTENSION with data in it is clean.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

# Not dumped: about this instance and this moment, not about calls.
my @not_dumped = qw(rollup_dirty change_pending change_feed feed_head);

# Filled by the install script; the dump carries what users add.
my @seeded = qw(ended_reason);

my $simulator = VapiSales::Test->simulator(calls => 300, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $sync = q{SELECT status, seen, new, changed FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};

is($node->safe_psql('calls', $sync), 'complete|300|300|0', 'the calls are imported');

# What people add: a role with access, and what the mirror and the prospects carry.
$node->safe_psql('calls', q{CREATE ROLE reader; SELECT vapi.vapi_grant('reader', 'viewer')});

# table name => "kind|hash of all rows"
my $fingerprints = sub {
	my ($database) = @_;
	my %all;
	my $tables = $node->safe_psql($database, q{
		SELECT c.relname, c.oid = ANY (e.extconfig)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_extension e
		WHERE n.nspname = 'vapi_internal' AND c.relkind IN ('r', 'S') AND e.extname = 'vapi_sales'
		ORDER BY 1});
	for my $line (split /\n/, $tables)
	{
		my ($table, $dumped) = split /\|/, $line;
		$all{$table} = {
			dumped => $dumped eq 't',
			hash => $node->safe_psql(
				$database,
				"SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")) FROM vapi_internal.\"$table\" t")
		};
	}
	return \%all;
};

my $before = $fingerprints->('calls');
like($before->{call}{hash}, qr/^300\|/, 'the call table has rows to compare');

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('calls') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
my $after = $fingerprints->('restored');

my %is_exempt = map { $_ => 1 } @not_dumped, @seeded;
for my $table (sort keys %$before)
{
	next if $is_exempt{$table} || $table =~ /^budget_/ || $table =~ /^(?:rollup|change|feed)_.*_seq$/;
	ok($before->{$table}{dumped}, "$table is dumped") or next;
	is($after->{$table}{hash}, $before->{$table}{hash}, "$table is equal after the restore");
}
is_deeply([ sort keys %$after ], [ sort keys %$before ], 'the same tables are there');
is( $node->safe_psql('restored', q{SELECT has_table_privilege('reader', 'vapi.calls', 'SELECT')}),
	't', 'what vapi_grant granted is granted');
is( $node->safe_psql('restored', 'SET ROLE reader; SELECT count(*) FROM vapi.calls'),
	'300', 'and the role reads all calls');

my $run = $node->safe_psql('restored', q{SELECT max(run_id) FROM vapi.sync_runs});
is($node->safe_psql('restored', $sync), 'complete|300|0|0', 'the same import changes nothing in the restored database');
is($node->safe_psql('restored', q{SELECT max(run_id) FROM vapi.sync_runs}), $run + 1, 'run numbers go on');

$node->safe_psql('restored', 'DROP EXTENSION vapi_sales CASCADE');
$node->safe_psql('restored', 'CREATE EXTENSION vapi_sales');
is($node->safe_psql('restored', $sync), 'complete|300|300|0', 'DROP and CREATE EXTENSION give an empty installation that imports');

$node->stop;
done_testing();
