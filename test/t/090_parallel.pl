# A session's first query is a parallel one: the library is loaded before the
# query runs, since PostgreSQL refuses to define settings afterwards.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = VapiSales::Test->node('main', config => <<'CONF');
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
enable_indexscan = off
enable_bitmapscan = off
CONF
$node->safe_psql('calls', q{
	SELECT vapi_internal.merge_observations(jsonb_agg(jsonb_build_object('source', 'api', 'call', jsonb_build_object(
		'id', 'call-' || i, 'createdAt', '2026-01-01T03:00:00Z', 'updatedAt', '2026-01-01T03:10:00Z', 'status', 'ended',
		'endedReason', 'customer-ended-call')))) FROM generate_series(1, 1000) AS i;
	ANALYZE vapi_internal.call, vapi_internal.call_content;
	CREATE ROLE reader LOGIN;
	SELECT vapi.vapi_grant('reader', 'viewer')});

my $list = 'SELECT length(string_agg(c::text, NULL)) > 0 FROM (SELECT * FROM vapi.calls ORDER BY created_at DESC LIMIT 5) AS c';
like($node->safe_psql('calls', "EXPLAIN $list"), qr/Gather/, 'the list is a parallel query');
my $settings = q{SELECT current_setting('vapi_sales.base_url'), current_setting('vapi_sales.time_zone')};

for my $case (
	[ 'nothing set elsewhere', 'RESET ALL', '' ],
	[ 'a setting of the database', q{SET vapi_sales.time_zone = 'America/Denver'}, 'America/Denver' ])
{
	my ($name, $change, $zone) = @$case;
	$node->safe_psql('calls', "ALTER DATABASE calls $change");
	for my $role (undef, 'reader')
	{
		my ($result, $out, $err) = $node->psql('calls', "$list; $settings; SELECT DISTINCT day FROM vapi.call_volume_daily",
			defined $role ? (extra_params => [ '-U', $role ]) : ());
		my $who = $role // 'owner';
		is($err, '', "$name, $who: a first query that is parallel says nothing");
		is($out, "t\nhttp://127.0.0.1:1|$zone\n" . ($zone ? '2025-12-31' : '2026-01-01'), "$name, $who: and keeps the settings");
	}
}

# Without the planner's knowledge the library refuses to be loaded by halves, and can be loaded later.
my $library = $node->safe_psql('calls', q{SELECT probin FROM pg_proc WHERE oid = 'vapi_internal.time_zone()'::regprocedure});
$node->safe_psql('calls', qq{
	CREATE FUNCTION zone() RETURNS text LANGUAGE C STABLE PARALLEL SAFE AS '$library', 'vapi_sales_time_zone';
	CREATE FUNCTION caller_zone() RETURNS text LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS 'BEGIN RETURN zone(); END'});
my ($result, $out, $err) = $node->psql('calls',
	"SELECT (SELECT caller_zone()) FROM vapi_internal.call LIMIT 1; SELECT caller_zone(); $settings", on_error_stop => 0);
like($err, qr/cannot be loaded during a parallel query.*HINT/s, 'a function of the library without planner support is refused there');
is($out, "America/Denver\nhttp://127.0.0.1:1|America/Denver", 'and loaded by a later query, with its settings');

$node->stop;
done_testing();
