#!/bin/bash
# A pod enrols with the token of its service account: by the cluster's word and by its keys, with every way to cheat that
# we know of, and with the cluster away, slow, talking nonsense, and rotating its keys.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need node curl jq openssl

# ---- a cluster, believed twice: by asking it, and, as another installation would, by its keys ----
mkdir "$work/cluster" "$work/credentials"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/cluster/tls.key" -out "$work/cluster/tls.crt" \
	-subj /CN=cluster -addext subjectAltName=DNS:localhost -days 2 2>/dev/null
echo sesame >"$work/credentials/cluster"
node "$MICA_SOURCE/tests/e2e/cluster.js" "$work/cluster" sesame >"$work/ports" 2>"$work/cluster.log" &
own
await 20 test -s "$work/ports" || { echo "Bail out! no cluster: $(cat "$work/cluster.log")"; exit 99; }
read -r cluster_port command_port <<<"$(grep -o '[0-9]*' "$work/ports" | paste -sd' ')"
issuer=https://kubernetes.default.svc.cluster.local
tell() { # PATH [JSON]
	curl -sS --max-time 10 ${2:+-X POST --data-binary "$2"} "http://127.0.0.1:$command_port$1"
}
mode() { # HOW KEYS AND REVIEWS ARE ANSWERED
	tell /mode "{\"keys\": \"$1\", \"reviews\": \"$1\"}" >"$work/mode.out"
}

ca_env=(MICAD_CREDENTIALS="$work/credentials")
start_ca
export MICA_HOME=$state/admin
by() { # review | keys: how the source checks from now on; what it knew is forgotten
	local how=(--token-review "https://localhost:$cluster_port")
	[ "$1" = review ] || how=(--jwks-url "https://localhost:$cluster_port/openid/v1/jwks")
	"$mica" source "${verb:-set}" prod "${how[@]}" --ca-file "$work/cluster/tls.crt" --bearer cluster \
		${verb:+--kind kubernetes --issuer $issuer} >"$work/source.out" 2>&1
}
verb=create by review || echo "Bail out! $(cat "$work/source.out")"
cat >"$work/policy.json" <<'END'
{ "rules": [ { "name": "pods", "source": "prod", "profile": "service",
	"names": { "dns": [ "{sa}.{ns}.svc" ] } } ] }
END
check "a rule for its pods" "$mica" apply -f "$work/policy.json"

mint() { # JSON
	tell /mint "$(jq -c --arg url "$url" '{ns: "pay", sa: "web", audience: $url} + .' <<<"${1:-{\}}")"
}
make_csr "$work/web.csr" "$work/web.key" - DNS:web.pay.svc
csr_body "$work/web.csr" >"$work/web.json"
enrol() { # TOKEN
	bearer "$1" POST /v1/certificates "${json[@]}" --data-binary "@$work/web.json"
}
good=$(mint)

# ---- what is as it should be ----
for how in review keys; do
	by $how
	enrol "$good"
	answered "by $how: a certificate" 201
	enrol "$good"
	check "by $how: a pod that starts again gets one again" test "$status" = 200 -o "$status" = 201
	make_csr "$work/other.csr" "$work/other.key" - DNS:web.other.svc
	bearer "$good" POST /v1/certificates "${json[@]}" --data-binary "$(csr_body "$work/other.csr")"
	problem "by $how: another namespace's name" 403 name-refused
done

# ---- with the client, as a pod would ----
by review
fingerprint=$(openssl x509 -in "$state/admin/ca.crt" -noout -fingerprint -sha256 | cut -d= -f2)
pod() { # OPTION OF mica fetch…
	env -u MICA_HOME "$mica" fetch --token-file "$work/token" --fingerprint "$fingerprint" --out "$work/pod" --json "$@"
}
mint '{"pod": "web-8"}' >"$work/token"
check_fails "a token of somebody else's does not say where the CA is" pod
check "mica fetch with a projected token: the names that the rule grants" pod --ca-url "$url"
is "in the certificate" "$(openssl x509 -in "$work/pod/tls.crt" -noout -ext subjectAltName | tail -1 | tr -d ' ')" DNS:web.pay.svc
serial=$(openssl x509 -in "$work/pod/tls.crt" -noout -serial)
mint '{"pod": "web-8"}' >"$work/token"
check "with a newer token of the same account" pod --ca-url "$url"
is "nothing is due" "$(openssl x509 -in "$work/pod/tls.crt" -noout -serial)" "$serial"
rm -r "$work/pod"
check "its names may be said" pod --ca-url "$url" --tenant default --profile service --dns web.pay.svc
check_fails "not another's" pod --ca-url "$url" --out "$work/other" --dns web.other.svc

# ---- a role in a database, which is no name ----
cp "$work/policy.json" "$work/before.json"
cat >"$work/roles.json" <<'END'
{ "rules": [ { "name": "pods", "source": "prod", "profile": "service", "names": { "dns": [ "{sa}.{ns}.svc" ] } },
	{ "name": "roles", "source": "prod", "match": { "ns": "pay" }, "profile": "database-client",
	  "common_names": [ "{ns}_{sa}" ] } ] }
END
check "a rule for roles" "$mica" apply -f "$work/roles.json"
role() { # CN
	make_csr "$work/role.csr" "$work/role.key" "$1"
	bearer "$good" POST /v1/certificates "${json[@]}" --data-binary "$(csr_body "$work/role.csr" '{"profile": "database-client"}')"
}
role pay_web
answered "the account's own role" 201
is "stands in the CN, and nowhere else" "$(field .certificate | openssl x509 -noout -subject -ext subjectAltName 2>/dev/null | paste -sd' ')" "subject=CN = pay_web"
role pay_admin
problem "another's" 403 subject-refused
role postgres
problem "the superuser's, which could be a host, too" 403 name-refused
check "the rules are as they were" "$mica" apply -f "$work/before.json"

# ---- every way to cheat ----
tell /key >"$work/cluster.key"
node "$MICA_SOURCE/tests/e2e/hostile-tokens.js" "$good" "$work/cluster.key" >"$work/hostile"
above() { [ "$(wc -l <"$1")" -gt "$2" ]; }
check "there are many" above "$work/hostile" 100
for how in review keys; do
	by $how
	enrol "$(mint "{\"pod\": \"$how\"}")" # so that the keys are there
	on_record
	cp "$work/record" "$work/before"
	taken=
	while IFS=$'\t' read -r name code token; do
		# It may be too large for a command line, but not for a file.
		printf 'Authorization: Bearer %s\n' "$token" >"$work/header"
		anon POST /v1/certificates "${json[@]}" -H "@$work/header" --data-binary "@$work/web.json"
		got=$(field .code)
		# A cluster says no in its own way, and it may let live longer.
		[ $how = keys ] || code="$code|^jwt-refused$"
		# "-": it may be too large for HTTP.
		[[ $status =~ ^(000|431)$ && $code == *'|-'* ]] && continue
		[[ $status =~ ^4 && $got =~ $code ]] && continue
		[ $how = review ] && [[ $name =~ ^(two hours long|a year long|no iat|no pod)$ && $status =~ ^20 ]] && continue
		taken+="$name: $status $got, not $code; "
	done <"$work/hostile"
	is "by $how: each is refused as what it is" "$taken" ""
done
on_record
check "by keys, nothing came of any" cmp "$work/before" "$work/record"

# ---- the cluster's moods ----
for mood in 500 redirect drop garbage cut huge wrong; do
	mode $mood
	for how in review keys; do
		by $how
		enrol "$good"
		problem "by $how: a cluster that answers with $mood" 503 source-unavailable
	done
done
mode well
by keys
enrol "$(mint '{"pod": "web-1"}')"
answered "by keys, which are fetched" 201
mode drop
enrol "$(mint '{"pod": "web-1"}')"
answered "and kept while the cluster is away" 201
enrol "$(mint '{"lifetime": 7200}')"
problem "for tokens of an hour" 401 jwt-refused
enrol "$(mint '{"podless": true}')"
problem "that are bound to a pod" 401 jwt-refused

mode well
sleep 10
tell /rotate '{}' >/dev/null
new=$(mint '{"pod": "web-2"}')
enrol "$new"
answered "a new key is fetched when it is needed" 201
enrol "$good"
problem "and the old one is gone" 401 jwt-key-unknown

by review
tell /delete '{"ns": "pay", "pod": "web-2"}' >/dev/null
enrol "$new"
problem "by review: a pod that is gone" 401 jwt-refused
by keys
enrol "$new"
answered "no key can tell that" 201

# ---- what changes while a body is on its way ----
slowly() { # TOKEN COMMAND…: the command is run between the two halves of the body
	printf 'Authorization: Bearer %s\n' "$1" >"$work/header"
	shift
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	curl -sS --max-time 25 --cacert "$state/admin/ca.crt" -X POST -H "@$work/header" "${json[@]}" -H Expect: -T - -D "$work/headers" \
		-o "$work/body" -w '%{http_code}' "$url/v1/certificates" <"$work/pipe" >"$work/status" 2>"$work/curl.err" &
	local pid=$!
	exec 8>"$work/pipe"
	head -c 20 "$work/web.json" >&8
	sleep 1
	check "while half of a body is there: $*" "$@"
	tail -c +21 "$work/web.json" >&8
	exec 8>&-
	wait "$pid"
	status=$(cat "$work/status")
}
by keys
enrol "$(mint '{"pod": "web-4"}')"
answered "the keys are there" 201
slowly "$(mint '{"pod": "web-4"}')" true
answered "a slow request is answered" 201
echo '{}' >"$work/none.json"
slowly "$(mint '{"pod": "web-4"}')" "$mica" apply -f "$work/none.json"
problem "by the policy there is when it is whole" 403 rule-missing
check "the rule again" "$mica" apply -f "$work/policy.json"
slowly "$(mint '{"pod": "web-4"}')" "$mica" source remove prod
problem "and by the sources that are left" 401 jwt-issuer-unknown
check "the source again" eval 'verb=create by review'

# ---- what it shows, and to whom ----
by review
echo other >"$work/credentials/cluster"
enrol "$(mint '{"pod": "web-3"}')"
problem "a reviewer that the cluster does not let in" 503 source-unavailable
echo sesame >"$work/credentials/cluster"
enrol "$(mint '{"pod": "web-3"}')"
answered "its token is read anew" 201
"$mica" source set prod --token-review "https://localhost:$cluster_port" --ca-file "$state/admin/ca.crt" --bearer cluster >/dev/null
before=$(tell /count)
enrol "$(mint '{"pod": "web-3"}')"
problem "a cluster with a certificate of another CA" 503 source-unavailable
is "hears nothing" "$(tell /count)" "$before"
check "the source is removed" "$mica" source remove prod
enrol "$(mint)"
problem "and nobody comes by it" 401 jwt-issuer-unknown
stop_ca
check_fails "no token stands in the log" grep -qF "$(cut -d. -f2 <<<"$good")" "$work/micad.log"
check_fails "nor the reviewer's" grep -q sesame "$work/micad.log"
plan
