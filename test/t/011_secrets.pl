# Secrets: which files are accepted, that a changed key counts at once, and
# that no key and no query shows anywhere.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;
use VapiSales::Misbehave;

plan skip_all => 'no node' if system('node --version >/dev/null 2>&1') != 0;

my $server = VapiSales::Misbehave->new;
my $node = VapiSales::Test->node('secrets', config => <<"CONF");
vapi_sales.base_url = '@{[ $server->url ]}'
vapi_sales.max_attempts = 1
log_statement = none
log_min_error_statement = panic
log_min_messages = debug5
CONF
my $directory = VapiSales::Test->secrets_directory($node);
my $file = "$directory/vapi_api_key";
sub get { return VapiSales::Misbehave->failure($node, "SELECT vapi.vapi_get_call('$_[0]')", @_[ 1 .. $#_ ]); }

# The file with that content and mode, and the error it must give (none: it is accepted).
sub check_file
{
	my ($name, $content, $mode, $message) = @_;
	unlink $file;
	if (defined $content)
	{
		open my $out, '>', $file or die "$file: $!";
		print $out $content;
		close $out;
		chmod $mode, $file or die "$file: $!";
	}
	$server->forget;
	my $got = get('fine');
	if (!defined $message)
	{
		is($got->{code}, '00000', "$name: accepted") or diag($got->{text});
		return;
	}
	is($got->{code}, 'VS002', "$name: refused") or diag($got->{text});
	like($got->{message} // '', $message, "$name: the message says why");
	is($server->connections, 0, "$name: no connection");
	unlike($got->{text}, qr/hidden/, "$name: the error does not show the content");
	return;
}

check_file('mode 0600', "hidden-key\n", 0600);
check_file('mode 0640', "hidden-key\n", 0640);
check_file('mode 0400', "hidden-key", 0400);
check_file('white space at the end', "hidden-key \t\r\n\n", 0600);
check_file('readable by others', "hidden-key\n", 0644, qr/accessible to others/);
check_file('writable by others', "hidden-key\n", 0602, qr/accessible to others/);
check_file('writable by the group', "hidden-key\n", 0660, qr/accessible to others/);
check_file('executable by the group', "hidden-key\n", 0650, qr/accessible to others/);
check_file('missing', undef, undef, qr/could not open/);
check_file('empty', "", 0600, qr/is empty/);
check_file('only white space', " \n\n", 0600, qr/is empty/);
check_file('two lines', "hidden-key\nhidden-key\n", 0600, qr/line break or control character/);
check_file('a carriage return inside', "hidden\r\nX-Injected: 1\r\n", 0600, qr/line break or control character/);
check_file('a zero byte', "hidden\0key\n", 0600, qr/line break or control character/);
check_file('larger than 64 kB', 'hidden' x 11000, 0600, qr/larger than 64 kB/);
check_file('not readable for the server', "hidden-key\n", 0000, qr/could not open/) if $> != 0;

unlink $file;
mkdir $file or die $!;
like(get('fine')->{message}, qr/not a regular file/, 'a directory is refused');
rmdir $file;
system('mkfifo', '-m', '0600', $file) == 0 or die 'mkfifo';
my $got = get('fine');
like($got->{message}, qr/not a regular file/, 'a pipe is refused');
cmp_ok($got->{seconds}, '<', 5, 'and nobody waits for its writer');
unlink $file;

# The database's own file wins, and a change counts at once: the server answers with what it was sent.
sub key_sent { return get('echo')->{text} =~ /You sent (\S+)/ ? 'masked' : 'none'; }
VapiSales::Test->write_secret($node, 'vapi_api_key', 'key-of-all');
mkdir "$directory/calls", 0750 or die $!;
is(key_sent(), 'masked', 'the key is masked in what the server answers');
VapiSales::Test->write_secret($node, 'calls/vapi_api_key', 'unsafe', 0666);
like(get('fine')->{message}, qr/accessible to others/, "an unsafe file of the database is not passed over for the common one");
unlink "$directory/calls/vapi_api_key";
is(get('fine')->{code}, '00000', 'without it the common one is used');

# A database whose name leads out of the directory gets nobody else's file.
VapiSales::Test->write_secret($node, '../vapi_api_key', 'outside', 0666);
$node->safe_psql('postgres', 'CREATE DATABASE ".."');
$node->safe_psql('..', 'CREATE EXTENSION vapi_sales');
is(VapiSales::Misbehave->failure($node, "SELECT vapi.vapi_get_call('fine')", database => '..')->{code},
	'00000', 'a database called ".." uses the common file');

VapiSales::Misbehave->configure($node, 'vapi_sales.secrets_directory' => '');
$got = get('fine');
is($got->{code}, 'VS002', 'no directory: refused');
like($got->{hint}, qr/Set vapi_sales.secrets_directory/, 'no directory: the hint says what to do');
VapiSales::Misbehave->configure($node, 'vapi_sales.secrets_directory' => $directory);

# Two databases with keys of their own, seen by the simulator.
my $simulator = VapiSales::Test->simulator(calls => 3, key => 'right-key-for-this-database');
VapiSales::Misbehave->configure($node, 'vapi_sales.base_url' => $simulator->url);
VapiSales::Test->write_secret($node, 'vapi_api_key', 'wrong-key');
is(VapiSales::Misbehave->failure($node, "SELECT vapi.vapi_list_calls('{}')")->{code}, '28000', 'the common key is wrong');
VapiSales::Test->write_secret($node, 'calls/vapi_api_key', 'right-key-for-this-database');
is($node->safe_psql('calls', "SELECT jsonb_array_length(vapi.vapi_list_calls('{}'))"), '3', "the database's own key counts at once");
{
	my $session = $node->background_psql('calls', on_error_stop => 0);
	is(scalar($session->query("SELECT jsonb_array_length(vapi.vapi_list_calls('{}'))")), '3', 'a session works');
	VapiSales::Test->write_secret($node, 'calls/vapi_api_key', 'revoked-key');
	isnt(scalar($session->query("SELECT jsonb_array_length(vapi.vapi_list_calls('{}'))")), '3', 'a changed key counts in it too');
	VapiSales::Test->write_secret($node, 'calls/vapi_api_key', 'right-key-for-this-database');
	is(scalar($session->query("SELECT jsonb_array_length(vapi.vapi_list_calls('{}'))")), '3', 'and once more');
	$session->quit;
}

# What our code writes at DEBUG5, successes and failures alike.
my $key = 'log-test-key-0123456789';
VapiSales::Test->write_secret($node, 'calls/vapi_api_key', $key);
VapiSales::Misbehave->configure($node, 'vapi_sales.base_url' => $server->url, 'vapi_sales.http_timeout' => '200ms');
my $offset = -s $node->logfile;
get($_) for qw(fine echo reset silent redirect unavailable bad-key invalid retention truncated not-json);
$node->safe_psql('calls', q{SELECT vapi.vapi_list_calls('{"assistantId": "query-secret-1"}')});
VapiSales::Misbehave->configure($node, 'vapi_sales.base_url' => 'http://127.0.0.1:1');
VapiSales::Misbehave->failure($node, q{SELECT vapi.vapi_list_calls('{"assistantId": "query-secret-2"}')});
my $log = substr(slurp_file($node->logfile), $offset);
like($log, qr{GET /call}, 'requests are logged at DEBUG1');
like($log, qr/refused the API key/, 'errors are logged');
unlike($log, qr/\Q$key\E/, 'the log has no key');
unlike($log, qr/query-secret/, 'the log has no query');
my $settings = $node->safe_psql('calls', "LOAD 'vapi_sales'; SELECT s::text FROM pg_settings s");
unlike($settings, qr/\Q$key\E/, 'pg_settings has no key');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('calls') ], 'pg_dump');
unlike(slurp_file($dump), qr/\Q$key\E/, 'a dump has no key');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'no crash');

$node->stop;
done_testing();
