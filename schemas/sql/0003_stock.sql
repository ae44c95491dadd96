-- Migration 3: tokens keyed ahead. A use of a token may begin before anybody knows whom it will serve: its credential is bound to it
-- later, and the same use goes on. SQLite cannot drop a NOT NULL of a table: built anew, as in migration 2.

CREATE TABLE token_use_2 (
  id            INTEGER PRIMARY KEY,
  credential_id INTEGER REFERENCES credential(id),-- NULL while the token is only made ahead: see stock
  token_id      INTEGER NOT NULL REFERENCES token(id),
  bay           INTEGER NOT NULL,                 -- where it began
  begun_at      INTEGER NOT NULL,
  ended_at      INTEGER,
  outcome       TEXT CHECK (outcome IN ('packed','failed','abandoned'))
) STRICT;

INSERT INTO token_use_2 (id, credential_id, token_id, bay, begun_at, ended_at, outcome)
SELECT id, credential_id, token_id, bay, begun_at, ended_at, outcome FROM token_use;

DROP TABLE token_use;

ALTER TABLE token_use_2 RENAME TO token_use;

-- A token serves one credential at a time, and a credential sits on one token at a time.
CREATE UNIQUE INDEX token_use_of_token ON token_use (token_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX token_use_of_credential ON token_use (credential_id) WHERE ended_at IS NULL;
CREATE INDEX token_use_ever ON token_use (token_id, id);
CREATE INDEX token_use_of_credential_ever ON token_use (credential_id, id) WHERE credential_id IS NOT NULL;

-- Uses that began without a credential, with the evidence of the check by a process that did not make the key.
CREATE TABLE stock (
  id          INTEGER PRIMARY KEY REFERENCES token_use(id),
  order_id    INTEGER REFERENCES stock_order(id), -- NULL: made because the configuration keeps a level
  key_type    TEXT NOT NULL,
  state       TEXT NOT NULL DEFAULT 'claimed',    -- a machine of schemas/states.def
  subject_max INTEGER NOT NULL,                   -- longest name in a certificate (DER) that it has room for; 0: any
  check_pid   INTEGER,
  challenge   BLOB,
  signature   BLOB,                               -- over SHA-256(challenge), checked by mint-queue before the state became 'ready'
  ready_at    INTEGER,                            -- checked: in stock since then
  used_at     INTEGER,                            -- when a credential was bound to it
  changed_at  INTEGER NOT NULL                    -- of the state
) STRICT;
CREATE INDEX stock_open ON stock (state, key_type) WHERE state IN ('claimed','initialised','keyed','ready');

-- What a person has ordered to be made ahead; a further order of the same key type takes the place of the one before.
CREATE TABLE stock_order (
  id         INTEGER PRIMARY KEY,
  key_type   TEXT NOT NULL,
  count      INTEGER NOT NULL CHECK (count >= 1),
  made       INTEGER NOT NULL DEFAULT 0,
  lot        TEXT,                                -- of the blank tokens, where the person says
  ordered_by TEXT NOT NULL,
  ordered_at INTEGER NOT NULL,
  ended_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX stock_order_open ON stock_order (key_type) WHERE ended_at IS NULL;

-- Their steps in the journal, which name no credential.
CREATE INDEX journal_of_use ON journal (use_id) WHERE credential_id IS NULL;

-- What a credential's page lists.
CREATE INDEX certificate_ever ON certificate (credential_id, id);
