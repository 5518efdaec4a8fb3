# Copies of a database do nothing outward: a restored dump, a template, a clone of the server; nor who has lost or
# gained the file instance_id. Until it is adopted.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 5, 'time-factor' => 0.001);
my $assistant = $simulator->request('GET', '/assistant')->{data}[0]{id};
my $number = $simulator->request('GET', '/phone-number')->{data}[0]{id};
my $config = "vapi_sales.default_assistant_id = '$assistant'\nvapi_sales.default_phone_number_id = '$number'\n";
my $node = VapiSales::Test->node('main', simulator => $simulator, config => $config, init => { allows_streaming => 1 });
VapiSales::Test->write_secret($node, 'instance_id', 'the first installation');
my $folder = PostgreSQL::Test::Utils::tempdir();
my $create = q{SELECT vapi.vapi_create_call('{"customer": {"number": "+13035550123"}}') ->> 'id'};

sub told { my ($where, $database) = @_; return $where->safe_psql($database // 'calls', q{SELECT status || ': ' || detail FROM vapi.health WHERE check_name = 'instance'}); }

# refuses(node, database, name): everything that would go out is refused before Vapi is asked.
sub refuses
{
	my ($where, $database, $name) = @_;
	my $id = $where->safe_psql($database, 'SELECT min(call_id) FROM vapi_internal.call');
	my $before = $simulator->admin('stats')->{requests};
	for my $sql ($create, "SELECT vapi.vapi_delete_call('$id')", "SELECT vapi.vapi_end_call('$id')", "SELECT vapi.vapi_say('$id', 'Hello.')",
		"SELECT vapi.vapi_transfer_call('$id', '+13035550199')", "SELECT vapi.vapi_mute_call('$id', true)",
		"SELECT vapi_internal.setup_patch('assistant', '$assistant', '{}', false)")
	{
		my (undef, undef, $err) = $where->psql($database, $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
		like($err, qr/ERROR:  VS010: this database is a copy, from which nothing goes out.*DETAIL:  .*HINT:  .*vapi_adopt_instance/s, "$name: " . substr($sql, 7, 32));
	}
	is($simulator->admin('stats')->{requests}, $before, "$name: Vapi is not asked");
	is($where->safe_psql($database, 'SELECT vapi_internal.instance_matches()'), 'f', "$name: does not match");
	like(told($where, $database), qr/^fail: this database is a copy/, "$name: health says so");
	return;
}

# 1. The original: the first call records what it is.
like(told($node), qr/^ok: nothing has gone out yet/, 'a fresh database');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.instance'), '0', 'nothing is recorded before');
like($node->safe_psql('calls', $create), qr/^[0-9a-f-]{36}$/, 'a call goes out');
is($node->safe_psql('calls', 'SELECT count(*), bool_and(system_identifier = (pg_control_system()).system_identifier), bool_and(length(file_hash) = 32) FROM vapi_internal.instance'),
	'1|t|t', 'the identity is recorded');
like($node->safe_psql('calls', $create), qr/^[0-9a-f-]{36}$/, 'another one');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.instance'), '1', 'it is recorded once');
like(told($node), qr/^ok: calls and deliveries go out from here/, 'health knows');
is($node->safe_psql('calls', 'SELECT count(*) FROM vapi_internal.instance WHERE instance::text ~ $$installation$$'), '0', 'the file is not in the table');

# 2. A restored dump, and a template.
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/calls", '-d', $node->connstr('calls') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
# what the worker of the new database would do meanwhile
$node->safe_psql('postgres', 'CREATE DATABASE early');
$node->safe_psql('early', 'CREATE EXTENSION vapi_sales; SELECT vapi_internal.instance_matches()');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), "$folder/calls" ], 'pg_restore');
refuses($node, 'restored', 'a restored dump');
$node->command_ok([ 'pg_dump', '--data-only', '-t', 'vapi_internal.instance', '-f', "$folder/instance", '-d', $node->connstr('calls') ], 'a dump of the identity alone');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('early'), '-f', "$folder/instance" ], 'restored where an identity is recorded already');
is($node->safe_psql('early', 'SELECT vapi_internal.instance_matches()'), 'f', 'is a copy, too');
$node->safe_psql('postgres', 'CREATE DATABASE template TEMPLATE calls');
refuses($node, 'template', 'a template');
like($node->safe_psql('calls', $create), qr/^[0-9a-f-]{36}$/, 'the original still works');
is($node->safe_psql('restored', 'SELECT vapi.vapi_adopt_instance()'), 't', 'the restored one is adopted');
like($node->safe_psql('restored', $create), qr/^[0-9a-f-]{36}$/, 'and works');
is($node->safe_psql('restored', 'SELECT vapi.vapi_adopt_instance()'), 'f', 'it is none any more');
$node->safe_psql('calls', 'CREATE ROLE admin');
$node->safe_psql('calls', q{SELECT vapi.vapi_grant('admin', 'admin')});
my (undef, undef, $err) = $node->psql('calls', 'SET ROLE admin; SELECT vapi.vapi_adopt_instance()');
like($err, qr/permission denied for function vapi_adopt_instance/, 'an admin may not adopt');

# 3. A clone of the server knows itself by the file alone; a standby that takes over has the same one.
$node->backup('clone');
sub clone
{
	my ($name, $identity) = @_;
	my $clone = PostgreSQL::Test::Cluster->new($name);
	$clone->init_from_backup($node, 'clone');
	mkdir VapiSales::Test->secrets_directory($clone), 0750 or die;
	VapiSales::Test->write_secret($clone, 'vapi_api_key', $simulator->{key});
	VapiSales::Test->write_secret($clone, 'instance_id', $identity) if defined $identity;
	$clone->append_conf('postgresql.conf', VapiSales::Test->settings($clone, $simulator) . $config);
	$clone->start;
	return $clone;
}
for my $case ([ 'staging', 'another installation' ], [ 'careless', undef ])
{
	my $clone = clone(@$case);
	refuses($clone, 'calls', "clone $case->[0]");
	$clone->stop;
}
my $successor = clone('successor', 'the first installation');
like($successor->safe_psql('calls', $create), qr/^[0-9a-f-]{36}$/, 'one with the same file takes over');

# 4. The file: what others can read is refused, and a new one is a new identity.
chmod 0644, VapiSales::Test->secrets_directory($successor) . '/instance_id';
(undef, undef, $err) = $successor->psql('calls', $create, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  VS002: the file of secret "instance_id" is accessible to others/, 'a file that others can read stops everything');
like(told($successor), qr/^fail: nothing goes out: the file of secret "instance_id"/, 'health says so');
(undef, undef, $err) = $successor->psql('calls', 'SELECT vapi.vapi_adopt_instance()', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  VS002: .*HINT:  Repair the file/s, 'and it cannot be adopted');
unlink VapiSales::Test->secrets_directory($successor) . '/instance_id';
refuses($successor, 'calls', 'without the file');
is($successor->safe_psql('calls', 'SELECT vapi.vapi_adopt_instance()'), 't', 'it may be adopted without one');
like(told($successor), qr/^warn: there is no file instance_id/, 'health then warns');
like($successor->safe_psql('calls', $create), qr/^[0-9a-f-]{36}$/, 'but it works');
$successor->append_conf('postgresql.conf', 'default_transaction_read_only = on');
$successor->reload;
is($successor->safe_psql('calls', q{SET default_transaction_read_only = on; SELECT vapi_internal.instance_matches()}), 't', 'a read-only transaction may ask');

$successor->stop;
$node->stop;
done_testing();
