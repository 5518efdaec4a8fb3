#!/usr/bin/perl
# Looks for what must not be in the project: machine paths, package hosts, what
# looks like a key, phone numbers that could be somebody's.
#   words.pl [file...]   default: every text file below the current folder
#   words.pl --self-test
use strict;
use warnings;
use File::Find;

# Numbers reserved for fiction: NANP 555-0100 to 555-0199, and Ofcom's.
my $fictional = qr/^(?:1\d{3}55501\d{0,2}|44207946\d{4}|447700900\d{3}|441632960\d{3})$/;

my @rules = (
	[ 'a machine path', qr{(?<![\w.-])/(?:work|farm|home/\w+|root/\w+)/} ],
	[ 'a workplace word', qr/bash_job[s]|\.librar[y]\b/ ],
	[ 'a package host', qr/(?:deb|security)\.debian\.[o]rg|registry\.npmj[s]|apt\.postgresql\.[o]rg/ ],
	[   'what looks like a key',
		qr/(?:api[_-]?key|secret|token|bearer)["' :=]+[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i
	],
	[ 'a private key', qr/-----BEGIN [A-Z ]*PRIVATE KEY-----/ ]);

sub complaints
{
	my ($where, $line) = @_;
	my @found;
	for my $rule (@rules)
	{
		push @found, "$where: $rule->[0]" if $line =~ $rule->[1];
	}

	# International notation, and the North American one without the plus.
	while ($line =~ /(?<![\w+.-])(\+[1-9][\d .()-]{6,18}\d|\(?[2-9]\d\d\)?[ .-][2-9]\d\d[ .-]\d{4})(?![\w.])/g)
	{
		my $shown = $1;
		(my $digits = $shown) =~ s/\D//g;
		$digits = "1$digits" unless $shown =~ /^\+/;
		next if length $digits < ($digits =~ /^1/ ? 11 : 8) || length $digits > 15 || $digits =~ $fictional;
		push @found, "$where: a phone number that is not reserved for fiction ($shown)";
	}
	return @found;
}

sub self_test
{
	my @bad = (
		'see /ho' . 'me/ann/x', 'a /wo' . 'rk/main', 'from deb.debian.' . 'org', 'api_key: 0a1b2c3d-' . '0000-4000-8000-0123456789ab',
		'call +1 303 555 2' . '368 now', 'call +14155' . '551234', '"(415) 555-' . '2671"', '-----BEGIN PRIVATE ' . 'KEY-----',
		'+44 2' . '0 7123 4567');
	my @good = (
		'+1 303 555 0142', '+13035550199', '(303) 555-0123', '/homework/', 'id: 0a1b2c3d-0000-4000-8000-0123456789ab',
		'2026-11-22 10:20:30+00', '-2147483648', 'a network/x', '+44 20 7946 0123', '1.25 + 3.5', 'E+10');
	my $wrong = 0;
	for (@bad) { next if complaints('x', $_); print "self-test: nothing found in: $_\n"; $wrong++; }
	for (@good) { my @c = complaints('x', $_) or next; print "self-test: found in: $_: @c\n"; $wrong++; }
	return $wrong;
}

if (@ARGV && $ARGV[0] eq '--self-test')
{
	exit(self_test() ? 1 : 0);
}
my @files = @ARGV;
if (!@files)
{
	find(
		{
			no_chdir => 1,
			wanted => sub {
				return if m{/\.git$} && !-d; # of a linked worktree
				if (-d && m{/(?:\.git|node_modules|\.demo|tmp_check)$}) { $File::Find::prune = 1; return; }
				push @files, $_ if -f && -T _ && !m{/(?:words\.allow|\.git)$};
			}
		},
		'.');
}

# Lines that are right although a rule finds them: "path regular-expression", each with its reason above it.
my @allowed;
if (open my $in, '<', 'test/check/words.allow')
{
	while (<$in>) { push @allowed, [ $1, qr/$2/ ] if /^([^#\s]\S*)\s+(\S.*?)\s*$/; }
	close $in;
}
my $bad = 0;
for my $file (sort @files)
{
	(my $name = $file) =~ s{^\./}{};
	open my $in, '<', $file or next;
	while (my $line = <$in>)
	{
		next if grep { $name eq $_->[0] && $line =~ $_->[1] } @allowed;
		my @found = complaints("$name:$.", $line) or next;
		print "$_\n" for @found;
		$bad += @found;
	}
	close $in;
}
print scalar(@files), " files looked at, $bad complaints\n";
exit($bad ? 1 : 0);
