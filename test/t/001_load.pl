# The extension installs, drops and installs again, with and without preload,
# and refuses a schema that somebody else uses.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($version) = slurp_file("$VapiSales::Test::ROOT/vapi_sales.control") =~ /^default_version = '(.*)'$/m;

# Every object that is not a member but stands in one of the extension's schemas or refers to them.
my $left = q{
	SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'vapi%'
	UNION ALL
	SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname LIKE 'vapi%'
	UNION ALL
	SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname LIKE 'vapi%'};

for my $preload (0, 1)
{
	my $with = $preload ? 'with preload' : 'without preload';
	my $node = VapiSales::Test->node("load$preload", preload => $preload);
	is( $node->safe_psql('calls', q{SELECT extversion FROM pg_extension WHERE extname = 'vapi_sales'}),
		$version, "$with: installed in the control file's version");
	is( $node->safe_psql('calls', 'SELECT count(*) FROM vapi.calls'), '0', "$with: the view calls is there and empty");

	$node->safe_psql('calls', 'DROP EXTENSION vapi_sales');
	is($node->safe_psql('calls', $left), "0\n0\n0", "$with: DROP EXTENSION leaves no object");
	$node->safe_psql('calls', 'CREATE EXTENSION vapi_sales');
	is( $node->safe_psql('calls', 'SELECT count(*) FROM vapi.calls'), '0', "$with: installed again");

	# A database of its own that somebody drops must not wait for us.
	$node->safe_psql('postgres', 'CREATE DATABASE other');
	my $result = $node->psql('postgres', 'SET statement_timeout = 20000; DROP DATABASE other');
	is($result, 0, "$with: DROP DATABASE elsewhere does not hang");

	my $log = slurp_file($node->logfile);
	unlike($log, qr/PANIC|terminated by signal|\bERROR:/, "$with: nothing bad in the server's log");
	$node->stop;
}

done_testing();
