-- id: repeated_fits
-- title: The same feature stages are fitted again and again
-- category: plans
-- severity: low
-- version: 1
-- description: Fires where estimators of features (CountVectorizer, IDF and others of org.apache.spark.ml.feature) are fitted several times with the same data, as
--   where a CrossValidator or TrainValidationSplit wraps a whole Pipeline: each point of the grid then fits all stages again for each fold. Stages of a fit, told by the
--   stack of their call site, count as the same where they have as many tasks and read and write exactly the same number of shuffle records and
--   bytes. Iterations are none: a place in the code that runs more often than the others of its estimator is left out, and stages of models are not looked at. Without a validator
--   in the log one of these shuffles must hold enough records to prove that the data are the same. Lost is what these stages took beside one of each kind, only what read a cache or a shuffle (other input is
--   what repeated_input and recomputed_rdd report), so it is a lower bound: the fits compute the features again for the model, too. Stages of queries are what
--   repeated_queries and repeated_computation look at. Never above low where a later stage of features gives more different results than an earlier one: the grid may vary the earlier one.
-- subject: stage
-- parameter: min_same bigint = 3 [count] stages that did the same, at least
-- parameter: min_records bigint = 1000 [count] shuffle records of one of them that prove it where the log shows no validator, at least
-- parameter: max_runs double = 1.5 [ratio] runs of a place in the code over those of the least used place of its estimator, at most
-- parameter: min_varied double = 1.2 [ratio] most over least different results a run, from which the grid seems to vary features
-- parameter: min_lost_ms double = 5000 [ms] task time lost, at least
-- parameter: min_share double = 0.05 [ratio] the same as a share of all task time, at least
-- evidence: {stage_name} ran {num_runs:time|times}, with only {num_different:different shuffle|different shuffles}: {num_same} of these runs {verb} exactly {records:int} records ({bytes:bytes}). Such repeats of {estimator}[ and
--   {second_estimator}][ and {num_others:other estimator|other estimators}] took {lost_ms:s} of task time, of {app_ms:s} in all[; the log shows a {validator}].
-- advice: validator IS NOT NULL AND supervised IS NOT NULL | - | - | {validator} wraps the Pipeline and fits its feature stages for each point of the grid. {supervised} looks at the label: fit the features once a fold on its
--   training part, cache what they give, and try all points of the grid on it.
-- advice: validator IS NOT NULL | - | - | {validator} fits the feature stages again for each point of the grid. Where the grid does not vary their parameters, let {validator} take only the model, not the Pipeline: make it the last
--   stage of a Pipeline whose first stages are the features, or fit these before it, and cache the transformed features. Where each fold needs features of its own, fit and cache them once a fold.
-- recommendation: Fit each estimator of features once for the same data, keep the fitted model, and cache what it transforms. Where a grid search wraps a whole Pipeline, put only the model inside of it.
WITH candidates AS (
  SELECT
    s.platform, s.cluster_id, s.application_id, s.attempt_id, s.stage_id, s.stage_name, s.num_tasks, s.details,
    SPLIT_PART(SPLIT_PART(s.details, '.feature.', 2), '.', 1) AS estimator,
    COALESCE(s.shuffle_read_records, 0) AS read_records, COALESCE(s.shuffle_read_bytes, 0) AS read_bytes,
    COALESCE(s.shuffle_write_records, 0) AS write_records, COALESCE(s.shuffle_write_bytes, 0) AS write_bytes
  FROM stages AS s
  WHERE s.status = 'COMPLETE' AND s.stage_attempt_id = 0 AND s.sql_id IS NULL
    AND s.details LIKE '%org.apache.spark.ml%.feature.%' AND (s.shuffle_read_bytes > 0 OR s.shuffle_write_bytes > 0)
),
fits AS (
  SELECT c.*, CAST(t.executor_run_time AS DOUBLE) AS run_ms
  FROM candidates AS c
  INNER JOIN timed_stages AS t
    ON t.platform = c.platform AND t.cluster_id = c.cluster_id
    AND t.application_id = c.application_id AND t.attempt_id = c.attempt_id
    AND t.stage_id = c.stage_id AND t.stage_attempt_id = 0
  WHERE INSTR(c.details, CONCAT('.feature.', c.estimator, '.fit(')) > 0
),
-- Stages that begin at what an earlier stage had put into the cache.
from_cache AS (
  SELECT DISTINCT f.platform, f.cluster_id, f.application_id, f.attempt_id, f.stage_id
  FROM fits AS f
  INNER JOIN stages AS s
    ON s.platform = f.platform AND s.cluster_id = f.cluster_id
    AND s.application_id = f.application_id AND s.attempt_id = f.attempt_id
    AND s.stage_id = f.stage_id AND s.stage_attempt_id = 0
  INNER JOIN rdds AS r
    ON r.platform = f.platform AND r.cluster_id = f.cluster_id
    AND r.application_id = f.application_id AND r.attempt_id = f.attempt_id
  WHERE r.is_persisted AND r.first_stage_id < f.stage_id AND ARRAY_CONTAINS(s.rdd_ids, r.rdd_id)
),
applications_with_fits AS (
  SELECT DISTINCT platform, cluster_id, application_id, attempt_id FROM fits
),
-- Scala shows the validator in the stack; Python in the column by which it splits the data.
traces AS (
  SELECT s.platform, s.cluster_id, s.application_id, s.attempt_id, s.details AS trace
  FROM stages AS s
  INNER JOIN applications_with_fits AS f
    ON f.platform = s.platform AND f.cluster_id = s.cluster_id
    AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id
  WHERE s.details LIKE '%org.apache.spark.ml.tuning.%'
  UNION ALL
  SELECT r.platform, r.cluster_id, r.application_id, r.attempt_id, r.rdd_name AS trace
  FROM rdds AS r
  INNER JOIN applications_with_fits AS f
    ON f.platform = r.platform AND f.cluster_id = r.cluster_id
    AND f.application_id = r.application_id AND f.attempt_id = r.attempt_id
  WHERE r.rdd_name LIKE '%CrossValidator_%_rand#%' OR r.rdd_name LIKE '%TrainValidationSplit_%_rand#%'
),
validators AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    MIN(CASE WHEN trace LIKE '%CrossValidator%' THEN 'CrossValidator' WHEN trace LIKE '%TrainValidationSplit%' THEN 'TrainValidationSplit' END) AS validator
  FROM traces
  GROUP BY platform, cluster_id, application_id, attempt_id
),
same AS (
  SELECT
    f.platform, f.cluster_id, f.application_id, f.attempt_id, f.estimator, f.stage_name, f.num_tasks,
    f.read_records, f.read_bytes, f.write_records, f.write_bytes,
    COUNT(*) AS num_same, MIN(f.stage_id) AS stage_id,
    SUM(CASE WHEN c.stage_id IS NOT NULL OR f.read_records > 0 THEN f.run_ms ELSE 0e0 END)
      - CASE WHEN COUNT(*) > SUM(CASE WHEN c.stage_id IS NOT NULL OR f.read_records > 0 THEN 1 ELSE 0 END) THEN 0e0 ELSE MAX(f.run_ms) END AS lost_ms
  FROM fits AS f
  LEFT JOIN from_cache AS c
    ON c.platform = f.platform AND c.cluster_id = f.cluster_id
    AND c.application_id = f.application_id AND c.attempt_id = f.attempt_id AND c.stage_id = f.stage_id
  GROUP BY f.platform, f.cluster_id, f.application_id, f.attempt_id, f.estimator, f.stage_name, f.num_tasks,
    f.read_records, f.read_bytes, f.write_records, f.write_bytes
),
counted AS (
  SELECT
    s.*,
    SUM(s.num_same) OVER place AS num_runs,
    COUNT(*) OVER place AS num_different
  FROM same AS s
  WINDOW place AS (PARTITION BY s.platform, s.cluster_id, s.application_id, s.attempt_id, s.estimator, s.stage_name, s.num_tasks)
),
-- A place that runs more often than others of its estimator is a loop inside of the fit.
compared AS (
  SELECT
    c.*,
    MIN(c.num_runs) OVER (PARTITION BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.estimator) AS least_runs,
    MIN(CAST(c.num_different AS DOUBLE) / NULLIF(c.num_runs, 0)) OVER application AS least_different,
    MAX(CAST(c.num_different AS DOUBLE) / NULLIF(c.num_runs, 0)) OVER application AS most_different
  FROM counted AS c
  WINDOW application AS (PARTITION BY c.platform, c.cluster_id, c.application_id, c.attempt_id)
),
repeated AS (
  SELECT c.*
  FROM compared AS c
  WHERE c.num_same >= $min_same AND c.lost_ms > 0e0 AND c.num_runs <= $max_runs * c.least_runs
),
estimators AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, estimator, SUM(lost_ms) AS lost_ms,
    ROW_NUMBER() OVER (PARTITION BY platform, cluster_id, application_id, attempt_id ORDER BY SUM(lost_ms) DESC, estimator) AS place
  FROM repeated
  GROUP BY platform, cluster_id, application_id, attempt_id, estimator
),
totals AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, SUM(lost_ms) AS lost_ms,
    MAX(CASE WHEN place = 1 THEN estimator END) AS estimator,
    MAX(CASE WHEN place = 2 THEN estimator END) AS second_estimator,
    NULLIF(GREATEST(COUNT(*) - 2, 0), 0) AS num_others,
    MAX(CASE WHEN estimator IN ('ChiSqSelector', 'UnivariateFeatureSelector', 'TargetEncoder') THEN estimator END) AS supervised
  FROM estimators
  GROUP BY platform, cluster_id, application_id, attempt_id
),
-- The stage that stands for all: the most expensive of those that prove most.
ranked AS (
  SELECT
    r.*,
    MAX(GREATEST(r.read_records, r.write_records)) OVER (PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id) AS most_records,
    ROW_NUMBER() OVER (
      PARTITION BY r.platform, r.cluster_id, r.application_id, r.attempt_id
      ORDER BY CASE WHEN GREATEST(r.read_records, r.write_records) >= $min_records THEN 0 ELSE 1 END, r.lost_ms DESC, r.stage_id
    ) AS place
  FROM repeated AS r
)
SELECT
  r.platform, r.cluster_id, r.application_id, r.attempt_id, CONCAT(CAST(r.stage_id AS STRING), '.0') AS subject_id,
  CASE WHEN r.most_different > $min_varied * r.least_different THEN 'low' END AS severity,
  'medium' AS confidence,
  TRY_CAST(t.lost_ms AS BIGINT) AS lost_core_ms, TRY_CAST(t.lost_ms * a.wall_ratio AS BIGINT) AS recoverable_ms,
  SUBSTR(r.stage_name, 1, 100) AS stage_name, r.num_runs, r.num_different, r.num_same,
  CASE WHEN r.write_records > 0 THEN 'wrote' ELSE 'read' END AS verb,
  CASE WHEN r.write_records > 0 THEN r.write_records ELSE r.read_records END AS records,
  CASE WHEN r.write_records > 0 THEN r.write_bytes ELSE r.read_bytes END AS bytes,
  t.estimator, t.second_estimator, t.num_others, t.supervised, v.validator,
  TRY_CAST(t.lost_ms AS BIGINT) AS lost_ms, u.executor_run_time AS app_ms
FROM totals AS t
INNER JOIN ranked AS r
  ON r.platform = t.platform AND r.cluster_id = t.cluster_id
  AND r.application_id = t.application_id AND r.attempt_id = t.attempt_id AND r.place = 1
INNER JOIN application_run_times AS u
  ON u.platform = t.platform AND u.cluster_id = t.cluster_id
  AND u.application_id = t.application_id AND u.attempt_id = t.attempt_id
INNER JOIN application_facts AS a
  ON a.platform = t.platform AND a.cluster_id = t.cluster_id
  AND a.application_id = t.application_id AND a.attempt_id = t.attempt_id
LEFT JOIN validators AS v
  ON v.platform = t.platform AND v.cluster_id = t.cluster_id
  AND v.application_id = t.application_id AND v.attempt_id = t.attempt_id
WHERE t.lost_ms >= $min_lost_ms AND t.lost_ms >= $min_share * u.executor_run_time
  AND (v.validator IS NOT NULL OR (r.most_records >= $min_records AND NOT a.is_interactive))
