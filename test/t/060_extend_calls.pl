# vapi_extend_calls against what tables of users do: code that would like to be
# superuser, locks, cancels, many sessions at once, a dump and its restore.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use VapiSales::Test;

my $node = VapiSales::Test->node('main');
my $super = $node->safe_psql('calls', 'SELECT current_user');
sub sql { my ($text, $database) = @_; return $node->safe_psql($database // 'calls', $text); }

# As a login of the user's: after SET ROLE alone, user code could RESET it.
sub as_alice { my ($text) = @_; return $node->safe_psql('calls', $text, extra_params => [ '-U', 'alice' ]); }

# merge(id => {field => value}...): calls as the API gives them, updated at the given second.
my $second = 0;
sub merge
{
	my %calls = @_;
	my $elements = join ',', map {
		my $id = $_;
		$second++;
		sprintf q({"source": "api", "call": {"id": "%s", "type": "outboundPhoneCall", "createdAt": "2026-01-01T10:00:00Z", "updatedAt": "2026-01-02T%02d:%02d:%02dZ"%s}}),
		  $id, $second / 3600, $second / 60 % 60, $second % 60, join '', map { qq(, "$_": $calls{$id}{$_}) } sort keys %{ $calls{$id} }
	} sort keys %calls;
	return sql("SELECT created + changed FROM vapi_internal.merge_observations('[$elements]')");
}

# follow([database]): all steps there are, as the worker takes them; how many changes.
sub follow
{
	my ($database) = @_;
	my $all = 0;
	1 while sql('SELECT vapi_internal.change_step()', $database) > 0;
	sql('UPDATE vapi_internal.call_mirror SET retry_at = NULL', $database);
	while (my $step = sql('SELECT vapi_internal.mirror_step(100)', $database)) { $all += $step; }
	return $all;
}

# What the table differs in from the calls; the columns as the view of calls has them.
sub differences
{
	my ($table, $database) = @_;
	my $calls = q{SELECT vapi_call_id, vapi_status, vapi_metadata, round(cost, 4), qualification_score, call_type, assistant_id,
		phone_number_id, customer_number, started_at, ended_at, error_message FROM vapi.calls};
	my $rows = qq{SELECT vapi_call_id, vapi_status, vapi_metadata, cost, qualification_score, call_type, assistant_id,
		phone_number_id, customer_number, started_at, ended_at, error_message FROM $table WHERE vapi_call_id IS NOT NULL};
	return sql("SELECT count(*) FROM (($calls EXCEPT ALL $rows) UNION ALL ($rows EXCEPT ALL $calls)) d", $database);
}

# 1. Everything of a user's that runs when a row is written, each trying to become more than its owner.
sql(qq{
	CREATE ROLE alice LOGIN;
	GRANT USAGE ON SCHEMA vapi TO alice;
	GRANT EXECUTE ON FUNCTION vapi.vapi_extend_calls(regclass, boolean) TO alice;
	CREATE SCHEMA shop AUTHORIZATION alice;
});
as_alice(qq{
	CREATE TABLE shop.attempt (place text, what text, who name, outcome text);
	CREATE FUNCTION shop.try(place text) RETURNS void LANGUAGE plpgsql AS \$\$
	DECLARE
		statement text;
		outcome text;
	BEGIN
		FOREACH statement IN ARRAY ARRAY['SET ROLE "$super"', 'RESET ROLE', 'SET SESSION AUTHORIZATION DEFAULT', 'SET SESSION AUTHORIZATION "$super"',
			'SELECT set_config(''role'', ''$super'', false)', 'ALTER ROLE alice SUPERUSER', 'CREATE ROLE mallory SUPERUSER',
			'SELECT count(*) FROM pg_authid', 'SELECT count(*) FROM vapi_internal.call', 'COPY (SELECT 1) TO PROGRAM ''true''',
			'SELECT pg_read_file(''PG_VERSION'')', 'CREATE TEMP TABLE mine ()', 'SET log_statement = ''all''']
		LOOP
			BEGIN
				EXECUTE statement;
				outcome := 'succeeded';
			EXCEPTION WHEN OTHERS THEN
				outcome := SQLSTATE;
			END;
			INSERT INTO shop.attempt VALUES (place, statement, current_user, outcome);
		END LOOP;
	END \$\$;
	CREATE FUNCTION shop.by_trigger() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM shop.try(TG_NAME); RETURN NEW; END \$\$;
	CREATE FUNCTION shop.by_default() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN PERFORM shop.try('default'); RETURN ''; END \$\$;
	CREATE FUNCTION shop.by_check(t text) RETURNS boolean LANGUAGE plpgsql AS \$\$ BEGIN PERFORM shop.try('check'); RETURN true; END \$\$;
	CREATE FUNCTION shop.by_domain(t text) RETURNS boolean LANGUAGE plpgsql AS \$\$ BEGIN PERFORM shop.try('domain'); RETURN true; END \$\$;
	CREATE FUNCTION shop.by_policy(t text) RETURNS boolean LANGUAGE plpgsql AS \$\$ BEGIN PERFORM shop.try('policy'); RETURN true; END \$\$;
	CREATE FUNCTION shop.by_index(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS \$\$ BEGIN PERFORM shop.try('index'); RETURN t; END \$\$;
	CREATE DOMAIN shop.word AS text CHECK (shop.by_domain(VALUE));
	CREATE TABLE shop.evil (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text DEFAULT shop.by_default() CHECK (shop.by_check(title)),
		vapi_call_id text UNIQUE, vapi_status text, error_message shop.word);
	CREATE INDEX evil_index ON shop.evil (shop.by_index(vapi_call_id));
	CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON shop.evil FOR EACH ROW EXECUTE FUNCTION shop.by_trigger();
	CREATE TRIGGER after_row AFTER INSERT OR UPDATE ON shop.evil FOR EACH ROW EXECUTE FUNCTION shop.by_trigger();
	CREATE TRIGGER after_statement AFTER INSERT OR UPDATE ON shop.evil FOR EACH STATEMENT EXECUTE FUNCTION shop.by_trigger();
	CREATE CONSTRAINT TRIGGER deferred AFTER INSERT OR UPDATE ON shop.evil DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.by_trigger();
	CREATE POLICY everything ON shop.evil USING (shop.by_policy(title)) WITH CHECK (shop.by_policy(title));
	ALTER TABLE shop.evil ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	INSERT INTO shop.evil (title) VALUES ('there before');
	TRUNCATE shop.attempt;
});
merge(a1 => { status => '"ended"' }, a2 => {}, a3 => { endedReason => '"pipeline-error-openai-llm-failed"' });
like(sql(q{SELECT string_agg(action, ' ') FROM vapi.vapi_extend_calls('shop.evil') WHERE object = 'calls'}), qr/^3 mirrored$/, 'a superuser extends the table');
my $places = 'after_row,after_statement,before_row,check,default,deferred,domain,index,policy';
my $seen = q{SELECT string_agg(DISTINCT place, ',' ORDER BY place) FROM shop.attempt};
my $bad = qq{SELECT * FROM shop.attempt WHERE who <> 'alice' OR outcome = 'succeeded'};
is(sql($seen), $places, 'all of it ran while the table was filled');
is(sql($bad), '', 'as its owner, who could become nobody else');
sql('TRUNCATE shop.attempt');
merge(a1 => { endedReason => '"customer-ended-call"' }, a4 => {});
sql(q{SELECT vapi_internal.erase_call('a2')});
is(follow(), 6, 'changes are followed');
is(sql($seen), $places, 'all of it ran in a step');
is(sql($bad), '', 'as its owner here too');
is(sql(q{SELECT vapi_internal.mirror_step(), count(*), count(vapi_call_id) FROM shop.evil}), '0|5|3', 'one row new, one cleared');
is(sql('SELECT count(*) FROM vapi.mirror_errors'), '0', 'no error');
is(sql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'alice'}), 'f', 'the owner is still no superuser');
is(sql(q{SELECT count(*) FROM pg_roles WHERE rolname = 'mallory'}), '0', 'and made none');

# What an owner defers in spite of all must not run when we are ourselves again.
sql(q{
	SELECT * FROM vapi.vapi_extend_calls('shop.evil', undo => true);
});
as_alice(q{
	CREATE TABLE shop.sneaky (id serial, vapi_call_id text UNIQUE);
	CREATE FUNCTION shop.defer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET CONSTRAINTS ALL DEFERRED; RETURN NEW; END $$;
	CREATE TRIGGER a BEFORE INSERT ON shop.sneaky FOR EACH ROW EXECUTE FUNCTION shop.defer();
	CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shop.sneaky DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.by_trigger();
	TRUNCATE shop.attempt;
});
sql(q{SELECT * FROM vapi.vapi_extend_calls('shop.sneaky')});
is(sql(q{SELECT DISTINCT sqlstate FROM vapi.mirror_errors}), '42501', 'a trigger that is deferred again is an error of the call');
is(sql(q{SELECT count(*) FROM shop.attempt}), '0', 'and never runs');
sql(q{SELECT * FROM vapi.vapi_extend_calls('shop.sneaky', undo => true); DROP TABLE shop.sneaky, shop.evil, shop.attempt CASCADE});

# Our views show the owner's code what the owner may see, whoever follows the feed.
sql(q{
	SELECT vapi.vapi_grant('alice', 'viewer');
	SET ROLE alice;
	CREATE TABLE shop.seen (number text, role name);
	CREATE FUNCTION shop.look() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO shop.seen SELECT min(customer_number), current_setting('is_superuser') FROM vapi.calls;
		IF NEW.error_message IS NOT NULL THEN RAISE EXCEPTION 'no'; END IF;
		RETURN NEW;
	END $$;
	CREATE TABLE shop.looker (id serial);
});
merge(b1 => { customer => '{"number": "+13035550142"}' });
sql(q{
	ALTER TABLE shop.looker ADD COLUMN error_message text;
	CREATE TRIGGER look BEFORE INSERT ON shop.looker FOR EACH ROW EXECUTE FUNCTION shop.look();
	SELECT * FROM vapi.vapi_extend_calls('shop.looker');
});
is(sql('SELECT DISTINCT number, role FROM shop.seen'), '+1********42|off', "the owner's code sees what the owner may see");
is(sql(q{BEGIN; SELECT vapi.vapi_extend_calls('shop.looker') LIMIT 0; SELECT count(*) FROM vapi.calls WHERE customer_number = '+13035550142'; COMMIT}),
	'1', 'the caller sees everything again, also after an error of the table');
is(sql('SELECT call_id FROM vapi.mirror_errors'), 'a3', 'which there was');
sql(q{SELECT * FROM vapi.vapi_extend_calls('shop.looker', undo => true); DROP TABLE shop.looker, shop.seen CASCADE});
sql(q{SELECT vapi.vapi_revoke('alice'); GRANT USAGE ON SCHEMA vapi TO alice; SELECT vapi_internal.erase_call('b1')});

# A superuser's trigger finds what is in the table's schema, unless others can put something there.
sql(q{
	CREATE ROLE bob;
	CREATE SCHEMA open;
	CREATE TABLE open.calls (id serial, title text);
	CREATE FUNCTION open.helper() RETURNS text LANGUAGE sql AS $$ SELECT 'helped' $$;
	CREATE FUNCTION open.fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title := helper(); RETURN NEW; END $$;
	CREATE TRIGGER fill BEFORE INSERT ON open.calls FOR EACH ROW EXECUTE FUNCTION open.fill();
	SELECT * FROM vapi.vapi_extend_calls('open.calls');
});
is(sql(q{SELECT string_agg(DISTINCT title, ' ') FROM open.calls}), 'helped', 'a trigger finds its helper');
sql('GRANT CREATE ON SCHEMA open TO bob');
merge(a5 => {});
follow();
is(sql(q{SELECT call_id, sqlstate FROM vapi.mirror_errors}), 'a5|42883', 'but not where others could have put another one');
sql(q{SELECT * FROM vapi.vapi_extend_calls('open.calls', undo => true); DROP SCHEMA open CASCADE});

# 2. A user's transaction in the way; imports go on meanwhile.
as_alice(q{
	CREATE TABLE shop.calls (id serial PRIMARY KEY, note text NOT NULL DEFAULT '');
	SELECT * FROM vapi.vapi_extend_calls('shop.calls');
});
my $user = $node->background_psql('calls');
$user->query_safe(q{BEGIN; UPDATE shop.calls SET note = 'mine' WHERE vapi_call_id = 'a1'});
merge(a1 => { cost => 2 }, a6 => {});
sql('SELECT vapi_internal.change_step()');
my $begin = time();
is(sql('SELECT vapi_internal.mirror_step()'), '0', 'a step gives up where a row is locked');
cmp_ok(time() - $begin, '<', 6, 'soon');
is(sql('SELECT call_id, sqlstate FROM vapi.mirror_errors'), '|55P03', 'it is noted for the table');
$begin = time();
is(sql('SELECT vapi_internal.mirror_step()'), '0', 'the table is left alone for a while');
cmp_ok(time() - $begin, '<', 1, 'without waiting again');
is(merge(a7 => {}), '1', 'an import goes on');
$user->query_safe('COMMIT');
sql('UPDATE vapi_internal.call_mirror SET retry_at = NULL');
cmp_ok(sql('SELECT vapi_internal.mirror_step()'), '>', 0, 'then it goes on');
follow();
is(differences('shop.calls'), '0', 'and takes everything');
is(sql(q{SELECT note, cost FROM shop.calls WHERE vapi_call_id = 'a1'}), 'mine|2.0000', "the user's change is kept");
is(sql('SELECT count(*) FROM vapi.mirror_errors'), '0', 'the note is gone');

# A table that is locked whole, and a registration in the middle of the user's own transaction.
$user->query_safe('BEGIN; LOCK TABLE shop.calls');
merge(a7 => { cost => 1 });
sql('SELECT vapi_internal.change_step()');
is(sql('SELECT vapi_internal.mirror_step()'), '0', 'a step gives up where the table is locked');
is($user->query_safe(q{SELECT action FROM vapi.vapi_extend_calls('shop.calls') WHERE object = 'calls'}), '6 mirrored', 'who holds the lock can extend it');
$user->query_safe('ROLLBACK');
follow();
is(differences('shop.calls'), '0', 'a rollback of that loses nothing');

# 3. A cancel is a cancel, not an error of a call.
sql(q{
	CREATE FUNCTION shop.hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.cost = 666 THEN PERFORM pg_sleep(300); END IF; RETURN NEW; END $$;
	CREATE TRIGGER hang BEFORE UPDATE ON shop.calls FOR EACH ROW EXECUTE FUNCTION shop.hang();
});
merge(a1 => { cost => 666 });
sql('SELECT vapi_internal.change_step()');
$begin = time();
my ($code, $out, $err) = $node->psql('calls', q{SET statement_timeout = '500ms'; SELECT vapi_internal.mirror_step()});
like($err, qr/canceling statement due to statement timeout/, "the caller's statement_timeout cancels a trigger that hangs");
cmp_ok(time() - $begin, '<', 5, 'in time');
is(sql('SELECT count(*) FROM vapi.mirror_errors'), '0', 'nothing is noted');
sql('DROP TRIGGER hang ON shop.calls');
follow();
is(differences('shop.calls'), '0', 'the change comes later');

# 4. Many importers, two followers, users at work: in the end every row is right.
my $scripts = PostgreSQL::Test::Utils::tempdir();
my %script = (
	import => q{\set id random(1, 400)
\set at random(1, 1000000)
SELECT vapi_internal.merge_observations(jsonb_build_array(jsonb_build_object('source', 'api', 'call', jsonb_build_object('id', 'k' || :id,
	'type', CASE :at % 2 WHEN 0 THEN 'inboundPhoneCall' ELSE 'outboundPhoneCall' END, 'status', CASE :at % 5 WHEN 0 THEN 'in-progress' ELSE 'ended' END,
	'createdAt', '2026-01-01T10:00:00Z', 'updatedAt', timestamptz '2026-01-02Z' + :at * interval '1 second', 'cost', :at / 1000.0,
	'metadata', jsonb_build_object('at', :at)))));
},
	erase => q{\set id random(1, 400)
SELECT vapi_internal.erase_call('k' || :id);
},
	user => q{\set a random(1, 400)
\set b random(1, 400)
BEGIN;
UPDATE shop.calls SET note = note || '.' WHERE vapi_call_id = 'k' || :a;
UPDATE shop.calls SET note = note || '.' WHERE vapi_call_id = 'k' || :b;
END;
},
	follow => q{SELECT vapi_internal.change_step(100);
SELECT vapi_internal.mirror_step(50);
});
for my $name (keys %script)
{
	open my $file, '>', "$scripts/$name" or die $!;
	print $file $script{$name};
	close $file;
}
$node->command_ok(
	[ 'pgbench', '-n', '-c', 8, '-j', 2, '-t', $ENV{VAPI_MIRROR_TRANSACTIONS} // 200, '--max-tries=20', '-p', $node->port, '-h', $node->host,
		'-f', "$scripts/import\@40", '-f', "$scripts/erase\@1", '-f', "$scripts/user\@20", '-f', "$scripts/follow\@10", 'calls' ],
	'eight sessions at once');
cmp_ok(sql(q{SELECT count(*) FROM vapi_internal.call WHERE call_id LIKE 'k%'}), '>', 200, 'many calls were imported');
cmp_ok(sql(q{SELECT count(*) FROM shop.calls WHERE vapi_call_id IS NULL}), '>', 0, 'some were erased after they had come');
cmp_ok(sql(q{SELECT sum(length(note)) FROM shop.calls}), '>', 10, 'users worked');
my $left = follow();
note("$left changes were left to follow");
is(differences('shop.calls'), '0', 'every row is right');
is(sql('SELECT count(*) - count(DISTINCT vapi_call_id) FROM shop.calls WHERE vapi_call_id IS NOT NULL'), '0', 'none is there twice');
is(sql('SELECT string_agg(DISTINCT message, $$; $$) FROM vapi.mirror_errors'), '', 'no error');

# 5. Dump and restore: the registration comes along, the position does not count.
my $dump = "$scripts/dump";
sql(q{UPDATE shop.calls SET customer_number = 'changed by hand' WHERE vapi_call_id = 'a6'});
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('calls') ], 'pg_dump');
for my $restored (qw(restored ownerless))
{
	$node->safe_psql('postgres', "CREATE DATABASE $restored");
	$node->command_ok(
		[ 'pg_restore', '--exit-on-error', ($restored eq 'ownerless' ? '--no-owner' : ()), '-d', $node->connstr($restored), $dump ],
		"pg_restore, $restored");
	is(sql('SELECT vapi_internal.mirror_step(1) > 0 OR vapi_internal.mirror_step(1) > 0', $restored), 't', 'the first step goes over the calls');
	follow($restored);
	is(differences('shop.calls', $restored), '0', 'every row is right again');
	is(sql('SELECT count(*) FROM vapi.mirror_errors', $restored), '0', 'no error');
	is(sql(q{SELECT count(*) FROM vapi_internal.merge_observations('[{"source": "api", "call": {"id": "new", "updatedAt": "2026-01-05T00:00:00Z"}}]')}, $restored), '1', 'a call more');
	follow($restored);
	is(sql(q{SELECT count(*) FROM shop.calls WHERE vapi_call_id = 'new'}, $restored), '1', 'is followed');
}
is(sql(q{SELECT count(*) FROM vapi.vapi_extend_calls('shop.calls', undo => true) WHERE action = 'dropped'}, 'restored'), '17', 'undo knows what was added');
is(sql(q{SELECT string_agg(attname, ',') FROM pg_attribute WHERE attrelid = 'shop.calls'::regclass AND attnum > 0 AND NOT attisdropped}, 'restored'),
	'id,note', 'and leaves the rest');

# Somebody else's table of that name gets no calls.
$node->safe_psql('postgres', 'CREATE DATABASE taken');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('taken'), $dump ], 'pg_restore, taken');
sql('ALTER SCHEMA shop OWNER TO bob; ALTER TABLE shop.calls OWNER TO bob; DELETE FROM shop.calls', 'taken');
follow('taken');
is(sql('SELECT count(*) FROM shop.calls', 'taken'), '0', "another owner's table is not written");
is(sql('SELECT target, message FROM vapi.mirror_errors', 'taken'), 'shop.calls|shop.calls belongs to bob now, not to alice', 'and it is noted');

# A restore whose indexes are not there yet is not disturbed.
$node->safe_psql('postgres', 'CREATE DATABASE halfway');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--section=pre-data', '-d', $node->connstr('halfway'), $dump ], 'pg_restore, tables');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--data-only', '--schema=vapi_internal', '-d', $node->connstr('halfway'), $dump ],
	'pg_restore, our data');
follow('halfway');
is(sql('SELECT count(*) FROM shop.calls', 'halfway'), '0', 'no row of ours gets in the way');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--data-only', '--schema=shop', '-d', $node->connstr('halfway'), $dump ],
	"pg_restore, the user's data");
$node->command_ok([ 'pg_restore', '--exit-on-error', '--section=post-data', '-d', $node->connstr('halfway'), $dump ], 'pg_restore, indexes');
follow('halfway');
is(differences('shop.calls', 'halfway'), '0', 'then every row is right');

# 6. DROP EXTENSION leaves the user's table with what is in it; the next one starts from nothing.
my $rows = sql('SELECT count(*) FROM shop.calls', 'ownerless');
sql('DROP EXTENSION vapi_sales CASCADE; CREATE EXTENSION vapi_sales', 'ownerless');
is(sql('SELECT count(*) FROM shop.calls', 'ownerless'), $rows, 'DROP EXTENSION leaves the table');
is(sql(q{SELECT count(*) FILTER (WHERE action LIKE 'added%') FROM vapi.vapi_extend_calls('shop.calls')}, 'ownerless'), '0', 'extended again: nothing to add');
is(sql(q{SELECT count(*) FILTER (WHERE action = 'dropped') FROM vapi.vapi_extend_calls('shop.calls', undo => true)}, 'ownerless'), '0',
	'what is there now counts as the user\'s');

$user->quit;
$node->stop;
done_testing();
