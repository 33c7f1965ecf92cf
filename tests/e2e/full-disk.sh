#!/bin/bash
# On a full disk micad refuses to issue, goes on reading, and takes up its work when there is space; nothing is issued
# unrecorded. The disk is a small tmpfs; where mounting takes privileges, in a user namespace of its own.
if [ "$(id -u)" -ne 0 ] && [ -z "${MICA_UNSHARED:-}" ] && unshare -rm true 2>/dev/null; then
	MICA_UNSHARED=1 exec unshare -rm bash "$0"
fi
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq sqlite3

small=$work/small
mkdir "$small"
mount -t tmpfs -o size=3m,mode=700 none "$small" 2>"$work/mount.err" ||
	skip_all "no tmpfs can be mounted here: $(head -n 1 "$work/mount.err")"
mounts+=("$small")
state=$small/state
start_ca
make_csr "$work/a.csr" "$work/a.key" a.internal DNS:a.internal
csr_body "$work/a.csr" >"$work/a.json"
fill() {
	dd if=/dev/zero of="$small/ballast" bs=4k 2>/dev/null
	! df --output=avail "$small" | tail -n 1 | grep -q '[1-9]'
}
not_ready() {
	anon GET /readyz
	[ "$status" = 503 ] && [ "$(field .reason)" = store ]
}

op POST /v1/certificates "${json[@]}" --data-binary "@$work/a.json"
answered "before the disk is full" 201
field .serial >"$work/answered"
check "the disk is full" fill
for _ in $(seq 400); do
	op POST /v1/certificates "${json[@]}" --data-binary "@$work/a.json"
	[ "$status" = 201 ] || break
	field .serial >>"$work/answered"
done
problem "full: an issuance" 503 store-full
like "full: with Retry-After" "$(header Retry-After)" '^[0-9]+$'
op POST /v1/tokens "${json[@]}" --data-binary '{"dns":["a.internal"]}'
problem "full: a token" 503 store-full
op GET '/v1/certificates?limit=1'
answered "full: reading goes on" 200
anon GET /healthz
answered "full: micad lives" 200
check "full: readyz says so" await 15 not_ready
rm "$small/ballast"
check "space again: ready" await 15 is_ready
op POST /v1/certificates "${json[@]}" --data-binary "@$work/a.json"
answered "space again: issuance goes on" 201
field .serial >>"$work/answered"
fill
stop_ca KILL
rm "$small/ballast"
check "killed on a full disk, micad starts again" serve_ca
check "the records can be read" on_record
is "what was answered is on record, and nothing else" "$(sort "$work/answered" | comm -3 - "$work/record" | wc -l)" 0
is "the database is sound" "$(sqlite3 "$state/mica.db" 'PRAGMA integrity_check')" ok
stop_ca

# ---- init on a disk that is too small ----
state=$small/second
fill
truncate -s -60K "$small/ballast"
check_fails "init on a full disk fails" "$micad" init --state "$state" --key-type ec:p256 --root-key-type ec:p256
rm "$small/ballast"
check "and with space again it succeeds" "$micad" init --state "$state" --key-type ec:p256 --root-key-type ec:p256
plan
