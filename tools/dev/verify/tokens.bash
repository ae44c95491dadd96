# What the tokens themselves say: proofs, the APDU log, the state on them. Part of verify-run.sh.
# shellcheck shell=bash disable=SC2154 # run, work, here: verify-run.sh

# The signature over the challenge, by the key of the live certificate.
check_proofs() {
	rows "SELECT p.use_id, r.id FROM proof p JOIN certificate r ON r.use_id = p.use_id AND r.state = 'live'" | ask proofs "$work" |
		judge proof-signatures "$(rows 'SELECT count(*) FROM proof') proofs"
}

# Time of a row as the APDU log writes it.
as_logged() { echo "strftime('%Y-%m-%dT%H:%M:%S', ($1) / 1000000, 'unixepoch') || printf('.%06dZ', ($1) % 1000000)"; }

# Every claim about a token against every command it was sent.
check_apdu_log() {
	local grace=1000000 # of a loop's turn: the end of a step is noted when its answer is taken up
	needs apdu-log "$run/apdu.log" || return
	rows "SELECT p.use_id, upper(t.serial), $(as_logged 'coalesce(l.begun_at, j.begun_at)'), $(as_logged "j.ended_at + $grace"),
		upper(x.sha256), hex(p.signature), hex(r.certificate)
		FROM proof p JOIN token_use u ON u.id = p.use_id JOIN token t ON t.id = u.token_id
		JOIN certificate r ON r.use_id = p.use_id AND r.state = 'live' JOIN x_challenge x ON x.use_id = p.use_id
		JOIN journal j ON j.id = (SELECT max(id) FROM journal WHERE use_id = p.use_id AND step = 'prove' AND outcome = 'done'
		  AND pid = p.prove_pid AND begun_at <= p.signed_at)
		LEFT JOIN lease l ON l.id = j.lease" >"$work/proofs"
	rows "SELECT upper(t.serial), j.step, $(as_logged j.begun_at), CASE WHEN j.ended_at IS NULL THEN '9999' ELSE $(as_logged "j.ended_at + $grace") END
		FROM journal j JOIN token t ON t.id = j.token_id WHERE j.step IN ('initialise','key','request','burn','prove','seal','check')" >"$work/steps"
	rows "SELECT upper(t.serial), c.name FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id
		WHERE c.state IN ('sealed','taken','packed')" >"$work/finished"
	rows "SELECT upper(t.serial), $(as_logged e.made_at) FROM pin_envelope e JOIN token t ON t.id = e.token_id" >"$work/enveloped"
	awk -f "$here/verify/apdu.awk" file=1 "$work/proofs" file=2 "$work/steps" file=3 "$work/finished" file=4 "$work/enveloped" \
		file=5 "$run/apdu.log" >"$work/apdu" 2>&1
	for rule in proof-on-the-token acts-after-intent key-made-on-the-token codes-masked; do
		sed -n "s/^$rule: //p" "$work/apdu" | judge "$rule" "$(sed -n "s/^# $rule: //p" "$work/apdu")"
	done
	grep -vE '^(# )?(proof-on-the-token|acts-after-intent|key-made-on-the-token|codes-masked): ' "$work/apdu" |
		judge apdu-log "$(grep -c '' "$run/apdu.log") lines"
}

# The certificate lies on its token, byte for byte, and on no other.
check_token_files() {
	local finished
	finished=$(grep -c '' "$work/finished" 2>/dev/null || true)
	rows "SELECT t.serial, c.name, hex(r.certificate) FROM certificate r JOIN credential c ON c.id = r.credential_id
		JOIN token_use u ON u.id = r.use_id JOIN token t ON t.id = u.token_id
		WHERE r.state = 'live' AND c.state IN ('sealed','taken','packed')" |
		run=$run perl -ne '
			chomp; my ($serial, $name, $certificate) = split /\t/;
			my $path = "$ENV{run}/tokens/$serial.token";
			if (open my $file, "<:raw", $path) {
				local $/; my $state = <$file>;
				print "$name: its certificate is not on token $serial\n" if index($state, pack "H*", $certificate) < 0;
			} else {
				print "$name: tokens/$serial.token: $!\n";
			}' | judge certificate-on-the-token "${finished:-0} tokens"
}
