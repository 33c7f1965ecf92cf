# shellcheck shell=bash
# What the end-to-end tests share: TAP, a micad with fresh state, and curl as an operator. Sourced, never run.
# Every script prints TAP, ends only processes of its own, listens on loopback only, and leaves nothing behind.
set -u
umask 077
export LC_ALL=C

MICA_SOURCE=${MICA_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
if [ -z "${MICA_BUILD:-}" ]; then
	for MICA_BUILD in "$PWD" "$PWD/build" "$MICA_SOURCE"; do
		[ ! -x "$MICA_BUILD/micad" ] || break
	done
fi
export -n MICA_BUILD MICA_SOURCE # for us: mica would take MICA_SOURCE for its flag --source
micad=$MICA_BUILD/micad
mica=$MICA_BUILD/mica

# Nothing of the caller's surroundings may reach the programs under test.
unset "${!MICAD_@}" MICA_HOME MICA_CA_URL MICA_FINGERPRINT MICA_TOKEN_FILE SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE \
	http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY

# ---- TAP ----

tests=0
failed=0

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

ok() { # DESCRIPTION
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

not_ok() { # DESCRIPTION [DIAGNOSTIC]
	tests=$((tests + 1))
	failed=$((failed + 1))
	echo "not ok $tests - $1"
	[ $# -lt 2 ] || diag "$2"
}

skip() { # DESCRIPTION REASON
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

skip_all() { # REASON
	echo "1..0 # SKIP $1"
	exit 77
}

is() { # DESCRIPTION GOT WANTED
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got:    $2
wanted: $3"
	fi
}

like() { # DESCRIPTION GOT REGEX
	if [[ $2 =~ $3 ]]; then
		ok "$1"
	else
		not_ok "$1" "got:             $2
does not match:  $3"
	fi
}

# The command must succeed, in this shell; what it printed is shown when it does not.
check() { # DESCRIPTION COMMAND…
	local desc=$1
	shift
	if "$@" >"$work/check.out" 2>&1; then
		ok "$desc"
	else
		not_ok "$desc" "$* ended with $?: $(tail -c 1500 "$work/check.out")"
	fi
}

check_fails() { # DESCRIPTION COMMAND…
	local desc=$1
	shift
	if "$@" >"$work/check.out" 2>&1; then
		not_ok "$desc" "$* succeeded: $(tail -c 1500 "$work/check.out")"
	else
		ok "$desc"
	fi
}

# A number that must stand below a bound.
below() { # DESCRIPTION GOT BOUND
	if [ "$2" -lt "$3" ]; then
		ok "$1 ($2 < $3)"
	else
		not_ok "$1" "got $2, wanted less than $3"
	fi
}

plan() { # the last line of every script
	echo "1..$tests"
	if [ "$failed" -gt 0 ]; then
		diag "$failed of $tests failed"
		for log in "$work"/*.log; do
			[ ! -s "$log" ] || diag "last lines of ${log##*/}:
$(tail -n 15 "$log")"
		done
		exit 1
	fi
	exit 0
}

need() { # PROGRAM…: without them the whole script is skipped
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null 2>&1 || skip_all "$program is not installed"
	done
}

# ---- work directory, processes ----

for program in "$micad" "$mica"; do
	[ -x "$program" ] || { echo "Bail out! $program is not built"; exit 99; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/mica-e2e.XXXXXX") || exit 99
background=() # processes of ours that still run
mounts=()

# Remember a background process (by default the last one) for the end.
own() { # [PID]
	background+=("${1:-$!}")
}

alive() { # PID: a zombie does not count
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	[ -n "$state" ] && [ "$state" != Z ]
}

end() { # PID [SIGNAL]: signal and wait; killed after 15 seconds
	local pid=$1 i
	kill -"${2:-TERM}" "$pid"
	for i in $(seq 300); do
		alive "$pid" || break
		sleep 0.05
		[ "$i" -lt 300 ] || kill -KILL "$pid"
	done
	wait "$pid"
	local rc=$? kept=() p
	for p in "${background[@]}"; do
		[ "$p" = "$pid" ] || kept+=("$p")
	done
	background=("${kept[@]}")
	return $rc
} 2>/dev/null # bash would tell of a killed process

cleanup() {
	local pid mount
	for pid in "${background[@]}"; do
		{ kill -KILL "$pid"; wait "$pid"; } 2>/dev/null
	done
	for mount in "${mounts[@]}"; do
		umount "$mount" 2>/dev/null
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Run until it succeeds, for at most some seconds.
await() { # SECONDS COMMAND…
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -le "$end" ] || return 1
		sleep 0.05
	done
}

# A loopback port that nobody listens on now, below the range that outgoing connections take.
free_port() {
	local port hex
	while :; do
		port=$((10000 + RANDOM % 20000))
		hex=$(printf ':%04X ' "$port")
		cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "$hex" || break
	done
	echo "$port"
}

# ---- micad ----

state=$work/state
port=
url=
micad_pid=
ca_env=()     # NAME=VALUE for micad's surroundings
client_env=() # and for curl's

# The log's "listening … address=" line says that the socket stands and where.
listening() { # LOG
	sed -n 's/.*listening.*address="\{0,1\}\([0-9.:]*\).*/\1/p' "$1" | tail -n 1
}

is_ready() {
	[ "$(env "${client_env[@]}" curl -s -o /dev/null -w '%{http_code}' --max-time 5 --cacert "$state/admin/ca.crt" "$url/readyz")" = 200 ]
}

# Make the state; the public URL gets a port that is free now.
init_ca() { # [OPTION OF micad init]…
	port=$(free_port)
	url=https://127.0.0.1:$port
	env "${ca_env[@]}" "$micad" init --state "$state" --dns localhost --ip 127.0.0.1 --public-url "$url" "$@" \
		>"$work/init.out" 2>"$work/init.log"
}

# Start micad on $state and wait until it is ready.
# shellcheck disable=SC2120 # the scripts pass options
serve_ca() { # [OPTION OF micad serve]…
	local i
	env "${ca_env[@]}" "$micad" serve --state "$state" --listen "127.0.0.1:$port" "$@" \
		>>"$work/micad.out" 2>>"$work/micad.log" &
	micad_pid=$!
	own "$micad_pid"
	for i in $(seq 400); do
		is_ready && return 0
		alive "$micad_pid" || break
		sleep 0.05
	done
	diag "micad is not ready: $(tail -n 3 "$work/micad.log")"
	return 1
}

# Fresh state and a running micad; a port that somebody took in between is tried anew.
start_ca() { # [OPTION OF micad init]…
	for _ in 1 2 3; do
		rm -rf "$state"
		init_ca "$@" || { echo "Bail out! micad init: $(cat "$work/init.log")"; exit 99; }
		: >"$work/micad.log"
		# shellcheck disable=SC2119 # its options are its own
		serve_ca && return 0
		grep -qi 'address already in use' "$work/micad.log" || break
	done
	echo "Bail out! micad serve: $(tail -n 5 "$work/micad.log")"
	exit 99
}

stop_ca() { # [SIGNAL]
	end "$micad_pid" "${1:-TERM}"
}

# CPU ticks (100 a second) that a process used.
cpu_ticks() { # PID
	local stat
	stat=$(<"/proc/$1/stat")
	stat=${stat##*) }
	# shellcheck disable=SC2086 # split into fields on purpose; utime and stime are fields 14 and 15 of the whole line
	set -- $stat
	echo $((${12} + ${13}))
}

# ---- requests ----
# Each leaves $status (000: no answer), $work/body and $work/headers.

status=
anon() { # METHOD PATH [OPTION OF curl]…
	local method=$1 path=$2
	shift 2
	: >"$work/body"
	: >"$work/headers"
	status=$(env "${client_env[@]}" curl -sS --path-as-is --max-time 30 --cacert "$state/admin/ca.crt" -X "$method" -D "$work/headers" \
		-o "$work/body" -w '%{http_code}' "$@" "$url$path" 2>"$work/curl.err")
}

op() { # the same with the operator's context
	anon "$@" --cert "$state/admin/tls.crt" --key "$state/admin/tls.key"
}

with() { # DIRECTORY METHOD PATH…: with DIRECTORY/tls.crt and tls.key
	local dir=$1
	shift
	anon "$@" --cert "$dir/tls.crt" --key "$dir/tls.key"
}

bearer() { # TOKEN METHOD PATH…
	local token=$1
	shift
	anon "$@" -H "Authorization: Bearer $token"
}

json=(-H 'Content-Type: application/json')

field() { # JQ-PATH: of the last answer
	jq -r "$1" "$work/body" 2>/dev/null
}

header() { # NAME: of the last answer
	sed -n "s/^$1:[[:space:]]*\(.*\)\r\$/\1/Ip" "$work/headers" | tail -n 1
}

answered() { # DESCRIPTION STATUS
	if [ "$status" = "$2" ]; then
		ok "$1"
	else
		not_ok "$1" "status $status instead of $2: $(head -c 600 "$work/body") $(cat "$work/curl.err")"
	fi
}

# The last answer must be a problem document with this status and code, whole and consistent.
problem() { # DESCRIPTION STATUS CODE
	local got id
	id=$(header X-Request-Id)
	got="$status $(header Content-Type) $(jq -r --arg id "$id" '[.code, .status,
		(.title | length > 0), .type, (.detail | type), (.request_id == $id and ($id | test("^[0-9a-f]{8,}$")))]
		| map(tostring) | join(" ")' "$work/body" 2>/dev/null)"
	if [ "$got" = "$2 application/problem+json $3 $2 true about:blank string true" ]; then
		ok "$1: $2 $3"
	else
		not_ok "$1: $2 $3" "got: $got, X-Request-Id '$id'
$(head -c 600 "$work/body") $(cat "$work/curl.err")"
	fi
}

# ---- keys, requests, tokens ----

make_key() { # FILE [rsa|ec|ed25519]
	case ${2:-ec} in
	rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null ||
		openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null ;;
	ec) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ;;
	*) openssl genpkey -algorithm "$2" -out "$1" 2>/dev/null ;;
	esac
}

# A CSR with a CN (- for none) and, when given, a subjectAltName; made with the key, which is made when it is not there.
make_csr() { # FILE KEY CN [SAN [OPTION OF openssl req]…]
	local file=$1 key=$2 subject=/CN=$3 san=${4:-}
	shift $(($# < 4 ? $# : 4))
	[ "$subject" != /CN=- ] || subject=/
	[ -e "$key" ] || make_key "$key"
	openssl req -new -key "$key" -subj "$subject" ${san:+-addext "subjectAltName=$san"} "$@" -out "$file" 2>"$work/openssl.err"
}

# The body of POST /v1/certificates; a second argument is merged into it.
csr_body() { # CSR [JSON]
	jq -n --rawfile csr "$1" --argjson more "${2:-{\}}" '{csr: $csr} + $more'
}

# A token for names, by the operator: leaves $token and $token_id.
token=
token_id=
make_token() { # JSON
	op POST /v1/tokens "${json[@]}" --data-binary "$1"
	token=$(field .token)
	# shellcheck disable=SC2034 # for the scripts
	token_id=$(field .id)
	[ "$status" = 201 ]
}

# Enrol as the operator into DIRECTORY: tls.key, tls.crt, ca.crt, csr. Leaves the answer in $work/body.
issue() { # DIRECTORY CN SAN [JSON [rsa|ec]]
	mkdir -p "$1"
	[ -e "$1/tls.key" ] || make_key "$1/tls.key" "${5:-ec}"
	make_csr "$1/csr" "$1/tls.key" "$2" "$3" || return 1
	csr_body "$1/csr" "${4:-{\}}" >"$1/body"
	op POST /v1/certificates "${json[@]}" --data-binary "@$1/body"
	[ "$status" = 201 ] || return 1
	keep "$1"
}

# Write the certificate of the last answer to DIRECTORY.
keep() { # DIRECTORY
	jq -r '[.certificate] + .chain | .[] | rtrimstr("\n")' "$work/body" >"$1/tls.crt" &&
		field .serial >"$1/serial" && cp "$state/admin/ca.crt" "$1/ca.crt"
}

# An operator by the admin, or with the context in DIRECTORY of $maker: tls.key, csr, tls.crt and serial in DIRECTORY, if
# it was made; what the CA says of it in DIRECTORY/operator.json.
maker=
make_operator() { # DIRECTORY NAME [ROLE [JSON]]
	mkdir -p "$1"
	make_csr "$1/csr" "$1/tls.key" "$2" || return 1
	jq -n --rawfile csr "$1/csr" --arg name "$2" --arg role "${3:-operator}" --argjson more "${4:-{\}}" \
		'{csr: $csr, name: $name, role: $role} + $more' >"$1/body"
	with "${maker:-$state/admin}" POST /v1/operators "${json[@]}" --data-binary "@$1/body"
	[ "$status" = 201 ] || return 1
	field .operator >"$1/operator.json"
	field .certificate >"$1/answer" && cp "$1/answer" "$work/body" && keep "$1"
}

# Serials on record with the profile "service", sorted, to $work/record.
on_record() {
	local cursor=
	: >"$work/record"
	while :; do
		op GET "/v1/certificates?limit=500&profile=service${cursor:+&cursor=$cursor}"
		[ "$status" = 200 ] || return 1
		field '.certificates[].serial' >>"$work/record"
		cursor=$(field '.next // empty')
		[ -n "$cursor" ] || break
	done
	sort -o "$work/record" "$work/record"
}

# A source with a key of its own, which nobody has.
make_source() { # NAME kubernetes|oidc [AUDIENCE]
	node -e 'const { publicKey } = require("crypto").generateKeyPairSync("ec", { namedCurve: "P-256" });
		console.log(JSON.stringify(publicKey.export({ format: "jwk" })))' |
		jq --arg name "$1" --arg kind "$2" --arg audience "${3:-}" '{name: $name, kind: $kind,
			issuer: "https://\($name).internal", jwks: {keys: [. + {kid: "1"}]}} +
			if $audience == "" then {} else {audiences: [$audience]} end' >"$work/source.json"
	op POST /v1/sources "${json[@]}" --data-binary "@$work/source.json"
	[ "$status" = 201 ]
}

# ---- a clock to turn ----
# With faketime installed, $work/clock holds the offset ("+8d") that a program started with "${clock[@]}" sees; it may be
# changed while the program runs. Only the wall clock is moved.

clock=()         # for micad and mica
clock_foreign=() # for other programs
clock_setup() {
	local preload asan
	command -v faketime >/dev/null 2>&1 || return 1
	preload=$(faketime -m -f '+0' env 2>/dev/null | sed -n 's/^LD_PRELOAD=//p')
	[ -n "$preload" ] || return 1
	# The address sanitizer insists on being loaded first.
	asan=$(ldd "$micad" | sed -n 's/.*libasan[^ ]* => \([^ ]*\).*/\1/p')
	echo '+0' >"$work/clock"
	clock_foreign=(LD_PRELOAD="$preload" FAKETIME_TIMESTAMP_FILE="$work/clock" FAKETIME_NO_CACHE=1
		FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1)
	# shellcheck disable=SC2034 # for the scripts
	clock=("${clock_foreign[@]}" LD_PRELOAD="${asan:+$asan }$preload")
}
