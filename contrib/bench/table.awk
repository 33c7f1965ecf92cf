# Prints what contrib/bench/run measured: a table, or JSON when json is set. Its input has a row a line, the fields
# parted by tabs:
#   1 row  2 what  3 certificates/s  4 CPU ms a certificate  5 p50 ms  6 p99 ms  7 measured  8 unit  9 goal  10 why it is left out
# Of a field that does not apply nothing is there; "x bare" is computed here. Set from outside: json, version, machine, processors, mode, bare
# ("libcrypto least, most, GnuTLS least, most, libcrypto on all processors at once", in ms).
function dash(text) { return text == "" ? "-" : text }
function number(text) { return text == "" ? "null" : text }
function string(text) {
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	return "\"" text "\""
}
function range(least, most) { return least == most ? least : least " to " most }
function decimals(text, places) { return text == "" ? "-" : sprintf("%." places "f", text) }

BEGIN {
	FS = OFS = "\t"
	split(bare, b, " ")
	fastest = b[3] + 0 < b[1] + 0 ? b[3] : b[1]
	if (json) {
		printf "{\"version\":%s,\"machine\":%s,\"processors\":%d,\"mode\":%s,", string(version), string(machine), processors, string(mode)
		printf "\"bare\":{\"libcrypto_ms\":[%s,%s],\"gnutls_ms\":[%s,%s],\"busy_ms\":%s},\"rows\":[", number(b[1]), number(b[2]), number(b[3]), number(b[4]), number(b[5])
	} else {
		printf "%s on %d processors (%s), the client beside it; a %s run\n", version, processors, machine, mode
		if (bare != "")
			printf "bare RSA-2048 signature, CPU ms: libcrypto %s, GnuTLS %s, libcrypto on all processors at once %s\n",
				range(b[1], b[2]), range(b[3], b[4]), b[5]
	}
}

# One signature for the whole run, the fastest: a machine that was busy while it was measured flatters nobody.
# Processors that share a core slow each other down, which the second ratio leaves out.
{ $11 = "" }
$8 == "x bare" && $4 != "" {
	$7 = sprintf("%.2f", $4 / fastest)
	if (b[5] > 0)
		$11 = sprintf("%.2f", $4 / b[5])
}

json {
	printf "%s{\"row\":%s,\"what\":%s,\"certificates_per_second\":%s,\"cpu_ms\":%s,\"p50_ms\":%s,\"p99_ms\":%s,", (NR > 1 ? "," : ""),
		string($1), string($2), number($3), number($4), number($5), number($6)
	printf "\"measured\":%s,\"unit\":%s,\"x_busy\":%s,\"goal\":%s,\"left_out\":%s}", number($7), string($8), number($11),
		($9 == "" ? "null" : string($9)), ($10 == "" ? "null" : string($10))
	next
}

{
	line[NR] = $0
	if (length($2) > width)
		width = length($2)
}

END {
	if (json) {
		print "]}"
		exit
	}
	left = "%-" width "s "
	columns = left "%8s %8s %8s %8s  %15s %7s  %s\n"
	printf "\n" columns, "", "certs/s", "CPU ms", "p50 ms", "p99 ms", "measured", "x busy", "goal"
	for (i = 1; i <= NR; i++) {
		split(line[i], f, "\t")
		if (f[10] != "")
			printf left "left out: %s\n", f[2], f[10]
		else
			printf columns, f[2], decimals(f[3], 0), decimals(f[4], 3), decimals(f[5], 2), decimals(f[6], 2),
				(f[7] == "" ? "-" : f[7] (f[8] == "" ? "" : " " f[8])), dash(f[11]), dash(f[9])
	}
}
