#!/bin/bash
# Service accounts enrol with their pods' tokens: 500 of them in 50 namespaces, of a cluster that is asked (TokenReview) and
# of one whose keys are fetched (JWKS), which go away, rotate their keys and answer badly in between. Nobody gets another's
# name, nobody is refused who should not be, and every hostile token is, with its code. And a CI system's tokens (OIDC).
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq node

here=$MICA_SOURCE/tests/e2e

# ---- two clusters ----
mkdir "$work/cluster" "$work/credentials"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/cluster/tls.key" -out "$work/cluster/tls.crt" \
	-days 2 -subj /CN=cluster -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
printf 'reviewer-of-tokens' >"$work/credentials/prod"
declare -A api control
cluster() { # NAME ISSUER
	node "$here/cluster.js" "$work/cluster" reviewer-of-tokens "$2" >"$work/$1.ports" 2>"$work/$1.log" &
	own
	await 20 test -s "$work/$1.ports" || { echo "Bail out! the cluster's double does not start"; exit 99; }
	read -r "api[$1]" "control[$1]" <"$work/$1.ports"
}
tell() { # CLUSTER COMMAND [JSON]
	curl -sS --fail-with-body --max-time 30 "http://127.0.0.1:${control[$1]}/$2" ${3:+--data-binary "$3"}
}
cluster asked https://kubernetes.default.svc.cluster.local
cluster keyed https://keyed.example.org

# ---- what Mica knows of them ----
ca_env=(MICAD_CREDENTIALS="$work/credentials")
start_ca --key-type ec:p256 --root-key-type ec:p256
source_() { # JSON
	op POST /v1/sources "${json[@]}" --data-binary "$1"
	answered "a source $(jq -r .name <<<"$1")" 201
}
ca=$(jq -Rs . <"$work/cluster/tls.crt")
source_ "$(jq -nc --argjson ca "$ca" --arg url "https://localhost:${api[asked]}" '{name: "asked", kind: "kubernetes",
	issuer: "https://kubernetes.default.svc.cluster.local", token_review: {url: $url, ca: $ca, bearer: "prod"}}')"
keyed=$(jq -nc --argjson ca "$ca" --arg url "https://localhost:${api[keyed]}/openid/v1/jwks" '{jwks: {url: $url, ca: $ca, bearer: "prod"}}')
source_ "$(jq -c '. + {name: "keyed", kind: "kubernetes", issuer: "https://keyed.example.org"}' <<<"$keyed")"
forget() { # NAME SETTINGS: a source that is set anew begins without keys, and without the pause between two fetches
	op PUT "/v1/sources/$1" "${json[@]}" --data-binary "$2"
	answered "the source $1 is set anew" 200
}
ci=$(jq -nc --argjson ca "$ca" --arg url "https://localhost:${api[keyed]}/oidc/jwks" '{jwks: {url: $url, ca: $ca}}')
source_ "$(jq -c --arg issuer "https://localhost:${api[keyed]}/oidc" '. + {name: "ci", kind: "oidc", issuer: $issuer}' <<<"$ci")"
op POST /v1/sources "${json[@]}" --data-binary "$(jq -nc --argjson ca "$ca" '{name: "second", kind: "kubernetes",
	issuer: "https://keyed.example.org", jwks: {url: "https://localhost:1/", ca: $ca}}')"
problem "a second source of the same issuer" 409 already-exists
op POST /v1/tenants "${json[@]}" --data-binary '{"name": "apps", "trust_domain": "example.org", "root_key_type": "ec:p256",
	"key_type": "ec:p256"}'
answered "a tenant" 201
cat >"$work/policy.json" <<'JSON'
{
  "rules": [
    { "name": "asked", "source": "asked", "match": { "ns": "team-*" }, "profile": "service",
      "names": { "dns": ["{sa}.{ns}.svc"], "uri": ["spiffe://example.org/ns/{ns}/sa/{sa}"] } },
    { "name": "keyed", "source": "keyed", "match": { "ns": "team-*" }, "profile": "service",
      "names": { "dns": ["{sa}.{ns}.svc"], "uri": ["spiffe://example.org/ns/{ns}/sa/{sa}"] } },
    { "name": "deploy", "source": "ci", "audience": "mica", "profile": "service",
      "match": { "project_path": "group/app", "ref": "main", "ref_protected": "true" },
      "names": { "dns": ["app.team-1.svc"] } }
  ]
}
JSON
op PUT '/v1/policy?tenant=apps' "${json[@]}" --data-binary "@$work/policy.json"
answered "its policy" 200

# ---- 500 accounts ----
# LABEL CSR NAMES: ten accounts in each of fifty namespaces, each with a request for its own names.
for i in 1 2 3 4; do
	make_key "$work/key.$i"
done
requests() { # REMAINDER
	local ns sa label
	for ns in $(seq "$1" 2 50); do
		for sa in $(seq 10); do
			label=team-$ns/app-$sa
			openssl req -new -key "$work/key.$((1 + sa % 4))" -subj / -out "$work/csr.$ns.$sa" -addext \
				"subjectAltName=DNS:app-$sa.team-$ns.svc,URI:spiffe://example.org/ns/team-$ns/sa/app-$sa" || return 1
			printf '%s\t%s\t%s\n' "$label" "$work/csr.$ns.$sa" "DNS:app-$sa.team-$ns.svc, URI:spiffe://example.org/ns/team-$ns/sa/app-$sa"
		done
	done
}
requests 1 >"$work/accounts.1" &
requests 2 >"$work/accounts.2"
wait $!
cat "$work/accounts.1" "$work/accounts.2" >"$work/accounts"
is "500 requests are made" "$(wc -l <"$work/accounts")" 500

tokens_of() { # CLUSTER FILE: a token for each account in FILE, to FILE.tokens
	cut -f1 "$2" | jq -Rnc --arg audience "$url" '[inputs | split("/") | {ns: .[0], sa: .[1], audience: $audience}]' >"$work/ask"
	tell "$1" mint "@$work/ask" >"$2.tokens"
}
enrol() { # FILE [SECONDS]: everybody in FILE with his token from FILE.tokens; what came to FILE.answers
	paste "$1" "$1.tokens" | awk -F'\t' -v OFS='\t' '{ print $1, $4, $2, "{\"tenant\":\"apps\"}" }' |
		node "$here/enrol.js" "$url" "$state/admin/ca.crt" "${2:-0}" >"$1.answers" 2>"$work/enrol.log"
}
everybody() { # DESCRIPTION FILE: each has a certificate for his names, and no other
	is "$1: everybody has his own names" "$(awk -F'\t' '{ print $1, $2, $4 }' "$2.answers" | diff - <(awk -F'\t' '{ print $1, 201, $3 }' "$2") |
		head -n 5)" ""
}
nobody() { # DESCRIPTION FILE STATUS CODE
	is "$1: all $3 $4" "$(cut -f2,3 "$2.answers" | sort | uniq -c | tr -s ' \t' ' ')" " $(wc -l <"$2") $3 $4"
}
part() { # NAME FIRST LAST: some of the accounts
	sed -n "$2,$3p" "$work/accounts" >"$work/$1"
}

for name in asked keyed; do
	part "$name.early" 1 200
	part "$name.away" 201 300
	part "$name.rotated" 301 400
	part "$name.late" 401 500
	tokens_of "$name" "$work/$name.early"
	enrol "$work/$name.early"
	everybody "$name: 200 accounts" "$work/$name.early"

	# The cluster is away.
	tokens_of "$name" "$work/$name.away"
	tell "$name" close '{}'
	enrol "$work/$name.away"
	if [ "$name" = keyed ]; then
		everybody "$name: 100 accounts while the cluster is away" "$work/$name.away"
	else
		nobody "$name: 100 accounts while the cluster is away" "$work/$name.away" 503 source-unavailable
	fi
	tell "$name" open '{}'
	enrol "$work/$name.away" 20
	everybody "$name: the same when it is back" "$work/$name.away"

	# New keys, first beside the old ones.
	tokens_of "$name" "$work/$name.late"
	tell "$name" rotate '{"keep": true}'
	tokens_of "$name" "$work/$name.rotated"
	enrol "$work/$name.rotated" 30
	everybody "$name: 100 accounts with a new key" "$work/$name.rotated"
	enrol "$work/$name.late" 20
	everybody "$name: 100 accounts with the old key, which is good still" "$work/$name.late"
	is "$name: all 500 are there" "$(cat "$work/$name".*.answers | cut -f4 | sort -u | wc -l)" 500
done
is "whoever asked the clusters had the right to" "$(tell asked count | jq .unauthorized) $(tell keyed count | jq .unauthorized)" "0 0"
below "few fetches of keys" "$(tell keyed count | jq .keys)" 20

# ---- another's names ----
cp "$work/accounts" "$work/thieves"
tokens_of keyed "$work/thieves"
awk -F'\t' -v OFS='\t' '{ label[NR] = $1; csr[NR] = $2; names[NR] = $3 }
	END { for (i = 1; i <= NR; i++) { n = i % NR + 1; print label[i], csr[n], names[n] } }' "$work/accounts" >"$work/thieves"
enrol "$work/thieves" 20
nobody "500 accounts ask for their neighbour's names" "$work/thieves" 403 name-refused

# ---- keys that are withdrawn, pods that are gone ----
one() { # TOKEN [JSON]: team-1/app-1 asks; the answer is in $got
	got=$(printf '%s\t%s\t%s\t%s\n' one "$1" "$work/csr.1.1" "${2:-{\"tenant\":\"apps\"\}}" |
		node "$here/enrol.js" "$url" "$state/admin/ca.crt" 0 | cut -f2,3 | tr '\t' ' ')
}
pod() { # CLUSTER [JSON]: a token of team-1/app-1, of a new pod each time
	tell "$1" mint "$(jq -nc --arg audience "$url" --arg pod "app-1-$RANDOM-$RANDOM" --argjson more "${2:-{\}}" \
		'{ns: "team-1", sa: "app-1", pod: $pod, audience: $audience} + $more')"
}
good() { # DESCRIPTION CLUSTER [JSON]: within half a minute, for keys may have to be fetched
	local end=$((SECONDS + 30))
	while :; do
		one "$(pod "$2" "${3:-{\}}")"
		case $got in
		503* | *jwt-key-unknown) [ "$SECONDS" -lt "$end" ] || break ;;
		*) break ;;
		esac
		sleep 0.5
	done
	is "$1" "$got" "201 -"
}
for name in asked keyed; do
	old=$(pod "$name")
	one "$old"
	is "$name: a token" "$got" "201 -"
	one "$old"
	is "$name: a second time, as when a pod restarts" "$got" "201 -"
	tell "$name" rotate '{}'
	if [ "$name" = keyed ]; then # keys fetched after the old token was made say that it is not of a newer one
		sleep 3
		forget keyed "$keyed"
	fi
	good "$name: another key alone" "$name"
	one "$old"
	like "$name: a token of the key that is gone" "$got" '^401 (jwt-key-unknown|jwt-refused|token-signature-invalid)$'
done
gone=$(pod asked '{"pod": "app-1-gone"}')
one "$gone"
is "a pod" "$got" "201 -"
tell asked delete '{"ns": "team-1", "pod": "app-1-gone"}'
one "$gone"
is "that is deleted" "$got" "401 jwt-refused"
good "another one of its account" asked '{"pod": "app-1-next"}'
gone=$(pod asked '{"sa": "app-1"}')
tell asked delete '{"ns": "team-1", "sa": "app-1"}'
one "$gone"
is "an account that is deleted" "$got" "401 jwt-refused"
good "and made anew" asked

# A pod that starts again and again is one thing, a token that somebody else has another: ten a minute.
restless=$(pod keyed)
for _ in $(seq 30); do
	printf '%s\t%s\t%s\t%s\n' restless "$restless" "$work/csr.1.1" '{"tenant":"apps"}'
done | node "$here/enrol.js" "$url" "$state/admin/ca.crt" 0 | cut -f2,3 | sort | uniq -c | tr -s ' \t' ' ' >"$work/restless"
like "a pod may not enrol without end" "$(paste -sd, "$work/restless")" '^ [12]?[0-9] 201 -, [12][0-9] 429 quota-exceeded$'
good "which is nothing to its account's other pods" keyed

# ---- bad answers ----
for mood in 500 429 redirect drop empty garbage html wrong cut huge; do
	tell asked mode "{\"reviews\": \"$mood\"}"
	one "$(pod asked)"
	is "asked, and the cluster answers badly ($mood)" "$got" "503 source-unavailable"
done
# Each of these takes as long as micad's patience, so they come at once.
tell asked mode '{"reviews": "hang"}'
tell keyed mode '{"keys": "slow"}'
forget keyed "$keyed"
for name in asked keyed; do
	printf '%s\t%s\t%s\t%s\n' "$name" "$(pod "$name")" "$work/csr.1.1" '{"tenant":"apps"}'
done | node "$here/enrol.js" "$url" "$state/admin/ca.crt" 0 >"$work/patience"
is "no answer to a question, and keys an octet at a time" "$(cut -f1-3 "$work/patience" | tr '\t' ' ')" \
	"asked 503 source-unavailable
keyed 503 source-unavailable"
tell asked mode '{"reviews": "well"}'
good "asked, and it answers well" asked
for mood in 500 redirect drop empty garbage wrong cut huge; do
	tell keyed mode "{\"keys\": \"$mood\"}"
	forget keyed "$keyed"
	one "$(pod keyed)"
	is "no keys yet, and they are answered badly ($mood)" "$got" "503 source-unavailable"
done
tell keyed mode '{"keys": "well"}'
forget keyed "$keyed"
good "keys, answered well" keyed
check "micad runs still" alive "$micad_pid"

# ---- who may not ----
one "$(pod keyed '{"ns": "other"}')"
is "a namespace that no rule names" "$got" "403 rule-missing"
one "$(pod keyed)" '{"tenant": "default"}'
is "a tenant without a rule for it" "$got" "403 rule-missing"
one "$(pod keyed)" '{"tenant": "nobody"}'
is "a tenant that is not there" "$got" "404 not-found"
one "$(pod keyed)" '{"tenant": "apps", "profile": "operator"}'
like "no rule makes an operator" "$got" '^403 (profile-refused|rule-missing|forbidden)$'
op GET '/v1/identities?tenant=apps&source=keyed&subject=team-1/app-1'
answered "its identity" 200
identity=$(field '.identities[0].id')
is "is named by source and subject" "$(field '.identities[0] | .source + " " + .subject')" "keyed team-1/app-1"
op POST "/v1/identities/$identity/disable" "${json[@]}" --data-binary '{}'
like "it is disabled" "$status" '^20[04]$'
one "$(pod keyed)"
is "and does not enrol" "$got" "403 identity-disabled"
good "but the same account of another cluster does" asked
op POST "/v1/identities/$identity/enable" "${json[@]}" --data-binary '{}'
good "enabled, it does" keyed

# ---- hostile tokens ----
hostile() { # CLUSTER CODE EXCEPT: a code that is also right for all of them; a pattern for what this cluster holds for good
	local name wanted token answer wrong=0 n=0
	pod "$1" >"$work/good"
	tell "$1" key >"$work/cluster.key"
	if [ "$1" = keyed ]; then # whose keys are fetched after the tokens are made, so that an unknown one is not just newer
		sleep 3
		forget keyed "$keyed"
		good "$1: its keys are fetched" "$1"
	fi
	node "$here/hostile-tokens.js" "$(<"$work/good")" "$work/cluster.key" | grep -vE "^($3)"$'\t' >"$work/hostile"
	while IFS=$'\t' read -r name wanted token; do
		printf '%s\t%s\t%s\t%s\n' "$name" "$token" "$work/csr.1.1" '{"tenant":"apps"}'
	done <"$work/hostile" | node "$here/enrol.js" "$url" "$state/admin/ca.crt" 0 >"$work/hostile.answers"
	while IFS=$'\t' read -r name wanted token; do
		n=$((n + 1))
		answer=$(sed -n "${n}p" "$work/hostile.answers" | cut -f2,3)
		if ! [[ ${answer#*$'\t'} =~ $wanted || ${answer#*$'\t'} = "$2" ]] || [[ $answer = 2* || $answer = 5* ]]; then
			diag "$name: $answer, wanted $wanted"
			wrong=$((wrong + 1))
		fi
	done <"$work/hostile"
	check "$1: there are hostile tokens" test "$n" -gt 140
	is "$1: each of $n hostile tokens is refused with its code" "$wrong" 0
	good "$1: and a good one is taken" "$1"
}
hostile keyed token-malformed none
# Who can be asked knows when a pod is gone, so that a token may live longer, or be of no pod.
hostile asked jwt-refused 'no pod|no iat|two hours long|a year long'

# ---- a CI system ----
pipeline() { # [JSON]: what a pipeline gets
	local answer
	openssl req -new -key "$work/key.1" -subj / -addext subjectAltName=DNS:app.team-1.svc -out "$work/ci.csr"
	answer=$(printf '%s\t%s\t%s\t%s\n' ci "$(tell keyed oidc/mint "${1:-{\}}")" "$work/ci.csr" '{"tenant":"apps"}' |
		node "$here/enrol.js" "$url" "$state/admin/ca.crt" 20)
	got=$(cut -f2,3 <<<"$answer" | tr '\t' ' ')
}
pipeline
is "a pipeline" "$got" "201 -"
pipeline '{"claims": {"project_path": "group/other"}}'
is "of another project" "$got" "403 rule-missing"
pipeline '{"claims": {"ref_protected": "false"}}'
is "of a branch that is not protected" "$got" "403 rule-missing"
pipeline '{"claims": {"project_path": ["group/app"]}}'
is "of a list that holds the project" "$got" "403 rule-missing"
pipeline '{"audience": "other"}'
like "for another audience" "$got" '^(401 jwt-audience-refused|403 rule-missing)$'
pipeline '{"lifetime": -1}'
is "that came too late" "$got" "401 token-expired"
tell keyed oidc/rotate '{}'
forget ci "$ci"
pipeline
is "after its keys were rotated" "$got" "201 -"
stop_ca
plan
