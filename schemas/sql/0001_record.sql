-- Migration 1: the record. Runs once, in one transaction, into a new database.
--
-- Times (…_at) are UTC microseconds. Codes, envelopes, certificates, keys are DER or sealed blobs. States are the names of
-- schemas/states.def; mint-queue refuses a change that is not in that list, the CHECKs here refuse a name that is not.
-- Personal data stands in `person` alone and can be erased there; nothing of it goes into journal, event or any log.

CREATE TABLE application (
  id            INTEGER PRIMARY KEY,
  reference     TEXT NOT NULL UNIQUE,             -- the platform's key; the application number on the label
  kind          TEXT NOT NULL CHECK (kind IN ('new','renew','replace','revoke')),
  medium        TEXT NOT NULL CHECK (medium IN ('token','mobile')),
  state         TEXT NOT NULL,
  quantity      INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 20),
  urgent        INTEGER NOT NULL DEFAULT 0 CHECK (urgent IN (0,1)),
  delivery      TEXT NOT NULL CHECK (delivery IN ('post','on_site')),
  approved_at   INTEGER NOT NULL,
  deadline_at   INTEGER NOT NULL,                 -- one working day after approval, by the calendar in use at import
  imported_at   INTEGER NOT NULL,
  issued_at     INTEGER,
  changed_at    INTEGER NOT NULL,                 -- of the state
  record_sha256 BLOB NOT NULL,                    -- of the canonical record: a second import compares with it
  held_why      TEXT,                             -- JSON array of findings, or the operator's reason, while state is 'held'
  held_from     TEXT                              -- state to go back to
) STRICT;

-- Everything personal, in one place. `record` is the canonical JSON that was imported.
CREATE TABLE person (
  application_id INTEGER PRIMARY KEY REFERENCES application(id),
  record         TEXT,                            -- NULL once erased
  erased_at      INTEGER
) STRICT;

CREATE TABLE credential (
  id             INTEGER PRIMARY KEY,
  application_id INTEGER NOT NULL REFERENCES application(id),
  ordinal        INTEGER NOT NULL CHECK (ordinal >= 1),
  name           TEXT NOT NULL UNIQUE,            -- "<reference>-<ordinal, two digits>"
  key_type       TEXT NOT NULL,
  profile        TEXT NOT NULL,                   -- certificate profile
  state          TEXT NOT NULL DEFAULT 'waiting',
  attempt        INTEGER NOT NULL DEFAULT 0,      -- tokens tried so far
  use_id         INTEGER REFERENCES token_use(id),-- the token it is on now, NULL while waiting
  parked_from    TEXT,                            -- state in which it was parked
  parked_error   TEXT,                            -- name in schemas/errors.def
  parked_detail  TEXT,
  pending        TEXT CHECK (pending IN ('redo','abandon')), -- what follows once its signed certificate is revoked
  -- copied from the application so that the claim is one look into one small index
  urgent         INTEGER NOT NULL DEFAULT 0,
  deadline_at    INTEGER NOT NULL,
  claimable      INTEGER NOT NULL DEFAULT 1,      -- 0 while the application is held or cancelled
  changed_at     INTEGER NOT NULL,
  UNIQUE (application_id, ordinal)
) STRICT;
-- Earliest deadline first, an application kept together; the literal makes the partial index usable at millions of rows.
CREATE INDEX credential_claim ON credential (urgent DESC, deadline_at, application_id, ordinal)
  WHERE state = 'waiting' AND claimable = 1;
CREATE INDEX credential_open ON credential (state) WHERE state NOT IN ('waiting','packed','revoked');
CREATE INDEX credential_of_application ON credential (application_id);

CREATE TABLE token (
  id            INTEGER PRIMARY KEY,
  model         TEXT NOT NULL,                    -- name of the model profile
  atr           BLOB NOT NULL,
  serial        TEXT NOT NULL,                    -- of the hardware; with ATR and our marker this is its identity
  marker        TEXT NOT NULL,                    -- our label on it, "MB-<id, eight digits>"
  lot           TEXT,
  state         TEXT NOT NULL DEFAULT 'blank',
  codes         BLOB,                             -- transport codes sealed with the station's key; NULL once final codes are set
  failed_error  TEXT,                             -- why it is quarantined
  failed_detail TEXT,
  seen_at       INTEGER NOT NULL,
  UNIQUE (model, atr, serial)
) STRICT;
CREATE INDEX token_serial ON token (serial);      -- what a person reads or scans

-- One row each time a token served a credential.
CREATE TABLE token_use (
  id            INTEGER PRIMARY KEY,
  credential_id INTEGER NOT NULL REFERENCES credential(id),
  token_id      INTEGER NOT NULL REFERENCES token(id),
  bay           INTEGER NOT NULL,                 -- where it began
  begun_at      INTEGER NOT NULL,
  ended_at      INTEGER,
  outcome       TEXT CHECK (outcome IN ('packed','failed','abandoned'))
) STRICT;
-- A token serves one credential at a time, and a credential sits on one token at a time.
CREATE UNIQUE INDEX token_use_of_token ON token_use (token_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX token_use_of_credential ON token_use (credential_id) WHERE ended_at IS NULL;
CREATE INDEX token_use_ever ON token_use (token_id, id);

-- One row for every public key ever seen: a second sight of one is refused (law 5).
CREATE TABLE key (
  id          INTEGER PRIMARY KEY,
  token_id    INTEGER NOT NULL REFERENCES token(id),
  use_id      INTEGER REFERENCES token_use(id),
  key_type    TEXT NOT NULL,
  key_id      BLOB NOT NULL,                      -- CKA_ID on the token
  spki        BLOB NOT NULL,                      -- SubjectPublicKeyInfo, DER
  spki_sha256 BLOB NOT NULL UNIQUE,
  duration_us INTEGER NOT NULL,                   -- how long the token took
  made_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX key_of_use ON key (use_id);

-- 1:n per credential: dual certificates and renewals come later. `id` is the request id at the CA.
CREATE TABLE certificate (
  id            INTEGER PRIMARY KEY,
  credential_id INTEGER NOT NULL REFERENCES credential(id),
  use_id        INTEGER NOT NULL REFERENCES token_use(id),
  key_id        INTEGER NOT NULL REFERENCES key(id),
  purpose       TEXT NOT NULL DEFAULT 'signing' CHECK (purpose IN ('signing','encryption')),
  serial        BLOB NOT NULL UNIQUE,             -- random, reserved here before the CA is asked
  request       BLOB NOT NULL,                    -- PKCS#10
  state         TEXT NOT NULL DEFAULT 'reserved'
                CHECK (state IN ('reserved','asked','unknown','refused','signed','live','revoking','revoked')),
  certificate   BLOB,                             -- DER, once signed
  asked_at      INTEGER,
  signed_at     INTEGER,
  revoked_at    INTEGER,
  error         TEXT,                             -- the CA's last answer that was not a certificate
  detail        TEXT
) STRICT;
CREATE UNIQUE INDEX certificate_live ON certificate (credential_id, purpose) WHERE state NOT IN ('refused','revoked');
CREATE INDEX certificate_open ON certificate (state) WHERE state IN ('reserved','asked','unknown','revoking');

-- The proof, as evidence: what the separate process read and what the token signed. One row per proven use.
CREATE TABLE proof (
  use_id             INTEGER PRIMARY KEY REFERENCES token_use(id),
  prove_pid          INTEGER NOT NULL,
  prove_release      TEXT NOT NULL,
  mint_pid           INTEGER NOT NULL,
  mint_release       TEXT NOT NULL,
  certificate_sha256 BLOB NOT NULL,
  read_at            INTEGER NOT NULL,
  challenge          BLOB NOT NULL,
  signature          BLOB NOT NULL,               -- over SHA-256(challenge), checked by mint-queue before this row was written
  signed_at          INTEGER NOT NULL
) STRICT;

-- Envelopes with final codes for the PIN office (CMS). A later one of the same token supersedes the codes it holds.
CREATE TABLE pin_envelope (
  id        INTEGER PRIMARY KEY,
  token_id  INTEGER NOT NULL REFERENCES token(id),
  use_id    INTEGER NOT NULL REFERENCES token_use(id),
  codes     INTEGER NOT NULL,                     -- bits: 1 user PIN, 2 SO-PIN
  cms       BLOB NOT NULL,
  made_at   INTEGER NOT NULL,
  set_at    INTEGER                               -- when the token was probed to carry them
) STRICT;
CREATE INDEX pin_envelope_of_use ON pin_envelope (use_id);

CREATE TABLE parcel (
  id             INTEGER PRIMARY KEY,
  application_id INTEGER NOT NULL UNIQUE REFERENCES application(id),
  state          TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open','packed')),
  packed_at      INTEGER,
  packed_by      TEXT
) STRICT;

CREATE TABLE parcel_item (
  parcel_id     INTEGER NOT NULL REFERENCES parcel(id),
  credential_id INTEGER NOT NULL UNIQUE REFERENCES credential(id),
  token_id      INTEGER NOT NULL REFERENCES token(id),
  packed_at     INTEGER NOT NULL,
  PRIMARY KEY (parcel_id, credential_id)
) STRICT;

CREATE TABLE print_job (
  id         INTEGER PRIMARY KEY,
  parcel_id  INTEGER NOT NULL REFERENCES parcel(id),
  copy       INTEGER NOT NULL DEFAULT 0,          -- 0 the first, 1 … reprints
  state      TEXT NOT NULL DEFAULT 'waiting',
  attempt    INTEGER NOT NULL DEFAULT 0,
  tokens     TEXT,                                -- JSON array of the serials it names, from when it is first sent
  sha256     BLOB,
  place      TEXT,
  error      TEXT,
  detail     TEXT,
  made_at    INTEGER NOT NULL,                    -- printed on the label: the same job gives the same dots
  changed_at INTEGER NOT NULL,
  printed_at INTEGER
) STRICT;
CREATE INDEX print_job_of_parcel ON print_job (parcel_id, copy);
CREATE INDEX print_job_open ON print_job (state) WHERE state IN ('waiting','printing');

-- Intent before act, result after (law 1). A row without `ended_at` is a step that may or may not have happened: probe it.
CREATE TABLE journal (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  credential_id INTEGER REFERENCES credential(id),
  use_id        INTEGER REFERENCES token_use(id),
  token_id      INTEGER REFERENCES token(id),
  step          TEXT NOT NULL,                    -- name in schemas/steps.def
  bench         TEXT NOT NULL,
  bay           INTEGER,
  lease         INTEGER NOT NULL,                 -- lease epoch under which it was begun
  pid           INTEGER,                          -- the process that acts
  release       TEXT,
  actor         TEXT NOT NULL,
  begun_at      INTEGER NOT NULL,
  ended_at      INTEGER,
  outcome       TEXT CHECK (outcome IN ('done','failed','lost')), -- lost: the process ended without an answer
  error         TEXT,
  detail        TEXT
) STRICT;
CREATE INDEX journal_open ON journal (credential_id) WHERE ended_at IS NULL;
CREATE INDEX journal_of_credential ON journal (credential_id, id);

-- The change feed: what happened, in commit order, without personal data. `seq` is the cursor and the ETag.
CREATE TABLE event (
  seq            INTEGER PRIMARY KEY AUTOINCREMENT,
  at             INTEGER NOT NULL,
  actor          TEXT NOT NULL,
  kind           TEXT NOT NULL,                   -- "credential.sealed", "bay.trouble", "application.issued", …
  application_id INTEGER,
  credential_id  INTEGER,
  token_id       INTEGER,
  bay            INTEGER,
  error          TEXT,
  detail         TEXT                             -- JSON object
) STRICT;
CREATE INDEX event_of_application ON event (application_id, seq);
CREATE INDEX event_of_credential ON event (credential_id, seq);

-- What each bay shows now. mint-queue rebuilds it at start from what mint-bench reports.
CREATE TABLE bay (
  bay           INTEGER PRIMARY KEY,
  bench         TEXT NOT NULL,
  reader        TEXT NOT NULL,
  state         TEXT NOT NULL,
  token_id      INTEGER REFERENCES token(id),
  credential_id INTEGER REFERENCES credential(id),
  lease         INTEGER,                          -- while a worker holds the reader
  pid           INTEGER,
  step          TEXT,
  step_at       INTEGER,                          -- since when it does this step
  error         TEXT,                             -- in state trouble
  changed_at    INTEGER NOT NULL
) STRICT;

-- Lease epochs, one per worker process ever started: only the holder of the newest lease of a bay is listened to.
CREATE TABLE lease (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  bench    TEXT NOT NULL,
  bay      INTEGER NOT NULL,
  role     TEXT NOT NULL,
  begun_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;

CREATE TABLE operator (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,                  -- "uid:1000(name)" until people have access keys
  seen_at  INTEGER NOT NULL
) STRICT;

-- Small facts about the whole: the highest clock seen, the bench that owns this database.
CREATE TABLE fact (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
