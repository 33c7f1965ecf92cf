#!/bin/bash
# Who was granted something from outside: listed, disabled, enabled; each tenant's operators see and change that tenant's only.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq sqlite3 node

init_ca || { echo "Bail out! micad init: $(cat "$work/init.log")"; exit 99; }
sql() { # STATEMENTS
	sqlite3 "$state/mica.db" "PRAGMA busy_timeout = 5000; $1" >/dev/null
}
sql "INSERT INTO tenants (id, name, created_at, removed_at) VALUES (7, 'other', 1, 0);
	INSERT INTO operators (id, tenant_id, name, role, created_at, removed_at) VALUES (70, 7, 'olga', 2, 1, 0)"
serve_ca || { echo "Bail out! micad serve: $(tail -n 5 "$work/micad.log")"; exit 99; }
make_source prod kubernetes && make_source ci oidc || echo "Bail out! no sources: $(cat "$work/body")"
sql "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
	INSERT INTO identities (id, tenant_id, source_id, subject, created_at, disabled_at)
	SELECT i, CASE WHEN i % 3 = 0 THEN 7 ELSE 2 END, (SELECT id FROM sources WHERE name = CASE WHEN i % 2 = 0 THEN 'prod' ELSE 'ci' END),
		'ns/sa-' || i, 1767225600, 0 FROM n"
identities=/v1/identities

subjects() { # QUERY
	op GET "$identities?limit=500$1"
	field '.identities[].id' | paste -sd' '
}
is "all of them" "$(subjects '')" "$(seq -s' ' 30)"
is "of a tenant" "$(subjects '&tenant=other')" "$(seq -s' ' 3 3 30)"
is "of a source" "$(subjects '&source=ci&tenant=other')" "3 9 15 21 27"
is "one subject" "$(subjects '&subject=ns/sa-8')" 8
is "letter for letter" "$(subjects '&subject=ns/SA-8')" ""
is "of a source that is not there" "$(subjects '&source=nothing')" ""
op GET "$identities?subject=ns/sa-8"
is "as it is" "$(field '.identities[0] | [.id, .tenant, .source, .subject, .disabled, .disabled_at, .created, .certificates] | map(tostring) | join(" ")')" \
	"8 default prod ns/sa-8 false null 2026-01-01T00:00:00Z 0"
op GET "$identities?disabled=maybe"
problem "neither true nor false" 400 query-invalid
op GET "$identities?tenant=nowhere"
problem "of a tenant that is not there" 404 not-found
cursor=
: >"$work/paged"
for _ in $(seq 20); do
	op GET "$identities?limit=7${cursor:+&cursor=$cursor}"
	field '.identities[].id' >>"$work/paged"
	cursor=$(field '.next // empty')
	[ -n "$cursor" ] || break
done
is "pages of seven hold the same" "$(paste -sd' ' "$work/paged")" "$(seq -s' ' 30)"
for wrong in bzE aQ aS0x aTE5OTk5OTk5OTk5OTk5OTk5OTk5 '!'; do
	op GET "$identities?cursor=$wrong"
	problem "the cursor $wrong" 400 query-invalid
done

# ---- disable, enable ----
op POST $identities/8/disable
is "disabled" "$status $(field '[.id, .disabled, (.disabled_at | type)] | map(tostring) | join(" ")')" "200 8 true string"
at=$(field .disabled_at)
sleep 1.1
op POST $identities/8/disable "${json[@]}" --data-binary '{}'
is "twice: its time stays" "$status $(field .disabled_at)" "200 $at"
is "those disabled" "$(subjects '&disabled=true')" 8
is "those not, of its source" "$(subjects '&disabled=false&source=prod')" "2 4 6 10 12 14 16 18 20 22 24 26 28 30"
op POST $identities/8/enable
is "enabled" "$status $(field '[.disabled, .disabled_at] | map(tostring) | join(" ")')" "200 false null"
op POST $identities/8/enable
answered "twice" 200
for id in 99 0 -1 8x 99999999999999999999; do
	op POST "$identities/$id/disable"
	problem "the identity $id" 404 not-found
done
op POST $identities/8/disable "${json[@]}" --data-binary '{"reason":"x"}'
problem "a field that is not known" 400 field-unknown

# ---- roles and tenants ----
for role in tenant-admin operator auditor; do
	make_operator "$work/$role" "$role" "$role"
	with "$work/$role" GET "$identities?limit=500"
	is "the role $role sees its tenant's" "$(field '[.identities[].tenant] | unique | join(" ")') $(field '.identities | length')" "default 20"
	with "$work/$role" GET "$identities?tenant=other"
	problem "and no other's" 404 not-found
	with "$work/$role" POST $identities/3/disable
	if [ "$role" = auditor ]; then
		problem "an auditor disables nobody" 403 forbidden
		continue
	fi
	problem "nor disables another's" 404 not-found
	there=$(field .detail)
	with "$work/$role" POST $identities/99/disable
	is "in the words for one that is not there" "${there/ 3/ 99}" "$(field .detail)"
	with "$work/$role" POST $identities/5/disable
	answered "but its own" 200
	with "$work/$role" POST $identities/5/enable
	answered "and enables it" 200
done
op GET "$identities?subject=ns/sa-3"
is "nobody touched the other tenant's" "$(field '.identities[0].disabled')" false
with "$work/operator" GET '/v1/operators?tenant=other'
problem "an operator does not see another tenant's operators" 404 not-found
with "$work/tenant-admin" GET '/v1/operators?limit=500'
is "nor does a tenant-admin" "$(field '.operators[].name' | grep -cx olga)" 0
with "$work/tenant-admin" DELETE /v1/operators/olga
problem "or remove one" 404 not-found
op GET '/v1/operators?tenant=other'
is "an admin does" "$(field '[.operators[] | .name + " " + .tenant + " " + (.expires | tostring)] | join(",")')" "olga other null"

# ---- somebody who asks from outside ----
# A pipeline's issuer with one key, and a token for each of three subjects.
node -e '
	const jose = require(process.argv[1] + "/tests/e2e/jose.js"), fs = require("fs"), dir = process.argv[2];
	const key = jose.makeKey("RS256"), now = Math.floor(Date.now() / 1000);
	fs.writeFileSync(dir + "/source.json", JSON.stringify({ name: "pipeline", kind: "oidc", issuer: "https://pipeline.example.org",
		jwks: { keys: [jose.jwk(key)] } }));
	for (const sub of ["web", "api", "db"])
		fs.writeFileSync(dir + "/" + sub + ".jwt", jose.mint(key, { iss: "https://pipeline.example.org", sub, aud: "mica",
			iat: now, exp: now + 3000 }));
' "$MICA_SOURCE" "$work" || echo "Bail out! no tokens"
outside() { # SUBJECT NAME: enrol with a new key
	make_csr "$work/$1.csr" "$work/$1-$RANDOM.key" "$2" "DNS:$2"
	csr_body "$work/$1.csr" >"$work/$1.json"
	bearer "$(<"$work/$1.jwt")" POST /v1/certificates "${json[@]}" --data-binary "@$work/$1.json"
}
identity_of() { # SUBJECT: leaves it in $work/body
	op GET "$identities?source=pipeline&subject=$1"
}
op POST /v1/sources "${json[@]}" --data-binary "@$work/source.json"
answered "a source is made known" 201
cat >"$work/policy.json" <<-'END'
	{ "rules": [ { "name": "pipeline", "source": "pipeline", "audience": "mica", "match": { "sub": "web" }, "profile": "service",
		"names": { "dns": [ "*.ci.internal" ] } },
	  { "name": "database", "source": "pipeline", "audience": "mica", "match": { "sub": "db" }, "profile": "service",
		"names": { "dns": [ "*.ci.internal" ] } } ] }
END
op PUT /v1/policy "${json[@]}" --data-binary "@$work/policy.json"
answered "and a policy that speaks of it" 200
outside api a.ci.internal
problem "whom no rule knows gets nothing" 403 rule-missing
identity_of api
is "and leaves no identity behind" "$(field '.identities | length')" 0
outside web a.ci.internal
answered "another enrols" 201
first=$(field .serial)
outside web b.ci.internal
answered "and again" 201
identity_of web
is "as one identity with two certificates" "$(field '.identities | length') $(field '.identities[0] | [.tenant, .certificates, .disabled] | map(tostring) | join(" ")')" "1 default 2 false"
web=$(field '.identities[0].id')
op POST "/v1/certificates/$first/revoke" "${json[@]}" --data-binary '{}'
identity_of web
is "of which one is revoked" "$(field '.identities[0].certificates')" 1
with "$work/operator" POST "$identities/$web/disable"
answered "it is disabled" 200
outside web c.ci.internal
problem "and gets nothing any more" 403 identity-disabled
outside db c.ci.internal
answered "which is nobody else's trouble" 201
with "$work/operator" POST "$identities/$web/enable"
outside web c.ci.internal
answered "until it is enabled" 201

# Quotas of the tenant; an identity's first.
quota() { # COLUMN VALUE: as micad would set it, with micad away
	stop_ca
	sqlite3 "$state/mica.db" "UPDATE tenants SET $1 = $2 WHERE id = 2"
	serve_ca
}
quota identity_alive_max 2
outside web d.ci.internal
problem "an identity has as many alive as it may" 429 quota-exceeded
like "and is told so" "$(field .detail)" 'identity.* is 2,'
outside db d.ci.internal
answered "another may have one more" 201
quota 'identity_alive_max = 0, identity_minute_max' 1
outside db e.ci.internal
answered "one a minute" 201
outside db f.ci.internal
problem "and no second" 429 quota-exceeded
is "but later" "$(header Retry-After | grep -c '^[0-9]')" 1
quota 'identity_minute_max = 0, alive_max' 6
outside web g.ci.internal
answered "the tenant's sixth" 201
outside db h.ci.internal
problem "its seventh" 429 quota-exceeded
issue "$work/service" i.ci.internal DNS:i.ci.internal
problem "an operator's asking makes no difference" 429 quota-exceeded
op POST "/v1/certificates/$(sqlite3 "$state/mica.db" "SELECT lower(hex(serial)) FROM certificates WHERE tenant_id = 2 AND status = 0 LIMIT 1")/revoke" \
	"${json[@]}" --data-binary '{}'
answered "one is revoked" 200
outside db h.ci.internal
answered "and makes room for one" 201
outside db i.ci.internal
problem "and no more" 429 quota-exceeded
make_operator "$work/more" more auditor
answered "operators are not counted" 201
quota alive_max 9
make_csr "$work/many.csr" "$work/many.key" many.internal DNS:many.internal
csr_body "$work/many.csr" >"$work/many.json"
many=()
for i in $(seq 16); do
	curl -s -o /dev/null -w '%{http_code}\n' --max-time 60 --cacert "$state/admin/ca.crt" --cert "$state/admin/tls.crt" \
		--key "$state/admin/tls.key" "${json[@]}" --data-binary "@$work/many.json" "$url/v1/certificates" >"$work/many.$i" &
	many+=($!)
	own
done
wait "${many[@]}"
is "of sixteen at once three get through" "$(sort "$work"/many.[0-9]* | uniq -c | awk '{ print $2 ":" $1 }' | paste -sd' ')" "201:3 429:13"

# ---- mica ----
export MICA_HOME=$state/admin
like "mica identity list" "$("$mica" identity list --subject ns/sa-8)" '8 +default +prod +ns/sa-8 +enabled +0'
is "mica identity disable" "$("$mica" identity disable 8)" "ns/sa-8: disabled"
is "mica identity list --state" "$("$mica" identity list --state disabled --json | jq -c '[.identities[].id]')" "[8]"
is "mica identity enable" "$("$mica" identity enable 8 --json | jq .disabled)" false
"$mica" identity disable eight >/dev/null 2>&1
is "what is no id" "$?" 2
"$mica" identity list --state gone >/dev/null 2>&1
is "what is no state" "$?" 2
stop_ca
plan
