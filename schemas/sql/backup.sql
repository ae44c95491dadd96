-- What `mintctl backup` and `mintctl restore` ask a record, and what a restored one is told; tools/dev/statements.awk makes
-- build/gen/backup_sql.h from it.

-- :owner  by mintctl/backup_record.c  read
-- 1296649812 is "MINT".
SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version);

-- :integrity  by mintctl/backup_record.c  read
-- "ok", or the first fault.
SELECT integrity_check FROM pragma_integrity_check(1);

-- :references  by mintctl/backup_record.c  read
SELECT count(*) FROM pragma_foreign_key_check;

-- :tables  by mintctl/backup_record.c  read
-- As many as the record's release had.
SELECT name, format('SELECT count(*) FROM "%w"', name) FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name;

-- :newest_event  by mintctl/backup_record.c  read
SELECT coalesce(max(seq), 0), coalesce((SELECT at FROM event ORDER BY seq DESC LIMIT 1), 0) FROM event;

-- :highest  by mintctl/backup_record.c  read
-- The highest of the numbers that are known outside the record: to the CA, on tokens, to the printer, to who follows the feed.
SELECT max((SELECT coalesce(max(id), 0) FROM certificate), (SELECT coalesce(max(id), 0) FROM token),
  (SELECT coalesce(max(id), 0) FROM print_job), (SELECT coalesce(max(seq), 0) FROM sqlite_sequence));

-- :last_application  by mintctl/restore_record.c  read
SELECT coalesce(max(id), 0) FROM application;

-- :later_applications  by mintctl/restore_record.c  read
SELECT reference FROM application WHERE id > ?1 ORDER BY id;

-- :has_serial  by mintctl/restore_record.c  read
SELECT 1 FROM certificate WHERE serial = ?1;

-- :numbers_from  by mintctl/restore_record.c  write
-- Numbers given out after the backup are never given out again.
INSERT INTO fact (name, value) VALUES ('numbers_from', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1;

-- :sequences_from  by mintctl/restore_record.c  write
UPDATE sqlite_sequence SET seq = ?1 WHERE name IN ('event', 'lease');

-- :credential_of_serial  by mintctl/restore_record.c  read
-- Asked of the old record: for whom a certificate was signed.
SELECT c.name FROM certificate r JOIN credential c ON c.id = r.credential_id WHERE r.serial = ?1;

-- :unsettled  by mintctl/restore_record.c  read
SELECT value FROM fact WHERE name = 'restored_unsettled';

-- :unsettled_set  by mintctl/restore_record.c  write
-- mint-queue begins nothing new until a person settles it (queue/restored.c).
INSERT INTO fact (name, value) VALUES ('restored_unsettled', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1;
