-- id: salted_joins
-- title: Copies that a join needs because its keys are salted
-- description: One row per Generate (explode) that makes the same numbers for each row (an array or sequence without a column in it) and whose column is one of the keys of the nearest join
--   above, by itself or in an expression such as a concatenation, where the other side computes the same key with random numbers or a hash: the known cure of a skewed
--   key, which copies the small side once for each salt. join_id, join_name and join_rows are that join, what it puts out in join_rows; other_rows are the rows of its other
--   side, as the nearest operator below counts them. is_full: a full outer join, of which adaptive execution splits no side.
-- reads: small_numbers, sql_nodes
WITH made AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, node_id,
    -- Generate explode([0,1,2,3]), [k#4L], false, [salt#8]: of the last list the number of the last column.
    REGEXP_REPLACE(REGEXP_REPLACE(REPLACE(description, ']', ''), '^.*#', ''), 'L$', '') AS made_id
  FROM sql_nodes
  WHERE TRIM(node_name) = 'Generate' AND description LIKE '%#%]' AND (description LIKE '%explode([%' OR description LIKE '%explode(sequence(%' OR description LIKE '%explode(org.apache.%')
    -- What comes before the columns that are kept has no column in it.
    AND SPLIT_PART(SPLIT_PART(SPLIT_PART(description, '), [', 1), '), false, [', 1), '), true, [', 1) NOT LIKE '%#%'
),
-- The nearest join above, and its lists of keys: SortMergeJoin [k#1L, salt#6], [k#4L, salt#8], Inner.
nearest AS (
  SELECT m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.made_id, MAX(j.node_id) AS join_id
  FROM made AS m
  INNER JOIN sql_nodes AS j
    ON j.platform = m.platform AND j.cluster_id = m.cluster_id
    AND j.application_id = m.application_id AND j.attempt_id = m.attempt_id AND j.sql_id = m.sql_id
    AND j.node_id < m.node_id AND j.last_node_id >= m.node_id
  WHERE j.operator_kind = 'join' AND CARDINALITY(j.child_node_ids) = 2
  GROUP BY m.platform, m.cluster_id, m.application_id, m.attempt_id, m.sql_id, m.node_id, m.made_id
),
sides AS (
  SELECT
    n.platform, n.cluster_id, n.application_id, n.attempt_id, n.sql_id, n.node_id, n.made_id, n.join_id, j.node_name AS join_name,
    CAST(j.rows_output AS DOUBLE) AS join_rows, j.last_node_id AS join_last_id, j.description LIKE '%], FullOuter%' AS is_full,
    n.node_id < ARRAY_MAX(j.child_node_ids) AS is_left, ARRAY_MIN(j.child_node_ids) AS left_id, ARRAY_MAX(j.child_node_ids) AS right_id,
    SPLIT_PART(SPLIT_PART(j.description, '], [', 1), ' [', 2) AS left_keys, SPLIT_PART(SPLIT_PART(j.description, '], [', 2), '], ', 1) AS right_keys
  FROM nearest AS n
  INNER JOIN sql_nodes AS j
    ON j.platform = n.platform AND j.cluster_id = n.cluster_id
    AND j.application_id = n.application_id AND j.attempt_id = n.attempt_id AND j.sql_id = n.sql_id AND j.node_id = n.join_id
  WHERE j.description LIKE '%Join [%], [%], %'
),
keys AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.made_id, s.join_id, s.join_name, s.join_rows, s.is_full,
    CASE WHEN s.is_left THEN s.right_id ELSE s.left_id END AS other_id, CASE WHEN s.is_left THEN s.join_last_id ELSE s.right_id - 1 END AS other_last_id,
    SPLIT_PART(CASE WHEN s.is_left THEN s.left_keys ELSE s.right_keys END, ', ', p.place) AS own_key,
    SPLIT_PART(CASE WHEN s.is_left THEN s.right_keys ELSE s.left_keys END, ', ', p.place) AS other_key
  FROM sides AS s
  INNER JOIN small_numbers AS p ON p.place <= 5
),
-- Project [(id#0L % 100) AS k#1L, cast((rand(7) * 8.0) as int) AS salt#6]: what computes a key, without the columns before it.
own AS (
  SELECT
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.sql_id, k.node_id, k.made_id, k.join_id, k.join_name, k.join_rows, k.is_full, k.other_id, k.other_last_id, k.other_key,
    MAX(REGEXP_REPLACE(SPLIT_PART(CONCAT(REPLACE(n.description, ']', ','), ','), CONCAT(' AS ', k.own_key, ','), 1), '^.* AS [^,]*,', '')) AS computed, MAX(k.own_key) AS own_key
  FROM keys AS k
  LEFT JOIN sql_nodes AS n
    ON n.platform = k.platform AND n.cluster_id = k.cluster_id
    AND n.application_id = k.application_id AND n.attempt_id = k.attempt_id AND n.sql_id = k.sql_id
    AND n.node_id > k.join_id AND n.node_id < k.node_id AND n.last_node_id >= k.node_id AND TRIM(n.node_name) = 'Project'
    AND INSTR(CONCAT(REPLACE(n.description, ']', ','), ','), CONCAT(' AS ', k.own_key, ',')) > 0
  WHERE k.own_key LIKE '%#%' AND k.other_key LIKE '%#%'
  GROUP BY
    k.platform, k.cluster_id, k.application_id, k.attempt_id, k.sql_id, k.node_id, k.made_id, k.join_id, k.join_name, k.join_rows, k.is_full, k.other_id, k.other_last_id, k.other_key
),
-- Ids are compared as a whole: salt#1 is no part of salt#18.
salted AS (
  SELECT o.*
  FROM own AS o
  WHERE INSTR(CONCAT(REGEXP_REPLACE(o.own_key, '[^#0-9]', ' '), ' '), CONCAT('#', o.made_id, ' ')) > 0
    OR INSTR(CONCAT(REGEXP_REPLACE(COALESCE(o.computed, ''), '[^#0-9]', ' '), ' '), CONCAT('#', o.made_id, ' ')) > 0
),
others AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id,
    REGEXP_REPLACE(SPLIT_PART(CONCAT(REPLACE(n.description, ']', ','), ','), CONCAT(' AS ', s.other_key, ','), 1), '^.* AS [^,]*,', '') AS computed
  FROM salted AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
    AND n.node_id >= s.other_id AND n.node_id <= s.other_last_id AND TRIM(n.node_name) = 'Project'
  WHERE INSTR(CONCAT(REPLACE(n.description, ']', ','), ','), CONCAT(' AS ', s.other_key, ',')) > 0
),
random AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id, sql_id, node_id
  FROM others
  WHERE REGEXP_REPLACE(computed, '(rand|randn|uuid|hash|hash64|pmod|monotonically_increasing_id)[(]', '') <> computed
),
counted AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, MIN(n.node_id) AS counted_id
  FROM salted AS s
  INNER JOIN sql_nodes AS n
    ON n.platform = s.platform AND n.cluster_id = s.cluster_id
    AND n.application_id = s.application_id AND n.attempt_id = s.attempt_id AND n.sql_id = s.sql_id
    AND n.node_id >= s.other_id AND n.node_id <= s.other_last_id AND n.rows_output IS NOT NULL
  GROUP BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id
)
SELECT DISTINCT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, s.sql_id, s.node_id, s.join_id, s.join_name, s.join_rows, s.is_full, CAST(n.rows_output AS DOUBLE) AS other_rows
FROM salted AS s
INNER JOIN random AS r
  ON r.platform = s.platform AND r.cluster_id = s.cluster_id
  AND r.application_id = s.application_id AND r.attempt_id = s.attempt_id AND r.sql_id = s.sql_id AND r.node_id = s.node_id
LEFT JOIN counted AS c
  ON c.platform = s.platform AND c.cluster_id = s.cluster_id
  AND c.application_id = s.application_id AND c.attempt_id = s.attempt_id AND c.sql_id = s.sql_id AND c.node_id = s.node_id
LEFT JOIN sql_nodes AS n
  ON n.platform = c.platform AND n.cluster_id = c.cluster_id
  AND n.application_id = c.application_id AND n.attempt_id = c.attempt_id AND n.sql_id = c.sql_id AND n.node_id = c.counted_id
