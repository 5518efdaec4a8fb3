# The merge gives one final row for any observations in any order, the row that
# the rules of docs/data-model.md name. Random sets of observations of one call
# each are merged in several orders and cuts; a reference that shares nothing
# with the merge says what the rows must be.
#
#   VAPI_MERGE_SETS  how many sets (2000)
#   VAPI_MERGE_SEED  of the random sets and orders (1)
use strict;
use warnings;
use List::Util qw(max shuffle sum0 uniq);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use VapiSales::MergeReference;
use VapiSales::Observations;
use VapiSales::Test;

my $count = $ENV{VAPI_MERGE_SETS} // 2000;
my $seed = $ENV{VAPI_MERGE_SEED} // 1;
note("$count sets, seed $seed");
my $begin = time();
my $begin_phase = $begin;
sub note_time { my ($what) = @_; note(sprintf('%s: %.1f s', $what, time() - $begin_phase)); $begin_phase = time(); return; }

# Text is compared in the order of bytes, so the database's own order must be another.
my $node = VapiSales::Test->node('merge', init => { extra => [ '--locale-provider=icu', '--icu-locale=en' ] });
is($node->safe_psql('calls', q{SELECT 'a' < 'B', 'a' COLLATE "C" < 'B'}), 't|f', 'the database orders text otherwise than C');
my $folder = PostgreSQL::Test::Utils::tempdir();

# run_script(sql...): what psql prints; dies on an error.
sub run_script
{
	my $path = "$folder/script.sql";
	open my $out, '>:raw', $path or die "$path: $!";
	print $out "SET timezone = 'UTC';\n", map { "$_;\n" } @_;
	close $out;
	my ($stdout, $stderr) = run_command(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('calls'), '-f', $path ]);
	die substr($stderr, 0, 2000) if $stderr =~ /ERROR|FATAL|PANIC/;
	return split /\n/, $stdout;
}

# The statement that merges elements, given as JSON.
sub merge_sql
{
	return 'SELECT * FROM vapi_internal.merge_observations($json$[' . join(",\n", @_) . ']$json$)';
}

# The same of each by itself, the way an event goes; in a session of its own, since one keeps statements of
# so many sets of groups only, and what is beyond goes another way.
sub merge_each_sql
{
	return "\\c\n" . 'SELECT sum(m.created), sum(m.changed) FROM unnest(ARRAY[' . join(",\n", map { '$json$[' . $_ . ']$json$' } @_)
	  . ']::jsonb[]) WITH ORDINALITY AS e(observation, place) CROSS JOIN LATERAL vapi_internal.merge_observations(e.observation) AS m';
}

# { call_id => line } of a table.
sub read_table
{
	my ($table, @columns) = @_;
	my $path = "$folder/$table.rows";
	run_script("\\copy (SELECT " . join(', ', @columns) . " FROM vapi_internal.$table) TO '$path'");
	open my $in, '<:raw', $path or die "$path: $!";
	my %rows;
	while (my $line = <$in>)
	{
		chomp $line;
		$rows{ substr($line, 0, index($line, "\t")) } = $line;
	}
	close $in;
	return \%rows;
}

srand($seed);
my @sets = map { VapiSales::Observations->draw_set } 1 .. $count;
my @ids = map { sprintf 'call-%05d', $_ } 1 .. $count;
note_time('drawn');

# Hashes of large values, and the remainders of payloads, from calls that one
# observation alone has made; the reference cannot compute these.
my %payload_of;
for my $observation (map { @{ $_->{observations} } } map { @$_ } @sets)
{
	$payload_of{ $observation->{raw} } = 1 if defined $observation->{raw};
}
my @payloads = sort keys %payload_of;
run_script(merge_sql(map { VapiSales::Observations->json($payloads[$_], "lone-$_") } 0 .. $#payloads));
my (%raw, %hash);
my $unequal_hashes = 0;
{
	my @columns = VapiSales::MergeReference->content_columns;
	my $rows = read_table('call_content', @columns);
	for my $i (0 .. $#payloads)
	{
		my %row;
		@row{@columns} = map { VapiSales::MergeReference::unescaped($_) } split /\t/, $rows->{"lone-$i"}, -1;
		for my $group (grep { exists $row{"h_$_"} && defined $row{$_} } @columns)
		{
			my $known = $hash{$group}{ $row{$group} } //= $row{"h_$group"};
			$unequal_hashes++ if $known ne $row{"h_$group"};
		}
		$raw{ $payloads[$i] } = $row{raw};
	}
}
is($unequal_hashes, 0, 'equal values have equal hashes');
note_time(@payloads . ' payloads learned');

my $reference = VapiSales::MergeReference->new(hash => \%hash, raw => \%raw);
my (%expected_call, %expected_content);
for my $i (0 .. $#sets)
{
	my ($call, $content) = $reference->rows($ids[$i], [ map { @{ $_->{observations} } } @{ $sets[$i] } ]);
	$expected_call{ $ids[$i] } = $call;
	$expected_content{ $ids[$i] } = $content if defined $content;
}
note_time('reference');

# What makes the sets worth merging must be there, and often.
my %situations;
for my $set (@sets)
{
	my %found = $reference->situations($set);
	$situations{$_} += $found{$_} ? 1 : 0 for keys %found;
}
for my $situation (sort keys %situations)
{
	cmp_ok($situations{$situation}, '>=', max(1, int($count / 100)), "sets with $situation");
	note("$situations{$situation} sets with $situation");
}
note_time('situations');

# Orders and cuts: a list of statements, each a list of elements' JSON.
sub cut
{
	my ($order, $size) = @_;
	my @statements;
	for my $i (0 .. $#sets)
	{
		my @elements = $order->(@{ $sets[$i] });
		my $number = 0;
		while (@elements)
		{
			push @{ $statements[ $number++ ] }, map { VapiSales::Observations->json($_, $ids[$i]) } splice @elements, 0, $size->();
		}
	}
	return @statements;
}
my %orders = (
	'as drawn, in one statement' => sub { return cut(sub { @_ }, sub { 1000 }); },
	'backwards, one observation a statement' => sub { return cut(sub { reverse @_ }, sub { 1 }); },
	'shuffled, one observation a statement' => sub { return cut(sub { shuffle(@_) }, sub { 1 }); },
	'shuffled, one call at a time' => sub {
		my @elements = map { @$_ } cut(sub { shuffle(@_) }, sub { 1 });
		my @statements;
		push @statements, [ splice @elements, 0, max(25, int($count / 8)) ] while @elements;
		return @statements;
	},
	'shuffled, in random pieces' => sub { return cut(sub { shuffle(@_) }, sub { 1 + int rand 5 }); },
	'shuffled, some delivered again' => sub { return cut(sub { shuffle(@_, grep { rand() < 0.3 } @_) }, sub { 1 + int rand 3 }); });

# compare(what, expected, got): one test; tells the first differences column by column.
sub compare
{
	my ($what, $expected, $got, @columns) = @_;
	my @wrong = grep { ($expected->{$_} // '') ne ($got->{$_} // '') } sort(uniq(keys %$expected, keys %$got));
	is(scalar(@wrong), 0, $what) and return;
	for my $id (@wrong[ 0 .. ($#wrong < 4 ? $#wrong : 4) ])
	{
		my @e = split /\t/, $expected->{$id} // '', -1;
		my @g = split /\t/, $got->{$id} // '', -1;
		my @different = grep { ($e[$_] // '') ne ($g[$_] // '') } 0 .. $#columns;
		diag("$id: $columns[$_] should be " . substr($e[$_] // 'missing', 0, 200) . ', is ' . substr($g[$_] // 'missing', 0, 200))
		  for @different[ 0 .. ($#different < 5 ? $#different : 5) ];
	}
	return;
}

my @call_columns = VapiSales::MergeReference->call_columns;
my @content_columns = VapiSales::MergeReference->content_columns;
my %rows_of;
for my $order (sort keys %orders)
{
	srand($seed . length $order);
	my @statements = $orders{$order}->();
	my $merge = $order =~ /one call at a time/ ? \&merge_each_sql : \&merge_sql;
	my @counts = run_script('TRUNCATE vapi_internal.call, vapi_internal.call_content', map { $merge->(@$_) } @statements);
	is(sum0(map { (split /\|/)[0] } @counts), $count, "$order: each call is created once");
	my $call = read_table('call', @call_columns);
	my $content = read_table('call_content', @content_columns);
	compare("$order: rows of call", \%expected_call, $call, @call_columns);
	compare("$order: rows of call_content", \%expected_content, $content, @content_columns);
	$rows_of{ $ids[$_] }{ join "\n", $call->{ $ids[$_] } // '', $content->{ $ids[$_] } // '' } = 1 for 0 .. $#ids;
	note_time($order . ', ' . @statements . ' statements');
}
my $one = grep { keys %$_ == 1 } values %rows_of;
is($one, $count, keys(%orders) . " orders: one final row of each call ($one of $count)");

# All of it once more changes nothing, and writes nothing.
my $versions = q{SELECT md5(string_agg(concat_ws(' ', t.tableoid, t.call_id, t.xmin, t.ctid), ',' ORDER BY t.tableoid, t.call_id))
	FROM (SELECT tableoid, call_id, xmin, ctid FROM vapi_internal.call
		UNION ALL SELECT tableoid, call_id, xmin, ctid FROM vapi_internal.call_content) t};
my $queues = 'SELECT (SELECT count(*) FROM vapi_internal.rollup_dirty), (SELECT count(*) FROM vapi_internal.change_pending)';
my @before = run_script($versions, $queues);
my ($again) = run_script(merge_sql(map { my $i = $_; map { VapiSales::Observations->json($_, $ids[$i]) } shuffle(@{ $sets[$i] }) } 0 .. $#sets));
is($again, "0|0|$count|0", 'everything once more: every call unchanged');
is_deeply([ run_script($versions, $queues) ], \@before, 'everything once more: no row is written, nothing is queued');
note_time('once more');

$node->stop;
note(sprintf('in all %.1f s', time() - $begin));
done_testing();
