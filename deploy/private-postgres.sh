#!/bin/sh
# Makes a private copy of the installed PostgreSQL 15 in a folder, so that the
# extension can be installed there without touching the system's installation.
#
#   deploy/private-postgres.sh FOLDER
#
# A PostgreSQL program finds its libraries and its share folder relative to
# itself. So the programs are copied, the rest are links, and `make install
# PG_CONFIG=FOLDER/usr/lib/postgresql/15/bin/pg_config` writes into the folder.
set -eu

target=$1
lib=/usr/lib/postgresql/15
share=/usr/share/postgresql/15

# link_entries FROM TO: a link for every entry, but none of ours
link_entries() {
	mkdir -p "$2"
	for entry in "$1"/*; do
		case ${entry##*/} in vapi_sales*) continue ;; esac
		ln -sfn "$entry" "$2/${entry##*/}"
	done
}

# make_real FOLDER FROM: a link becomes a folder that can be written
make_real() {
	[ ! -L "$1" ] || rm "$1"
	link_entries "$2" "$1"
}

mkdir -p "$target$lib/bin"
for program in "$lib"/bin/*; do
	copy=$target$lib/bin/${program##*/}
	cmp -s "$program" "$copy" || cp -L --remove-destination "$program" "$copy"
done
link_entries $lib/lib "$target$lib/lib"
[ ! -d $lib/lib/bitcode ] || make_real "$target$lib/lib/bitcode" $lib/lib/bitcode
link_entries $share "$target$share"
make_real "$target$share/extension" $share/extension
for folder in /usr/lib/*-linux-gnu; do
	ln -sfn "$folder" "$target/usr/lib/${folder##*/}"
done
mkdir -p "$target/usr/include"
ln -sfn /usr/include/postgresql "$target/usr/include/postgresql"
