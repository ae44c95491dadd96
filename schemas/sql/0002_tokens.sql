-- Migration 2: some lots carry one serial number many times. Identity of a token is model, ATR, serial number and our marker;
-- the marker is unique. SQLite cannot drop a UNIQUE of a table: the table is built anew, in the twelve steps of
-- https://www.sqlite.org/lang_altertable.html#otheralter; mint-queue turns foreign keys off before the transaction and checks them
-- all before it commits.

CREATE TABLE token_2 (
  id            INTEGER PRIMARY KEY,
  model         TEXT NOT NULL,                    -- name of the model profile
  atr           BLOB NOT NULL,
  serial        TEXT NOT NULL,                    -- of the hardware; not unique
  marker        TEXT NOT NULL UNIQUE,             -- our label on it, "MB-<id, eight digits>", once we have initialised it
  found         TEXT,                             -- its label where it carries codes that are not on record: it was not ours when it
                                                  -- was refused, or its final codes are set; NULL again once we have initialised it
  lot           TEXT,
  state         TEXT NOT NULL DEFAULT 'blank',
  codes         BLOB,                             -- transport codes sealed with the station's key; NULL once final codes are set
  erasing       INTEGER NOT NULL DEFAULT 0        -- a person allows that what is on it is erased; 0 again once we have initialised it
                CHECK (erasing IN (0,1)),
  user_tries    INTEGER CHECK (user_tries >= 0),  -- tries left of the user PIN when it was last looked at, 0: locked; NULL: not said
  so_tries      INTEGER CHECK (so_tries >= 0),    -- of the SO-PIN
  failed_error  TEXT,                             -- why it is quarantined
  failed_detail TEXT,
  seen_at       INTEGER NOT NULL
) STRICT;

INSERT INTO token_2 (id, model, atr, serial, marker, lot, state, codes, failed_error, failed_detail, seen_at)
SELECT id, model, atr, serial, marker, lot, state, codes, failed_error, failed_detail, seen_at FROM token;

DROP TABLE token;

ALTER TABLE token_2 RENAME TO token;

CREATE INDEX token_serial ON token (serial);      -- what a person reads or scans
CREATE INDEX token_identity ON token (model, atr, serial);
