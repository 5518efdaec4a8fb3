#!/usr/bin/env bash
# deploy/demo/reset-password.sh LOGIN: gives an account of the demo a new password, which is printed once and must be
# changed when it signs in. Its sessions end.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/lib.sh
. deploy/lib.sh
# shellcheck source=deploy/demo/stack.sh
. deploy/demo/stack.sh
[ $# = 1 ] || die "usage: $0 LOGIN"
database=$(cat "$stack/database" 2>/dev/null) || die "there is no demo in $stack: run make demo"
stack_psql -At -q -d "$database" -v login="$1" <<<"SELECT vapi.vapi_reset_password(:'login')"
