# A table of the user's own follows imports by itself, as its owner, and does not
# hold them up.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 250, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z',
	now => '2026-02-01T01:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
my $sync = q{SELECT status, seen, warning FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};
my $same = q{SELECT count(*), count(*) FILTER (WHERE t.cost IS NOT DISTINCT FROM round(c.cost, 4) AND t.writer = 'clerk')
	FROM shop.call t JOIN vapi_internal.call c ON c.call_id = t.vapi_call_id};

$node->safe_psql('calls', q{
	CREATE ROLE clerk;
	CREATE SCHEMA shop AUTHORIZATION clerk;
	CREATE TABLE shop.call (writer name DEFAULT current_user);
	ALTER TABLE shop.call OWNER TO clerk;
	SELECT vapi.vapi_extend_calls('shop.call')});
is($node->safe_psql('calls', $sync), 'complete|250|', 'calls are imported');
is($node->safe_psql('calls', $same), '250|250', 'and are in the extended table, written by its owner');

$simulator->admin('clock', { advanceMs => 600000 });
$simulator->admin('touch', { count => 3, costAdjust => 0.5 });
is($node->safe_psql('calls', 'SELECT status, changed FROM vapi.vapi_sync_changes()'), 'complete|3', 'some of them change');
is($node->safe_psql('calls', $same), '250|250', 'there too');

# Scores are mirrored, too.
VapiSales::Test->finish_work($node, 'calls');

# A trigger that fails, and wants to be more than its owner.
$node->safe_psql('calls', q{
	CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET ROLE postgres; RETURN NEW; END';
	CREATE TRIGGER refuse BEFORE UPDATE ON shop.call FOR EACH ROW EXECUTE FUNCTION shop.refuse()});
$simulator->admin('clock', { advanceMs => 600000 });
$simulator->admin('touch', { count => 2, costAdjust => 0.5 });
is($node->safe_psql('calls', 'SELECT status, changed FROM vapi.vapi_sync_changes()'), 'complete|2', 'a table that refuses changes is not in the way');
VapiSales::Test->finish_work($node, 'calls');
is($node->safe_psql('calls', 'SELECT count(*), min(sqlstate) FROM vapi.mirror_errors'), '2|42501', 'what it refused is noted');

$node->stop;
$simulator->stop;
done_testing();
