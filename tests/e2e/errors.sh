#!/bin/bash
# Every refusal has a code and a status of its own, as a problem document (RFC 9457) with a request id; nothing a client
# sends ends the process.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need openssl curl jq

start_ca
certificates=/v1/certificates

make_key "$work/key.pem"
make_csr "$work/good.csr" "$work/key.pem" good.internal DNS:good.internal
csr_body "$work/good.csr" >"$work/good.json"

post() { # PATH DATA [OPTION OF curl]…: JSON as the operator
	local path=$1 data=$2
	shift 2
	op POST "$path" "${json[@]}" --data-binary "$data" "$@"
}

enrol() { # CSR [JSON]: as the operator
	csr_body "$@" >"$work/enrol.json"
	post $certificates "@$work/enrol.json"
}

# ---- the request's form ----
post $certificates '{"csr": '
problem "malformed JSON" 400 json-malformed
post $certificates 'csr=1'
problem "something that is no JSON" 400 json-malformed
post $certificates "$(printf '{"csr":"\xff\xfe"}')"
problem "JSON that is not UTF-8" 400 json-malformed
post $certificates '{"csr":"a","csr":"b"}'
problem "a field twice" 400 json-malformed
post $certificates "$(printf '[%.0s' {1..3000})"
problem "JSON nested 3,000 deep" 400 json-malformed
post $certificates '["csr"]'
problem "JSON that is not an object" 400 json-malformed
post $certificates "$(cat "$work/good.json") {}"
problem "data after the JSON" 400 json-trailing-data
post $certificates '{"csr":5}'
problem "a field of the wrong type" 400 field-invalid
post $certificates '{}'
problem "a field is missing" 400 field-missing
post $certificates "$(jq -c '. + {colour: "blue"}' "$work/good.json")"
problem "an unknown field" 400 field-unknown
post $certificates "$(jq -c '. + {ttl: "soon"}' "$work/good.json")"
problem "a ttl that is no duration" 400 field-invalid
post $certificates ''
problem "an empty body" 400 body-empty
op POST $certificates "${json[@]}"
problem "no body at all" 400 body-empty
head -c 3000000 /dev/zero | tr '\0' ' ' >"$work/huge"
post $certificates "@$work/huge" -H 'Expect:'
problem "a body of 3 MB" 413 body-large
op POST $certificates -H 'Transfer-Encoding: chunked' -H 'Content-Type:' --data-binary "@$work/good.json"
problem "no content type, in chunks" 415 media-type-unsupported
post $certificates "@$work/huge" -H 'Expect:' -H 'Transfer-Encoding: chunked'
like "a body of 3 MB in chunks is not read to its end" "$status $(field .code)" '^(413 body-large|000 )$'
op POST $certificates -H 'Content-Type: application/x-www-form-urlencoded' --data-binary "@$work/good.json"
problem "another content type" 415 media-type-unsupported
op POST $certificates -H 'Content-Type:' --data-binary "@$work/good.json"
problem "no content type" 415 media-type-unsupported
op POST $certificates -H 'Content-Type: application/json; charset=utf-8' --data-binary "@$work/good.json"
answered "a content type with a parameter is fine" 201
serial=$(field .serial)
op GET /v1/elsewhere
problem "an unknown path" 404 path-unknown
anon GET /v1/elsewhere
problem "an unknown path, without a credential" 404 path-unknown
anon GET /v1/certificates/../../etc/passwd
problem "a path that climbs" 404 path-unknown
op GET "$certificates/"
problem "an empty serial number" 404 path-unknown
op PUT $certificates
problem "another method" 405 method-unknown
is "and Allow says which there are" "$(header Allow | tr -d ' ' | tr , '\n' | grep -vx -e HEAD -e OPTIONS | sort | paste -sd,)" GET,POST
op DELETE /v1/trust-bundle
problem "another method on the trust bundle" 405 method-unknown
op BREW $certificates
problem "a method that nobody knows" 405 method-unknown
op GET "$certificates/$serial" -H 'Accept: text/html'
problem "an answer of another type" 406 not-acceptable
anon GET /v1/trust-bundle -H 'Accept: image/png'
problem "a trust bundle of another type" 406 not-acceptable
op GET "$certificates/$serial" -H 'Accept: text/html, */*;q=0.1'
answered "a list of types with */* is fine" 200
op GET "$certificates?colour=blue"
problem "an unknown query parameter" 400 query-invalid
op GET "$certificates?limit=0"
problem "a limit out of range" 400 query-invalid
op GET "$certificates?limit=many"
problem "a limit that is no number" 400 query-invalid
op GET "$certificates?limit=1&limit=2"
problem "a query parameter twice" 400 query-invalid
op GET "$certificates?status=lost"
problem "an unknown status" 400 query-invalid
op GET "$certificates?expires_before=tomorrow"
problem "a time that is none" 400 query-invalid
op GET "$certificates?cursor=AAAA"
problem "a cursor that is not ours" 400 query-invalid
op GET "/v1/tokens?cursor=%00%ff"
problem "a cursor of raw octets" 400 query-invalid
op GET "$certificates/00ff"
problem "a serial number that is not on record" 404 not-found
op GET "$certificates/zz"
problem "a serial number that is none" 404 not-found
post "$certificates/00ff/revoke" '{}'
problem "revoking one that is not on record" 404 not-found
op DELETE /v1/tokens/00000000000000000000000000000000
problem "removing a token that is not there" 404 not-found
head -c 20000 /dev/zero | tr '\0' a >"$work/long"
op GET "/v1/$(<"$work/long")"
like "a path of 20,000 octets is refused" "$status" '^(4..|000)$'
op GET /healthz -H "X-Long: $(<"$work/long")"
like "a header of 20,000 octets is refused" "$status" '^(4..|000)$'
op GET /healthz
answered "and the server goes on" 200

# A body that ends before its Content-Length.
recorded() {
	op GET "$certificates?limit=500&status=any"
	field '.certificates | length'
}
before=$(recorded)
{
	printf 'POST /v1/certificates HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n'
	cat "$work/good.json"
} | timeout 10 openssl s_client -quiet -no_ign_eof -connect "127.0.0.1:$port" \
	-cert "$state/admin/tls.crt" -key "$state/admin/tls.key" >"$work/truncated" 2>/dev/null
if [ -s "$work/truncated" ]; then
	like "a truncated body, if it is answered at all" "$(<"$work/truncated")" 'HTTP/1.1 400.*body-truncated'
else
	ok "a truncated body from a peer that is gone is not answered"
fi
is "and nothing was issued" "$(recorded)" "$before"

# ---- the CSR ----
post $certificates '{"csr":"hello"}'
problem "a CSR that is none" 400 csr-malformed
post $certificates '{"csr":""}'
like "an empty CSR" "$status $(field .code)" '^400 (csr-malformed|field-invalid)$'
cat "$work/good.csr" "$work/good.csr" >"$work/two.csr"
enrol "$work/two.csr"
problem "two CSRs" 400 csr-malformed
head -n 4 "$work/good.csr" >"$work/cut.csr"
enrol "$work/cut.csr"
problem "half a CSR" 400 csr-malformed
enrol "$state/admin/ca.crt"
problem "a certificate instead of a CSR" 400 csr-malformed
openssl req -in "$work/good.csr" -outform DER -out "$work/good.der"
size=$(stat -c %s "$work/good.der")
{ head -c $((size - 1)) "$work/good.der"; tail -c 1 "$work/good.der" | tr '\000-\377' '\001-\377\000'; } >"$work/bad.der"
openssl req -inform DER -in "$work/bad.der" -out "$work/bad.csr" 2>/dev/null
enrol "$work/bad.csr"
problem "a CSR with a bad signature" 400 csr-signature-invalid
{ echo '-----BEGIN CERTIFICATE REQUEST-----'; head -c 60000 /dev/urandom | base64 -w 64; echo '-----END CERTIFICATE REQUEST-----'; } >"$work/big.csr"
enrol "$work/big.csr"
like "a CSR of 80 KB" "$status $(field .code)" '^(400 csr-malformed|400 field-invalid|413 body-large)$'

refused_csr() { # DESCRIPTION STATUS CODE CN SAN [OPTION OF openssl req]…
	local desc=$1 want=$2 code=$3
	shift 3
	make_csr "$work/x.csr" "$work/key.pem" "$@" || diag "$(cat "$work/openssl.err")"
	enrol "$work/x.csr"
	problem "$desc" "$want" "$code"
}
refused_csr "CA:TRUE" 403 csr-extension-refused a.internal DNS:a.internal -addext basicConstraints=critical,CA:TRUE
refused_csr "keyCertSign" 403 csr-extension-refused a.internal DNS:a.internal -addext keyUsage=critical,keyCertSign
refused_csr "code signing" 403 csr-extension-refused a.internal DNS:a.internal -addext extendedKeyUsage=codeSigning
refused_csr "name constraints" 403 csr-extension-refused a.internal DNS:a.internal -addext 'nameConstraints=permitted;DNS:internal'
refused_csr "an e-mail address" 403 name-refused a.internal email:a@example.com
refused_csr "an otherName" 400 name-malformed a.internal 'otherName:1.2.3.4;UTF8:x'
refused_csr "a DNS name with a blank" 400 name-malformed - 'DNS:a b.internal'
refused_csr "a DNS name with a NUL" 400 name-malformed - 'DER:30:0c:82:0a:61:00:2e:69:6e:74:65:72:6e:6c'
refused_csr "a wildcard in the middle" 400 name-malformed - 'DNS:a.*.internal'
refused_csr "a CN that is no name" 403 subject-refused 'A person' DNS:a.internal
refused_csr "no name at all" 403 no-names -
refused_csr "micad's own name" 403 name-reserved localhost
refused_csr "micad's own address" 403 name-reserved - IP:127.0.0.1
refused_csr "a hundred and one names" 403 too-many-names - "$(printf 'DNS:a%d.internal,' {1..100})DNS:z.internal"
openssl req -new -key "$work/key.pem" -subj /O=Example/CN=a.internal -addext subjectAltName=DNS:a.internal -out "$work/o.csr"
enrol "$work/o.csr"
problem "an organisation in the subject" 403 subject-refused
make_csr "$work/fine.csr" "$work/key.pem" fine.internal DNS:fine.internal -addext basicConstraints=critical,CA:FALSE \
	-addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth,clientAuth
enrol "$work/fine.csr"
answered "usages that the profile grants anyway are fine" 201

# ---- weak and foreign keys ----
weak() { # DESCRIPTION CODE-REGEX OPTION OF openssl genpkey…
	local desc=$1 code=$2
	shift 2
	rm -f "$work/weak.key" "$work/weak.csr"
	openssl genpkey "$@" -out "$work/weak.key" 2>"$work/openssl.err" &&
		make_csr "$work/weak.csr" "$work/weak.key" weak.internal DNS:weak.internal
	if [ ! -s "$work/weak.csr" ]; then
		skip "$desc" "this openssl does not make such a key"
		return
	fi
	enrol "$work/weak.csr"
	if [ "$(field .code)" = key-weak ]; then
		problem "$desc" 403 key-weak
	else
		problem "$desc" 403 "$code"
	fi
}
weak "RSA-1024" key-weak -algorithm RSA -pkeyopt rsa_keygen_bits:1024
weak "RSA with exponent 3" key-weak -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3
weak "P-521" key-type-refused -algorithm EC -pkeyopt ec_paramgen_curve:P-521
weak "P-224" key-type-refused -algorithm EC -pkeyopt ec_paramgen_curve:P-224
weak "secp256k1" key-type-refused -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1
weak "Ed448" key-type-refused -algorithm ED448
weak "DSA" key-type-refused -paramfile <(openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:2048 \
	-pkeyopt type:fips186_2 2>/dev/null)

# ---- profile and lifetime ----
enrol "$work/good.csr" '{"profile":"queen"}'
problem "an unknown profile" 404 profile-unknown
enrol "$work/good.csr" '{"ttl":"1s"}'
problem "a lifetime that is too short" 403 ttl-refused
enrol "$work/good.csr" '{"ttl":"91d"}'
problem "a lifetime that is too long" 403 ttl-refused
enrol "$work/good.csr" '{"ttl":"90d"}'
answered "ninety days are fine" 201

# ---- credentials ----
anon POST $certificates "${json[@]}" --data-binary "@$work/good.json"
problem "no credential" 401 credentials-missing
is "and the challenge says which" "$(header WWW-Authenticate | cut -d' ' -f1)" Bearer
anon GET $certificates
problem "a listing without a credential" 401 credentials-missing
anon GET /v1/whoami
problem "whoami of nobody" 401 credentials-missing
anon POST /v1/tokens "${json[@]}" --data-binary '{"dns":["a.internal"]}'
problem "a token for nobody" 401 credentials-missing
anon POST $certificates "${json[@]}" --data-binary "@$work/good.json" -H 'Authorization: Basic YTpi'
like "another scheme of authorization" "$status $(field .code)" '^401 (credentials-missing|token-malformed)$'
make_token '{"dns":["good.internal"]}'
bearer "$token" GET $certificates
like "a token does not list" "$status $(field .code)" '^(401 credentials-missing|403 forbidden)$'
bearer "$token" POST /v1/tokens "${json[@]}" --data-binary '{"dns":["good.internal"]}'
like "a token makes no token" "$status $(field .code)" '^(401 credentials-missing|403 forbidden)$'

# ---- tokens ----
by_token() { # TOKEN [CSR [JSON]]
	csr_body "${2:-$work/good.csr}" "${3:-{\}}" >"$work/token.json"
	bearer "$1" POST $certificates "${json[@]}" --data-binary "@$work/token.json"
}
b64url() {
	base64 -w 0 | tr '+/' '-_' | tr -d '='
}
unb64url() {
	local text
	text=$(tr -- '-_' '+/')
	while [ $((${#text} % 4)) -ne 0 ]; do text+='='; done
	base64 -d <<<"$text"
}
IFS=. read -r jwt_head jwt_payload jwt_signature <<<"$token"
is "a token's header" "$(unb64url <<<"$jwt_head" | jq -c -S .)" '{"alg":"HS256","typ":"JWT"}'
for bad in x a.b a.b.c "$jwt_head.$jwt_payload" "$jwt_head..$jwt_signature" "${token//./}" "$token.$token" "$token%" ; do
	by_token "$bad"
	like "not a token: ${bad:0:12}…" "$status $(field .code)" '^401 (token-(malformed|signature-invalid)|jwt-issuer-unknown)$'
done
by_token ''
like "an empty token" "$status $(field .code)" '^401 (token-malformed|credentials-missing)$'
by_token "$(head -c 6000 /dev/zero | tr '\0' a).b.c"
like "a huge token" "$status $(field .code)" '^(401 token-malformed|431 .*|000 .*|413 .*)$'
none_head=$(printf '{"alg":"none","typ":"JWT"}' | b64url)
by_token "$none_head.$jwt_payload."
like "alg none" "$status $(field .code)" '^401 (token-(malformed|signature-invalid)|jwt-issuer-unknown)$'
by_token "$none_head.$jwt_payload.$jwt_signature"
like "alg none with a signature" "$status $(field .code)" '^401 (token-(malformed|signature-invalid)|jwt-issuer-unknown)$'
by_token "$(printf '{"alg":"HS512","typ":"JWT"}' | b64url).$jwt_payload.$jwt_signature"
like "alg HS512" "$status $(field .code)" '^401 (token-(malformed|signature-invalid)|jwt-issuer-unknown)$'
by_token "$(printf '{"alg":"HS256","typ":"JWT","crit":["x"],"x":1}' | b64url).$jwt_payload.$jwt_signature"
like "a critical header that nobody knows" "$status $(field .code)" '^401 (token-(malformed|signature-invalid)|jwt-issuer-unknown)$'
changed=$(unb64url <<<"$jwt_payload" | jq -c '.dns = ["db.internal"]' | b64url)
by_token "$jwt_head.$changed.$jwt_signature"
problem "a changed payload" 401 token-signature-invalid
by_token "$jwt_head.$jwt_payload.${jwt_signature:0:20}"
like "half a signature" "$status $(field .code)" '^401 (token-(malformed|signature-invalid)|jwt-issuer-unknown)$'
by_token "$jwt_head.$jwt_payload.$(head -c 32 /dev/zero | b64url)"
problem "a signature of zeroes" 401 token-signature-invalid
head_key=$(printf '%s' "$jwt_head.$jwt_payload" | openssl dgst -sha256 -mac HMAC -macopt key: -binary 2>/dev/null | b64url)
by_token "$jwt_head.$jwt_payload.$head_key"
problem "a signature with an empty key" 401 token-signature-invalid

make_csr "$work/other.csr" "$work/key.pem" other.internal DNS:other.internal
by_token "$token" "$work/other.csr"
problem "a name that the token does not grant" 403 name-refused
like "and the problem names it and what to do next" "$(field '.detail + " / " + .next')" 'other\.internal.* / .*token'
by_token "$token" "$work/good.csr" '{"profile":"operator"}'
like "an operator's profile with a token" "$status $(field .code)" '^403 (profile-refused|forbidden)$'
by_token "$token"
answered "after all this the token is still good" 201
make_csr "$work/good2.csr" "$work/key2.pem" good.internal DNS:good.internal
by_token "$token" "$work/good2.csr"
problem "a replayed token" 409 token-replayed

make_token '{"dns":["good.internal"]}'
removed=$token
op DELETE "/v1/tokens/$token_id"
answered "a token is removed" 204
by_token "$removed"
problem "a removed token" 401 token-removed
make_token '{"dns":["good.internal"],"ttl":"1s"}'
sleep 2.2
by_token "$token"
problem "an expired token" 401 token-expired
is "with a challenge" "$(header WWW-Authenticate | cut -d' ' -f1)" Bearer

token_refused() { # DESCRIPTION STATUS CODE JSON
	post /v1/tokens "$4"
	problem "$1" "$2" "$3"
}
token_refused "a token for longer than a day" 403 ttl-refused '{"dns":["a.internal"],"ttl":"25h"}'
token_refused "a token for no use" 400 field-invalid '{"dns":["a.internal"],"uses":0}'
token_refused "a token for 1,001 uses" 400 field-invalid '{"dns":["a.internal"],"uses":1001}'
token_refused "a token for a malformed name" 400 name-malformed '{"dns":["a..internal"]}'
token_refused "a token for micad's own name" 403 name-reserved '{"dns":["localhost"]}'
token_refused "a token for no name" 403 no-names '{}'
token_refused "a token for operators" 403 profile-refused '{"profile":"operator","dns":["a.internal"]}'
token_refused "a token for an unknown profile" 404 profile-unknown '{"profile":"queen","dns":["a.internal"]}'
token_refused "a token with an unknown field" 400 field-unknown '{"dns":["a.internal"],"colour":"blue"}'

# ---- a token from the future, and one of another installation ----
make_token '{"dns":["good.internal"],"uses":5}'
valid=$token
stop_ca
cp -a "$state" "$work/copy"
here=$state
if clock_setup; then
	echo '+3h' >"$work/clock"
	state=$work/copy
	ca_env=("${clock[@]}")
	serve_ca && make_token '{"dns":["good.internal"]}'
	early=$token
	stop_ca
	ca_env=()
	state=$here
	serve_ca
	by_token "$early"
	problem "a token from the future" 401 token-early
	stop_ca
else
	skip "a token from the future" "faketime is not installed"
fi
keep_port=$port
keep_url=$url
state=$work/elsewhere
start_ca --issuer-lifetime 20d
enrol "$work/good.csr" '{"ttl":"30d"}'
problem "a certificate that would outlive its issuer" 403 issuer-ends
enrol "$work/good.csr" '{"ttl":"19d"}'
answered "one that would not" 201
make_token '{"dns":["good.internal"]}'
foreign=$token
by_token "$valid"
problem "a token of another installation" 401 token-foreign
stop_ca
state=$here
port=$keep_port
url=$keep_url
serve_ca
by_token "$foreign"
problem "the same the other way round" 401 token-foreign
by_token "$valid"
answered "the installation's own is still good after a restart" 201
is "no secret stands in the log" "$(grep -c -e "$valid" -e "$foreign" -e "$jwt_signature" "$work/micad.log")" 0
check "micad runs still" alive "$micad_pid"
plan
