#!/bin/bash
# contrib/policy.schema.json, read by a validator that is not ours, and micad agree on what a policy document is.
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
need curl jq python3 node
python3 -W ignore -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null || skip_all "python3-jsonschema is not installed"

schema=$MICA_SOURCE/contrib/policy.schema.json
cat >"$work/validate.py" <<'END'
# Says of every document of a table whether the schema takes it; of the schema's own examples first.
import json, sys
import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

def examples(node):
    """Every example in the schema, with the part of it that it is one of."""
    if isinstance(node, dict):
        for example in node.get("examples", []):
            yield node, example
        for key, child in node.items():
            if key not in ("examples", "enum", "const"):
                yield from examples(child)
    elif isinstance(node, list):
        for child in node:
            yield from examples(child)

for node, example in examples(schema):
    if not jsonschema.Draft202012Validator({**node, "$defs": schema["$defs"]}).is_valid(example):
        print("example", json.dumps(example))
for line in open(sys.argv[2]):
    verdict, document = line.split(" ", 1)
    print(verdict, "taken" if validator.is_valid(json.loads(document)) else "refused")
END

# good: both take it. bad: both refuse it. deep: only micad can tell that it is to be refused; two members of one name are
# the reader's business (RFC 8259, section 4), and to a schema 66.0 is an integer.
cat >"$work/table" <<'END'
good {}
good {"profiles": {}, "rules": []}
good {"profiles": {"web": {}}}
good {"profiles": {"0": {}, "a-b-9": {}}}
good {"profiles": {"service": {"max_lifetime": "1d"}}}
good {"profiles": {"web": {"key_types": ["rsa", "rsa:2048", "rsa:3072", "rsa:4096", "ec:p256", "ec:p384", "ed25519"]}}}
good {"profiles": {"web": {"key_usages": ["nonRepudiation", "digitalSignature", "keyEncipherment", "dataEncipherment", "keyAgreement"]}}}
good {"profiles": {"web": {"ext_key_usages": ["clientAuth"]}}}
good {"profiles": {"web": {"default_lifetime": "1h30m", "max_lifetime": "90d", "grace": "0s", "renewal_point": 99}}}
good {"profiles": {"web": {"max_names": 256, "wildcards": false, "new_key": true, "spiffe": false}}}
good {"profiles": {"web": {"names": {}}}}
good {"profiles": {"web": {"names": {"dns": [], "ip": ["10.0.0.0/8", "::1"], "uri": ["https://example.org/**"], "email": []}}}}
good {"profiles": {"web": {"common_names": ["app_*", "*"]}}}
good {"profiles": {"web": {"common_names": []}}}
good {"profiles": {"web": {"subject": {"organization": "Example", "organizational_unit": "Web"}}}}
good {"profiles": {"web": {"subject": {}}}}
good {"profiles": {"web": {"spiffe": true}}}
good {"profiles": {"web": {"spiffe": true, "common_names": []}}}
good {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}}]}
good {"rules": [{"name": "r", "source": "prod", "profile": "web", "match": {"ns": "a", "sa": "*"}, "audience": "x", "wildcards": true, "names": {"dns": ["*.{ns}.svc"]}}], "profiles": {"web": {}}}
good {"profiles": {"role": {"common_names": ["app"]}}, "rules": [{"name": "r", "source": "prod", "profile": "role", "match": {"ns": "a"}, "common_names": ["app"]}]}
good {"rules": [{"name": "r", "source": "prod", "profile": "database-client", "common_names": ["{ns}_{sa}"]}]}
bad []
bad null
bad "x"
bad {"profile": {}}
bad {"profiles": null}
bad {"profiles": []}
bad {"rules": {}}
bad {"$schema": "policy.schema.json"}
bad {"profiles": {"": {}}}
bad {"profiles": {"Web": {}}}
bad {"profiles": {"-a": {}}}
bad {"profiles": {"a-": {}}}
bad {"profiles": {"a.b": {}}}
bad {"profiles": {"operator": {}}}
bad {"profiles": {"0123456789012345678901234567890123456789012345678901234567890123": {}}}
bad {"profiles": {"web": null}}
bad {"profiles": {"web": {"lifetime": "7d"}}}
bad {"profiles": {"web": {"key_types": []}}}
bad {"profiles": {"web": {"key_types": "rsa"}}}
bad {"profiles": {"web": {"key_types": ["rsa:1024"]}}}
bad {"profiles": {"web": {"key_types": ["dsa"]}}}
bad {"profiles": {"web": {"key_usages": []}}}
bad {"profiles": {"web": {"key_usages": ["keyEncipherment"]}}}
bad {"profiles": {"web": {"key_usages": ["digitalSignature", "keyCertSign"]}}}
bad {"profiles": {"web": {"key_usages": ["digitalSignature", "cRLSign"]}}}
bad {"profiles": {"web": {"key_usages": ["digitalSignature", "encipherOnly"]}}}
bad {"profiles": {"web": {"ext_key_usages": []}}}
bad {"profiles": {"web": {"ext_key_usages": ["serverAuth", "OCSPSigning"]}}}
bad {"profiles": {"web": {"ext_key_usages": ["anyExtendedKeyUsage"]}}}
bad {"profiles": {"web": {"ext_key_usages": ["codeSigning"]}}}
bad {"profiles": {"web": {"default_lifetime": 7}}}
bad {"profiles": {"web": {"default_lifetime": "7"}}}
bad {"profiles": {"web": {"default_lifetime": ""}}}
bad {"profiles": {"web": {"default_lifetime": "-7d"}}}
bad {"profiles": {"web": {"max_lifetime": "7 d"}}}
bad {"profiles": {"web": {"max_lifetime": null}}}
bad {"profiles": {"web": {"grace": "0"}}}
bad {"profiles": {"web": {"renewal_point": 0}}}
bad {"profiles": {"web": {"renewal_point": 100}}}
bad {"profiles": {"web": {"renewal_point": 50.5}}}
bad {"profiles": {"web": {"renewal_point": "66"}}}
bad {"profiles": {"web": {"max_names": 0}}}
bad {"profiles": {"web": {"max_names": 257}}}
bad {"profiles": {"web": {"wildcards": "yes"}}}
bad {"profiles": {"web": {"spiffe": 1}}}
bad {"profiles": {"web": {"new_key": null}}}
bad {"profiles": {"web": {"names": []}}}
bad {"profiles": {"web": {"names": {"rid": []}}}}
bad {"profiles": {"web": {"names": {"dns": "a"}}}}
bad {"profiles": {"web": {"names": {"dns": [""]}}}}
bad {"profiles": {"web": {"names": {"dns": [1]}}}}
bad {"profiles": {"web": {"common_names": "a"}}}
bad {"profiles": {"web": {"common_names": [""]}}}
bad {"profiles": {"web": {"common_names": ["app_{sa}"]}}}
bad {"rules": [{"name": "r", "source": "prod", "profile": "database-client", "match": {"ns": "a"}, "common_names": []}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "database-client", "match": {"ns": "a"}, "common_names": ["a\u00e9"]}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "database-client", "match": {"ns": "a"}}]}
bad {"profiles": {"web": {"common_names": ["a\u0007b"]}}}
bad {"profiles": {"web": {"common_names": ["a\u007fb"]}}}
bad {"profiles": {"web": {"common_names": ["01234567890123456789012345678901234567890123456789012345678901234"]}}}
bad {"profiles": {"web": {"subject": []}}}
bad {"profiles": {"web": {"subject": {"country": "XX"}}}}
bad {"profiles": {"web": {"subject": {"organization": ""}}}}
bad {"profiles": {"web": {"subject": {"organizational_unit": "a\nb"}}}}
bad {"profiles": {"web": {"spiffe": true, "common_names": ["a"]}}}
bad {"profiles": {"web": {"spiffe": true, "names": {"dns": ["a.internal"]}}}}
bad {"profiles": {"web": {"spiffe": true, "names": {"uri": []}}}}
bad {"rules": [null]}
bad {"rules": [{}]}
bad {"rules": [{"name": "r", "profile": "service"}]}
bad {"rules": [{"name": "r", "source": "prod"}]}
bad {"rules": [{"source": "prod", "profile": "service"}]}
bad {"rules": [{"name": "R", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}}]}
bad {"rules": [{"name": "r", "source": "Prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "operator", "names": {"dns": ["{ns}.svc"]}}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}, "order": 1}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}, "audience": ""}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}, "wildcards": 1}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}, "match": []}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}, "match": {"ns": 1}}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}, "match": {"ns": ""}}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}, "match": {"": "a"}}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}, "match": {"ns": ["a"]}}]}
deep {"profiles": {"web": {"default_lifetime": "4m"}}}
deep {"profiles": {"web": {"max_lifetime": "399d"}}}
deep {"profiles": {"web": {"default_lifetime": "2h", "max_lifetime": "1h"}}}
deep {"profiles": {"web": {"max_lifetime": "91d"}}}
deep {"profiles": {"web": {"renewal_point": 66.0}}}
deep {"profiles": {"web": {"names": {"dns": ["a_b"]}}}}
deep {"profiles": {"web": {"names": {"dns": ["{ns}.svc"]}}}}
deep {"profiles": {"web": {"names": {"ip": ["10.0.0.1/8"]}}}}
deep {"profiles": {"web": {"names": {"email": ["a@example.org"]}}}}
deep {"profiles": {"web": {}, "web": {}}}
deep {"rules": [{"name": "r", "source": "prod", "profile": "nothing", "names": {"dns": ["{ns}.svc"]}}]}
bad {"rules": [{"name": "r", "source": "prod", "profile": "service"}]}
deep {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": []}}]}
deep {"rules": [{"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}}, {"name": "r", "source": "prod", "profile": "service", "names": {"dns": ["{ns}.svc"]}}]}
END

check "the validator reads schema and table" python3 -W ignore "$work/validate.py" "$schema" "$work/table"
grep '^example' "$work/check.out" >"$work/examples"
is "the schema takes its own examples" "$(<"$work/examples")" ""
grep -v '^example' "$work/check.out" >"$work/theirs"

# micad's word on each: a dry run, all of them by one curl.
start_ca
make_source prod kubernetes
n=0
while read -r _ document; do
	n=$((n + 1))
	printf '%s' "$document" >"$work/document.$n"
	cat <<-CONFIG
	url = "$url/v1/policy?dry_run=true"
	request = "PUT"
	cacert = "$state/admin/ca.crt"
	cert = "$state/admin/tls.crt"
	key = "$state/admin/tls.key"
	header = "Content-Type: application/json"
	data-binary = "@$work/document.$n"
	output = "/dev/null"
	write-out = "%{http_code}\n"
	silent
	next
	CONFIG
done <"$work/table" | sed '$d' >"$work/curl.conf"
n=$(wc -l <"$work/table")
curl --max-time 60 -K "$work/curl.conf" >"$work/statuses" 2>"$work/curl.err"
sed 's/^200$/taken/; s/^4[0-9][0-9]$/refused/' "$work/statuses" >"$work/ours"

# What the table says that both do.
sed 's/ .*//; s/^good$/good taken taken/; s/^bad$/bad refused refused/; s/^deep$/deep taken refused/' "$work/table" >"$work/wanted"
paste -d' ' "$work/theirs" "$work/ours" >"$work/got"
is "$n documents: the schema and micad say the same, or micad alone refuses, as the table has it" \
	"$(paste -d'|' "$work/got" "$work/wanted" "$work/table" | awk -F'|' '$1 != $2')" ""
is "none was forgotten" "$(wc -l <"$work/ours")" "$n"

# micad takes the schema's examples, too.
jq -c '.examples[]' "$schema" >"$work/whole"
while read -r document; do
	op PUT '/v1/policy?dry_run=true' "${json[@]}" -d "$document"
	answered "micad takes the example ${document:0:40}…" 200
done <"$work/whole"
stop_ca
plan
