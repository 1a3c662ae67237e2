-- id: query_shapes
-- title: Queries by what a loop keeps of them
-- description: One row per query. shape is its description in the form that the rounds of a loop share: a place in the code as it is (one name for places that Spark
--   does not know, as of a Python program's threads; batches of streams too), of statements and labels all but strings and numbers, and one mark for lists of these.
-- reads: query_facts
SELECT
  platform, cluster_id, application_id, attempt_id, sql_id,
  CASE
    WHEN REGEXP_LIKE(description, ' at [^ ]+:[0-9]+$|runId = ') THEN REPLACE(description, ' at <unknown>:0', ' at NativeMethodAccessorImpl.java:0')
    ELSE REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(description, CONCAT(CHR(39), '[^', CHR(39), ']*', CHR(39)), '?'), '"[^"]*"|[0-9]+', '?'), '[?]([ ]*,[ ]*[?])+', '?')
  END AS shape
FROM query_facts
