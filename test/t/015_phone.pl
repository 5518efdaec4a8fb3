# Telephone numbers, with the phone number module and without it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;

my $node = VapiSales::Test->node('phone');
my $library = $node->config_data('--pkglibdir') . '/vapi_sales_phone.so';

# read(region, number...): the E.164 forms in one session, "-" for none, and what it said
sub forms
{
	my ($region, @numbers) = @_;
	my ($stdout, $stderr);
	$node->psql('calls',
		join('', "SET vapi_sales.default_region = '$region';\n", map { "SELECT coalesce(vapi_internal.e164('$_'), '-');\n" } @numbers),
		stdout => \$stdout, stderr => \$stderr);
	return ($stdout, $stderr);
}

SKIP:
{
	skip 'built without the module', 4 unless -f $library;
	my ($us, $said) = forms('US', '(303) 555-0100', '303.555.0101', '+44 20 7946 0100', '555-0100 ext', '911', 'nobody', '', '303 555 0102 ext. 5', '1-800-FLOWERS');
	is($us, "+13035550100\n+13035550101\n+442079460100\n-\n-\n-\n-\n+13035550102\n-", 'read in the United States');
	is($said, '', 'without a word');
	is((forms('GB', '020 7946 0100', '+1 303 555 0100'))[0], "+442079460100\n+13035550100", 'read in Great Britain');
	is((forms('US', '1' x 300, '+' . '1' x 300, '+++++', "\xc3\xbc"))[0], "-\n-\n-\n-", 'nonsense');
}

# Without the module: it may not be readable either, which is the same to the loader.
SKIP:
{
	skip 'the library cannot be moved away', 3 if -f $library && !rename($library, "$library.away");
	my ($out, $said) = forms('US', '+1 (303) 555-0100', '(303) 555-0100', '+0303555010', '+1234567', '+1234567890123456', '+1 303 555 010x', '+442079460100');
	rename("$library.away", $library) if -f "$library.away";
	is($out, "+13035550100\n-\n-\n-\n-\n-\n+442079460100", 'without the module: only what is international already');
	is(scalar(my @warnings = $said =~ /WARNING:/g), 1, 'without the module: one warning in a session');
	like($said, qr/Install libphonenumber/, 'without the module: the hint says what to do');
}

$node->stop;
done_testing();
