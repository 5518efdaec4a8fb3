# A setting that names a host, a secret or a verification cannot be changed by
# anybody but the server's configuration: not after the library is loaded, and
# not before (a placeholder of that name), with and without preload. No request
# ever reaches the host that somebody tried to set.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;
use VapiSales::Misbehave;

plan skip_all => 'no node' if system('node --version >/dev/null 2>&1') != 0;

my $good = VapiSales::Misbehave->new;
my $evil = VapiSales::Misbehave->new;
my $ask = "SELECT vapi.vapi_get_call('fine')->>'id'";
my $evil_folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$evil_folder/vapi_api_key", "evil-key\n");
chmod 0600, "$evil_folder/vapi_api_key";

# name => the value an attacker would like
my %attack = (
	'vapi_sales.base_url' => $evil->url,
	'vapi_sales.allowed_hosts' => 'evil.example.com',
	'vapi_sales.allow_private_hosts' => 'off',
	'vapi_sales.secrets_directory' => $evil_folder,
	'vapi_sales.proxy' => $evil->url,
	'vapi_sales.ca_file' => "$evil_folder/ca.pem",
	'vapi_sales.public_url' => $evil->url);

# The values in force in a session, which must be those of the file.
my $names = join ',', map { "'$_'" } sort keys %attack;
my $values = "SELECT name || '=' || setting || ' ' || source FROM pg_settings WHERE name IN ($names) ORDER BY 1";

for my $preload (0, 1)
{
	my $with = $preload ? 'preload' : 'no preload';
	my $node = VapiSales::Test->node("placeholders$preload",
		preload => $preload,
		config => "vapi_sales.base_url = '@{[ $good->url ]}'\nvapi_sales.max_attempts = 1\n");
	$node->safe_psql('calls', 'CREATE ROLE victim SUPERUSER LOGIN; CREATE ROLE somebody LOGIN');
	my $expected = $node->safe_psql('calls', "LOAD 'vapi_sales'; $values");
	is(scalar(my @lines = split /\n/, $expected), scalar(keys %attack), "$with: all of these settings exist");
	$good->forget;

	# run(sql, psql options): its outcome, and whether the request went to the good server
	my $run = sub {
		my ($what, $sql, %options) = @_;
		my ($stdout, $stderr);
		$good->forget;
		my $code = $node->psql($options{database} // 'calls', "$sql\n$ask;\n$values;",
			stdout => \$stdout, stderr => \$stderr, on_error_stop => 0, %options);
		is(scalar($good->requests), $options{requests} // 1, "$with, $what: the request went to the configured host")
		  or diag("$stdout\n$stderr");
		is($evil->connections, 0, "$with, $what: none to the other");
		return ($stdout, $stderr);
	};

	for my $name (sort keys %attack)
	{
		my $value = $attack{$name};
		my $session_wide = $expected =~ /^\Q$name\E=(.*) \S+$/m ? $1 : '?';

		# before the library is loaded, and after
		for my $when ('before', 'after')
		{
			my $first = $when eq 'after' ? "LOAD 'vapi_sales';" : '';
			for my $how (
				"SET $name = '$value';",
				"SET SESSION $name TO '$value';",
				"BEGIN; SET LOCAL $name = '$value';",
				"BEGIN; SET $name = '$value'; SAVEPOINT s; SET LOCAL $name = '$value';",
				"SELECT set_config('$name', '$value', false);",
				"BEGIN; SELECT set_config('$name', '$value', true);")
			{
				my $aborted = ($preload || $when eq 'after') && $how =~ /^BEGIN/;
				my ($stdout, $stderr) = $run->("$when load: $how", "$first $how", requests => $aborted ? 0 : 1);
				if ($aborted) { like($stderr, qr/cannot be changed now/, "$with, $when load: $how is refused"); next; }
				like($stderr, qr/(?:WARNING|ERROR):  parameter "\Q$name\E" cannot be changed now/,
					"$with, $when load: $how is refused or discarded with a warning");
				like($stdout, qr/^\Q$name=$session_wide\E /m, "$with, $when load: the value is the file's");
			}
		}

		# the end of the transaction does not bring the value back
		for my $end ('COMMIT', 'ROLLBACK')
		{
			for my $local ('', 'LOCAL')
			{
				my $how = "BEGIN; SET $local $name = '$value'; LOAD 'vapi_sales'; $end;";
				my ($stdout, $stderr) = $run->($how, $how);
				like($stdout, qr/^\Q$name=$session_wide\E /m, "$with, $how the value is the file's");
			}
		}

		# for a role, a database, both
		for my $how ("ROLE victim SET", "DATABASE calls SET", "ROLE victim IN DATABASE calls SET")
		{
			my ($code, $stdout, $stderr) = $node->psql('postgres', "ALTER $how $name = '$value'");
			if ($preload)
			{
				like($stderr, qr/cannot be changed now/, "$with: ALTER $how $name is refused");
			}
			else
			{
				is($code, 0, "$with: ALTER $how $name sets a placeholder");
				($stdout, $stderr) = $run->("ALTER $how $name", '', extra_params => [ '-U', 'victim' ]);
				like($stderr, qr/WARNING:  parameter "\Q$name\E" cannot be changed now/, "$with: it is discarded with a warning");
				like($stdout, qr/^\Q$name=$session_wide\E /m, "$with: the value is the file's");
				$node->safe_psql('postgres', 'ALTER ' . $how =~ s/SET$/RESET $name/r);
			}
		}

		# from the client
		{
			local $ENV{PGOPTIONS} = "-c $name=$value";
			my ($stdout, $stderr) = $run->("PGOPTIONS $name", '', requests => $preload ? 0 : 1);
			like($stdout, qr/^\Q$name=$session_wide\E /m, "$with, PGOPTIONS $name: the value is the file's") unless $preload;
			like($stderr, $preload ? qr/FATAL:  parameter "\Q$name\E" cannot be changed now/
				: qr/WARNING:  parameter "\Q$name\E" cannot be changed now/, "$with: PGOPTIONS $name is refused or discarded");
		}
	}

	# an ordinary user who may ask Vapi
	$node->safe_psql('calls', 'GRANT USAGE ON SCHEMA vapi TO somebody; GRANT EXECUTE ON FUNCTION vapi.vapi_list_calls(jsonb) TO somebody');
	for my $name ('vapi_sales.base_url', 'vapi_sales.secrets_directory')
	{
		$good->forget;
		my ($code, $stdout, $stderr) = $node->psql('calls', "SET $name = '$attack{$name}';\nSELECT vapi.vapi_list_calls('{}')",
			extra_params => [ '-U', 'somebody' ], on_error_stop => 0);
		like($stderr, qr/parameter "\Q$name\E" cannot be changed now/, "$with, ordinary user: SET $name is refused or discarded");
		is($stdout, '[]', "$with, ordinary user: the request was answered") or diag($stderr);
		is(scalar($good->requests), 1, "$with, ordinary user: by the configured host");
	}
	is($evil->connections, 0, "$with: no connection to the other host in the whole test");
	$node->stop;
}
done_testing();
