#!/bin/bash
# A tenant's policy document: put in force, shown before, given back word for word, refused with its line; who may, who was
# faster, and micad killed in the middle.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need curl jq openssl sqlite3

start_ca
export MICA_HOME=$state/admin
make_source prod kubernetes || echo "Bail out! no source: $(cat "$work/body")"

# mica with the operator's context: leaves $rc, $work/out and $work/err. To it, MICA_SOURCE is --source.
rc=
run() { # ARGUMENT…
	env -u MICA_SOURCE "$mica" "$@" >"$work/out" 2>"$work/err"
	rc=$?
}

said() { # both streams, a line behind the other
	cat "$work/out" "$work/err"
}

get() {
	op GET /v1/policy
}

put() { # FILE [OPTION OF curl]…
	local file=$1
	shift
	op PUT /v1/policy "${json[@]}" --data-binary "@$file" "$@"
}

cat >"$work/policy.json" <<'END'
{
  "profiles": {
    "web": { "max_lifetime": "30d", "names": { "dns": [ "*.web.internal" ] } }
  },
  "rules": [
    { "name": "payments", "source": "prod", "profile": "web", "match": { "ns": "payments" },
      "names": { "dns": [ "{sa}.web.internal" ] } },
    { "name": "all", "source": "prod", "profile": "service", "names": { "dns": [ "*.{ns}.svc" ] } }
  ]
}
END

# ---- apply, export ----

get
is "without a document there is an empty one" "$status $(<"$work/body") $(header ETag)" '200 {} "0"'
is "as JSON" "$(header Content-Type)" application/json
run policy export
is "and mica prints it" "$rc $(<"$work/out")" "0 {}"
run apply -f "$work/policy.json" --dry-run
is "a dry run shows what is new" "$rc $(<"$work/out")" "0 + profile web
+ rule payments
+ rule all"
get
is "and changes nothing" "$(<"$work/body") $(header ETag)" '{} "0"'
run apply -f "$work/policy.json"
is "apply shows it and does it" "$rc $(<"$work/out")" "0 + profile web
+ rule payments
+ rule all
applied, version 1"
run policy export
check "export gives the document back, byte for byte" cmp "$work/policy.json" "$work/out"
get
is "with its version as the tag" "$(header ETag)" '"1"'
run apply --file "$work/policy.json"
is "applied twice, nothing changes" "$rc $(<"$work/out")" "0 nothing to change"
get
is "not even the version" "$(header ETag)" '"1"'
put "$work/policy.json"
is "nor does a second PUT" "$status $(field '[.changed, .version] | map(tostring) | join(" ")') $(header ETag)" '200 false 1 "1"'
run apply -f - --json <"$work/policy.json"
is "from standard input, as JSON" "$rc $(jq -c '[.changed, .version, .tenant]' "$work/out")" '0 [false,1,"default"]'

jq '.profiles.web.max_lifetime = "20d" | .profiles.db = {} | .rules[1:] += [{"name": "late", "source": "prod",
	"profile": "db", "names": {"dns": ["{ns}.late.svc"]}}] | .rules |= .[1:]' "$work/policy.json" >"$work/next.json"
run apply -f"$work/next.json" --dry-run
is "what is changed, removed and added" "$rc $(<"$work/out")" "0 ~ profile web
+ profile db
- rule payments
+ rule late"
jq '.rules |= reverse' "$work/policy.json" >"$work/turned.json"
run apply -f "$work/turned.json" --dry-run
is "the order of the rules is a change" "$rc $(<"$work/out")" "0 ~ the order of the rules"
jq -c . "$work/policy.json" >"$work/compact.json"
run apply -f "$work/compact.json"
is "another spelling is kept, too" "$rc $(<"$work/out")" "0 ~ the spelling only
applied, version 2"
run policy export
check "and given back as such" cmp "$work/compact.json" "$work/out"
anon HEAD /v1/policy --cert "$state/admin/tls.crt" --key "$state/admin/tls.key" --head
is "HEAD tells the tag alone" "$status $(header ETag)" '200 "2"'

# ---- If-Match ----

put "$work/next.json" -H 'If-Match: "1"'
problem "on top of another version" 412 precondition-failed
put "$work/next.json" -H 'If-Match: W/"2"'
problem "with a weak tag" 412 precondition-failed
put "$work/next.json" -H 'If-Match: 2'
problem "with a tag that is none" 412 precondition-failed
op PUT '/v1/policy?dry_run=true' "${json[@]}" --data-binary "@$work/next.json" -H 'If-Match: "1"'
problem "in a dry run, too" 412 precondition-failed
put "$work/next.json" -H 'If-Match: "1", "2"'
is "one of several tags will do" "$status $(field .version)" "200 3"
put "$work/policy.json" -H 'If-Match: *'
is "and so does a star" "$status $(field .version)" "200 4"

# ---- what is refused ----

sed 's/"30d"/"thirty"/' "$work/policy.json" >"$work/bad.json"
put "$work/bad.json"
problem "an invalid document" 422 policy-invalid
is "with line and pointer" "$(field '[.line, .pointer] | map(tostring) | join(" ")')" "3 /profiles/web/max_lifetime"
like "and said for people" "$(field .detail)" '^line 3: .*duration'
run apply -f "$work/bad.json"
is "mica is refused with it" "$rc" 3
like "and names file and line" "$(<"$work/err")" "bad.json, line 3: .*duration.*policy-invalid"
printf '{"profiles": {},\n"profiles": {}}' >"$work/bad.json"
put "$work/bad.json"
is "a key that stands twice" "$status $(field '[.code, .line] | map(tostring) | join(" ")')" "422 policy-invalid 2"
printf '{"profiles": {}' >"$work/bad.json"
run apply -f "$work/bad.json"
is "a document that was cut" "$rc" 3
printf '{"profiles": {"web": {"max_lifetime":\n"91d"}}}' >"$work/bad.json"
put "$work/bad.json"
problem "beyond the tenant's ceiling" 403 ceiling-exceeded
is "with its line" "$(field .line)" 2
printf '{"profiles": {"web": {"names":\n{"email": ["a@example.org"]}}}}' >"$work/bad.json"
put "$work/bad.json"
problem "e-mail, which the ceiling does not allow" 403 ceiling-exceeded
{ printf '{}'; head -c 300000 /dev/zero | tr '\0' ' '; } >"$work/bad.json"
put "$work/bad.json"
problem "a document that is too large" 413 body-large
run apply -f "$work/bad.json"
is "which mica does not even send" "$rc" 5
printf '{"profiles": {}\0}' >"$work/bad.json"
put "$work/bad.json"
problem "a NUL in it" 422 policy-invalid
run apply -f "$work/bad.json"
is "which mica sends as it is, to be refused" "$rc" 3
op PUT /v1/policy "${json[@]}" -d ''
problem "none at all" 400 body-empty
op PUT /v1/policy -H 'Content-Type: text/plain' --data-binary "@$work/policy.json"
problem "another media type" 415 media-type-unsupported
op PUT '/v1/policy?dry_run=maybe' "${json[@]}" -d '{}'
problem "a dry run that is none" 400 query-invalid
op PUT '/v1/policy?tenant=nobody' "${json[@]}" -d '{}'
problem "a tenant that is not there" 404 not-found
run apply -f "$work/policy.json" --tenant nobody
is "for mica, too" "$rc" 4
run apply
is "apply without a file is a misuse" "$rc" 2
run apply -f
is "a letter without its value is a misuse" "$rc" 2
run apply -x
is "an unknown letter is a misuse" "$rc" 2
run apply -f "$work/none.json"
is "a file that is not there" "$rc" 4
get
is "after all that, what was in force still is" "$(header ETag) $(sha256sum <"$work/body")" "\"4\" $(sha256sum <"$work/policy.json")"

# ---- who may ----

for role in tenant-admin operator auditor; do
	check "an operator with the role $role" "$mica" operator create "o-$role" --role "$role" --out "$work/$role"
done
for role in operator auditor; do
	with "$work/$role" GET /v1/policy
	answered "$role reads the policy" 200
	with "$work/$role" PUT /v1/policy "${json[@]}" -d '{}'
	problem "$role may not put one" 403 forbidden
	with "$work/$role" PUT '/v1/policy?dry_run=true' "${json[@]}" -d '{}'
	problem "nor try to" 403 forbidden
done
with "$work/tenant-admin" PUT /v1/policy "${json[@]}" --data-binary "@$work/next.json"
is "a tenant-admin puts one" "$status $(field .version)" "200 5"
with "$work/tenant-admin" PUT /v1/policy "${json[@]}" -d '{"profiles": {"web": {"max_lifetime": "91d"}}}'
problem "within the ceiling" 403 ceiling-exceeded
with "$work/tenant-admin" GET '/v1/policy?tenant=default'
answered "and may name its own tenant" 200
with "$work/tenant-admin" GET '/v1/policy?tenant=other'
problem "but no other" 404 not-found
anon GET /v1/policy
problem "a stranger sees none" 401 credentials-missing
put "$work/policy.json"
answered "the first document again" 200

# ---- what would somebody get? ----

payments=(--source prod --claim ns=payments --claim sa=api)
run policy test "${payments[@]}" --dns api.web.internal --json
is "the rule that fits grants the name" "$rc $(jq -c '[.allowed, .rule, .profile, .dns]' "$work/out")" \
	'0 [true,"payments","web",["api.web.internal"]]'
is "for the profile's time" "$(jq '((.not_after | fromdate) - now) / 86400 | round' "$work/out")" 7
run policy test "${payments[@]}" --dns api.web.internal
like "for people, too" "$(<"$work/out")" '^allowed.*rule +payments.*dns +api.web.internal'
run policy test "${payments[@]}" --dns api.web.internal --ttl 31d
is "a lifetime beyond the profile's" "$rc" 3
run policy test "${payments[@]}" --dns other.web.internal
is "a name of somebody else" "$rc" 3
like "is refused in the words of the rule that spoke of the identity" "$(said)" 'rule +payments.*other.web.internal.*name-refused'
run policy test --source prod --claim ns=shop --claim sa=api --dns api.shop.svc --json
is "the next rule speaks of another namespace" "$rc $(jq -r .rule "$work/out")" "0 all"
run policy test --source prod --claim ns=a.b --claim sa=api --dns x.a.b.svc
like "a claim that breaks out of its placeholder" "$rc $(said)" '^3 .*claim'
run policy test --source prod --claim sa=api --dns x.shop.svc --json
is "a claim that is missing" "$rc $(jq -r .allowed "$work/out")" "3 false"
run policy test --source staging --claim ns=payments --claim sa=api --dns api.web.internal
is "another source" "$rc" 3
make_csr "$work/try.csr" "$work/try.key" api.web.internal DNS:api.web.internal
run policy test "${payments[@]}" --csr "$work/try.csr" --json
is "a request that exists" "$rc $(jq -c '[.common_name, .dns]' "$work/out")" '0 ["api.web.internal",["api.web.internal"]]'
run policy test "${payments[@]}" --csr "$work/try.csr" --dns a.web.internal
is "and names beside it are a misuse" "$rc" 2
run policy test "${payments[@]}" --dns api.web.internal -f "$work/next.json"
is "a document that is not in force: its rule is gone" "$rc" 3
run policy test "${payments[@]}" --dns api.web.internal -f "$work/policy.json"
is "and here it is not" "$rc" 0
printf '{\n"rules": 1}' >"$work/bad.json"
run policy test "${payments[@]}" --dns api.web.internal -f "$work/bad.json"
like "an invalid one is told with its line" "$rc $(<"$work/err")" '^3 .*bad.json, line 2:'
run policy test --dns a.web.internal --profile web --json
is "without a source, an operator asks" "$rc $(jq -c '[.allowed, .rule, .profile]' "$work/out")" '0 [true,null,"web"]'
run policy test --dns a.db.internal --profile web
is "whom the profile binds" "$rc" 3
jq -n --rawfile csr "$work/try.csr" '{csr: $csr, granted: {dns: ["b.web.internal"]}}' >"$work/question"
op POST /v1/policy/test "${json[@]}" --data-binary "@$work/question"
is "as a token with another name would be refused" "$status $(field '[.allowed, .code] | map(tostring) | join(" ")')" \
	"200 false name-refused"
with "$work/auditor" POST /v1/policy/test "${json[@]}" --data-binary "@$work/question"
answered "an auditor may ask" 200
op POST /v1/policy/test "${json[@]}" -d '{"csr": "x"}'
is "a request that is none is a refusal" "$status $(field .code)" "200 csr-malformed"
op POST /v1/policy/test "${json[@]}" -d '{}'
problem "no request is a mistake" 400 field-missing
jq -n --rawfile csr "$work/try.csr" '{csr: $csr, source: "prod", claims: {ns: ["a"]}}' >"$work/question"
op POST /v1/policy/test "${json[@]}" --data-binary "@$work/question"
problem "a claim that is a list, too" 400 field-invalid

# ---- in force ----

# A token for the profile, used at once: leaves $status.
enrol() { # JSON, merged into the request
	make_token '{"profile": "web", "dns": ["api.web.internal"]}' || return
	make_key "$work/fresh.key"
	make_csr "$work/fresh.csr" "$work/fresh.key" api.web.internal DNS:api.web.internal
	csr_body "$work/fresh.csr" "$1" >"$work/fresh.json"
	bearer "$token" POST /v1/certificates "${json[@]}" --data-binary "@$work/fresh.json"
}
enrol '{"ttl": "25d"}'
answered "the profile lets 25 days pass" 201
jq '.profiles.web.max_lifetime = "20d"' "$work/policy.json" >"$work/shorter.json"
put "$work/shorter.json"
enrol '{"ttl": "25d"}'
problem "and no longer, at the very next request" 403 ttl-refused
jq 'del(.profiles.web) | .rules |= map(select(.profile != "web"))' "$work/policy.json" >"$work/none.json"
put "$work/none.json"
make_token '{"profile": "web", "dns": ["api.web.internal"]}'
problem "a profile that a document leaves out is gone" 404 profile-unknown
put "$work/policy.json"
stop_ca
serve_ca
run policy test "${payments[@]}" --dns api.web.internal --json
is "a restart changes nothing of it" "$rc $(jq -r .rule "$work/out")" "0 payments"

# ---- at once ----

racers=24
get
tag=$(header ETag)
for i in $(seq "$racers"); do
	jq --arg i "$i" '.profiles["p" + $i] = {}' "$work/policy.json" >"$work/racer.$i"
	cat <<-CONFIG
	url = "$url/v1/policy"
	request = "PUT"
	cacert = "$state/admin/ca.crt"
	cert = "$state/admin/tls.crt"
	key = "$state/admin/tls.key"
	header = "Content-Type: application/json"
	header = "If-Match: \\"${tag//\"/}\\""
	data-binary = "@$work/racer.$i"
	output = "$work/race.$i"
	write-out = "%{http_code}\n"
	silent
	next
	CONFIG
done | sed '$d' >"$work/race.conf"
curl --parallel --parallel-immediate --parallel-max "$racers" --max-time 60 -K "$work/race.conf" >"$work/race.status" 2>"$work/curl.err"
is "of $racers at once exactly one wins" "$(grep -c '^200$' "$work/race.status") $(grep -c '^412$' "$work/race.status")" \
	"1 $((racers - 1))"
get
winner=$(grep -l '"changed":true' "$work"/race.[0-9]* | sed 's/.*\.//')
check "and it is that one's document" cmp "$work/racer.$winner" "$work/body"

# ---- killed ----

for round in 1 2 3; do
	put "$work/racer.$round"
	stop_ca KILL
	serve_ca
	get
	check "killed right after the answer, it is on record ($round)" cmp "$work/racer.$round" "$work/body"
done
halves=
for round in $(seq 4 9); do
	get
	cp "$work/body" "$work/before"
	before=$(header ETag)
	curl -s -o /dev/null --max-time 10 --cacert "$state/admin/ca.crt" --cert "$state/admin/tls.crt" \
		--key "$state/admin/tls.key" -X PUT "${json[@]}" --data-binary "@$work/racer.$round" "$url/v1/policy" &
	pid=$!
	sleep "0.0$((round * 3 % 10))"
	stop_ca KILL
	wait "$pid"
	serve_ca
	get
	if cmp -s "$work/body" "$work/before"; then
		[ "$(header ETag)" = "$before" ] || halves="$halves $round:tag"
	else
		cmp -s "$work/body" "$work/racer.$round" || halves="$halves $round"
	fi
done
is "killed at any moment, the old document or the new one is there, never half of one" "$halves" ""

# ---- the surroundings change ----

put "$work/policy.json"
op DELETE /v1/sources/prod
get
check "a source that is removed leaves the document as it is" cmp "$work/policy.json" "$work/body"
put "$work/next.json"
problem "but no other that speaks of it is taken" 422 policy-invalid
is "for its source" "$(field .pointer)" /rules/0/source
stop_ca
sqlite3 "$state/mica.db" "UPDATE tenants SET max_lifetime = 864000, allowed = 0, dns_suffixes = 'internal' WHERE name = 'default'"
check "with closer bounds micad starts all the same" serve_ca
get
check "with the document that it had" cmp "$work/policy.json" "$work/body"
run policy test --dns a.web.internal --profile web --ttl 15d
like "but they bind" "$rc $(said)" '^3 .*(ttl-refused|ceiling-exceeded)'
printf '{"profiles": {"web": {"names": {"dns": ["a.internal",\n"*.example.org"]}}}}' >"$work/bad.json"
put "$work/bad.json"
is "and a pattern that lies outside of them is told" "$status $(field '[.line, .pointer] | map(tostring) | join(" ")')" \
	"422 2 /profiles/web/names/dns/1"
stop_ca
plan
