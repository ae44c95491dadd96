#!/bin/bash
# The yardstick: what a good administrator would run in place of Mintbench, on the same virtual tokens, with nothing but
# what Debian installs: pkcs15-init, pkcs15-tool, pkcs11-tool, openssl with its pkcs11 engine, xargs, bash, coreutils.
#
#   baseline.sh serial     one token after the other, in two bays by turns: the hands change one while it works on the other
#   baseline.sh parallel   all bays at once, by xargs
#
# A credential is done when its token has codes of its own, made its key itself, signed the request, bears the certificate,
# which was read back by another process and is the CA's byte for byte, and signed a challenge with its final PIN that the
# certificate verifies. No labels, no database, no care for a crash.
#
# Prints one JSON object: {"mode", "bays", "law", "apdu_us", "key", "profile", "credentials", "elapsed_s", "per_hour",
# "apdus_per_credential", "cpu_s_per_credential", "failed"}. Elapsed is from the first credential's begin to the last one's
# end, pcscd being up and a token in each bay; CPU is that of the script, what it starts, and pcscd, not of the virtual
# tokens and the hands; failed are tokens thrown away. Exit 0 when all COUNT credentials are made.
#
# Knobs (environment): BAYS=n (8; serial always 2) COUNT=n (4 a bay) LAW=none|jcop4|… (vtoken --help) APDU_US=n
# SEED=n KEY=p256|rsa2048 PROFILE=stock|small B=build/dev
# PROFILE=small: shorter directories of the token, by a profile_dir of our own. They have room for the certificate and its renewal,
# with the longest of names, and for nothing else; so it is another token than the one of stock profile, and not the default.
# RUN=dir: keeps certificates, signatures and logs there; an empty or new one. Without: a temporary directory.
#
# Changing a token takes no hand's time, but twice pcscd's: to see that one has gone and that another is there.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
export RUN BAYS LAW SEED APDU_US KEY PROFILE COUNT

seen_gone_ms=50 # pcscd looks every 20 ms
seen_there_ms=30
hands_deadline_s=10
tokens_spoilt_max=3 # for one credential: then there is more amiss than a token

fail() { echo "baseline: $*" >&2; exit 1; }

settle_knobs() {
	mode=$1
	BAYS=${BAYS:-8}
	[ "$mode" != serial ] || BAYS=2
	COUNT=${COUNT:-$(( 4 * BAYS ))} LAW=${LAW:-none} SEED=${SEED:-1} APDU_US=${APDU_US:-0} KEY=${KEY:-p256} PROFILE=${PROFILE:-stock}
	case $KEY in p256 | rsa2048) ;; *) fail "KEY=$KEY: p256 or rsa2048" ;; esac
	case $PROFILE in stock | small) ;; *) fail "PROFILE=$PROFILE: stock or small" ;; esac
	programs=$(cd "$here/../../${B:-build/dev}" && pwd)
}

# ---------------------------------------------------------------- the bench: pcscd, virtual tokens, hands
rig_pids=()

take_down() {
	local pid
	for pid in "${rig_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	"$here/pcscd.sh" stop "$RUN/pcscd" 2>/dev/null || true
	wait 2>/dev/null || true
	[ -z "$scratch" ] || rm -rf "$scratch"
}

# Hands that obey what comes by bay N's pipe and say when it is done. Read and write, so that no side ever waits for the other.
put_hands_to_bay() {
	local pipes=$RUN/hands/$1
	mkfifo "$pipes.orders" "$pipes.done"
	"$programs/vtoken" --control "$RUN/vtoken.sock" --script - <>"$pipes.orders" >"$RUN/log/hands.$1" 1<>"$pipes.done" 2>>"$RUN/log/hands.$1" &
	rig_pids+=($!)
}

bring_up() {
	local ports bay tries
	ports=$("$here/pcscd.sh" ports "$BAYS")
	# shellcheck disable=SC2086 # one argument a port
	"$here/pcscd.sh" start "$RUN/pcscd" $ports >"$RUN/log/readers"
	"$programs/vtoken" --ports "${ports// /,}" --state "$RUN/tokens" --control "$RUN/vtoken.sock" --law "$LAW" --seed "$SEED" \
		--apdu-us "$APDU_US" --log "$RUN/apdu.log" --pool "$RUN/tokens/pool" </dev/null >"$RUN/log/vtoken" 2>&1 &
	rig_pids+=($!)
	for (( tries = 0; tries < 500; tries++ )); do
		[ ! -S "$RUN/vtoken.sock" ] || break
		kill -0 "${rig_pids[0]}" 2>/dev/null || fail "the virtual tokens did not come up: $(tail -1 "$RUN/log/vtoken")"
		sleep 0.02
	done
	for (( bay = 0; bay < BAYS; bay++ )); do
		"$programs/vtoken" --control "$RUN/vtoken.sock" --say "insert $bay new" >>"$RUN/log/vtoken"
		put_hands_to_bay "$bay"
	done
	export PCSCLITE_CSOCK_NAME=$RUN/pcscd/pcscd.comm
	for (( tries = 0; tries < 500; tries++ )); do
		[ "$(opensc-tool -l | grep -c ' Yes ')" -lt "$BAYS" ] || return 0
		sleep 0.02
	done
	fail "pcscd does not see a token in each bay"
}

# ---------------------------------------------------------------- what the administrator prepares once
write_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 3650 -subj "/O=DEMONSTRATION/CN=Baseline CA" \
		-keyout "$RUN/ca.key" -out "$RUN/ca.pem" 2>"$RUN/log/ca" || fail "no CA: $RUN/log/ca"
	cat >"$RUN/openssl.cnf" <<-CONF
		[req]
		distinguished_name = name
		string_mask = utf8only
		[name]
		[holder]
		basicConstraints = critical, CA:FALSE
		keyUsage = critical, digitalSignature, nonRepudiation
		extendedKeyUsage = clientAuth, emailProtection
		subjectKeyIdentifier = hash
		authorityKeyIdentifier = keyid
		1.2.156.10260.4.1.4 = ASN1:PRINTABLESTRING:91310115MACKKWTLXN
	CONF
}

# Debian's profile with shorter directories: each 256 bytes cost a command whenever one is read. Keys and certificates get half of
# what they had, because their entries repeat the subject: in 255 bytes the renewal of an ordinary name has no room, nor has a long
# name at all ("File too small"). The others get as much as one command reads.
write_small_profile() {
	mkdir "$RUN/profile"
	cp /usr/share/opensc/pkcs15.profile "$RUN/profile/"
	sed -E 's/((df|trusted)-size\s*= *)[0-9]+;/\1255;/; s/((cdf|prkdf)-size\s*= *)[0-9]+;/\1765;/' /usr/share/opensc/myeid.profile >"$RUN/profile/myeid.profile"
}

# One opensc.conf a bay in which the other bays' readers are not there; and no process leaves a PIN verified behind. The
# module keeps the directories that the request has read for the process that writes. That is safe only here: tokens are new,
# so no serial number is met twice. pkcs15-init would keep what it is about to change, and pkcs15-tool is to look at the token.
write_opensc_conf() {
	local bay=$1 others=
	others=$(cut -f 2 "$RUN/pcscd/readers" | awk -v own=$(( bay + 1 )) 'NR != own { printf "%s\"%s\"", comma, $0; comma = ", " }')
	cat >"$RUN/opensc.$bay.conf" <<-CONF
		app default {
		  card_drivers = myeid;
		  $([ "$PROFILE" = stock ] || echo "profile_dir = \"$RUN/profile\";")
		  ${others:+ignored_readers = $others;}
		  reader_driver pcsc { disconnect_action = reset; }
		  pkcs11 { slots_per_card = 1; }
		}
		app opensc-pkcs11 {
		  framework pkcs15 { use_file_caching = public; file_cache_dir = "$RUN/cache"; }
		}
	CONF
}

# ---------------------------------------------------------------- one credential
set_key_type() {
	case $KEY in
	p256) key_type=ec:prime256v1 mechanism=ECDSA-SHA256 ;;
	rsa2048) key_type=rsa:2048 mechanism=SHA256-RSA-PKCS ;;
	esac
}

draw_codes() {
	local name
	for name in SO_PIN SO_PUK PIN PUK; do printf -v "$name" %08d $(( SRANDOM % 100000000 )); done
	export SO_PIN SO_PUK PIN PUK
	printf '%s %s %s %s\n' "$SO_PIN" "$SO_PUK" "$PIN" "$PUK" >"$1"
}

# The files of a credential are NUMBER.codes .words .pem .challenge .signature .back
initialise_with_key() {
	pkcs15-init -C --store-pin -G "$key_type" --key-usage sign -F --auth-id 45 --id 45 --label Baseline \
		--so-pin env:SO_PIN --so-puk env:SO_PUK --pin env:PIN --puk env:PUK
}

# `openssl req -x509 -CA` does what `openssl x509 -req` does, with a serial number by chance in place of a file that everybody
# waits for, in a fifth of its processor time. It says whether the request is signed by its key, yet signs it all the same.
request_and_certify() {
	local words
	openssl req -new -engine pkcs11 -keyform engine -key 'pkcs11:id=%45;type=private' -passin env:PIN -utf8 \
		-subj "/C=CN/ST=上海市/O=上海䶮禾样建筑工程有限公司/CN=王敏 $1" |
		openssl req -x509 -in /dev/stdin -verify -CA "$RUN/ca.pem" -CAkey "$RUN/ca.key" -days 365 -sha256 -extensions holder \
			-out "$1.pem" 2>"$1.words"
	mapfile words <"$1.words"
	[[ ${words[*]} == *"self-signature verify OK"* ]]
}

sign_and_write() {
	printf %08x "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM" "$SRANDOM" >"$1.challenge"
	pkcs11-tool --login --pin env:PIN --sign -m "$mechanism" --signature-format openssl --id 45 -i "$1.challenge" -o "$1.signature" \
		--write-object "$1.pem" --type cert
}

# What a new process finds on the token, while another one verifies the signature.
is_on_the_token_and_verifies() {
	local verifier certificate back
	openssl pkeyutl -verify -certin -inkey "$1.pem" -rawin -digest sha256 -in "$1.challenge" -sigfile "$1.signature" &
	verifier=$!
	pkcs15-tool --read-certificate 45 >"$1.back" || true
	mapfile certificate <"$1.pem"
	mapfile back <"$1.back"
	wait "$verifier" && [[ -n ${back[*]} && "${certificate[*]}" == "${back[*]}" ]]
}

credential() {
	draw_codes "$1.codes"
	initialise_with_key && request_and_certify "$1" && sign_and_write "$1" && is_on_the_token_and_verifies "$1"
}

# ---------------------------------------------------------------- the work of one process: some bays, one after the other
# Whether the file was not there: of many that try only one makes it.
takes() {
	local made=1
	set -o noclobber
	{ : >"$1"; } 2>/dev/null || made=0
	set +o noclobber
	(( made ))
}

# A number that no other process has taken; none when all are.
next_number() {
	while (( number < COUNT )); do
		number=$(( number + 1 ))
		if takes "$number.taken"; then return 0; fi
	done
	return 1
}

order_fresh_token() { printf 'remove %d\nwait %d\ninsert %d new\nwait %d\n' "$1" $seen_gone_ms "$1" $seen_there_ms >&"${orders[$1]}"; }

await_token() {
	local line lines
	for (( lines = 4 * ${ordered[$1]}; lines > 0; lines-- )); do
		IFS= read -r -t $hands_deadline_s line <&"${answers[$1]}" || fail "bay $1: the hands do not answer"
		[[ $line == *'"ok": true'* ]] || fail "bay $1: the hands: $line"
	done
}

mint() {
	local bay=$1 spoilt
	for (( spoilt = 0; spoilt < tokens_spoilt_max; spoilt++ )); do
		await_token "$bay"
		ordered[bay]=1
		if OPENSC_CONF=$RUN/opensc.$bay.conf credential "$number"; then
			order_fresh_token "$bay"
			: >"$number.made"
			return 0
		fi
		echo "token of bay $bay spoilt, credential $number"
		: >"$number.spoilt.$spoilt"
		order_fresh_token "$bay"
	done
	return 1
}

work() {
	local bay pipe number=0 next=0 bays_here=("$@") orders=() answers=() ordered=()
	export OPENSSL_CONF=$RUN/openssl.cnf PKCS11_MODULE_PATH
	PKCS11_MODULE_PATH=$(echo /usr/lib/*/opensc-pkcs11.so)
	set_key_type
	cd "$RUN/out"
	umask 077
	for bay in "$@"; do
		exec {pipe}<>"$RUN/hands/$bay.orders"
		orders[bay]=$pipe
		exec {pipe}<>"$RUN/hands/$bay.done"
		answers[bay]=$pipe ordered[bay]=0
	done
	exec >"$RUN/log/bays.$1" 2>&1
	while next_number; do
		mint "${bays_here[next]}" || return 1
		next=$(( (next + 1) % $# ))
	done
}

# ---------------------------------------------------------------- the run
# Into cpu_ms: milliseconds of processor that this script's children, waited for, and pcscd have had.
take_cpu_ms() {
	local children ticks
	times >"$RUN/times" # not in a subshell, which has no children yet
	children=$(awk 'NR == 2 { gsub(/[ms]/, " "); printf "%d", ($1 * 60 + $2 + $3 * 60 + $4) * 1000 }' "$RUN/times")
	ticks=$(awk '{ print $14 + $15 }' "/proc/$(tr -d '\0' <"$RUN/pcscd/pcscd.pid")/stat")
	cpu_ms=$(( children + ticks * 1000 / $(getconf CLK_TCK) ))
}

report() {
	local us=$1 cpu=$2 made spoilt apdus
	made=$(find "$RUN/out" -name '*.made' | wc -l)
	spoilt=$(find "$RUN/out" -name '*.spoilt.*' | wc -l)
	apdus=$(grep -c ' > ' "$RUN/apdu.log" || true)
	awk -v us="$us" -v cpu="$cpu" -v made="$made" -v spoilt="$spoilt" -v apdus="$apdus" -v head="\"mode\": \"$mode\", \"bays\": $BAYS, \
\"law\": \"$LAW\", \"apdu_us\": $APDU_US, \"key\": \"$KEY\", \"profile\": \"$PROFILE\"" 'BEGIN {
		printf "{%s, \"credentials\": %d, \"elapsed_s\": %.3f, \"per_hour\": %d, \"apdus_per_credential\": %.1f, " \
			"\"cpu_s_per_credential\": %.4f, \"failed\": %d}\n", head, made, us / 1e6, made * 3.6e9 / us,
			made ? apdus / made : 0, made ? cpu / made / 1000 : 0, spoilt }'
	[ "$made" = "$COUNT" ]
}

run() {
	local bay begun elapsed_us cpu_ms before
	scratch=
	if [ -z "${RUN:-}" ]; then scratch=$(mktemp -d); RUN=$scratch; fi
	mkdir -p "$RUN"/{out,log,hands,tokens,cache}
	RUN=$(cd "$RUN" && pwd)
	[ -z "$(ls -A "$RUN/out")" ] || fail "RUN=$RUN: there are certificates already"
	trap take_down EXIT
	write_ca
	[ "$PROFILE" = stock ] || write_small_profile
	bring_up
	for (( bay = 0; bay < BAYS; bay++ )); do write_opensc_conf "$bay"; done
	take_cpu_ms
	before=$cpu_ms
	begun=${EPOCHREALTIME/./}
	if [ "$mode" = serial ]; then
		seq -s ' ' 0 $(( BAYS - 1 )) | xargs "$here/baseline.sh" work || true
	else
		seq 0 $(( BAYS - 1 )) | xargs -P "$BAYS" -n 1 "$here/baseline.sh" work || true
	fi
	elapsed_us=$(( ${EPOCHREALTIME/./} - begun ))
	take_cpu_ms
	report $elapsed_us $(( cpu_ms - before ))
}

case ${1:-} in
serial | parallel) settle_knobs "$1"; run ;;
work) shift; work "$@" ;;
--help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" ;;
*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 64 ;;
esac
