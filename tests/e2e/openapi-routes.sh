#!/bin/bash
# The OpenAPI document names the routes that micad has, no more and no fewer, and is what /openapi.json serves.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need curl jq

document=$MICA_SOURCE/api/server/openapi.json
methods='["get", "put", "post", "delete", "patch", "head", "options", "trace"]'
"$micad" routes 2>"$work/routes.log" | sort >"$work/routes"
jq -r --argjson methods "$methods" '.paths | to_entries[] | .key as $path | .value | keys[]
	| select(. as $m | $methods | index($m)) | "\(ascii_upcase) \($path)"' "$document" | sort >"$work/documented"
check "micad routes prints its table" test -s "$work/routes"
is "the document holds every route, and no other" "$(cat "$work/documented")" "$(cat "$work/routes")"
like "it is OpenAPI 3" "$(jq -r .openapi "$document")" '^3\.'
is "every reference in it leads somewhere" "$(jq -r '. as $doc | [.. | objects | ."$ref"? // empty] | unique[]
	| . as $ref | ltrimstr("#/") | split("/") | map(gsub("~1"; "/")) | . as $p | select($doc | getpath($p) == null) | $ref' "$document")" ""
is "operation ids are unique" "$(jq -r '.paths[][] | objects | .operationId // empty' "$document" | sort | uniq -d)" ""
is "every operation has one" "$(jq -r --argjson methods "$methods" '[.paths[] | to_entries[] | select(.key as $k | $methods | index($k))
	| select(.value.operationId == null)] | length' "$document")" 0

start_ca
anon GET /openapi.json
is "it is served to anyone" "$status $(header Content-Type)" "200 application/json"
is "word for word" "$(jq -S . "$work/body" | sha256sum)" "$(jq -S . "$document" | sha256sum)"

# Each route answers with a status that its description names.
while read -r method path; do
	op "$method" "${path//\{*\}/00ff}"
	is "$method $path answers as described ($status)" \
		"$(jq --arg p "$path" --arg m "${method,,}" --arg s "$status" '.paths[$p][$m].responses | has($s)' "$document")" true
done <"$work/routes"
stop_ca
plan
