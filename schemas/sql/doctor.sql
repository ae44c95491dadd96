-- What `mintctl doctor` asks the record, read only; tools/dev/statements.awk makes build/gen/doctor_sql.h from it.

-- :quick_check  by mintctl/doctor_record.c  read
-- "ok", or the first faults. The whole integrity_check takes a minute at a million rows: that is for the night.
SELECT quick_check FROM pragma_quick_check(1);

-- :newest  by mintctl/doctor_record.c  read
-- The highest time that the clock has shown, or was confirmed at: a clock well before it has gone backwards. Rows may be ahead of it.
SELECT coalesce((SELECT value FROM fact WHERE name = 'clock'), '0');
