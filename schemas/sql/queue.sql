-- Every statement of mint-queue, once. tools/dev/statements.awk makes build/gen/queue_sql.h from it; the form of a list:
--   -- :name  by caller  read|write
--   the statement, with numbered parameters, to its semicolon
-- Names of states are literals here so that the partial indexes of the record can be used; each such statement repeats the
-- index's own condition, and `+id` keeps it from walking the whole table by id instead. An id of 0 stands for none.

-- ---------------------------------------------------------------- a message's part of the transaction

-- :mark  by queue/store.c  write
SAVEPOINT message;

-- :keep  by queue/store.c  write
RELEASE message;

-- ---------------------------------------------------------------- small facts

-- :fact_get  by queue/restored.c,queue/turn.c  read
SELECT value FROM fact WHERE name = ?1;

-- :fact_drop  by queue/restored.c  write
DELETE FROM fact WHERE name = ?1;

-- :fact_set  by queue/turn.c  write
INSERT INTO fact (name, value) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- :operator_seen  by queue/commands.c,queue/import.c  write
INSERT INTO operator (name, seen_at) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at;

-- ---------------------------------------------------------------- the feed

-- :event_add  by queue/feed.c  write
INSERT INTO event (at, actor, kind, application_id, credential_id, token_id, bay, error, detail)
VALUES (?1, ?2, ?3, nullif(?4, 0), nullif(?5, 0), nullif(?6, 0), nullif(?7, 0), ?8, ?9);

-- :event_last  by queue/queue.c  read
SELECT max(seq) FROM event;

-- The latest time in a row: of the last event, of the last journal rows (ends are written later than begins, so a few of them).
-- :row_newest  by queue/recover.c  read
SELECT max(coalesce((SELECT at FROM event WHERE seq = (SELECT max(seq) FROM event)), 0),
           coalesce((SELECT max(max(begun_at, coalesce(ended_at, 0))) FROM journal WHERE id BETWEEN (SELECT max(id) FROM journal) - 255 AND (SELECT max(id) FROM journal)), 0));

-- :event_importer  by queue/verbs.c  read
SELECT actor FROM event WHERE application_id = ?1 AND kind = 'application.imported' ORDER BY seq LIMIT 1;

-- ---------------------------------------------------------------- states: state, application, credential, token

-- :application_state  by queue/states.c  read
SELECT state, id, NULL, NULL FROM application WHERE id = ?1;

-- :application_set_state  by queue/states.c  write
UPDATE application SET state = ?2, changed_at = ?3 WHERE id = ?1;

-- :credential_state  by queue/states.c  read
SELECT c.state, c.application_id, c.id, u.token_id
FROM credential c LEFT JOIN token_use u ON u.id = c.use_id WHERE c.id = ?1;

-- :credential_set_state  by queue/states.c  write
UPDATE credential SET state = ?2, changed_at = ?3 WHERE id = ?1;

-- :token_state  by queue/states.c  read
SELECT t.state, NULL, u.credential_id, t.id
FROM token t LEFT JOIN token_use u ON u.token_id = t.id AND u.ended_at IS NULL WHERE t.id = ?1;

-- :token_set_state  by queue/states.c  write
UPDATE token SET state = ?2, seen_at = ?3 WHERE id = ?1;

-- :print_job_state  by queue/states.c  read
SELECT j.state, p.application_id, NULL, NULL FROM print_job j JOIN parcel p ON p.id = j.parcel_id WHERE j.id = ?1;

-- :print_job_set_state  by queue/states.c  write
UPDATE print_job SET state = ?2, changed_at = ?3 WHERE id = ?1;

-- ---------------------------------------------------------------- applications

-- :application_add  by queue/import.c  write
INSERT INTO application (reference, kind, medium, state, quantity, urgent, delivery, approved_at, deadline_at, imported_at,
                         changed_at, record_sha256, held_why, held_from)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13);

-- :application_by_reference  by queue/import.c,queue/commands.c,queue/pack.c  read
SELECT a.id, a.state, a.record_sha256, p.record, a.held_from, a.held_why, a.medium, a.kind
FROM application a LEFT JOIN person p ON p.application_id = a.id WHERE a.reference = ?1;

-- :application_hold  by queue/verbs.c  write
UPDATE application SET held_from = state, held_why = ?2 WHERE id = ?1;

-- :application_free  by queue/verbs.c  write
UPDATE application SET held_from = NULL, held_why = NULL WHERE id = ?1;

-- :application_issued  by queue/pack.c  write
UPDATE application SET issued_at = ?2 WHERE id = ?1;

-- Credentials of an application by how far they are; those given up count nowhere.
-- :application_progress  by queue/finish.c  read
SELECT count(*), sum(state IN ('sealed', 'taken', 'packed')), sum(state = 'packed'),
       sum(state IN ('verified', 'sealed', 'taken', 'packed'))
FROM credential WHERE application_id = ?1 AND state <> 'revoked';

-- :person_add  by queue/import.c  write
INSERT INTO person (application_id, record) VALUES (?1, ?2);

-- :person_record  by queue/certify.c,queue/label.c  read
SELECT record FROM person WHERE application_id = ?1;

-- :credential_add  by queue/import.c  write
INSERT INTO credential (application_id, ordinal, name, key_type, profile, urgent, deadline_at, claimable, changed_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- :credentials_claimable  by queue/verbs.c  write
UPDATE credential SET claimable = ?2 WHERE application_id = ?1;

-- What has a token or may have a certificate.
-- :credentials_in_work  by queue/verbs.c  read
SELECT count(*) FROM credential c WHERE c.application_id = ?1 AND (c.state NOT IN ('waiting', 'revoked') OR EXISTS
  (SELECT 1 FROM certificate r WHERE r.credential_id = c.id AND r.state NOT IN ('refused', 'revoked')));

-- ---------------------------------------------------------------- the claim

-- Earliest deadline first, an application kept together.
-- Of a key type that the token offers; '' offers any.
-- :credential_next  by queue/claim.c  read
SELECT id, application_id FROM credential WHERE state = 'waiting' AND claimable = 1
AND (?1 = '' OR instr(' ' || ?1 || ' ', ' ' || key_type || ' ') > 0)
ORDER BY urgent DESC, deadline_at, application_id, ordinal;

-- How many wait, counted up to a limit: no more bays are started than can find work.
-- :credential_waiting  by queue/claim.c  read
SELECT count(*) FROM (SELECT 1 FROM credential WHERE state = 'waiting' AND claimable = 1 LIMIT ?1);

-- :credential_bind  by queue/claim.c  write
UPDATE credential SET use_id = ?2, attempt = attempt + 1 WHERE id = ?1;

-- :use_add  by queue/claim.c,queue/stock.c  write
INSERT INTO token_use (credential_id, token_id, bay, begun_at) VALUES (nullif(?1, 0), ?2, ?3, ?4);

-- :use_bind  by queue/stock.c  write
UPDATE token_use SET credential_id = ?2 WHERE id = ?1;

-- :use_end  by queue/fault.c,queue/finish.c,queue/stock.c  write
UPDATE token_use SET ended_at = ?3, outcome = ?2 WHERE id = ?1 AND ended_at IS NULL;

-- ---------------------------------------------------------------- credentials in work

-- :credential_by_name  by queue/commands.c  read
SELECT id, application_id, use_id, parked_from FROM credential WHERE name = ?1;

-- :credential_unbind  by queue/fault.c  write
UPDATE credential SET use_id = NULL WHERE id = ?1;

-- :credential_park  by queue/fault.c  write
UPDATE credential SET parked_from = ?2, parked_error = ?3, parked_detail = ?4 WHERE id = ?1;

-- :credential_unpark  by queue/fault.c  write
UPDATE credential SET parked_from = NULL, parked_error = NULL, parked_detail = NULL WHERE id = ?1;

-- :credential_parked_from  by queue/certify.c  write
UPDATE credential SET parked_from = ?2 WHERE id = ?1;

-- :credential_pending  by queue/fault.c,queue/certify.c  write
UPDATE credential SET pending = ?2 WHERE id = ?1;

-- :credential_fresh_attempts  by queue/commands.c  write
UPDATE credential SET attempt = 0 WHERE id = ?1;

-- :credentials_parked  by queue/verbs.c  read
SELECT id FROM credential WHERE application_id = ?1 AND state = 'parked' AND parked_error <> 'TOKEN_GONE';

-- In work, but in no bay: their tokens were taken out while nobody looked.
-- :credential_without_bay  by queue/recover.c  read
SELECT c.id FROM credential c
WHERE +c.id > ?1 AND c.state NOT IN ('waiting', 'packed', 'revoked')
  AND c.state IN ('claimed', 'initialised', 'keyed', 'requested', 'certified', 'burned', 'verified', 'sealed')
  AND c.use_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bay b WHERE b.credential_id = c.id)
ORDER BY +c.id LIMIT 1;

-- Everything a step needs to know, by the use that binds credential and token.
-- :work_get  by queue/work.c  read
SELECT c.id, c.application_id, u.id, t.id, k.id, r.id,
       coalesce(c.name, t.marker), a.reference, coalesce(c.key_type, s.key_type), c.profile, c.attempt,
       CASE WHEN c.id IS NULL THEN s.state ELSE c.state END, c.parked_from, c.parked_error, c.pending,
       t.state, t.serial, t.marker, t.codes, k.spki, r.state, r.serial, r.certificate, t.model, t.found IS NOT NULL
FROM token_use u
JOIN token t ON t.id = u.token_id
LEFT JOIN credential c ON c.id = u.credential_id
LEFT JOIN application a ON a.id = c.application_id
LEFT JOIN stock s ON s.id = u.id
LEFT JOIN key k ON k.id = (SELECT max(id) FROM key WHERE use_id = u.id)
LEFT JOIN certificate r ON r.credential_id = u.credential_id AND r.use_id = u.id AND r.state NOT IN ('refused', 'revoked')
WHERE u.id = ?1;

-- :work_use_of_credential  by queue/work.c  read
SELECT use_id FROM credential WHERE id = ?1;

-- ---------------------------------------------------------------- tokens

-- Every token with this model, ATR and serial number; `state` of its credential where it is in work. Ours in the order they came.
-- The ATR of some models changes when they are initialised: it counts only where there is no serial number.
-- :token_find  by queue/probe.c  read
SELECT t.id, t.state, t.marker, t.codes IS NOT NULL, t.failed_error, u.id, u.credential_id, t.found, t.erasing,
       CASE c.state WHEN 'parked' THEN c.parked_from ELSE c.state END, s.state
FROM token t LEFT JOIN token_use u ON u.token_id = t.id AND u.ended_at IS NULL
LEFT JOIN credential c ON c.id = u.credential_id LEFT JOIN stock s ON s.id = u.id
WHERE t.model = ?1 AND t.serial = ?3 AND (t.atr = ?2 OR ?3 <> '') ORDER BY t.id;

-- How many there are.
-- :token_alike  by queue/probe.c  read
SELECT count(*) FROM token WHERE model = ?1 AND atr = ?2 AND serial = ?3;

-- :token_add  by queue/probe.c  write
-- Like certificates and print jobs numbered behind all that were given out before a restore.
INSERT INTO token (id, model, atr, serial, marker, state, seen_at)
SELECT number, ?1, ?2, ?3, printf('MB-%08d', number), 'unknown', ?4 FROM (SELECT max(
  (SELECT coalesce(max(id), 0) + 1 FROM token),
  coalesce((SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'numbers_from'), 0)) AS number);

-- :token_marker  by queue/bay.c  read
SELECT marker FROM token WHERE id = ?1;

-- Tries left: 255 is "not said" (schemas/messages.h).
-- :token_seen  by queue/probe.c  write
UPDATE token SET seen_at = ?2, user_tries = nullif(?3, 255), so_tries = nullif(?4, 255) WHERE id = ?1;

-- :token_found  by queue/probe.c  write
UPDATE token SET found = ?2 WHERE id = ?1;

-- Nothing is left on it that was not made by us.
-- :token_clean  by queue/probe.c,queue/mint.c  write
UPDATE token SET found = NULL, erasing = 0, failed_error = NULL, failed_detail = NULL WHERE id = ?1;

-- Final codes are on no record: what will be put there is not what is on the token.
-- :token_erasing  by queue/erase.c  write
UPDATE token SET erasing = 1, found = CASE WHEN codes IS NULL THEN coalesce(found, marker) ELSE found END WHERE id = ?1;

-- What was signed for keys on this token and may still be believed by somebody.
-- :token_certificates  by queue/erase.c  read
SELECT count(*) FROM token_use u JOIN certificate r ON r.credential_id = u.credential_id AND r.use_id = u.id
WHERE u.token_id = ?1 AND r.state NOT IN ('refused', 'revoked');

-- Only where none are: while the old codes may still be on the token they must stay known.
-- :token_set_codes  by queue/probe.c  write
UPDATE token SET codes = ?2 WHERE id = ?1 AND codes IS NULL;

-- :token_forget_codes  by queue/prove.c  write
UPDATE token SET codes = NULL WHERE id = ?1;

-- A new failure takes back a person's word that it may be erased: that was given before it.
-- :token_failed  by queue/fault.c,queue/verbs.c  write
UPDATE token SET failed_error = ?2, failed_detail = ?3, erasing = 0 WHERE id = ?1;

-- What a person may mean: the serial number or the marker. The scrapped last: another one of that number is meant before them.
-- :token_named  by queue/naming.c  read
SELECT id, marker, state, found IS NOT NULL FROM token WHERE serial = ?1 OR marker = ?1 ORDER BY state = 'scrapped', id;

-- :token_credential  by queue/erase.c  read
SELECT c.name FROM token_use u JOIN credential c ON c.id = u.credential_id
WHERE u.token_id = ?1 ORDER BY u.id DESC LIMIT 1;

-- ---------------------------------------------------------------- stock

-- :stock_state  by queue/states.c  read
SELECT s.state, NULL, u.credential_id, u.token_id FROM stock s JOIN token_use u ON u.id = s.id WHERE s.id = ?1;

-- :stock_set_state  by queue/states.c  write
UPDATE stock SET state = ?2, changed_at = ?3 WHERE id = ?1;

-- :stock_add  by queue/stock.c  write
INSERT INTO stock (id, order_id, key_type, subject_max, changed_at) VALUES (?1, nullif(?2, 0), ?3, ?4, ?5);

-- :stock_checked  by queue/stock.c  write
UPDATE stock SET check_pid = ?2, challenge = ?3, signature = ?4, ready_at = ?5 WHERE id = ?1;

-- :stock_used  by queue/stock.c  write
UPDATE stock SET used_at = ?2 WHERE id = ?1;

-- :stock_subject_max  by queue/stock.c  read
SELECT subject_max FROM stock WHERE id = ?1;

-- :stock_ready  by queue/stock.c  read
SELECT count(*) FROM stock WHERE state IN ('claimed', 'initialised', 'keyed', 'ready') AND state = 'ready' AND key_type = ?1;

-- Only those that lie in a bay.
-- :stock_in_work  by queue/stock.c  read
SELECT count(*) FROM bay b JOIN token_use u ON u.token_id = b.token_id AND u.ended_at IS NULL JOIN stock s ON s.id = u.id
WHERE s.key_type = ?1 AND s.state IN ('claimed', 'initialised', 'keyed');

-- The use of a token that serves no credential.
-- :stock_of_token  by queue/work.c,queue/stock.c  read
SELECT u.id FROM token_use u JOIN stock s ON s.id = u.id
WHERE u.token_id = ?1 AND u.ended_at IS NULL AND u.credential_id IS NULL;

-- What a person says of the lot; what is known already stays.
-- :token_lot  by queue/stock.c  write
UPDATE token SET lot = coalesce(?2, lot) WHERE id = ?1;

-- :stock_orders  by queue/stock.c  read
SELECT id, key_type, count - made, lot FROM stock_order INDEXED BY stock_order_open WHERE ended_at IS NULL ORDER BY +id;

-- :stock_ordered  by queue/stock.c  read
SELECT count(*) FROM stock_order INDEXED BY stock_order_open WHERE ended_at IS NULL AND (?1 = 'any' OR key_type = ?1);

-- :stock_order_add  by queue/stock.c  write
INSERT INTO stock_order (key_type, count, lot, ordered_by, ordered_at) VALUES (?1, ?2, ?3, ?4, ?5);

-- :stock_order_end  by queue/stock.c  write
UPDATE stock_order INDEXED BY stock_order_open SET ended_at = ?2 WHERE ended_at IS NULL AND (?1 = 'any' OR key_type = ?1);

-- One more is made for the order that it was begun for; with the last one that ends.
-- :stock_order_made  by queue/stock.c  write
UPDATE stock_order SET made = made + 1, ended_at = CASE WHEN made + 1 >= count THEN coalesce(ended_at, ?2) ELSE ended_at END
WHERE id = (SELECT order_id FROM stock WHERE id = ?1);

-- ---------------------------------------------------------------- journal and leases

-- :journal_begin  by queue/journal.c  write
INSERT INTO journal (credential_id, use_id, token_id, step, bench, bay, lease, pid, release, actor, begun_at)
VALUES (nullif(?1, 0), nullif(?2, 0), nullif(?3, 0), ?4, ?5, nullif(?6, 0), ?7, nullif(?8, 0), ?9, ?10, ?11);

-- :journal_cycle  by queue/journal.c  write
INSERT INTO journal (credential_id, use_id, token_id, step, bench, bay, lease, actor, begun_at, because)
VALUES (nullif(?1, 0), nullif(?2, 0), nullif(?3, 0), ?4, ?5, ?6, 0, ?7, ?8, ?9);

-- How often the power was cut for one use of a token because of one step.
-- :journal_cycled  by queue/journal.c  read
SELECT count(*) FROM journal INDEXED BY journal_cycle WHERE step = 'cycle' AND use_id = ?1 AND because = ?2;

-- :journal_end  by queue/journal.c  write
UPDATE journal SET ended_at = ?2, outcome = ?3, error = ?4, detail = ?5 WHERE id = ?1 AND ended_at IS NULL;

-- Open rows of steps on tokens whose worker is gone: they may or may not have happened.
-- :journal_lose  by queue/recover.c  write
UPDATE journal SET ended_at = ?1, outcome = 'lost', detail = 'mint-queue ended'
WHERE ended_at IS NULL AND step NOT IN ('certify', 'label');

-- :journal_open_step  by queue/certify.c  read
SELECT id FROM journal WHERE credential_id = ?1 AND step = ?2 AND ended_at IS NULL ORDER BY id DESC LIMIT 1;

-- Whether a step was ever begun for a use.
-- :journal_begun  by queue/journal.c  read
SELECT count(*) FROM journal WHERE credential_id = ?1 AND use_id = ?2 AND step = ?3;

-- The same for a token keyed ahead.
-- :journal_begun_ahead  by queue/journal.c  read
SELECT count(*) FROM journal WHERE credential_id IS NULL AND use_id = ?1 AND step = ?2;

-- Who did a step at last: pid and release, for the evidence.
-- :journal_who  by queue/prove.c  read
SELECT pid, release FROM journal WHERE credential_id = ?1 AND use_id = ?2 AND step = ?3 AND outcome = 'done'
ORDER BY id DESC LIMIT 1;

-- :lease_add  by queue/bay.c  write
INSERT INTO lease (bench, bay, role, begun_at) VALUES (?1, ?2, ?3, ?4);

-- :lease_end  by queue/bay.c  write
UPDATE lease SET ended_at = ?2 WHERE id = ?1;

-- :lease_lose  by queue/recover.c  write
UPDATE lease SET ended_at = ?1 WHERE ended_at IS NULL;

-- ---------------------------------------------------------------- bays

-- :bay_show  by queue/bay.c  write
INSERT INTO bay (bay, bench, reader, state, token_id, credential_id, lease, pid, step, step_at, error, changed_at, port, supply)
VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), nullif(?6, 0), nullif(?7, 0), nullif(?8, 0), ?9, nullif(?10, 0), ?11, ?12, nullif(?13, ''), ?14)
ON CONFLICT (bay) DO UPDATE SET bench = excluded.bench, reader = excluded.reader, state = excluded.state,
  token_id = excluded.token_id, credential_id = excluded.credential_id, lease = excluded.lease, pid = excluded.pid,
  step = excluded.step, step_at = excluded.step_at, error = excluded.error, changed_at = excluded.changed_at,
  port = excluded.port, supply = excluded.supply;

-- What hands and eyes need not move for leaves changed_at as it is.
-- :bay_supply  by queue/power.c  write
UPDATE bay SET supply = ?2 WHERE bay = ?1;

-- :bay_light  by queue/show.c  write
UPDATE bay SET light = ?2 WHERE bay = ?1;

-- :bay_recall  by queue/absence.c  read
SELECT bay, coalesce(token_id, 0), coalesce(credential_id, 0) FROM bay ORDER BY bay;

-- :bay_clear  by queue/recover.c  write
DELETE FROM bay;

-- ---------------------------------------------------------------- the station

-- :station_show  by queue/station.c  write
INSERT INTO station (station, link, stopped, lid_open, serial, build, detail, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (station) DO UPDATE SET link = excluded.link, stopped = excluded.stopped, lid_open = excluded.lid_open,
  serial = excluded.serial, build = excluded.build, detail = excluded.detail, changed_at = excluded.changed_at;

-- :station_stopped  by queue/station.c  read
SELECT station FROM station WHERE stopped ORDER BY station;

-- :station_clear  by queue/recover.c  write
DELETE FROM station;

-- :wiring_all  by queue/wiring.c  read
SELECT bay, port FROM bay_wiring ORDER BY bay;

-- A row of a bay that is configured no more, or that the configuration gives a port, must not hold a port that is another's.
-- :wiring_drop  by queue/wiring.c  write
DELETE FROM bay_wiring WHERE bay = ?1 OR port = ?2;

-- :wiring_add  by queue/wiring.c  write
INSERT INTO bay_wiring (bay, port, learned_at, actor) VALUES (?1, ?2, ?3, ?4);

-- Parcels that are complete and of which nothing is packed: minted, the newest label out, every token taken and in no bay any more.
-- :parcels_complete  by queue/button.c  read
SELECT a.id, a.reference, p.id FROM application a JOIN parcel p ON p.application_id = a.id
WHERE a.state NOT IN ('rejected','issued','invoice_requested','invoiced','cancelled') AND a.state = 'minted' AND p.state = 'open'
  AND EXISTS (SELECT 1 FROM credential c WHERE c.application_id = a.id AND c.state = 'taken')
  AND NOT EXISTS (SELECT 1 FROM credential c WHERE c.application_id = a.id AND c.state NOT IN ('taken', 'revoked'))
  AND NOT EXISTS (SELECT 1 FROM credential c JOIN bay b ON b.credential_id = c.id WHERE c.application_id = a.id)
  AND (SELECT j.state FROM print_job j WHERE j.parcel_id = p.id ORDER BY j.copy DESC LIMIT 1) = 'printed'
ORDER BY a.id LIMIT 5;

-- By what no other token has: the marker.
-- :markers_of_application  by queue/button.c  read
SELECT t.marker FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id
WHERE c.application_id = ?1 AND c.state = 'taken' ORDER BY c.ordinal;

-- ---------------------------------------------------------------- keys and certificates

-- :key_add  by queue/mint.c  write
INSERT INTO key (token_id, use_id, key_type, key_id, spki, spki_sha256, duration_us, made_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- :key_seen  by queue/mint.c  read
SELECT id, coalesce(use_id, 0) FROM key WHERE spki_sha256 = ?1;

-- :certificate_add  by queue/certify.c  write
INSERT INTO certificate (id, credential_id, use_id, key_id, serial, request) VALUES (max(
  (SELECT coalesce(max(id), 0) + 1 FROM certificate),
  coalesce((SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'numbers_from'), 0)), ?1, ?2, ?3, ?4, ?5);

-- :certificate_get  by queue/certify.c  read
SELECT r.credential_id, r.state, r.serial, r.request, k.spki, k.spki_sha256, c.profile, c.application_id, r.use_id,
       c.state, c.parked_from, r.certificate, c.name, c.pending, c.ordinal, a.reference, r.asked_at,
       r.error
FROM certificate r JOIN key k ON k.id = r.key_id JOIN credential c ON c.id = r.credential_id
JOIN application a ON a.id = c.application_id WHERE r.id = ?1;

-- :certificate_open  by queue/certify.c  read
SELECT id FROM certificate WHERE state IN ('reserved', 'asked', 'unknown', 'revoking') AND +id > ?1 ORDER BY +id LIMIT 1;

-- :certificate_of_credential  by queue/fault.c  read
SELECT id, state FROM certificate WHERE credential_id = ?1 AND state NOT IN ('refused', 'revoked');

-- :certificate_set_state  by queue/certify.c  write
UPDATE certificate SET state = ?2, error = ?3, detail = ?4 WHERE id = ?1;

-- :certificate_asked  by queue/certify.c  write
UPDATE certificate SET state = 'asked', asked_at = ?2 WHERE id = ?1;

-- What was asked and not answered when the CA's channel broke.
-- :certificate_doubt  by queue/certify.c  write
UPDATE certificate SET state = 'unknown'
WHERE state IN ('reserved', 'asked', 'unknown', 'revoking') AND state = 'asked';

-- :certificate_signed  by queue/certify.c  write
UPDATE certificate SET certificate = ?2, signed_at = ?3,
  state = CASE state WHEN 'revoking' THEN 'revoking' ELSE 'signed' END, error = NULL, detail = NULL WHERE id = ?1;

-- :certificate_live  by queue/prove.c  write
UPDATE certificate SET state = 'live' WHERE id = ?1;

-- :certificate_revoked  by queue/certify.c  write
UPDATE certificate SET state = 'revoked', revoked_at = ?2, error = NULL, detail = NULL WHERE id = ?1;

-- ---------------------------------------------------------------- proof

-- :proof_add  by queue/prove.c  write
INSERT INTO proof (use_id, prove_pid, prove_release, mint_pid, mint_release, certificate_sha256, read_at, challenge, signature,
                   signed_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- :envelope_add  by queue/prove.c  write
INSERT INTO pin_envelope (token_id, use_id, codes, cms, made_at) VALUES (?1, ?2, ?3, ?4, ?5);

-- :envelope_set  by queue/prove.c  write
UPDATE pin_envelope SET set_at = ?2 WHERE use_id = ?1 AND set_at IS NULL;

-- ---------------------------------------------------------------- parcels and labels

-- :parcel_add  by queue/import.c  write
INSERT INTO parcel (application_id) VALUES (?1);

-- :parcel_of_application  by queue/label.c,queue/pack.c  read
SELECT id, state FROM parcel WHERE application_id = ?1;

-- :parcel_is_open  by queue/pack.c  read
SELECT state = 'open' FROM parcel WHERE id = ?1;

-- :parcel_packed  by queue/pack.c  write
UPDATE parcel SET state = 'packed', packed_at = ?2, packed_by = ?3 WHERE id = ?1;

-- :parcel_item_add  by queue/pack.c  write
INSERT INTO parcel_item (parcel_id, credential_id, token_id, packed_at) VALUES (?1, ?2, ?3, ?4);

-- To whom a token belongs: its last use that was not given up.
-- :token_owner  by queue/pack.c  read
SELECT t.id, t.state, c.id, c.state, c.application_id, a.reference, u.id, c.name
FROM token t
LEFT JOIN token_use u ON u.token_id = t.id AND (u.ended_at IS NULL OR u.outcome = 'packed')
LEFT JOIN credential c ON c.id = u.credential_id
LEFT JOIN application a ON a.id = c.application_id
WHERE t.id = ?1 ORDER BY u.ended_at IS NULL DESC, u.id DESC LIMIT 1;

-- What tells each from every other token: the marker too, where another one has its serial number.
-- :tokens_of_application  by queue/label.c  read
SELECT CASE WHEN t.serial = '' THEN t.marker
       WHEN EXISTS (SELECT 1 FROM token o WHERE o.serial = t.serial AND o.id <> t.id) THEN t.serial || ' ' || t.marker
       ELSE t.serial END
FROM credential c JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id
WHERE c.application_id = ?1 AND c.state <> 'revoked' ORDER BY c.ordinal;

-- :print_job_add  by queue/label.c  write
INSERT INTO print_job (id, parcel_id, copy, made_at, changed_at) VALUES (max(
  (SELECT coalesce(max(id), 0) + 1 FROM print_job),
  coalesce((SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'numbers_from'), 0)), ?1, ?2, ?3, ?3);

-- :print_job_last  by queue/label.c,queue/commands.c  read
SELECT j.id, j.copy, j.state FROM print_job j JOIN parcel p ON p.id = j.parcel_id
WHERE p.application_id = ?1 ORDER BY j.copy DESC LIMIT 1;

-- Whether the newest label is out: an older one may name a token that was replaced.
-- :print_job_is_out  by queue/finish.c  read
SELECT j.state = 'printed' FROM print_job j JOIN parcel p ON p.id = j.parcel_id
WHERE p.application_id = ?1 ORDER BY j.copy DESC LIMIT 1;

-- :print_job_get  by queue/label.c  read
SELECT j.copy, j.made_at, j.state, p.application_id, a.reference, a.delivery, a.urgent, j.tokens
FROM print_job j JOIN parcel p ON p.id = j.parcel_id JOIN application a ON a.id = p.application_id WHERE j.id = ?1;

-- :print_job_waiting  by queue/label.c  read
SELECT id FROM print_job WHERE state IN ('waiting', 'printing') AND state = 'waiting' AND +id > ?1 ORDER BY +id LIMIT 1;

-- :print_job_printing  by queue/label.c  read
SELECT id FROM print_job WHERE state IN ('waiting', 'printing') AND state = 'printing' AND +id > ?1 AND changed_at < ?2
ORDER BY +id LIMIT 1;

-- :print_job_sent  by queue/label.c  write
UPDATE print_job SET attempt = attempt + 1, tokens = coalesce(tokens, ?2) WHERE id = ?1;

-- :print_job_printed  by queue/label.c  write
UPDATE print_job SET sha256 = ?2, place = ?3, printed_at = ?4, error = NULL, detail = NULL WHERE id = ?1;

-- :print_job_error  by queue/label.c  write
UPDATE print_job SET error = ?2, detail = ?3 WHERE id = ?1;
