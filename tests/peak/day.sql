-- Figures of a day. knob: when the run began, compression, bays, length of a bucket; line: key generations of the APDU log (day.sh).

CREATE TABLE generation AS
SELECT CAST(strftime('%s', at) AS INTEGER) * 1000000 + CAST(substr(at, 21, 6) AS INTEGER) AS a, drawn_us FROM line WHERE drawn_us > 0;

-- What kept bays busy, from when to when.
CREATE TABLE busy AS
SELECT 'chip' AS kind, a, a + drawn_us AS b FROM generation
UNION ALL SELECT 'steps', begun_at, ended_at FROM run.journal
WHERE step IN ('initialise','key','request','certify','burn','prove','seal') AND ended_at IS NOT NULL;

CREATE TABLE sealed AS
SELECT j.ended_at AS at, (j.ended_at - u.begun_at) / 1e6 AS claimed_s, (j.ended_at - a.imported_at) / 1e6 AS imported_s
FROM run.journal j JOIN run.token_use u ON u.id = j.use_id JOIN run.credential c ON c.id = j.credential_id
JOIN run.application a ON a.id = c.application_id WHERE j.step = 'seal' AND j.outcome = 'done';

CREATE TABLE span AS SELECT (SELECT min(begun_at) FROM run.token_use) AS first_claim, (SELECT max(begun_at) FROM run.token_use) AS last_claim,
  (SELECT max(at) FROM sealed) AS last_sealed;

CREATE TABLE bucket AS
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n, knob, span WHERE began_us + (i + 1) * bucket_us < last_sealed)
SELECT i, began_us + i * bucket_us AS a, began_us + (i + 1) * bucket_us AS b FROM n, knob;

CREATE TABLE share AS
SELECT u.i, y.kind, total(min(y.b, u.b) - max(y.a, u.a)) / (bays * bucket_us) AS part
FROM bucket u, knob JOIN busy y ON y.a < u.b AND y.b > u.a GROUP BY u.i, y.kind;

-- The k-th of n in order, per bucket and of all.
CREATE TABLE ranked AS
SELECT (at - began_us) / bucket_us AS i, claimed_s, row_number() OVER (PARTITION BY (at - began_us) / bucket_us ORDER BY claimed_s) AS k,
  count(*) OVER (PARTITION BY (at - began_us) / bucket_us) AS n FROM sealed, knob;
CREATE TABLE ranked_all AS
SELECT claimed_s, row_number() OVER (ORDER BY claimed_s) AS by_claimed, imported_s, row_number() OVER (ORDER BY imported_s) AS by_imported,
  count(*) OVER () AS n FROM sealed;
CREATE TABLE percentile AS SELECT value AS p FROM json_each('[50, 95, 99]');

CREATE TABLE series AS
SELECT u.i,
  (SELECT total(quantity) FROM run.application WHERE imported_at >= u.a AND imported_at < u.b) AS arrived,
  (SELECT count(*) FROM sealed WHERE at >= u.a AND at < u.b) AS sealed,
  (SELECT total(quantity) FROM run.application WHERE imported_at < u.b) - (SELECT count(*) FROM sealed WHERE at < u.b) AS open,
  coalesce((SELECT part FROM share s WHERE s.i = u.i AND kind = 'chip'), 0) AS chip,
  coalesce((SELECT part FROM share s WHERE s.i = u.i AND kind = 'steps'), 0) AS steps,
  (SELECT claimed_s FROM ranked r WHERE r.i = u.i AND k = 1 + (n - 1) * 50 / 100) AS p50,
  (SELECT claimed_s FROM ranked r WHERE r.i = u.i AND k = 1 + (n - 1) * 95 / 100) AS p95
FROM bucket u;

-- From the first claim to the last, which begins the drain.
CREATE TABLE used AS
SELECT kind, total(max(0, min(b, last_claim) - max(a, first_claim))) / (bays * max(1, last_claim - first_claim)) AS part
FROM busy, span, knob GROUP BY kind;

-- From a token taken out to the claim for the next one at the same bay, where work was waiting all the while.
CREATE TABLE taken AS SELECT u.bay, j.ended_at AS at FROM run.journal j JOIN run.token_use u ON u.id = j.use_id WHERE j.step = 'take';
CREATE INDEX taken_at ON taken (bay, at);
CREATE TABLE swap AS
SELECT (u.begun_at - t.at) / 1e6 AS s FROM run.token_use u JOIN run.credential c ON c.id = u.credential_id
JOIN run.application a ON a.id = c.application_id
JOIN taken t ON t.bay = u.bay AND t.at = (SELECT max(at) FROM taken WHERE bay = u.bay AND at < u.begun_at) WHERE a.imported_at < t.at;

SELECT json_object(
  'sealed', (SELECT count(*) FROM sealed),
  'issued', (SELECT count(*) FROM run.application WHERE state = 'issued'),
  'applications', (SELECT count(*) FROM run.application),
  'distinct_keys', (SELECT count(DISTINCT spki_sha256) FROM run.key),
  'sealed_per_hour', (SELECT round(count(*) * 3600e6 / (last_sealed - began_us)) FROM sealed, span, knob),
  'sealed_per_hour_of_the_day', (SELECT round(count(*) * 3600e6 / (last_sealed - began_us) / compression) FROM sealed, span, knob),
  'claim_to_sealed_s', (SELECT json_group_object('p' || p, round(claimed_s, 3)) FROM percentile JOIN ranked_all ON by_claimed = 1 + (n - 1) * p / 100),
  'import_to_sealed_s', (SELECT json_group_object('p' || p, round(imported_s, 3)) FROM percentile JOIN ranked_all ON by_imported = 1 + (n - 1) * p / 100),
  'swap_s', (SELECT json_object('count', count(*), 'mean', round(avg(s), 3)) FROM swap),
  'utilisation', (SELECT json_group_object(kind, round(part, 4)) FROM used),
  'retries', json_object('tokens_failed', (SELECT count(*) FROM run.token_use WHERE outcome = 'failed'),
    'steps_failed', (SELECT count(*) FROM run.journal WHERE outcome = 'failed'), 'steps_lost', (SELECT count(*) FROM run.journal WHERE outcome = 'lost')),
  'late', json_object('after_deadline', (SELECT count(*) FROM run.application WHERE coalesce(issued_at, 9e18) > deadline_at),
    'sealed_after_closing', (SELECT count(*) FROM sealed, knob WHERE (at - began_us) * compression > 8 * 3600e6)),
  'series', (SELECT json_group_array(json_object('hour', round(9 + (i + 0.5) * bucket_us * compression / 3600e6, 4),
    'arrived_per_hour', arrived * 3600e6 / (bucket_us * compression), 'sealed_per_hour', sealed * 3600e6 / (bucket_us * compression),
    'open', open, 'chip', round(chip, 4), 'steps', round(steps, 4), 'p50_s', round(p50, 3), 'p95_s', round(p95, 3))) FROM series, knob));
