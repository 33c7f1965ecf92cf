#!/usr/bin/env bash
# Every test in the tree is run by make check: each script below tests/ and each unit test stands in Makefile.am.
set -euo pipefail

source_dir=${MICA_SOURCE:-$(cd "$(dirname "$0")/.." && pwd)}

# missing DIR: the tests of a tree that its Makefile.am does not name, one a line.
missing() {
	local file
	while IFS= read -r file; do
		case $file in
		tests/e2e/lib.sh) continue ;;
		*.c) grep -q "^	${file%.c}\\( \\\\\\)*\$" "$1/Makefile.am" || echo "$file" ;;
		*) grep -q "^	$file\\( \\\\\\)*\$" "$1/Makefile.am" || echo "$file" ;;
		esac
	done < <(cd "$1" && find tests \( -name '*.sh' -o -name 'test_*.c' \) -type f | sort)
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tests/e2e" "$work/tests/unit"
touch "$work/tests/e2e/named.sh" "$work/tests/e2e/forgotten.sh" "$work/tests/unit/test_forgotten.c"
printf 'e2e_tests = \\\n\ttests/e2e/named.sh\n' >"$work/Makefile.am"

echo 1..2
if [ "$(missing "$work" | paste -sd' ')" = "tests/e2e/forgotten.sh tests/unit/test_forgotten.c" ]; then
	echo "ok 1 - a forgotten test is found in a tree made for it"
else
	echo "not ok 1 - a forgotten test is found in a tree made for it"
fi
forgotten=$(missing "$source_dir")
if [ -z "$forgotten" ]; then
	echo "ok 2 - every test stands in Makefile.am"
else
	echo "not ok 2 - every test stands in Makefile.am"
	printf '%s\n' "$forgotten" | sed 's/^/# forgotten: /'
	exit 1
fi
