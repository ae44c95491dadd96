# The APDU log against the record. Files: proofs, steps, finished, envelopes (see tokens.bash), then the log.
# Prints `rule: problem`, and `# rule: what was looked at`.
#
# Bytes are hexadecimal throughout. Commands as of ISO/IEC 7816-4 and -8: B0 READ BINARY, 2A 9E 9A COMPUTE DIGITAL SIGNATURE,
# C0 GET RESPONSE, 46 GENERATE ASYMMETRIC KEY PAIR, 20 VERIFY, 24 CHANGE REFERENCE DATA, 2C RESET RETRY COUNTER, DA PUT DATA,
# D6 UPDATE BINARY, E0 CREATE FILE, E4 DELETE FILE, 44 ACTIVATE FILE.

function number(hex,  i, n) {
	n = 0
	for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
	return n
}

# Data field of a command, short or extended length (ISO/IEC 7816-4:2020, 5.2).
function body(command,  lc) {
	lc = number(substr(command, 9, 2))
	if (lc) return substr(command, 11, 2 * lc)
	return length(command) > 14 ? substr(command, 15, 2 * number(substr(command, 11, 4))) : ""
}

# The step of this token in whose time `at` lies, "" when there is none. Only steps of the wanted kinds.
function step_at(serial, at, kinds,  i) {
	for (i = 1; i <= steps[serial]; i++)
		if (index(kinds, " " kind[serial, i] " ") && at >= begin[serial, i] && at <= end[serial, i]) return kind[serial, i]
	return ""
}

# Data read in one go from the start of a file; the certificate may stand in a longer file.
function read_binary(serial, at, command, data,  p, offset) {
	offset = number(substr(command, 5, 4))
	if (offset == 0) { seen[serial] = data; upto[serial] = length(data) / 2 }
	else if (offset == upto[serial]) { seen[serial] = seen[serial] data; upto[serial] += length(data) / 2 }
	else { seen[serial] = ""; upto[serial] = -1 }
	for (p = 1; p <= proofs[serial]; p++)
		if (at >= from[serial, p] && at <= to[serial, p] && index(seen[serial], certificate[serial, p])) was_read[serial, p] = 1
}

function enveloped(serial, at,  i) {
	for (i = 1; i <= envelopes[serial]; i++) if (made[serial, i] <= at) return 1
	return 0
}

function signed_for(serial, at, asked, signature_given,  p) {
	for (p = 1; p <= proofs[serial]; p++)
		if (at >= from[serial, p] && at <= to[serial, p] && index(asked, digest[serial, p]) && signature_given == signature[serial, p])
			was_signed[serial, p] = 1
}

file == 1 {
	split($0, f, "\t")
	p = ++proofs[f[2]]
	use[f[2], p] = f[1]; from[f[2], p] = f[3]; to[f[2], p] = f[4]
	digest[f[2], p] = f[5]; signature[f[2], p] = f[6]; certificate[f[2], p] = f[7]
	proof_count++
	next
}
file == 2 {
	split($0, f, "\t")
	i = ++steps[f[1]]
	kind[f[1], i] = f[2]; begin[f[1], i] = f[3]; end[f[1], i] = f[4]
	next
}
file == 3 {
	split($0, f, "\t")
	name_on[f[1]] = f[2]
	next
}
file == 4 {
	split($0, f, "\t")
	i = ++envelopes[f[1]]
	made[f[1], i] = f[2]
	next
}

$4 ~ /^event=/ { next }

{
	serial = substr($3, index($3, "=") + 1)
	at = $1
	command = answer = ""
	for (i = 5; i <= NF; i++) {
		if ($i == ">") command = $(i + 1)
		if ($i == "<") answer = $(i + 1)
	}
	if (at !~ /^[0-9-]+T[0-9:.]+Z$/ || serial == "" || command == "" || answer == "") {
		print "line " FNR " is not a line of an APDU log"
		next
	}
	commands++
	ins = substr(command, 3, 2)
	status = substr(answer, length(answer) - 3)
	data = substr(answer, 1, length(answer) - 4)

	if (ins == "20" || ins == "24" || ins == "2C" || (ins == "DA" && substr(command, 5, 4) != "01E0")) {
		secret++
		if (substr(command, 11) ~ /[0-9A-Fa-f]/) print "codes-masked: line " FNR " shows the body of command " ins
	}
	if (ins ~ /^(46|24|D6|DA|E0|E4|44)$/) {
		acts++
		if (ins == "24" && !enveloped(serial, at))
			print "acts-after-intent: " at " token " serial ": a code was changed before its envelope was on record"
		if (step_at(serial, at, ins == "24" ? " seal " : " initialise key burn ") == "")
			print "acts-after-intent: " at " token " serial ": command " substr(command, 1, 8) " outside every step on record"
	}
	if (ins == "46" && (status == "9000" || answer == "-") && step_at(serial, at, " initialise key ") != "") generated[serial]++

	if (ins == "B0" && (status == "9000" || status == "6282")) read_binary(serial, at, command, data)
	# What is to be signed may come in a chain of commands (class byte 1x), the signature in several answers.
	if (ins == "2A" && substr(command, 5, 4) == "9E9A") { signing[serial] = signing[serial] body(command); part[serial] = part[serial] data }
	else if (ins == "C0" && signing[serial] != "") part[serial] = part[serial] data
	else signing[serial] = part[serial] = ""
	if (signing[serial] != "" && status !~ /^61/ && substr(command, 1, 1) != "1") {
		if (status == "9000") signed_for(serial, at, signing[serial], part[serial])
		signing[serial] = part[serial] = ""
	}
}

END {
	for (serial in proofs)
		for (p = 1; p <= proofs[serial]; p++) {
			if (!was_read[serial, p]) print "proof-on-the-token: use " use[serial, p] ": token " serial " never gave its certificate to that process"
			if (!was_signed[serial, p]) print "proof-on-the-token: use " use[serial, p] ": token " serial " never gave that signature to that process"
		}
	for (serial in name_on)
		if (!generated[serial]) print "key-made-on-the-token: " name_on[serial] ": token " serial " was never told to make a key"
		else told++
	print "# proof-on-the-token: " proof_count + 0 " read-backs and signatures"
	print "# acts-after-intent: " acts + 0 " of " commands + 0 " commands change a token"
	print "# key-made-on-the-token: " told + 0 " tokens"
	print "# codes-masked: " secret + 0 " commands that carry codes"
	if (!commands) print "there is no command in the log"
}
