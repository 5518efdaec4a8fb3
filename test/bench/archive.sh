#!/usr/bin/env bash
# Where archived recordings lie: bytea in parts against files. Both are stored and heard in turn, with the same audio.
#
#   ROUNDS=7 RECORDINGS=24 MB=5 test/bench/archive.sh    so many recordings of so many MB a round
#   PARTS="64 256 1024"                                  sizes of parts in kB that are compared; the last of RANGES is with nginx's slice of 256 kB
#
# Stored: each recording durable before the next (a transaction; a file that is synced and renamed, and its folder). Heard: through nginx,
# after PostgREST has decided, whole by 4 listeners and by ranges of 64 kB by 8. TMPDIR should be on the disk that counts.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=test/bench/web/set-up.sh
. test/bench/web/set-up.sh
rounds=${ROUNDS:-7} recordings=${RECORDINGS:-24} mb=${MB:-5} each=${SECONDS_EACH:-3} port=${PORT:-$((20000 + $$ % 10000))}
read -ra parts <<<"${PARTS:-64 256 1024}"
web_folder
bindir=$work/pg/usr/lib/postgresql/15/bin
trap 'web_end edge-nginx public' EXIT
trap 'exit 130' INT TERM

deploy/private-postgres.sh "$work/pg" || exit 1
make -s install PG_CONFIG="$bindir/pg_config" >"$work/build.log" 2>&1 || die "cannot build, see make"
mkdir "$work/source" "$work/files"
for ((i = 0; i < recordings; i++)); do head -c $((mb * 1024 * 1024)) /dev/urandom >"$work/source/$i"; done
web_files vapi-http api headers proxy problems route recordings recording-route recording-audio
# the same way for files: PostgREST decides, then nginx reads
cat >"$work/files.conf" <<'CONF'
location ~ "^/files/(?<vapi_id>[A-Za-z0-9-]{1,128})$" {
	set $vapi_rec_accept application/json;
	rewrite ^ /rpc/file? break;
	include recording-route.conf;
	proxy_pass http://vapi_public;
	proxy_set_header Authorization $vapi_authorization;
	proxy_set_body '{"id":"$vapi_id"}';
}
CONF
cat >>"$work/files.conf" <<CONF
location /_files/ {
	internal;
	alias $work/files/;
}
CONF
web_nginx api recordings files
web_postgrest public bench
[ "$(id -u)" != 0 ] || chown -R "$(server_user)": "$work"

instance_create "$bindir" "$work/data" "$work" || exit 1
as_server_user tee "$work/data/instance.conf" >/dev/null <<-CONF
	shared_buffers = 512MB
	max_wal_size = 4GB
	vapi_sales.secrets_directory = '$work/secrets'
CONF
instance_start "$bindir" "$work/data" "$work/log" || exit 1
run() { as_server_user env -C / PGHOST="$work" PGUSER=postgres "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
run -d postgres -c 'CREATE DATABASE bench' || exit 1
run -d bench <<'SQL' || exit 1
CREATE EXTENSION vapi_sales;
CREATE ROLE vapi_agent; CREATE ROLE vapi_public_login LOGIN NOINHERIT; GRANT vapi_agent TO vapi_public_login;
SELECT FROM vapi.vapi_grant('vapi_agent', 'agent');
CREATE FUNCTION vapi_edge.file(id text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM vapi_internal.check_recording(id, 'mono');
	PERFORM vapi_internal.set_response_headers(jsonb_build_object('X-Accel-Redirect', '/_files/' || id, 'Content-Type', 'audio/wav'));
	RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION vapi_edge.file TO vapi_agent;
CREATE PROCEDURE public.store(folder text, recordings integer, part_size integer) LANGUAGE plpgsql AS $$
DECLARE
	size bigint;
BEGIN
	FOR i IN 0 .. recordings - 1 LOOP
		size := (pg_stat_file(folder || '/' || i)).size;
		FOR p IN 0 .. (size - 1) / part_size LOOP
			INSERT INTO vapi_internal.archived_recording_part VALUES ('call-' || i, 'mono', p, pg_read_binary_file(folder || '/' || i, p::bigint * part_size, part_size));
		END LOOP;
		INSERT INTO vapi_internal.archived_recording (call_id, kind, call_created_at, status, bytes, part_bytes, media_type, sha256, stored_at)
			VALUES ('call-' || i, 'mono', now(), 'stored', size, part_size, 'audio/wav', sha256(i::text::bytea), now());
		COMMIT;
	END LOOP;
END $$;
SQL
run -d bench -c "INSERT INTO vapi_internal.call (call_id, first_seen_at, created_at, vapi_status, ended_reason, ended_family, ended_status)
	SELECT 'call-' || i, now(), now(), 'ended', 'customer-ended-call', 'completed', 'completed' FROM generate_series(0, $recordings - 1) i" || exit 1

now() { echo "${EPOCHREALTIME/[.,]/}"; }
# rate SECONDS_IN_US: MB a second of all recordings
rate() { awk "BEGIN { printf \"%.0f\", $recordings * $mb * 1000000 / $1 }"; }

# store_parts KB, store_files: microseconds
store_parts() {
	local begin
	run -d bench -c 'TRUNCATE vapi_internal.archived_recording_part, vapi_internal.archived_recording' -c CHECKPOINT
	begin=$(now)
	run -d bench -c "CALL public.store('$work/source', $recordings, $1 * 1024)" || exit 1
	echo $(($(now) - begin))
}
store_files() {
	local begin
	rm -rf "$work/files" && as_server_user mkdir "$work/files"
	begin=$(now)
	# shellcheck disable=SC2016 # perl
	as_server_user perl -MIO::Handle -e '
		my ($from, $to, $count) = @ARGV;
		for my $i (0 .. $count - 1) {
			open my $in, "<:raw", "$from/$i" or die $!;
			open my $out, ">:raw", "$to/new" or die $!;
			while (sysread $in, my $part, 262144) { syswrite $out, $part or die $!; }
			$out->sync or die $!;
			close $out;
			rename "$to/new", "$to/call-$i" or die $!;
			open my $folder, "<", $to or die $!;
			$folder->sync;
		}' "$work/source" "$work/files" "$recordings"
	echo $(($(now) - begin))
}
# heard PATH LISTENERS [RANGE]: requests a second
heard() {
	wrk -t 1 -c "$2" -d "${each}s" --latency -H "Authorization: Bearer $token" ${3:+-H "Range: bytes=$3"} "http://127.0.0.1:$port$1" >"$work/wrk.out"
	! grep -q 'Non-2xx\|Socket errors' "$work/wrk.out" || cat "$work/wrk.out" >&2
	awk '/Requests\/sec/ { rate = $2 } $1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 } END { print rate, p50, p99 }' "$work/wrk.out"
}
# median FILE
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] " (" v[1] " to " v[NR] ")" }'; }

start_postgrest public
start_edge
web_ready /api/session 503
token=$(perl -MDigest::SHA=hmac_sha256 -MMIME::Base64=encode_base64url -e 'my $t = join ".", map { encode_base64url($_) } q({"alg":"HS256","typ":"JWT"}), sprintf q({"role":"vapi_agent","exp":%d}), time + 36000; print "$t." . encode_base64url(hmac_sha256($t, $ARGV[0]))' "$(cat "$work/secrets/jwt_secret")")
web_machine "$recordings recordings of $mb MB, $rounds rounds"
for ((round = 1; round <= rounds; round++)); do
	for size in "${parts[@]}"; do rate "$(store_parts "$size")" >>"$work/store.parts.$size" && echo >>"$work/store.parts.$size"; done
	rate "$(store_files)" >>"$work/store.files" && echo >>"$work/store.files"
done
for size in "${parts[@]}"; do echo "stored, parts of $size kB: $(median "$work/store.parts.$size") MB/s"; done
echo "stored, files: $(median "$work/store.files") MB/s"
for size in "${parts[@]}"; do
	before=$(run -d bench -c 'SELECT pg_current_wal_insert_lsn()')
	store_parts "$size" >/dev/null
	run -d bench -c "SELECT format('parts of $size kB: %s bytes on disk and %s bytes of WAL for a byte of audio', round(pg_total_relation_size('vapi_internal.archived_recording_part')::numeric / ($recordings * $mb * 1048576), 3),
		round((pg_current_wal_insert_lsn() - '$before'::pg_lsn) / ($recordings * $mb * 1048576), 3))"
	for ((round = 1; round <= rounds; round++)); do
		heard /api/vapi/recordings/call-1 4 >>"$work/whole.parts"
		heard /files/call-1 4 >>"$work/whole.files"
		heard /api/vapi/recordings/call-1 8 1000000-1065535 >>"$work/range.parts"
		heard /files/call-1 8 1000000-1065535 >>"$work/range.files"
	done
	for what in whole.parts whole.files range.parts range.files; do
		echo "parts of $size kB, heard, $what: $(median "$work/$what") requests/s, median of p50 $(cut -d' ' -f2 "$work/$what" | sort -V | sed -n "$(((rounds + 1) / 2))p"), of p99 $(cut -d' ' -f3 "$work/$what" | sort -V | sed -n "$(((rounds + 1) / 2))p")"
		rm "$work/$what"
	done
done
before=$(now)
as_server_user env -C / "$bindir/pg_dump" -h "$work" -U postgres -Fc -f "$work/dump" bench
echo "a dump: $(($(stat -c %s "$work/dump") / 1048576)) MB of $((recordings * mb)) MB of audio in $((($(now) - before) / 1000)) ms"
