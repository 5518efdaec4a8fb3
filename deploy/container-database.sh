#!/bin/sh
# Starts the server of the database image (deploy/Containerfile); makes the cluster and the database "calls" when the volume is empty.
# Settings are arguments: -c vapi_sales.public_url=https://calls.example.com
set -eu
bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/data/cluster
if [ ! -e "$data/PG_VERSION" ]; then
	$bin/initdb -D "$data" -A peer -E UTF8 --locale=C.UTF-8 --no-instructions
	# only the superuser may see what is in it until it is complete
	$bin/pg_ctl -D "$data" -w -s -o "-c listen_addresses='' -c unix_socket_directories='$data'" start
	$bin/psql -X -q -h "$data" -d postgres -c 'CREATE DATABASE calls'
	$bin/psql -X -q -h "$data" -d calls -c 'CREATE EXTENSION vapi_sales'
	$bin/pg_ctl -D "$data" -w -s -m fast stop
fi
exec $bin/postgres -D "$data" -c listen_addresses= -c unix_socket_directories=/run/postgresql -c shared_preload_libraries=vapi_sales \
	-c vapi_sales.databases=calls -c vapi_sales.secrets_directory=/etc/vapi_sales "$@"
