# Retention: what vapi_retain says and does, that no import brings content back, that analytics stay as they were, and that nobody waits.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use VapiSales::Test;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 120, bytes => 20000, from => '2026-01-01T00:00:00Z', to => '2026-02-01T00:00:00Z');
my $node = VapiSales::Test->node('main', simulator => $simulator);
sub value { return $node->safe_psql('calls', $_[0]); }
sub refused
{
	my ($sql, $pattern, $name) = @_;
	my (undef, undef, $err) = $node->psql('calls', $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return like($err, $pattern, $name);
}
sub all_steps { my $n = 0; $n++ while value('SELECT vapi_internal.retention_step(7)') > 0; return $n; }

value(q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});
VapiSales::Test->finish_work($node, 'calls');
# the report of an old call, as a webhook would have brought it
my $old = value(q{SELECT call_id FROM vapi_internal.call JOIN vapi_internal.call_content USING (call_id) WHERE transcript IS NOT NULL ORDER BY created_at LIMIT 1});
value(qq{SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'end-of-call-report', 'timestamp', 1767225600000,
	'endedReason', 'customer-ended-call', 'call', jsonb_build_object('id', '$old'), 'artifact', jsonb_build_object('transcript', 'User: my secret hobby')))) IS NOT NULL});

# Cut in the middle: half of the calls are old.
my $cut = value(q{SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY created_at) FROM vapi_internal.call});
my $keep = value("SELECT now() - '$cut'::timestamptz");
my $facts = q{SELECT jsonb_build_array((SELECT jsonb_agg(r) FROM vapi.vapi_cost_analysis('2026-01-01', '2026-02-01') r), (SELECT jsonb_agg(r) FROM vapi.vapi_success_rate('2026-01-01', '2026-02-01') r),
	(SELECT jsonb_agg(r) FROM vapi.vapi_best_scripts('2026-01-01', '2026-02-01') r), (SELECT jsonb_agg(r ORDER BY day) FROM vapi.call_volume_daily r),
	(SELECT jsonb_agg(jsonb_build_array(call_id, score, coverage, band) ORDER BY call_id) FROM vapi.call_scores), (SELECT sum(turns) FROM vapi.calls))};
my $before = value($facts);
my $with = q{SELECT count(*) FROM vapi_internal.call c JOIN vapi_internal.call_content t USING (call_id) WHERE (t.transcript IS NOT NULL OR t.messages IS NOT NULL)};
my $had = value($with);
my $expected = value("$with AND c.created_at < now() - '$keep'::interval");
cmp_ok($expected, '>', 20, 'enough old calls');

# 1. A dry run says what would go, and changes nothing.
my ($what, $contents, $bytes, $dry) = split /\|/, value("SELECT what, contents, bytes, is_dry_run FROM vapi.vapi_retain('transcripts', '$keep')");
is("$what $contents $dry", "transcripts $expected t", 'a dry run counts');
cmp_ok($bytes, '>', 10000, 'and says how many bytes');
is(all_steps(), 0, 'nothing is due');
is(value($with), $had, 'nothing is gone');
is(value('SELECT count(*) FROM vapi.retention WHERE keep IS NOT NULL'), 0, 'nothing is set');
like(value(q{SELECT detail FROM vapi.health WHERE check_name = 'retention'}), qr/^transcripts: for ever; audio: for ever; raw: for ever; events: (1 mon|30 days); audit: for ever$/, 'the defaults are in health');

# 2. For good.
is(value("SELECT contents || ' ' || is_dry_run FROM vapi.vapi_retain('transcripts', '$keep', false)"), "$expected false", 'set');
cmp_ok(all_steps(), '>', 5, 'in batches');
is(value("$with AND c.created_at < now() - '$keep'::interval"), 0, 'old transcripts are gone');
is(value($with), $had - $expected, 'young ones are not');
is(value('SELECT removed FROM vapi.retention WHERE kind = \'transcripts\'') >= $expected ? 1 : 0, 1, 'it is counted');
is(value($facts), $before, 'analytics and scores are what they were');
is(value(qq{SELECT count(*) FROM vapi_internal.event WHERE body::text ~ 'secret hobby'}), 0, 'what events said is gone, too');
is(value(q{SELECT count(*) FROM vapi_internal.call_score s JOIN vapi_internal.call c USING (call_id), jsonb_array_elements(s.components) e WHERE e ? 'quote' AND c.created_at < '2026-01-10'}), 0, 'and the quotes of scores');
cmp_ok(value(q{SELECT count(*) FROM vapi_internal.call_score s JOIN vapi_internal.call c USING (call_id), jsonb_array_elements(s.components) e WHERE e ? 'quote' AND c.created_at > '2026-01-25'}), '>', 0, 'of old calls only');
is(value(q{SELECT count(*) FROM vapi_internal.call_quality q JOIN vapi_internal.call c USING (call_id), jsonb_array_elements(q.components) e WHERE e ? 'quote' AND c.created_at < '2026-01-10'}), 0, 'and those of the quality');
is(value(q{SELECT count(*) FROM vapi_internal.call_keyword k, jsonb_array_elements(k.hits) e WHERE e ? 'quote' AND k.created_at < '2026-01-10'}), 0, 'and those of terms');
cmp_ok(value(q{SELECT count(*) FROM vapi_internal.call_keyword k, jsonb_array_elements(k.hits) e WHERE e ? 'quote' AND k.created_at > '2026-01-25'}), '>', 0, 'of old calls only');
is(value("SELECT count(*) FROM vapi_internal.call_search s JOIN vapi_internal.call c USING (call_id) WHERE c.created_at < now() - '$keep'::interval AND s.search <> ts_filter(s.search, '{a,b}') || array_to_tsvector(ARRAY['\@' || vapi_internal.week_number(s.created_at)])"), 0,
	'and the words in the search');
is(value("SELECT vapi.vapi_call('$old') ? 'transcript'"), 'f', 'the call is there, without them');

# 3. Nothing brings them back: neither the same import, nor changed calls, nor events.
value(q{SELECT vapi.vapi_sync('2026-01-01', '2026-02-01')});
$simulator->admin('touch', { ids => $simulator->admin('ids'), costAdjust => 0.01 });
is(value(q{SELECT status || ' ' || changed FROM vapi.vapi_sync('2026-01-01', '2026-02-01')}) =~ /^complete [1-9]/ ? 1 : 0, 1, 'an import of changed calls');
value(qq{SELECT vapi.vapi_ingest_event(jsonb_build_object('message', jsonb_build_object('type', 'end-of-call-report', 'timestamp', 1999225600000,
	'endedReason', 'customer-ended-call', 'call', jsonb_build_object('id', '$old'), 'artifact', jsonb_build_object('transcript', 'User: again')))) IS NOT NULL});
VapiSales::Test->finish_work($node, 'calls');
is(value("$with AND c.created_at < now() - '$keep'::interval"), 0, 'no old transcript is back');
is(value($with), $had - $expected, 'young ones are as they were');
is(value(q{SELECT jsonb_agg(jsonb_build_array(call_id, score, coverage, band) ORDER BY call_id) FROM vapi.call_scores}) eq value("SELECT (($facts) -> 4)") ? 1 : 0, 1, 'scores are as they were');
value('SELECT vapi.vapi_rescore()');
is(value("SELECT (($facts) -> 4)"), value("SELECT '" . ($before =~ s/'/''/gr) . "'::jsonb -> 4"), 'nor does scoring anew change them');

# 4. The other kinds.
value("SELECT vapi.vapi_retain('raw', '$keep', false)");
value("SELECT vapi.vapi_call('$old')");
value(q{UPDATE vapi_internal.audit SET recorded_at = now() - interval '3 days' WHERE audit_id = (SELECT min(audit_id) FROM vapi_internal.audit)});
is(value("SELECT contents FROM vapi.vapi_retain('audit', '2 days', false)"), 1, 'one old row of the audit');
is(value("SELECT contents FROM vapi.vapi_retain('events', '1 day', false)"), 0, 'no old event');
all_steps();
is(value("SELECT count(*) FROM vapi_internal.call c JOIN vapi_internal.call_content t USING (call_id) WHERE t.raw IS NOT NULL AND c.created_at < now() - '$keep'::interval"), 0, 'raw payloads');
is(value("SELECT count(*) FROM vapi_internal.audit WHERE recorded_at < now() - interval '2 days'"), 0, 'the audit');
is(value(q{SELECT string_agg(kind || ':' || (passed_at IS NOT NULL), ' ' ORDER BY kind) FROM vapi.retention}), 'audio:false audit:true events:true raw:true transcripts:true', 'each that was set was gone through');
is(value(q{SELECT count(*) FROM vapi.vapi_work() WHERE step = 'retention' AND error IS NULL}), 1, 'it is a step of background work');
value("SELECT vapi.vapi_retain('raw', NULL, false)");
is(value(q{SELECT keep IS NULL FROM vapi.retention WHERE kind = 'raw'}), 't', 'for ever again');

# 5. Refused.
refused("SELECT vapi.vapi_retain('transcripts', '1 hour')", qr/ERROR:  22023: contents are kept for at least a day/, 'less than a day');
refused("SELECT vapi.vapi_retain('transcripts', '-1 year', false)", qr/ERROR:  22023/, 'a negative time');
refused("SELECT vapi.vapi_retain('calls', '1 year', false)", qr/ERROR:  22023: there is no kind "calls"/, 'no such kind');
value(q{CREATE ROLE admin; SELECT vapi.vapi_grant('admin', 'admin')});
refused("SET ROLE admin; SELECT vapi.vapi_retain('transcripts', '1 year')", qr/ERROR:  42501/, 'it is the owner\'s');

# 6. A writer that is at an old call is not waited for, and the batch that removes does not hold one up for long.
my $young = value(q{SELECT call_id FROM vapi_internal.call_content WHERE v_messages < vapi_internal.never_again() ORDER BY call_id LIMIT 1});
my $held = $node->background_psql('calls');
$held->query_safe("BEGIN; SELECT call_id FROM vapi_internal.call_content WHERE call_id = '$young' FOR UPDATE");
value(q{SELECT vapi.vapi_retain('transcripts', '2 days', false)});
my $begin = time();
all_steps();
cmp_ok(time() - $begin, '<', 60, 'nothing waits for the writer');
is(value($with), 1, 'whose call is left to the next pass');
$held->query_safe('COMMIT');
$held->quit;
value(q{UPDATE vapi_internal.retention SET next_pass_at = now()});
all_steps();
is(value($with), 0, 'which takes it');

$node->stop;
done_testing();
