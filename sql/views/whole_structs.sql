-- id: whole_structs
-- title: Scans that read a struct whole of which the query uses some fields
-- description: One row per scan of columnar files that reads all fields of its first struct column (struct_name) though the operators above name only some of them, as spark.sql.optimizer.nestedSchemaPruning.enabled=false
--   makes it. num_fields are the fields without fields of their own that it has, num_used how many different ones the operators name, num_leaves those of all columns that the scan reads. The plan proves it: an
--   aggregate or a projection above the scan does not pass the struct on (end of its way), and no operator up to there takes the struct itself. Where a plan is cut short, or takes a part of the struct that has fields of its own, there is no
--   row. own_ms is what the timer of the scan measured, NULL without one, run_ms its share of the stages that it ran in.
-- reads: read_scans, small_numbers, sql_nodes, sql_scans
WITH read_schemas AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.rows_read, n.description,
    -- Arrays and maps of plain values are leaves.
    REGEXP_REPLACE(SPLIT_PART(SPLIT_PART(s.metadata, '"ReadSchema":"struct<', 2), '"', 1), '(array|map)<[^<>]*>', 'list') AS fields
  FROM sql_scans AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id AND n.node_id = s.node_id
  WHERE s.operation = 'read' AND s.engine = 'spark' AND s.format IN ('parquet', 'orc', 'delta')
    AND s.metadata LIKE '%"ReadSchema":"struct<%:struct<%' AND s.metadata NOT LIKE '%"ReadSchema":"%...%'
),
structs AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, rows_read, description, fields,
    REGEXP_REPLACE(SPLIT_PART(fields, ':struct<', 1), '^.*,', '') AS struct_name,
    SUBSTR(fields, INSTR(fields, ':struct<') + 8) AS rest
  FROM read_schemas
  -- The first struct is a column, not a part of an array.
  WHERE SPLIT_PART(fields, ':struct<', 1) NOT LIKE '%<%'
),
bodies AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id, rows_read, fields, struct_name,
    -- Up to the bracket that closes it, with structs in it three deep.
    SUBSTR(rest, 1, LENGTH(rest) - LENGTH(REGEXP_REPLACE(rest, '^([^<>]*<([^<>]*<([^<>]*<[^<>]*>)*[^<>]*>)*[^<>]*>)*[^<>]*>', ''))) AS body,
    -- FileScan parquet [day#1,telemetry#3] Batched: ...
    CONCAT(struct_name, '#', REGEXP_REPLACE(SPLIT_PART(REPLACE(CONCAT(',', SPLIT_PART(SPLIT_PART(description, '[', 2), ']', 1)), CONCAT(',', struct_name, '#'), '~'), '~', 2), '[^0-9].*$', '')) AS attribute
  FROM structs
),
named AS (
  SELECT
    b.*, LENGTH(body) - LENGTH(REPLACE(body, ':', '')) - (LENGTH(body) - LENGTH(REPLACE(body, 'struct<', ''))) / 7e0 AS num_fields,
    LENGTH(fields) - LENGTH(REPLACE(fields, ':', '')) - (LENGTH(fields) - LENGTH(REPLACE(fields, 'struct<', ''))) / 7e0 AS num_leaves,
    -- Names of its parts that have fields of their own: without all name:type, what is left of the others.
    CONCAT(',', REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(body, ':(array<|map<[^<>]*)?struct<', '~'), '[^,<>:~]+:[^,<>:~(]+([(][^()]*[)])?', ''), '[~,<>]+', ','), ',') AS parts
  FROM bodies AS b
  WHERE body <> '' AND attribute NOT LIKE '%#'
),
-- What stands above them, as far as it says all.
above AS (
  SELECT
    b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, n.node_id AS above_id, TRIM(n.node_name) AS node_name, n.description LIKE '% more field%' AS is_cut,
    -- A check for NULL needs no field in particular.
    REPLACE(REPLACE(n.description, CONCAT('isnotnull(', b.attribute, ')'), 'true'), CONCAT(b.attribute, '.'), '~') AS used, b.attribute
  FROM named AS b
  INNER JOIN sql_nodes AS n
    ON n.platform = b.platform AND n.cluster_id = b.cluster_id
    AND n.application_id = b.application_id AND n.attempt_id = b.attempt_id AND n.sql_id = b.sql_id
    AND n.node_id < b.node_id AND n.last_node_id >= b.node_id
),
-- The lowest one that makes rows without the struct.
ends AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, node_id, MAX(above_id) AS end_id
  FROM above
  WHERE NOT is_cut AND INSTR(used, attribute) = 0 AND (node_name = 'Project' OR node_name LIKE '%Aggregate')
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id, node_id
),
-- A projection may pass it on, in front of all calls: what it says without that.
passed AS (
  SELECT
    a.*, CASE WHEN node_name = 'Project' THEN CONCAT(
      REPLACE(REPLACE(REPLACE(REPLACE(SPLIT_PART(used, '(', 1), CONCAT('[', attribute, ','), '['), CONCAT('[', attribute, ']'), '[]'), CONCAT(', ', attribute, ','), ','), CONCAT(', ', attribute, ']'), ']'),
      SUBSTR(used, LENGTH(SPLIT_PART(used, '(', 1)) + 1)) ELSE used END AS taken,
    -- The fields, distance_km~proof.status.
    CASE WHEN INSTR(used, '~') > 0 THEN REGEXP_REPLACE(REGEXP_REPLACE(used, '^[^~]*~', ''), '[^A-Za-z0-9_.~][^~]*', '') ELSE '' END AS used_fields
  FROM above AS a
),
-- Each operator up to there with the fields that it names; all of them where one takes the struct itself.
ways AS (
  SELECT
    p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id, p.used_fields,
    MAX(CASE WHEN p.is_cut OR INSTR(p.taken, p.attribute) > 0 OR LENGTH(p.used_fields) - LENGTH(REPLACE(p.used_fields, '~', '')) >= 64 THEN 1 ELSE 0 END) OVER (PARTITION BY p.platform, p.cluster_id, p.application_id, p.attempt_id, p.sql_id, p.node_id) AS is_whole
  FROM passed AS p
  INNER JOIN ends AS e
    ON e.platform = p.platform AND e.cluster_id = p.cluster_id
    AND e.application_id = p.application_id AND e.attempt_id = p.attempt_id AND e.sql_id = p.sql_id AND e.node_id = p.node_id
  WHERE p.above_id >= e.end_id
),
paths AS (
  SELECT DISTINCT w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, w.node_id, SPLIT_PART(w.used_fields, '~', CAST(n.place AS INT)) AS path
  FROM ways AS w
  INNER JOIN small_numbers AS n ON n.place <= LENGTH(w.used_fields) - LENGTH(REPLACE(w.used_fields, '~', '')) + 1
  WHERE w.is_whole = 0 AND w.used_fields <> ''
)
SELECT
  b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, b.struct_name, b.rows_read, b.num_fields, b.num_leaves,
  CAST(COUNT(*) AS DOUBLE) AS num_used, MAX(r.run_ms) AS run_ms, MAX(r.own_ms) AS own_ms
FROM named AS b
INNER JOIN paths AS p
  ON p.platform = b.platform AND p.cluster_id = b.cluster_id
  AND p.application_id = b.application_id AND p.attempt_id = b.attempt_id AND p.sql_id = b.sql_id AND p.node_id = b.node_id
INNER JOIN read_scans AS r
  ON r.platform = b.platform AND r.cluster_id = b.cluster_id
  AND r.application_id = b.application_id AND r.attempt_id = b.attempt_id AND r.sql_id = b.sql_id AND r.node_id = b.node_id
GROUP BY b.platform, b.cluster_id, b.application_id, b.attempt_id, b.sql_id, b.node_id, b.struct_name, b.rows_read, b.num_fields, b.num_leaves
HAVING COUNT(*) < b.num_fields
  AND MAX(CASE WHEN p.path = '' OR INSTR(b.parts, CONCAT(',', REGEXP_REPLACE(p.path, '^.*[.]', ''), ',')) > 0 THEN 1 ELSE 0 END) = 0
