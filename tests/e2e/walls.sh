#!/bin/bash
# The walls between tenants: every route of /openapi.json, walked with each credential of the tenant beta on what is the
# tenant alpha's. Nothing of alpha's is shown, nothing of it is touched, and what is alpha's is answered like what does not
# exist. A route that has no row below fails this test.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq sqlite3 node

start_ca --key-type ec:p256 --root-key-type ec:p256

# ---- the rows ----
# ROUTE, what is to happen, the request's path, its body; a tab between. @TENANT@, @SERIAL@ … stand for what is alpha's and,
# in a second try, for what nobody has.
#   refuse  401, 403 or 404, word for word the same in both tries
#   list    200 or 400, without alpha's, the same in both tries; or as above
#   own     whatever it does, it does within beta, and shows nothing of alpha's
#   public  for anyone by design: no wall to test
#   mark    a refuse that alpha's own tenant-admin is not refused: his answer holds the mark
#   marks   likewise, a list
rows() {
	sed 's/  *|  */\t/g; s/ *$//' <<'ROWS'
GET /healthz                             | public
GET /readyz                              | public
GET /openapi.json                        | public
GET /v1/trust-bundle                     | public
GET /v1/tenants/{tenant}/spiffe-bundle   | public
GET /v1/whoami                           | own    | /v1/whoami
POST /v1/certificates                    | refuse | /v1/certificates | {"csr": "@CSR@", "tenant": "@TENANT@"}
POST /v1/certificates                    | list   | /v1/certificates | {"csr": "@CSR@", "tenant": "@TENANT@", "profile": "operator"}
POST /v1/certificates                    | own    | /v1/certificates | {"csr": "@CSR@"}
GET /v1/certificates                     | marks  | /v1/certificates
GET /v1/certificates                     | marks  | /v1/certificates?name=@NAME@
GET /v1/certificates                     | marks  | /v1/certificates?name=*.@SUFFIX@
GET /v1/certificates                     | marks  | /v1/certificates?status=any&profile=service&limit=500
GET /v1/certificates                     | mark   | /v1/certificates?tenant=@TENANT@
GET /v1/certificates                     | own    | /v1/certificates?cursor=@CURSOR@
GET /v1/certificates/{serial}            | mark   | /v1/certificates/@SERIAL@
POST /v1/certificates/{serial}/revoke    | refuse | /v1/certificates/@SERIAL@/revoke | {}
POST /v1/tokens                          | refuse | /v1/tokens | {"dns": ["web.internal"], "tenant": "@TENANT@"}
POST /v1/tokens                          | own    | /v1/tokens | {"dns": ["web.internal"]}
GET /v1/tokens                           | marks  | /v1/tokens
GET /v1/tokens                           | mark   | /v1/tokens?tenant=@TENANT@
GET /v1/tokens                           | list   | /v1/tokens?cursor=@TOKEN@
DELETE /v1/tokens/{id}                   | refuse | /v1/tokens/@TOKEN@
POST /v1/tenants                         | refuse | /v1/tenants | {"name": "@TENANT@"}
GET /v1/tenants                          | marks  | /v1/tenants
GET /v1/tenants                          | own    | /v1/tenants?removed=true
GET /v1/tenants                          | list   | /v1/tenants?cursor=@TENANT@
GET /v1/tenants/{tenant}                 | mark   | /v1/tenants/@TENANT@
PATCH /v1/tenants/{tenant}               | refuse | /v1/tenants/@TENANT@ | {"dns_suffixes": []}
DELETE /v1/tenants/{tenant}              | refuse | /v1/tenants/@TENANT@
GET /v1/policy                           | mark   | /v1/policy?tenant=@TENANT@
GET /v1/policy                           | own    | /v1/policy
PUT /v1/policy                           | refuse | /v1/policy?tenant=@TENANT@ | {}
PUT /v1/policy                           | refuse | /v1/policy?tenant=@TENANT@&dry_run=true | {}
POST /v1/policy/test                     | refuse | /v1/policy/test?tenant=@TENANT@ | {"source": "ci", "claims": {"iss": "https://ci.example.org", "sub": "s", "project": "@MARK@"}, "csr": "@CSR@"}
GET /v1/identities                       | marks  | /v1/identities
GET /v1/identities                       | marks  | /v1/identities?subject=@SUBJECT@
GET /v1/identities                       | marks  | /v1/identities?source=ci
GET /v1/identities                       | mark   | /v1/identities?tenant=@TENANT@
GET /v1/identities                       | list   | /v1/identities?cursor=@IDENTITY@
POST /v1/identities/{id}/disable         | refuse | /v1/identities/@IDENTITY@/disable | {}
POST /v1/identities/{id}/enable          | refuse | /v1/identities/@IDENTITY@/enable | {}
GET /v1/operators                        | marks  | /v1/operators
GET /v1/operators                        | marks  | /v1/operators?email=@EMAIL@
GET /v1/operators                        | mark   | /v1/operators?tenant=@TENANT@
GET /v1/operators                        | list   | /v1/operators?cursor=@OPERATOR@
POST /v1/operators                       | refuse | /v1/operators | {"name": "intruder", "role": "operator", "tenant": "@TENANT@", "csr": "@CSR@"}
DELETE /v1/operators/{name}              | refuse | /v1/operators/@OPERATOR@
GET /v1/sources                          | own    | /v1/sources
POST /v1/sources                         | refuse | /v1/sources | {"name": "theirs", "kind": "oidc", "issuer": "https://beta.example.org", "jwks": {"keys": []}}
GET /v1/sources/{source}                 | own    | /v1/sources/ci
PUT /v1/sources/{source}                 | refuse | /v1/sources/ci | {"kind": "oidc", "issuer": "https://ci.example.org", "jwks": {"keys": []}}
DELETE /v1/sources/{source}              | refuse | /v1/sources/ci
ROWS
}
rows >"$work/rows"

methods='["get", "put", "post", "delete", "patch", "head", "options", "trace"]'
anon GET /openapi.json
is "every route of /openapi.json has a row here, and no row is of another" "$(cut -f1 "$work/rows" | sort -u)" \
	"$(jq -r --argjson methods "$methods" '.paths | to_entries[] | .key as $path | .value | keys[]
		| select(. as $m | $methods | index($m)) | "\(ascii_upcase) \($path)"' "$work/body" | sort -u)"

# ---- alpha and beta ----
# What is alpha's carries the mark, where a text of its own stands in it.
mark=quartz
tenant=alpha-$mark
for name in "$tenant" beta; do
	op POST /v1/tenants "${json[@]}" --data-binary "$(jq -nc --arg name "$name" '{name: $name, dns_suffixes: ["internal"],
		trust_domain: ($name + ".example.org"), root_key_type: "ec:p256", key_type: "ec:p256"}')"
	answered "a tenant $name" 201
done

# Whoever has this key, is project quartz to alpha, and project basalt to beta.
node -e '
	const fs = require("fs");
	const jose = require(process.argv[1] + "/tests/e2e/jose.js");
	const key = jose.makeKey("ES256");
	const now = Math.floor(Date.now() / 1000);
	const token = (project) => jose.mint(key, { iss: "https://ci.example.org", sub: "run-of-" + project, aud: "mica", iat: now,
		exp: now + 3600, project });
	fs.writeFileSync(process.argv[2] + "/keys", JSON.stringify({ keys: [jose.jwk(key)] }));
	for (const project of ["quartz", "basalt"])
		fs.writeFileSync(process.argv[2] + "/jwt." + project, token(project));
' "$MICA_SOURCE" "$work"
op POST /v1/sources "${json[@]}" --data-binary "$(jq -nc --slurpfile keys "$work/keys" '{name: "ci", kind: "oidc",
	issuer: "https://ci.example.org", jwks: $keys[0]}')"
answered "a source for both" 201
policy() { # TENANT PROJECT
	op PUT "/v1/policy?tenant=$1" "${json[@]}" --data-binary "$(jq -nc --arg project "$2" '{rules: [{name: $project, source: "ci",
		audience: "mica", match: {project: $project}, profile: "service", names: {dns: [$project + ".internal"]}}]}')"
	answered "the policy of $1" 200
}
policy "$tenant" $mark
policy beta basalt

operator() { # NAME ROLE TENANT
	mkdir "$work/$1"
	make_csr "$work/$1/csr" "$work/$1/tls.key" "$1"
	op POST /v1/operators "${json[@]}" --data-binary "$(csr_body "$work/$1/csr" "$(jq -nc --arg name "$1" --arg role "$2" \
		--arg tenant "$3" '{name: $name, role: $role, tenant: $tenant, email: ($name + "@example.org")}')")"
	answered "$2 of $3: $1" 201
	field .certificate >"$work/$1/answer"
	mv "$work/$1/answer" "$work/body"
	keep "$work/$1"
}
operator "admin-$mark" tenant-admin "$tenant"
operator beta-admin tenant-admin beta
operator beta-operator operator beta
operator beta-auditor auditor beta

fill_tenant() { # TENANT MARK: a certificate, a token, an identity
	issue "$work/service-$2" "web.$2.internal" "DNS:web.$2.internal" "$(jq -nc --arg t "$1" '{tenant: $t}')"
	answered "a certificate of $1" 201
	op POST /v1/tokens "${json[@]}" --data-binary "$(jq -nc --arg t "$1" --arg name "token-$2.internal" '{tenant: $t, dns: [$name], uses: 100}')"
	answered "a token of $1" 201
	token=$(field .token)
	token_id=$(field .id)
	make_csr "$work/$2.csr" "$work/$2.key" - "DNS:$2.internal"
	csr_body "$work/$2.csr" "$(jq -nc --arg t "$1" '{tenant: $t}')" >"$work/$2.body"
	bearer "$(<"$work/jwt.$2")" POST /v1/certificates "${json[@]}" --data-binary "@$work/$2.body"
	answered "an identity of $1" 201
	op GET "/v1/identities?tenant=$1"
	identity=$(field '.identities[0].id')
}
fill_tenant beta basalt
beta_token=$token
fill_tenant "$tenant" $mark
with "$work/admin-$mark" GET '/v1/certificates?limit=1'
cursor=$(field '.next // empty')
check "there is a cursor of $tenant" test -n "$cursor"

# Each placeholder: alpha's, and what nobody has.
make_csr "$work/beta.csr" "$work/beta.key" - DNS:basalt.internal
csr=$(jq -Rs . <"$work/beta.csr")
declare -A theirs=([TENANT]=$tenant [SERIAL]=$(<"$work/service-$mark/serial") [TOKEN]=$token_id [NAME]=web.$mark.internal
	[SUFFIX]=$mark.internal [OPERATOR]=admin-$mark [EMAIL]=admin-$mark@example.org [IDENTITY]=$identity [SUBJECT]=run-of-$mark
	[MARK]=$mark [CURSOR]=$cursor)
declare -A nobodys=([TENANT]=omega-granit [SERIAL]=00112233445566778899aabbccddeeff01 [TOKEN]=00112233445566778899aabbccddeeff
	[NAME]=web.granit.internal [SUFFIX]=granit.internal [OPERATOR]=admin-granit [EMAIL]=admin-granit@example.org
	[IDENTITY]=4000000 [SUBJECT]=run-of-granit [MARK]=granit [CURSOR]=bm9uZQ)
theirs_in() { # TEXT: with alpha's things
	local text=${1//\"@CSR@\"/$csr} name
	for name in "${!theirs[@]}"; do text=${text//@$name@/${theirs[$name]}}; done
	printf '%s' "$text"
}
nobodys_in() {
	local text=${1//\"@CSR@\"/$csr} name
	for name in "${!nobodys[@]}"; do text=${text//@$name@/${nobodys[$name]}}; done
	printf '%s' "$text"
}

# ---- the walk ----
ask() { # WHO METHOD PATH BODY
	local -a body=()
	[ -z "$4" ] || body=("${json[@]}" --data-binary "$4")
	case $1 in
	nobody) anon "$2" "$3" "${body[@]}" ;;
	token) bearer "$beta_token" "$2" "$3" "${body[@]}" ;;
	jwt) bearer "$(<"$work/jwt.basalt")" "$2" "$3" "${body[@]}" ;;
	*) with "$work/$1" "$2" "$3" "${body[@]}" ;;
	esac
}
# The last answer, with what the request said itself blanked out; lists and problems alike.
essence() { # VALUE…: what to blank
	local text value
	text=$status$(jq -cS 'del(.request_id) | if .detail then .detail |= sub("identity [0-9]+"; "identity …") else . end' "$work/body" 2>/dev/null)
	for value in "$@"; do
		[ "${#value}" -lt 8 ] || text=${text//"$value"/…}
	done
	printf '%s' "$text"
}
# Is something of alpha's in the last answer that the request did not say?
shown() { # REQUEST
	local secret found=
	for secret in $mark "${theirs[SERIAL]}" "${theirs[TOKEN]}"; do
		if [[ $1 != *$secret* ]] && grep -qF "$secret" "$work/body" "$work/headers"; then
			found=$secret
		fi
	done
	printf '%s' "$found"
}
complain() {
	complaints+="$1
"
}
try() { # WHO METHOD KIND PATH BODY
	local path body first second found
	path=$(theirs_in "$4")
	body=$(theirs_in "${5:-}")
	ask "$1" "$2" "$path" "$body"
	found=$(shown "$path $body")
	[ -z "$found" ] || complain "$2 $path as $1 shows $found: $(head -c 300 "$work/body")"
	if [ "$status" = 000 ] || [ "$status" -ge 500 ]; then
		complain "$2 $path as $1: status $status"
	fi
	case $3:$status in
	own:* | list:200 | list:400 | marks:200 | *:401 | *:403 | *:404) ;;
	*) complain "$2 $path $body as $1: $status $(head -c 300 "$work/body")" ;;
	esac
	[ "$3" != own ] || return 0
	first=$(essence "${theirs[@]}")
	ask "$1" "$2" "$(nobodys_in "$4")" "$(nobodys_in "${5:-}")"
	second=$(essence "${nobodys[@]}")
	# A list of beta's own is longer after the one than before: those that are not asked by a name are compared by nothing.
	[ "$4" != "${4//@/}" ] || [ -n "${5:-}" ] || return 0
	# That there is a tenant of a name is no secret to strangers: anyone may have its roots.
	[ "$1 $2 $path" != "jwt POST /v1/certificates" ] || return 0
	[ "$first" = "$second" ] || complain "$2 $path as $1 is not answered like what nobody has: $first / $second"
}
# Everything on record that is alpha's or everybody's, but for what a clock writes.
record() {
	local table id
	id=$(sqlite3 "$state/mica.db" "SELECT id FROM tenants WHERE name = '$tenant'")
	for table in $(sqlite3 "$state/mica.db" "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c
			WHERE m.type = 'table' AND c.name = 'tenant_id' ORDER BY 1"); do
		echo "$table"
		sqlite3 "$state/mica.db" "SELECT * FROM $table WHERE tenant_id = $id OR tenant_id IS NULL OR tenant_id = 1"
	done
	sqlite3 "$state/mica.db" "SELECT * FROM tenants WHERE name <> 'beta'; SELECT * FROM sources"
}
record >"$work/before"
check "there is something to lose" test "$(wc -l <"$work/before")" -gt 20

for who in beta-admin beta-operator beta-auditor service-basalt token jwt nobody; do
	complaints=
	n=0
	while IFS=$'\t' read -r route kind path body; do
		[ "$kind" != public ] || continue
		n=$((n + 1))
		try "$who" "${route%% *}" "$kind" "$path" "$body"
	done <"$work/rows"
	is "$n rows as beta's $who" "$complaints" ""
done
record >"$work/after"
is "nothing of alpha's was touched" "$(diff "$work/before" "$work/after" | head -c 1000)" ""

# The same rows do find it, when it is alpha's tenant-admin who asks.
complaints=
n=0
while IFS=$'\t' read -r route kind path body; do
	[[ $kind = mark* ]] || continue
	n=$((n + 1))
	path=$(theirs_in "$path")
	ask "admin-$mark" "${route%% *}" "$path" "$body"
	if [ "$status" != 200 ] || ! grep -qF "$mark" "$work/body"; then
		complain "$path: $status $(head -c 300 "$work/body")"
	fi
done <"$work/rows"
is "$n rows show alpha's to its own tenant-admin" "$complaints" ""

# ---- one tenant's credentials where another is named ----
make_csr "$work/take.csr" "$work/take.key" - "DNS:$mark.internal"
csr_body "$work/take.csr" "{\"tenant\": \"$tenant\"}" >"$work/take"
bearer "$(<"$work/jwt.basalt")" POST /v1/certificates "${json[@]}" --data-binary "@$work/take"
problem "who has a rule in beta has none in alpha" 403 rule-missing
csr_body "$work/take.csr" '{"tenant": "beta"}' >"$work/take"
bearer "$(<"$work/jwt.$mark")" POST /v1/certificates "${json[@]}" --data-binary "@$work/take"
problem "and the other way round" 403 rule-missing
op GET /v1/tenants
is "the installation's admin sees both" "$(field '[.tenants[].name] | sort | join(" ")')" "$tenant beta default"
stop_ca
plan
