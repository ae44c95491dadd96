-- What must hold in the record, rule by rule: each query gives one row for each thing that is wrong (rules.awk says the form).
-- Tables x_… are what outside tools found out about the blobs: SHA-256 of certificates, challenges, public keys.

-- :integrity
-- of  (SELECT count(*) FROM sqlite_schema WHERE type = 'table') || ' tables'
SELECT integrity_check AS problem FROM pragma_integrity_check WHERE integrity_check <> 'ok'
UNION ALL SELECT "table" || ' row ' || rowid || ' points to no row of ' || parent FROM pragma_foreign_key_check;

-- :something-issued finished
-- of  (SELECT count(*) FROM application WHERE state IN ('issued','invoice_requested','invoiced')) || ' applications'
SELECT 'no application is issued' AS problem
WHERE NOT EXISTS (SELECT 1 FROM application WHERE state IN ('issued','invoice_requested','invoiced'));

-- :nothing-lost finished
-- of  (SELECT count(*) FROM application) || ' applications'
-- Whoever did not get through waits for a person, and says so.
SELECT reference || ' stands at ' || state AS problem FROM application a
WHERE state NOT IN ('issued','invoice_requested','invoiced','held','cancelled','rejected')
  AND NOT EXISTS (SELECT 1 FROM credential c WHERE c.application_id = a.id AND c.state = 'parked');

-- :closed-counted
-- of  (SELECT count(*) FROM closed) || ' states'
-- What the status shows of these is kept by triggers.
SELECT machine || ' ' || state || ': ' || count || ' are shown, there are ' || there AS problem FROM (SELECT machine, state, count, CASE machine
  WHEN 'application' THEN (SELECT count(*) FROM application a WHERE a.state = closed.state)
  WHEN 'credential' THEN (SELECT count(*) FROM credential c WHERE c.state = closed.state)
  WHEN 'token' THEN (SELECT count(*) FROM token t WHERE t.state = closed.state)
  ELSE (SELECT count(*) FROM print_job j WHERE j.state = closed.state) END AS there FROM closed) WHERE count <> there;

-- :credentials-as-asked
-- of  (SELECT count(*) FROM credential) || ' credentials'
SELECT a.reference || ' asks for ' || a.quantity || ' and has ' || count(c.id) AS problem
FROM application a LEFT JOIN credential c ON c.application_id = a.id
WHERE a.state NOT IN ('draft','submitted','identified','awaiting_payment','in_review','rejected','cancelled')
GROUP BY a.id HAVING count(c.id) <> a.quantity;

-- :issued-complete
-- of  (SELECT count(*) FROM credential WHERE state = 'packed') || ' packed credentials'
SELECT a.reference || ' is issued with ' || sum(c.state = 'packed') || ' of ' || a.quantity || ' packed' AS problem
FROM application a LEFT JOIN credential c ON c.application_id = a.id
WHERE a.state IN ('packed','issued','invoice_requested','invoiced')
GROUP BY a.id HAVING total(c.state = 'packed') + total(c.state = 'revoked') <> a.quantity OR total(c.state = 'packed') = 0;

-- :one-live-certificate
-- of  (SELECT count(*) FROM certificate WHERE state = 'live') || ' live certificates'
SELECT c.name || ' is ' || c.state || ' with ' || count(r.id) || ' live certificates' AS problem
FROM credential c LEFT JOIN certificate r ON r.credential_id = c.id AND r.state = 'live' AND r.purpose = 'signing'
WHERE c.state IN ('sealed','taken','packed') GROUP BY c.id HAVING count(r.id) <> 1
UNION ALL
SELECT c.name || ' is given up but certificate ' || hex(r.serial) || ' is ' || r.state
FROM certificate r JOIN credential c ON c.id = r.credential_id
WHERE c.state = 'revoked' AND r.state NOT IN ('revoked','refused')
UNION ALL
SELECT a.reference || ' is cancelled and ' || c.name || ' has a certificate that is ' || r.state FROM certificate r
JOIN credential c ON c.id = r.credential_id JOIN application a ON a.id = c.application_id
WHERE a.state = 'cancelled' AND r.state NOT IN ('revoked','refused');

-- :certificate-on-its-token
-- of  (SELECT count(*) FROM certificate WHERE state = 'live') || ' live certificates'
SELECT c.name || ': certificate, key and token belong to different uses' AS problem
FROM certificate r JOIN credential c ON c.id = r.credential_id JOIN key k ON k.id = r.key_id JOIN token_use u ON u.id = r.use_id
WHERE r.state = 'live' AND (c.use_id IS NOT r.use_id OR u.credential_id <> c.id OR k.token_id <> u.token_id
  OR (k.use_id IS NOT NULL AND k.use_id <> u.id));

-- :token-carries-one
-- of  (SELECT count(*) FROM token) || ' tokens'
SELECT 'token ' || t.serial || ' carries ' || count(*) || ' live certificates' AS problem
FROM certificate r JOIN token_use u ON u.id = r.use_id JOIN token t ON t.id = u.token_id
WHERE r.state = 'live' GROUP BY t.id HAVING count(*) > 1
UNION ALL
SELECT 'token ' || t.serial || ' is ' || t.state || ' and carries live certificate ' || hex(r.serial)
FROM certificate r JOIN token_use u ON u.id = r.use_id JOIN token t ON t.id = u.token_id
WHERE r.state = 'live' AND t.state IN ('blank','prekeyed','scrapped','unknown');

-- :uses-disjoint
-- of  (SELECT count(*) FROM token_use) || ' token uses'
SELECT 'token ' || t.serial || ' served two credentials at once' AS problem
FROM token_use a JOIN token_use b ON b.token_id = a.token_id AND b.id <> a.id JOIN token t ON t.id = a.token_id
WHERE a.begun_at <= b.begun_at AND (a.ended_at IS NULL OR a.ended_at > b.begun_at)
UNION ALL
SELECT c.name || ' was on two tokens at once'
FROM (SELECT u.id, u.credential_id, coalesce(s.used_at, u.begun_at) AS begun_at, u.ended_at FROM token_use u LEFT JOIN stock s ON s.id = u.id) a
JOIN (SELECT u.id, u.credential_id, coalesce(s.used_at, u.begun_at) AS begun_at FROM token_use u LEFT JOIN stock s ON s.id = u.id) b
  ON b.credential_id = a.credential_id AND b.id <> a.id JOIN credential c ON c.id = a.credential_id
WHERE a.begun_at <= b.begun_at AND (a.ended_at IS NULL OR a.ended_at > b.begun_at)
UNION ALL
SELECT 'use ' || id || ' ended before it began' FROM token_use WHERE ended_at < begun_at;

-- :keys-differ
-- of  (SELECT count(*) FROM key) || ' keys'
SELECT 'one public key stands in ' || count(*) || ' rows' AS problem FROM key GROUP BY spki HAVING count(*) > 1
UNION ALL
SELECT 'key ' || k.id || ': spki_sha256 is not that of its key' FROM key k JOIN certificate r ON r.key_id = k.id
JOIN x_spki x ON x.certificate_id = r.id WHERE lower(hex(k.spki_sha256)) <> x.sha256
UNION ALL
SELECT 'one key has ' || count(*) || ' certificates' FROM certificate WHERE state IN ('signed','live','revoking','revoked')
GROUP BY key_id, purpose HAVING count(*) > 1;

-- :packed-once
-- of  (SELECT count(*) FROM parcel_item) || ' parcel items'
SELECT c.name || ' is packed without a parcel item' AS problem FROM credential c
WHERE c.state = 'packed' AND NOT EXISTS (SELECT 1 FROM parcel_item i WHERE i.credential_id = c.id)
UNION ALL
SELECT 'token ' || t.serial || ' lies in ' || count(*) || ' parcels'
FROM parcel_item i JOIN token t ON t.id = i.token_id GROUP BY t.id HAVING count(*) > 1
UNION ALL
SELECT c.name || ' lies in the parcel of another application' FROM parcel_item i
JOIN credential c ON c.id = i.credential_id JOIN parcel p ON p.id = i.parcel_id WHERE p.application_id <> c.application_id
UNION ALL
SELECT c.name || ' was packed with a token that it is not on' FROM parcel_item i
JOIN credential c ON c.id = i.credential_id LEFT JOIN token_use u ON u.id = c.use_id WHERE u.token_id IS NOT i.token_id
UNION ALL
SELECT c.name || ' is ' || c.state || ' and lies in a parcel' FROM parcel_item i JOIN credential c ON c.id = i.credential_id
WHERE c.state <> 'packed'
UNION ALL
SELECT a.reference || ' is issued and its parcel is ' || coalesce(p.state, 'not there') FROM application a
LEFT JOIN parcel p ON p.application_id = a.id WHERE a.state IN ('issued','invoice_requested','invoiced') AND p.state IS NOT 'packed';

-- :shipped-tokens
-- of  (SELECT count(*) FROM token WHERE state = 'shipped') || ' shipped tokens'
SELECT 'token ' || t.serial || ' of issued ' || a.reference || ' is ' || t.state AS problem
FROM application a JOIN credential c ON c.application_id = a.id JOIN token_use u ON u.id = c.use_id JOIN token t ON t.id = u.token_id
WHERE a.state IN ('issued','invoice_requested','invoiced') AND c.state = 'packed' AND t.state <> 'shipped';

-- :proof-for-each
-- of  (SELECT count(*) FROM proof) || ' proofs'
SELECT c.name || ' is ' || c.state || ' and unproven' AS problem FROM credential c
WHERE c.state IN ('verified','sealed','taken','packed') AND NOT EXISTS (SELECT 1 FROM proof p WHERE p.use_id = c.use_id)
UNION ALL
SELECT 'use ' || use_id || ': one process, ' || prove_pid || ', minted and proved' FROM proof WHERE prove_pid = mint_pid
UNION ALL
SELECT 'use ' || use_id || ': the challenge is not 32 bytes' FROM proof WHERE length(challenge) <> 32
UNION ALL
SELECT count(*) || ' proofs with one and the same challenge' FROM proof GROUP BY challenge HAVING count(*) > 1
UNION ALL
SELECT c.name || ': what was read back is not the certificate on record' FROM proof p JOIN credential c ON c.use_id = p.use_id
JOIN certificate r ON r.use_id = p.use_id AND r.state = 'live' LEFT JOIN x_certificate x ON x.id = r.id
WHERE lower(hex(p.certificate_sha256)) IS NOT x.sha256;

-- :proof-in-its-time
-- of  (SELECT count(*) FROM proof) || ' proofs'
-- The journal's row of the step names the process, and encloses both times; a second of grace for the turn of a loop.
SELECT 'use ' || p.use_id || ': no step of process ' || p.prove_pid || ' encloses reading and signing' AS problem FROM proof p
WHERE NOT EXISTS (SELECT 1 FROM journal j LEFT JOIN lease l ON l.id = j.lease
  WHERE j.use_id = p.use_id AND j.step = 'prove' AND j.outcome = 'done' AND j.pid = p.prove_pid
    AND coalesce(l.begun_at, j.begun_at) <= p.read_at AND p.read_at <= p.signed_at AND p.signed_at <= j.ended_at + 1000000)
UNION ALL
SELECT 'use ' || p.use_id || ': process ' || p.mint_pid || ' wrote no certificate' FROM proof p
WHERE NOT EXISTS (SELECT 1 FROM journal j WHERE j.use_id = p.use_id AND j.step IN ('burn','request','key','initialise')
  AND j.pid = p.mint_pid);

-- :journal-sound
-- of  (SELECT count(*) FROM journal) || ' rows'
SELECT 'row ' || id || ' (' || step || ') ended before it began' AS problem FROM journal WHERE ended_at < begun_at
UNION ALL
SELECT 'row ' || id || ' (' || step || ') has ' || CASE WHEN ended_at IS NULL THEN 'an outcome and no end' ELSE 'an end and no outcome' END
FROM journal WHERE (ended_at IS NULL) <> (outcome IS NULL)
UNION ALL
SELECT 'row ' || id || ': ' || step || ' is no step' FROM journal
WHERE step NOT IN ('initialise','key','request','certify','burn','prove','seal','check','label','take','pack','cycle')
UNION ALL
SELECT 'row ' || j.id || ' (' || step || ') of ' || c.name || ' is still open' FROM journal j JOIN credential c ON c.id = j.credential_id
WHERE c.state IN ('packed','revoked') AND j.ended_at IS NULL AND j.step <> 'label';

-- :journal-one-at-a-time
-- of  (SELECT count(*) FROM journal WHERE bay IS NOT NULL) || ' rows on bays'
SELECT 'rows ' || a.id || ' and ' || b.id || ' touched one token at once' AS problem FROM journal a JOIN journal b
  ON b.token_id = a.token_id AND b.id > a.id AND b.begun_at < coalesce(a.ended_at, 9223372036854775807)
WHERE a.step IN ('initialise','key','request','burn','prove','seal','check')
  AND b.step IN ('initialise','key','request','burn','prove','seal','check');

-- :leases-disjoint
-- of  (SELECT count(*) FROM lease) || ' leases'
SELECT 'leases ' || a.id || ' and ' || b.id || ' held bay ' || a.bay || ' at once' AS problem FROM lease a JOIN lease b
  ON b.bench = a.bench AND b.bay = a.bay AND b.id > a.id AND b.begun_at < coalesce(a.ended_at, 9223372036854775807);

-- :intent-before-act
-- of  (SELECT count(*) FROM credential WHERE state NOT IN ('waiting','claimed')) || ' credentials'
-- For each step up to the state a credential is in, its use has a row that ended well, or was lost and then probed; and every
-- step was begun after the step before it had ended. What a person does has one outcome.
WITH step (ordinal, name, state) AS (VALUES (1,'initialise','initialised'), (2,'key','keyed'), (3,'request','requested'),
  (4,'certify','certified'), (5,'burn','burned'), (6,'prove','verified'), (7,'seal','sealed'), (8,'take','taken'), (9,'pack','packed')),
reached AS (SELECT c.id, c.name, c.use_id, s.ordinal FROM credential c JOIN step s ON s.state = c.state)
SELECT r.name || ' is past ' || s.name || ' without its row' AS problem FROM reached r JOIN step s ON s.ordinal <= r.ordinal
WHERE NOT EXISTS (SELECT 1 FROM journal j WHERE j.step = s.name AND j.credential_id = r.id AND
  (j.use_id IS r.use_id OR j.use_id IS NULL) AND (j.outcome = 'done' OR (j.outcome = 'lost' AND s.name NOT IN ('prove','take','pack'))))
  AND NOT (s.name IN ('initialise','key') AND EXISTS (SELECT 1 FROM journal j JOIN stock k ON k.id = j.use_id
    WHERE j.use_id = r.use_id AND j.step = s.name AND j.credential_id IS NULL AND j.outcome IN ('done','lost')
      AND j.ended_at <= k.ready_at AND k.ready_at <= k.used_at))
UNION ALL
SELECT r.name || ': ' || s.name || ' (row ' || j.id || ') was begun before ' || before.name || ' had ended'
FROM reached r JOIN journal j ON j.credential_id = r.id AND j.use_id IS r.use_id JOIN step s ON s.name = j.step
JOIN step before ON before.ordinal = s.ordinal - 1
WHERE EXISTS (SELECT 1 FROM journal b WHERE b.credential_id = r.id AND b.use_id IS r.use_id AND b.step = before.name)
  AND NOT EXISTS (SELECT 1 FROM journal b WHERE b.credential_id = r.id AND b.use_id IS r.use_id AND b.step = before.name
    AND b.outcome IN ('done','lost') AND b.ended_at <= j.begun_at);

-- :keyed-ahead
-- of  (SELECT count(*) FROM stock) || ' tokens keyed ahead'
-- A use without a credential is one of stock. What served a credential had its key made, then checked by another process, then bound.
SELECT 'use ' || u.id || ' serves no credential and is not of stock' AS problem FROM token_use u
WHERE u.credential_id IS NULL AND NOT EXISTS (SELECT 1 FROM stock s WHERE s.id = u.id)
UNION ALL
SELECT 'use ' || s.id || ' is ' || s.state || ' and ' || CASE WHEN u.credential_id IS NULL THEN 'serves nobody' ELSE 'serves a credential' END
FROM stock s JOIN token_use u ON u.id = s.id WHERE (s.state = 'used') <> (u.credential_id IS NOT NULL)
UNION ALL
SELECT 'use ' || s.id || ': its key was not made before it came into stock, or it served before that' FROM stock s
WHERE s.state IN ('ready','used') AND NOT EXISTS (SELECT 1 FROM key k WHERE k.use_id = s.id AND k.made_at <= s.ready_at
  AND s.ready_at <= coalesce(s.used_at, s.ready_at))
UNION ALL
SELECT 'use ' || s.id || ': no other process has checked its key' FROM stock s
WHERE s.state IN ('ready','used') AND (s.signature IS NULL OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.use_id = s.id AND j.step = 'check'
    AND j.outcome = 'done' AND j.pid = s.check_pid AND j.ended_at <= s.ready_at)
  OR EXISTS (SELECT 1 FROM journal j WHERE j.use_id = s.id AND j.step IN ('initialise','key') AND j.pid = s.check_pid))
UNION ALL
SELECT 'use ' || s.id || ': ' || j.step || ' (row ' || j.id || ') was begun for a credential before that was bound to it' FROM stock s
JOIN journal j ON j.use_id = s.id WHERE j.credential_id IS NOT NULL AND (s.used_at IS NULL OR j.begun_at < s.used_at);

-- :envelope-before-codes
-- of  (SELECT count(*) FROM pin_envelope) || ' envelopes'
SELECT 'token ' || t.serial || ' is ' || t.state || ' and the station still has its codes' AS problem FROM token t
WHERE t.state IN ('sealed','shipped') AND t.codes IS NOT NULL
UNION ALL
SELECT c.name || ' is ' || c.state || ' without an envelope for the user PIN' FROM credential c
WHERE c.state IN ('sealed','taken','packed') AND NOT EXISTS (SELECT 1 FROM pin_envelope e
  WHERE e.use_id = c.use_id AND e.codes & 1 AND e.set_at IS NOT NULL)
UNION ALL
SELECT c.name || ': its codes are older than their envelope' FROM credential c JOIN pin_envelope e ON e.use_id = c.use_id
JOIN journal j ON j.use_id = c.use_id AND j.step = 'seal' AND j.outcome = 'done'
WHERE e.made_at > j.ended_at OR (e.set_at IS NOT NULL AND e.set_at < e.made_at);

-- :certificates-settled finished
-- of  (SELECT count(*) FROM certificate) || ' certificates'
SELECT 'certificate ' || hex(r.serial) || ' of ' || c.name || ' (' || c.state || ') is ' || r.state AS problem
FROM certificate r JOIN credential c ON c.id = r.credential_id
WHERE r.state IN ('reserved','asked','unknown','revoking') OR (r.state = 'signed' AND c.state <> 'parked');

-- :right-holder
-- of  (SELECT count(*) FROM certificate WHERE state = 'live') || ' live certificates'
-- The name and code of the application's own organisation stand in the certificate, byte for byte.
SELECT c.name || ': the certificate does not name its organisation' AS problem FROM certificate r
JOIN credential c ON c.id = r.credential_id JOIN person p ON p.application_id = c.application_id
WHERE r.state = 'live' AND p.record IS NOT NULL AND
  (NOT instr(hex(r.certificate), hex(json_extract(p.record, '$.organisation.name')))
   OR NOT instr(hex(r.certificate), hex(json_extract(p.record, '$.organisation.uscc'))));

-- :one-label-each
-- of  (SELECT count(*) FROM print_job WHERE state = 'printed') || ' labels'
SELECT a.reference || ' is issued without a label' AS problem FROM application a LEFT JOIN parcel p ON p.application_id = a.id
WHERE a.state IN ('issued','invoice_requested','invoiced')
  AND NOT EXISTS (SELECT 1 FROM print_job j WHERE j.parcel_id = p.id AND j.state = 'printed')
UNION ALL
SELECT a.reference || ' has ' || count(*) || ' first labels' FROM print_job j JOIN parcel p ON p.id = j.parcel_id
JOIN application a ON a.id = p.application_id WHERE j.copy = 0 GROUP BY a.id HAVING count(*) > 1;

-- :feed-without-persons
-- of  (SELECT count(*) FROM event) || ' events, ' || (SELECT count(*) FROM journal) || ' journal rows'
WITH secret (application_id, value) AS (
  SELECT application_id, json_extract(record, path.value) FROM person, json_each('["$.person.name","$.person.id_card","$.person.phone",
    "$.person.email","$.delivery.recipient","$.delivery.phone","$.delivery.address"]') AS path WHERE record IS NOT NULL)
SELECT 'event ' || e.seq || ' holds personal data' AS problem FROM event e JOIN secret s ON s.application_id = e.application_id
WHERE s.value <> '' AND instr(e.detail, s.value)
UNION ALL
SELECT 'journal row ' || j.id || ' holds personal data' FROM journal j JOIN credential c ON c.id = j.credential_id
JOIN secret s ON s.application_id = c.application_id WHERE s.value <> '' AND instr(j.detail, s.value);
