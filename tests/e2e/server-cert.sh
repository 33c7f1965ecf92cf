#!/bin/bash
# micad's own certificate is renewed while it runs, and, if it ran out while micad was down, before it listens.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq
clock_setup || skip_all "faketime is not installed: the clock cannot be turned"

ca_env=("${clock[@]}")
client_env=("${clock_foreign[@]}")

served() { # the certificate that micad shows now, to FILE
	openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -out "$1" 2>/dev/null
}
serial_of() {
	openssl x509 -in "$1" -noout -serial
}
renewed() { # is another certificate than FILE served?
	served "$work/now.crt" && [ "$(serial_of "$work/now.crt")" != "$(serial_of "$1")" ]
}

start_ca
check "the certificate is served" served "$work/first.crt"
is "for thirty days" "$(($(date -d "$(openssl x509 -in "$work/first.crt" -noout -enddate | cut -d= -f2)" +%s) / 86400))" \
	"$((($(date +%s) + 30 * 86400) / 86400))"
is "with micad's names" "$(openssl x509 -in "$work/first.crt" -noout -ext subjectAltName | sed 1d | tr -d ' ')" "DNS:localhost,IPAddress:127.0.0.1"
first_pid=$micad_pid

# A connection that stands before the renewal serves after it.
{
	printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
	await 50 test -e "$work/renewed"
	printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
} | timeout 60 openssl s_client -quiet -connect "127.0.0.1:$port" >"$work/open" 2>/dev/null &
pipe_pid=$!
own
await 10 test -s "$work/open"

echo '+15d' >"$work/clock"
sleep 6 # longer than micad waits between two looks
served "$work/early.crt"
is "half-way through its life it stays" "$(serial_of "$work/early.crt")" "$(serial_of "$work/first.crt")"
echo '+21d' >"$work/clock"
check "before it ends it is renewed in place" await 45 renewed "$work/first.crt"
cp "$work/now.crt" "$work/second.crt"
is "by the same process" "$(alive "$first_pid" && echo alive)" alive
anon GET /readyz
answered "a client on that day believes the new one" 200
is "which has the same names" "$(openssl x509 -in "$work/second.crt" -noout -ext subjectAltName)" \
	"$(openssl x509 -in "$work/first.crt" -noout -ext subjectAltName)"
like "and another key" "$(openssl x509 -in "$work/second.crt" -noout -pubkey | cmp - <(openssl x509 -in "$work/first.crt" -noout -pubkey) 2>&1)" differ
touch "$work/renewed"
end "$pipe_pid" 0
is "the connection from before the renewal is still served" "$(grep -ac 'HTTP/1.1 200' "$work/open")" 2
op GET /v1/whoami
answered "the admin's context works with the new one" 200
stop_ca
is "and micad ends cleanly" "$?" 0

serve_ca
served "$work/third.crt"
is "a restart keeps it" "$(serial_of "$work/third.crt")" "$(serial_of "$work/second.crt")"
stop_ca

# ---- expired while micad was down ----
echo '+200d' >"$work/clock"
serve_ca
check "micad starts on a day when its certificate is long expired" alive "$micad_pid"
served "$work/fourth.crt"
check "and shows a new one from the first connection on" test "$(serial_of "$work/fourth.crt")" != "$(serial_of "$work/second.crt")"
anon GET /v1/trust-bundle
answered "which a client on that day believes" 200
op GET /v1/whoami
problem "the admin's own has expired" 401 certificate-expired
make_csr "$work/a.csr" "$work/a.key" a.internal DNS:a.internal
stop_ca

# ---- a clock that went back before the CA was made ----
echo '-40d' >"$work/clock"
env "${ca_env[@]}" "$micad" serve --state "$state" --listen "127.0.0.1:$port" >>"$work/back.log" 2>&1 &
back=$!
own
sleep 2
if alive "$back"; then
	is "a clock before the CA's time: not ready, because of the clock" \
		"$(curl -sk "https://127.0.0.1:$port/readyz" | jq -r .reason)" clock
	end "$back"
else
	like "a clock before the CA's time: micad says so and does not start" "$(cat "$work/back.log")" clock
fi
echo '+200d' >"$work/clock"
check "with the right clock it starts again" serve_ca
stop_ca

# ---- a clock that was ahead for a while, and was put right ----
echo '+0d' >"$work/clock"
serve_ca
anon GET /readyz
is "a clock put back by 200 days: ready" "$status $(field .status)" "200 ready"
like "and the log says what happened" "$(cat "$work"/*.log)" 'the clock went back by 172[0-9]{5} s'
make_token '{"dns":["a.internal"]}'
csr_body "$work/a.csr" >"$work/a.json"
bearer "$token" POST /v1/certificates "${json[@]}" --data-binary "@$work/a.json"
answered "and certificates are issued" 201
stop_ca
plan
