# TLS: only a certificate that a trusted authority signed for this host, and
# only TLS 1.2 and later; otherwise nothing is sent.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;
use VapiSales::Misbehave;

plan skip_all => 'no node' if system('node --version >/dev/null 2>&1') != 0;
plan skip_all => 'no openssl' if system('openssl version >/dev/null 2>&1') != 0;

my $folder = PostgreSQL::Test::Utils::tempdir();
sub openssl { run_log([ 'openssl', @_ ]) or die "openssl @_"; return; }

# An authority, a certificate of it for 127.0.0.1, and one that has expired.
openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$folder/ca.key", '-out', "$folder/ca.pem", '-days', 30,
	'-subj', '/CN=test authority');
for my $name ('good', 'expired')
{
	my @days = $name eq 'expired' ? ('-not_before', '20200101000000Z', '-not_after', '20200201000000Z') : ('-days', 30);
	append_to_file("$folder/$name.ext", "subjectAltName=IP:127.0.0.1\n");
	openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', "$folder/$name.key", '-out', "$folder/$name.csr", '-subj', '/CN=test');
	if ($name eq 'good')
	{
		openssl('x509', '-req', '-in', "$folder/$name.csr", '-CA', "$folder/ca.pem", '-CAkey', "$folder/ca.key", '-CAcreateserial',
			'-out', "$folder/$name.pem", '-extfile', "$folder/$name.ext", @days);
	}
	else
	{
		# "openssl ca" can date a certificate back, "openssl x509" of version 3.0 cannot
		append_to_file("$folder/index", '');
		append_to_file("$folder/serial", "01\n");
		append_to_file("$folder/ca.conf", <<"CONF");
[ca]
default_ca = authority
[authority]
database = $folder/index
serial = $folder/serial
new_certs_dir = $folder
default_md = sha256
policy = any
[any]
commonName = supplied
CONF
		openssl('ca', '-batch', '-config', "$folder/ca.conf", '-cert', "$folder/ca.pem", '-keyfile', "$folder/ca.key",
			'-in', "$folder/$name.csr", '-out', "$folder/$name.pem", '-extfile', "$folder/$name.ext", '-notext',
			'-startdate', '20200101000000Z', '-enddate', '20200201000000Z');
	}
}

my %server = (
	good => VapiSales::Misbehave->new(cert => "$folder/good.pem", key => "$folder/good.key"),
	expired => VapiSales::Misbehave->new(cert => "$folder/expired.pem", key => "$folder/expired.key"),
	old => VapiSales::Misbehave->new(cert => "$folder/good.pem", key => "$folder/good.key", 'tls-max' => 'TLSv1.1'),
	plain => VapiSales::Misbehave->new);
my $node = VapiSales::Test->node('tls', config => "vapi_sales.max_attempts = 3\n");

# ask(server, host, CA file): the outcome of a request
sub ask
{
	my ($name, $host, $ca_file) = @_;
	VapiSales::Misbehave->configure($node,
		'vapi_sales.base_url' => "https://$host:" . $server{$name}->port,
		'vapi_sales.ca_file' => $ca_file);
	$server{$name}->forget;
	return VapiSales::Misbehave->failure($node, "SELECT vapi.vapi_get_call('fine')");
}

is(ask('good', '127.0.0.1', "$folder/ca.pem")->{code}, '00000', 'a certificate of a trusted authority');
is(scalar($server{good}->requests), 1, 'the request arrived');
for my $case (
	[ 'an unknown authority', 'good', '127.0.0.1', '', qr/certificate/ ],
	[ 'a certificate for another host', 'good', 'localhost', "$folder/ca.pem", qr/certificate|subject name/ ],
	[ 'an expired certificate', 'expired', '127.0.0.1', "$folder/ca.pem", qr/expired/ ],
	[ 'a missing CA file', 'good', '127.0.0.1', "$folder/nothing.pem", qr/secure connection/ ],
	[ 'TLS 1.1', 'old', '127.0.0.1', "$folder/ca.pem", qr/secure connection/ ],
	[ 'no TLS at all', 'plain', '127.0.0.1', "$folder/ca.pem", qr/secure connection/ ])
{
	my ($what, $name, $host, $ca_file, $message) = @$case;
	my $got = ask($name, $host, $ca_file);
	is($got->{code}, '08001', "$what: refused") or diag($got->{text});
	like($got->{message} // '', $message, "$what: the message says why");
	is(scalar($server{$name}->requests), 0, "$what: no request was sent");
	like($got->{detail} // '', qr/1 attempt\./, "$what: not tried again") if $message !~ /secure/;
}

$node->stop;
done_testing();
