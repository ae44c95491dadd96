# A small run directory made up with openssl, sqlite3 and zint alone: one application, two credentials (P-256 and RSA-2048),
# and a token on which the second credential failed first, so that there is a revoked certificate. Uses, tokens, keys and certificates
# have the same number: 1 for the first credential, 2 the failure, 3 the second credential.

base=1795000000 # UTC seconds; everything happens soon after

us() { echo "$((base + $1))000000"; }
iso() { date -u -d "@$((base + ${1%.*}))" "+%Y-%m-%dT%H:%M:%S.${1#*.}00000Z" | sed -E 's/(\.[0-9]{6})[0-9]*Z/\1Z/; t; s/\..*Z/.000000Z/'; }
hex() { xxd -p "$1" | tr -d '\n' | tr a-f A-F; }
blob() { echo "x'$(hex "$1")'"; }

# row TABLE COLUMN=SQL…: an INSERT; what the schema wants and the test does not care about is empty.
row() {
	local table=$1 name type wanted preset key pair; shift
	local -A given=()
	for pair; do given[${pair%%=*}]=${pair#*=}; done
	while IFS='|' read -r _ name type wanted preset key; do
		[ -z "${given[$name]+x}" ] && [ "$wanted" = 1 ] && [ -z "$preset" ] && [ "$key" = 0 ] || continue
		case $type in INTEGER) given[$name]=0 ;; BLOB) given[$name]="x''" ;; *) given[$name]="''" ;; esac
	done < <(sqlite3 "$made/mint.db" "PRAGMA table_info($table)")
	echo "INSERT INTO $table ($(IFS=,; echo "${!given[*]}")) VALUES ($(IFS=,; echo "${given[*]}"));"
}

make_ca() {
	mkdir -p "$made/ca" "$keys/ca"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 -keyout "$keys/ca.key" -out "$made/ca/ca.pem" \
		-subj '/O=DEMONSTRATION/CN=made up' -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
	openssl req -x509 -newkey rsa:2048 -noenc -days 3650 -keyout "$keys/office.key" -out "$keys/office.pem" -subj '/CN=office' 2>/dev/null
	cat >"$keys/ca.conf" <<-CONF
		[ca]
		default_ca = d
		[d]
		database = $keys/index
		certificate = $made/ca/ca.pem
		private_key = $keys/ca.key
		default_md = sha256
		default_crl_days = 30
		crlnumber = $keys/crlnumber
	CONF
	: >"$keys/index"; echo 01 >"$keys/crlnumber"
}

# certify ID KEYTYPE: key, request and certificate number ID; its serial number is 40 digits that begin with A0ID.
certify() {
	local id=$1
	case $2 in
	p256) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$keys/$id.key" 2>/dev/null ;;
	*) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$keys/$id.key" 2>/dev/null ;;
	esac
	openssl req -new -key "$keys/$id.key" -utf8 -subj "/C=CN/O=$organisation/serialNumber=$uscc/CN=MB-TEST-1-0$id" -outform DER \
		-out "$keys/$id.csr"
	openssl x509 -req -inform DER -in "$keys/$id.csr" -CA "$made/ca/ca.pem" -CAkey "$keys/ca.key" -days 365 -sha256 \
		-set_serial "0xA00$id$(printf '%036d' "$id")" -outform DER -out "$keys/$id.der" -extfile - 2>/dev/null <<-EXT
		basicConstraints = critical,CA:FALSE
		keyUsage = critical,digitalSignature,nonRepudiation
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid
	EXT
	openssl pkey -in "$keys/$id.key" -pubout -outform DER -out "$keys/$id.spki"
}

serial_of() { printf 'A00%d%036d' "$1" "$1"; }
token_of() { printf '%019d%d' 0 "$1"; }

# The CA's log: one line, with its checksum and the one before.
logged() {
	local object sum
	object=$(jq -cn --argjson n "$log_lines" --arg prev "$log_before" "{n: \$n, prev: \$prev} + $1")
	sum=$(printf %s "$object" | sha256sum | cut -c1-32)
	printf '%s\t%s\n' "$object" "$sum" >>"$made/ca/issued.log"
	log_before=$sum log_lines=$((log_lines + 1))
}

logged_issue() {
	logged "{kind: \"issued\", request: $1, serial: \"$(serial_of "$1" | tr A-F a-f)\", spki: \"$(sha256sum <"$keys/$1.spki" | cut -d' ' -f1)\",
		certificate: \"$(base64 -w0 "$keys/$1.der")\"}"
}

apdu() { echo "$(iso "$1") slot=0 serial=$(token_of "$2") n=1 us=400 > $3 < $4" >>"$made/apdu.log"; }

# One use of a token: what the worker told it until the certificate was written. Arguments: use (= token = certificate), credential,
# the second at which it begins.
minted() {
	local use=$1 credential=$2 t=$3 step n=1
	row lease id=$((use * 2)) bench="'b'" bay=1 role="'mint'" begun_at="$(us "$t")" ended_at="$(us $((t + 20)))"
	for step in initialise key request certify burn; do
		row journal credential_id="$credential" use_id="$use" token_id="$use" step="'$step'" bench="'b'" bay=1 lease=$((use * 2)) \
			pid=$((100 + use)) actor="'queue'" begun_at="$(us $((t + 2 * n)))" ended_at="$(us $((t + 2 * n + 2)))" outcome="'done'"
		n=$((n + 1))
	done
	apdu "$((t + 3)).0" "$use" 00E0000000 9000
	apdu "$((t + 3)).1" "$use" '0020000308****************' 9000
	apdu "$((t + 5)).0" "$use" 00460000 9000
	apdu "$((t + 11)).0" "$use" 00D6000004DEADBEEF 9000
}

# The signature as cards give it: one command, or a chain of two with the answer in two parts.
signed() {
	local use=$1 t=$2 digest signature
	digest=$(sha256sum "$keys/$use.challenge" | cut -d' ' -f1 | tr a-f A-F)
	signature=$(hex "$keys/$use.signature")
	if [ "$use" = 1 ]; then
		apdu "$t.0" "$use" "002A9E9A20${digest}00" "${signature}9000"
	else
		apdu "$t.0" "$use" "102A9E9A1F${digest:0:62}" 9000
		apdu "$t.1" "$use" "002A9E9A01${digest:62}00" "${signature:0:100}6150"
		apdu "$t.2" "$use" 00C0000050 "${signature:100}9000"
	fi
}

# Read-back in two parts, signature, final codes.
proved() {
	local use=$1 credential=$2 t=$3 step n=1 certificate
	certificate=$(hex "$keys/$use.der")
	head -c 32 /dev/urandom >"$keys/$use.challenge"
	openssl dgst -sha256 -sign "$keys/$use.key" -out "$keys/$use.signature" "$keys/$use.challenge"
	row lease id=$((use * 2 + 1)) bench="'b'" bay=1 role="'prove'" begun_at="$(us $((t + 21)))" ended_at="$(us $((t + 30)))"
	for step in prove seal; do
		row journal credential_id="$credential" use_id="$use" token_id="$use" step="'$step'" bench="'b'" bay=1 lease=$((use * 2 + 1)) \
			pid=$((200 + use)) actor="'queue'" begun_at="$(us $((t + 20 + 2 * n)))" ended_at="$(us $((t + 22 + 2 * n)))" outcome="'done'"
		n=$((n + 1))
	done
	apdu "$((t + 21)).5" "$use" 00B0000080 "${certificate:0:256}9000"
	apdu "$((t + 21)).6" "$use" 00B00080FF "${certificate:256}FFFF6282"
	signed "$use" "$((t + 23))"
	apdu "$((t + 25)).0" "$use" '0024000110********************************' 9000
	row proof use_id="$use" prove_pid=$((200 + use)) prove_release="'1'" mint_pid=$((100 + use)) mint_release="'1'" \
		certificate_sha256="x'$(sha256sum <"$keys/$use.der" | cut -d' ' -f1)'" read_at="$(us $((t + 22)))" signed_at="$(us $((t + 23)))" \
		challenge="$(blob "$keys/$use.challenge")" signature="$(blob "$keys/$use.signature")"
	printf '{"version":1,"model":"myeid","serial":"%s","label":"x","user-pin":"%s","user-puk":"7654000%d","so-pin":"8765000%d"}\n' \
		"$(token_of "$use")" "$(pin_of "$use")" "$use" "$use" |
		openssl cms -encrypt -binary -aes256 -outform DER -out "$keys/$use.cms" "$keys/office.pem"
	row pin_envelope id="$use" token_id="$use" use_id="$use" codes=3 cms="$(blob "$keys/$use.cms")" made_at="$(us $((t + 24)))" \
		set_at="$(us $((t + 26)))"
}

pin_of() { echo "9412735$1"; }

packed() {
	local use=$1 credential=$2 step
	for step in take pack; do
		row journal credential_id="$credential" use_id="$use" token_id="$use" step="'$step'" bench="'b'" lease=0 actor="'uid:1'" \
			begun_at="$(us 200)" ended_at="$(us 200)" outcome="'done'"
	done
	row parcel_item parcel_id=1 credential_id="$credential" token_id="$use" packed_at="$(us 200)"
	head -c 700 /dev/urandom | cat - "$keys/$use.der" >"$made/tokens/$(token_of "$use").token"
	openssl x509 -inform DER -in "$keys/$use.der" -out "$made/certs/MB-TEST-1-0$credential.pem"
}

certificate_row() {
	row key id="$1" token_id="$1" use_id="$1" key_type="'x'" key_id="x'45'" spki="$(blob "$keys/$1.spki")" \
		spki_sha256="x'$(sha256sum <"$keys/$1.spki" | cut -d' ' -f1)'" made_at="$(us 1)"
	row certificate id="$1" credential_id="$2" use_id="$1" key_id="$1" serial="x'$(serial_of "$1")'" request="$(blob "$keys/$1.csr")" \
		state="'$3'" certificate="$(blob "$keys/$1.der")" signed_at="$(us 1)"
}

record() {
	echo 'BEGIN; PRAGMA defer_foreign_keys = 1;'
	row application id=1 reference="'MB-TEST-1'" kind="'new'" medium="'token'" state="'issued'" quantity=2 delivery="'post'" \
		approved_at="$(us 0)" deadline_at="$(us 900)" issued_at="$(us 201)"
	row person application_id=1 record="'{\"organisation\":{\"name\":\"$organisation\",\"uscc\":\"$uscc\"},
		\"person\":{\"name\":\"欧阳测试\",\"phone\":\"13800138000\"}}'"
	row credential id=1 application_id=1 ordinal=1 name="'MB-TEST-1-01'" key_type="'p256'" state="'packed'" use_id=1
	row credential id=2 application_id=1 ordinal=2 name="'MB-TEST-1-02'" key_type="'rsa2048'" state="'packed'" use_id=3
	row token id=1 serial="'$(token_of 1)'" marker="'MB-00000001'" model="'myeid'" atr="x'01'" state="'shipped'"
	row token id=2 serial="'$(token_of 2)'" marker="'MB-00000002'" model="'myeid'" atr="x'01'" state="'quarantined'" codes="x'00'"
	row token id=3 serial="'$(token_of 3)'" marker="'MB-00000003'" model="'myeid'" atr="x'01'" state="'shipped'"
	row token_use id=1 credential_id=1 token_id=1 bay=1 begun_at="$(us 1)" ended_at="$(us 200)" outcome="'packed'"
	row token_use id=2 credential_id=2 token_id=2 bay=1 begun_at="$(us 41)" ended_at="$(us 70)" outcome="'failed'"
	row token_use id=3 credential_id=2 token_id=3 bay=1 begun_at="$(us 81)" ended_at="$(us 200)" outcome="'packed'"
	certificate_row 1 1 live
	certificate_row 2 2 revoked
	certificate_row 3 2 live
	minted 1 1 0; proved 1 1 0
	minted 2 2 40
	minted 3 2 80; proved 3 2 80
	row parcel id=1 application_id=1 state="'packed'" packed_at="$(us 200)"
	packed 1 1
	packed 3 2
	row print_job id=1 parcel_id=1 state="'printed'" place="'$made/labels/MB-TEST-1.png'" \
		sha256="x'$(sha256sum <"$made/labels/MB-TEST-1.png" | cut -d' ' -f1)'"
	row event at="$(us 200)" actor="'queue'" kind="'application.issued'" application_id=1 credential_id=1 detail="'{\"copy\":0}'"
	echo 'COMMIT;'
}

# made: the run directory; keys: what lies outside of it.
make_run() {
	made=$1 keys=$2 log_lines=0 log_before=$(printf '%032d' 0) organisation='福州市测试有限公司' uscc='91350100M000100Y43'
	mkdir -p "$made"/{labels,certs,tokens,log} "$keys"
	make_ca
	certify 1 p256; certify 2 rsa2048; certify 3 rsa2048
	logged '{kind: "opened", issuer: "00"}'
	logged_issue 1; logged_issue 2; logged_issue 3
	logged "{kind: \"revoked\", request: 2, serial: \"$(serial_of 2 | tr A-F a-f)\", reason: 4}"
	printf 'R\t351231235959Z\t261124000000Z\t%s\tunknown\t/CN=x\n' "$(serial_of 2)" >"$keys/index"
	openssl ca -config "$keys/ca.conf" -gencrl -out "$made/ca/crl.pem" 2>/dev/null
	zint -b 20 --scale=2 --quietzones -o "$made/labels/MB-TEST-1.png" -d MB-TEST-1
	cat schemas/sql/[0-9]*.sql | sqlite3 "$made/mint.db"
	record >"$keys/record.sql"
	sqlite3 -bail "$made/mint.db" <"$keys/record.sql"
	echo '<6>mint-queue: ready' >"$made/log/mintd"
	echo '{"applications":1,"credentials":2,"issued":1,"parked":0}' >"$made/summary.json"
}
