#!/usr/bin/perl
# Checks that src/ is layered as src/LAYERS says.
#
#   layers.pl [folder]      folder: where src/ is, default .
#   layers.pl --self-test   each rule catches its violation
#
# src/LAYERS has a line "layer kind module [uses module...]" for each module.
# A module includes its own header, headers of lower layers, and those that it
# "uses". Kinds: base and pure need no server, server may use it, spi may also
# run SQL.
use strict;
use warnings;
use File::Temp;

my $max_lines = 600;
my %cjson = map { $_ => 1 } qw(vapi_envelope);
my %versions = map { $_ => 1 } qw(vapi_compat.h);

# What a pure module may take from PostgreSQL; the rest comes through vapi_pure.h.
my %pure_headers = map { $_ => 1 }
  qw(vapi_pure.h vapi_types.h common/jsonapi.h common/fe_memutils.h mb/pg_wchar.h port/pg_bitutils.h port/pg_bswap.h common/hashfn.h);
my %pure_base = map { $_ => 1 } qw(postgres.h postgres_fe.h c.h);

sub read_layers
{
	my ($file) = @_;
	my %modules;
	open my $in, '<', $file or die "$file: $!\n";
	while (<$in>)
	{
		s/#.*//;
		my @words = split;
		next unless @words;
		my ($layer, $kind, $module, $uses, @used) = @words;
		die "$file:$.: want \"layer kind module [uses module...]\"\n"
		  unless defined $module
		  && $layer =~ /^\d+$/
		  && $kind =~ /^(base|pure|server|spi)$/
		  && (!defined $uses || ($uses eq 'uses' && @used));
		die "$file:$.: $module is there twice\n" if $modules{$module};
		$modules{$module} = { layer => $layer, kind => $kind, uses => { map { $_ => 1 } @used } };
	}
	close $in;
	for my $module (keys %modules)
	{
		for my $used (keys %{ $modules{$module}{uses} })
		{
			die "$file: $module uses $used, which is not listed\n" unless $modules{$used};
			die "$file: $module uses $used, which is of a higher layer\n"
			  if $modules{$used}{layer} > $modules{$module}{layer};
		}
	}
	return \%modules;
}

# The complaints about one file.
sub check_file
{
	my ($modules, $path) = @_;
	my @complaints;
	my ($name) = $path =~ m{([^/]+)$};
	my ($module) = $name =~ /^(.*)\.[ch]$/;
	my $self = $modules->{$module} or return ("$path: module $module is not listed in src/LAYERS");
	my $is_pure = $self->{kind} eq 'pure';

	open my $in, '<', $path or die "$path: $!\n";
	while (<$in>)
	{
		my $where = "$path:$.";
		push @complaints, "$where: only vapi_compat.h knows versions"
		  if /\b(PG_VERSION_NUM|LIBCURL_VERSION_NUM|PG_MAJORVERSION_NUM)\b/ && !$versions{$name};
		next unless /^\s*#\s*include\s*([<"])([^>"]+)[>"]/;
		my ($quote, $header) = ($1, $2);

		push @complaints, "$where: only vapi_envelope.c includes cJSON"
		  if $header =~ /cJSON/i && !($cjson{$module} && $name =~ /\.c$/);
		push @complaints, "$where: a $self->{kind} module runs no SQL ($header)"
		  if $header =~ m{^executor/spi} && $self->{kind} ne 'spi';

		if ($header =~ /^(vapi_\w+)\.h$/)
		{
			my $other = $modules->{$1};
			next if $1 eq $module;
			if (!$other) { push @complaints, "$where: $header is not listed in src/LAYERS"; }
			elsif ($other->{layer} > $self->{layer}
				|| ($other->{layer} == $self->{layer} && !$self->{uses}{$1}))
			{
				push @complaints,
				  "$where: $module (layer $self->{layer}) includes $header (layer $other->{layer})";
			}
			elsif ($is_pure && $other->{kind} ne 'pure')
			{
				push @complaints, "$where: pure $module includes $header, which is not pure";
			}
		}
		elsif ($is_pure && $quote eq '"' && !$pure_headers{$header})
		{
			push @complaints, "$where: pure $module includes $header"
			  unless $module eq 'vapi_pure' && $pure_base{$header};
		}
	}
	push @complaints, "$path: $. lines, at most $max_lines" if $. > $max_lines;
	close $in;
	return @complaints;
}

sub check_tree
{
	my ($folder) = @_;
	my $modules = read_layers("$folder/src/LAYERS");
	my @files = sort glob("$folder/src/*.c $folder/src/*.h");
	my @complaints = map { check_file($modules, $_) } @files;
	return (scalar @files, @complaints);
}

sub write_file
{
	my ($path, $text) = @_;
	open my $out, '>', $path or die "$path: $!\n";
	print $out $text;
	close $out;
}

# Each case is a tree that breaks one rule (or none).
sub self_test
{
	my $layers = <<'END';
0 base vapi_compat
0 pure vapi_pure
1 pure vapi_low
1 server vapi_guc
2 server vapi_http uses vapi_envelope
2 server vapi_envelope
2 spi vapi_store
END
	my @cases = (
		[ undef, 'vapi_low.c', qq(#include "vapi_low.h"\n#include "vapi_pure.h"\n#include <string.h>\n) ],
		[ undef, 'vapi_http.c', qq(#include "postgres.h"\n#include "vapi_envelope.h"\n#include <curl/curl.h>\n) ],
		[ undef, 'vapi_store.c', qq(#include "executor/spi.h"\n#include "vapi_guc.h"\n) ],
		[ undef, 'vapi_envelope.c', qq(#include <cjson/cJSON.h>\n) ],
		[ undef, 'vapi_compat.h', qq(#if PG_VERSION_NUM < 160000\n#endif\n) ],
		[ qr/not listed/, 'vapi_other.c', '' ],
		[ qr/not listed/, 'vapi_http.c', qq(#include "vapi_other.h"\n) ],
		[ qr/layer 1.*layer 2/, 'vapi_guc.c', qq(#include "vapi_http.h"\n) ],
		[ qr/layer 2.*layer 2/, 'vapi_envelope.c', qq(#include "vapi_http.h"\n) ],
		[ qr/not pure/, 'vapi_low.c', qq(#include "vapi_compat.h"\n) ],
		[ qr/pure vapi_low includes postgres.h/, 'vapi_low.c', qq(#include "postgres.h"\n) ],
		[ qr/pure vapi_low includes utils/, 'vapi_low.h', qq(#include "utils/builtins.h"\n) ],
		[ qr/runs no SQL/, 'vapi_http.c', qq(#include "executor/spi.h"\n) ],
		[ qr/cJSON/, 'vapi_http.c', qq(#include <cjson/cJSON.h>\n) ],
		[ qr/cJSON/, 'vapi_envelope.h', qq(#include "cJSON.h"\n) ],
		[ qr/versions/, 'vapi_http.c', qq(#if PG_VERSION_NUM > 1\n#endif\n) ],
		[ qr/versions/, 'vapi_http.h', qq(#if LIBCURL_VERSION_NUM > 1\n#endif\n) ],
		[ qr/601 lines/, 'vapi_http.c', "\n" x 601 ],
		[ undef, 'vapi_http.c', "\n" x 600 ]);
	my $bad = 0;
	for my $case (@cases)
	{
		my ($expected, $name, $text) = @$case;
		my $folder = File::Temp->newdir;
		mkdir "$folder/src" or die $!;
		write_file("$folder/src/LAYERS", $layers);
		write_file("$folder/src/$name", $text);
		my (undef, @complaints) = check_tree($folder);
		my $right = defined $expected ? @complaints == 1 && $complaints[0] =~ $expected : !@complaints;
		next if $right;
		$bad++;
		print "self-test: $name wanted ", $expected // 'nothing', ", got: @complaints\n";
	}
	return $bad;
}

my $argument = shift @ARGV // '.';
if ($argument eq '--self-test')
{
	exit(self_test() ? 1 : 0);
}
my ($files, @complaints) = check_tree($argument);
print "$_\n" for @complaints;
print "$files files follow src/LAYERS\n" unless @complaints;
exit(@complaints ? 1 : 0);
