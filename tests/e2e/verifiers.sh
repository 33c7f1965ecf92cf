#!/bin/bash
# Verifiers that are not ours on tenants' walls: with tenant A's ca.crt, A's certificates pass, B's of the very same names are
# refused, and so is a certificate beyond the name constraints of its issuer: one that A got before its suffixes and ranges
# were narrowed, shown with the issuer's new certificate. OpenSSL, GnuTLS, nginx; Go and Java where they are installed.
# And each SPIFFE certificate and bundle is what the SPIFFE specifications say.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl certtool nginx node curl jq

# ---- two tenants ----
start_ca --key-type ec:p256 --root-key-type ec:p256
tenant() { # JSON
	op POST /v1/tenants "${json[@]}" --data-binary "$1"
	answered "a tenant $(jq -r .name <<<"$1")" 201
}
settings='{"name": "a", "dns_suffixes": ["internal", "leaving.example.org"], "ip_ranges": ["10.0.0.0/8", "192.168.0.0/16"],
	"trust_domain": "a.example.org", "root_key_type": "ec:p256", "key_type": "ec:p256"}'
tenant "$settings"
tenant "$(jq -c '. + {name: "b", trust_domain: "b.example.org", root_key_type: "rsa:2048", key_type: "rsa:2048"}' <<<"$settings")"
for name in a b; do
	anon GET "/v1/trust-bundle?tenant=$name"
	answered "the trust bundle of $name" 200
	cp "$work/body" "$work/ca-$name.crt"
done

get() { # TENANT LABEL CN SAN [PROFILE [rsa|ec]]
	issue "$work/$2" "$3" "$4" "$(jq -nc --arg t "$1" --arg p "${5:-service}" '{tenant: $t, profile: $p}')" "${6:-ec}"
	answered "$1: a certificate for $4" 201
	cp "$work/ca-$1.crt" "$work/$2/ca.crt"
}
get a a-web web.internal DNS:web.internal,IP:10.1.2.3 service rsa
get b b-web web.internal DNS:web.internal,IP:10.1.2.3 service rsa
get a a-client client.internal DNS:client.internal
get b b-client client.internal DNS:client.internal
get a a-spiffe - URI:spiffe://a.example.org/ns/pay/sa/web spiffe
get b b-spiffe - URI:spiffe://b.example.org/ns/pay/sa/web spiffe
get a old-dns web.leaving.example.org DNS:web.leaving.example.org
get a old-ip - IP:192.168.1.2
op PATCH /v1/tenants/a "${json[@]}" --data-binary '{"dns_suffixes": ["internal"], "ip_ranges": ["10.0.0.0/8"], "trust_domain": "a2.example.org"}'
answered "A's suffixes, ranges and trust domain are narrowed" 200
get a a-later later.internal DNS:later.internal

# What was issued before, with the issuer's certificate of now.
awk '/BEGIN/ { n++ } n > 1' "$work/a-later/tls.crt" >"$work/issuer-now"
for name in dns:old-dns ip:old-ip uri:a-spiffe dns:a-web; do
	label=beyond-${name%%:*}
	[ "$name" != dns:a-web ] || label=within
	mkdir "$work/$label"
	cp "$work/${name#*:}/tls.key" "$work/$label/"
	{ openssl x509 -in "$work/${name#*:}/tls.crt"; cat "$work/issuer-now"; } >"$work/$label/tls.crt"
done
check "the issuer has another certificate now" test "$(awk '/BEGIN/ { n++ } n > 1' "$work/a-web/tls.crt" | sha256sum)" != \
	"$(sha256sum <"$work/issuer-now")"
is "over the same key" "$(openssl x509 -in "$work/issuer-now" -noout -pubkey | sha256sum)" \
	"$(awk '/BEGIN/ { n++ } n > 1' "$work/a-web/tls.crt" | openssl x509 -noout -pubkey | sha256sum)"

# ---- what each verifier is asked, and must say ----
# WANTED LABEL CA DIRECTORY NAME
cat >"$work/cases" <<CASES
pass A's-with-A's-root ca-a.crt a-web web.internal
pass A's-by-address ca-a.crt a-web 10.1.2.3
pass A's-client ca-a.crt a-client client.internal
pass A's-after-the-change ca-a.crt a-later later.internal
pass A's-with-the-issuer's-new-certificate ca-a.crt within web.internal
pass A's-SPIFFE ca-a.crt a-spiffe spiffe://a.example.org/ns/pay/sa/web
pass B's-with-B's-root ca-b.crt b-web web.internal
pass B's-SPIFFE ca-b.crt b-spiffe spiffe://b.example.org/ns/pay/sa/web
refuse B's-of-the-same-name-with-A's-root ca-a.crt b-web web.internal
refuse B's-of-the-same-address-with-A's-root ca-a.crt b-web 10.1.2.3
refuse B's-client-with-A's-root ca-a.crt b-client client.internal
refuse B's-SPIFFE-with-A's-root ca-a.crt b-spiffe spiffe://b.example.org/ns/pay/sa/web
refuse A's-with-B's-root ca-b.crt a-web web.internal
refuse A's-under-another-name ca-a.crt a-web other.internal
refuse a-DNS-name-beyond-the-constraints ca-a.crt beyond-dns web.leaving.example.org
refuse an-address-beyond-the-constraints ca-a.crt beyond-ip 192.168.1.2
refuse a-trust-domain-beyond-the-constraints ca-a.crt beyond-uri spiffe://a.example.org/ns/pay/sa/web
CASES
questions() { # as the programs in verifiers/ read them
	while read -r _ label ca directory name; do
		echo "$label $work/$ca $work/$directory $name"
	done <"$work/cases"
}
judge() { # VERIFIER FILE: its answers, "LABEL pass" or "LABEL refuse: why"
	local wanted label said
	while read -r wanted label _; do
		said=$(sed -n "s/^$label //p" "$2")
		if [ "${said%%:*}" = "$wanted" ]; then
			ok "$1: ${label//-/ }: $wanted"
		else
			not_ok "$1: ${label//-/ }: $wanted" "it said: $said"
		fi
	done <"$work/cases"
}
said() { # LABEL COMMAND…
	local label=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		echo "$label pass"
	else
		echo "$label refuse: $(tr '\n' ' ' <"$work/said")"
	fi
}

# OpenSSL strictly, as a server and as a client.
by_openssl() { # CA DIRECTORY NAME
	local -a name=(-verify_hostname "$3")
	case $3 in
	*://*) name=() && openssl x509 -in "$2/tls.crt" -noout -ext subjectAltName | grep -qF "URI:$3" || return 1 ;;
	*[!0-9.]*) ;;
	*) name=(-verify_ip "$3") ;;
	esac
	openssl verify -x509_strict -no-CApath -no-CAstore -purpose sslserver "${name[@]}" -CAfile "$1" -untrusted "$2/tls.crt" "$2/tls.crt" &&
		openssl verify -x509_strict -no-CApath -no-CAstore -purpose sslclient "${name[@]}" -CAfile "$1" -untrusted "$2/tls.crt" "$2/tls.crt"
}
while read -r label ca directory name; do
	said "$label" by_openssl "$ca" "$directory" "$name"
done < <(questions) >"$work/openssl.said"
judge OpenSSL "$work/openssl.said"

by_gnutls() { # CA DIRECTORY NAME
	local -a name=(--verify-hostname "$3")
	case $3 in
	*://*) name=() ;;
	esac
	certtool --verify --load-ca-certificate "$1" --verify-purpose 1.3.6.1.5.5.7.3.1 "${name[@]}" --infile "$2/tls.crt" &&
		certtool --verify --load-ca-certificate "$1" --verify-purpose 1.3.6.1.5.5.7.3.2 "${name[@]}" --infile "$2/tls.crt"
}
while read -r label ca directory name; do
	# GnuTLS 3.7 does not look at permitted URIs: there the wall is Mica's policy alone.
	if [ "$label" = a-trust-domain-beyond-the-constraints ]; then
		echo "$label refuse: not asked"
		continue
	fi
	said "$label" by_gnutls "$ca" "$directory" "$name"
done < <(questions) >"$work/gnutls.said"
judge GnuTLS "$work/gnutls.said"

# nginx takes clients by A's root; the names of clients do not matter to it.
web_port=$(free_port)
cat >"$work/nginx.conf" <<CONF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/nginx.log info;
events {}
http {
	access_log off;
	client_body_temp_path $work/nginx-body;
	proxy_temp_path $work/nginx-proxy;
	fastcgi_temp_path $work/nginx-fastcgi;
	uwsgi_temp_path $work/nginx-uwsgi;
	scgi_temp_path $work/nginx-scgi;
	server {
		listen 127.0.0.1:$web_port ssl;
		ssl_certificate $work/a-web/tls.crt;
		ssl_certificate_key $work/a-web/tls.key;
		ssl_client_certificate $work/ca-a.crt;
		ssl_verify_client on;
		ssl_verify_depth 2;
		location / {
			return 200 "\$ssl_client_verify\n";
		}
	}
}
CONF
nginx -c "$work/nginx.conf" -p "$work" -e "$work/nginx.log" >"$work/nginx.out" 2>&1 &
nginx_pid=$!
own
await 10 bash -c ": </dev/tcp/127.0.0.1/$web_port" || not_ok "nginx starts" "$(cat "$work/nginx.out" "$work/nginx.log")"
by_nginx() { # DIRECTORY
	[ "$(curl -sS --max-time 10 --cacert "$work/ca-a.crt" --resolve "web.internal:$web_port:127.0.0.1" --cert "$1/tls.crt" \
		--key "$1/tls.key" -w '%{http_code}' "https://web.internal:$web_port/" 2>&1)" = "SUCCESS
200" ]
}
while read -r wanted label ca directory name; do
	if [ "$ca" != ca-a.crt ] || [ "$name" = other.internal ]; then
		continue
	fi
	if [ "$wanted" = pass ]; then
		check "nginx with A's root: ${label//-/ }: pass" by_nginx "$work/$directory"
	else
		check_fails "nginx with A's root: ${label//-/ }: refuse" by_nginx "$work/$directory"
	fi
done <"$work/cases"
end "$nginx_pid" QUIT

verifiers=$MICA_SOURCE/tests/e2e/verifiers
gone=
if command -v go >/dev/null; then
	check "Go's verifier is compiled" env GO111MODULE=off CGO_ENABLED=0 GOFLAGS= GOPATH="$work/go" GOCACHE="$work/go/cache" \
		go build -o "$work/verify-go" "$verifiers/verify.go"
	questions | "$work/verify-go" >"$work/go.said" 2>"$work/go.log"
	judge Go "$work/go.said"
else
	skip "Go's verifier" "go is not installed (contrib/packages verifiers)"
	gone=1
fi
if command -v javac >/dev/null && command -v java >/dev/null; then
	check "Java's verifier is compiled" javac -d "$work" "$verifiers/Verify.java"
	questions | java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "$work" Verify >"$work/java.said" 2>"$work/java.log"
	judge Java "$work/java.said"
else
	skip "Java's verifier" "javac is not installed (contrib/packages verifiers)"
fi

# ---- SPIFFE ----
for name in a b; do
	leaf=$work/$name-spiffe/tls.crt
	is "$name: one URI and no CN" "$(openssl x509 -in "$leaf" -noout -ext subjectAltName | tail -n 1 | tr -d ' ') \
$(openssl x509 -in "$leaf" -noout -subject -nameopt compat)" "URI:spiffe://$name.example.org/ns/pay/sa/web subject="
	is "$name: what must be critical is" "$(openssl x509 -in "$leaf" -noout -text |
		sed -n 's/^ *X509v3 \(.*\): critical.*/\1/p' | sort | paste -sd,)" "Basic Constraints,Key Usage,Subject Alternative Name"
	like "$name: key usage" "$(openssl x509 -in "$leaf" -noout -ext keyUsage)" 'Digital Signature'
	is "$name: no signing of certificates" "$(openssl x509 -in "$leaf" -noout -ext keyUsage | grep -c -e 'Certificate Sign' -e 'CRL Sign')" 0
	like "$name: not a CA" "$(openssl x509 -in "$leaf" -noout -ext basicConstraints)" 'CA:FALSE'
	is "$name: for both ends" "$(openssl x509 -in "$leaf" -noout -ext extendedKeyUsage | tail -n 1 | tr -d ' ')" \
		"TLSWebServerAuthentication,TLSWebClientAuthentication"
done
if [ -z "$gone" ]; then
	printf '%s\n' "a $work/ca-a.crt $work/a-spiffe spiffe://a.example.org/ns/pay/sa/web" \
		"b $work/ca-b.crt $work/b-spiffe spiffe://b.example.org/ns/pay/sa/web" \
		"web $work/ca-a.crt $work/a-web spiffe://a.example.org/ns/pay/sa/web" | "$work/verify-go" spiffe >"$work/spiffe.said"
	is "both hold to the X.509-SVID specification, and what is none does not" "$(cat "$work/spiffe.said")" \
		"a pass
b pass
web refuse: 0 URI names"
fi

# The bundle, its numbers against those that Node reads from the certificate in it.
anon GET /v1/tenants/b/spiffe-bundle
answered "B's SPIFFE bundle, for anyone" 200
is "is JSON" "$(header Content-Type)" application/json
is "with a hint and a sequence number" "$(field '[.spiffe_refresh_hint, (.spiffe_sequence | type), (.keys | length)] | map(tostring) | join(" ")')" \
	"300 number 1"
is "no key id, one certificate a key" "$(field '[.keys[] | (has("kid") | not) and .use == "x509-svid" and (.x5c | length) == 1] | all')" true
is "which is the root" "$(field '.keys[0].x5c[0]' | base64 -d | sha256sum)" "$(openssl x509 -in "$work/ca-b.crt" -outform DER | sha256sum)"
numbers() { # of the last answer: are the JWK's members those of the certificate?
	node -e '
		const crypto = require("crypto");
		const bundle = JSON.parse(require("fs").readFileSync(process.argv[1]));
		for (const key of bundle.keys) {
			const seen = new crypto.X509Certificate(Buffer.from(key.x5c[0], "base64")).publicKey.export({ format: "jwk" });
			for (const [name, value] of Object.entries(seen))
				if (key[name] !== value)
					throw new Error(`${name} is ${key[name]} instead of ${value}`);
			console.log(key.kty);
		}' "$work/body"
}
is "and its numbers are the key's" "$(numbers 2>&1)" RSA
anon GET /v1/tenants/a/spiffe-bundle
answered "A's SPIFFE bundle" 200
is "its numbers are the key's" "$(numbers 2>&1)" EC
for name in default nobody; do
	anon GET "/v1/tenants/$name/spiffe-bundle"
	problem "no bundle: $name" 404 not-found
done
op DELETE /v1/tenants/b
answered "B is removed" 204
anon GET /v1/tenants/b/spiffe-bundle
problem "and has no bundle any more" 404 not-found
stop_ca
plan
