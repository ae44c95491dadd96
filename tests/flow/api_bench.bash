# A real mint-api on a real database, behind it fake-queue in the place of mint-queue. For bats files: `load api_bench`.
#
#   api_up             starts it; sets $api_dir (socket api.sock, api.port, record.db, queue.log, mint.conf) and $queue_pid
#   api_down           ends it; removes $api_dir
#   poke               adds an event, as a bench at work does
#   get PATH [curl options]      GET over the Unix socket; body on standard output
#   post PATH BODY [curl options]
#   code PATH [curl options]     the HTTP status alone
#   sql STATEMENT      runs it on the database, as mint-queue would
#   ctl ARGUMENT…      mintctl on that socket, in English

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
programs=$root/${B:-build/dev}

# A port below the range that the kernel gives to clients, free a moment ago.
free_port() {
	local port tries
	for (( tries = 0; tries < 200; tries++ )); do
		port=$(( 20000 + RANDOM % 10000 ))
		(: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
	done
	return 1
}

api_configure() {
	local bay
	{
		echo 'bench = "test"'
		echo "programs = \"$programs\""
		echo 'database = "record.db"'
		echo "calendar = \"$root/data/calendar/cn.conf\""
		echo 'station_key = "station.key"'
		echo 'office_certificate = "office.pem"'
		echo 'api_socket = "api.sock"'
		echo "api_port = $(free_port)"
		echo 'api_port_file = "api.port"'
		echo 'ca_directory = "ca"'
		echo 'printer = "file:labels"'
		for bay in 1 2 3; do echo "bay $bay { reader = \"Reader $bay\" }"; done
	} >"$api_dir/mint.conf"
}

api_up() {
	local tries
	if [ -z "${api_dir:-}" ]; then
		api_dir=$(mktemp -d)
		sqlite3 "$api_dir/record.db" 'PRAGMA journal_mode = WAL' >/dev/null
		cat "$root"/schemas/sql/[0-9]*.sql | sqlite3 "$api_dir/record.db"
		[ ! -e "$root/tests/flow/$1.sql" ] || sqlite3 "$api_dir/record.db" ".read $root/tests/flow/$1.sql"
		api_configure
	fi
	"$programs/tests/fake-queue" "$api_dir/record.db" "$api_dir/queue.log" "$programs/mint-api" --config "$api_dir/mint.conf" \
		2>"$api_dir/log" 3>&- &
	queue_pid=$!
	for (( tries = 0; tries < 500; tries++ )); do
		# A socket alone may be a left-over: only an answer says that it is up.
		if [ -S "$api_dir/api.sock" ] && get /v1/bays -o /dev/null 2>/dev/null; then return 0; fi
		kill -0 "$queue_pid" 2>/dev/null || break
		read -rt 0.01 <> <(:) || true
	done
	cat "$api_dir/log" >&2
	return 1
}

api_down() {
	[ -z "${queue_pid:-}" ] || kill "$queue_pid" 2>/dev/null || true
	[ -z "${queue_pid:-}" ] || wait "$queue_pid" 2>/dev/null || true
	[ -z "${api_dir:-}" ] || rm -rf "$api_dir"
}

poke() { kill -USR1 "$queue_pid"; }
get() { local path=$1; shift; curl -sS --max-time 20 --unix-socket "$api_dir/api.sock" "$@" "http://localhost$path"; }
post() { local path=$1 body=$2; shift 2; get "$path" --data-binary "$body" "$@"; }
code() { get "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }
sql() { sqlite3 "$api_dir/record.db" "$@"; }
ctl() { "$programs/mintctl" --lang en --socket "$api_dir/api.sock" "$@"; }
