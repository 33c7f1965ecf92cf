#!/bin/bash
# What was answered is on record, whatever happens: micad killed under load, stopped under load, a second micad, and a
# locked database.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq sqlite3
load=$MICA_BUILD/contrib/bench/load
[ -x "$load" ] || skip_all "contrib/bench/load is not built"

start_ca
make_csr "$work/a.csr" "$work/a.key" a.internal DNS:a.internal
csr_body "$work/a.csr" >"$work/a.json"

lost() { # how many serials of the file are not on record
	sort "$1" | comm -23 - "$work/record" | wc -l
}

start_load() { # SERIALS-FILE: in the background; goes on until the connection ends
	: >"$1"
	"$load" --home "$state/admin" --url "$url" --connections 8 --requests 1000000 --keys 40 --serials "$1" --json \
		>"$work/load.json" 2>"$work/load.log" &
	load_pid=$!
	own
	await 30 test -s "$1"
}

# ---- killed under load, three times ----
: >"$work/answered"
for round in 1 2 3; do
	start_load "$work/round"
	sleep "0.$((RANDOM % 6 + 2))"
	stop_ca KILL
	end "$load_pid" 0
	cat "$work/round" >>"$work/answered"
	check "round $round: micad starts again after kill -9" serve_ca
done
check "the records can be read" on_record
check "certificates were answered before micad was killed" test "$(wc -l <"$work/answered")" -gt 30
is "every one of them is on record" "$(lost "$work/answered")" 0
is "none twice" "$(sort "$work/answered" | uniq -d | wc -l)" 0
is "the database is sound" "$(sqlite3 "$state/mica.db" 'PRAGMA integrity_check; PRAGMA foreign_key_check;')" ok

# ---- a second micad on the same state ----
"$micad" serve --state "$state" --listen 127.0.0.1:0 >"$work/second.out" 2>&1 &
second=$!
own
end "$second" 0
rc=$?
check "a second micad on the same state is refused ($rc)" test "$rc" -ne 0 -a "$rc" -lt 128
like "and says why" "$(cat "$work/second.out")" 'another micad|state-locked|holds'
admin=$(sha256sum <"$state/admin/tls.crt")
"$micad" init --state "$state" >"$work/again.out" 2>&1
like "a second init beside it is refused or changes nothing" "$?" '^[01]$'
is "the admin's context stays" "$(sha256sum <"$state/admin/tls.crt")" "$admin"

# ---- stopped under load ----
on_record
cp "$work/record" "$work/before"
start_load "$work/stopped"
sleep 0.5
stop_ca TERM
is "SIGTERM under load ends micad with 0" "$?" 0
check "a second init changes nothing and says so" "$micad" init --state "$state"
is "the admin's context stays" "$(sha256sum <"$state/admin/tls.crt")" "$admin"
end "$load_pid" 0
serve_ca
on_record
is "no answer was cut" "$(jq ".levels[0].cut" "$work/load.json")" 0
# A client that the machine held up for longer than micad waits for idle connections sends into one that is closed: HTTP
# has no remedy (RFC 9112, section 9.5). That is one connection of the eight in a bad moment, not all of them.
below "a request that no answer came to is rare" "$(jq ".levels[0].unanswered" "$work/load.json")" 3
is "every certificate answered is on record" "$(lost "$work/stopped")" 0
comm -13 "$work/before" "$work/record" >"$work/new"
is "and every certificate on record was answered" "$(comm -23 "$work/new" <(sort "$work/stopped") | wc -l)" 0
diag "$(wc -l <"$work/stopped") answered before"

# ---- the database locked from outside, and a short queue ----
stop_ca
serve_ca --queue 4
mkfifo "$work/sql"
sqlite3 "$state/mica.db" <"$work/sql" >"$work/sql.out" 2>&1 &
sql_pid=$!
own
exec 7>"$work/sql"
echo '.timeout 5000
BEGIN IMMEDIATE; SELECT "locked";' >&7
await 10 grep -q locked "$work/sql.out"
anon GET /v1/trust-bundle
answered "locked: what needs no write is answered" 200
for i in $(seq 20); do
	cat <<-CONFIG
	url = "$url/v1/certificates"
	cacert = "$state/admin/ca.crt"
	cert = "$state/admin/tls.crt"
	key = "$state/admin/tls.key"
	header = "Content-Type: application/json"
	data-binary = "@$work/a.json"
	output = "$work/queued.$i"
	write-out = "%{http_code} %header{retry-after}\n"
	silent
	next
	CONFIG
done | sed '$d' >"$work/queue.conf"
curl --parallel --parallel-immediate --parallel-max 20 --max-time 60 -K "$work/queue.conf" >"$work/queue.status" 2>/dev/null &
curl_pid=$!
own
began=$SECONDS
await 10 sh -c "cat '$work'/queued.* | grep -q overloaded"
op POST /v1/certificates "${json[@]}" --data-binary "@$work/a.json"
problem "locked: one more while the queue is full" 503 overloaded
end "$curl_pid" 0
below "locked: all are answered within seconds" $((SECONDS - began)) 20
is "locked: twenty at once are all refused, each with Retry-After" "$(grep -c '^503 [0-9]' "$work/queue.status")" 20
like "locked: what the queue of four cannot hold is refused as overloaded, the rest as store-unavailable" \
	"$(jq -r .code "$work"/queued.* | sort | uniq -c | sed "s/^ *//" | paste -sd,)" "^1[6-9] overloaded,[1-4] store-unavailable$"
await 15 sh -c "[ \"\$(curl -s -o /dev/null -w '%{http_code}' --cacert '$state/admin/ca.crt' '$url/readyz')\" = 503 ]"
anon GET /readyz
is "locked: readyz says so" "$status $(field .reason)" "503 store"
anon GET /healthz
answered "locked: healthz stays" 200
echo 'ROLLBACK;' >&7
exec 7>&-
end "$sql_pid" 0
op POST /v1/certificates "${json[@]}" --data-binary "@$work/a.json"
answered "unlocked: issuance goes on" 201
check "unlocked: ready again" await 15 is_ready

# ---- a disk that takes 14 seconds for one commit ----
issue_timed() { # OUT: "STATUS SECONDS CODE"
	curl -s --max-time 40 --cacert "$state/admin/ca.crt" --cert "$state/admin/tls.crt" --key "$state/admin/tls.key" "${json[@]}" \
		--data-binary "@$work/a.json" -o "$1.body" -w '%{http_code} %{time_total}' "$url/v1/certificates" >"$1.status"
	sed 's/\.[0-9]*$//' "$1.status" >"$1"
	jq -r '" " + (.code // "-")' "$1.body" >>"$1"
}
traced() { # is every thread of micad?
	[ "$(cat /proc/"$micad_pid"/task/*/status | grep -c '^TracerPid:[^0-9]*0$')" = 0 ]
}
slow_disk() { # false when it was micad's own heartbeat that met the slow disk first
	strace -f -q -e trace=fdatasync,fsync -e inject=fdatasync,fsync:delay_enter=14000000:when=1 -p "$micad_pid" \
		-o "$work/slow.trace" 2>/dev/null &
	strace_pid=$!
	own
	await 10 traced
	issue_timed "$work/first" &
	first_pid=$!
	own
	sleep 0.5
	issue_timed "$work/second"
	issue_timed "$work/third"
	end "$first_pid" 0
	issue_timed "$work/fourth"
	end "$strace_pid"
	grep -q '^201' "$work/first"
}
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	slow_disk || slow_disk || slow_disk
	like "a slow disk: who was first gets a certificate" "$(paste -sd' ' "$work/first")" '^201 1[0-9] +-$'
	like "a slow disk: who waits in vain is told so in time" "$(paste -sd' ' "$work/second")" '^503 (9|10|11|12) +overloaded$'
	like "a slow disk: who would wait in vain is told at once" "$(paste -sd' ' "$work/third")" '^503 0 +overloaded$'
	like "a disk in health: issuance goes on" "$(paste -sd' ' "$work/fourth")" '^201 '
else
	skip "a slow disk" "strace is not installed, or not permitted here"
fi
stop_ca

plan
