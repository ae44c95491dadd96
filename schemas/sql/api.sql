-- Everything mint-api reads; tools/dev/statements.awk makes build/gen/api_sql.h from it. Parameters are bound by name.
-- A column …_at becomes RFC 3339, …_flag a boolean, …_json a JSON value, …_base64 a blob in base64 (the suffix of the last three is
-- dropped), any other blob hex.

-- :seq  by api/record.c  read
-- The newest event: cursor and entity tag.
SELECT coalesce(max(seq), 0) AS seq FROM event;

-- :data_version  by api/record.c  read
-- Changes with every commit of the writer, so that no entity tag outlives what it names.
SELECT data_version FROM pragma_data_version;

-- :begin  by api/record.c  write
-- One request sees one moment.
BEGIN;

-- :end  by api/record.c  write
-- Lets the writer's checkpoint pass.
COMMIT;

-- :tally_applications  by api/status.c  read
-- How many in each state, here and below: what is at its end is kept in `closed`, the rest is counted by partial indexes.
SELECT state, count(*) AS count FROM application WHERE state NOT IN ('rejected','issued','invoice_requested','invoiced','cancelled') GROUP BY state
UNION ALL SELECT state, count FROM closed WHERE machine = 'application' AND count > 0 ORDER BY state;

-- :tally_credentials  by api/status.c  read
SELECT state, count(*) AS count FROM credential WHERE state NOT IN ('waiting','packed','revoked') GROUP BY state
UNION ALL SELECT 'waiting', count FROM (SELECT (SELECT count(*) FROM credential WHERE state = 'waiting' AND claimable = 1)
  + (SELECT count(*) FROM credential WHERE state = 'waiting' AND claimable = 0) AS count) WHERE count > 0
UNION ALL SELECT state, count FROM closed WHERE machine = 'credential' AND count > 0 ORDER BY state;

-- :tally_tokens  by api/status.c  read
SELECT state, count(*) AS count FROM token WHERE state NOT IN ('shipped','scrapped') GROUP BY state
UNION ALL SELECT state, count FROM closed WHERE machine = 'token' AND count > 0 ORDER BY state;

-- :tally_labels  by api/status.c  read
SELECT state, count(*) AS count FROM print_job WHERE state IN ('waiting','printing') GROUP BY state
UNION ALL SELECT state, count(*) AS count FROM print_job WHERE state IN ('failed','unknown') GROUP BY state
UNION ALL SELECT state, count FROM closed WHERE machine = 'print_job' AND count > 0 ORDER BY state;

-- :tally_bays  by api/status.c  read
SELECT state, count(*) AS count FROM bay GROUP BY state ORDER BY state;

-- :open_applications  by api/status.c  read
-- How many have missed their deadline; how many that the bench may work on are urgent.
SELECT coalesce(sum(deadline_at < :now), 0) AS late, coalesce(sum(urgent AND state <> 'held'), 0) AS urgent FROM application
 WHERE state NOT IN ('rejected','issued','invoice_requested','invoiced','cancelled') AND state IN ('approved','held','minting','minted','packed');

-- :credentials_moving  by api/status.c  read
-- Credentials that machines or the packer's hands will move on: tokens of a parcel lie on the table while another of its
-- credentials waits for a person. `decided`: parked still, and it is the CA that a person's decision waits for. The conditions are
-- written so that the partial indexes credential_claim and credential_open answer them.
-- After a restore none is claimed or asked for until a person settles it.
SELECT
  (SELECT count(*) FROM credential WHERE state = 'waiting' AND claimable = 1
      AND NOT EXISTS (SELECT 1 FROM fact WHERE name = 'restored_unsettled'))
  + (SELECT count(*) FROM credential WHERE state NOT IN ('waiting','packed','revoked') AND state NOT IN ('taken','parked')
      AND state NOT IN (SELECT 'requested' FROM fact WHERE name = 'restored_unsettled'))
  + (SELECT count(*) FROM credential c WHERE c.state NOT IN ('waiting','packed','revoked') AND c.state = 'taken'
      AND NOT EXISTS (SELECT 1 FROM credential o WHERE o.application_id = c.application_id AND o.state = 'parked' AND o.pending IS NULL))
    AS moving,
  (SELECT count(*) FROM credential c WHERE c.state NOT IN ('waiting','packed','revoked') AND c.state = 'parked' AND c.pending IS NOT NULL)
    AS decided;

-- :unsettled  by api/status.c  read
-- What a person has to settle after a restore.
SELECT value AS unsettled_json FROM fact WHERE name = 'restored_unsettled';

-- :labels_stuck  by api/status.c  read
-- Parcels whose newest label failed or is in doubt: they wait for a person. `open`: of them those not issued yet.
SELECT count(*) AS stuck, count(CASE WHEN a.state IN ('minted','packed') THEN 1 END) AS open
  FROM print_job j JOIN parcel p ON p.id = j.parcel_id JOIN application a ON a.id = p.application_id
 WHERE j.state IN ('failed','unknown') AND NOT EXISTS (SELECT 1 FROM print_job n WHERE n.parcel_id = j.parcel_id AND n.copy > j.copy);

-- :pace  by api/status.c  read
-- The newest sealings, for tokens an hour.
SELECT count(*) AS count, coalesce(min(at), 0) AS first, coalesce(max(at), 0) AS last FROM event
 WHERE seq > :seq - 5000 AND kind = 'credential.sealed' AND at > :since;

-- :parked  by api/status.c  read
-- What waits for a person, oldest first.
SELECT c.name, c.state, c.parked_error AS error, c.parked_detail AS detail, c.parked_from AS "from", c.changed_at,
       c.use_id IS NOT NULL AS on_token, c.pending IS NOT NULL OR EXISTS (SELECT 1 FROM certificate r
         WHERE r.credential_id = c.id AND r.state NOT IN ('refused','revoked')) AS unsettled
  FROM credential c WHERE c.state NOT IN ('waiting','packed','revoked') AND c.state = 'parked' ORDER BY c.changed_at, c.id LIMIT 20;

-- :delayed  by api/status.c  read
-- What is tried again by itself because the CA or the printer could not: why, and how many wait for it.
SELECT 'ca' AS place, error, min(detail) AS detail, count(*) AS count FROM certificate
 WHERE state IN ('reserved','asked','unknown','revoking') AND error IS NOT NULL GROUP BY error
UNION ALL
SELECT 'printer', error, min(detail), count(*) FROM print_job
 WHERE state IN ('waiting','printing') AND error IS NOT NULL GROUP BY error;

-- :summary  by api/status.c  read
-- The numbers of a run.
SELECT
  (SELECT count(*) FROM application) AS applications,
  (SELECT count(*) FROM credential) AS credentials,
  (SELECT count(*) FROM application WHERE state IN ('issued','invoice_requested','invoiced')) AS issued,
  (SELECT count(*) FROM credential WHERE state = 'packed') AS issued_credentials,
  (SELECT count(*) FROM credential WHERE state = 'parked') AS parked,
  (SELECT count(*) FROM credential WHERE state = 'waiting') AS waiting,
  (SELECT count(*) FROM application WHERE state = 'held') AS held,
  (SELECT count(*) FROM application WHERE state = 'rejected') AS rejected,
  (SELECT count(*) FROM application WHERE state = 'cancelled') AS cancelled,
  (SELECT count(*) FROM token WHERE state = 'quarantined') AS tokens_quarantined,
  (SELECT count(*) FROM certificate WHERE state = 'revoked') AS certificates_revoked,
  (SELECT count(*) FROM proof) AS proofs,
  (SELECT count(*) FROM print_job WHERE state = 'printed') AS labels,
  (SELECT count(*) FROM bay) AS bays;

-- :span  by api/status.c  read
-- When minting began and ended, and when the last credential was claimed (the drain begins there).
SELECT min(j.begun_at) AS begun, max(CASE WHEN j.step = 'seal' AND j.outcome = 'done' THEN j.ended_at END) AS ended,
       max(CASE WHEN j.step = 'initialise' OR (j.step = 'request' AND EXISTS (SELECT 1 FROM stock s WHERE s.id = j.use_id))
           THEN j.begun_at END) AS claimed,
       count(CASE WHEN j.step = 'seal' AND j.outcome = 'done' THEN 1 END) AS sealed
  FROM journal j WHERE j.begun_at >= :since;

-- :key_time  by api/status.c  read
-- How long tokens generated keys between two moments.
SELECT coalesce(sum(min(made_at, :until) - max(made_at - duration_us, :since)), 0) AS busy_us FROM key
 WHERE made_at > :since AND made_at - duration_us < :until;

-- :step_times  by api/status.c  read
-- How long each step took.
SELECT step, count(*) AS count, count(CASE WHEN outcome <> 'done' THEN 1 END) AS failed,
       CAST(avg(ended_at - begun_at) / 1000 AS INTEGER) AS mean_ms, max(ended_at - begun_at) / 1000 AS max_ms
  FROM journal WHERE begun_at >= :since AND ended_at IS NOT NULL GROUP BY step ORDER BY min(id);

-- :applications  by api/applications.c  read
-- A page; no personal data.
SELECT a.id AS cursor, a.reference, a.kind, a.medium, a.state, a.quantity, a.urgent AS urgent_flag, a.delivery,
       a.approved_at, a.deadline_at, a.imported_at, a.changed_at, a.issued_at,
       (a.deadline_at < :now AND a.state IN ('approved','held','minting','minted','packed')) AS late_flag,
       (SELECT count(*) FROM credential c WHERE c.application_id = a.id AND c.state IN ('sealed','taken','packed')) AS minted,
       (SELECT count(*) FROM credential c WHERE c.application_id = a.id AND c.state = 'packed') AS packed,
       (SELECT count(*) FROM credential c WHERE c.application_id = a.id AND c.state = 'parked') AS parked
  FROM application a
 WHERE a.id > :after
   AND (:state IS NULL OR a.state = :state)
   AND (:urgent IS NULL OR a.urgent = :urgent)
   AND (:late IS NULL OR (a.deadline_at < :now AND a.state IN ('approved','held','minting','minted','packed')) = :late)
   AND (:reference IS NULL OR substr(a.reference, 1, length(:reference)) = :reference)
 ORDER BY a.id LIMIT :limit;

-- :application  by api/applications.c  read
-- One application.
SELECT a.id, a.reference, a.kind, a.medium, a.state, a.quantity, a.urgent AS urgent_flag, a.delivery, a.approved_at,
       a.deadline_at, a.imported_at, a.changed_at, a.issued_at, a.held_why, a.held_from,
       (a.deadline_at < :now AND a.state IN ('approved','held','minting','minted','packed')) AS late_flag
  FROM application a WHERE a.reference = :reference;

-- :person  by api/applications.c  read
-- Personal data of one application, for the Unix socket.
SELECT record AS record_json, erased_at FROM person WHERE application_id = :application;

-- :parcel  by api/applications.c  read
-- The parcel of an application.
SELECT id, state, packed_at, packed_by FROM parcel WHERE application_id = :application;

-- :parcel_items  by api/applications.c  read
-- Which tokens went into it.
SELECT c.name AS credential, t.serial AS token, t.marker AS token_marker, i.packed_at FROM parcel_item i
  JOIN credential c ON c.id = i.credential_id JOIN token t ON t.id = i.token_id
 WHERE i.parcel_id = :parcel ORDER BY c.ordinal;

-- :labels  by api/applications.c  read
-- Print jobs of a parcel.
SELECT id AS job, copy, state, attempt, sha256, place, error, detail, made_at, changed_at, printed_at FROM print_job
 WHERE parcel_id = :parcel ORDER BY copy;

-- :application_events  by api/applications.c  read
-- The newest events of an application, newest first.
SELECT e.seq, e.at, e.actor, e.kind, c.name AS credential, t.serial AS token, e.bay, e.error, e.detail AS detail_json
  FROM event e LEFT JOIN credential c ON c.id = e.credential_id LEFT JOIN token t ON t.id = e.token_id
 WHERE e.application_id = :application ORDER BY e.seq DESC LIMIT 200;

-- :credentials_of  by api/applications.c  read
-- The credentials of an application.
SELECT c.name, c.ordinal, c.key_type, c.profile, c.state, c.attempt, c.parked_from, c.parked_error, c.parked_detail,
       c.changed_at, t.serial AS token, t.marker AS token_marker, u.bay
  FROM credential c LEFT JOIN token_use u ON u.id = c.use_id LEFT JOIN token t ON t.id = u.token_id
 WHERE c.application_id = :application ORDER BY c.ordinal;

-- :credentials  by api/credentials.c  read
-- A page of credentials.
SELECT c.id AS cursor, c.name, a.reference AS application, c.key_type, c.profile, c.state, c.attempt, c.urgent AS urgent_flag,
       c.deadline_at, c.parked_from, c.parked_error, c.parked_detail, c.changed_at, t.serial AS token, t.marker AS token_marker, u.bay
  FROM credential c JOIN application a ON a.id = c.application_id
  LEFT JOIN token_use u ON u.id = c.use_id LEFT JOIN token t ON t.id = u.token_id
 WHERE c.id > :after
   AND (:state IS NULL OR c.state = :state)
   AND (:application IS NULL OR a.reference = :application)
 ORDER BY c.id LIMIT :limit;

-- :credential  by api/credentials.c  read
-- One credential.
SELECT c.id, c.name, a.reference AS application, c.ordinal, c.key_type, c.profile, c.state, c.attempt, c.use_id,
       c.parked_from, c.parked_error, c.parked_detail, c.pending, c.urgent AS urgent_flag, c.deadline_at, c.changed_at,
       c.use_id IS NOT NULL AS on_token, c.pending IS NOT NULL OR EXISTS (SELECT 1 FROM certificate r
         WHERE r.credential_id = c.id AND r.state NOT IN ('refused','revoked')) AS unsettled
  FROM credential c JOIN application a ON a.id = c.application_id WHERE c.name = :name;

-- :uses  by api/credentials.c  read
-- The tokens a credential was on, first one first.
SELECT u.id AS use, t.serial, t.model, t.marker, t.atr, t.state, u.bay, u.begun_at, u.ended_at, u.outcome,
       s.ready_at AS stocked_at, s.used_at, s.check_pid, s.challenge AS check_challenge, s.signature AS check_signature
  FROM token_use u JOIN token t ON t.id = u.token_id LEFT JOIN stock s ON s.id = u.id WHERE u.credential_id = :credential ORDER BY u.id;

-- :keys  by api/credentials.c  read
-- The keys made for a credential.
SELECT k.use_id AS use, k.key_type, k.key_id, k.spki_sha256, k.duration_us, k.made_at
  FROM key k JOIN token_use u ON u.id = k.use_id WHERE u.credential_id = :credential ORDER BY k.id;

-- :certificates_of  by api/credentials.c  read
-- Every certificate asked for under a credential.
SELECT id AS request_id, use_id AS use, purpose, serial, state, certificate, asked_at, signed_at, revoked_at, error, detail
  FROM certificate WHERE credential_id = :credential ORDER BY id;

-- :proofs  by api/credentials.c  read
-- The proofs of a credential.
SELECT p.use_id AS use, p.prove_pid, p.prove_release, p.mint_pid, p.mint_release, p.certificate_sha256, p.read_at,
       p.challenge, p.signature, p.signed_at
  FROM proof p JOIN token_use u ON u.id = p.use_id WHERE u.credential_id = :credential ORDER BY p.use_id;

-- :envelopes  by api/credentials.c  read
-- The PIN office's envelopes; their content is not shown.
SELECT e.id AS envelope, e.use_id AS use, e.codes, length(e.cms) AS cms_bytes, e.made_at, e.set_at
  FROM pin_envelope e JOIN token_use u ON u.id = e.use_id WHERE u.credential_id = :credential ORDER BY e.id;

-- :journal  by api/credentials.c  read
-- What was begun and how it ended; on a token from stock that is also what was done ahead.
SELECT j.id, j.step, j.because, j.bench, j.bay, j.lease, j.pid, j.release, j.actor, t.serial AS token, j.begun_at, j.ended_at, j.outcome,
       j.error, j.detail
  FROM journal j LEFT JOIN token t ON t.id = j.token_id
 WHERE j.id IN (SELECT id FROM journal WHERE credential_id = :credential UNION ALL
                SELECT a.id FROM token_use u CROSS JOIN journal a INDEXED BY journal_of_use ON a.use_id = u.id AND a.credential_id IS NULL
                 WHERE u.credential_id = :credential)
 ORDER BY j.id;

-- :credential_events  by api/credentials.c  read
-- What happened to a credential.
SELECT e.seq, e.at, e.actor, e.kind, t.serial AS token, e.bay, e.error, e.detail AS detail_json
  FROM event e LEFT JOIN token t ON t.id = e.token_id WHERE e.credential_id = :credential ORDER BY e.seq;

-- :live_certificates  by api/certificates.c  read
-- A page of live certificates.
SELECT f.id AS cursor, c.name, f.certificate FROM certificate f JOIN credential c ON c.id = f.credential_id
 WHERE f.id > :after AND f.state = 'live' AND f.certificate IS NOT NULL ORDER BY f.id LIMIT :limit;

-- :pin_envelopes  by api/envelopes.c  read
-- A page of envelopes. Superseded are the codes that a later envelope of the same token holds, set already or not: before new ones
-- are set the token is initialised anew, or the step that set the old ones was cut short. Found through the uses, which are indexed.
SELECT e.id AS cursor, e.id, t.serial AS token, t.marker, t.model, c.name AS credential, a.reference AS application, e.codes,
       e.codes & (SELECT coalesce(max(l.codes & 1), 0) | coalesce(max(l.codes & 2), 0) FROM token_use o
                    JOIN pin_envelope l ON l.use_id = o.id WHERE o.token_id = e.token_id AND l.id > e.id) AS superseded,
       e.made_at, e.set_at, e.cms AS cms_base64
  FROM pin_envelope e JOIN token t ON t.id = e.token_id JOIN token_use u ON u.id = e.use_id
  JOIN credential c ON c.id = u.credential_id JOIN application a ON a.id = c.application_id
 WHERE e.id > :after AND (e.set_at IS NOT NULL) = :set
   AND (:reference IS NULL OR substr(a.reference, 1, length(:reference)) = :reference)
 ORDER BY e.id LIMIT :limit;

-- :pin_envelopes_settled  by api/envelopes.c  read
-- Every envelope up to this id is set or will never be: a token that is still in work may be sealed after one with a later envelope.
SELECT coalesce((SELECT min(e.id) - 1 FROM token_use u JOIN pin_envelope e ON e.use_id = u.id WHERE u.ended_at IS NULL AND e.set_at IS NULL),
       (SELECT max(id) FROM pin_envelope), 0) AS settled;

-- :bays  by api/bays.c  read
-- Every bay.
SELECT b.bay, b.bench, b.reader, b.state, t.serial AS token, t.marker AS token_marker, c.name AS credential, a.reference AS application, b.lease, b.pid,
       b.step, b.step_at, CASE WHEN b.step IS NULL THEN NULL ELSE max(0, :now - b.step_at) / 1000 END AS elapsed_ms,
       b.error, p.id AS parcel, coalesce(w.port, '') AS port, w.learned_at AS port_learned_at, b.port AS port_seen, b.supply, b.light, b.changed_at
  FROM bay b LEFT JOIN token t ON t.id = b.token_id LEFT JOIN credential c ON c.id = b.credential_id
  LEFT JOIN application a ON a.id = c.application_id LEFT JOIN parcel p ON p.application_id = a.id
  LEFT JOIN bay_wiring w ON w.bay = b.bay ORDER BY b.bay;

-- :stations  by api/status.c  read
-- Every board of the bench.
SELECT station, link, stopped AS stopped_flag, lid_open AS lid_open_flag, serial, build, detail, changed_at FROM station ORDER BY station;

-- :tokens  by api/bays.c  read
-- A page of tokens.
SELECT t.id AS cursor, t.serial, t.model, t.marker, t.found, t.lot, t.state, t.user_tries, t.so_tries, t.failed_error,
       t.failed_detail, t.seen_at
  FROM token t WHERE t.id > :after AND (:state IS NULL OR t.state = :state) ORDER BY t.id LIMIT :limit;

-- :token  by api/bays.c  read
-- The tokens of a serial number, some lots repeat it; or the one of a marker.
SELECT t.id, t.serial, t.model, t.marker, t.found, t.atr, t.lot, t.state, t.user_tries, t.so_tries, t.failed_error,
       t.failed_detail, t.seen_at
  FROM token t WHERE t.serial = :serial OR t.marker = :serial ORDER BY t.id;

-- :token_uses  by api/bays.c  read
-- Whom a token served, and what was keyed ahead on it.
SELECT u.id AS use, c.name AS credential, a.reference AS application, u.bay, u.begun_at, u.ended_at, u.outcome,
       s.state AS stock, s.key_type AS stock_key_type, s.ready_at AS stocked_at, s.used_at,
       (SELECT k.spki_sha256 FROM key k WHERE k.use_id = u.id ORDER BY k.id DESC LIMIT 1) AS spki_sha256
  FROM token_use u LEFT JOIN credential c ON c.id = u.credential_id LEFT JOIN application a ON a.id = c.application_id
  LEFT JOIN stock s ON s.id = u.id
 WHERE u.token_id = :token ORDER BY u.id;

-- :stock_levels  by api/stock.c,api/status.c  read
-- Tokens keyed ahead and not used yet, those that are being made in a bay, and those that were taken out before they were done.
SELECT s.key_type, t.model, t.lot, count(CASE WHEN s.state = 'ready' THEN 1 END) AS ready,
       count(CASE WHEN s.state <> 'ready' AND EXISTS (SELECT 1 FROM bay b WHERE b.token_id = t.id) THEN 1 END) AS in_work,
       count(CASE WHEN s.state <> 'ready' AND NOT EXISTS (SELECT 1 FROM bay b WHERE b.token_id = t.id) THEN 1 END) AS cut_short
  FROM stock s JOIN token_use u ON u.id = s.id JOIN token t ON t.id = u.token_id
 WHERE s.state IN ('claimed','initialised','keyed','ready') GROUP BY s.key_type, t.model, t.lot ORDER BY s.key_type, t.model, t.lot;

-- :stock_orders  by api/stock.c,api/status.c  read
-- What is still to be keyed ahead; in which bays lies a token that cannot be used for it, while none is in work.
SELECT o.key_type, o.count, o.made, o.lot, o.ordered_by, o.ordered_at,
       (SELECT group_concat(bay, ', ') FROM (SELECT bay FROM bay WHERE state = 'idle' AND error = 'TOKEN_MECHANISM' ORDER BY bay)
         WHERE NOT EXISTS (SELECT 1 FROM stock s JOIN token_use u ON u.id = s.id JOIN bay b ON b.token_id = u.token_id
           WHERE s.key_type = o.key_type AND s.state IN ('claimed','initialised','keyed'))) AS not_offered_in
  FROM stock_order o WHERE o.ended_at IS NULL ORDER BY o.id;

-- :events  by api/events.c  read
-- The feed.
SELECT e.seq, e.at, e.actor, e.kind, a.reference AS application, c.name AS credential, t.serial AS token, e.bay,
       e.error, e.detail AS detail_json
  FROM event e LEFT JOIN application a ON a.id = e.application_id LEFT JOIN credential c ON c.id = e.credential_id
  LEFT JOIN token t ON t.id = e.token_id
 WHERE e.seq > :after AND (:application IS NULL OR a.reference = :application) ORDER BY e.seq LIMIT :limit;

-- :forecast_working  by api/forecast_read.c  read
-- What is in work now, and since when. The condition is written so that the partial index credential_open answers it.
SELECT c.application_id, a.reference, a.deadline_at, c.key_type, u.begun_at
  FROM credential c JOIN application a ON a.id = c.application_id JOIN token_use u ON u.id = c.use_id
 WHERE c.state NOT IN ('waiting','packed','revoked') AND c.state NOT IN ('sealed','taken','parked') ORDER BY u.begun_at;

-- :forecast_waiting  by api/forecast_read.c  read
-- What waits, in the order of mint-queue's :credential_next, which hands it out.
SELECT c.application_id, a.reference, a.deadline_at, c.key_type
  FROM credential c CROSS JOIN application a ON a.id = c.application_id
 WHERE c.state = 'waiting' AND c.claimable = 1
 ORDER BY c.urgent DESC, c.deadline_at, c.application_id, c.ordinal;

-- :forecast_uses  by api/forecast_read.c  read
-- The newest uses, newest first: first intent and sealing, and whether the key was there before (what was done ahead stands in the journal
-- without a credential). Those that failed have no sealing.
SELECT c.key_type, u.bay, a.imported_at,
       (SELECT min(j.begun_at) FROM journal j WHERE j.credential_id = u.credential_id AND j.use_id = u.id) AS begun_at,
       (SELECT max(j.ended_at) FROM journal j WHERE j.credential_id = u.credential_id AND j.use_id = u.id AND j.step = 'seal'
           AND j.outcome = 'done') AS sealed_at,
       NOT EXISTS (SELECT 1 FROM journal j WHERE j.credential_id = u.credential_id AND j.use_id = u.id
           AND j.step IN ('initialise','key')) AS prekeyed
  FROM token_use u CROSS JOIN credential c ON c.id = u.credential_id CROSS JOIN application a ON a.id = c.application_id
 WHERE u.id > (SELECT coalesce(max(id), 0) FROM token_use) - :newest ORDER BY u.id DESC;

-- :forecast_stock  by api/forecast_read.c  read
SELECT key_type, count(*) AS count FROM stock WHERE state IN ('claimed','initialised','keyed','ready') AND state = 'ready' GROUP BY key_type;

-- :forecast_bays  by api/forecast_read.c  read
-- Which bays there are, and how they stand.
SELECT bay, state, error FROM bay;

-- :forecast_aside  by api/forecast.c  read
-- Credentials that wait for a person, so nobody can say when they end.
SELECT
  (SELECT count(*) FROM credential WHERE state NOT IN ('waiting','packed','revoked') AND state = 'parked') AS parked,
  (SELECT count(*) FROM application a CROSS JOIN credential c ON c.application_id = a.id
    WHERE a.state = 'held' AND c.state = 'waiting') AS held;
