#!/bin/bash
# Clients that stall, drip, idle or send garbage cost micad next to nothing, meet its deadlines, and never end it.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl node

start_ca
now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# ---- a header at an octet a second, begun now and looked at in the end: its deadline is 30 seconds ----
node "$MICA_SOURCE/tests/e2e/clients.js" drip "$port" 60 >"$work/drip" 2>&1 &
drip=$!
own
node "$MICA_SOURCE/tests/e2e/clients.js" drip-body "$port" 60 >"$work/drip-body" 2>&1 &
drip_body=$!
own

# ---- stalled handshakes ----
node "$MICA_SOURCE/tests/e2e/clients.js" stall "$port" 20 >"$work/stall" 2>&1 &
stall=$!
own
await 10 grep -q connected "$work/stall"
sleep 0.5
before=$(cpu_ticks "$micad_pid")
sleep 3
used=$(($(cpu_ticks "$micad_pid") - before))
below "20 stalled handshakes: ticks of 10 ms in 3 s" "$used" 4
anon GET /healthz
answered "a well-behaved client beside them is served" 200
end "$stall" 0
like "a stalled handshake is ended by its deadline of 10 s" "$(tail -n 1 "$work/stall")" '^closed 20 within (9|1[0-4])\.[0-9] s$'

# ---- handshake messages that never end ----
node "$MICA_SOURCE/tests/e2e/clients.js" flood "$port" 20 >"$work/flood" 2>&1 &
flood=$!
own
end_of_flood() { grep -q '^closed 20 ' "$work/flood"; }
check "20 who announce a ClientHello of 16 MB are cut at once, not at a deadline" await 5 end_of_flood
end "$flood"
anon GET /healthz
answered "and a client beside them is served" 200

# ---- idle connections ----
node "$MICA_SOURCE/tests/e2e/clients.js" idle "$port" 200 >"$work/idle" 2>&1 &
idle=$!
own
check "200 idle connections stand" await 20 grep -q 'connected 200' "$work/idle"
sleep 0.5
before=$(cpu_ticks "$micad_pid")
sleep 2
below "200 idle connections: ticks of 10 ms in 2 s" $(($(cpu_ticks "$micad_pid") - before)) 4
begin=$(now_ms)
anon GET /readyz
answered "a client beside them is served" 200
below "within milliseconds" $(($(now_ms) - begin)) 2000
end "$idle"

# ---- half-closed, plain HTTP, garbage ----
is "a request whose sender closes its half is answered" "$(node "$MICA_SOURCE/tests/e2e/clients.js" half-closed "$port" 1 2>&1)" "HTTP/1.1 200"
plain=$(curl -sS --max-time 15 "http://127.0.0.1:$port/healthz" 2>&1)
like "plain HTTP on the TLS port gets no answer" "$plain" '^curl: \((1|52|56)\)'
for i in 1 2 3 4 5 6; do
	head -c $((i * 700)) /dev/urandom >"$work/garbage"
	timeout 5 bash -c "cat '$work/garbage' >/dev/tcp/127.0.0.1/$port" 2>/dev/null
done
(exec 8<>"/dev/tcp/127.0.0.1/$port") # opened and closed at once
anon GET /readyz
answered "after garbage micad answers" 200

# ---- mutated requests ----
make_key "$work/key.pem"
make_csr "$work/m.csr" "$work/key.pem" m.internal DNS:m.internal
csr_body "$work/m.csr" >"$work/m.json"
make_token '{"dns":["m.internal"],"uses":1000}'
printf '%s' "$token" >"$work/token"
node "$MICA_SOURCE/tests/e2e/mutate.js" "$port" "$work/m.json" "$work/token" "$state/admin" 2000 >"$work/mutate" 2>&1
is "2,000 mutated requests were sent" "$? $(sed -n 's/^sent \([0-9]*\).*/\1/p' "$work/mutate")" "0 2000"
diag "$(cat "$work/mutate")"
is "none was answered by a 500" "$(grep -c '^500' "$work/mutate")" 0
anon GET /readyz
answered "micad is ready still" 200
check "and is the same process" alive "$micad_pid"
op POST /v1/certificates "${json[@]}" --data-binary "@$work/m.json"
answered "and issues" 201

# ---- the drips ----
end "$drip" 0
like "a header at an octet a second is cut by the deadline of 30 s" "$(tail -n 1 "$work/drip")" '^closed 1 within (29|3[0-9])\.[0-9] s$'
end "$drip_body" 0
like "and a body too" "$(tail -n 1 "$work/drip-body")" '^closed 1 within (29|3[0-9])\.[0-9] s$'
stop_ca
is "SIGTERM ends it cleanly" "$?" 0

# ---- at the limit of connections ----
serve_ca --max-connections 20
node "$MICA_SOURCE/tests/e2e/clients.js" idle "$port" 19 >"$work/most" 2>&1 &
most=$!
own
await 10 grep -q 'connected 19' "$work/most"
node "$MICA_SOURCE/tests/e2e/clients.js" idle "$port" 1 >"$work/last" 2>&1 &
last=$!
own
await 10 grep -q 'connected 1' "$work/last"
sleep 1
is "at a limit of 20, 20 idle clients and the listener keep their sockets" \
	"$(find "/proc/$micad_pid/fd" -lname 'socket:*' | wc -l)" 21
end "$most"
end "$last"
node "$MICA_SOURCE/tests/e2e/clients.js" stall "$port" 40 >"$work/crowd" 2>&1 &
crowd=$!
own
sleep 1.2
begin=$(now_ms)
for i in 1 2 3; do
	anon GET /healthz --max-time 8
	answered "beside 40 who stall at a limit of 20: client $i is served" 200
done
below "in milliseconds, all three" $(($(now_ms) - begin)) 6000
end "$crowd"
stop_ca
plan
