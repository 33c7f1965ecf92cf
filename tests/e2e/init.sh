#!/bin/bash
# micad init and the other offline acts: what it leaves, that a second changes nothing, and that one killed at any of its
# steps leaves nothing that the next trips over.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq

quick=(--key-type ec:p256 --root-key-type ec:p256 --dns localhost --ip 127.0.0.1)

# ---- what it leaves and says ----
check "init" init_ca
fingerprint=$(openssl x509 -in "$state/admin/ca.crt" -outform DER | sha256sum | cut -d' ' -f1)
check "prints the root's SHA-256 fingerprint" grep -q "$fingerprint" "$work/init.out"
check "and the next commands" grep -q -e 'micad serve' "$work/init.out"
check "and these" grep -q -e 'mica token create' "$work/init.out"
check "and to keep a copy of the master key" grep -qi 'copy' "$work/init.out"
is "the state directory and the secrets are for their owner alone" \
	"$(cd "$state" && stat -c '%n %a' . master.key mica.db admin admin/tls.key | paste -sd,)" \
	". 700,master.key 600,mica.db 600,admin 700,admin/tls.key 600"
is "the operator's context" "$(cd "$state/admin" && echo *) $(<"$state/admin/ca-url")" "ca-url ca.crt tls.crt tls.key $url"
is "the operator's key is EC P-256" "$(openssl pkey -in "$state/admin/tls.key" -noout -text | sed -n 's/^NIST CURVE: //p')" P-256
is "the operator's certificate does not come from the root in ca.crt" \
	"$(openssl verify -CAfile "$state/admin/ca.crt" -partial_chain "$state/admin/tls.crt" >/dev/null 2>&1; echo $?)" 2
is "the root is RSA-3072, self-signed" "$(openssl x509 -in "$state/admin/ca.crt" -noout -text | sed -n 's/.*(\(3072 bit\)).*/\1/p')" "3072 bit"
check "the root verifies itself strictly" openssl verify -x509_strict -check_ss_sig -CAfile "$state/admin/ca.crt" "$state/admin/ca.crt"
is "no private key lies in the database in the open" "$(grep -c -a -e 'PRIVATE KEY' "$state/mica.db")" 0
before=$(cd "$state" && find . -type f ! -name '*-wal' ! -name '*-shm' -exec sha256sum {} + | sort)
"$micad" init --state "$state" --dns other.internal >"$work/again.out" 2>&1
is "a second init ends with 0" "$?" 0
check "and says that nothing was changed" grep -qi -e already -e nothing -e exists "$work/again.out"
is "and changed nothing" "$(cd "$state" && find . -type f ! -name '*-wal' ! -name '*-shm' -exec sha256sum {} + | sort)" "$before"
check_fails "an unknown key type" "$micad" init --state "$work/x" --key-type rsa:1024
check_fails "a public URL that is none" "$micad" init --state "$work/x" --public-url ftp://a
check_fails "a revocation URL over https" "$micad" init --state "$work/x" --revocation-url https://a.internal
check_fails "an issuer that outlives the root" "$micad" init --state "$work/x" --root-lifetime 1y --issuer-lifetime 2y
check_fails "no state directory named" "$micad" init
check_fails "serving under a name that is not micad's" timeout 10 "$micad" serve --state "$state" --listen 127.0.0.1:0 \
	--public-url https://other.internal
is "what was refused left no installation" "$(find "$work/x" -name mica.db 2>/dev/null | wc -l)" 0

# ---- the master key elsewhere, wrong, or missing ----
check "micad master-key create" "$micad" master-key create "$work/master.key"
is "makes a file for its owner alone" "$(stat -c %a "$work/master.key")" 600
held=$(<"$work/master.key")
"$micad" master-key create "$work/master.key" >/dev/null 2>&1
is "again leaves it as it is" "$(<"$work/master.key")" "$held"
check "init takes it" "$micad" init --state "$work/apart" --master-key "$work/master.key" "${quick[@]}"
is "and makes no other" "$(<"$work/master.key") $(find "$work/apart" -name 'master.key' | wc -l)" "$held 0"
refuses_to_serve() { # DESCRIPTION REGEX OPTION…
	local desc=$1 regex=$2
	shift 2
	timeout 10 "$micad" serve --listen 127.0.0.1:0 "$@" >"$work/refused.out" 2>&1
	local rc=$?
	like "$desc ($rc)" "$rc $(cat "$work/refused.out")" "^[1-9][0-9]? .*($regex)"
}
refuses_to_serve "without its master key micad does not start" 'master' --state "$work/apart"
"$micad" master-key create "$work/wrong.key" >/dev/null
refuses_to_serve "nor with a wrong one" 'master' --state "$work/apart" --master-key "$work/wrong.key"
head -c 10 "$work/master.key" >"$work/short.key"
chmod 600 "$work/short.key"
refuses_to_serve "nor with half of it" 'master' --state "$work/apart" --master-key "$work/short.key"
cp "$work/master.key" "$work/open.key"
chmod 644 "$work/open.key"
refuses_to_serve "nor with one that others may read" 'master' --state "$work/apart" --master-key "$work/open.key"
refuses_to_serve "nor without an installation" 'no state directory|installation' --state "$work/nothing"
mkdir "$work/garbage"
head -c 50000 /dev/urandom >"$work/garbage/mica.db"
cp "$work/master.key" "$work/garbage/master.key"
refuses_to_serve "nor on a file that is no database" '.' --state "$work/garbage"

# ---- a new admin after a lock-out ----
check "micad recover-admin" "$micad" recover-admin --state "$state" --out "$work/rescue"
is "makes a context" "$(cd "$work/rescue" && echo *)" "ca-url ca.crt tls.crt tls.key"
check_fails "not over one that is there" "$micad" recover-admin --state "$state" --out "$work/rescue"
check "micad starts" serve_ca
with "$work/rescue" GET /v1/whoami
is "the new admin is one" "$status $(field .role)" "200 admin"
check "is not the first" test "$(field .name)" != admin
op GET /v1/whoami
answered "the first stays" 200
check_fails "recover-admin beside a running micad is refused" "$micad" recover-admin --state "$state" --out "$work/rescue2"
stop_ca

# ---- killed at each step ----
export ASAN_OPTIONS=detect_leaks=0 # the leak checker cannot run under strace
if command -v strace >/dev/null && strace -qq -o /dev/null true 2>/dev/null; then
	calls=fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,pwrite64,unlink,link
	killed=0
	bad=
	for step in $(seq 400); do
		rm -rf "$work/killed"
		strace -f -qq -o /dev/null -e trace=$calls -e "inject=$calls:signal=KILL:when=$step" \
			"$micad" init --state "$work/killed" "${quick[@]}" >/dev/null 2>&1 && break
		killed=$((killed + 1))
		# Of the many page writes every seventh will do.
		[ "$step" -lt 25 ] || [ $((step % 7)) -eq 0 ] || continue
		if ! "$micad" init --state "$work/killed" "${quick[@]}" >"$work/after.out" 2>&1; then
			bad+=" $step"
			continue
		fi
		[ "$(find "$work/killed" -mindepth 1 -maxdepth 1 ! -name '*-wal' ! -name '*-shm' -printf '%f\n' | sort | paste -sd,)" \
			= admin,master.key,mica.db,mica.lock ] || bad+=" $step(left over)"
		openssl verify -CAfile "$work/killed/admin/ca.crt" "$work/killed/admin/ca.crt" >/dev/null 2>&1 || bad+=" $step(context)"
	done 2>/dev/null
	is "init killed at each of $killed calls: the next one completes it" "${bad:-good}" good
	check "there were many" test "$killed" -gt 10
	# One of them in full: killed at the last step but two, completed, and serving.
	rm -rf "$state"
	strace -f -qq -o /dev/null -e trace=$calls -e "inject=$calls:signal=KILL:when=$((killed - 2))" \
		"$micad" init --state "$state" "${quick[@]}" >/dev/null 2>&1 &
	own
	end "$!" 0
	check "an init that was killed is completed" init_ca
	check "and serves" serve_ca
	op GET /v1/whoami
	answered "its admin" 200
	stop_ca
else
	skip "init killed at each step" "strace is not installed or not permitted here"
fi
plan
