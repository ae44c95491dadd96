-- Migration 5: the station. Which USB port is which bay's, how the boards and the power of the bays stand, and power cycles in the journal.

-- Told by a person's `mintctl bay learn`; the configuration's `port` of a bay comes before it.
CREATE TABLE bay_wiring (
  bay        INTEGER PRIMARY KEY,
  port       TEXT NOT NULL UNIQUE,                -- "1-2.3": bus, then the ports from its root hub on
  learned_at INTEGER NOT NULL,
  actor      TEXT NOT NULL                        -- who ordered it
) STRICT;

-- Every board, as mint-bench tells it; rebuilt at start.
CREATE TABLE station (
  station    INTEGER PRIMARY KEY,                 -- its place in the configuration, from 0
  link       TEXT NOT NULL CHECK (link IN ('none','up','refused','silent')),
  stopped    INTEGER NOT NULL CHECK (stopped IN (0,1)), -- emergency stop: no bay has power
  lid_open   INTEGER NOT NULL CHECK (lid_open IN (0,1)),
  serial     TEXT NOT NULL,                       -- of its USB device
  build      TEXT NOT NULL,                       -- of its firmware
  detail     TEXT NOT NULL,                       -- why it is refused
  changed_at INTEGER NOT NULL
) STRICT;

ALTER TABLE bay ADD COLUMN port TEXT;             -- where its reader is, as mint-bench sees it now
ALTER TABLE bay ADD COLUMN supply TEXT;           -- off, rising, on, over_current, weak, unknown; NULL: nothing switches its power
ALTER TABLE bay ADD COLUMN light TEXT;            -- a LIGHT of schemas/station.def; NULL: the bench has none

-- Of a row with step 'cycle': the step at which the token had hung; 'probe' at a first look, 'mute' without an ATR, 'order' of a person.
ALTER TABLE journal ADD COLUMN because TEXT;
CREATE INDEX journal_cycle ON journal (use_id) WHERE step = 'cycle';
