#!/bin/bash
# A tenant's life: what it may be called and may have, made once whoever asks at once, whole or not at all whatever ends
# micad; its ceiling, quotas and suffixes set while it is in use; and removed, to the last certificate.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq sqlite3

start_ca --key-type ec:p256 --root-key-type ec:p256
export MICA_HOME=$state/admin
tenants=/v1/tenants
ec='{"key_type": "ec:p256", "root_key_type": "ec:p256"}'

rc=
run() { # ARGUMENT…: mica as the admin; leaves $rc, $work/out and $work/err
	"$mica" "$@" >"$work/out" 2>"$work/err"
	rc=$?
}
exits() { # DESCRIPTION STATUS [REGEX]: of the last run
	like "$1" "$rc $(cat "$work/out" "$work/err" | tr '\n' ' ')" "^$2 .*${3:-}"
}
create() { # JSON
	op POST $tenants "${json[@]}" --data-binary "$(jq -nc "$ec + $1")"
}
set_tenant() { # NAME JSON
	op PATCH "$tenants/$1" "${json[@]}" --data-binary "$2"
}
refused() { # DESCRIPTION JSON STATUS CODE
	create "$2"
	problem "$1" "$3" "$4"
}
sql() {
	sqlite3 "$state/mica.db" "PRAGMA busy_timeout = 10000; $1" | tail -n +2
}
rows() { # how many rows there are of what a creation writes
	sql 'SELECT (SELECT count(*) FROM tenants) || " " || (SELECT count(*) FROM authorities) || " " || (SELECT count(*) FROM sealing_keys)' 2>/dev/null ||
		echo unknown
}
verified() { # DESCRIPTION DIRECTORY CA
	check "$1" openssl verify -x509_strict -no-CApath -no-CAstore -CAfile "$3" -untrusted "$2/tls.crt" "$2/tls.crt"
}
n=0
get() { # SAN [JSON [CN]]: a certificate for a key of its own, by the admin; in $dir
	n=$((n + 1))
	dir=$work/c$n
	issue "$dir" "${3:--}" "$1" "${2:-{\}}"
}

# ---- what it may be called ----
before=$(rows)
run tenant create ''
exits "no name" 3 invalid-argument
for bad in Blue 1blue blue_1 blue.1 blue/1 'blue 1' "$(printf 'b%.0s' {1..41})" bläu '../default' system; do
	run tenant create "$bad"
	exits "the name ${bad:0:40}" 3 invalid-argument
done
run tenant create default
exits "the name default" 3 already-exists
refused "a name that begins with a dash" '{"name": "-blue"}' 400 invalid-argument
refused "a name that is a number" '{"name": 7}' 400 field-invalid
refused "a name with a NUL" '{"name": "bl\u0000ue"}' 400 json-malformed
refused "no name at all" '{}' 400 field-missing
refused "a field that nobody knows" '{"name": "blue", "colour": "blue"}' 400 field-unknown
refused "a quota that nobody knows" '{"name": "blue", "quotas": {"a_week": 1}}' 400 field-unknown
op POST $tenants "${json[@]}" --data-binary '{"name": "blue", "name": "green"}'
problem "two names" 400 json-malformed
op POST $tenants "${json[@]}" --data-binary '["blue"]'
like "a list instead" "$status $(field .code)" '^400 (json-malformed|field-)'

# ---- what it may have ----
for bad in '["in_ternal"]' '["*.internal"]' '["-a.internal"]' '["a..internal"]' '["10.0.0.1"]' '["a internal"]'; do
	refused "the suffixes $bad" "{\"name\": \"blue\", \"dns_suffixes\": $bad}" 400 name-malformed
done
for bad in '["10.0.0.0/33"]' '["10.0.0.0/-1"]' '["10.0.0/8"]' '["10.0.0.1/8"]' '["fd00::/129"]' '["web.internal"]' '["*"]' '["10.0.0.0/"]'; do
	refused "the ranges $bad" "{\"name\": \"blue\", \"ip_ranges\": $bad}" 400 name-malformed
done
for bad in '"blue_.example.org"' '"*.example.org"' '"Blue.example.org"' '"spiffe://example.org"' '"example.org:1"' '"example.org."' '""'; do
	refused "the trust domain $bad" "{\"name\": \"blue\", \"trust_domain\": $bad}" 400 name-malformed
done
for bad in '{"dns_suffixes": "internal"}' '{"dns_suffixes": [""]}' '{"dns_suffixes": [7]}' '{"dns_suffixes": ["a\nb"]}' \
	'{"ip_ranges": {}}' '{"trust_domain": 7}' '{"allow": "email"}' '{"allow": ["everything"]}' '{"allow": [1]}' \
	'{"max_lifetime": "1m"}' '{"max_lifetime": "399d"}' '{"max_lifetime": 30}' '{"max_lifetime": "soon"}' '{"quotas": 7}' \
	'{"quotas": {"alive": -1}}' '{"quotas": {"alive": 1.5}}' '{"quotas": {"alive": "7"}}' '{"quotas": {"per_minute": 1e30}}' \
	'{"key_type": "rsa:1024"}' '{"key_type": 2048}' \
	'{"lifetime": "-1d"}' '{"lifetime": "for ever"}' '{"root_lifetime": "101y"}' '{"lifetime": "0d"}' '{"lifetime": 3}'; do
	refused "$bad" "{\"name\": \"blue\"} + $bad" 400 field-invalid
done
refused "a key that no chain may have" '{"name": "blue", "key_type": "ed25519"}' 400 invalid-argument
refused "nor a root" '{"name": "blue", "root_key_type": "ed25519"}' 400 invalid-argument
refused "an issuer that outlives its root" '{"name": "blue", "lifetime": "2y", "root_lifetime": "1y"}' 400 invalid-argument
refused "an issuer of an hour" '{"name": "blue", "lifetime": "1h"}' 400 invalid-argument
refused "ranges without end" '{"name": "blue", "ip_ranges": [range(300) | "10.\(. % 250).\(. / 250 | floor).0/24"]}' 400 field-invalid
refused "suffixes without end" '{"name": "blue", "dns_suffixes": [range(300) | "a\(.).internal"]}' 400 field-invalid
refused "a body without end" '{"name": "blue", "dns_suffixes": [range(3000) | "a\(.).internal"]}' 413 body-large
run tenant create blue --key-type ed25519
exits "the same by mica" 3 ed25519
run tenant create blue --max-alive -1
exits "and what a number is" 2
is "of all that, nothing is on record" "$(rows)" "$before"

create '{"name": "blue", "dns_suffixes": ["blue.internal", "Blue.internal", "common.internal"], "ip_ranges": ["10.1.0.0/16", "10.1.0.0/16"],
	"trust_domain": "blue.example.org"}'
answered "a tenant" 201
is "at its place" "$(header Location)" $tenants/blue
is "what is said twice stands once" "$(field '[.dns_suffixes, .ip_ranges] | flatten | join(" ")')" "blue.internal common.internal 10.1.0.0/16"
refused "its name, once more" '{"name": "blue"}' 409 already-exists
refused "another tenant's trust domain" '{"name": "green", "trust_domain": "blue.example.org"}' 409 already-exists
create '{"name": "green", "trust_domain": "green.example.org", "lifetime": "30d", "root_lifetime": "60d"}'
answered "another tenant" 201
is "with the lifetimes asked for" "$(field '[.root, .issuer] | map((.not_after | fromdate) - now | . / 86400 | round) | join(" ")')" "60 30"
set_tenant green '{"trust_domain": "blue.example.org"}'
problem "nor does a change take another's trust domain" 409 already-exists
op GET $tenants/green
is "nor anything else" "$(field .trust_domain)" green.example.org

# ---- who may ----
for role in tenant-admin operator auditor; do
	make_operator "$work/$role" "$role-of-blue" $role '{"tenant": "blue"}'
	answered "an operator of blue: $role" 201
	with "$work/$role" POST $tenants "${json[@]}" --data-binary "$(jq -nc "$ec + {name: \"red\"}")"
	problem "$role makes no tenant" 403 forbidden
	with "$work/$role" PATCH $tenants/blue "${json[@]}" --data-binary '{"max_lifetime": "100d"}'
	problem "$role sets nothing" 403 forbidden
	with "$work/$role" DELETE $tenants/blue
	problem "$role removes nothing" 403 forbidden
	with "$work/$role" GET "$tenants?removed=true"
	is "$role sees its own only" "$status $(field '[.tenants[].name] | join(" ")')" "200 blue"
done
get DNS:web.blue.internal '{"tenant": "blue"}'
cp -r "$dir" "$work/service"
with "$work/service" POST $tenants "${json[@]}" --data-binary '{"name": "red"}'
problem "a service makes none" 403 forbidden
with "$work/service" PATCH $tenants/blue "${json[@]}" --data-binary '{}'
problem "and sets none" 403 forbidden
anon DELETE $tenants/blue
problem "nor does a stranger" 401 credentials-missing

# ---- two at once ----
race() { # COUNT METHOD PATH BODY…: COUNT requests at once; the statuses, sorted, in $raced
	local i count=$1 method=$2 path=$3
	shift 3
	for i in $(seq "$count"); do
		cat <<-CONFIG
		url = "$url$path"
		request = "$method"
		cacert = "$state/admin/ca.crt"
		cert = "$state/admin/tls.crt"
		key = "$state/admin/tls.key"
		header = "Content-Type: application/json"
		data-binary = "@$work/race.body.$((i > $# ? $# : i))"
		output = "$work/race.$i"
		write-out = "%{http_code}\n"
		silent
		next
		CONFIG
		[ "$i" -gt $# ] || printf '%s' "${!i}" >"$work/race.body.$i"
	done | sed '$d' >"$work/race.conf"
	raced=$(curl --parallel --parallel-immediate --parallel-max "$count" --max-time 60 -K "$work/race.conf" 2>"$work/curl.err" | sort | paste -sd' ')
}
race 8 POST $tenants "$(jq -nc "$ec + {name: \"red\"}")"
is "of eight that make one tenant at once one does" "$raced" "201 409 409 409 409 409 409 409"
race 2 POST $tenants "$(jq -nc "$ec + {name: \"t-one\", trust_domain: \"t.example.org\"}")" \
	"$(jq -nc "$ec + {name: \"t-two\", trust_domain: \"t.example.org\"}")"
is "and of two that take one trust domain, one" "$raced" "201 409"
race 12 PATCH $tenants/red '{"max_lifetime": "20d"}' '{"quotas": {"alive": 900}}' '{"quotas": {"per_minute": 800}}' \
	'{"dns_suffixes": ["red.internal"]}' '{"ip_ranges": ["10.2.0.0/16"]}' '{"trust_domain": "red.example.org"}' \
	'{"allow": ["wildcards"]}' '{"quotas": {"identity_alive": 700}}' '{"quotas": {"identity_per_minute": 600}}' '{}' '{}' '{}'
is "twelve changes at once" "$raced" "200 200 200 200 200 200 200 200 200 200 200 200"
op GET $tenants/red
is "are all in force" "$(field '[.max_lifetime, .quotas.alive, .quotas.per_minute, .quotas.identity_alive, .quotas.identity_per_minute,
	.dns_suffixes[], .ip_ranges[], .trust_domain, .allow[]] | map(tostring) | join(" ")')" \
	"20d 900 800 700 600 red.internal 10.2.0.0/16 red.example.org wildcards"
issuer=$(field .issuer.fingerprint)
settings=$(field 'del(.root, .issuer, .name, .created, .removed, .revoking)')
set_tenant red "$settings"
is "with nothing changed the issuer stays as it is" "$status $(field .issuer.fingerprint)" "200 $issuer"
set_tenant red '{}'
is "nor does an empty change do anything" "$status $(field .issuer.fingerprint)" "200 $issuer"
set_tenant red '{"max_lifetime": "21d", "allow": [], "quotas": null}'
is "nor does one that is not of names" "$status $(field '[.issuer.fingerprint, .max_lifetime] | join(" ")')" "200 $issuer 21d"
set_tenant red '{"max_lifetime": "22d", "dns_suffixes": ["in_ternal"]}'
problem "a change is made as a whole" 400 name-malformed
set_tenant violet-not '{}'
problem "nor is there a change of nothing" 404 not-found
set_tenant red '{"name": "redder"}'
problem "a name is not to be changed" 400 field-unknown
op GET $tenants/red
is "or not at all" "$(field '[.max_lifetime, .dns_suffixes[]] | join(" ")')" "21d red.internal"
get DNS:web.red.internal '{"tenant": "red"}'
verified "it issues after all that" "$dir" <(anon GET '/v1/trust-bundle?tenant=red'; cat "$work/body")

get DNS:web.red.internal '{"tenant": "red", "profile": "nothing"}'
problem "a profile that is not there" 404 profile-unknown
like "which says where those of the tenant stand" "$(field .next)" 'mica policy export'
set_tenant t-one '{"trust_domain": null, "dns_suffixes": null, "ip_ranges": null, "allow": null, "max_lifetime": null, "quotas": {"alive": null}}'
[ "$status" = 200 ] || set_tenant t-two '{"trust_domain": null, "dns_suffixes": null, "ip_ranges": null, "allow": null, "max_lifetime": null}'
is "null is what a new one has" "$status $(field '[.trust_domain, .dns_suffixes, .ip_ranges, .max_lifetime, .quotas.alive] | tostring')" \
	'200 [null,[],[],"90d",null]'
doomed=$(field .name)
race 7 DELETE "$tenants/$doomed" '' '' '' '' '' '' ''
is "of seven that remove it at once one does" "$raced" "204 410 410 410 410 410 410"

# ---- without the master key ----
before=$(rows)
mv "$state/master.key" "$work/master.key"
refused "no tenant without the master key" '{"name": "violet"}' 500 master-key-missing
set_tenant red '{"dns_suffixes": []}'
problem "nor other suffixes" 500 master-key-missing
set_tenant red '{"max_lifetime": "23d"}'
answered "what needs no certificate needs no key" 200
is "nothing of it is on record" "$(rows)" "$before"
op GET $tenants/red
is "nor in force" "$(field '.dns_suffixes[]')" red.internal
get DNS:other.red.internal '{"tenant": "red"}'
is "certificates are issued meanwhile" "$status" 201
openssl rand -hex 32 >"$state/master.key"
refused "no tenant that another master key has sealed" '{"name": "violet"}' 500 master-key-wrong
set_tenant red '{"dns_suffixes": []}'
problem "nor other suffixes" 500 master-key-wrong
is "nothing of it is on record" "$(rows)" "$before"
mv "$work/master.key" "$state/master.key"
create '{"name": "violet"}'
answered "when it is back, the name is free" 201
stop_ca
check "and micad starts with it" serve_ca

# ---- killed while one is made ----
halves=
round=0
for pause in 0.02 0.2 0.7 1.5; do
	round=$((round + 1))
	curl -s -o "$work/made" -w '%{http_code}' --max-time 30 --cacert "$state/admin/ca.crt" --cert "$state/admin/tls.crt" \
		--key "$state/admin/tls.key" "${json[@]}" -d "{\"name\": \"killed-$round\", \"root_key_type\": \"rsa:4096\", \"key_type\": \"ec:p256\"}" \
		"$url$tenants" >"$work/made.status" &
	pid=$!
	own
	sleep $pause
	stop_ca KILL
	end "$pid" 0
	[ "$(sql "SELECT count(*) FROM tenants t WHERE t.id > 2 AND ((SELECT count(*) FROM authorities a WHERE a.tenant_id = t.id) <> 2 OR
		(SELECT count(*) FROM sealing_keys k WHERE k.tenant_id = t.id) <> 2)")" = 0 ] || halves="$halves $round:rows"
	serve_ca || halves="$halves $round:start"
	op GET "$tenants/killed-$round"
	there=$status
	[ "$(<"$work/made.status")" != 201 ] || [ "$there" = 200 ] || halves="$halves $round:lost"
	create "{\"name\": \"killed-$round\"}"
	case $there:$status in
	404:201 | 200:409) ;;
	*) halves="$halves $round:$there:$status" ;;
	esac
	diag "killed after $pause s: there is $([ "$there" = 200 ] && echo one || echo none)"
	get DNS:a.internal "{\"tenant\": \"killed-$round\"}" || halves="$halves $round:issue:$status"
done
is "killed at any moment, the tenant is there whole or not at all" "$halves" ""

# ---- suffixes come and go ----
anon GET '/v1/trust-bundle?tenant=blue'
cp "$work/body" "$work/blue.crt"
get DNS:old.blue.internal,IP:10.1.0.1 '{"tenant": "blue"}' old.blue.internal
old=$dir
make_token '{"tenant": "blue", "dns": ["web.common.internal"]}'
answered "a token for a name that is about to go" 201
going=$token
run tenant set blue --dns-suffix blue.internal --dns-suffix azure.internal --ip-range '' --json
is "a suffix comes, another goes, and the ranges" "$rc $(jq -c '[.dns_suffixes, .ip_ranges]' "$work/out")" \
	'0 [["blue.internal","azure.internal"],[]]'
get DNS:new.azure.internal '{"tenant": "blue"}'
answered "a name below the new one is granted" 201
new=$dir
anon GET '/v1/trust-bundle?tenant=blue'
check "the roots stay" cmp "$work/body" "$work/blue.crt"
verified "a certificate of before is good with its chain" "$old" "$work/blue.crt"
verified "and so is one of now with its own" "$new" "$work/blue.crt"
check_fails "the chains differ" cmp <(awk '/BEGIN/ { n++ } n > 1' "$old/tls.crt") <(awk '/BEGIN/ { n++ } n > 1' "$new/tls.crt")
for name in DNS:web.common.internal DNS:common.internal DNS:xblue.internal IP:10.1.0.1; do
	get "$name" '{"tenant": "blue"}'
	problem "$name is none of its names any more" 403 name-refused
done
make_csr "$work/going.csr" "$work/going.key" - DNS:web.common.internal
csr_body "$work/going.csr" >"$work/going.json"
bearer "$going" POST /v1/certificates "${json[@]}" --data-binary "@$work/going.json"
problem "not with a token of before either" 403 name-refused
make_token '{"tenant": "blue", "dns": ["web.common.internal"]}'
problem "nor is there a new token for it" 403 name-refused
set_tenant blue '{"dns_suffixes": ["blue.internal", "azure.internal", "common.internal"]}'
bearer "$going" POST /v1/certificates "${json[@]}" --data-binary "@$work/going.json"
answered "refused, the token was not spent: the suffix is back" 201

# ---- the ceiling ----
make_token '{"tenant": "blue", "dns": ["*.blue.internal", "a.blue.internal"], "uses": 9}'
wild=$token
by_token() { # TOKEN SAN JSON [CN [KEY]]: for a key of its own, or the one given
	n=$((n + 1))
	make_csr "$work/t.csr" "${5:-$work/t$n.key}" "${4:--}" "$2"
	csr_body "$work/t.csr" "$3" >"$work/t.json"
	bearer "$1" POST /v1/certificates "${json[@]}" --data-binary "@$work/t.json"
}
by_token "$wild" 'DNS:*.blue.internal' '{}'
answered "wildcards are granted as long as nobody says otherwise" 201
get DNS:a.blue.internal '{"tenant": "blue", "ttl": "90d"}'
answered "and 90 days" 201
run tenant set blue --max-lifetime 2d --allow ''
exits "closer bounds" 0
get DNS:a.blue.internal '{"tenant": "blue", "ttl": "49h"}'
like "an operator gets no longer lifetime" "$status $(field .code)" '^403 (ttl-refused|ceiling-exceeded)$'
by_token "$wild" DNS:a.blue.internal '{"ttl": "49h"}'
like "nor does a token" "$status $(field .code)" '^403 (ttl-refused|ceiling-exceeded)$'
by_token "$wild" DNS:a.blue.internal '{}'
is "without a wish it is cut" "$status $(field '((.not_after | fromdate) - now) / 3600 | round')" "201 48"
get 'DNS:*.blue.internal' '{"tenant": "blue"}'
problem "no wildcards for an operator" 403 name-refused
by_token "$wild" 'DNS:*.blue.internal' '{}'
problem "nor for a token that grants one" 403 name-refused
get DNS:a.blue.internal '{"tenant": "blue", "profile": "database-client"}' app_rw
problem "no common name that is no name" 403 subject-refused
make_token '{"tenant": "blue", "profile": "service", "dns": ["a.blue.internal"], "email": ["a@blue.internal"]}'
problem "no token for e-mail" 403 name-refused
apply() { # DOCUMENT: as blue's policy
	printf '%s' "$1" >"$work/document.json"
	run apply -f "$work/document.json" --tenant blue
}
apply '{"profiles": {
"web": { "max_lifetime": "3d" }}}'
exits "a profile beyond the lifetime" 3 'document.json, line 2: .*ceiling-exceeded'
apply '{"profiles": { "web": { "max_lifetime": "2d", "default_lifetime": "1d",
"wildcards": true }}}'
exits "wildcards" 3 'document.json, line [12]: .*ceiling-exceeded'
apply '{"profiles": { "web": { "max_lifetime": "2d", "default_lifetime": "1d", "wildcards": false,
"names": { "email": ["a@blue.internal"] } }}}'
exits "e-mail" 3 'document.json, line [12]: .*ceiling-exceeded'
apply '{"profiles": { "web": { "max_lifetime": "2d", "default_lifetime": "1d", "wildcards": false,
"common_names": ["app_*"] }}}'
exits "common names" 3 'document.json, line [12]: .*ceiling-exceeded'
within='{"profiles": { "web": { "max_lifetime": "2d", "default_lifetime": "1d", "wildcards": false }}}'
apply "$within"
exits "what is within it" 0 'applied'
apply '{"profiles": { "web": {} }}'
exits "a profile that says nothing is cut like the ready-made one" 0 'applied'
run tenant set blue --max-lifetime 1h
exits "closer than a profile in force" 0
get DNS:a.blue.internal '{"tenant": "blue", "profile": "web"}'
is "binds it, too" "$status $(field '((.not_after | fromdate) - now) / 60 | round')" "201 60"
run tenant set blue --max-lifetime '' --allow wildcards --allow common-name --allow email
get 'DNS:*.blue.internal' '{"tenant": "blue", "ttl": "89d"}'
answered "wider again" 201

# ---- a database's role, a token for one key ----
run token create --tenant blue --profile database-client --common-name app_rw
exits "a token for a role" 0
role=$(<"$work/out")
by_token "$role" '' '{"profile": "database-client"}' app_admin
problem "is for no other role" 403 subject-refused
by_token "$role" '' '{"profile": "service"}' app_rw
problem "nor for another profile" 403 profile-refused
by_token "$role" '' '{"profile": "database-client"}' app_rw
answered "and gives it" 201
is "as the common name" "$(field .certificate | openssl x509 -noout -subject -nameopt multiline | sed -n 's/.*commonName *= //p')" app_rw
run token create --tenant blue --profile database-client --dns db.blue.internal
by_token "$(<"$work/out")" DNS:db.blue.internal '{"profile": "database-client"}' app_rw
problem "without the flag there is no role" 403 subject-refused
make_token '{"tenant": "blue", "profile": "service", "dns": ["db.blue.internal"], "common_name": "app_rw"}'
problem "nor is there a token with a profile that has none" 403 subject-refused
make_key "$work/right.key"
spki=$(openssl pkey -in "$work/right.key" -pubout -outform DER | sha256sum | cut -d' ' -f1)
run token create --tenant blue --dns bound.blue.internal --spki-sha256 "$spki"
bound=$(<"$work/out")
by_token "$bound" DNS:bound.blue.internal '{}'
problem "a token for one key refuses another" 403 token-key-mismatch
by_token "$bound" DNS:bound.blue.internal '{}' - "$work/right.key"
answered "and takes its own" 201
for bad in "${spki:1}" "${spki}00" "g${spki:1}" ''; do
	run token create --tenant blue --dns bound.blue.internal --spki-sha256 "$bad"
	like "a hash that is none" "$rc" '^[23]$'
done

# ---- quotas ----
get DNS:a.t.internal '{"tenant": "violet"}'
first=$(<"$dir/serial")
run tenant set violet --max-alive 2
get DNS:b.t.internal '{"tenant": "violet"}'
answered "two at a time" 201
get DNS:c.t.internal '{"tenant": "violet"}'
problem "and no third" 429 quota-exceeded
make_token '{"tenant": "violet", "dns": ["d.t.internal"]}'
waiting=$token
by_token "$waiting" DNS:d.t.internal '{}'
problem "nor with a token" 429 quota-exceeded
op POST "/v1/certificates/$first/revoke" "${json[@]}" -d '{}'
answered "one is revoked" 200
by_token "$waiting" DNS:d.t.internal '{}'
answered "there is room for another, and the token was not spent" 201
run tenant set violet --max-alive 0 --max-per-minute 2
for i in 1 2; do
	get DNS:a.t.internal '{"tenant": "violet"}'
done
answered "two a minute" 201
get DNS:a.t.internal '{"tenant": "violet"}'
problem "and no third" 429 quota-exceeded
like "with the time to wait" "$(header Retry-After)" '^[1-9][0-9]*$'
get DNS:a.t.internal '{"tenant": "green"}'
answered "another tenant has its own" 201
run tenant set violet --max-per-minute 0
get DNS:a.t.internal '{"tenant": "violet"}'
answered "no quota any more" 201

# ---- removed ----
run tenant remove blue
exits "nothing is removed without --yes" 2 'yes blue'
run tenant remove blue --yes
exits "nor with half of it" 2
run tenant remove blue --yes green
exits "nor with another's name" 2
run tenant remove default --yes default
exits "the default tenant stays" 3 invalid-argument
run tenant remove system --yes system
exits "of the system tenant nobody knows" 4
run tenant remove nobody --yes nobody
exits "nor of one that is not there" 4
op GET $tenants/blue
answered "it is still there" 200

make_token '{"tenant": "blue", "dns": ["late.blue.internal"]}'
unspent=$token
stop_ca
# 1200 more, and a database that takes its time to revoke them, and gives up before the last 400.
sql "CREATE TEMP TABLE wanted AS SELECT * FROM certificates WHERE serial = x'$(<"$new/serial")';
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
	INSERT INTO certificates (tenant_id, issuer_id, status, not_before, not_after, renew_after, issued_at, revocation_reason, crl_shard,
		serial, spki_sha256, profile, common_name, names, der)
	SELECT tenant_id, issuer_id, 0, not_before, not_after, renew_after, issued_at, revocation_reason, crl_shard, randomblob(16),
		spki_sha256, profile, common_name, names, der FROM wanted, n;
	CREATE VIEW slow (n) AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n;
	CREATE TRIGGER slowly BEFORE UPDATE OF status ON certificates BEGIN
		SELECT count(*) FROM slow;
		SELECT RAISE(ABORT, 'not now') WHERE OLD.id > $(sql 'SELECT max(id) + 800 FROM certificates');
	END"
serve_ca
left() { # certificates of blue that are not revoked
	sql "SELECT count(*) FROM certificates c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = 'blue' AND c.status = 0"
}
all=$(left)
check "there is much to revoke ($all)" test "$all" -gt 1200
shows() { # DIRECTORY: what comes on standard input, over one connection
	timeout 60 openssl s_client -quiet -connect "127.0.0.1:$port" -cert "$1/tls.crt" -key "$1/tls.key" 2>/dev/null
}
make_csr "$work/late.csr" "$work/late.key" - DNS:late.blue.internal
csr_body "$work/late.csr" '{"tenant": "blue"}' >"$work/late.json"
# Over one connection each: a request, and another behind the removal.
opened=()
for who in operator tenant-admin service admin; do
	dir=$work/$who
	[ "$who" != admin ] || dir=$state/admin
	{
		printf 'GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n'
		await 50 test -e "$work/gone"
		if [ "$who" = service ]; then
			printf 'GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
		else
			printf 'POST /v1/certificates HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
			printf 'Content-Length: %s\r\nConnection: close\r\n\r\n' "$(wc -c <"$work/late.json")"
			cat "$work/late.json"
		fi
	} | shows "$dir" >"$work/open.$who" &
	opened+=($!)
	own
done
for who in operator tenant-admin service admin; do await 15 test -s "$work/open.$who"; done
run tenant remove blue --yes blue
exits "removed" 0 'blue: removed'
touch "$work/gone"
op GET $tenants/blue
is "its certificates are being revoked" "$status $(field '[.revoking, .removed != null, .root, .issuer] | map(tostring) | join(" ")')" \
	"200 true true null null"
for pid in "${opened[@]}"; do end "$pid" 0; done
heard() { # WHO
	grep -ao -e 'HTTP/1.1 [0-9]*' -e '"code": *"[a-z-]*"' "$work/open.$1" | sed 's/.*"\([a-z-]*\)"$/\1/' | paste -sd' '
}
for who in operator tenant-admin; do
	like "its $who gets nothing over an open connection" "$(heard $who)" \
		'^HTTP/1.1 200 HTTP/1.1 401 (operator-removed|certificate-revoked)$'
done
like "its service is known until its certificate is revoked" "$(heard service)" '^HTTP/1.1 200 HTTP/1.1 (200|401 certificate-revoked)$'
is "the admin is told why" "$(heard admin)" "HTTP/1.1 200 HTTP/1.1 410 tenant-removed"
by_token "$unspent" DNS:late.blue.internal '{}'
problem "its tokens are good for nothing, and say why" 410 tenant-removed
make_token '{"tenant": "blue", "dns": ["late.blue.internal"]}'
problem "there are no new ones" 410 tenant-removed
set_tenant blue '{"max_lifetime": "1d"}'
problem "nothing is set" 410 tenant-removed
op PUT "/v1/policy?tenant=blue" "${json[@]}" -d '{}'
problem "no policy" 410 tenant-removed
make_operator "$work/too-late" too-late operator '{"tenant": "blue"}'
problem "no operator" 410 tenant-removed
get DNS:meanwhile.internal '{"tenant": "green"}'
answered "another tenant goes on" 201
started() {
	[ "$(left)" -lt "$all" ]
}
check "the revocation goes on behind it" await 30 started
get DNS:meanwhile.internal '{"tenant": "green"}'
answered "while another tenant goes on" 201
stop_ca KILL
some=$(left)
check "micad is killed in the middle ($some of $all are left)" test "$some" -ge 400 -a "$some" -lt "$all"
sql 'DROP TRIGGER slowly; DROP VIEW slow'
serve_ca
done_with() {
	op GET "$tenants/blue"
	[ "$(field .revoking)" = false ]
}
check "started again, it finishes by itself" await 30 done_with
is "all are revoked" "$(left)" 0
with "$work/service" GET /v1/whoami
problem "its services are known no more" 401 certificate-revoked
op GET "/v1/certificates/$(<"$new/serial")"
is "as of a tenant that is gone" "$(field '[.status, .revocation_reason, .tenant] | map(tostring) | join(" ")')" "revoked cessationOfOperation blue"
op GET '/v1/certificates?tenant=blue&limit=500'
is "an admin lists them" "$status $(field '.certificates | length') $(field '[.certificates[].status] | unique | join(" ")')" "200 500 revoked"
for path in '/v1/trust-bundle?tenant=blue' $tenants/blue/spiffe-bundle; do
	anon GET "$path"
	problem "$path" 404 not-found
done
refused "the name is gone for ever" '{"name": "blue"}' 409 already-exists
run tenant remove blue --yes blue
exits "nor is it removed twice" 3 tenant-removed
set_tenant green '{"trust_domain": "blue.example.org"}'
answered "its trust domain is free" 200
run tenant list --all --json
is "the list is without it" "$(jq '[.tenants[].name] | index("blue")' "$work/out")" null
run tenant list --all --removed --json
is "but shows it to whoever asks" "$(jq '.tenants[] | select(.name == "blue") | .removed != null' "$work/out")" true
run tenant list --removed
like "for people, too" "$(<"$work/out")" 'blue +removed'
op GET "$tenants?removed=maybe"
problem "removed or not" 400 query-invalid
with "$work/auditor" GET $tenants
like "its own operators see nothing" "$status $(field .code)" '^401 (operator-removed|certificate-revoked)$'
is "the database is sound" "$(sql 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok
stop_ca
plan
