-- What `mintctl doctor` asks the record, read only; tools/dev/statements.awk makes build/gen/doctor_sql.h from it.

-- :quick_check  by mintctl/doctor_record.c  read
-- "ok", or the first faults. The whole integrity_check takes a minute at a million rows: that is for the night.
SELECT quick_check FROM pragma_quick_check(1);

-- :newest  by mintctl/doctor_record.c  read
-- When something last happened: a clock before it has gone backwards.
SELECT coalesce(max(at), 0) AS at FROM event WHERE seq > (SELECT coalesce(max(seq), 0) - 100 FROM event);
