#!/bin/bash
# mica fetch when it does not go smoothly: killed, repeated, refused, cut off, with other flags than before, in a directory
# of another user's; and what it may never do then: lose a key that a token was spent on.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need openssl curl jq flock

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
new_token() { # FILE [OPTION OF mica token create]…
	"$mica" token create --dns web.internal "${@:2}" >"$1"
}
fetch() { # TOKEN-FILE DIR [OPTION]…
	"$mica" fetch --token-file "$1" --out "$2" "${@:3}"
}
nowhere=(--ca-url "https://127.0.0.1:$(free_port)" --timeout 1s)
public() { # KEY
	openssl pkey -in "$1" -pubout 2>/dev/null | sha256sum | cut -d' ' -f1
}
certified() { # CRT
	openssl x509 -in "$1" -noout -pubkey 2>/dev/null | sha256sum | cut -d' ' -f1
}
kept() { # DIR: the names of what a fetch keeps there
	(cd "$1/.staged" 2>/dev/null && echo *)
}
serial_of() { # DIR
	openssl x509 -in "$1/tls.crt" -noout -serial
}
count() { # certificates on record
	on_record && wc -l <"$work/record"
}

# ---- the kept key ----
dir=$work/types
new_token "$work/t"
exits 75 "the CA cannot be reached" fetch "$work/t" "$dir" "${nowhere[@]}"
like "the key is kept" "$(kept "$dir")" '^[0-9a-f]{64}\.key$'
is "for its owner alone" "$(stat -c '%a %n' "$dir/.staged" "$dir/.staged"/* | cut -d' ' -f1 | paste -sd,)" 700,600
key=$dir/.staged/$(kept "$dir")
first=$(public "$key")
exits 6 "another type of key than the kept one's" fetch "$work/t" "$dir" --key-type ec:p256
like "is refused, and told why" "$(cat "$work/err")" 'rsa:2048.*already-exists'
like "and what to do" "$(cat "$work/err")" 'go on with it, by --key-type rsa:2048'
is "and the kept key stays" "$(public "$key")" "$first"
exits 0 "the same type" fetch "$work/t" "$dir"
is "goes on with it" "$(public "$dir/tls.key") $(certified "$dir/tls.crt")" "$first $first"
check_fails "and nothing of it is left" test -e "$dir/.staged"

dir=$work/two
new_token "$work/a"
new_token "$work/b"
exits 75 "a token's key is kept" fetch "$work/a" "$dir" "${nowhere[@]}"
name=$(kept "$dir")
first=$(public "$dir/.staged/$name")
exits 0 "another token in the same directory" fetch "$work/b" "$dir"
is "leaves the first one's key" "$(kept "$dir")" "$name"
exits 0 "the first token again" fetch "$work/a" "$dir"
is "goes on with its key" "$(certified "$dir/tls.crt")" "$first"
check_fails "and nothing is left" test -e "$dir/.staged"

dir=$work/strange
mkdir -p "$dir/.staged"
new_token "$work/t"
exits 75 "a key is kept" fetch "$work/t" "$dir" "${nowhere[@]}"
name=$(kept "$dir")
mv "$dir/.staged/$name" "$work/elsewhere.key"
ln -s "$work/elsewhere.key" "$dir/.staged/$name"
exits 6 "a link in its place is not followed" fetch "$work/t" "$dir"
rm "$dir/.staged/$name"
ln "$work/elsewhere.key" "$dir/.staged/$name"
exits 6 "nor is a file with another name elsewhere taken" fetch "$work/t" "$dir"
like "which is said" "$(cat "$work/err")" 'not a file of ours'
if [ "$(id -u)" = 0 ]; then
	rm "$dir/.staged/$name"
	cp "$work/elsewhere.key" "$dir/.staged/$name"
	chown 65534 "$dir/.staged/$name"
	exits 6 "nor one of another user's" fetch "$work/t" "$dir"
else
	skip "nor one of another user's" "this needs root"
fi
rm "$dir/.staged/$name"
exits 0 "and without it all is well" fetch "$work/t" "$dir"

# ---- killed between issuance and writing ----
# The writing waits for the lock of the directory, which is taken while the CA is down and the key is there already.
dir=$work/killed
new_token "$work/t"
before=$(count)
stop_ca
"$mica" fetch --token-file "$work/t" --out "$dir" --timeout 60s >"$work/out" 2>"$work/err" &
fetch_pid=$!
own
check "the key is there before the CA hears of it" await 20 compgen -G "$dir/.staged/*.key"
exec 9<"$dir"
check "nobody else writes there" flock -w 10 9
serve_ca
issued() {
	[ "$(count)" = $((before + 1)) ]
}
check "the CA issues the certificate" await 30 issued
end "$fetch_pid" KILL
flock -u 9
exec 9<&-
check_fails "and it is not written" test -e "$dir/tls.crt"
first=$(public "$dir/.staged/$(kept "$dir")")
exits 0 "the same token again" fetch "$work/t" "$dir"
is "gets the certificate for the kept key" "$(public "$dir/tls.key") $(certified "$dir/tls.crt")" "$first $first"
is "the same that was issued" "$(count)" $((before + 1))
check_fails "and nothing is left" test -e "$dir/.staged"

# ---- done already ----
again() { # DESCRIPTION [OPTION]…: the token again finds it done
	exits 0 "$1" fetch "$work/t" "$dir" "${@:2}"
	like "$1: nothing is due" "$(cat "$work/out")" 'nothing due'
	is "$1: nothing changes" "$(serial_of "$dir")" "$serial"
	check_fails "$1: nothing is left" test -e "$dir/.staged"
}
asks() { # DESCRIPTION [OPTION]…: it is not done, so that the CA is asked, which knows that the token is spent
	exits 3 "$1: the CA is asked" fetch "$work/t" "$dir" "${@:2}"
	like "$1: and says that the token is spent" "$(cat "$work/err")" token-replayed
	check_fails "$1: the key made for it is gone" test -e "$dir/.staged"
}
dir=$work/done
new_token "$work/t"
exits 0 "a fetch" fetch "$work/t" "$dir" --format combined
serial=$(serial_of "$dir")
is "keeps whose it is, for the owner alone" "$(stat -c %a "$dir/..data/.token") $(wc -c <"$dir/..data/.token")" "600 64"
check_fails "without a link" test -e "$dir/.token"
is "and not the token" "$(grep -c -F "$(cut -d. -f2 "$work/t")" "$dir/..data/.token")" 0
again "the same token again"
exits 0 "with --json" fetch "$work/t" "$dir" --json
is "it says so too" "$(jq -r '[.due, .serial] | map(tostring) | join(" ")' "$work/out")" \
	"false $(tr A-F a-f <<<"${serial#serial=}")"
again "while the CA is away" "${nowhere[@]}"
# As if killed when the files were switched, and the key not yet removed.
mkdir -m 700 "$dir/.staged"
install -m 600 "$dir/tls.key" "$dir/.staged/$(<"$dir/..data/.token").key"
again "after being killed at the very end"
# As if killed before the links were made.
mkdir -m 700 "$dir/.staged"
install -m 600 "$dir/tls.key" "$dir/.staged/$(<"$dir/..data/.token").key"
rm "$dir/tls.crt"
exits 0 "after being killed before the links" fetch "$work/t" "$dir" --format combined
is "the certificate is written again" "$(serial_of "$dir")" "$serial"
asks "other names" --dns other.internal --common-name ''
asks "another type of key" --key-type ec:p256
printf secret >"$work/pw"
asks "another format" --format pkcs12 --pkcs12-password-file "$work/pw"
cp "$dir/..data/tls.key" "$work/right.key"
make_key "$dir/..data/tls.key" rsa
asks "a key that does not fit"
cp "$work/right.key" "$dir/..data/tls.key"
again "the right one again"
if clock_setup; then
	echo '+8d' >"$work/clock"
	exits 3 "a certificate that has run out is not enough: the CA is asked" env "${clock[@]}" "$mica" fetch --token-file "$work/t" --out "$dir" --timeout 3s
else
	skip "a certificate that has run out is not enough: the CA is asked" "faketime is not installed"
fi
new_token "$work/t2"
exits 0 "another token" fetch "$work/t2" "$dir"
check "replaces it" test "$serial" != "$(serial_of "$dir")"

# ---- refused ----
dir=$work/refused
new_token "$work/t"
exits 75 "a key is kept" fetch "$work/t" "$dir" "${nowhere[@]}"
exits 3 "what the CA refuses" fetch "$work/t" "$dir" --dns db.internal
like "leaves the key that was kept" "$(kept "$dir")" '^[0-9a-f]{64}\.key$'
exits 0 "which the right names go on with" fetch "$work/t" "$dir"

# ---- files ----
dir=$work/files
uid=$(id -u) gid=$(id -g)
[ "$uid" != 0 ] || { uid=65534 gid=65534; }
new_token "$work/t"
exits 0 "--owner and --group" fetch "$work/t" "$dir" --owner "$uid" --group "$gid" --mode 0640 --format combined
is "are whose all files are" "$(stat -Lc '%u:%g' "$dir"/tls.* "$dir/ca.crt" | sort -u)" "$uid:$gid"
is "with the mode asked for" "$(stat -Lc %a "$dir/tls.key" "$dir/tls.pem" | sort -u)" 640
new_token "$work/t"
exits 2 "an owner that is nobody" fetch "$work/t" "$dir" --owner no-such-user
for mode in 0644 0604 0602 0601 0660 0040 0200 0000 0700 8 ''; do
	exits 2 "--mode '$mode' is refused" fetch "$work/t" "$work/mode" "--mode=$mode"
done
for mode in 0600 0400 0440 640; do
	new_token "$work/t"
	exits 0 "--mode $mode" fetch "$work/t" "$work/mode" --mode "$mode"
	is "is the key's" "$(stat -Lc %04a "$work/mode/tls.key" | tail -c 4)" "$(tail -c 4 <<<"$mode")"
done
"$mica" token create --dns web.internal >"$work/t"
dir=$work/full
fetch "$work/t" "$dir" >/dev/full 2>"$work/err"
is "standard output that takes nothing: what is there is valid" "$?" 5
check "for it was written" openssl x509 -in "$dir/tls.crt" -noout -checkend 60
fetch "$work/t" "$dir" >/dev/full 2>"$work/err"
is "so also when nothing is due" "$?" 5

# ---- the root that is believed is in no file that others could exchange ----
dir=$work/anchor
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	traced=(env ASAN_OPTIONS=detect_leaks=0 TMPDIR="$work/tmp" strace -f -o "$work/strace.out")
	mkdir "$work/tmp"
	new_token "$work/t"
	exits 0 "a fetch" "${traced[@]}" -e trace=openat,rename,renameat "$mica" fetch --token-file "$work/t" --out "$dir"
	is "opens nothing below .staged by path" "$(grep -c '\.staged/' "$work/strace.out")" 0
	new_token "$work/t"
	exits 0 "without files in memory" "${traced[@]}" -e trace=memfd_create -e inject=memfd_create:error=ENOSYS \
		"$mica" fetch --token-file "$work/t" --out "$dir"
	check "which there were none of" grep -q INJECTED "$work/strace.out"
	is "the temporary directory is empty again" "$(ls -A "$work/tmp")" ""
	exits 6 "without a temporary directory either" env TMPDIR=/nonexistent "${traced[@]}" -e trace=memfd_create \
		-e inject=memfd_create:error=ENOSYS env TMPDIR=/nonexistent "$mica" fetch --token-file "$work/a" --out "$work/anchor2"
else
	skip "the root in memory" "strace is not installed, or not permitted here"
fi
stop_ca
plan
