#!/bin/bash
# Who may do what: operators list, search, page and show; a service's certificate sees and revokes itself only; a revoked
# operator is out at the next request of an open connection; strangers' certificates open nothing.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq sqlite3

start_ca
certificates=/v1/certificates

make_key "$work/key.pem"
for i in $(seq 30); do
	zone=$((i % 3))
	make_csr "$work/n.csr" "$work/key.pem" "n$i.z$zone.internal" "DNS:n$i.z$zone.internal,DNS:x.n$i.z$zone.internal"
	csr_body "$work/n.csr" "{\"ttl\":\"$((i + 1))h\"}" >"$work/n.json"
	op POST $certificates "${json[@]}" --data-binary "@$work/n.json"
	[ "$status" = 201 ] || not_ok "certificate $i" "$status $(cat "$work/body")"
	field .serial >>"$work/serials"
done
is "thirty certificates" "$(sort -u "$work/serials" | wc -l)" 30

# ---- listing ----
pages() { # QUERY: all pages of four; serials to $work/paged, the number of pages to $pages
	local cursor=
	: >"$work/paged"
	pages=0
	while [ "$pages" -lt 20 ]; do
		op GET "$certificates?limit=4${1:+&$1}${cursor:+&cursor=$cursor}"
		[ "$status" = 200 ] || return 1
		pages=$((pages + 1))
		field '.certificates[].serial' >>"$work/paged"
		cursor=$(field '.next // empty')
		[ -n "$cursor" ] || return 0
	done
	return 1
}
list() { # QUERY: the names of one page of 500, sorted
	op GET "$certificates?limit=500&$1"
	field '.certificates[].common_name' | sort -V | paste -sd' '
}
op GET "$certificates?limit=500&profile=service"
field '.certificates[].serial' >"$work/all"
is "newest first" "$(head -n 30 "$work/all")" "$(tac "$work/serials")"
is "no page says that another follows when none does" "$(field .next)" null
is "a listing holds no PEM" "$(field '[.certificates[] | has("certificate") or has("chain")] | any')" false
check "pages of four" pages profile=service
is "eight pages" "$pages" 8
check "hold the same in the same order" cmp "$work/all" "$work/paged"
check "pages by suffix" pages 'name=*.z1.internal'
is "hold each certificate once" "$(sort "$work/paged" | uniq -d | wc -l) $(sort -u "$work/paged" | wc -l)" "0 10"
check "pages by expiry" pages "expires_after=$(date -u +%FT%TZ)&profile=service"
is "come soonest first" "$(head -n 30 "$work/paged")" "$(cat "$work/serials")"
is "an exact name" "$(list name=n7.z1.internal)" n7.z1.internal
is "another name of the same certificate" "$(list name=x.n7.z1.internal)" n7.z1.internal
is "in any case" "$(list name=N7.Z1.INTERNAL)" n7.z1.internal
is "a suffix" "$(list 'name=*.z0.internal')" "n3.z0.internal n6.z0.internal n9.z0.internal n12.z0.internal n15.z0.internal n18.z0.internal n21.z0.internal n24.z0.internal n27.z0.internal n30.z0.internal"
is "half a label is no suffix" "$(list 'name=*.0.internal')" ""
is "a name that nobody has" "$(list name=nobody.internal)" ""
is "expiring before" "$(list "profile=service&expires_before=$(date -u -d '+3 hours 30 minutes' +%FT%TZ)")" "n1.z1.internal n2.z2.internal"
is "a time that has an offset" "$(list "profile=service&expires_before=$(date -u -d '+5 hours 30 minutes' +%FT%T)%2B02:00")" "n1.z1.internal n2.z2.internal"
is "filters add up" "$(list "name=*.z1.internal&expires_before=$(date -u -d '+8 hours 30 minutes' +%FT%TZ)")" \
	"n1.z1.internal n4.z1.internal n7.z1.internal"
is "a profile that issued nothing" "$(list 'profile=operator&name=n1.z1.internal')" ""
op GET "$certificates?limit=1"
cursor=$(field .next)
op GET "$certificates?limit=1&name=*.internal&cursor=$cursor"
problem "a cursor of another filter" 400 query-invalid
op GET "$certificates?tenant=default&limit=1"
answered "an admin names the tenant" 200
op GET "$certificates?tenant=nobody&limit=1"
like "a tenant that is not there" "$status $(field .code)" '^(404 not-found|400 query-invalid)$'

# ---- show ----
serial=$(sed -n 7p "$work/serials")
op GET "$certificates/$serial"
is "JSON" "$status $(header Content-Type) $(field '[.serial, .status, .profile, .tenant, .common_name, .revoked_at, .revocation_reason] | map(tostring) | join(" ")')" \
	"200 application/json $serial good service default n7.z1.internal null null"
field .certificate >"$work/leaf.pem"
is "its PEM is the certificate" "$(openssl x509 -in "$work/leaf.pem" -noout -serial)" "serial=${serial^^}"
renew=$(field '(.renew_after | fromdate) as $r | (.not_before | fromdate) as $b | (.not_after | fromdate) as $a | $r > $b and $r < $a')
is "the moment of renewal lies within its life" "$renew" true
op GET "$certificates/$serial" -H 'Accept: application/pem-certificate-chain'
is "PEM: leaf and issuer" "$(header Content-Type) $(grep -c BEGIN "$work/body")" "application/pem-certificate-chain 2"
is "the leaf comes first" "$(openssl x509 -in "$work/body" -noout -serial)" "serial=${serial^^}"
op GET "$certificates/$serial" -H 'Accept: application/pkix-cert'
is "DER: the leaf" "$(header Content-Type) $(openssl x509 -inform DER -in "$work/body" -noout -serial)" "application/pkix-cert serial=${serial^^}"
op GET "$certificates/$(tr a-f A-F <<<"$serial" | sed 's/../&:/g; s/:$//')"
like "a serial number with colons and upper case, if it is taken, is the same" "$status $(field '.serial // .code')" "^(200 $serial|404 not-found|400 .*)\$"

# ---- revocation ----
op POST "$certificates/$serial/revoke" "${json[@]}" --data-binary '{"reason":"superseded"}'
is "revoked" "$status $(field '[.status, .revocation_reason, (.revoked_at | type), has("certificate")] | map(tostring) | join(" ")')" \
	"200 revoked superseded string false"
first=$(field .revoked_at)
sleep 1.1
op POST "$certificates/$serial/revoke" "${json[@]}" --data-binary '{"reason":"keyCompromise"}'
is "twice: time and reason stay" "$status $(field '[.revocation_reason, .revoked_at] | join(" ")')" "200 superseded $first"
other=$(sed -n 8p "$work/serials")
op POST "$certificates/$other/revoke" "${json[@]}" --data-binary '{}'
is "without a reason" "$status $(field .revocation_reason)" "200 unspecified"
op POST "$certificates/$other/revoke" "${json[@]}" --data-binary '{"reason":"boredom"}'
problem "a reason that is none" 400 field-invalid
is "status=revoked" "$(list 'status=revoked')" "n7.z1.internal n8.z2.internal"
op GET "$certificates?status=good&profile=service&limit=500"
is "status=good" "$(field '.certificates | length')" 28
op GET "$certificates?status=any&profile=service&limit=500"
is "status=any" "$(field '.certificates | length')" 30

# ---- a service's own certificate ----
issue "$work/web" web.internal DNS:web.internal
own_serial=$(<"$work/web/serial")
with "$work/web" GET /v1/whoami
is "a service is told who it is" "$status $(field '[.kind, .tenant, .serial] | join(" ")')" "200 service default $own_serial"
with "$work/web" GET "$certificates/$own_serial"
is "it sees itself" "$status $(field .serial)" "200 $own_serial"
another=$(sed -n 1p "$work/serials")
with "$work/web" GET "$certificates/$another"
problem "but no other" 404 not-found
there=$(field .detail)
absent=$(tr 0-9a-f 1-9a-f0 <<<"$another" | sed 's/^0/1/')
with "$work/web" GET "$certificates/$absent"
problem "nor whether another is there" 404 not-found
is "in the same words" "${there//$another/}" "$(field .detail | sed "s/$absent//")"
with "$work/web" GET $certificates
problem "nor the listing" 403 forbidden
with "$work/web" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["a.internal"]}'
problem "it makes no token" 403 forbidden
csr_body "$work/web/csr" >"$work/web/body"
with "$work/web" POST $certificates "${json[@]}" --data-binary "@$work/web/body"
problem "it does not enrol as an operator would" 403 forbidden
with "$work/web" POST "$certificates/$another/revoke" "${json[@]}" --data-binary '{}'
problem "it revokes no other" 404 not-found
with "$work/web" POST "$certificates/$own_serial/revoke" "${json[@]}" --data-binary '{"reason":"cessationOfOperation"}'
is "it revokes itself" "$status $(field .status)" "200 revoked"
with "$work/web" GET "$certificates/$own_serial"
problem "and is out" 401 certificate-revoked
with "$work/web" GET /v1/trust-bundle
answered "but what is anyone's is still there" 200

# ---- roles ----
operator() { # NAME [ROLE [JSON]]
	made=$work/$1/operator.json
	make_operator "$work/$1" "$@"
}
op GET /v1/whoami
is "the first operator is an admin" "$(field '[.kind, .name, .role] | join(" ")')" "operator admin admin"
for role in auditor operator tenant-admin; do
	operator "the-$role" "$role"
	with "$work/the-$role" GET /v1/whoami
	is "an operator with the role $role" "$(field '[.kind, .name, .role] | join(" ")')" "operator the-$role $role"
	for name in admin somebody-new; do
		make_csr "$work/more.csr" "$work/more.key" "$name"
		csr_body "$work/more.csr" '{"profile":"operator"}' >"$work/more"
		with "$work/the-$role" POST $certificates "${json[@]}" --data-binary "@$work/more"
		problem "$role makes no certificate for $name" 403 profile-refused
	done
	csr_body "$work/the-$role/csr" '{"profile":"operator","role":"admin"}' >"$work/more"
	with "$work/the-$role" POST $certificates "${json[@]}" --data-binary "@$work/more"
	like "nor an admin of itself" "$status" '^4'
	csr_body "$work/the-$role/csr" '{"profile":"operator"}' >"$work/more"
	with "$work/the-$role" POST $certificates "${json[@]}" --data-binary "@$work/more"
	is "but renews its own" "$status $(field .common_name)" "201 the-$role"
	with "$work/the-$role" GET /v1/whoami
	is "and keeps its role" "$(field .role)" "$role"
done
with "$work/the-auditor" GET "$certificates?limit=1"
answered "an auditor reads" 200
with "$work/the-auditor" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["a.internal"]}'
problem "and makes no token" 403 forbidden
with "$work/the-auditor" POST $certificates "${json[@]}" --data-binary "@$work/n.json"
problem "nor a certificate" 403 forbidden
with "$work/the-auditor" POST "$certificates/$(sed -n 2p "$work/serials")/revoke" "${json[@]}" --data-binary '{}'
problem "and revokes nothing" 403 forbidden
with "$work/the-operator" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["a.internal"]}'
answered "an operator makes tokens" 201
with "$work/the-operator" GET "$certificates?tenant=system"
like "but sees no other tenant" "$status $(field .code)" '^(403 forbidden|404 not-found)$'
csr_body "$work/the-auditor/csr" '{"profile":"operator","role":"admin"}' >"$work/more"
op POST $certificates "${json[@]}" --data-binary "@$work/more"
if [ "$status" = 201 ]; then
	with "$work/the-auditor" GET /v1/whoami
	is "a new certificate changes no role" "$(field .role)" auditor
else
	like "a new certificate with another role is refused" "$status" '^4'
fi

# ---- revoked within an open connection ----
operator leaver operator
# Two requests over one connection; the second waits for the revocation below.
{
	printf 'GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n'
	await 15 test -e "$work/revoked"
	printf 'GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
} | timeout 30 openssl s_client -quiet -connect "127.0.0.1:$port" -cert "$work/leaver/tls.crt" -key "$work/leaver/tls.key" \
	>"$work/open" 2>/dev/null &
pipe_pid=$!
own
await 10 test -s "$work/open"
op POST "$certificates/$(<"$work/leaver/serial")/revoke" "${json[@]}" --data-binary '{}'
answered "an operator is revoked while a connection is open" 200
touch "$work/revoked"
end "$pipe_pid" 0
is "the open connection is refused at its next request" \
	"$(grep -ao -e 'HTTP/1.1 [0-9]*' -e certificate-revoked "$work/open" | paste -sd,)" \
	"HTTP/1.1 200,HTTP/1.1 401,certificate-revoked"

# ---- a right that ends between headers and body ----
post() { # PATH FILE CONDITION…: the body is sent when the condition holds
	local path=$1 body=$2
	shift 2
	printf 'POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n' \
		"$path" "$(wc -c <"$body")"
	await 25 "$@"
	cat "$body"
}
shows() { # DIRECTORY
	timeout 40 openssl s_client -quiet -connect "127.0.0.1:$port" -cert "$1/tls.crt" -key "$1/tls.key" 2>/dev/null
}
slowly() { # it takes its time: nobody is overloaded
	[ "$SECONDS" -gt "$slow_until" ]
}
slow_until=$((SECONDS + 11))
post $certificates "$work/n.json" slowly | shows "$state/admin" >"$work/slow" &
slow_pid=$!
own
operator late-leaver operator
printf '{}' >"$work/empty.json"
victim=$(sed -n 3p "$work/serials")
post "$certificates/$victim/revoke" "$work/empty.json" test -e "$work/gone" | shows "$work/late-leaver" >"$work/late" &
late_pid=$!
own
sleep 1
op POST "$certificates/$(<"$work/late-leaver/serial")/revoke" "${json[@]}" --data-binary '{}'
answered "an operator is revoked while its request has no body yet" 200
touch "$work/gone"
end "$late_pid" 0
is "what it asked for is not done" "$(grep -ao -e 'HTTP/1.1 [0-9]*' -e certificate-revoked "$work/late" | paste -sd,)" \
	"HTTP/1.1 401,certificate-revoked"
op GET "$certificates/$victim"
is "to nobody" "$(field .status)" good
end "$slow_pid" 0
is "a body that took eleven seconds is no overload" "$(grep -ao 'HTTP/1.1 [0-9]*' "$work/slow")" "HTTP/1.1 201"

# ---- strangers' certificates ----
strange() { # NAME DIRECTORY
	with "$2" GET /v1/trust-bundle
	is "$1: what is anyone's is answered" "$status" 200
	with "$2" GET /readyz
	is "$1: readyz too" "$status" 200
	with "$2" GET $certificates
	problem "$1: the rest is not" 401 certificate-unknown
}
mkdir "$work/self" "$work/fake" "$work/root"
make_key "$work/self/tls.key"
openssl req -x509 -new -key "$work/self/tls.key" -subj /CN=admin -days 2 -out "$work/self/tls.crt" 2>/dev/null
strange "self-signed" "$work/self"
# The names and the serial number of the admin's own, under a CA with the name of the operators' CA.
issuer=$(openssl x509 -in "$state/admin/tls.crt" -noout -issuer -nameopt compat | sed 's/^issuer= *//; s/^\([^/]\)/\/\1/; s/, /\//g')
make_key "$work/fake/ca.key"
openssl req -x509 -new -key "$work/fake/ca.key" -subj "$issuer" -days 2 -out "$work/fake/ca.crt" 2>/dev/null
make_csr "$work/fake/csr" "$work/fake/tls.key" admin
openssl x509 -req -in "$work/fake/csr" -CA "$work/fake/ca.crt" -CAkey "$work/fake/ca.key" -days 2 \
	-set_serial "0x$(openssl x509 -in "$state/admin/tls.crt" -noout -serial | cut -d= -f2)" -out "$work/fake/tls.crt" 2>/dev/null
strange "a forged operators' CA" "$work/fake"
make_token '{"dns":["b.internal"]}'
make_csr "$work/b.csr" "$work/key.pem" b.internal DNS:b.internal
csr_body "$work/b.csr" >"$work/b.json"
with "$work/self" POST $certificates "${json[@]}" --data-binary "@$work/b.json" -H "Authorization: Bearer $token"
like "a strange certificate beside a good token is decided, not crashed on" "$status" '^(201|401)$'
op GET /v1/whoami
answered "the admin is still the admin" 200

# ---- operators and their own certificates ----
make_operator "$work/auditor" eve auditor
answered "an auditor is made" 201
eve=$(<"$work/auditor/serial")
admin=$(openssl x509 -in "$state/admin/tls.crt" -noout -serial | cut -d= -f2)
with "$work/auditor" GET "$certificates/$eve"
answered "an operator sees its own certificate" 200
with "$work/auditor" GET "$certificates/$admin"
problem "and not another operator's" 404 not-found
with "$work/auditor" POST "$certificates/$admin/revoke" "${json[@]}" --data-binary '{}'
problem "an auditor revokes nobody" 404 not-found
with "$work/auditor" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["b.internal"]}'
problem "and makes no token" 403 forbidden
with "$work/auditor" POST "$certificates/$eve/revoke" "${json[@]}" --data-binary '{"reason":"keyCompromise"}'
answered "but its own certificate" 200
with "$work/auditor" GET "$certificates/$eve"
problem "which ends with that" 401 certificate-revoked
is "who asked for a certificate is on record" "$(sqlite3 "$state/mica.db" \
	"SELECT hex(b.serial) FROM certificates c JOIN certificates b ON b.id = c.issued_by WHERE hex(c.serial) = upper('$eve')")" "$admin"

# ---- making operators ----
operators=/v1/operators
names() { # QUERY: of the operators listed, sorted
	op GET "$operators?limit=500$1"
	field '.operators[].name' | sort | paste -sd' '
}
operator amy auditor '{"email":"Amy.Example@Example.ORG"}'
answered "an operator with an e-mail address" 201
is "is shown as it was made" "$(jq -r '[.name, .role, .tenant, .email, (.created | type)] | map(tostring) | join(" ")' "$made")" \
	"amy auditor default Amy.Example@example.org string"
is "gets a certificate for 30 days" "$(jq '((.not_after | fromdate) - (.issued_at | fromdate)) / 86400' "$work/amy/answer")" 30
with "$work/amy" GET /v1/whoami
is "and is that operator" "$(field '[.name, .role, .tenant] | join(" ")')" "amy auditor default"
operator root-two admin
is "an admin is the whole installation's" "$(jq -r '[.role, .tenant, .email] | map(tostring) | join(" ")' "$made")" "admin null null"
refused() { # DESCRIPTION STATUS CODE NAME [ROLE [JSON]]
	rm -rf "$work/refused"
	make_operator "$work/refused" "${@:4}"
	problem "$1" "$2" "$3"
}
refused "an admin of a tenant" 400 field-invalid root-three admin '{"tenant":"default"}'
refused "a role that is none" 400 field-invalid zoe king
refused "an e-mail address that is none" 400 field-invalid zoe operator '{"email":"zoe.secret"}'
check_fails "which is not told again" grep -q zoe.secret "$work/body" "$work/micad.log"
refused "an e-mail address too long" 400 field-invalid zoe operator "{\"email\":\"z@$(printf 'a%.0s' $(seq 60)).$(printf 'b%.0s' $(seq 60)).$(printf 'c%.0s' $(seq 60)).$(printf 'd%.0s' $(seq 60)).$(printf 'e%.0s' $(seq 20))\"}"
refused "a tenant that is not there" 404 not-found zoe operator '{"tenant":"nowhere"}'
refused "the installation's own" 404 not-found zoe operator '{"tenant":"system"}'
refused "a name that is taken" 409 already-exists amy
refused "a name that is none" 400 name-malformed 'Zoe Smith'
refused "a field that is not known" 400 field-unknown zoe operator '{"ttl":"90d"}'
make_csr "$work/twin.csr" "$work/twin.key" twin
jq -n --rawfile csr "$work/twin.csr" '{csr: $csr, name: "twin"}' >"$work/twin.json"
twins=()
for i in $(seq 8); do
	curl -s -o /dev/null -w '%{http_code}\n' --max-time 60 --cacert "$state/admin/ca.crt" --cert "$state/admin/tls.crt" \
		--key "$state/admin/tls.key" "${json[@]}" --data-binary "@$work/twin.json" "$url$operators" >"$work/twin.$i" &
	twins+=($!)
	own
done
wait "${twins[@]}"
is "of eight at once one is made" "$(sort "$work"/twin.[0-9]* | uniq -c | awk '{ print $2 ":" $1 }' | paste -sd' ')" "201:1 409:7"
make_csr "$work/zoe.csr" "$work/zoe.key" -
jq -n --rawfile csr "$work/zoe.csr" '{csr: $csr, name: "zoe"}' >"$work/zoe.json"
op POST $operators "${json[@]}" --data-binary "@$work/zoe.json"
is "a request without a subject gets the name from the body" "$status $(field '[.operator.role, .certificate.common_name] | join(" ")')" "201 operator zoe"
make_csr "$work/zed.csr" "$work/zed.key" 'PIV'
jq -n --rawfile csr "$work/zed.csr" '{csr: $csr, name: "zed"}' >"$work/zed.json"
op POST $operators "${json[@]}" --data-binary "@$work/zed.json"
problem "one with another's does not" 403 subject-refused

# ---- who may make whom ----
maker=$work/the-tenant-admin
for role in tenant-admin operator auditor; do
	operator "her-$role" "$role" '{"email":"her@example.org"}'
	is "a tenant-admin makes a $role of its tenant" "$status $(jq -r .tenant "$made")" "201 default"
done
refused "but no admin" 403 forbidden mallory admin
refused "nor one of another tenant" 404 not-found mallory operator '{"tenant":"other"}'
is "in the words for one that is not there" "$(field .detail)" "there is no tenant other"
for role in operator auditor; do
	maker=$work/the-$role
	refused "the role $role makes nobody" 403 forbidden mallory auditor
	with "$maker" DELETE $operators/amy
	problem "and removes nobody" 403 forbidden
done
maker=$work/web
refused "nor does a service" 401 certificate-revoked mallory auditor
maker=

# ---- listing ----
is "operators in office are listed" "$(names '&tenant=default' | tr ' ' '\n' | grep -c -e '^her-' -e '^amy$' -e '^zoe$')" 5
is "admins among those of the whole installation" "$(names '' | tr ' ' '\n' | grep -x -e admin -e root-two | paste -sd,)" admin,root-two
is "and not among a tenant's" "$(names '&tenant=default' | tr ' ' '\n' | grep -cx -e admin -e root-two)" 0
op GET "$operators?limit=500"
is "with their addresses" "$(field '.operators[] | select(.name == "amy") | .email')" Amy.Example@example.org
is "and until when they can ask" "$(field '.operators[] | select(.name == "amy") | .expires')" "$(jq -r .not_after "$work/amy/answer")"
is "an address finds its operator, in any case" "$(names '&email=AMY.example%40EXAMPLE.org')" amy
is "or several" "$(names '&email=her%40example.org')" "her-auditor her-operator her-tenant-admin"
is "or nobody" "$(names '&email=amy%40example.com')" ""
op GET "$operators?email=amy"
problem "an address that is none" 400 query-invalid
with "$work/the-tenant-admin" GET "$operators?limit=500"
is "a tenant-admin sees its tenant's" "$(field '[.operators[].tenant] | unique | join(" ")')" default
is "with their addresses" "$(field '.operators[] | select(.name == "amy") | .email')" Amy.Example@example.org
for role in operator auditor; do
	with "$work/the-$role" GET "$operators?limit=500"
	is "the role $role sees who is there" "$status $(field '[.operators[].name] | index("amy") != null')" "200 true"
	is "and no address" "$(field '[.operators[] | has("email")] | any')" false
	with "$work/the-$role" GET "$operators?email=her%40example.org"
	problem "nor guesses one" 403 forbidden
done
cursor=
: >"$work/paged"
for _ in $(seq 20); do
	op GET "$operators?limit=3${cursor:+&cursor=$cursor}"
	field '.operators[].name' >>"$work/paged"
	cursor=$(field '.next // empty')
	[ -n "$cursor" ] || break
done
is "pages of three hold the same" "$(sort "$work/paged" | paste -sd' ')" "$(names '')"
op GET "$operators?cursor=aTE"
problem "a cursor of another listing" 400 query-invalid
check_fails "no address can be read in the database" grep -qiE 'amy\.example|her@example' "$state/mica.db" "$state/mica.db-wal"
check_fails "nor in the log" grep -qiE 'amy\.example|her@example|her%40' "$work/micad.log"
is "equal addresses are sealed apart" "$(sqlite3 "$state/mica.db" \
	"SELECT count(DISTINCT email_sealed) || ' ' || count(DISTINCT email_hash) FROM operators WHERE name LIKE 'her-%'")" "3 1"

# ---- the end of an operator ----
with "$work/her-operator" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["left.internal"]}'
token=$(field .token)
answered "an operator makes a token" 201
# Two requests over one connection; between them the operator is removed.
{
	printf 'GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n'
	await 15 test -e "$work/removed"
	printf 'GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
} | shows "$work/her-operator" >"$work/open2" &
pipe_pid=$!
own
await 10 test -s "$work/open2"
with "$work/the-tenant-admin" DELETE $operators/her-operator
answered "and is removed by the tenant-admin" 204
touch "$work/removed"
end "$pipe_pid" 0
like "its open connection is refused at the next request" \
	"$(grep -ao -e 'HTTP/1.1 [0-9]*' -e certificate-revoked -e operator-removed "$work/open2" | paste -sd,)" \
	'^HTTP/1.1 200,HTTP/1.1 401,(certificate-revoked|operator-removed)$'
make_csr "$work/left.csr" "$work/key.pem" left.internal DNS:left.internal
csr_body "$work/left.csr" >"$work/left.json"
bearer "$token" POST $certificates "${json[@]}" --data-binary "@$work/left.json"
like "its token is good for nothing" "$status $(field .code)" '^401 token-(removed|maker-removed)$'
op GET "$certificates/$(<"$work/her-operator/serial")"
is "its certificate is revoked" "$(field '[.status, .revocation_reason] | join(" ")')" "revoked cessationOfOperation"
is "it is listed no more" "$(names '' | tr ' ' '\n' | grep -cx her-operator)" 0
op DELETE $operators/her-operator
answered "removed twice" 204
refused "its name is never used again" 409 already-exists her-operator
op DELETE $operators/nobody
problem "one who never was" 404 not-found
with "$work/the-tenant-admin" DELETE $operators/admin
problem "to a tenant-admin an admin is not there" 404 not-found
is "in the words for one who never was" "$(field .detail)" "there is no operator admin"
with "$work/the-tenant-admin" DELETE $operators/her-tenant-admin
answered "but another tenant-admin is" 204
op DELETE $operators/root-two
answered "an admin removes another" 204
op DELETE $operators/admin
problem "but never the last" 400 invalid-argument
like "and is told why" "$(field .detail)" 'last admin'
op GET /v1/whoami
answered "who is there still" 200

# ---- mica ----
export MICA_HOME=$state/admin
check "mica operator create" "$mica" operator create cli --email cli@example.org --role auditor --tenant default --out "$work/cli"
make_csr "$work/card.csr" "$work/card.key" card
"$mica" operator create card --csr "$work/card.csr" >"$work/card.crt" 2>"$work/err"
is "a key kept elsewhere" "$? $(openssl x509 -in "$work/card.crt" -noout -pubkey | sha256sum)" "0 $(openssl pkey -in "$work/card.key" -pubout | sha256sum)"
"$mica" operator create both --csr "$work/card.csr" --out "$work/both" >/dev/null 2>&1
is "is not made here, too" "$?" 2
"$mica" operator create wrong --csr "$work/mica.db" >/dev/null 2>&1
is "a request that is not there" "$?" 4
like "mica operator list" "$("$mica" operator list --email CLI@example.org)" 'cli +auditor +default .*cli@example.org'
is "in JSON" "$("$mica" operator list --all --json | jq -r '.operators[] | select(.name == "card") | .role')" operator
check "mica operator renew, for another" "$mica" operator renew cli --out "$work/cli-again"
check "whose new context works" "$mica" list --home "$work/cli-again"
check "mica operator remove" "$mica" operator remove cli
for home in cli cli-again; do
	"$mica" list --home "$work/$home" >/dev/null 2>&1
	is "ends $home" "$?" 3
done
"$mica" operator remove ../tokens >/dev/null 2>&1
is "a name that would leave its path" "$?" 2
is "mica identity list, of nobody" "$("$mica" identity list --json | jq -c .)" '{"identities":[],"next":null}'
"$mica" identity disable 7 >/dev/null 2>&1
is "mica identity disable, of nobody" "$?" 4
stop_ca
plan
