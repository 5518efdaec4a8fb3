# Do-not-call and quiet hours over all paths that could place a call: random prospects, numbers in many spellings, and
# every path; none calls who may not be called, and who may be is called.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VapiSales::Test;

VapiSales::Test::skip_without_simulator();

my $simulator = VapiSales::Test->simulator(calls => 3, concurrency => 1000, 'time-factor' => 0.001);
my $assistant = $simulator->request('GET', '/assistant')->{data}[0]{id};
my $number = $simulator->request('GET', '/phone-number')->{data}[0]{id};
my $node = VapiSales::Test->node('main', simulator => $simulator,
	config => "vapi_sales.default_assistant_id = '$assistant'\nvapi_sales.default_phone_number_id = '$number'\n");
VapiSales::Test->write_secret($node, 'token_key', 'a key of this test alone');
sub sql { my ($text) = @_; return $node->safe_psql('calls', $text); }
my $json = JSON::PP->new->canonical;

my $seed = $ENV{VAPI_SEED} // time();
srand($seed);
note("seed $seed");

my $hour = (gmtime)[2];
my ($night, $day) = map { sprintf 'Etc/GMT%+d', -(($_ - $hour + 36) % 24 - 12) } 3, 14;
sub pick { return $_[ rand @_ ]; }

# called(): the numbers that the simulator was asked to call, with how often.
sub called { my %n; $n{ $_->{customer}{number} // $_->{customer}{sipUri} // '' }++ for grep { ($_->{name} // '') =~ /^vapi_sales/ } @{ $simulator->request('GET', '/call?limit=1000')->{data} }; return \%n; }

# spelled(number): as somebody may write it.
sub spelled
{
	my ($n) = @_;
	return pick($n, sprintf('+1 (%s) %s-%s', substr($n, 2, 3), substr($n, 5, 3), substr($n, 8)), sprintf('%s.%s.%s', substr($n, 2, 3), substr($n, 5, 3), substr($n, 8)), substr($n, 2));
}

# The ways a prospect can be out of bounds, and free ones beside.
my @kinds = ('free', 'free', 'listed', 'listed', 'marked', 'night', 'listed and gone', 'shared');
my (%kind, %prospect);
for my $i (0 .. 59)
{
	my $phone = sprintf '+130355501%02d', $i;
	my $kind = $kind{$phone} = pick(@kinds);
	my $zone = $kind eq 'night' ? $night : $day;
	$prospect{$phone} = sql(qq{WITH p AS (INSERT INTO vapi_internal.prospect (name, time_zone, do_not_call) VALUES ('Person $i', '$zone', @{[ $kind eq 'marked' ? 'true' : 'false' ]}) RETURNING prospect_id)
		INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) SELECT '$phone', prospect_id FROM p RETURNING prospect_id});
	# one of two who share a number
	sql(qq{WITH p AS (INSERT INTO vapi_internal.prospect (name, time_zone, do_not_call) VALUES ('Other $i', '$day', true) RETURNING prospect_id)
		INSERT INTO vapi_internal.prospect_phone (phone, prospect_id) SELECT '$phone', prospect_id FROM p}) if $kind eq 'shared';
}
sql(qq{SELECT vapi.vapi_save_sequence('now', '[{"delay": "0", "channel": "call"}]', weekdays => '{1,2,3,4,5,6,7}', "from" => '08:00', "to" => '21:00')});

# Enrolled before they were listed, so that the last look counts: listed behind the functions' back.
for my $phone (sort keys %kind)
{
	sql("UPDATE vapi_internal.prospect SET do_not_call = false WHERE prospect_id = $prospect{$phone}");
	sql("SELECT vapi.vapi_enroll($prospect{$phone}, 'now')");
}
sql('SELECT vapi_internal.claim_follow_ups(1000)');
for my $phone (sort keys %kind)
{
	my $kind = $kind{$phone};
	sql("UPDATE vapi_internal.prospect SET do_not_call = true WHERE prospect_id = $prospect{$phone}") if $kind eq 'marked';
	sql("SELECT vapi_internal.list_number('$phone', 'test')") if $kind =~ /^listed/;
	# what an erasure leaves: neither prospect nor number
	sql("DELETE FROM vapi_internal.prospect_phone WHERE prospect_id = $prospect{$phone}; DELETE FROM vapi_internal.prospect WHERE prospect_id = $prospect{$phone}") if $kind eq 'listed and gone';
}
# vapi_work does a piece at a time
VapiSales::Test->wait_until('the worker goes over all that is claimed',
	sub
	{
		is(sql(q{SELECT string_agg(step || ': ' || error, '; ') FROM vapi.vapi_work() WHERE error IS NOT NULL}), '', 'without an error');
		return sql(q{SELECT count(*) FROM vapi_internal.follow_up WHERE status = 'open' AND work = 'claimed'}) eq '0';
	}, 300);
my $called = called();
for my $kind (sort { $a cmp $b } keys %{ { reverse %kind } })
{
	my @phones = grep { $kind{$_} eq $kind } sort keys %kind;
	my @rang = grep { $called->{$_} } @phones;
	if ($kind eq 'free') { is(scalar @rang, scalar @phones, 'sequences: who may be called is called, once'); ok(!(grep { $called->{$_} > 1 } @rang), 'nobody twice'); }
	else { is("@rang", '', "sequences: nobody who is $kind"); }
}

# Every other path, with the number in any spelling.
my @paths = (
	[ 'vapi_create_call', sub { [ "SELECT vapi.vapi_create_call('" . $json->encode({ name => 'x', customer => { number => $_[0] } }) . "')" ] } ],
	[ 'customers', sub { [ "SELECT vapi.vapi_create_call('" . $json->encode({ name => 'x', customers => [ { number => $_[0] } ] }) . "')" ] } ],
	[ 'with digits behind it', sub { [ "SELECT vapi.vapi_create_call('" . $json->encode({ name => 'x', customer => { number => "$_[1]w12" } }) . "')" ] } ],
	[ 'a SIP address', sub { [ "SELECT vapi.vapi_create_call('" . $json->encode({ name => 'x', customer => { sipUri => "sip:$_[1]\@sip.example.com" } }) . "')" ] } ],
	[ 'a planned call', sub { [ "SELECT vapi.vapi_create_call('" . $json->encode({ name => 'x', customer => { number => $_[0] }, schedulePlan => { earliestAt => '2099-01-01T03:00:00Z' } }) . "')" ] } ],
	[ 'a transfer', sub { [ "SELECT vapi_internal.transfer_destination('$_[0]')" ] } ],
	[ 'a transfer by SIP', sub { [ "SELECT vapi_internal.transfer_destination('sip:$_[1]\@sip.example.com')" ] } ]);
my (%refused, %allowed);
for (1 .. 150)
{
	my $phone = pick(sort grep { $kind{$_} ne 'night' } keys %kind);
	my ($name, $path) = @{ pick(@paths) };
	my $blocked = $kind{$phone} ne 'free';
	my $requests = $simulator->admin('stats')->{requests};
	my (undef, undef, $err) = $node->psql('calls', $path->(spelled($phone), $phone)->[0], extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	my $asked = $simulator->admin('stats')->{requests} - $requests;
	if ($blocked) { push @{ $refused{$name} }, "$kind{$phone} $phone: $err" unless $err =~ /VS007/ && $asked == 0; }
	# a planned call may meet the night there
	elsif ($name ne 'a planned call') { push @{ $allowed{$name} }, "$phone: $err" if $err =~ /VS007/; }
}
is(JSON::PP->new->canonical->encode(\%refused), '{}', 'no path calls who may not be called');
is(JSON::PP->new->canonical->encode(\%allowed), '{}', 'and each calls who may be');
for my $phone (grep { $kind{$_} eq 'night' } sort keys %kind)
{
	my (undef, undef, $err) = $node->psql('calls', "SELECT vapi.vapi_create_call('" . $json->encode({ customer => { number => spelled($phone) } }) . "')");
	like($err, qr/outside 08:00 to 21:00/, 'at night nobody is called');
	last;
}
my $listed = (grep { $kind{$_} eq 'listed' } sort keys %kind)[0];
is(sql("SELECT vapi_internal.allow_predial('{\"customer\": {\"number\": \"$listed\"}}')"), 'f', 'a campaign is told not to dial') if defined $listed;

# Waiting at night: put off to the morning, not given up.
is(sql(q{SELECT count(*) FILTER (WHERE f.status <> 'open' OR f.due_at < now()) FROM vapi_internal.follow_up f JOIN vapi_internal.prospect p USING (prospect_id) WHERE p.time_zone = '} . $night . q{'}), '0',
	'whom it is too late for is called in the morning');
is(sql(q{SELECT count(*) FROM vapi_internal.follow_up f JOIN vapi_internal.prospect p USING (prospect_id) WHERE p.do_not_call AND f.status = 'open'}), '0', 'for who is marked nothing stays planned');

# The key: another one stops everything, the former one heals it; the list has no number.
is(sql(q{SELECT count(*) FROM vapi_internal.do_not_call d WHERE d::text ~ '3035550'}), '0', 'no number is in the list');
my $free = (grep { $kind{$_} eq 'free' } sort keys %kind)[0];
VapiSales::Test->write_secret($node, 'token_key', 'another key');
my (undef, undef, $err) = $node->psql('calls', "SELECT vapi.vapi_create_call('" . $json->encode({ customer => { number => $free } }) . "')");
like($err, qr/the do-not-call list cannot be read/, 'with another key nobody is called');
like(sql(q{SELECT status || ' ' || detail FROM vapi.health WHERE check_name = 'do_not_call'}), qr/^fail the list cannot be read/, 'health says so');
VapiSales::Test->write_secret($node, 'token_key', 'a key of this test alone');
(undef, undef, $err) = $node->psql('calls', "SELECT vapi.vapi_create_call('" . $json->encode({ customer => { number => $free } }) . "')");
is($err, '', 'with the right one calls go out again');

$node->stop;
done_testing();
