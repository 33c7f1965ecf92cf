#!/bin/bash
# OpenSSL, GnuTLS and Node agree that a certificate's chain is good, and what the certificate holds is what was promised:
# RSA and EC issuers, RSA, EC and Ed25519 leaves, with and without --revocation-url.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need openssl certtool node curl jq

text() { # FILE: the first certificate in it, explained
	openssl x509 -in "$1" -noout -text -nameopt compat
}

extension() { # FILE NAME: without the heading
	openssl x509 -in "$1" -noout -ext "$2" 2>/dev/null | sed 1d | sed 's/^ *//; s/ *$//'
}

critical() { # FILE: names of the critical extensions
	text "$1" | sed -n 's/^ *X509v3 \(.*\): critical$/\1/p' | sort | paste -sd,
}

split() { # DIRECTORY: tls.crt into leaf.crt and issuer.crt
	openssl x509 -in "$1/tls.crt" -out "$1/leaf.crt"
	sed '1,/-----END CERTIFICATE-----/d' "$1/tls.crt" >"$1/issuer.crt"
}

readers_agree() { # NAME DIRECTORY HOST
	check "$1: openssl verify -x509_strict, server" openssl verify -x509_strict -purpose sslserver -verify_hostname "$3" \
		-CAfile "$2/ca.crt" -untrusted "$2/issuer.crt" "$2/leaf.crt"
	check "$1: openssl verify -x509_strict, client" openssl verify -x509_strict -purpose sslclient \
		-CAfile "$2/ca.crt" -untrusted "$2/issuer.crt" "$2/leaf.crt"
	check "$1: certtool --verify" certtool --verify --load-ca-certificate "$2/ca.crt" --infile "$2/tls.crt" \
		--verify-hostname "$3" --verify-purpose 1.3.6.1.5.5.7.3.1
	check "$1: certtool --verify, client" certtool --verify --load-ca-certificate "$2/ca.crt" --infile "$2/tls.crt" \
		--verify-purpose 1.3.6.1.5.5.7.3.2
	check_fails "$1: openssl verify refuses it for another host" openssl verify -x509_strict -verify_hostname other.internal \
		-CAfile "$2/ca.crt" -untrusted "$2/issuer.crt" "$2/leaf.crt"
	check_fails "$1: without the issuer there is no chain" openssl verify -x509_strict -CAfile "$2/ca.crt" "$2/leaf.crt"
	check_fails "$1: it signs nothing" openssl verify -x509_strict -CAfile "$2/leaf.crt" -partial_chain "$2/issuer.crt"
}

content() { # NAME DIRECTORY
	local leaf=$2/leaf.crt serial der_serial issued not_before
	is "$1: version 3" "$(text "$leaf" | sed -n 's/^ *Version: //p')" "3 (0x2)"
	is "$1: the critical extensions" "$(critical "$leaf")" "Basic Constraints,Key Usage"
	is "$1: no CA" "$(extension "$leaf" basicConstraints)" "CA:FALSE"
	is "$1: extended key usage" "$(extension "$leaf" extendedKeyUsage)" \
		"TLS Web Server Authentication, TLS Web Client Authentication"
	is "$1: AKI is the issuer's SKI" "$(extension "$leaf" authorityKeyIdentifier)" "$(extension "$2/issuer.crt" subjectKeyIdentifier)"
	like "$1: SKI" "$(extension "$leaf" subjectKeyIdentifier)" '^([0-9A-F]{2}:){19,31}[0-9A-F]{2}$'
	serial=$(<"$2/serial")
	der_serial=$(openssl asn1parse -in "$leaf" | awk -F: '/INTEGER/ && ++n == 2 {print $NF}')
	is "$1: the serial number is that of the certificate" "${der_serial,,}" "$serial"
	like "$1: 128 to 160 bits, positive, no leading zero octet" "$serial" '^[0-9a-f]{32,40}$'
	is "$1: the serial number is the same to openssl" "$(openssl x509 -in "$leaf" -noout -serial)" "serial=${serial^^}"
	issued=$(date -d "$(jq -r .issued_at "$2/answer")" +%s)
	not_before=$(date -d "$(openssl x509 -in "$leaf" -noout -startdate | cut -d= -f2)" +%s)
	is "$1: notBefore stands five minutes back" "$((issued - not_before))" 300
	is "$1: notAfter is as answered" "$(date -d "$(openssl x509 -in "$leaf" -noout -enddate | cut -d= -f2)" +%s)" \
		"$(date -d "$(jq -r .not_after "$2/answer")" +%s)"
	is "$1: a week by default" "$(($(date -d "$(jq -r .not_after "$2/answer")" +%s) - issued))" $((7 * 86400))
	is "$1: the fingerprint is that of the DER" "$(jq -r .fingerprint "$2/answer")" \
		"$(openssl x509 -in "$leaf" -outform DER | sha256sum | cut -d' ' -f1)"
	is "$1: the chain is the issuer alone" "$(jq '.chain | length' "$2/answer")" 1
	is "$1: the issuer has path length 0" "$(extension "$2/issuer.crt" basicConstraints)" "CA:TRUE, pathlen:0"
	is "$1: the issuer's key usage" "$(extension "$2/issuer.crt" keyUsage)" "Certificate Sign, CRL Sign"
}

get() { # DIRECTORY CN SAN KEYTYPE
	issue "$1" "$2" "$3" '{}' "$4" || not_ok "a certificate for $2" "$status $(cat "$work/body")"
	cp "$work/body" "$1/answer"
	split "$1"
}

# ---- an RSA issuer, no revocation URL ----
start_ca --key-type rsa:2048
get "$work/rsa" rsa.internal DNS:rsa.internal,IP:10.1.2.3,URI:https://example.internal/rsa rsa
readers_agree "RSA leaf" "$work/rsa" rsa.internal
content "RSA leaf" "$work/rsa"
is "RSA leaf: key usage" "$(extension "$work/rsa/leaf.crt" keyUsage)" "Digital Signature, Key Encipherment"
is "RSA leaf: signature" "$(text "$work/rsa/leaf.crt" | sed -n 's/^ *Signature Algorithm: //p' | sort -u)" sha256WithRSAEncryption
is "RSA leaf: the names" "$(extension "$work/rsa/leaf.crt" subjectAltName)" \
	"DNS:rsa.internal, IP Address:10.1.2.3, URI:https://example.internal/rsa"
is "RSA leaf: no AIA without a revocation URL" "$(extension "$work/rsa/leaf.crt" authorityInfoAccess)" ""
is "RSA leaf: no CRL distribution point without a revocation URL" "$(extension "$work/rsa/leaf.crt" crlDistributionPoints)" ""
is "the root is the trust bundle" "$(openssl x509 -in "$work/rsa/ca.crt" -noout -subject)" \
	"$(openssl x509 -in "$work/rsa/issuer.crt" -noout -issuer | sed 's/^issuer/subject/')"
check "the root is RSA-3072" grep -q '3072 bit' <<<"$(text "$work/rsa/ca.crt")"

get "$work/cn" cn-only.internal '' ec
is "a CN alone is repeated in the subjectAltName" "$(extension "$work/cn/leaf.crt" subjectAltName)" DNS:cn-only.internal
is "and stays the subject" "$(openssl x509 -in "$work/cn/leaf.crt" -noout -subject -nameopt RFC2253)" "subject=CN=cn-only.internal"
get "$work/cn2" both.internal DNS:alt.internal ec
like "a CN that the subjectAltName lacks is added to it" "$(extension "$work/cn2/leaf.crt" subjectAltName)" 'DNS:both\.internal'
get "$work/nocn" - DNS:san-only.internal ec
is "without a CN the subject is empty" "$(openssl x509 -in "$work/nocn/leaf.crt" -noout -subject -nameopt compat)" "subject="
is "and the subjectAltName is critical" "$(critical "$work/nocn/leaf.crt")" \
	"Basic Constraints,Key Usage,Subject Alternative Name"
readers_agree "no subject" "$work/nocn" san-only.internal
get "$work/ed" ed.internal DNS:ed.internal ed25519
readers_agree "Ed25519 leaf" "$work/ed" ed.internal
get "$work/caps" UPPER.Internal DNS:Upper.INTERNAL ec
is "names are written in lower case, once" "$(extension "$work/caps/leaf.crt" subjectAltName)" DNS:upper.internal

# A CSR without a name takes all that the token grants.
make_csr "$work/none.csr" "$work/ec.key" -
make_token '{"dns":["a.internal","b.internal"],"ip":["10.9.8.7"],"uri":["https://example.internal/x"]}'
csr_body "$work/none.csr" >"$work/none.json"
bearer "$token" POST /v1/certificates "${json[@]}" --data-binary "@$work/none.json"
answered "a CSR without names, with a token" 201
mkdir "$work/none"
keep "$work/none"
is "takes all that the token grants" "$(extension "$work/none/tls.crt" subjectAltName)" \
	"DNS:a.internal, DNS:b.internal, IP Address:10.9.8.7, URI:https://example.internal/x"

# ---- a request that certtool wrote, with its explanation in front ----
printf 'cn = "gnutls.internal"\ndns_name = "gnutls.internal"\nsigning_key\ntls_www_server\n' >"$work/template"
certtool --generate-request --load-privkey "$work/ec.key" --template "$work/template" --outfile "$work/certtool.csr" >/dev/null 2>&1
like "certtool explains its request" "$(head -n 1 "$work/certtool.csr")" 'Information'
csr_body "$work/certtool.csr" >"$work/certtool.json"
op POST /v1/certificates "${json[@]}" --data-binary "@$work/certtool.json"
is "and it is taken" "$status $(field '.dns[0]')" "201 gnutls.internal"
stop_ca

# ---- an EC issuer, with a revocation URL ----
rm -rf "$state"
start_ca --key-type ec:p256 --root-key-type ec:p384 --revocation-url http://pki.example.internal
for kind in rsa ec; do
	get "$work/ec-$kind" $kind.internal DNS:$kind.internal $kind
	readers_agree "EC issuer, $kind leaf" "$work/ec-$kind" $kind.internal
	content "EC issuer, $kind leaf" "$work/ec-$kind"
	leaf=$work/ec-$kind/leaf.crt
	issuer=$(jq -r .issuer "$work/ec-$kind/answer")
	is "EC issuer, $kind leaf: AIA" "$(extension "$leaf" authorityInfoAccess | sort)" \
		"CA Issuers - URI:http://pki.example.internal/ca/$issuer.cer
OCSP - URI:http://pki.example.internal/ocsp"
	like "EC issuer, $kind leaf: CRL distribution point" "$(extension "$leaf" crlDistributionPoints)" \
		'URI:http://pki\.example\.internal/crl/[a-z0-9.-]+\.crl'
done
is "EC leaf: key usage" "$(extension "$work/ec-ec/leaf.crt" keyUsage)" "Digital Signature"
is "EC leaf: signature" "$(text "$work/ec-ec/leaf.crt" | sed -n 's/^ *Signature Algorithm: //p' | sort -u)" ecdsa-with-SHA256

# ---- Node: a server and a client of this CA, and a stranger from before ----
node "$MICA_SOURCE/tests/e2e/mtls.js" "$work/ec-rsa" "$work/ec-ec" rsa.internal "$work/rsa" >"$work/node.out" 2>&1
is "Node's TLS: mutual, 1.2 and 1.3; a stranger and nobody refused" "$(cat "$work/node.out")" \
	"TLSv1.2 mica: ec.internal
TLSv1.2 stranger: refused
TLSv1.2 nobody: refused
TLSv1.3 mica: ec.internal
TLSv1.3 stranger: refused
TLSv1.3 nobody: refused
other name: refused"
plan
