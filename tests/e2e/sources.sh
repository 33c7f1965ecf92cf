#!/bin/bash
# Sources, as an admin makes, shows, changes and removes them: by command line and API; what is refused, and who may not.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq

mkdir "$work/credentials"
echo sesame >"$work/credentials/prod"
ca_env=(MICAD_CREDENTIALS="$work/credentials")
start_ca
admin=$state/admin
ca=$admin/ca.crt
issuer=https://kubernetes.default.svc.cluster.local
cluster=https://kubernetes.default.svc
m() {
	env MICA_HOME="$admin" "$mica" "$@" >"$work/out" 2>"$work/err"
}
says() { # DESCRIPTION STATUS REGEX
	like "$1" "$exit $(cat "$work/out" "$work/err")" "^$2 .*$3"
}
run() {
	m "$@"
	exit=$?
}

# ---- the command line ----
openssl ecparam -name prime256v1 -genkey -noout -out "$work/jwk.pem"
openssl pkey -in "$work/jwk.pem" -pubout -outform DER -out "$work/jwk.der"
b64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }
jq -n --arg x "$(tail -c 64 "$work/jwk.der" | head -c 32 | b64url)" --arg y "$(tail -c 32 "$work/jwk.der" | b64url)" \
	'{keys: [{kty: "EC", crv: "P-256", kid: "1", use: "sig", $x, $y}]}' >"$work/jwks"

check "a cluster that is asked" m source create prod --kind kubernetes --issuer $issuer --token-review $cluster --ca-file "$ca" \
	--bearer prod
check "keys in a file" m source create build --kind oidc --issuer https://build.example.org --audience mica --audience ca \
	--jwks-file "$work/jwks"
check "keys at an address" m source create ci --kind oidc --issuer https://ci.example.org/ --jwks-url https://ci.example.org/keys \
	--ca-file "$ca"
m source list
is "the list" "$(tr -s ' ' <"$work/out")" "NAME KIND ISSUER
prod kubernetes $issuer
build oidc https://build.example.org
ci oidc https://ci.example.org/"
m source show build
like "what one of them is" "$(tr -s ' \n' '  ' <"$work/out")" \
	'^name build kind oidc issuer https://build.example.org audiences mica, ca checked by 1 keys that were given created 20'
m source show prod --json
is "and all of its settings" "$(jq -r '[.name, .kind, .issuer, .token_review.url, .token_review.bearer, .version] | join(" ")' "$work/out")" \
	"prod kubernetes $issuer $cluster prod 1"
check_fails "never what is in the file" grep -q sesame "$work/out"
check "replaced" m source set prod --jwks-url $cluster/openid/v1/jwks --ca-file "$ca" --audience other
m source show prod --json
is "as a whole" "$(jq -c '[.jwks.url, .jwks.bearer, .token_review, .audiences, .version, .issuer]' "$work/out")" \
	"[\"$cluster/openid/v1/jwks\",null,null,[\"other\"],2,\"$issuer\"]"
m source list --limit 2 --json
is "a page" "$(jq -c '[.next, (.sources | map(.name))]' "$work/out")" '["build",["prod","build"]]'
m source list --all --json
is "all pages" "$(jq -c '[.next, (.sources | map(.name))]' "$work/out")" '[null,["prod","build","ci"]]'

run source create prod --kind oidc --issuer https://x.example.org --jwks-file "$work/jwks"
says "a name is given once" 3 already-exists
run source create again --kind kubernetes --issuer $issuer --jwks-file "$work/jwks"
says "an issuer has one source" 3 'the source prod has this issuer.*already-exists'
check "removed" m source remove prod
run source remove prod
says "once" 4 'no source prod.*not-found'
run source show prod
says "it is not there" 4 not-found
run source set prod --jwks-file "$work/jwks"
says "nor to be changed" 4 not-found
run source create again --kind kubernetes --issuer $issuer --jwks-file "$work/jwks"
says "its issuer stays its own" 3 already-exists
run source create prod --kind kubernetes --issuer $issuer/ --jwks-file "$work/jwks"
says "and so does its name" 3 already-exists
check "and it may come back" m source create prod --kind kubernetes --issuer $issuer --jwks-file "$work/jwks"
stop_ca
serve_ca
m source list
is "they outlive micad" "$(awk 'NR > 1 { print $1 }' "$work/out" | paste -sd' ')" "prod build ci"

# ---- usage ----
run source create x --kind oidc --issuer https://y.example.org
says "a way to check is needed" 2 'one of --token-review'
run source create x --kind oidc --issuer https://y.example.org --jwks-url https://y.example.org/ --jwks-file "$work/jwks"
says "one only" 2 'one of --token-review'
run source create x --kind oidc --issuer https://y.example.org --jwks-url https://y.example.org/
says "nobody is believed by default" 2 '--ca-file is missing'
run source create x --issuer https://y.example.org --jwks-file "$work/jwks"
says "the kind is needed" 2 '--kind is missing'
run source create x --kind oidc --issuer https://y.example.org --jwks-file "$ca"
says "a file that is no key set" 2 'not a JSON Web Key Set'
run source show ../tokens
says "a name is a name" 2 'not the name of a source'

# ---- the API ----
base=$(jq -n --rawfile ca "$ca" '{name: "x", kind: "kubernetes", issuer: "https://x.example.org",
	token_review: {url: "https://x.example.org", $ca}}')
refused() { # DESCRIPTION JQ STATUS CODE
	op POST /v1/sources "${json[@]}" --data-binary "$(jq "$2" <<<"$base")"
	problem "$1" "$3" "$4"
}
refused "a name in capitals" '.name = "X"' 400 field-invalid
refused "an empty name" '.name = ""' 400 field-invalid
refused "a name with a dash in front" '.name = "-x"' 400 field-invalid
refused "a long name" '.name = "x" * 64' 400 field-invalid
refused "no name" 'del(.name)' 400 field-missing
refused "another kind" '.kind = "saml"' 400 field-invalid
refused "no issuer" 'del(.issuer)' 400 field-missing
refused "an empty issuer" '.issuer = ""' 400 field-invalid
refused "an issuer with a space" '.issuer = "https://x example.org"' 400 field-invalid
refused "a long issuer" '.issuer = "https://x.example.org/" + "x" * 500' 400 field-invalid
refused "ourselves" ".issuer = \"$url\"" 400 field-invalid
refused "an OIDC issuer that is no https URL" '.kind = "oidc" | .issuer = "x" | .jwks = .token_review | del(.token_review)' 400 field-invalid
refused "TokenReview at an OIDC issuer" '.kind = "oidc"' 400 field-invalid
refused "neither way to check" 'del(.token_review)' 400 field-missing
refused "plain HTTP" '.token_review.url = "http://x.example.org"' 400 field-invalid
refused "a CA that is none" '.token_review.ca = "x"' 400 field-invalid
refused "a bearer that is a path" '.token_review.bearer = "../admin/tls.key"' 400 field-invalid
refused "a bearer that is hidden" '.token_review.bearer = ".."' 400 field-invalid
refused "a bearer that is not there" '.token_review.bearer = "nobody"' 400 field-invalid
refused "a bearer's content" '.token_review.token = "sesame"' 400 field-unknown
refused "an unknown field" '.more = 1' 400 field-unknown
refused "keys for a MAC" '.jwks = {keys: [{kty: "oct", k: "c2VzYW1l"}]} | del(.token_review)' 400 field-invalid
op PUT /v1/sources/ci "${json[@]}" --data-binary '{"name": "cd"}'
problem "a name is not changed" 400 field-unknown
op GET '/v1/sources?cursor=nobody'
problem "a cursor that is none" 400 query-invalid

# ---- who ----
for role in tenant-admin operator auditor; do
	check "an operator with the role $role" m operator create "$role" --role "$role" --out "$work/$role"
	for row in "POST /v1/sources" "PUT /v1/sources/ci" "DELETE /v1/sources/ci"; do
		read -r method path <<<"$row"
		with "$work/$role" "$method" "$path" "${json[@]}" --data-binary "$base"
		problem "$role: $row" 403 forbidden
	done
done
with "$work/tenant-admin" GET /v1/sources/ci
is "a tenant's admin sees what a rule needs" "$status $(jq -c . "$work/body")" \
	'200 {"name":"ci","kind":"oidc","issuer":"https://ci.example.org/"}'
with "$work/tenant-admin" GET /v1/sources
is "of all of them" "$status $(field '[.sources[] | keys | join(" ")] | unique[]')" '200 issuer kind name'
with "$work/auditor" GET /v1/sources
problem "an auditor does not" 403 forbidden
anon GET /v1/sources
problem "nor does anybody" 401 credentials-missing
stop_ca

# ---- without --credentials ----
ca_env=()
serve_ca
op POST /v1/sources "${json[@]}" --data-binary "$(jq '.token_review.bearer = "prod"' <<<"$base")"
problem "no bearer without a directory" 400 field-invalid
stop_ca
plan
