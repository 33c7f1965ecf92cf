#!/bin/bash
# A token is used once: racing requests with different keys get one certificate in all, the same key always gets the same
# one; tokens for several keys, removal, listing, and a maker who lost the right.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq

start_ca
racers=40

body_for() { # NUMBER: a key, a CSR and a body of its own
	make_csr "$work/$1.csr" "$work/$1.key" web.internal DNS:web.internal
	csr_body "$work/$1.csr" >"$work/$1.json"
}

redeem() { # NUMBER [TOKEN]
	bearer "${2:-$token}" POST /v1/certificates "${json[@]}" --data-binary "@$work/$1.json"
}

# One curl sends all bodies at once, each over a connection of its own; the answers go to race.NUMBER.
race() { # BODY…
	local body n=0
	rm -f "$work"/race.*
	for body in "$@"; do
		n=$((n + 1))
		cat <<-CONFIG
		url = "$url/v1/certificates"
		cacert = "$state/admin/ca.crt"
		header = "Authorization: Bearer $token"
		header = "Content-Type: application/json"
		data-binary = "@$body"
		output = "$work/race.$n"
		write-out = "%{http_code}\n"
		silent
		next
		CONFIG
	done | sed '$d' >"$work/race.conf"
	curl --parallel --parallel-immediate --parallel-max "$racers" --max-time 60 -K "$work/race.conf" >"$work/race.status" 2>"$work/curl.err"
}

count() { # STATUS: how many of the last race got it
	grep -c "^$1$" "$work/race.status"
}

for i in $(seq "$racers"); do
	body_for "$i"
done

# ---- once, and again with the same key ----
make_token '{"dns":["web.internal"]}'
answered "a token" 201
is "a token is for one use, an hour and the service profile" \
	"$(field '[.uses, .uses_left, .profile, .tenant, .operator, (.dns | join(" "))] | map(tostring) | join(",")')" \
	"1,1,service,default,admin,web.internal"
is "and ends in an hour" "$(field '(.expires | fromdate) - (.created | fromdate)')" 3600
redeem 1
answered "the token gives a certificate" 201
serial=$(field .serial)
location=$(header Location)
is "which Location leads to" "$location" "/v1/certificates/$serial"
is "the certificate begins its own lineage" "$(field .lineage)" "$serial"
certificate=$(field .certificate)
redeem 1
answered "the same token with the same key again" 201
is "gives the same certificate" "$(field .serial) $(field .certificate)" "$serial $certificate"
openssl req -new -key "$work/1.key" -subj /CN=web.internal -addext subjectAltName=DNS:web.internal -out "$work/again.csr"
csr_body "$work/again.csr" >"$work/again.json"
redeem again
is "also with another CSR of that key" "$status $(field .serial)" "201 $serial"
redeem 2
problem "another key" 409 token-replayed

# ---- races ----
for round in 1 2 3; do
	make_token '{"dns":["web.internal"]}'
	# shellcheck disable=SC2046
	race $(printf "$work/%d.json " $(seq "$racers"))
	is "race $round, $racers keys on one token: one certificate, the others replayed" "$(count 201) $(count 409)" "1 $((racers - 1))"
	op GET '/v1/certificates?limit=500&profile=service'
	is "race $round: one more on record" "$(field '.certificates | length')" "$((round + 1))"
done
for _ in 1 2; do
	make_token '{"dns":["web.internal"]}'
	# shellcheck disable=SC2046
	race $(for _ in $(seq "$racers"); do echo "$work/1.json"; done)
	is "race, one key $racers times: all are answered" "$(count 201)" "$racers"
	is "with the same serial number" "$(jq -r .serial "$work"/race.[0-9]* | sort -u | wc -l)" 1
done
op GET '/v1/certificates?limit=500&profile=service'
is "and one certificate each is on record" "$(field '.certificates | length')" 6
make_token '{"dns":["web.internal"],"uses":7}'
# shellcheck disable=SC2046
race $(printf "$work/%d.json " $(seq "$racers"))
is "race on a token for seven: seven certificates" "$(count 201) $(count 409)" "7 $((racers - 7))"

# ---- several uses ----
make_token '{"dns":["web.internal"],"uses":3}'
for i in 1 2 3; do
	redeem "$i"
	answered "use $i of 3" 201
done
redeem 4
problem "a fourth key" 409 token-replayed
redeem 2
answered "one of the three again" 201
op GET '/v1/tokens?limit=500'
is "the listing counts the uses" "$(field ".tokens[] | select(.id == \"$token_id\") | [.uses, .uses_left] | map(tostring) | join(\",\")")" 3,0
is "and shows no token" "$(field '[.tokens[] | has("token")] | any')" false

# ---- several at once in different keys of different lifetimes, paged ----
for _ in 1 2 3 4 5; do
	make_token '{"dns":["page.internal"]}'
done
op GET '/v1/tokens?limit=500'
field '.tokens[].id' >"$work/all"
: >"$work/paged"
cursor=
for _ in $(seq 20); do
	op GET "/v1/tokens?limit=3${cursor:+&cursor=$cursor}"
	field '.tokens[].id' >>"$work/paged"
	cursor=$(field '.next // empty')
	[ -n "$cursor" ] || break
done
check "pages of three hold the same tokens in the same order" cmp "$work/all" "$work/paged"
check "more than a page of them" test "$(wc -l <"$work/all")" -gt 6

# ---- removal ----
make_token '{"dns":["web.internal"],"uses":2}'
redeem 1
answered "before its removal" 201
op DELETE "/v1/tokens/$token_id"
answered "removal" 204
op DELETE "/v1/tokens/$token_id"
answered "removal again" 204
redeem 2
problem "a removed token, another key" 401 token-removed
redeem 1
problem "a removed token, the key that it enrolled" 401 token-removed

# ---- a maker who lost the right ----
make_operator "$work/second" second
answered "an admin makes a second operator" 201
with "$work/second" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["web.internal"],"uses":3}'
answered "who makes a token" 201
orphan=$(field .token)
is "as whom it is on record" "$(field .operator)" second
redeem 3 "$orphan"
answered "with which a service enrols" 201
if command -v sqlite3 >/dev/null; then
	sqlite3 "$state/mica.db" "PRAGMA busy_timeout = 5000; UPDATE operators SET removed_at = 1 WHERE name = 'second'" >/dev/null
	redeem 4 "$orphan"
	problem "a token whose maker was removed" 401 token-maker-removed
	with "$work/second" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["web.internal"]}'
	problem "who makes no more" 401 operator-removed
else
	skip "a token whose maker was removed" "sqlite3 is not installed"
fi

# ---- a retry after revocation ----
make_token '{"dns":["web.internal"],"uses":2}'
redeem 6 "$token"
answered "a key enrols" 201
op POST "/v1/certificates/$(field .serial)/revoke" "${json[@]}" --data-binary '{}'
redeem 6 "$token"
problem "what was revoked is not handed out again" 401 certificate-revoked
redeem 7 "$token"
answered "another key still enrols" 201

# ---- more names than a header carries ----
op POST /v1/tokens "${json[@]}" --data-binary "$(jq -nc '{dns: [range(90) | "a-rather-long-name-of-a-service-number-\(.).internal"]}')"
problem "a token that could not be sent" 403 too-many-names
op POST /v1/tokens "${json[@]}" --data-binary "$(jq -nc '{dns: [range(60) | "a-rather-long-name-of-a-service-number-\(.).internal"]}')"
answered "one that can" 201
long=$(field .token)
make_csr "$work/long.csr" "$work/1.key" '' DNS:a-rather-long-name-of-a-service-number-7.internal
csr_body "$work/long.csr" >"$work/long.json"
bearer "$long" POST /v1/certificates "${json[@]}" --data-binary "@$work/long.json"
answered "is taken" 201

# ---- a maker whose key leaked: what was made with it goes with it ----
make_operator "$work/third" third
answered "an admin makes a third operator" 201
third=$(<"$work/third/serial")
with "$work/third" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["web.internal"]}'
answered "who makes a token" 201
stolen=$(field .token)
op POST "/v1/certificates/$third/revoke" "${json[@]}" --data-binary '{"reason":"keyCompromise"}'
answered "the third operator's certificate is revoked" 200
redeem 5 "$stolen"
problem "the token made with it" 401 token-removed

# ---- what a token makes is not an operator ----
make_token '{"dns":["web.internal"]}'
csr_body "$work/second/csr" '{"profile":"operator"}' >"$work/second/body"
bearer "$token" POST /v1/certificates "${json[@]}" --data-binary "@$work/second/body"
like "no token makes an operator" "$status $(field .code)" '^403 (profile-refused|forbidden)$'
stop_ca
plan
