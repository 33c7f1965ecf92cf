#!/bin/bash
# nginx with a Mica certificate asks its clients for theirs: curl with another is served over TLS 1.2 and 1.3; a certificate
# of another CA, an operator's, an expired one and none are refused, and curl refuses a server that is not Mica's.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need nginx curl openssl jq

# An expired certificate: asked for ten minutes by a CA whose clock stands two days back.
expired=
if clock_setup; then
	echo '-2d' >"$work/clock"
	ca_env=("${clock[@]}")
	init_ca && serve_ca && issue "$work/expired" old.internal DNS:old.internal '{"ttl":"10m"}' && expired=yes
	stop_ca
	ca_env=()
	serve_ca || { echo "Bail out! micad does not start with the right clock"; exit 99; }
else
	start_ca
fi

issue "$work/web" web.internal DNS:web.internal '{}' rsa
answered "a certificate for the server" 201
issue "$work/client" client.internal DNS:client.internal '{}' rsa
answered "a certificate for the client" 201

# Other CAs: another installation of Mica, and one made by hand with the very names of ours.
here=$state
url_here=$url
port_here=$port
stop_ca
state=$work/other
start_ca
issue "$work/stranger" client.internal DNS:client.internal
answered "a certificate of another installation" 201
stop_ca
state=$here
port=$port_here
url=$url_here
mkdir "$work/forged"
subject=$(openssl x509 -in "$state/admin/ca.crt" -noout -subject -nameopt compat | sed 's/^subject= *//')
make_key "$work/forged/ca.key"
openssl req -x509 -new -key "$work/forged/ca.key" -subj "$subject" -days 2 -out "$work/forged/ca.crt" 2>/dev/null
make_csr "$work/forged/csr" "$work/forged/tls.key" client.internal
openssl x509 -req -in "$work/forged/csr" -CA "$work/forged/ca.crt" -CAkey "$work/forged/ca.key" -CAcreateserial -days 2 \
	-out "$work/forged/tls.crt" 2>/dev/null

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
		server_name web.internal;
		ssl_certificate $work/web/tls.crt;
		ssl_certificate_key $work/web/tls.key;
		ssl_client_certificate $work/web/ca.crt;
		ssl_verify_client on;
		ssl_verify_depth 2;
		ssl_protocols TLSv1.2 TLSv1.3;
		location / {
			return 200 "\$ssl_client_s_dn \$ssl_protocol\n";
		}
	}
}
CONF
nginx -c "$work/nginx.conf" -p "$work" -e "$work/nginx.log" >"$work/nginx.out" 2>&1 &
nginx_pid=$!
own
await 5 bash -c ": </dev/tcp/127.0.0.1/$web_port" || not_ok "nginx starts" "$(cat "$work/nginx.out" "$work/nginx.log")"

get() { # DIRECTORY (- for no certificate) [OPTION OF curl]…: the body and the status
	local dir=$1
	local -a auth=()
	shift
	[ "$dir" = - ] || auth=(--cert "$dir/tls.crt" --key "$dir/tls.key")
	curl -sS --max-time 10 --cacert "$work/client/ca.crt" --resolve "web.internal:$web_port:127.0.0.1" "${auth[@]}" \
		-w '%{http_code}' "$@" "https://web.internal:$web_port/" 2>&1
}

for version in 1.2 1.3; do
	tls=(--tlsv"$version" --tls-max "$version")
	is "TLS $version: a Mica certificate is served" "$(get "$work/client" "${tls[@]}")" "CN=client.internal TLSv$version
200"
	like "TLS $version: no certificate is refused" "$(get - "${tls[@]}")" 'No required SSL certificate was sent.*400$'
	like "TLS $version: a certificate of another installation is refused" "$(get "$work/stranger" "${tls[@]}")" \
		'SSL certificate error.*400$'
	like "TLS $version: a certificate of a CA with the same name is refused" "$(get "$work/forged" "${tls[@]}")" \
		'SSL certificate error.*400$'
	like "TLS $version: an operator's certificate is refused" "$(get "$state/admin" "${tls[@]}")" \
		'SSL certificate error.*400$'
	if [ -n "$expired" ]; then
		like "TLS $version: an expired certificate is refused" "$(get "$work/expired" "${tls[@]}")" \
			'SSL certificate error.*400$'
	else
		skip "TLS $version: an expired certificate is refused" "faketime is not installed"
	fi
done
if [ -n "$expired" ]; then
	like "nginx gives the reason: expired" "$(cat "$work/nginx.log")" 'certificate has expired'
	check "and the expired certificate is otherwise good" openssl verify -CAfile "$work/expired/ca.crt" \
		-untrusted "$work/expired/tls.crt" -attime "$(($(date +%s) - 2 * 86400))" "$work/expired/tls.crt"
fi
# shellcheck disable=SC2046
like "curl refuses nginx under another name" "$(curl -sS --cacert "$work/client/ca.crt" \
	--resolve "other.internal:$web_port:127.0.0.1" "https://other.internal:$web_port/" 2>&1)" 'no alternative certificate subject name'
like "curl with the other installation's root refuses nginx" "$(get "$work/client" --cacert "$work/stranger/ca.crt" 2>&1)" \
	'curl: \(60\)'
check "nginx runs still" alive "$nginx_pid"
end "$nginx_pid" QUIT
plan
