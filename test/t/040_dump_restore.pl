# pg_dump and restore of a database that people have worked in: equal data in
# every dumped table, sequences and generated columns that go on, a run that
# was under way, and imports that continue where they were. Plain, custom, and
# data only.
use strict;
use warnings;
use VapiSales::Test;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

VapiSales::Test::skip_without_simulator();

# About this cluster and this moment, or made again from what is dumped. A new table must be dumped or be named here.
my @not_dumped = qw(account_session archive_state budget_all budget_sync call_keyword call_quality call_recheck call_search change_feed change_pending destination_state feed_follower feed_head health_seen live_channel live_publisher recording_url rollup rollup_dirty rollup_item rollup_word rollup_word_word_id_seq step_state
  webhook_reject webhook_reject_last webhook_too_large);

my $simulator = VapiSales::Test->simulator(calls => 400, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator, config => "vapi_sales.page_size = 50\n");
my $sync = q{SELECT status, seen, new, changed, erased FROM vapi.vapi_sync('2026-01-01', '2026-02-01')};
my $folder = PostgreSQL::Test::Utils::tempdir();

# Prospects before the import, so that some calls match one, some several.
my @calls = @{ $simulator->request('GET', '/call?limit=400')->{data} };
my %by_number;
push @{ $by_number{ $_->{customer}{number} } }, $_ for grep { defined $_->{customer} && defined $_->{customer}{number} } @calls;
my @numbers = sort { @{ $by_number{$b} } <=> @{ $by_number{$a} } || $a cmp $b } keys %by_number;
cmp_ok(scalar @numbers, '>', 20, 'the simulator has customers to match');
$node->safe_psql('calls', qq{
	INSERT INTO vapi_internal.prospect (external_id, name, company, email, time_zone, source)
		SELECT 'crm-' || i, 'Person ' || i, 'Company "' || i || '", E\\n', i || '\@example.com', 'America/Denver', 'import'
		FROM generate_series(1, 6) i;
	INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) VALUES
		('$numbers[0]', 1), ('+13035550150', 1), ('+13035550151', 1),
		('$numbers[1]', 2), ('$numbers[1]', 3), ('+13035550152', 4);
});
is($node->safe_psql('calls', $sync), 'complete|400|400|0|0', 'the calls are imported');

# What people and the other channels do afterwards.
$node->safe_psql('calls', q{
	UPDATE vapi_internal.call SET outcome = 'meeting-scheduled', outcome_source = 'person', qualification_score = 77,
		score_coverage = 0.5, temperature = 'hot', sentiment = 'positive'
		WHERE call_id IN (SELECT call_id FROM vapi_internal.call ORDER BY call_id LIMIT 20);
	SELECT vapi_internal.erase_call(call_id) FROM (SELECT call_id FROM vapi_internal.call ORDER BY call_id DESC LIMIT 3) c;
	SELECT * FROM vapi_internal.merge_observations('[{"event": {"event": "call.ended", "timestamp": "2026-01-20T10:30:00.000Z",
		"data": {"callId": "call_123abc", "orgId": "org_456def", "duration": 245, "cost": 0.82, "outcome": "meeting-scheduled",
		"summary": "Interested in services", "qualificationScore": 85, "metadata": {"leadId": "crm-4"}}}}]');
	SELECT status FROM vapi.vapi_sync_changes();
	UPDATE vapi_internal.prospect SET do_not_call = true, status = 'lost' WHERE external_id = 'crm-5';
	INSERT INTO vapi_internal.sync_gap (run_id, from_at, to_at, call_id, reason, found_at)
		VALUES (1, '2025-01-01', '2025-01-02', NULL, 'a gap of the test', '2026-02-01');
	SELECT vapi.vapi_track_keyword('competitor', 'acme'), vapi.vapi_untrack_keyword('price', 'cost~');
	SELECT vapi.vapi_review(call_id, 40, note => 'a note of the test') FROM (SELECT call_id FROM vapi_internal.call ORDER BY call_id LIMIT 1) c;
	SELECT vapi.vapi_register_handler('tool-calls:kind', 'jsonb_typeof(jsonb)'), vapi.vapi_unregister_handler('campaign.predial');
	INSERT INTO vapi_internal.follow_up (due_at, note) VALUES ('2030-01-01', 'a follow-up of the test');
	SELECT vapi_internal.change_step(50);
	CREATE ROLE viewer; CREATE ROLE agent; CREATE ROLE admin; CREATE ROLE bi; CREATE ROLE webhook; CREATE ROLE left_over;
	SELECT vapi.vapi_grant('agent', 'agent'), vapi.vapi_grant('admin', 'admin'), vapi.vapi_grant('bi', 'bi'),
		vapi.vapi_grant('webhook', 'webhook'), vapi.vapi_grant('left_over', 'admin');
	SELECT vapi.vapi_grant('viewer', 'viewer', ARRAY(SELECT DISTINCT assistant_id FROM vapi_internal.call
		WHERE assistant_id IS NOT NULL ORDER BY 1 LIMIT 1));
	SELECT vapi.vapi_revoke('left_over');
});
for my $table (qw(call_content prospect_review role_access sync_state sync_gap assistant squad phone_number handler follow_up))
{
	cmp_ok($node->safe_psql('calls', "SELECT count(*) FROM vapi_internal.$table"), '>', 0, "$table has rows to compare");
}
is($node->safe_psql('calls', 'SELECT (SELECT count(*) FROM vapi_internal.call), (SELECT count(*) FROM vapi_internal.tombstone)'),
	'398|3', 'all calls but three, and one from an event');
is($node->safe_psql('calls', q{SELECT count(*) > 0 FROM vapi_internal.prospect WHERE source = 'call'}), 't', 'imports made prospects');

# tables(database): name => {dumped, hash, rows}; sequences by what they give next.
sub tables
{
	my ($database) = @_;
	my %all;
	my $list = $node->safe_psql($database, q{
		SELECT c.relname, c.relkind, c.oid = ANY (e.extconfig)
		FROM pg_class c, pg_extension e
		WHERE c.relnamespace = 'vapi_internal'::regnamespace AND c.relkind IN ('r', 'S', 'p', 'm') AND e.extname = 'vapi_sales'});
	for my $line (split /\n/, $list)
	{
		my ($name, $kind, $dumped) = split /\|/, $line;
		my $rows = $kind eq 'S' ? "SELECT last_value, is_called FROM vapi_internal.\"$name\"" : "SELECT * FROM vapi_internal.\"$name\"";
		my $answer = $node->safe_psql($database,
			"SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")) FROM ($rows) t");
		$all{$name} = { dumped => $dumped eq 't', kind => $kind, hash => $answer, rows => (split /\|/, $answer)[0] };
	}
	return \%all;
}

# An import goes on with what nobody waits for, scores among it.
VapiSales::Test->wait_until('the imports have ended', sub {
	$node->safe_psql('calls', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'vapi_sales import%'}) eq '0' });
my $before = tables('calls');
is_deeply([ sort grep { !$before->{$_}{dumped} } keys %$before ], \@not_dumped, 'all other tables and sequences are dumped');

# Who has what, as the catalog says.
my $grants = q{
	SELECT string_agg(o.name || ' ' || a.grantee::regrole || ' ' || a.privilege_type, ', ' ORDER BY o.name, a.grantee::regrole::text, a.privilege_type)
	FROM (SELECT n.nspname::text AS name, n.nspacl AS acl FROM pg_namespace n
		UNION ALL SELECT c.oid::regclass::text, c.relacl FROM pg_class c WHERE c.relnamespace::regnamespace::text LIKE 'vapi%'
		UNION ALL SELECT p.oid::regprocedure::text, p.proacl FROM pg_proc p WHERE p.pronamespace::regnamespace::text LIKE 'vapi%') o
		CROSS JOIN LATERAL aclexplode(o.acl) a
	WHERE a.grantee::regrole::text IN ('viewer', 'agent', 'admin', 'bi', 'webhook', 'left_over')};
my $granted = $node->safe_psql('calls', $grants);
like($granted, qr/vapi\.calls viewer SELECT/, 'there are grants to compare');

# One snapshot for all formats: nothing writes here between them.
my %restore = (
	plain => sub {
		$node->command_ok([ 'pg_dump', '-f', "$folder/plain.sql", '-d', $node->connstr('calls') ], 'pg_dump, plain');
		$node->command_ok([ 'psql', '-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-1', '-d', $node->connstr('plain'), '-f', "$folder/plain.sql" ],
			'restore, plain, in one transaction');
	},
	custom => sub {
		$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/custom", '-d', $node->connstr('calls') ], 'pg_dump, custom');
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-j2', '-d', $node->connstr('custom'), "$folder/custom" ],
			'pg_restore, custom, two jobs');
	},
	data_only => sub {
		$node->command_ok([ 'pg_dump', '--data-only', '-f', "$folder/data.sql", '-d', $node->connstr('calls') ], 'pg_dump, data only');
		$node->safe_psql('data_only', 'CREATE EXTENSION vapi_sales');
		$node->command_ok([ 'psql', '-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-1', '-d', $node->connstr('data_only'), '-f', "$folder/data.sql" ],
			'restore, data only, into a fresh installation');
	});

# A call that Vapi changes after the dump.
my $changed_id = $node->safe_psql('calls', q{SELECT call_id FROM vapi_internal.call WHERE settled ORDER BY call_id OFFSET 100 LIMIT 1});

for my $format (qw(plain custom data_only))
{
	$node->safe_psql('postgres', "CREATE DATABASE $format");
	$restore{$format}->();
	my $after = tables($format);
	is_deeply([ sort keys %$after ], [ sort keys %$before ], "$format: the same tables");
	for my $name (sort keys %$before)
	{
		if ($name eq 'rollup_source')
		{
			is($after->{$name}{rows}, 2, "$format: $name tells of the restore");
		}
		elsif ($before->{$name}{dumped})
		{
			is($after->{$name}{hash}, $before->{$name}{hash}, "$format: $name is equal");
		}
		elsif ($before->{$name}{kind} ne 'S')
		{
			is($after->{$name}{rows}, 0, "$format: $name is empty");
		}
	}
	my $expected_grants = $format eq 'data_only' ? '' : $granted;
	is($node->safe_psql($format, $grants), $expected_grants, "$format: the grants");
}

# What is different shows: the comparison can fail.
$node->safe_psql('plain', q{UPDATE vapi_internal.call SET outcome = 'lost' WHERE call_id = (SELECT min(call_id) FROM vapi_internal.call)});
isnt(tables('plain')->{call}{hash}, $before->{call}{hash}, 'one changed value in one row shows in the comparison');

# After data only, the grants are given again from what was restored.
$node->safe_psql('data_only', q{SELECT vapi.vapi_grant(role_name, profile, assistant_ids) FROM (TABLE vapi_internal.role_access) a});
is($node->safe_psql('data_only', $grants), $granted, 'data_only: vapi_grant over the restored roles gives the same grants');

my $changed = $simulator->request('PATCH', "/call/$changed_id", { name => 'renamed after the dump' });
is($changed->{status}, 200, 'a call changes at Vapi after the dump');

for my $format (qw(plain custom data_only))
{
	my $ask = sub { return $node->safe_psql($format, $_[0]); };
	is($ask->(q{SELECT (nextval('vapi_internal.prospect_prospect_id_seq') > max(prospect_id)) FROM vapi_internal.prospect}),
		't', "$format: prospect ids go on");
	my $run = $ask->('SELECT max(run_id) FROM vapi.sync_runs');

	is($ask->(q{SELECT status, new, changed FROM vapi.vapi_sync_changes()}), 'complete|0|1', "$format: the incremental import finds the one change");
	is($ask->("SELECT name FROM vapi.calls WHERE id = '$changed_id'"), 'renamed after the dump', "$format: and stores it");
	is($ask->($sync), 'complete|400|0|0|3', "$format: the same range brings nothing, and not the erased calls");
	is($ask->('SELECT max(run_id) FROM vapi.sync_runs'), $run + 2, "$format: run numbers go on");
	is($ask->(q{SELECT EXISTS (SELECT FROM vapi_internal.rollup_dirty) OR EXISTS (SELECT FROM vapi_internal.rollup)}), 't',
		"$format: the dirty log is written, and may be folded already");
	$ask->('SELECT vapi_internal.rollup_step(100000)');
	is($ask->('SELECT sum(r.calls) = (SELECT count(*) FROM vapi_internal.call c WHERE c.created_at IS NOT NULL) FROM vapi_internal.rollup r'), 't',
		"$format: rollups are made of all calls again");
	$ask->('SELECT vapi_internal.change_step()');
	is($ask->(q{SELECT last, (SELECT string_agg(seq || ' ' || call_id, ', ') FROM vapi_internal.change_feed) FROM vapi_internal.feed_head}),
		"1|1 $changed_id", "$format: the feed begins anew");
	is($ask->(q{
		UPDATE vapi_internal.call SET ended_at = started_at + interval '12.5 seconds', created_at = '2026-03-01 00:07Z'
		WHERE call_id = (SELECT min(call_id) FROM vapi_internal.call WHERE started_at IS NOT NULL)
		RETURNING duration_seconds, slot = extract(epoch FROM timestamptz '2026-03-01 00:00Z') / 900}),
		"12.5|t", "$format: generated columns are generated");
	is($ask->(q{SET ROLE agent; SELECT count(*) FROM vapi.calls}), '398', "$format: an agent reads all calls");
	is($ask->(q{SET ROLE viewer; SELECT count(*) > 0 AND count(DISTINCT assistant_id) = 1 AND bool_and(customer_number ~ '\*') FROM vapi.calls WHERE customer_number IS NOT NULL}),
		't', "$format: a viewer has its scope and its masks");
}

# Background work that comes between the calls and their contents of a restore.
my $data = slurp_file("$folder/data.sql");
$data =~ s/^(COPY vapi_internal\.call \(.*?^\\\.\n)/$1SELECT vapi_internal.rollup_step(1000000);\n/ms or die 'no calls in the dump';
PostgreSQL::Test::Utils::append_to_file("$folder/folded.sql", $data);
$node->safe_psql('postgres', 'CREATE DATABASE folded');
$node->safe_psql('folded', 'CREATE EXTENSION vapi_sales');
$node->command_ok([ 'psql', '-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('folded'), '-f', "$folder/folded.sql" ], 'a restore with a fold in the midst');
cmp_ok($node->safe_psql('folded', 'SELECT sum(calls) FROM vapi_internal.rollup'), '>', 100, 'which had calls');
$node->safe_psql('folded', 'SELECT vapi_internal.rollup_step(1000000)');
my $costs = q{SELECT component, provider, calls, items, cost FROM vapi.vapi_cost_components('2026-01-01', '2026-02-02') AS c};
$node->safe_psql('calls', 'DELETE FROM vapi_internal.rollup');
is($node->safe_psql('folded', $costs), $node->safe_psql('calls', $costs), 'is folded again');
is($node->safe_psql('folded', 'SELECT count(*) FROM vapi_internal.rollup_source'), 1, 'once');

# A dump of a running import is the state after some page, and can be resumed.
my $slow = VapiSales::Test->simulator(calls => 400, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z', 'latency-ms' => 250);
$node->append_conf('postgresql.conf', VapiSales::Test->settings($node, $slow) . "vapi_sales.page_size = 20\n");
$node->reload;
$node->safe_psql('postgres', 'CREATE DATABASE running');
$node->safe_psql('running', 'CREATE EXTENSION vapi_sales');
my $run_id = $node->safe_psql('running', q{SELECT run_id FROM vapi.vapi_sync('2026-01-01', '2026-02-01', wait => false)});
VapiSales::Test->wait_until('the import has stored pages', sub {
	$node->safe_psql('running', "SELECT pages >= 3 FROM vapi.sync_runs WHERE run_id = $run_id") eq 't' });
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/running", '-d', $node->connstr('running') ], 'pg_dump while an import runs');
is($node->safe_psql('running', "SELECT status FROM vapi.sync_runs WHERE run_id = $run_id"), 'running', 'it still runs after the dump');
$node->safe_psql('running', "SELECT vapi.vapi_cancel_sync($run_id)");
$node->safe_psql('postgres', 'CREATE DATABASE resumed');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('resumed'), "$folder/running" ], 'pg_restore of it');
VapiSales::Test->wait_until('the restored run shows as interrupted', sub {
	$node->safe_psql('resumed', "SELECT status FROM vapi.sync_runs WHERE run_id = $run_id") eq 'interrupted' }, 10);
my ($seen, $stored) = split /\|/,
	$node->safe_psql('resumed', "SELECT seen, (SELECT count(*) FROM vapi_internal.call) FROM vapi.sync_runs WHERE run_id = $run_id");
is($stored, $seen, "calls and counters are of one moment ($seen)");
cmp_ok($stored, '<', 400, 'and it was in mid-run');
is($node->safe_psql('resumed', "SELECT status, seen FROM vapi.vapi_resume_sync($run_id)"), 'complete|400', 'vapi_resume_sync ends it');
is($node->safe_psql('resumed', 'SELECT count(*), count(DISTINCT id) FROM vapi.calls'), '400|400', 'with every call once');

$node->stop;
done_testing();
