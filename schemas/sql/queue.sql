-- Every statement of mint-queue, once. tools/dev/statements.awk makes build/gen/queue_sql.h from it; the form of a list:
--   -- :name  by caller  read|write
--   the statement, with numbered parameters, to its semicolon
-- Names of states are literals here so that the partial indexes of the record can be used.

-- :fact_get  by queue/store.c  read
SELECT value FROM fact WHERE name = ?1;

-- :fact_set  by queue/store.c  write
INSERT INTO fact (name, value) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
