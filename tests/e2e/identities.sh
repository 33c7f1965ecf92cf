#!/bin/bash
# Who was granted something from outside: listed, disabled, enabled; each tenant's operators see and change that tenant's only.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq sqlite3

init_ca || { echo "Bail out! micad init: $(cat "$work/init.log")"; exit 99; }
sqlite3 "$state/mica.db" "
	INSERT INTO tenants (id, name, created_at, removed_at) VALUES (7, 'other', 1, 0);
	INSERT INTO sources (id, name, issuer, kind, version, settings, created_at, removed_at) VALUES
		(1, 'prod', 'https://prod.example.org', 1, 1, '{}', 1, 0), (2, 'ci', 'https://ci.example.org', 2, 1, '{}', 1, 0);
	INSERT INTO identities (id, tenant_id, source_id, subject, created_at, disabled_at)
		SELECT value, CASE WHEN value % 3 = 0 THEN 7 ELSE 2 END, 1 + value % 2, 'ns/sa-' || value, 1767225600, 0 FROM generate_series(1, 30);
	INSERT INTO operators (id, tenant_id, name, role, created_at, removed_at) VALUES (70, 7, 'olga', 2, 1, 0)" 2>"$work/sql.err" ||
	skip_all "this sqlite3 has no generate_series: $(cat "$work/sql.err")"
serve_ca || { echo "Bail out! micad serve: $(tail -n 5 "$work/micad.log")"; exit 99; }
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
