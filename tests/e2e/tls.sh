#!/bin/bash
# How micad speaks TLS: 1.2 and 1.3 and nothing older, no early data, no list of its CAs for strangers, and sessions that are
# resumed with the client's certificate checked against its row all the same.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq

start_ca
talk() { # OPTION OF openssl s_client…: what it says about the session; a request is sent
	printf 'GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
		timeout 15 openssl s_client -ign_eof -connect "127.0.0.1:$port" -CAfile "$state/admin/ca.crt" "$@" 2>&1
}
for version in 1_2 1_3; do
	out=$(talk -tls$version)
	like "TLS ${version/_/.} is spoken" "$out" "Protocol  ?: TLSv${version/_/.}|New, TLSv${version/_/.}"
	like "and the chain is good" "$out" 'Verify return code: 0'
	like "for its name and no other" "$(talk -tls$version -verify_hostname other.internal)" 'Hostname mismatch|hostname mismatch'
done
for version in 1 1_1; do
	like "TLS ${version/_/.} is not" "$(talk -tls$version -cipher 'ALL:@SECLEVEL=0')" 'alert|no protocols available|error'
done
like "no RSA key exchange" "$(talk -tls1_2 -cipher 'AES128-SHA:AES256-SHA:AES128-GCM-SHA256:@SECLEVEL=0')" 'alert handshake failure|no ciphers available|Cipher is \(NONE\)'
like "strangers are not told the CAs" "$(talk -tls1_3)" 'No client certificate CA names sent'
like "no early data" "$(talk -tls1_3)" 'Max Early Data: 0|Early data was not sent'
is "its key is EC P-256" "$(openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -text |
	sed -n 's/.*NIST CURVE: //p')" P-256

# ---- resumed sessions ----
make_operator "$work/leaver" leaver
for version in 1_2 1_3; do
	talk -tls$version -cert "$work/leaver/tls.crt" -key "$work/leaver/tls.key" -sess_out "$work/session$version" >"$work/out"
	like "TLS ${version/_/.}: an operator with a certificate" "$(cat "$work/out")" 'HTTP/1.1 200.*leaver'
	if [ ! -s "$work/session$version" ]; then
		ok "TLS ${version/_/.}: no session to resume is given out"
		continue
	fi
	talk -tls$version -sess_in "$work/session$version" >"$work/out"
	if grep -q '^Reused' "$work/out"; then
		like "TLS ${version/_/.}: resumed, still that operator" "$(cat "$work/out")" 'HTTP/1.1 200.*leaver'
	else
		like "TLS ${version/_/.}: not resumed, then nobody" "$(cat "$work/out")" 'HTTP/1.1 401'
	fi
done
op POST "/v1/certificates/$(<"$work/leaver/serial")/revoke" "${json[@]}" --data-binary '{}'
answered "the operator is revoked" 200
for version in 1_2 1_3; do
	[ -s "$work/session$version" ] || continue
	like "TLS ${version/_/.}: a resumed session does not outlive the right" "$(talk -tls$version -sess_in "$work/session$version")" \
		'HTTP/1.1 401'
done

# ---- a stranger's key that would take long to verify with ----
mkdir "$work/hostile"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:1152921504606847009 \
	-out "$work/hostile/tls.key" 2>/dev/null
openssl req -x509 -new -key "$work/hostile/tls.key" -subj /CN=hostile -days 2 -out "$work/hostile/tls.crt" 2>/dev/null
for version in 2 3; do
	status=$(curl -sS -o /dev/null -w '%{http_code}' --"tlsv1.$version" --tls-max "1.$version" --cacert "$state/admin/ca.crt" \
		--cert "$work/hostile/tls.crt" --key "$work/hostile/tls.key" "$url/healthz" 2>"$work/err")
	is "TLS 1.$version: an RSA exponent of 60 bits is refused in the handshake" "$status" 000
done
anon GET /healthz
answered "and nobody else minds" 200

# ---- plain HTTP details ----
anon HEAD /healthz --head
is "HEAD has no body" "$status $(wc -c <"$work/body")" "200 $(wc -c <"$work/headers")"
anon GET /healthz
like "every answer has a request id" "$(header X-Request-Id)" '^[0-9a-f]{8,}$'
first=$(header X-Request-Id)
anon GET /healthz
check "another each time" test "$first" != "$(header X-Request-Id)"
is "the answer is JSON" "$(header Content-Type) $(field .status)" "application/json ok"
anon GET /v1/trust-bundle
is "the trust bundle is PEM" "$(header Content-Type) $(grep -c BEGIN "$work/body")" "application/pem-certificate-chain 1"
check "the root, and the one in the operator's context" cmp <(openssl x509 -in "$work/body") <(openssl x509 -in "$state/admin/ca.crt")
anon GET /v1/trust-bundle -H 'Accept: application/json'
is "or JSON" "$(header Content-Type) $(field '.tenant + " " + .roots[0].fingerprint')" \
	"application/json default $(openssl x509 -in "$state/admin/ca.crt" -outform DER | sha256sum | cut -d' ' -f1)"
anon GET '/v1/trust-bundle?tenant=nobody'
problem "the bundle of a tenant that is not there" 404 not-found
stop_ca
plan
