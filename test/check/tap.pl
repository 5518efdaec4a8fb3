#!/usr/bin/perl
# Runs tests that speak TAP and writes counts for the summary of make check, and
# the names of the tests that died to RESULTS.died.
#   tap.pl RESULTS [--exec] [-I folder]... test...
# --exec: the tests are programs, not Perl scripts.
use strict;
use warnings;
use TAP::Harness;

my ($results, @tests, @lib, $exec);
$results = shift @ARGV;
while (defined(my $arg = shift @ARGV))
{
	if ($arg eq '--exec') { $exec = 1; }
	elsif ($arg eq '-I') { push @lib, shift @ARGV; }
	else { push @tests, $arg; }
}

my $harness = TAP::Harness->new(
	{
		lib => \@lib,
		timer => 1,
		failures => 1,
		errors => 1,
		color => 0,
		($exec ? (exec => []) : ())
	});

my ($passed, $failed, $skipped, @died) = (0, 0, 0);
$harness->callback(
	after_test => sub {
		my ($job, $parser) = @_;
		my $bad = () = $parser->failed;

		# A script that dies or has a wrong plan fails even when each test passed.
		$bad++ if !$bad && $parser->has_problems;
		push @died, ref $job eq 'ARRAY' ? $job->[0] : $job if $parser->parse_errors;
		my $good = () = $parser->passed;
		my $left_out = () = $parser->skipped;
		$passed += $good - $left_out;
		$failed += $bad;
		$skipped += $left_out + ($parser->skip_all ? 1 : 0);
	});
$harness->runtests(@tests);

open my $names, '>', "$results.died" or die "$results.died: $!";
print $names "$_\n" for @died;
close $names;
open my $out, '>>', $results or die "$results: $!";
print $out "pass\n" x $passed, "fail\n" x $failed, "skip\n" x $skipped;
close $out;
exit($failed ? 1 : 0);
