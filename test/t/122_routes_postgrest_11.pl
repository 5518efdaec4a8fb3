# The routes of 120_routes.pl, with PostgREST 11.2.2.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use PostgreSQL::Test::Cluster; # what it has to do before the program runs
use PostgreSQL::Test::Utils;

BEGIN { $ENV{VAPI_TEST_POSTGREST} = 11; }
my $test = File::Spec->rel2abs(dirname(__FILE__)) . '/120_routes.pl';
do $test // die $@ || "$test: $!";
