#!/usr/bin/env bats
# mintctl against a real mint-api, with fake-queue where mint-queue is; and offline.

bats_require_minimum_version 1.5.0
load api_bench.bash

setup() { api_up api; }
teardown() { api_down; }

ctl_zh() { LC_ALL='' LC_MESSAGES=zh_CN.UTF-8 LANG=C "$programs/mintctl" --socket "$api_dir/api.sock" "$@"; }

# exits STATUS COMMAND…; what it says stays in $output
exits() {
	local expected=$1
	shift
	run "$@"
	[ "$status" = "$expected" ] || { echo "exit $status, expected $expected: $output" >&2; return 1; }
}

says() { grep -qF -- "$1" <<<"$output" || { echo "\"$1\" is not in: $output" >&2; return 1; }; }

@test "every command has help in both languages, and says so before it asks for a socket" {
	local command
	for command in $("$programs/mintctl" completion | sed -n "s/.*compgen -W \"\(.*\) --help --json.*/\1/p" | head -1); do
		[ "$command" != ca ] || continue
		exits 0 ctl "$command" --help
		says 'usage: mintctl'
		exits 0 ctl_zh "$command" --help
		says '用法'
	done
	while read -r command; do
		exits 0 ctl $command --help
		says "usage: mintctl $command"
	done < <("$programs/mintctl" completion | sed -n "s/^	'\(.* .*\)') .*/\1/p")
}

@test "the completion completes commands, then their options" {
	run bash -c "source <('$programs/mintctl' completion); COMP_WORDS=(mintctl re); COMP_CWORD=1; _mintctl; echo \${COMPREPLY[*]}"
	[ "$output" = "release resolve reprint restore" ]
	run bash -c "source <('$programs/mintctl' completion); COMP_WORDS=(mintctl --socket x resolve --a); COMP_CWORD=4; _mintctl; echo \${COMPREPLY[*]}"
	[ "$output" = "--as" ]
	run bash -c "source <('$programs/mintctl' completion); COMP_WORDS=(mintctl pins --json e); COMP_CWORD=3; _mintctl; echo \${COMPREPLY[*]}"
	[ "$output" = "export" ]
	run bash -c "source <('$programs/mintctl' completion); COMP_WORDS=(mintctl pins export --o); COMP_CWORD=3; _mintctl; echo \${COMPREPLY[*]}"
	[ "$output" = "--out" ]
}

@test "exit codes are those of the list of errors" {
	exits 64 ctl fly
	exits 64 ctl status extra
	exits 64 ctl resolve A-2-02 --as redo
	exits 69 ctl show NOPE
	exits 75 "$programs/mintctl" --socket "$api_dir/nothing.sock" status
	exits 77 ctl hold REFUSE --why x
	exits 69 ctl import "$api_dir/nothing"
}

@test "with --json errors are JSON too, on standard output" {
	run --separate-stderr ctl show NOPE --json
	[ "$status" = 69 ]
	[ "$(jq -r '.error + " " + .detail' <<<"$output")" = "NOT_FOUND NOPE" ]
	[ -z "$stderr" ]
	run --separate-stderr ctl --json fly
	[ "$(jq -r '.what.zh, .do.zh' <<<"$output" | wc -l)" = 2 ]
	run --separate-stderr "$programs/mintctl" --socket "$api_dir/nothing.sock" bays --json
	[ "$(jq -r .error <<<"$output")" = CLOSED ]
}

@test "people are told in their language: --lang, LC_ALL, LC_MESSAGES, LANG" {
	exits 0 ctl_zh status
	says '审核通过，已发证 1'
	exits 0 env LANG=zh_CN.UTF-8 LC_ALL=C "$programs/mintctl" --socket "$api_dir/api.sock" status
	says 'approved, issued 1'
	exits 0 env LC_ALL=zh_CN.UTF-8 "$programs/mintctl" --lang en --socket "$api_dir/api.sock" status
	says 'approved, issued 1'
}

@test "--json holds for errors of the command line too" {
	local json
	json=$("$programs/mintctl" --frob --json) && false
	[ "$(jq -r .error <<<"$json")" = ARGUMENT ]
}

@test "events are told in Chinese words, and no bench is told from a closed connection" {
	exits 0 ctl_zh events
	says '证书：搁置待处理'
	exits 75 env MINT_SOCKET=/nonexistent "$programs/mintctl" --lang zh status
	says '请启动 mintd'
}

@test "columns stay straight under Chinese" {
	local line columns=
	exits 0 ctl_zh list
	# The third column begins at the same display column in every line; wc -L counts wide characters as two.
	while read -r line; do
		columns+="$(sed -E 's/(已制|[0-9]+\/[0-9]+).*//' <<<"$line" | LC_ALL=C.UTF-8 wc -L) "
	done <<<"$output"
	[ "$(tr ' ' '\n' <<<"$columns" | grep . | sort -u | wc -l)" = 1 ]
}

@test "status says what is parked, why, and what the person does" {
	exits 0 ctl status
	says 'parked: A-2-02: the key on the token is not the certificate'
	says 'do: put it into the quarantine box'
	says 'mintctl resolve A-2-02 --as retry|abandon'
}

@test "list: applications by filter, credentials by a state of theirs, everything over many pages" {
	exits 0 ctl list --state held
	[ "${#lines[@]}" = 2 ]
	exits 0 ctl list --state parked
	says A-2-02
	exits 64 ctl list --state nonsense
	says 'there are: draft'
	exits 64 ctl list --state parked --late
	exits 64 ctl list --limit 5x
	sql "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
	     INSERT INTO application (reference, kind, medium, state, quantity, delivery, approved_at, deadline_at, imported_at, changed_at, record_sha256)
	     SELECT 'N-' || i, 'new', 'token', 'approved', 1, 'post', 1, 1, 1, 1, x'00' FROM n"
	[ "$(ctl list --json | jq '.applications | length')" = 1204 ]
	[ "$(ctl list --json --limit 700 | jq '.applications | length')" = 700 ]
	[ "$(ctl list --json --reference N-12 | jq '.applications | length')" = 12 ]
}

@test "bays name the parcel that a token goes into, and the port of each bay" {
	sql "INSERT INTO parcel (id, application_id) VALUES (17, 2); INSERT INTO bay_wiring VALUES (2, '1-5', 1, 'uid:0')"
	exits 0 ctl bays
	grep -qE '^2 .* A-2-01 +17 +AA02' <<<"$output"
	[ "$(ctl bays --json | jq -c '[.bays[].port]')" = '[null,"1-5",null]' ]
}

@test "status says what is wrong with a board, and nothing of one that is well" {
	sql "INSERT INTO station VALUES (0, 'up', 0, 0, 'MB-7', '0badcafe', '', 1)"
	exits 0 ctl status
	[[ $output != *station* ]]
	sql "UPDATE station SET link = 'refused', detail = 'speaks version 9', lid_open = 1"
	exits 0 ctl status
	says "is not one that this bench may use: speaks version 9"
	says 'the lid is open'
	sql "UPDATE station SET stopped = 1"
	exits 0 ctl_zh status
	says '急停已按下'
}

# What mint-queue and mint-bench find, once the order $1 of them has come: `bay learn` follows the events. $2: the one that ends it.
answer_learning() {
	local tries
	for (( tries = 0; tries < 500; tries++ )); do
		if [ "$(grep -c '^command learn test ' "$api_dir/queue.log")" -ge "$1" ]; then break; fi
		read -rt 0.01 <> <(:) || true
	done
	sql "INSERT INTO event (at, actor, kind, bay, error, detail) VALUES (1, 'bench', 'wiring.found', 1, NULL, '{\"port\":\"1-4\"}'),
	     (1, 'bench', 'wiring.found', 2, 'READER', '{\"detail\":\"no reader came\"}'), (1, 'bench', 'wiring.found', 3, NULL, '{\"port\":\"1-6\"}'),
	     (1, 'bench', 'wiring.refused', 3, 'WIRING', '{\"port\":\"1-6\",\"keeps\":\"1-9\"}'), $2"
	poke
}

@test "bay learn tells what is found in each bay as it is found, and why not; not all is not well" {
	answer_learning 1 "(1, 'bench', 'wiring.learned', NULL, NULL, '{\"known\":1,\"bays\":3}')" 3>&- &
	exits 65 ctl bay learn --why 'new cables'
	wait $!
	says 'bay 1: 1-4'
	says 'bay 2: the reader is not there: no reader came'
	says "bay 3: 1-6: it cannot be told which port is the bay's"
	says '1 of 3 bays are known'
	grep -qx 'command learn test {"why":"new cables"} by .*' "$api_dir/queue.log"
}

@test "bay learn --json is one object, and one that came to nothing is an error" {
	answer_learning 1 "(1, 'bench', 'wiring.learned', NULL, NULL, '{\"known\":1,\"bays\":3}')" 3>&- &
	run --separate-stderr ctl bay learn --why x --json
	wait $!
	[ "$status" = 65 ]
	[ "$(jq -c '[.known, .of, [.bays[] | [.bay, .port, .error]]]' <<<"$output")" = '[1,3,[[1,"1-4",null],[2,null,"READER"],[3,"1-6","WIRING"]]]' ]
	answer_learning 2 "(1, 'bench', 'wiring.learned', NULL, 'CLOSED', '{\"known\":0,\"bays\":3}')" 3>&- &
	exits 75 ctl bay learn --why x
	wait $!
	says 'the wiring stays as it was'
}

@test "bay cycle carries the bay and the reason" {
	exits 0 ctl bay cycle 3 --why 'hub is stuck'
	grep -qx 'command cycle 3 {"why":"hub is stuck"} by .*' "$api_dir/queue.log"
}

@test "show finds an application, a credential with its evidence, or a token" {
	exits 0 ctl show A-2
	says '李四'
	exits 0 ctl show A-1-01
	says 'process 4711'
	says 'read back SHA-256       bb'
	says 'generate the key pair on the token'
	exits 0 ctl show AA01
	says MB-00000001
	[ "$(ctl show A-1-01 --json | jq .evidence.proofs[0].prove_pid)" = 4711 ]
}

@test "token show and list say what a token is, why, and only what may be ordered now" {
	sql "UPDATE token SET state = 'quarantined', failed_error = 'TOKEN_FOREIGN', found = 'somebody', so_tries = 0 WHERE id = 1"
	exits 0 ctl token show MB-00000001
	says 'somebody'
	says 'locked'
	says 'mintctl token erase MB-00000001'
	says 'mintctl token scrap MB-00000001'
	! says 'mintctl token clear'
	exits 0 ctl_zh token list --state quarantined
	says '介质已被他方初始化'
	[ "${#lines[@]}" = 2 ]
	exits 0 ctl token show AA02
	says 'mintctl show A-2-01'
	! says 'mintctl token'
	sql "UPDATE token SET serial = 'AA01'"
	exits 0 ctl token show AA01
	says 'several tokens'
	exits 64 ctl token list --state nonsense
	says 'there are: unknown (not looked at yet) blank'
	exits 69 ctl token show NOPE
	exits 64 ctl token
}

@test "what a list shows as a state is what --state takes, in both languages; JSON has the names of the schema" {
	sql "UPDATE token SET state = 'sealed' WHERE id = 1"
	exits 0 ctl token list --state sealed
	says ' sealed '
	exits 0 ctl_zh token list --state 已封装
	says 已封装
	[ "$(ctl token list --json --state 已封装 | jq -r '.tokens[].state' | sort -u)" = sealed ]
	[ "$(ctl token list --json --state 'not looked at yet' | jq -c .tokens)" = "[]" ]
	exits 0 ctl list --state 'waits for a person'
	says A-2-02
	exits 64 ctl_zh token list --state nonsense
	says 'sealed（已封装）'
}

@test "an SO-PIN comes from a file or standard input, and from no command line" {
	echo secret-of-the-token >"$api_dir/pin"
	exits 0 ctl token erase AA01 --why 'says Li' --so-pin-file "$api_dir/pin"
	grep -qx 'command erase AA01 {"so_pin":"secret-of-the-token","why":"says Li"} by .*' "$api_dir/queue.log"
	exits 0 ctl token erase AA02 --why 'says Li' --so-pin-file - <<<other-secret
	grep -q 'command erase AA02 {"so_pin":"other-secret"' "$api_dir/queue.log"
	exits 64 ctl token erase AA01 --why x --so-pin secret
	exits 64 ctl token erase AA01 --why x --so-pin-file "$api_dir/none"
	exits 64 ctl token erase AA01
	[ -z "$(sql 'SELECT 1 FROM event WHERE detail LIKE "%secret%"')" ]
	! grep -q secret "$api_dir/log"
}

@test "bays shows step, credential and trouble" {
	exits 0 ctl bays
	says 'generate the key pair on the token'
	says 'the token was initialised by someone else'
}

@test "import: 0 when all went in, also the second time; 65 when some were refused or differ" {
	exits 0 ctl import "$root/data/samples/applications.json"
	says "$(jq length "$root/data/samples/applications.json") records: $(jq length "$root/data/samples/applications.json") added"
	exits 0 ctl import "$root/data/samples/applications.json"
	says ' 0 added'
	exits 65 ctl import "$root/data/samples/bad.ndjson"
	says 'record 8'
	jq '.[0] | .remark = "x"' "$root/data/samples/applications.json" >"$api_dir/changed"
	exits 65 ctl import "$api_dir/changed"
	says 'known with other content'
	exits 0 ctl import - <<<'[]'
	[ "$(ctl import "$root/data/samples/applications.json" --json | jq '.counts.unchanged == (.results | length)')" = true ]
}

@test "orders carry their arguments and who gave them" {
	exits 0 ctl pack A-2 AA01 AA02
	exits 0 ctl resolve A-2-02 --as redo --why 'broken token'
	exits 0 ctl release A-3
	grep -qx "command pack A-2 {\"tokens\":\[\"AA01\",\"AA02\"\]} by uid:$(id -u)($(id -un))" "$api_dir/queue.log"
	grep -qx "command resolve A-2-02 {\"as\":\"redo\",\"why\":\"broken token\"} by .*" "$api_dir/queue.log"
	grep -qx "command release A-3 {} by .*" "$api_dir/queue.log"
}

@test "every order of schemas/commands.def is a command" {
	local verb object
	while read -r verb object; do
		case $object in
		token) exits 0 ctl token "$verb" --help ;;
		date) exits 0 ctl clock "$verb" --help ;;
		stock) exits 0 ctl stock "$verb" --help ;;
		bay | wiring) exits 0 ctl bay "$verb" --help ;;
		*) exits 0 ctl "$verb" --help ;;
		esac
	done < <(sed -n 's/^COMMAND(\([a-z]*\), \([a-z]*\),.*/\1 \2/p' "$root/schemas/commands.def")
}

# $1 tokens of key type $2 in stock, of lot $3.
stocked() {
	sql "INSERT INTO stock_order (id, key_type, count, made, lot, ordered_by, ordered_at) VALUES (1, '$2', 50, $1, '$3', 'uid:1', 1);
	     WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < $1)
	     INSERT INTO token (id, serial, marker, model, atr, state, lot, seen_at)
	     SELECT 100 + i, 'BB' || i, 'MB-' || i, 'myeid', x'01', 'prekeyed', '$3', 1 FROM n;
	     INSERT INTO token_use (id, token_id, bay, begun_at) SELECT id, id, 1, 1 FROM token WHERE id > 100;
	     INSERT INTO stock (id, order_id, key_type, state, subject_max, ready_at, changed_at) SELECT id, 1, '$2', 'ready', 0, 1, 1 FROM token WHERE id > 100"
}

@test "stock says what is there, by key type, model and lot, and what is ordered" {
	exits 0 ctl stock
	says 'no token is in stock'
	exits 0 ctl_zh stock
	says '没有库存'
	stocked 3 p256 L7
	exits 0 ctl stock
	grep -Eq '^p256 +myeid +L7 +3 +0 +0$' <<<"$output"
	says 'ordered: p256: 3/50, lot L7'
	exits 0 ctl_zh stock
	says '已下令：p256: 3/50，批次 L7'
	[ "$(ctl stock --json | jq -c '[.ready, .wanted, .low, .levels[0].ready, .orders[0].count]')" = '[3,47,false,3,50]' ]
	exits 0 ctl status
	says '3 p256'
}

@test "a low stock is said by stock and by status, with what to do" {
	stocked 3 p256 L7
	kill "$queue_pid"; wait "$queue_pid" || true; queue_pid=
	echo 'stock_low = 4' >>"$api_dir/mint.conf"
	api_up
	exits 0 ctl stock
	says 'low: 3 in stock, fewer than 4: mintctl stock prekey --count N'
	exits 0 ctl_zh stock
	says '库存不足：3 支在库，低于 4：mintctl stock prekey --count N'
	exits 0 ctl status
	says 'low: see mintctl stock'
	[ "$(ctl stock --json | jq .low)" = true ]
}

@test "an order that no token in a bay can be used for is said to be one" {
	sql "INSERT INTO stock_order (key_type, count, ordered_by, ordered_at) VALUES ('rsa2048', 4, 'uid:1', 1);
	     UPDATE bay SET state = 'idle', error = 'TOKEN_MECHANISM', token_id = NULL WHERE bay IN (1, 3)"
	exits 0 ctl stock
	says 'bays with tokens that do not offer this key type: 1, 3: put in another model, or mintctl stock stop --key-type rsa2048'
	exits 0 ctl_zh stock
	says '以下工位的介质不支持该密钥类型：1, 3：换用其他型号，或 mintctl stock stop --key-type rsa2048'
	[ "$(ctl stock --json | jq -r '.orders[0].not_offered_in')" = '1, 3' ]
	sql "UPDATE bay SET state = 'empty', error = NULL WHERE bay IN (1, 3)"
	[ "$(ctl stock --json | jq -r '.orders[0].not_offered_in')" = null ]
}

@test "stock prekey and stop are orders about a key type, p256 or any unless one is said" {
	exits 0 ctl stock prekey --count 20
	exits 0 ctl stock prekey --count 5 --key-type rsa2048 --lot 'box 7'
	exits 0 ctl stock stop
	exits 0 ctl stock stop --key-type rsa2048
	grep -qx 'command prekey p256 {"count":"20"} by .*' "$api_dir/queue.log"
	grep -qx 'command prekey rsa2048 {"count":"5","lot":"box 7"} by .*' "$api_dir/queue.log"
	grep -qx 'command stop any {} by .*' "$api_dir/queue.log"
	grep -qx 'command stop rsa2048 {} by .*' "$api_dir/queue.log"
	exits 64 ctl stock prekey
	says '--count'
	exits 77 ctl stock prekey --count 1 --key-type REFUSE
	says 'it is issued already'
	exits 77 ctl stock stop --key-type REFUSE --json
	[ "$(jq -r .error <<<"$output")" = REFUSED ]
	exits 64 ctl stock fill
	exits 64 ctl stock prekey 20
	exits 0 ctl_zh stock prekey --help
	says '空闲时预制密钥'
	exits 0 ctl stock --help
	says 'mintctl stock'
}

@test "events: all, after a number, and as they happen" {
	exits 0 ctl events
	[ "${#lines[@]}" = 4 ]
	exits 0 ctl events --after 3
	says credential.parked
	ctl events --follow --json --after 4 >"$api_dir/followed" &
	local follower=$! tries
	poke
	for (( tries = 0; tries < 500; tries++ )); do
		grep -q bay.changed "$api_dir/followed" && break
		read -rt 0.01 <> <(:) || true
	done
	kill $follower
	[ "$(jq -r .kind "$api_dir/followed")" = bay.changed ]
}

@test "watch --until-idle ends with 0 when all is issued, and asks for a person when something is parked" {
	exits 75 ctl watch --until-idle --timeout 1
	sql "UPDATE credential SET state = 'packed' WHERE state IN ('keyed', 'waiting', 'parked'); UPDATE application SET state = 'issued'"
	exits 0 ctl watch --until-idle --timeout 10
	says 'issued 4/4'
	sql "UPDATE credential SET state = 'parked' WHERE id = 3; UPDATE application SET state = 'minting' WHERE id = 2"
	exits 69 ctl watch --until-idle --timeout 10
	says 'waits for a person'
}

@test "watch goes on over a restart of mint-api" {
	sql "UPDATE credential SET state = 'packed' WHERE state IN ('keyed', 'waiting', 'parked');
	     UPDATE application SET state = 'minted' WHERE id IN (2, 4)"
	ctl watch --until-idle --timeout 30 >"$api_dir/watched" 2>&1 &
	local watcher=$! tries
	for (( tries = 0; tries < 500; tries++ )); do
		grep -q issued "$api_dir/watched" && break
		read -rt 0.01 <> <(:) || true
	done
	kill "$queue_pid"
	wait "$queue_pid" || true
	queue_pid=
	api_up
	sql "UPDATE application SET state = 'issued'"
	poke
	wait $watcher
	tail -1 "$api_dir/watched" | grep -q 'issued 4/4'
}

@test "watch draws on a terminal: a line for each bay, redrawn in place" {
	script -qec "'$programs/mintctl' --lang en --socket '$api_dir/api.sock' watch --until-idle --timeout 1" /dev/null >"$api_dir/screen" </dev/null || true
	grep -q '!  3  take the token out; see what to do' "$api_dir/screen"
	grep -q '>  2  generate the key pair on the token  A-2-01' "$api_dir/screen"
	grep -qF $'\033[5A' "$api_dir/screen"
	sql "INSERT INTO parcel (id, application_id) VALUES (17, 2); UPDATE bay SET state = 'take', step = NULL WHERE bay = 2"
	script -qec "'$programs/mintctl' --lang en --socket '$api_dir/api.sock' watch --until-idle --timeout 1" /dev/null >"$api_dir/screen" </dev/null || true
	grep -qE '\^  2  take the token: parcel 17 +A-2-01' "$api_dir/screen"
}

@test "certs writes one whole file for each live certificate" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$api_dir/key" -subj '/CN=a' -days 9 -out "$api_dir/a.pem" 2>/dev/null
	openssl x509 -in "$api_dir/a.pem" -outform DER -out "$api_dir/a.der"
	sql "UPDATE certificate SET certificate = readfile('$api_dir/a.der')"
	exits 0 ctl certs --out "$api_dir/certs"
	[ "$(ls "$api_dir/certs")" = A-1-01.pem ]
	diff "$api_dir/certs/A-1-01.pem" "$api_dir/a.pem"
	exits 64 ctl certs
	sql "UPDATE credential SET name = '../evil' WHERE id = 1"
	exits 76 ctl certs --out "$api_dir/certs"
	[ ! -e "$api_dir/evil.pem" ]
}

@test "pins list shows whose codes lie in which envelope" {
	exits 0 ctl pins list
	[ "${#lines[@]}" = 3 ]
	says '1         MB-00000001  AA01   A-1-01      user so  so'
	exits 0 ctl_zh pins list --reference A-2
	says '没有信封'
	exits 64 ctl pins list --after x
	exits 64 ctl pins list --limit 0
	[ "$(ctl pins list --json --after 1 | jq -c '[.pin_envelopes[].id]')" = '[2]' ]
}

@test "pins export writes a file for each envelope and a list of what each is for" {
	exits 0 ctl pins export --out "$api_dir/pins"
	says "2 envelopes in $api_dir/pins, of them new: 2; the next export may begin with --after 2"
	[ "$(ls -A "$api_dir/pins" | tr '\n' ' ')" = "MB-00000001-AA01-00000001.p7m MB-00000001-AA01-00000002.p7m manifest.jsonl " ]
	[ "$(xxd -p "$api_dir/pins/MB-00000001-AA01-00000001.p7m") $(xxd -p "$api_dir/pins/MB-00000001-AA01-00000002.p7m")" = "3001 300202" ]
	[ "$(stat -c %a "$api_dir/pins" "$api_dir/pins/"* | sort -u | tr '\n' ' ')" = "600 700 " ]
	[ "$(jq -c '[.file, .envelope, .application, .credential, .codes]' "$api_dir/pins/manifest.jsonl" | head -1)" = \
		'["MB-00000001-AA01-00000001.p7m",1,"A-1","A-1-01",["user","so"]]' ]
	(cd "$api_dir/pins" && jq -r '.sha256 + "  " + .file' manifest.jsonl | sha256sum -c --quiet)
}

@test "pins export may be repeated: what is there stays, what is new is added, another file of the name is left and told" {
	ctl pins export --out "$api_dir/pins"
	cp "$api_dir/pins/manifest.jsonl" "$api_dir/first"
	exits 0 ctl pins export --out "$api_dir/pins"
	says 'of them new: 0;'
	diff "$api_dir/pins/manifest.jsonl" "$api_dir/first"
	sql "UPDATE pin_envelope SET set_at = made_at WHERE id = 3"
	exits 0 ctl pins export --out "$api_dir/pins" --after 2
	says '1 envelopes'
	exits 0 ctl pins export --out "$api_dir/pins" --after 99
	says 'no envelope lies behind --after 99: the last one whose codes are set is number 3'
	[ "$(wc -l <"$api_dir/pins/manifest.jsonl")" = 3 ]
	echo other >"$api_dir/pins/MB-00000001-AA01-00000001.p7m"
	rm "$api_dir/pins/MB-00000001-AA01-00000002.p7m"
	exits 73 ctl pins export --out "$api_dir/pins"
	says 'MB-00000001-AA01-00000001.p7m: another file of this name is there'
	[ "$(cat "$api_dir/pins/MB-00000001-AA01-00000001.p7m")" = other ]
	[ "$(xxd -p "$api_dir/pins/MB-00000001-AA01-00000002.p7m")" = 300202 ]
	exits 73 ctl pins export --out "$api_dir/pins" --json
	[ "$(jq -c '[.different, .new]' <<<"$output")" = '[["MB-00000001-AA01-00000001.p7m"],0]' ]
}

@test "pins export refuses a list that is not its own, a name that leaves the directory, and a directory that is none" {
	mkdir "$api_dir/pins"
	echo 'shopping list' >"$api_dir/pins/manifest.jsonl"
	exits 65 ctl pins export --out "$api_dir/pins"
	says 'manifest.jsonl: line 1'
	[ "$(cat "$api_dir/pins/manifest.jsonl")" = 'shopping list' ]
	rm "$api_dir/pins/manifest.jsonl"
	sql "UPDATE token SET serial = '../evil' WHERE id = 1"
	exits 76 ctl pins export --out "$api_dir/pins"
	[ -z "$(ls -A "$api_dir/pins")" ]
	exits 74 ctl pins export --out "$api_dir/mint.conf"
	exits 64 ctl pins export
}

@test "the socket is found by option, environment or configuration" {
	exits 0 env MINT_SOCKET="$api_dir/api.sock" "$programs/mintctl" status
	exits 0 "$programs/mintctl" --config "$api_dir/mint.conf" status
	exits 0 env MINT_CONFIG="$api_dir/mint.conf" "$programs/mintctl" status
	exits 69 "$programs/mintctl" --config "$api_dir/none.conf" status
}

@test "doctor names each thing that is wrong and what to do" {
	exits 69 "$programs/mintctl" --lang en --config "$api_dir/mint.conf" doctor
	says 'do: make it: (umask 077;'
	[ "$("$programs/mintctl" --config "$api_dir/mint.conf" doctor --json | jq -r '.checks[] | select(.check == "database").ok')" = true ]
	head -c 32 /dev/urandom >"$api_dir/station.key"
	[ "$("$programs/mintctl" --config "$api_dir/mint.conf" doctor --json | jq -r '.checks[] | select(.check == "station_key") | .error')" = CONFIG ]
	chmod 600 "$api_dir/station.key"
	[ "$("$programs/mintctl" --config "$api_dir/mint.conf" doctor --json | jq -r '.checks[] | select(.check == "station_key").ok')" = true ]
	echo 'nonsense { }' >"$api_dir/bad-calendar.conf"
	sed 's/^calendar.*//; $a calendar = "bad-calendar.conf"' "$api_dir/mint.conf" >"$api_dir/other.conf"
	exits 69 "$programs/mintctl" --lang zh --config "$api_dir/other.conf" doctor
	says "日历文件无法读取，原文：“$api_dir/bad-calendar.conf"
	(umask 077; echo 1234567 >"$api_dir/passphrase"; echo 'second line is not counted' >>"$api_dir/passphrase")
	echo 'ca_passphrase = "passphrase"' >>"$api_dir/mint.conf"
	exits 69 "$programs/mintctl" --lang en --config "$api_dir/mint.conf" doctor
	says 'passphrase: its first line has 7 bytes, 8 to 1024 are wanted'
	echo 12345678 >"$api_dir/passphrase"
	[ "$("$programs/mintctl" --config "$api_dir/mint.conf" doctor --json | jq -r '.checks[] | select(.check == "passphrase").ok')" = true ]
	sql "UPDATE bay SET state = 'no_reader' WHERE bay = 3"
	[ "$("$programs/mintctl" --config "$api_dir/mint.conf" doctor --json | jq -c '.checks[] | select(.check == "readers") | [.error, .detail]')" = '["READER","3 \"Reader 3\""]' ]
	exits 69 "$programs/mintctl" --config "$api_dir/none.conf" doctor
}

@test "doctor sees a damaged database, and leaves it as it is" {
	api_sum=
	kill "$queue_pid"; wait "$queue_pid" || true; queue_pid=
	sql "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 900) INSERT INTO event (at, actor, kind) SELECT i, 'x', 'y' FROM n; PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
	printf 'damage' | dd of="$api_dir/record.db" bs=1 seek=$(( $(stat -c %s "$api_dir/record.db") - 9000 )) conv=notrunc status=none
	dd if=/dev/zero of="$api_dir/record.db" bs=4096 seek=$(( $(stat -c %s "$api_dir/record.db") / 4096 - 2 )) count=1 conv=notrunc status=none
	api_sum=$(sha256sum <"$api_dir/record.db")
	run "$programs/mintctl" --config "$api_dir/mint.conf" doctor --json
	[ "$(jq -r '.checks[] | select(.check == "database") | .error' <<<"$output")" = STORAGE ]
	[ "$(sha256sum <"$api_dir/record.db")" = "$api_sum" ]
}

@test "ca runs the program beside it with the same arguments" {
	exits 0 "$programs/mintctl" ca help
	[ "$output" = "$("$programs/mint-ca" help)" ]
}
