#!/usr/bin/env bash
# Includes point one way, api -> ca -> store -> ca/base, and each foreign library stays in its room. Prints TAP.
# The checks are run on this tree, and on a small wrong one for each rule, which must be found out.
# tests/include-arrows.sh [TREE]
set -euo pipefail

source_dir=${1:-${MICA_SOURCE:-$(cd "$(dirname "$0")/.." && pwd)}}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Every C file of the four layers, relative to the tree in $1.
layer_files() {
	local dir
	for dir in api ca store; do
		[ -d "$1/$dir" ] || continue
		(cd "$1" && find "$dir" -name '*.[ch]' -type f -print)
	done | sort
}

# The code of file $2 in tree $1 as "path:line:text", without comments; string and character literals are emptied,
# but for the file name of an #include.
code_of() {
	awk -v path="$2" '
	{
		text = ""; i = 1; n = length($0); literal = ""
		include = !comment && $0 ~ /^[ \t]*#[ \t]*include[ \t]/
		while (i <= n) {
			c = substr($0, i, 1); two = substr($0, i, 2)
			if (comment) {
				if (two == "*/") { comment = 0; i++ }
			} else if (literal != "") {
				if (c == "\\") i++
				else if (c == literal) { literal = ""; text = text c }
			} else if (two == "/*") { comment = 1; i++
			} else if (two == "//") { break
			} else {
				text = text c
				if (!include && (c == "\"" || c == "\047")) literal = c
			}
			i++
		}
		if (text ~ /[^ \t]/) print path ":" NR ":" text
	}' "$1/$2"
}

all_code() {
	local file
	while IFS= read -r file; do
		code_of "$1" "$file"
	done < <(layer_files "$1")
}

# Lines of the code on standard input whose include breaks an arrow. Project headers are named from the top, so that the
# first word of the name tells the layer; config.h is the only one without.
wrong_includes() {
	awk -F: '
	function layer(path) {
		if (path ~ /^ca\/base\//) return 0
		if (path ~ /^store\//) return 1
		if (path ~ /^ca\//) return 2
		if (path ~ /^api\//) return 3
		return -1
	}
	{
		text = $0; sub(/^[^:]*:[^:]*:/, "", text)
		if (text !~ /^[ \t]*#[ \t]*include[ \t]*"/) next
		sub(/^[^"]*"/, "", text); sub(/".*/, "", text)
		if (text == "config.h") next
		to = layer(text); from = layer($1)
		if (to < 0 || text ~ /\.\./) print $1 ":" $2 ": \"" text "\" is not named from the top of the tree"
		else if (to > from) print $1 ":" $2 ": includes \"" text "\", a layer above its own"
		else if ($1 ~ /^api\/client\// && text ~ /^(api\/server|store)\//)
			print $1 ":" $2 ": the client includes \"" text "\""
		else if ($1 ~ /^api\/server\// && text ~ /^api\/client\//)
			print $1 ":" $2 ": the server includes \"" text "\""
	}'
}

# Lines of the code on standard input that match $1 in a file whose path does not match $2.
outside() {
	PATTERN=$1 HOME_OF=$2 awk -F: '
	{
		text = $0; sub(/^[^:]*:[^:]*:/, "", text)
		if ($1 !~ ENVIRON["HOME_OF"] && (" " text " ") ~ ENVIRON["PATTERN"]) print $1 ":" $2 ":" text
	}'
}

# The rules: a name, what is looked for, and where alone it may stand. [^A-Za-z0-9_] is what a word begins after.
word='[^A-Za-z0-9_]'
rules=(
	"SQLite only in store/ @ ${word}sqlite3 @ ^store/"
	"PostgreSQL only in store/ @ ${word}PG[a-z]+[A-Za-z]*${word} @ ^store/"
	"libpq's header only in store/ @ include *[<\"](postgresql/)?libpq @ ^store/"
	"libmicrohttpd only in api/ @ ${word}MHD_[A-Za-z] @ ^api/"
	"libmicrohttpd's header only in api/ @ include *<microhttpd @ ^api/"
	"jansson only in api/ @ ${word}json_t${word} @ ^api/"
	"jansson's header only in api/ @ include *<jansson @ ^api/"
	"libjose only in api/ @ include *<jose/ @ ^api/"
	"libcurl only in api/ @ include *<curl/ @ ^api/"
	"libcrypto only where keys sign and requests are read @ include *<openssl/ @ ^ca/(key_[a-z_]+|csr|csr_signature|der_read)[.][ch]\$"
	"no GnuTLS in store/ @ ${word}(gnutls_|GNUTLS_) @ ^(api|ca)/"
	"no GnuTLS header in store/ @ include *<gnutls/ @ ^(api|ca)/"
)

# Run every rule over tree $1; findings go to $2/0 (the arrows), $2/1 … (the rules above).
run_rules() {
	local i=0 rule pattern home
	mkdir -p "$2"
	all_code "$1" >"$2/code"
	wrong_includes <"$2/code" >"$2/0"
	for rule in "${rules[@]}"; do
		i=$((i + 1))
		pattern=${rule#* @ }
		home=${pattern#* @ }
		pattern=${pattern% @ *}
		outside "$pattern" "$home" <"$2/code" >"$2/$i"
	done
}

tests=0
failed=0
report() { # report NAME FILE-OF-FINDINGS: ok when there are none
	tests=$((tests + 1))
	if [ -s "$2" ]; then
		echo "not ok $tests - $1"
		sed 's/^/#   /' "$2"
		failed=$((failed + 1))
	else
		echo "ok $tests - $1"
	fi
}

# ---- this tree ----
run_rules "$source_dir" "$scratch/found"
if ! [ -s "$scratch/found/code" ]; then
	echo "there is no code to look at in $source_dir" >"$scratch/nothing"
fi
report "there is code to look at" "$scratch/nothing"
report "includes point one way: api, ca, store, ca/base" "$scratch/found/0"
i=0
for rule in "${rules[@]}"; do
	i=$((i + 1))
	report "${rule%% @ *}" "$scratch/found/$i"
done

# ---- the checks themselves: wrong trees that they must find out ----
# found_out NUMBER PATH LINE: a tree whose only code is LINE in PATH breaks rule NUMBER, and no other one but those of
# the same library.
found_out() {
	local tree=$scratch/wrong got
	rm -rf "$tree" "$scratch/wrong-found" "$scratch/missed"
	mkdir -p "$tree/$(dirname "$2")"
	printf '/* not code: %s */\n%s\n' "MHD_x sqlite3_x PGconn json_t gnutls_x" "$3" >"$tree/$2"
	run_rules "$tree" "$scratch/wrong-found"
	got=$(wc -l <"$scratch/wrong-found/$1")
	[ "$got" -eq 1 ] || echo "rule $1 reports $got lines instead of one" >"$scratch/missed"
	report "found out: $3 in $2" "$scratch/missed"
}
found_out 0 ca/base/wrong.c '#include "store/store.h"'
found_out 0 ca/base/wrong.h '#include "ca/key.h"'
found_out 0 store/wrong.c '#  include "ca/key.h"'
found_out 0 store/wrong.c '#include "api/server/route.h"'
found_out 0 ca/wrong.c '#include "api/server/route.h"'
found_out 0 ca/wrong.c '#include "../api/server/route.h"'
found_out 0 ca/wrong.c '#include "key.h"'
found_out 0 api/client/wrong.c '#include "store/store.h"'
found_out 0 api/client/wrong.c '#include "api/server/route.h"'
found_out 0 api/server/wrong.c '#include "api/client/client.h"'
found_out 1 ca/wrong.c 'static sqlite3 *db;'
found_out 1 api/server/wrong.c '#include <sqlite3.h>'
found_out 2 ca/wrong.h 'extern PGconn *connection;'
found_out 3 api/server/wrong.c '#include <libpq-fe.h>'
found_out 4 ca/wrong.c 'int x = MHD_YES;'
found_out 5 store/wrong.c '#include <microhttpd.h>'
found_out 6 ca/base/wrong.h 'struct json { json_t *value; };'
found_out 7 ca/wrong.c '#include <jansson.h>'
found_out 8 ca/wrong.c '#include <jose/jws.h>'
found_out 9 ca/wrong.c '#include <curl/curl.h>'
found_out 10 ca/seal.c '#include <openssl/evp.h>'
found_out 11 store/wrong.h 'int f(gnutls_x509_crt_t crt);'
found_out 12 store/wrong.c '#include <gnutls/gnutls.h>'

# passes PATH LINE: nothing is wrong with it.
passes() {
	local tree=$scratch/right
	rm -rf "$tree" "$scratch/right-found"
	mkdir -p "$tree/$(dirname "$1")"
	printf '%s\n' "$2" >"$tree/$1"
	run_rules "$tree" "$scratch/right-found"
	rm "$scratch/right-found/code"
	cat "$scratch/right-found"/* >"$scratch/findings"
	report "lets pass: $2 in $1" "$scratch/findings"
}
passes store/right.c '#include "ca/base/error.h"'
passes ca/right.c '#include "store/store.h"'
passes api/server/right.c '#include "store/store.h"'
passes api/client/right.c '#include "ca/key.h"'
passes api/server/right.c 'puts("see sqlite3(1), PGconn // MHD_x"); /* MHD_y */'
passes ca/right.c '// gnutls, sqlite3_open(), MHD_z and json_t'

echo "1..$tests"
[ "$failed" -eq 0 ]
