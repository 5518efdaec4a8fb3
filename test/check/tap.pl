#!/usr/bin/perl
# Runs tests that speak TAP and writes counts for the summary of make check.
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

my %skipped_all;
$harness->callback(after_test => sub {
		my ($job, $parser) = @_;
		my $name = ref $job eq 'ARRAY' ? $job->[0] : $job;
		$skipped_all{$name} = $parser->skip_all if $parser->skip_all;
	});
my $aggregate = $harness->runtests(@tests);

my $failed = 0;
for my $parser ($aggregate->parsers)
{
	my $bad = () = $parser->failed;

	# A script that dies or has a wrong plan fails even when each test passed.
	$bad++ if !$bad && $parser->has_problems;
	$failed += $bad;
}
my $skipped = () = $aggregate->skipped;
my $count = scalar($aggregate->skipped);
$skipped = $count if $count > $skipped;
my $passed = $aggregate->passed - $skipped;
$skipped += keys %skipped_all;

open my $out, '>>', $results or die "$results: $!";
print $out "pass\n" x $passed, "fail\n" x $failed, "skip\n" x $skipped;
close $out;
exit($failed ? 1 : 0);
