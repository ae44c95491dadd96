-- Migration 4: how many are at their end is kept, not counted: the status of a bench must not take longer with every application that it
-- ever had. What is not at its end is counted, by partial indexes; the conditions of statements repeat theirs.

CREATE TABLE closed (
  machine TEXT NOT NULL,                          -- application, credential, token, print_job
  state   TEXT NOT NULL,                          -- one that nothing or seldom leads out of
  count   INTEGER NOT NULL,
  PRIMARY KEY (machine, state)
) STRICT, WITHOUT ROWID;

INSERT INTO closed (machine, state, count) VALUES
  ('application', 'rejected', 0), ('application', 'issued', 0), ('application', 'invoice_requested', 0), ('application', 'invoiced', 0),
  ('application', 'cancelled', 0), ('credential', 'packed', 0), ('credential', 'revoked', 0), ('token', 'shipped', 0),
  ('token', 'scrapped', 0), ('print_job', 'printed', 0);
UPDATE closed SET count = CASE machine
  WHEN 'application' THEN (SELECT count(*) FROM application a WHERE a.state = closed.state)
  WHEN 'credential' THEN (SELECT count(*) FROM credential c WHERE c.state = closed.state)
  WHEN 'token' THEN (SELECT count(*) FROM token t WHERE t.state = closed.state)
  ELSE (SELECT count(*) FROM print_job j WHERE j.state = closed.state) END;

CREATE TRIGGER application_added AFTER INSERT ON application
WHEN new.state IN ('rejected','issued','invoice_requested','invoiced','cancelled') BEGIN
  UPDATE closed SET count = count + 1 WHERE machine = 'application' AND state = new.state;
END;
CREATE TRIGGER application_moved AFTER UPDATE OF state ON application
WHEN new.state IN ('rejected','issued','invoice_requested','invoiced','cancelled')
  OR old.state IN ('rejected','issued','invoice_requested','invoiced','cancelled') BEGIN
  UPDATE closed SET count = count + (state = new.state) - (state = old.state)
   WHERE machine = 'application' AND state IN (old.state, new.state);
END;

CREATE TRIGGER credential_added AFTER INSERT ON credential WHEN new.state IN ('packed','revoked') BEGIN
  UPDATE closed SET count = count + 1 WHERE machine = 'credential' AND state = new.state;
END;
CREATE TRIGGER credential_moved AFTER UPDATE OF state ON credential
WHEN new.state IN ('packed','revoked') OR old.state IN ('packed','revoked') BEGIN
  UPDATE closed SET count = count + (state = new.state) - (state = old.state)
   WHERE machine = 'credential' AND state IN (old.state, new.state);
END;

CREATE TRIGGER token_added AFTER INSERT ON token WHEN new.state IN ('shipped','scrapped') BEGIN
  UPDATE closed SET count = count + 1 WHERE machine = 'token' AND state = new.state;
END;
CREATE TRIGGER token_moved AFTER UPDATE OF state ON token
WHEN new.state IN ('shipped','scrapped') OR old.state IN ('shipped','scrapped') BEGIN
  UPDATE closed SET count = count + (state = new.state) - (state = old.state)
   WHERE machine = 'token' AND state IN (old.state, new.state);
END;

CREATE TRIGGER print_job_added AFTER INSERT ON print_job WHEN new.state = 'printed' BEGIN
  UPDATE closed SET count = count + 1 WHERE machine = 'print_job' AND state = new.state;
END;
CREATE TRIGGER print_job_moved AFTER UPDATE OF state ON print_job WHEN new.state = 'printed' OR old.state = 'printed' BEGIN
  UPDATE closed SET count = count + (state = new.state) - (state = old.state)
   WHERE machine = 'print_job' AND state IN (old.state, new.state);
END;

CREATE INDEX application_open ON application (state) WHERE state NOT IN ('rejected','issued','invoice_requested','invoiced','cancelled');
CREATE INDEX credential_held ON credential (state) WHERE state = 'waiting' AND claimable = 0;
CREATE INDEX token_open ON token (state) WHERE state NOT IN ('shipped','scrapped');
CREATE INDEX print_job_stuck ON print_job (state) WHERE state IN ('failed','unknown');
