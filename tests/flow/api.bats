#!/usr/bin/env bats
# mint-api over its sockets, on a real database, with fake-queue where mint-queue is.

load api_bench.bash

setup() { api_up api; }
teardown() { api_down; }

network() { local path=$1; shift; curl -sS --max-time 10 "$@" "http://127.0.0.1:$(cat "$api_dir/api.port")$path"; }
network_code() { network "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }

# is FILTER EXPECTED: jq's answer on the JSON of standard input.
is() {
	local found
	found=$(jq -c "$1")
	[ "$found" = "$2" ] || { echo "$1: $found, expected $2" >&2; return 1; }
}

# until_sent LOG: the request of a `curl -v` that logs there has been sent, and mint-api has come round to others since.
until_sent() {
	local tries
	for (( tries = 0; tries < 500; tries++ )); do
		if grep -q '^> Accept' "$1"; then code /v1/bays >/dev/null; return 0; fi
		read -rt 0.01 <> <(:) || true
	done
	return 1
}

@test "the committed description of the routes is what the program prints" {
	diff <("$programs/mint-api" --openapi) "$root/schemas/openapi.json"
	get /v1 | is '.routes | length' "$(grep -c '^ROUTE(' "$root/schemas/routes.def")"
}

@test "status counts every state and tells what moves and what waits for a person" {
	get /v1/status >"$api_dir/status"
	is .applications '{"approved":1,"held":1,"issued":1,"minting":1,"total":4}' <"$api_dir/status"
	is .credentials '{"keyed":1,"packed":1,"parked":1,"waiting":4,"total":7}' <"$api_dir/status"
	is '[.late, .urgent, .needs_person, .idle, .seq]' '[1,1,1,false,4]' <"$api_dir/status"
	is '.parked[0] | [.name, .error, .parked.do.zh]' '["A-2-02","PROOF_KEY","放入隔离盒，换空白介质"]' <"$api_dir/status"
}

@test "it is idle when all that is left waits for a person or is done, and not while a token lies unpacked" {
	sql "UPDATE credential SET state = 'packed' WHERE state IN ('keyed', 'waiting');
	     UPDATE application SET state = 'issued' WHERE id = 4; UPDATE credential SET claimable = 0 WHERE application_id = 3"
	get /v1/status | is '[.idle, .needs_person]' '[true,1]'
	sql "UPDATE credential SET state = 'taken' WHERE id = 6"
	get /v1/status | is .idle false
	# Decided, and the CA has not revoked what was signed: nobody is to do anything.
	sql "UPDATE credential SET state = 'packed' WHERE id = 6; UPDATE credential SET pending = 'redo' WHERE state = 'parked'"
	get /v1/status | is '[.idle, .needs_person]' '[false,0]'
	sql "UPDATE credential SET pending = NULL WHERE state = 'parked'"
	sql "UPDATE credential SET state = 'packed' WHERE id = 6; INSERT INTO print_job (parcel_id, copy, state, made_at, changed_at) VALUES (1, 1, 'failed', 1, 1)"
	get /v1/status | is '[.idle, .needs_person]' '[true,2]'
}

@test "bays tell their parcel, port, supply and light; the port of the configuration comes before the learned one" {
	sql "INSERT INTO bay_wiring VALUES (1, '1-4', 1893456000000000, 'uid:0(root)'), (2, '1-5', 1893456000000000, 'uid:0(root)');
	     INSERT INTO parcel (id, application_id) VALUES (17, 2); UPDATE bay SET port = '1-5', supply = 'on', light = 'working' WHERE bay = 2"
	get /v1/bays | is '[.bays[] | [.parcel, .port, .port_by, .port_seen, .supply, .light]]' \
		'[[null,"1-4","learned",null,null,null],[17,"1-5","learned","1-5","on","working"],[null,null,null,null,null,null]]'
	get /v1/bays | is '.bays[0].port_learned_at' '"2030-01-01T00:00:00.000000Z"'
	kill "$queue_pid"; wait "$queue_pid" || true
	sed -i 's/Reader 1"/& port = "1-2.3"/' "$api_dir/mint.conf"
	api_up api
	get /v1/bays | is '.bays[0] | [.port, .port_by, .port_learned_at]' '["1-2.3","configuration",null]'
}

@test "status tells how each board stands, and what is to be done about it" {
	get /v1/status | is .stations '[]'
	sql "INSERT INTO station VALUES (0, 'up', 0, 1, 'MB-7', '0badcafe', '', 1893456000000000), (1, 'refused', 0, 0, 'MB-8', '', 'speaks version 9', 1),
	     (2, 'none', 1, 0, '', '', '', 1), (3, 'none', 0, 0, '', '', '', 1)"
	get /v1/status | is '[.stations[] | [.station, .link, .stopped, .lid_open, .trouble.error]]' \
		'[[0,"up",false,true,null],[1,"refused",false,false,"STATION_REFUSED"],[2,"none",true,false,"STATION_STOPPED"],[3,"none",false,false,"STATION"]]'
	get /v1/status | is '.stations[0] | [.serial, .build, .name, .changed_at]' '["MB-7","0badcafe",null,"2030-01-01T00:00:00.000000Z"]'
	get /v1/status | is '.stations[1].detail' '"speaks version 9"'
}

@test "the numbers of a run come from the journal and the tokens' own key times" {
	# Begun 1767590000 s, sealed 1767590010 s; one key of 1.5 s; 3 bays: 1.5 / (3 × 10).
	get /v1/summary | is '[.applications, .issued, .parked, .elapsed_s, .tokens_per_hour, .bay_utilisation, .bay_utilisation_with_drain]' '[4,1,1,10,360,null,0.05]'
	get '/v1/summary?since=1800000000000000' | is '[.sealed, .elapsed_s, .bay_utilisation]' '[0,null,null]'
}

@test "a list is paged by cursor, each row once" {
	local cursor path
	path='/v1/applications?limit=1'
	for _ in 1 2 3 4 5 6; do
		get "$path" >"$api_dir/page"
		jq -r '.applications[].reference' "$api_dir/page" >>"$api_dir/all"
		cursor=$(jq -r '.cursor // empty' "$api_dir/page")
		[ -n "$cursor" ] || break
		path="/v1/applications?limit=1&cursor=$cursor"
	done
	[ "$(tr '\n' ' ' <"$api_dir/all")" = "A-1 A-2 A-3 B-4 " ]
}

@test "filters: state, urgent, late, reference; together they narrow" {
	get '/v1/applications?state=held' | is '[.applications[].reference]' '["A-3"]'
	get '/v1/applications?urgent=1' | is '[.applications[].reference]' '["A-2"]'
	get '/v1/applications?late=true' | is '[.applications[].reference]' '["B-4"]'
	get '/v1/applications?reference=A-&late=0&urgent=0' | is '[.applications[].reference]' '["A-1","A-3"]'
	get '/v1/applications?reference=%25' | is '.applications' '[]'
	get '/v1/credentials?application=A-2&state=waiting' | is '[.credentials[].name]' '["A-2-03"]'
	get '/v1/tokens?state=bound' | is '[.tokens[].serial]' '["AA02"]'
}

@test "an unknown parameter is refused, not ignored" {
	get '/v1/applications?stat=held' -w '\n%{http_code}' >"$api_dir/answer"
	[ "$(tail -1 "$api_dir/answer")" = 400 ]
	head -1 "$api_dir/answer" | is '[.error, (.what | keys), (.do | keys)]' '["ARGUMENT",["en","zh"],["en","zh"]]'
}

@test "personal data leaves over the Unix socket only, and never in a list" {
	get /v1/applications/A-1 | is .record.person.phone '"13800000001"'
	network /v1/applications/A-1 | is '[has("record"), .reference]' '[false,"A-1"]'
	[ -z "$(get /v1/applications | grep -o 13800000001)" ]
	[ -z "$(network /v1/applications/A-1 | grep -o 张三)" ]
}

@test "one credential shows its evidence tied together by use" {
	get /v1/credentials/A-1-01 >"$api_dir/one"
	is '.evidence.uses[0] | [.use, .serial, .atr]' '[1,"AA01","3bf5"]' <"$api_dir/one"
	is '.evidence.proofs[0] | [.use, .prove_pid, .mint_pid, .challenge, .signature]' '[1,4711,4710,"0c","0d"]' <"$api_dir/one"
	is '.evidence.keys[0].spki_sha256, .evidence.certificates[0].serial' '"aa"
"0102"' <"$api_dir/one"
	is '[.journal[].step]' '["initialise","key","seal"]' <"$api_dir/one"
	[ "$(code /v1/credentials/A-9-01)" = 404 ]
}

@test "certificates come as PEM that openssl reads, with hash and key hash as openssl says" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$api_dir/key" -subj '/CN=甲' -utf8 -days 9 -out "$api_dir/a.pem" 2>/dev/null
	openssl x509 -in "$api_dir/a.pem" -outform DER -out "$api_dir/a.der"
	sql "UPDATE certificate SET certificate = readfile('$api_dir/a.der')"
	get /v1/certificates >"$api_dir/all.pem"
	[ "$(head -1 "$api_dir/all.pem")" = A-1-01 ]
	diff <(openssl x509 -in "$api_dir/all.pem") "$api_dir/a.pem"
	get /v1/credentials/A-1-01 | jq '.evidence.certificates[0]' >"$api_dir/one"
	is .sha256 "\"$(sha256sum <"$api_dir/a.der" | cut -d' ' -f1)\"" <"$api_dir/one"
	is .key_sha256 "\"$(openssl x509 -in "$api_dir/a.pem" -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)\"" <"$api_dir/one"
	is .subject '"CN=甲"' <"$api_dir/one"
	[ "$(network_code /v1/certificates)" = 403 ]
	network /v1/credentials/A-1-01 | is '.evidence.certificates[0] | [has("pem"), has("subject"), has("sha256")]' '[false,false,true]'
}

@test "certificates beyond one page all come, each once" {
	sql "DROP INDEX certificate_live"
	sql "WITH RECURSIVE n(i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n WHERE i < 702)
	     INSERT INTO certificate (id, credential_id, use_id, key_id, serial, request, state, certificate)
	     SELECT i, 1, 1, 1, CAST(printf('%d', i) AS BLOB), x'30', 'live', zeroblob(700) FROM n"
	[ "$(get /v1/certificates | grep -c -- '-----END')" = 701 ]
}

@test "envelopes: those whose codes are set, with what superseded them, over the Unix socket only" {
	get /v1/pin-envelopes >"$api_dir/envelopes"
	is '.pin_envelopes[0]' '{"id":1,"token":"AA01","marker":"MB-00000001","model":"myeid","credential":"A-1-01","application":"A-1","codes":["user","so"],"superseded":["so"],"made_at":"2026-01-05T05:13:27.000000Z","set_at":"2026-01-05T05:13:30.000000Z","cms":"MAE="}' <"$api_dir/envelopes"
	is '[.pin_envelopes[] | [.id, .codes, .superseded, .cms]]' '[[1,["user","so"],["so"],"MAE="],[2,["so"],[],"MAIC"]]' <"$api_dir/envelopes"
	is '[.cursor, .settled]' '[null,2]' <"$api_dir/envelopes"
	get '/v1/pin-envelopes?set=0' | is '[.pin_envelopes[] | [.id, .set_at, .cms]]' '[[3,null,"MA=="]]'
	get '/v1/pin-envelopes?after=1' | is '[.pin_envelopes[].id]' '[2]'
	get '/v1/pin-envelopes?reference=A-2' | is .pin_envelopes '[]'
	get '/v1/pin-envelopes?limit=1&cursor=1' | is '[[.pin_envelopes[].id], .cursor]' '[[2],null]'
	get '/v1/pin-envelopes?limit=1' | is .cursor '"1"'
	[ "$(network_code /v1/pin-envelopes)" = 403 ]
}

@test "what is settled ends before an envelope whose token is still in work, and goes on when its use has ended" {
	sql "INSERT INTO pin_envelope (id, token_id, use_id, codes, cms, made_at, set_at) VALUES (4, 1, 1, 1, x'30', 1, 1)"
	get /v1/pin-envelopes | is '[.settled, [.pin_envelopes[] | [.id, .superseded]]]' '[2,[[1,["user","so"]],[2,[]],[4,[]]]]'
	sql "UPDATE token_use SET ended_at = 1, outcome = 'failed' WHERE id = 2"
	get /v1/pin-envelopes | is .settled 4
}

@test "an unchanged answer is 304 until the next commit" {
	local tag
	tag=$(get /v1/applications -D - -o /dev/null | tr -d '\r' | sed -n 's/^ETag: //p')
	[ -n "$tag" ]
	# The minute may turn between the two: the tag then is another one, and so is this one's.
	[ "$(code /v1/applications -H "If-None-Match: $tag")" = 304 ] ||
		[ "$(get /v1/applications -D - -o /dev/null | tr -d '\r' | sed -n 's/^ETag: //p')" != "$tag" ]
	sql "UPDATE application SET state = 'cancelled' WHERE id = 4"
	[ "$(code /v1/applications -H "If-None-Match: $tag")" = 200 ]
}

@test "events: from a number, by application, at most so many; seq is where to go on" {
	get '/v1/events?after=1&limit=2' | is '[.seq, [.events[].seq]]' '[3,[2,3]]'
	get '/v1/events?application=A-2' | is '[.seq, [.events[].kind]]' '[4,["credential.parked"]]'
	get '/v1/events?after=4' | is '[.seq, .events]' '[4,[]]'
}

@test "a long poll ends with the event that comes, or empty when its time is over" {
	get '/v1/events?after=4&wait=1' | is '[.seq, .events]' '[4,[]]'
	get '/v1/events?after=4&wait=20' -v -w '\n%{time_total}' >"$api_dir/poll" 2>"$api_dir/poll.log" &
	local poll=$!
	until_sent "$api_dir/poll.log"
	poke
	wait $poll
	head -1 "$api_dir/poll" | is '[.seq, .events[0].kind]' '[5,"bay.changed"]'
	[ "$(tail -1 "$api_dir/poll" | cut -d. -f1)" -lt 10 ]
}

@test "an event stream begins where the client was, and goes on with what happens" {
	get /v1/events --no-buffer -H 'Accept: text/event-stream' -H 'Last-Event-ID: 3' >"$api_dir/stream" &
	local stream=$! tries
	for (( tries = 0; tries < 500; tries++ )); do
		grep -q '^id: 4' "$api_dir/stream" && break
		read -rt 0.01 <> <(:) || true
	done
	poke
	for (( tries = 0; tries < 500; tries++ )); do
		grep -q '^id: 5' "$api_dir/stream" && break
		read -rt 0.01 <> <(:) || true
	done
	kill $stream
	[ "$(grep -c '^id: 3' "$api_dir/stream")" = 0 ]
	sed -n 's/^data: //p' "$api_dir/stream" | jq -s . | is '[.[].seq]' '[4,5]'
}

@test "over the network: reading only, and only for pages and names of this host" {
	[ "$(network_code /v1/bays)" = 200 ]
	[ "$(network_code /v1/import -d '[]')" = 403 ]
	[ "$(network_code /v1/commands/hold -d '{"object":"A-2","why":"x"}')" = 403 ]
	[ "$(network_code /v1/bays -H 'Host: bench.example')" = 403 ]
	[ "$(network_code /v1/bays -H 'Origin: http://evil.example')" = 403 ]
	[ "$(network_code /v1/bays -H 'Sec-Fetch-Site: cross-site')" = 403 ]
	[ "$(network_code /v1/bays -H "Origin: http://127.0.0.1:$(cat "$api_dir/api.port")")" = 200 ]
	[ ! -s "$api_dir/queue.log" ]
}

@test "an unknown address, a wrong method and a body too large are refused as JSON where we answer" {
	[ "$(code /v1/nothing)" = 404 ]
	[ "$(code /v1/bays -X DELETE)" = 405 ]
	[ "$(code /v1/bays -X POST -d x)" = 405 ]
	get /v1/bays -X PUT | is .error '"METHOD"'
	head -c 100000 /dev/zero >"$api_dir/big"
	[ "$(network_code /v1/import --data-binary "@$api_dir/big")" = 413 ]
}

@test "a command reaches mint-queue with its actor; its answer comes back" {
	post /v1/commands/hold '{"object":"A-2","why":"客户来电"}' | is .state '"held"'
	grep -qx "command hold A-2 {\"why\":\"客户来电\"} by uid:$(id -u)($(id -un))" "$api_dir/queue.log"
	post /v1/commands/hold '{"object":"REFUSE","why":"x"}' -w '\n%{http_code}' >"$api_dir/answer"
	[ "$(tail -1 "$api_dir/answer")" = 409 ]
	head -1 "$api_dir/answer" | is '[.error, .detail]' '["REFUSED","it is issued already"]'
}

@test "a command that the list does not have, or not with these arguments, goes nowhere" {
	[ "$(code /v1/commands/fly -d '{"object":"A-2"}')" = 404 ]
	[ "$(code /v1/commands/hold -d '{"object":"A-2"}')" = 400 ]
	[ "$(code /v1/commands/hold -d '{"object":"A-2","why":""}')" = 400 ]
	[ "$(code /v1/commands/hold -d '{"object":"A-2","why":"x","force":"y"}')" = 400 ]
	[ "$(code /v1/commands/pack -d '{"object":"A-2","tokens":"AA01"}')" = 400 ]
	[ "$(code /v1/commands/pack -d '{"object":"A-2","tokens":[]}')" = 400 ]
	[ "$(code /v1/commands/hold -d '{"why":"x"}')" = 400 ]
	[ "$(code /v1/commands/hold -d 'nonsense')" = 400 ]
	[ ! -s "$api_dir/queue.log" ]
}

@test "an import answers every record in its order: good ones go in, bad ones say what is wrong" {
	jq -c '.[0:3][]' "$root/data/samples/applications.json" >"$api_dir/three"
	{ head -1 "$api_dir/three"; echo '{"reference":"X"}'; sed -n 2,3p "$api_dir/three"; } >"$api_dir/mixed"
	post /v1/import "@$api_dir/mixed" >"$api_dir/answer"
	is '[.results[].outcome]' '["added","refused","added","added"]' <"$api_dir/answer"
	is '[.results[].record]' '[1,2,3,4]' <"$api_dir/answer"
	is '[.counts.records, .counts.added, .counts.refused]' '[4,3,1]' <"$api_dir/answer"
	is '.results[1].findings[0] | [.line, (.what | keys), (.do | keys)]' '[2,["en","zh"],["en","zh"]]' <"$api_dir/answer"
	[ "$(sql "SELECT count(*) FROM application WHERE id > 4")" = 3 ]
}

@test "importing twice changes nothing; another content under a known reference shows the difference" {
	jq '.[0:2]' "$root/data/samples/applications.json" >"$api_dir/two"
	post /v1/import "@$api_dir/two" | is '[.results[].outcome]' '["added","added"]'
	post /v1/import "@$api_dir/two" | is '[.results[].outcome]' '["unchanged","unchanged"]'
	jq '.[0].remark = "另"' "$api_dir/two" >"$api_dir/changed"
	post /v1/import "@$api_dir/changed" >"$api_dir/answer"
	is '[.results[].outcome]' '["different","unchanged"]' <"$api_dir/answer"
	is '.results[0] | [.error.error, .differences[0].path]' '["DIFFERENT","quantity"]' <"$api_dir/answer"
}

@test "the answer to an import comes as one object a line when asked so" {
	jq '.[0:2]' "$root/data/samples/applications.json" >"$api_dir/two"
	post /v1/import "@$api_dir/two" -H 'Accept: application/x-ndjson' >"$api_dir/answer"
	[ "$(wc -l <"$api_dir/answer")" = 3 ]
	tail -1 "$api_dir/answer" | is .counts.added 2
}

@test "an empty body, and one that is no JSON, are refused with a finding" {
	post /v1/import '' | is '[.counts.refused, (.results[0].findings | length)]' '[1,1]'
	post /v1/import 'nonsense' | is '.counts.refused' 1
}

@test "mint-queue gone: what is in flight is answered 503, and the program ends" {
	get '/v1/events?after=4&wait=30' -v -w '\n%{http_code}' >"$api_dir/poll" 2>"$api_dir/poll.log" &
	local poll=$!
	get /v1/events -v -H 'Accept: text/event-stream' >"$api_dir/stream" 2>"$api_dir/stream.log" &
	local stream=$!
	until_sent "$api_dir/poll.log"
	until_sent "$api_dir/stream.log"
	post /v1/commands/hold '{"object":"DIE","why":"x"}' -w '\n%{http_code}' >"$api_dir/answer"
	[ "$(tail -1 "$api_dir/answer")" = 503 ]
	head -1 "$api_dir/answer" | is .error '"CLOSED"'
	wait $poll
	[ "$(tail -1 "$api_dir/poll")" = 200 ]
	wait $stream
	wait "$queue_pid"
	[ ! -e "$api_dir/api.sock" ]
}

@test "mint-queue gone before an import was answered at all: 503" {
	jq -c '.[0] | .reference = "DIE-1"' "$root/data/samples/applications.json" >"$api_dir/one"
	post /v1/import "@$api_dir/one" -w '\n%{http_code}' >"$api_dir/answer"
	[ "$(tail -1 "$api_dir/answer")" = 503 ]
	head -1 "$api_dir/answer" | is .error '"CLOSED"'
	wait "$queue_pid"
}

@test "mint-queue gone in the middle of an import: what is known is said, the rest is unknown, and a second import completes it" {
	jq -c '.[0] as $a | (range(900) | $a + {reference: "P-\(.)"}), ($a + {reference: "DIE-1"}), (range(5) | $a + {reference: "Q-\(.)"})' \
		"$root/data/samples/applications.json" >"$api_dir/many"
	post /v1/import "@$api_dir/many" >"$api_dir/answer"
	is '.counts | [.added > 0 and .added <= 900, .unknown > 0, .added + .unknown == .records]' '[true,true,true]' <"$api_dir/answer"
	is .failure.error '"CLOSED"' <"$api_dir/answer"
	wait "$queue_pid"
	queue_pid=
	api_up
	grep -v DIE "$api_dir/many" >"$api_dir/rest"
	# Some answers may have been lost with mint-queue although their records went in: each of the 905 is there once.
	post /v1/import "@$api_dir/rest" | is '.counts | [.added + .unchanged, .unchanged >= 500]' '[905,true]'
}

@test "the database is opened for reading only" {
	local pid
	pid=$(pgrep -P "$queue_pid")
	for fd in /proc/"$pid"/fdinfo/*; do
		[ "$(readlink "/proc/$pid/fd/${fd##*/}")" = "$(realpath "$api_dir/record.db")" ] || continue
		# The access mode stands in the last octal digit of `flags`: 0 is O_RDONLY.
		[ "$(awk '/^flags/ { print substr($2, length($2)) }' "$fd")" = 0 ]
		return 0
	done
	return 1
}

@test "a second mint-api on the same socket is refused and leaves the first alone" {
	run "$programs/tests/fake-queue" "$api_dir/record.db" "$api_dir/second.log" "$programs/mint-api" --config "$api_dir/mint.conf"
	[ "$status" = 75 ]
	[ "$(code /v1/bays)" = 200 ]
}

@test "a socket left over by a killed mint-api is taken over" {
	kill -9 "$(pgrep -P "$queue_pid")"
	wait "$queue_pid" || true
	queue_pid=
	[ -S "$api_dir/api.sock" ]
	api_up
	[ "$(code /v1/bays)" = 200 ]
}

@test "a record that cannot be read is an error, never an empty answer" {
	# The table goes away under the program: what it prepared no longer fits.
	sql "DROP TABLE print_job"
	[ "$(code /v1/status)" = 507 ]
	get /v1/status | is '[.error, has("idle")]' '["STORAGE",false]'
	[ "$(code /v1/applications/A-1)" = 507 ]
	[ "$(code /v1/bays)" = 200 ]
}

@test "mint-api links neither PKCS#11 nor PC/SC nor USB" {
	local libraries
	libraries=$(ldd "$programs/mint-api")
	grep -q libevent <<<"$libraries"
	[ -z "$(grep -E 'p11|pkcs11|pcsc|opensc|usb' <<<"$libraries")" ]
}
