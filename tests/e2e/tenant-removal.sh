#!/bin/bash
# The life of a tenant: made, issued from, given another suffix, removed; what is refused on the way; the master key gone;
# and micad killed in the middle of revoking what a removed tenant had.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq sqlite3

start_ca --key-type ec:p256 --root-key-type ec:p256
mica() {
	"$mica" "$@" --home "$state/admin"
}
make() { # JSON
	op POST /v1/tenants "${json[@]}" --data-binary "$1"
}
set_tenant() { # NAME JSON
	op PATCH "/v1/tenants/$1" "${json[@]}" --data-binary "$2"
}
ec='"key_type": "ec:p256", "root_key_type": "ec:p256"'

# ---- making ----

check "mica makes a tenant" mica tenant create payments --key-type ec:p256 --root-key-type ec:p256 \
	--dns-suffix payments.internal --trust-domain payments.example.org
make "{\"name\": \"payments\", $ec}"
problem "the same name again" 409 already-exists
make "{\"name\": \"ledger\", \"trust_domain\": \"payments.example.org\", $ec}"
problem "another's trust domain" 409 already-exists
op GET /v1/tenants/ledger
problem "nothing is left of it" 404 not-found
for name in system Payments 1a a.b a_b '' "$(printf 'a%.0s' $(seq 41))"; do
	make "{\"name\": \"$name\"}"
	problem "the name '$name'" 400 invalid-argument
done
make '{"dns_suffixes": []}'
problem "no name" 400 field-missing
make '{"name": "x", "colour": "red"}'
problem "a field that is not known" 400 field-unknown
make '{"name": "x", "quotas": {"alive": 1, "dead": 2}}'
problem "a quota that is not known" 400 field-unknown
make '{"name": "x", "dns_suffixes": "a.internal"}'
problem "no list" 400 field-invalid
make '{"name": "x", "dns_suffixes": ["a.internal\nb.internal"]}'
problem "two in one" 400 field-invalid
make '{"name": "x", "dns_suffixes": ["*.internal"]}'
problem "a wildcard" 400 name-malformed
make '{"name": "x", "trust_domain": "a_b.example.org"}'
problem "a trust domain with an underscore" 400 name-malformed
make '{"name": "x", "lifetime": "20y"}'
problem "an issuer that outlives its root" 400 invalid-argument

# Many at once with one name: one comes of it.
for i in 1 2 3 4; do
	curl -s --max-time 30 --cacert "$state/admin/ca.crt" --cert "$state/admin/tls.crt" --key "$state/admin/tls.key" \
		"${json[@]}" --data-binary "{\"name\": \"race\", $ec}" -o /dev/null -w '%{http_code}\n' "$url/v1/tenants" >"$work/race.$i" &
	own
done
wait "${background[@]:1}"
background=("$micad_pid")
is "of four that make one tenant, one does" "$(sort "$work"/race.? | tr '\n' ' ')" "201 409 409 409 "

# ---- one suffix more ----

anon GET "/v1/trust-bundle?tenant=payments"
cp "$work/body" "$work/payments.crt"
check "the tenant issues within its suffix" issue "$work/db" db.payments.internal DNS:db.payments.internal '{"tenant": "payments"}'
check_fails "and not beyond it" issue "$work/pay" db.pay.internal DNS:db.pay.internal '{"tenant": "payments"}'
check "a suffix more" mica tenant set payments --dns-suffix payments.internal --dns-suffix pay.internal
check "is issued for" issue "$work/pay" db.pay.internal DNS:db.pay.internal '{"tenant": "payments"}'
verify() { # DIRECTORY [ISSUERS]
	openssl verify -no-CApath -CAfile "$work/payments.crt" -untrusted "${2:-$1}/tls.crt" "$1/tls.crt"
}
check "both verify with the ca.crt that was there before" verify "$work/pay"
check "the older one too" verify "$work/db"
check "and by the newer issuer's certificate" verify "$work/db" "$work/pay"
check_fails "the newer name is beyond the older issuer's certificate" verify "$work/pay" "$work/db"
set_tenant payments '{"quotas": {"alive": 1000000}, "max_lifetime": "20d"}'
is "what is not named stays" "$status $(field '"\(.dns_suffixes | length) \(.trust_domain) \(.quotas.alive) \(.max_lifetime)"')" \
	"200 2 payments.example.org 1000000 20d"
set_tenant payments '{"trust_domain": null, "quotas": null, "max_lifetime": null}'
is "null takes away" "$(field '"\(.trust_domain) \(.quotas.alive) \(.max_lifetime)"')" "null null 90d"
set_tenant nobody '{}'
problem "a tenant that is not there" 404 not-found
set_tenant system '{}'
problem "the installation's own" 404 not-found

# ---- the master key gone ----

mv "$state/master.key" "$work/master.key"
make "{\"name\": \"later\", $ec}"
problem "no tenant is made" 500 master-key-missing
like "the answer says what is missing" "$(field .detail)" master.key
set_tenant payments '{"dns_suffixes": ["elsewhere.internal"]}'
problem "no issuer is certified anew" 500 master-key-missing
op GET /v1/tenants/payments
is "nothing was changed" "$(field '.dns_suffixes | join(" ")')" "payments.internal pay.internal"
op DELETE /v1/tenants/race
answered "a tenant is removed all the same" 204
mv "$work/master.key" "$state/master.key"

# ---- removing ----

op DELETE /v1/tenants/default
problem "default stays" 400 invalid-argument
"$mica" tenant remove payments --home "$state/admin" >/dev/null 2>&1
is "mica asks for the name once more" "$?" 2
op POST /v1/tokens "${json[@]}" --data-binary '{"dns": ["late.payments.internal"], "tenant": "payments"}'
token=$(field .token)

# So many certificates that revoking them takes a while; rows like the one there is.
stop_ca
sqlite3 "$state/mica.db" "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
	INSERT INTO certificates (tenant_id, issuer_id, status, not_before, not_after, renew_after, issued_at, revocation_reason,
		crl_shard, serial, spki_sha256, profile, common_name, names, der)
	SELECT c.tenant_id, c.issuer_id, 0, c.not_before, c.not_after, c.renew_after, c.issued_at, 0, c.crl_shard,
		CAST('fill' || i AS BLOB), c.spki_sha256, c.profile, '', '', X'00'
	FROM n, (SELECT * FROM certificates WHERE tenant_id = (SELECT id FROM tenants WHERE name = 'payments') LIMIT 1) AS c"
serve_ca
count() { # STATUS
	sqlite3 "file:$state/mica.db?mode=ro" ".timeout 5000" "SELECT count(*) FROM certificates WHERE status = $1
		AND tenant_id = (SELECT id FROM tenants WHERE name = 'payments')"
}
some() {
	[ "$(count 1)" -gt 0 ]
}
op DELETE /v1/tenants/payments
answered "a tenant with many certificates is removed" 204
await 20 some
stop_ca KILL
is "killed in the middle: some are revoked, some are not" "$(($(count 1) > 0)) $(($(count 0) > 0))" "1 1"
at=$(count 1)
serve_ca
op GET /v1/tenants/payments
is "the next start knows of it" "$(field '"\(.removed != null) \(.revoking)"')" "true true"
check "others are served meanwhile" issue "$work/meanwhile" web.internal DNS:web.internal
none() {
	[ "$(count 0)" = 0 ]
}
check "it goes on until all are revoked" await 120 none
is "what was revoked before stays as it was" "$(($(count 1) > at))" 1
no_longer() {
	op GET /v1/tenants/payments
	[ "$(field .revoking)" = false ]
}
check "and says so" await 20 no_longer
is "the reason is cessationOfOperation" "$(sqlite3 "$state/mica.db" "SELECT DISTINCT revocation_reason FROM certificates
	WHERE tenant_id = (SELECT id FROM tenants WHERE name = 'payments')")" 5
op DELETE /v1/tenants/payments
problem "removed once more" 410 tenant-removed
set_tenant payments '{"max_lifetime": "1d"}'
problem "set when it is gone" 410 tenant-removed
make "{\"name\": \"payments\", $ec}"
problem "its name is never used again" 409 already-exists
anon GET "/v1/trust-bundle?tenant=payments"
problem "its roots are nobody's any more" 404 not-found
make_csr "$work/late.csr" "$work/late.key" late.payments.internal DNS:late.payments.internal
bearer "$token" POST /v1/certificates "${json[@]}" --data-binary "$(csr_body "$work/late.csr")"
like "its token is good for nothing" "$status" '^(401|403|404|410)$'
op GET /v1/tenants
is "it is not listed" "$(field '[.tenants[].name] | join(" ")')" "default"
op GET '/v1/tenants?removed=true&limit=2'
is "unless asked for, page by page" "$(field '[.tenants[].name] | join(" ")') $(field .next)" "default payments payments"
op GET '/v1/tenants?removed=true&limit=2&cursor=payments'
is "to the end" "$(field '[.tenants[].name] | join(" ")') $(field .next)" "race null"
stop_ca
plan
