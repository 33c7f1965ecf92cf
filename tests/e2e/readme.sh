#!/usr/bin/env bash
# Two tenants' whole life, and a policy, by the README's commands alone, as they stand there.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

readme=$MICA_SOURCE/README

# block SECTION N: the Nth block of commands of a section.
block() {
	awk -v section="## $1" -v n="$2" '
		/^## / { inside = $0 == section; next }
		!inside { next }
		/^    / { if (!open) { count++; open = 1 } if (count == n) print substr($0, 5); next }
		/^$/ { if (open && count == n) print ""; next }
		{ open = 0 }' "$readme"
}

# run DESCRIPTION SECTION N: a block does what it says.
run() {
	block "$2" "$3" >"$work/block"
	is "the README has it: $1" "$([ -s "$work/block" ] && echo yes)" yes
	if (cd "$work/here" && bash -euo pipefail "$work/block") >"$work/block.out" 2>"$work/block.err"; then
		ok "$1"
	else
		not_ok "$1" "$(cat "$work/block" "$work/block.out" "$work/block.err")"
	fi
}

need openssl jq
start_ca
stop_ca
mkdir "$work/here" "$work/bin" "$work/credentials"
echo a-token-for-the-cluster >"$work/credentials/token"
serve_ca --credentials "$work/credentials" || exit 99
ln -s "$mica" "$work/bin/mica"
export PATH=$work/bin:$PATH MICA_HOME=$state/admin
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=cluster -days 1 -keyout "$work/cluster.key" \
	-out "$work/here/cluster-ca.crt" 2>"$work/openssl.log"

run "tenants are made, and get certificates" Tenants 1
for tenant in blue green; do
	is "web of $tenant has a certificate of $tenant" \
		"$(openssl verify -CAfile "$work/here/web-$tenant/ca.crt" -untrusted "$work/here/web-$tenant/tls.crt" \
			"$work/here/web-$tenant/tls.crt" 2>&1)" "$work/here/web-$tenant/tls.crt: OK"
done
check_fails "which green does not take for its own" openssl verify -CAfile "$work/here/web-green/ca.crt" \
	-untrusted "$work/here/web-blue/tls.crt" "$work/here/web-blue/tls.crt"
cp "$work/here/web-blue/ca.crt" "$work/blue-ca.crt"
run "a suffix is added, and used" Tenants 2
is "below the root that was there" \
	"$(openssl verify -CAfile "$work/blue-ca.crt" -untrusted "$work/here/api-blue/tls.crt" "$work/here/api-blue/tls.crt" 2>&1)" \
	"$work/here/api-blue/tls.crt: OK"
run "a cluster is made known" "Who may ask" 1
run "a policy is looked at, applied and asked" Policy 1
like "it grants what the README says" "$(tail -n 5 "$work/block.out")" 'api\.blue-shop\.blue\.internal'
is "it is there, word for word" "$(mica policy export --home "$work/here/bea" | cmp - "$work/here/blue.json" && echo same)" same
run "an operator is made, listed and removed" "Who may ask" 3
run "a tenant is removed" Tenants 3
is "nothing of it is good" "$(mica list --tenant blue --status good --json | jq '.certificates | length')" 0
is "the other is as it was" "$(mica list --tenant green --status good --json | jq '.certificates | length')" 1
problem_of() { "$mica" "$@" 2>&1; }
like "its name is gone for ever" "$(problem_of tenant create blue)" already-exists
stop_ca
plan
