# Labels, read by zbarimg. Part of verify-run.sh.
# shellcheck shell=bash disable=SC2154 # run, work: verify-run.sh

# Every picture in labels/ carries the number of the application whose file it is, and each label on record is there unchanged.
check_labels() {
	local count
	count=$(find "$run/labels" -maxdepth 1 -name '*.png' 2>/dev/null | grep -c '')
	[ "$count" -gt 0 ] || [ "$unfinished" = 0 ] || return
	find "$run/labels" -maxdepth 1 -name '*.png' -print0 2>/dev/null | python3 -B "$here/verify/labels.py" >"$work/labels"
	rows 'SELECT reference FROM application' | sort >"$work/references"
	{
		[ "$count" -gt 0 ] || echo 'there is none'
		[ "$(grep -c '' "$work/labels")" = "$count" ] || echo "not all $count were read"
		while IFS=$'\t' read -r file code; do
			file=${file##*/}
			if [ -z "$code" ]; then
				echo "$file: no Code 128 can be read"
			elif ! grep -qxF -- "$code" "$work/references"; then
				echo "$file: its Code 128 says $code, which is no application"
			elif [ "$file" != "$code.png" ] && [[ $file != "$code".copy-*.png && $file != "$code".page-*.png ]]; then
				echo "$file: its Code 128 says $code"
			fi
		done <"$work/labels"
	} | judge labels-read "$count pictures"
	rows "SELECT j.id, lower(hex(j.sha256)), j.place FROM print_job j WHERE j.state = 'printed' AND j.place LIKE '%.png'" |
		while IFS=$'\t' read -r job sha256 place; do
			first=$run/labels/${place##*/}
			if [ ! -s "$first" ]; then
				echo "job $job: labels/${place##*/} is not there"
				continue
			fi
			pages=("$first")
			for (( n = 2; ; n++ )); do
				[ -e "${first%.png}.page-$n.png" ] || break
				pages+=("${first%.png}.page-$n.png")
			done
			[ "$(cat "${pages[@]}" | sha256sum | cut -d' ' -f1)" = "$sha256" ] || echo "job $job: labels/${place##*/} is not what was printed"
		done | judge labels-unchanged "$(rows "SELECT count(*) FROM print_job WHERE state = 'printed'") print jobs"
}
