#!/usr/bin/perl
# Runs tests that speak TAP and writes counts for the summary of make check, and
# the names of the tests that died to RESULTS.died.
#   tap.pl RESULTS [--exec] [--again] [-I folder]... test...
# --exec: the tests are programs, not Perl scripts.
# --again: where one or two tests fail, they are run twice more, by themselves; whoever passes both counts as passed, and
# is told of. So a race that a crowded machine loses is seen without stopping everything, and a defect still fails.
use strict;
use warnings;
use TAP::Harness;

my ($results, @tests, @lib, $exec, $again);
$results = shift @ARGV;
while (defined(my $arg = shift @ARGV))
{
	if ($arg eq '--exec') { $exec = 1; }
	elsif ($arg eq '--again') { $again = 1; }
	elsif ($arg eq '-I') { push @lib, shift @ARGV; }
	else { push @tests, $arg; }
}

# Runs tests; returns [passed, failed, skipped] a test, and notes those that died.
my @died;

sub run
{
	my %counts;
	my $harness = TAP::Harness->new(
		{
			lib => \@lib,
			timer => 1,
			failures => 1,
			errors => 1,
			color => 0,
			($exec ? (exec => []) : ())
		});
	$harness->callback(
		after_test => sub {
			my ($job, $parser) = @_;
			my $name = ref $job eq 'ARRAY' ? $job->[0] : $job;
			my $bad = () = $parser->failed;

			# A script that dies or has a wrong plan fails even when each test passed.
			$bad++ if !$bad && $parser->has_problems;
			push @died, $name if $parser->parse_errors;
			my $good = () = $parser->passed;
			my $left_out = () = $parser->skipped;
			$counts{$name} = [ $good - $left_out, $bad, $left_out + ($parser->skip_all ? 1 : 0) ];
		});
	$harness->runtests(@_);
	return %counts;
}

# The same in a folder of its own: what the test made before is still there.
sub run_apart
{
	my ($time, @tests) = @_;
	local $ENV{TESTDIR} = "$ENV{TESTDIR}/again$time";
	local $ENV{TESTDATADIR} = "$ENV{TESTDIR}/tmp_check";
	local $ENV{TESTLOGDIR} = "$ENV{TESTDATADIR}/log";
	mkdir $_ for @ENV{qw(TESTDIR TESTDATADIR)};
	return run(@tests);
}

my %counts = run(@tests);
my @bad = grep { $counts{$_}[1] } sort keys %counts;
if ($again && @bad && @bad <= 2)
{
	for my $test (@bad)
	{
		my @more = map { +{ run_apart($_, $test) } } 1 .. 2;
		next if grep { !$_->{$test} || $_->{$test}[1] } @more;
		print "passed only when run again: $test\n";
		$counts{$test} = $more[1]{$test};
	}
}
my ($passed, $failed, $skipped) = (0, 0, 0);
for (values %counts)
{
	$passed += $_->[0];
	$failed += $_->[1];
	$skipped += $_->[2];
}

open my $names, '>', "$results.died" or die "$results.died: $!";
print $names "$_\n" for @died;
close $names;
open my $out, '>>', $results or die "$results: $!";
print $out "pass\n" x $passed, "fail\n" x $failed, "skip\n" x $skipped;
close $out;
exit($failed ? 1 : 0);
