#!/bin/bash
# mica, the client: fetching in one pipe, the files it leaves, what operators ask and see, its exit statuses; and that it
# believes nobody but the CA it was told of: a token reaches no other.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq node

start_ca
export MICA_HOME=$state/admin

exits() { # STATUS DESCRIPTION COMMAND…
	local want=$1 desc=$2
	shift 2
	"$@" >"$work/out" 2>"$work/err"
	local rc=$?
	if [ "$rc" = "$want" ]; then
		ok "$desc"
	else
		not_ok "$desc" "exit status $rc instead of $want: $(tail -c 600 "$work/out") $(tail -c 600 "$work/err")"
	fi
}
fetch_with() { # a new token for web.internal, the rest to mica fetch
	"$mica" token create --dns web.internal | "$mica" fetch --token-file - "$@"
}
same_key() { # CRT KEY
	[ "$(openssl x509 -in "$1" -noout -pubkey)" = "$(openssl pkey -in "$2" -pubout)" ]
}
root=$(openssl x509 -in "$MICA_HOME/ca.crt" -outform DER | sha256sum | cut -d' ' -f1)

# ---- usage ----
exits 0 "mica --help" "$mica" --help
exits 0 "mica --version" "$mica" --version
exits 0 "micad --help" "$micad" --help
exits 0 "micad --version" "$micad" --version
exits 2 "no verb" "$mica"
exits 2 "an unknown verb" "$mica" frobnicate
exits 2 "an unknown flag" "$mica" list --frobnicate
exits 2 "a token on the command line is not taken" "$mica" fetch --token abc --out "$work/x"
exits 2 "a missing argument" "$mica" revoke
for verb in fetch inspect health 'token create' 'token list' 'token remove' apply 'policy export' 'policy test' list show revoke 'identity list' 'identity disable' 'identity enable' 'operator create' 'operator list' 'operator remove' 'operator renew' completion; do
	# shellcheck disable=SC2086
	exits 0 "mica $verb --help" "$mica" $verb --help
done

# ---- fetching ----
exits 0 "mica token create | mica fetch" fetch_with --out "$work/web"
is "the files are there" "$(cd "$work/web" && echo *)" "ca.crt tls.crt tls.key"
is "the key is for its owner alone" "$(stat -Lc %a "$work/web/tls.key")" 600
check "key and certificate belong together" same_key "$work/web/tls.crt" "$work/web/tls.key"
is "the key is RSA-2048" "$(openssl pkey -in "$work/web/tls.key" -noout -text | sed -n '1s/.*(\([0-9]* bit\).*/\1/p')" "2048 bit"
is "the certificate stands with its issuer" "$(grep -c BEGIN "$work/web/tls.crt")" 2
check "and verifies" openssl verify -x509_strict -CAfile "$work/web/ca.crt" -untrusted "$work/web/tls.crt" "$work/web/tls.crt"
is "ca.crt is the root" "$(openssl x509 -in "$work/web/ca.crt" -outform DER | sha256sum | cut -d' ' -f1)" "$root"
is "all of it hangs on ..data" "$(readlink "$work/web/tls.key") $(readlink "$work/web/tls.crt")" "..data/tls.key ..data/tls.crt"
old=$(openssl x509 -in "$work/web/tls.crt" -noout -serial)
exits 0 "fetching again" fetch_with --out "$work/web"
check "replaces it" test "$old" != "$(openssl x509 -in "$work/web/tls.crt" -noout -serial)"
check "key and certificate belong together again" same_key "$work/web/tls.crt" "$work/web/tls.key"
is "and leaves nothing of the old" "$(find "$work/web" -mindepth 1 -maxdepth 1 -type d | wc -l)" 1
exits 0 "--key-type, --mode, --format" sh -c "'$mica' token create --dns web.internal >'$work/t' && printf secret >'$work/pw' &&
	'$mica' fetch --token-file '$work/t' --key-type ec:p256 --mode 0640 --format pem,combined,pkcs12 --pkcs12-password-file '$work/pw' --out '$work/ec'"
is "an EC key" "$(openssl pkey -in "$work/ec/tls.key" -noout -text | sed -n 's/^NIST CURVE: //p')" P-256
is "with the mode asked for, wherever the key is" "$(cd "$work/ec" && stat -Lc '%n %a' tls.key tls.pem tls.p12 tls.crt | paste -sd,)" \
	"tls.key 640,tls.pem 640,tls.p12 640,tls.crt 644"
check "the combined file is a pair" same_key "$work/ec/tls.pem" "$work/ec/tls.pem"
check "openssl reads the PKCS#12 file" openssl pkcs12 -in "$work/ec/tls.p12" -passin pass:secret -nodes -out "$work/p12.pem"
check "which holds the same key" same_key "$work/p12.pem" "$work/ec/tls.key"
exits 3 "the token again, with another key" "$mica" fetch --token-file "$work/t" --out "$work/again"
like "says token-replayed" "$(cat "$work/err")" token-replayed
is "and leaves no certificate" "$(find "$work/again" -name tls.crt 2>/dev/null | wc -l)" 0
exits 3 "a name that the token does not grant" fetch_with --dns db.internal --out "$work/again"
exits 0 "flags for what the token says" sh -c "'$mica' token create --dns web.internal |
	'$mica' fetch --ca-url '$url' --fingerprint '${root^^}' --dns web.internal --token-file - --out '$work/flags'"
exits 2 "a fingerprint that is none" fetch_with --fingerprint abc --out "$work/again"
exits 3 "something that is no token" sh -c "echo hello | '$mica' fetch --ca-url '$url' --fingerprint $root --token-file - --out '$work/again'"

# ---- secrets ----
"$mica" token create --dns web.internal >"$work/t"
spoken() { # how much of the token's signature, or of the key, stands in what was said
	cat "$work/out" "$work/err" >"$work/said"
	grep -c -F -e "$(cut -d. -f3 "$work/t")" -e "$(sed -n 3p "$work/secret/tls.key")" "$work/said"
}
exits 0 "--verbose" "$mica" fetch --token-file "$work/t" --out "$work/secret" --verbose
check "says much" test "$(wc -l <"$work/err")" -gt 2
is "and no secret" "$(spoken)" 0
exits 0 "--json --verbose, again" "$mica" fetch --token-file "$work/t" --out "$work/secret" --json --verbose
is "no secret either" "$(spoken)" 0
exits 3 "--verbose, refused" "$mica" fetch --token-file "$work/t" --out "$work/again" --verbose
is "no secret either" "$(spoken)" 0

# ---- operators ----
exits 0 "mica list" "$mica" list
check "shows the name" grep -q web.internal "$work/out"
exits 0 "mica list --json" "$mica" list --json
serial=$(openssl x509 -in "$work/web/tls.crt" -noout -serial | cut -d= -f2)
is "is JSON with the serial number" "$(jq -r --arg s "${serial,,}" '[.. | objects | select(.serial? == $s)] | length' "$work/out")" 1
exits 0 "mica list --name" "$mica" list --name '*.internal'
check "finds by suffix" grep -q web.internal "$work/out"
exits 0 "mica show" "$mica" show "${serial,,}"
exits 0 "mica show with colons and upper case" "$mica" show "$(sed 's/../&:/g; s/:$//' <<<"$serial")"
check "is the same" grep -qi "${serial:0:8}" "$work/out"
exits 0 "mica show --as pem" "$mica" show --as pem "$serial"
is "is the certificate and its issuer" "$(grep -c BEGIN "$work/out")" 2
exits 0 "mica show --as der" "$mica" show --as der "$serial"
is "is the certificate" "$(openssl x509 -inform DER -in "$work/out" -noout -serial)" "serial=$serial"
exits 2 "mica show --as something else" "$mica" show --as xml "$serial"
exits 0 "what the environment says of fetch's formats is not for mica show" env MICA_FORMAT=combined "$mica" show "$serial"
exits 0 "mica show --json" "$mica" show --json "$serial"
is "holds the serial number" "$(jq -r .serial "$work/out")" "${serial,,}"
exits 4 "mica show of one that is not there" "$mica" show 00ff
exits 2 "mica show of what is no serial number" "$mica" show xyz
exits 0 "mica revoke, with colons and upper case" "$mica" revoke "$(sed 's/../&:/g; s/:$//' <<<"$serial")" --reason keyCompromise
op GET "/v1/certificates/${serial,,}"
is "it is revoked" "$(field '[.status, .revocation_reason] | join(" ")')" "revoked keyCompromise"
exits 0 "again" "$mica" revoke "$serial" --reason superseded
exits 4 "mica revoke of one that is not there" "$mica" revoke 00ff
exits 0 "mica token create --json" "$mica" token create --dns a.internal --uses 5 --ttl 10m --json
id=$(jq -r .id "$work/out")
is "is the token's row" "$(jq -r '[.uses, .dns[0]] | map(tostring) | join(" ")' "$work/out")" "5 a.internal"
exits 0 "mica token list" "$mica" token list
check "shows it" grep -q "${id:0:8}" "$work/out"
exits 0 "mica token remove" "$mica" token remove "$id"
exits 0 "mica token remove again" "$mica" token remove "$id"
exits 4 "mica token remove of one that is not there" "$mica" token remove 00000000000000000000000000000000
first_id=$("$mica" token create --dns a.internal --json | jq -r .id)
exits 4 "mica token remove of one that is there and one that is not" "$mica" token remove --json "$first_id" 00000000000000000000000000000000
is "says which was removed" "$(jq -c . "$work/out")" "{\"removed\":[\"$first_id\"]}"
exits 4 "mica token remove --json of none" "$mica" token remove --json 00000000000000000000000000000000
is "says nothing" "$(cat "$work/out")" ""
exits 3 "mica token create for micad's own name" "$mica" token create --dns localhost
exits 0 "mica health" "$mica" health
exits 0 "mica inspect FILE" "$mica" inspect "$work/ec/tls.crt"
check "explains it" grep -q web.internal "$work/out"
exits 0 "mica inspect HOST:PORT" "$mica" inspect "127.0.0.1:$port"
check "explains that too" grep -q localhost "$work/out"
"$mica" inspect "$work/nothing.crt" >"$work/out" 2>&1
is "mica inspect of a file that is not there" "$?" 4
inspects() { # DESCRIPTION STATUS FILE REGEX
	exits "$2" "mica inspect $1" "$mica" inspect "$3"
	like "mica inspect $1: what it says" "$(cat "$work/out" "$work/err")" "$4"
}
{ printf 'before\0\n'; cat "$work/ec/tls.crt"; } >"$work/nul.crt"
inspects "of a certificate behind a NUL" 0 "$work/nul.crt" web.internal
{ cat "$work/ec/tls.crt"; printf '\0\n'; cat "$work/ec/tls.key"; } >"$work/nul.pem"
inspects "of a key behind a NUL" 0 "$work/nul.pem" 'of certificate|of_certificate|private key'
{ openssl ecparam -name prime256v1 -genkey 2>/dev/null; } >"$work/ecparam.key"
check "openssl ecparam writes the parameters first" grep -q 'BEGIN EC PARAMETERS' "$work/ecparam.key"
inspects "of such a key" 0 "$work/ecparam.key" ec:p256
sed '/END EC PARAMETERS/q' "$work/ecparam.key" >"$work/parameters"
inspects "of parameters alone" 2 "$work/parameters" 'holds no certificate'
openssl x509 -in "$work/ec/tls.crt" -trustout -addtrust serverAuth -out "$work/trusted.crt"
inspects "of OpenSSL's trusted certificate" 2 "$work/trusted.crt" 'kind TRUSTED CERTIFICATE, which is not read'
sed '3d' "$work/ec/tls.crt" >"$work/damaged.crt"
inspects "of a damaged certificate" 2 "$work/damaged.crt" 'CERTIFICATE is damaged'
for shell in bash zsh fish; do
	exits 0 "mica completion $shell" "$mica" completion $shell
	check "is not empty" test -s "$work/out"
	if ! command -v $shell >/dev/null; then
		skip "$shell reads it" "$shell is not installed"
	else
		check "$shell reads it" "$shell" -n "$work/out"
	fi
done
"$mica" completion bash >"$work/completion.bash"
# shellcheck disable=SC2016
is "bash completes a verb" "$(bash -c '. "$1"; COMP_WORDS=(mica fe) COMP_CWORD=1 COMP_LINE="mica fe" COMP_POINT=7
	complete -p mica | sed "s/.*-F \([^ ]*\) .*/\1/" >"$2"; $(cat "$2") mica fe mica; echo "${COMPREPLY[@]}"' \
	- "$work/completion.bash" "$work/function" 2>&1 | tr -d ' ')" fetch
"$mica" list >/dev/full 2>"$work/err"
check "standard output that takes nothing is a failure" test "$?" -ne 0
(sleep 0.3; exec "$mica" list 2>"$work/err") | true
is "a reader that has gone ends it as it ends others" "${PIPESTATUS[0]}" 141
is "without a word" "$(cat "$work/err")" ""
exits 75 "a CA that is not there" "$mica" health --ca-url "https://127.0.0.1:$(free_port)" --timeout 2s
exits 75 "fetching from it" sh -c "'$mica' token create --dns web.internal | '$mica' fetch --token-file - --ca-url https://127.0.0.1:$(free_port) --timeout 2s --out '$work/never'"
mkdir "$work/empty"
"$mica" list --home "$work/empty" >"$work/out" 2>"$work/err"
like "a context that is none fails" "$?" '^[2-6]$'

# ---- operators and their contexts ----
exits 0 "mica operator create" "$mica" operator create ada --role auditor --out "$work/ada"
is "makes a context" "$(cd "$work/ada" && stat -Lc '%n %a' -- * | paste -sd,)" "ca-url 644,ca.crt 644,tls.crt 644,tls.key 600"
exits 5 "mica operator create does not write over it" "$mica" operator create eve --out "$work/ada"
exits 0 "who may look" "$mica" list --home "$work/ada"
exits 3 "but not touch" "$mica" token create --dns web.internal --home "$work/ada"
exits 2 "mica operator create without --out" "$mica" operator create eve
exits 3 "an operator makes no operators" "$mica" operator create eve --out "$work/eve" --home "$work/ada"
check_fails "of whom nothing is left" test -e "$work/eve/tls.key"
exits 0 "mica operator renew, by an auditor" "$mica" operator renew --home "$work/ada"
exits 0 "who still is one" "$mica" list --home "$work/ada"
exits 3 "and no more than that" "$mica" token create --dns web.internal --home "$work/ada"
exits 0 "another admin" "$mica" operator create bob --role admin --out "$work/bob"
old=$(openssl x509 -in "$work/bob/tls.crt" -noout -serial -pubkey | sha256sum)
[ "$(id -u)" != 0 ] || chown -hR 65534:65534 "$work/bob"
whose=$(stat -Lc %u:%g "$work/bob/tls.key")
exits 0 "mica operator renew" "$mica" operator renew --home "$work/bob"
like "says for whom" "$(cat "$work/out")" 'operator bob, valid until'
check "has a new key and certificate" test "$old" != "$(openssl x509 -in "$work/bob/tls.crt" -noout -serial -pubkey | sha256sum)"
check "which belong together" same_key "$work/bob/tls.crt" "$work/bob/tls.key"
is "and stay whose they were" "$(stat -Lc %u:%g "$work/bob"/* | sort -u)" "$whose"
exits 0 "which serve" "$mica" token create --dns web.internal --home "$work/bob"
exits 0 "mica operator renew --json" "$mica" operator renew --home "$work/bob" --json
is "is the certificate" "$(jq -r '[.common_name, .profile] | join(" ")' "$work/out")" "bob operator"
exits 3 "a service's certificate is no operator's context" sh -c "cp '$work/ada/ca-url' '$work/ec' && '$mica' operator renew --home '$work/ec'"

# ---- whom it believes ----
# A CA that the system believes, with a certificate for the CA's address, in front of the right roots.
system=$work/system
mkdir "$system"
make_key "$system/ca.key"
openssl req -x509 -new -key "$system/ca.key" -subj "/CN=A public CA" -days 2 -out "$system/ca.crt" 2>/dev/null
make_csr "$system/csr" "$system/tls.key" localhost
openssl x509 -req -in "$system/csr" -CA "$system/ca.crt" -CAkey "$system/ca.key" -CAcreateserial -days 2 \
	-extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1) -out "$system/tls.crt" 2>/dev/null
mkdir "$system/certs"
cp "$system/ca.crt" "$system/certs/ca.pem"
openssl rehash "$system/certs" 2>/dev/null
cat "$system/ca.crt" >"$system/certs/ca-certificates.crt"

start_double() { # ANSWER-FILE [STATUS]
	: >"$work/double.out"
	node "$MICA_SOURCE/tests/e2e/double.js" "$system" "$@" >>"$work/double.out" 2>&1 &
	double=$!
	own
	await 10 grep -q '^[0-9][0-9]*$' "$work/double.out"
	double_url=https://127.0.0.1:$(head -n 1 "$work/double.out")
}
saw() { # what of a credential the double saw
	grep -c -i -e authorization -e '"method":"POST"' "$work/double.out"
}
believe=(SSL_CERT_FILE="$system/ca.crt" SSL_CERT_DIR="$system/certs" CURL_CA_BUNDLE="$system/ca.crt")
refuses() { # DESCRIPTION COMMAND…: it must fail, not by the word of a peer that nobody knows, and tell nothing
	local desc=$1 rc
	shift
	"$@" >"$work/out" 2>"$work/err"
	rc=$?
	like "$desc: refused" "$rc" '^(5|6|75)$'
	is "$desc: and no token was sent" "$(saw)" 0
}
"$mica" token create --dns web.internal >"$work/token"
trap_fetch=("$mica" fetch --token-file "$work/token" --timeout 3s --out "$work/trapped")

start_double "$MICA_HOME/ca.crt"
check "the double is believed by whoever believes the system" env "${believe[@]}" curl -sS "$double_url/"
refuses "a server of a system CA that offers our root" env "${believe[@]}" "${trap_fetch[@]}" --ca-url "$double_url"
check "although it was asked for the bundle" grep -q trust-bundle "$work/double.out"
mkdir "$work/astray"
cp "$MICA_HOME"/tls.* "$MICA_HOME/ca.crt" "$work/astray"
echo "$double_url" >"$work/astray/ca-url"
refuses "an operator's verb at it" env "${believe[@]}" "$mica" list --home "$work/astray" --timeout 3s
if unshare -rm true 2>/dev/null; then
	# The distribution's own place for believed CAs, replaced for this one process.
	# shellcheck disable=SC2016
	refuses "the same, with the CA in the system's directory" unshare -rm sh -c \
		'mount --bind "$1" /etc/ssl/certs && shift && exec "$@"' - "$system/certs" "${trap_fetch[@]}" --ca-url "$double_url"
	# shellcheck disable=SC2016
	check "which curl believes" unshare -rm sh -c 'mount --bind "$1" /etc/ssl/certs && exec curl -sS "$2"' - "$system/certs" "$double_url/"
else
	skip "the same, with the CA in the system's directory" "unshare is not permitted here"
fi
end "$double"

start_double "$system/ca.crt"
refuses "a server that offers another root" env "${believe[@]}" "${trap_fetch[@]}" --ca-url "$double_url"
like "says why" "$(cat "$work/err")" fingerprint
end "$double"
# A man in the middle who speaks like the CA: what he says decides nothing and reaches nobody.
jq -n '{type: "about:blank", title: "Conflict", status: 409, code: "token-replayed", detail: "call this number", next: "run that program"}' \
	>"$work/instructions"
for answer in 301 400 401 403 404 409 429 500; do
	start_double "$work/instructions" "$answer"
	refuses "a stranger who answers $answer" "${trap_fetch[@]}" --ca-url "$double_url"
	is "a stranger who answers $answer: it is no word of the CA" "$(grep -c -e number -e program -e replayed "$work/err")" 0
	like "a stranger who answers $answer: which is said" "$(cat "$work/err")" 'not proved.*answer-unusable'
	end "$double"
done
start_double "$work/instructions" 503
exits 75 "a stranger who answers 503 is asked again for a while" "${trap_fetch[@]}" --ca-url "$double_url"
check "more than once" test "$(grep -c trust-bundle "$work/double.out")" -gt 1
is "and his words are not the CA's either" "$(grep -c -e number -e program -e replayed "$work/err")" 0
end "$double"
exits 0 "the token is still good for the CA it is of" "$mica" fetch --token-file "$work/token" --out "$work/trapped"

# The right server, and a fingerprint of another root.
"$mica" token create --dns web.internal >"$work/token"
"$mica" fetch --token-file "$work/token" --ca-url "$url" --fingerprint "$(printf '%064d' 0)" --out "$work/trapped" >"$work/out" 2>"$work/err"
like "another fingerprint than the token's is refused" "$?" '^[2356]$'
stop_ca
# The right root, at an address that its certificate does not name.
"$micad" serve --state "$state" --listen "127.0.0.2:$port" --log-level debug >/dev/null 2>"$work/second.log" &
second=$!
own
await 10 grep -q listening "$work/second.log"
is "micad at an address that its certificate does not name" "$(curl -sk -o /dev/null -w '%{http_code}' "https://127.0.0.2:$port/readyz")" 200
"$mica" fetch --token-file "$work/token" --ca-url "https://127.0.0.2:$port" --timeout 3s --out "$work/unnamed" >"$work/out" 2>"$work/err"
like "is not fetched from" "$?" '^[56]$'
check "and was asked for the bundle" grep -q 'path=/v1/trust-bundle' "$work/second.log"
is "but never saw the token" "$(grep -c 'path=/v1/certificates' "$work/second.log")" 0
end "$second"
exits 75 "mica health when the CA is down" "$mica" health --timeout 2s
plan
