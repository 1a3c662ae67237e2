-- id: costly_compression
-- title: Parquet is compressed at a high price
-- category: storage
-- severity: low
-- version: 1
-- description: Fires where stages that write Parquet files with gzip, or with zstd at a level of 10 or higher, took a large part of the application's processor time, and wrote few bytes in a second of it. The codec is that of
--   the write's own options, else of its session, else of the application; a level holds for its codec alone. Measured with Spark 4.3 over random numbers, JSON texts
--   and rows of mixed columns, a MB of files took these milliseconds of processor time more than with snappy: zstd level 3 1 to 6, level 6 2 to 30, level 9 3 to 52, level 11 8 to 119, level 12 150 to 346, level 15 254 to 720, level 19 549 to 1768, gzip 33 to 110,
--   gzip at its best level 152 to 689. Compared with level 3 the files of level 12 were 0 to 18 % smaller, those of level 19 0 to 29 %; those of gzip were 1 % larger to 11 % smaller.
--   How long the compression itself took is not in the log. Lost is what the bytes
--   cost more by such a measure, and never more than a part of the processor time of the stages. Writers that do their own compression (Photon, GPUs, Iceberg) are left out.
-- parameter: min_level bigint = 10 [level] level of zstd, at least
-- parameter: min_cpu_ms double = 10000 [ms] processor time of the stages that write with the codec, at least
-- parameter: min_share double = 0.1 [ratio] that time over the processor time of the application, at least
-- parameter: max_level_rate double = 15000 [bytes_per_ms] bytes written in a millisecond of it, at most: a level of 10 or higher is not faster
-- parameter: max_gzip_rate double = 40000 [bytes_per_ms] the same for gzip
-- parameter: level_10_ns double = 50 [ns] processor time that a byte written takes more than with the default, at levels 10 and 11
-- parameter: level_12_ns double = 200 [ns] the same at levels 12 to 14
-- parameter: level_15_ns double = 350 [ns] the same at levels 15 to 17
-- parameter: level_18_ns double = 700 [ns] the same at levels 18 to 22
-- parameter: gzip_ns double = 50 [ns] the same with gzip, against zstd at its default level
-- parameter: best_gzip_ns double = 200 [ns] the same with gzip at its best level
-- parameter: max_part double = 0.5 [ratio] lost time over the processor time of the stages, at most
-- evidence: {num_queries:query wrote|queries wrote} {bytes:bytes} of Parquet with {codec_name}[ into {target}]; the stages that wrote it took {cpu_ms:s} of the {app_cpu_ms:s} of processor time of the application, {mb_each:1} MB a second of it.
-- advice: codec = 'zstd' AND NOT is_option | spark.hadoop.parquet.compression.codec.zstd.level | '3' | Set it back to 3, the default: that takes a small part of the time, and the files are hardly larger. A level up to 9 is moderate where size counts more.
-- advice: codec = 'zstd' | - | - | Write at level 3, the default (option parquet.compression.codec.zstd.level): it takes a small part of the time, for files that are hardly larger. A level up to 9 is moderate where size counts more.
-- advice: codec = 'gzip' AND spark_minor >= 302 AND NOT is_option | spark.sql.parquet.compression.codec | 'zstd' | Write with zstd, which makes files of about the same size in a small part of the time; all readers of the files have to know it.
-- advice: codec = 'gzip' AND spark_minor >= 302 | - | - | Write with zstd (option compression), which makes files of about the same size in a small part of the time; all readers of the files have to know it.
-- recommendation: Write with snappy, the default, which takes a small part of the time, where larger files do not matter.
WITH set_values AS (
  SELECT
    platform, cluster_id, application_id, attempt_id,
    LOWER(MAX(CASE WHEN key = 'spark.sql.parquet.compression.codec' THEN value END)) AS codec,
    TRY_CAST(MAX(CASE WHEN key = 'spark.hadoop.parquet.compression.codec.zstd.level' THEN value END) AS BIGINT) AS level,
    UPPER(MAX(CASE WHEN key = 'spark.hadoop.zlib.compress.level' THEN value END)) AS gzip_level
  FROM spark_settings
  WHERE key IN ('spark.sql.parquet.compression.codec', 'spark.hadoop.parquet.compression.codec.zstd.level', 'spark.hadoop.zlib.compress.level')
  GROUP BY platform, cluster_id, application_id, attempt_id
),
session_values AS (
  SELECT platform, cluster_id, application_id, attempt_id, sql_id, LOWER(MAX(value)) AS codec
  FROM session_settings
  WHERE key = 'spark.sql.parquet.compression.codec' AND sql_id IS NOT NULL
  GROUP BY platform, cluster_id, application_id, attempt_id, sql_id
),
-- The options of a write are in its plan: Parquet, [compression=zstd, path=...].
described AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, COALESCE(w.table_name, w.location) AS target,
    REPLACE(REPLACE(n.description, '[', ' '), ']', ',') AS description
  FROM sql_scans AS w
  INNER JOIN sql_nodes AS n
    ON n.platform = w.platform AND n.cluster_id = w.cluster_id
    AND n.application_id = w.application_id AND n.attempt_id = w.attempt_id AND n.sql_id = w.sql_id AND n.node_id = w.node_id
  WHERE w.operation = 'write' AND w.format = 'parquet' AND NOT COALESCE(n.is_photon, FALSE) AND COALESCE(n.engine, 'spark') = 'spark'
),
writes AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, sql_id, target,
    CASE WHEN REGEXP_LIKE(description, ' compression=[A-Za-z0-9_]+,') THEN LOWER(REGEXP_REPLACE(description, '^(?s:.*) compression=([A-Za-z0-9_]+),(?s:.*)$', '$1')) END AS codec,
    CASE WHEN REGEXP_LIKE(description, ' parquet.compression.codec.zstd.level=[0-9]+,')
      THEN TRY_CAST(REGEXP_REPLACE(description, '^(?s:.*) parquet.compression.codec.zstd.level=([0-9]+),(?s:.*)$', '$1') AS BIGINT) END AS level
  FROM described
),
coded AS (
  SELECT
    w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id, MAX(w.target) AS target,
    MAX(COALESCE(w.codec, s.codec, a.codec)) AS codec, MAX(COALESCE(w.level, a.level)) AS level, MAX(a.gzip_level) AS gzip_level,
    MAX(CASE WHEN COALESCE(w.codec, s.codec, a.codec) = 'zstd' AND w.level IS NOT NULL OR COALESCE(w.codec, s.codec, a.codec) = 'gzip' AND w.codec IS NOT NULL THEN 1 ELSE 0 END) AS is_option
  FROM writes AS w
  LEFT JOIN set_values AS a
    ON a.platform = w.platform AND a.cluster_id = w.cluster_id
    AND a.application_id = w.application_id AND a.attempt_id = w.attempt_id
  LEFT JOIN session_values AS s
    ON s.platform = w.platform AND s.cluster_id = w.cluster_id
    AND s.application_id = w.application_id AND s.attempt_id = w.attempt_id AND s.sql_id = w.sql_id
  GROUP BY w.platform, w.cluster_id, w.application_id, w.attempt_id, w.sql_id
  -- Of one codec alone.
  HAVING COUNT(DISTINCT COALESCE(w.codec, s.codec, a.codec, 'snappy')) = 1
),
costly AS (
  SELECT
    c.*,
    CASE
      WHEN codec = 'gzip' AND gzip_level IN ('BEST_COMPRESSION', 'EIGHT', 'NINE') THEN $best_gzip_ns WHEN codec = 'gzip' THEN $gzip_ns
      WHEN level >= 18 THEN $level_18_ns WHEN level >= 15 THEN $level_15_ns WHEN level >= 12 THEN $level_12_ns ELSE $level_10_ns
    END AS byte_ns,
    CASE WHEN codec = 'zstd' THEN CONCAT('zstd at level ', CAST(level AS STRING)) WHEN gzip_level IN ('BEST_COMPRESSION', 'EIGHT', 'NINE') THEN 'gzip at its best level' ELSE 'gzip' END AS codec_name
  FROM coded AS c
  WHERE codec = 'zstd' AND level >= $min_level OR codec = 'gzip' AND NOT COALESCE(gzip_level IN ('NO_COMPRESSION', 'BEST_SPEED', 'ONE', 'TWO', 'THREE'), FALSE)
),
worked AS (
  SELECT
    c.platform, c.cluster_id, c.application_id, c.attempt_id, c.codec, c.codec_name, c.byte_ns, c.is_option, c.sql_id, c.target,
    SUM(CAST(f.output_bytes AS DOUBLE)) AS bytes, SUM(f.cpu_ms) AS cpu_ms
  FROM costly AS c
  INNER JOIN stage_facts AS f
    ON f.platform = c.platform AND f.cluster_id = c.cluster_id
    AND f.application_id = c.application_id AND f.attempt_id = c.attempt_id AND f.sql_id = c.sql_id
  WHERE f.output_bytes > 0 AND f.cpu_ms > 0e0 AND NOT f.has_gpu
  GROUP BY c.platform, c.cluster_id, c.application_id, c.attempt_id, c.codec, c.codec_name, c.byte_ns, c.is_option, c.sql_id, c.target
),
summed AS (
  SELECT
    platform, cluster_id, application_id, attempt_id, codec, codec_name, byte_ns, is_option,
    COUNT(*) AS num_queries, CASE WHEN COUNT(DISTINCT target) = 1 THEN MAX(target) END AS target, SUM(bytes) AS bytes, SUM(cpu_ms) AS cpu_ms,
    SUM(LEAST(bytes * byte_ns / 1e6, $max_part * cpu_ms)) AS lost_ms
  FROM worked
  GROUP BY platform, cluster_id, application_id, attempt_id, codec, codec_name, byte_ns, is_option
),
totals AS (
  SELECT platform, cluster_id, application_id, attempt_id, SUM(CAST(executor_cpu_time AS DOUBLE)) / 1e6 AS app_cpu_ms
  FROM stages
  GROUP BY platform, cluster_id, application_id, attempt_id
)
SELECT
  s.platform, s.cluster_id, s.application_id, s.attempt_id, CONCAT(s.codec_name, CASE WHEN s.is_option = 1 THEN ' (option)' ELSE '' END) AS subject_id,
  CASE WHEN s.codec = 'gzip' THEN 'low' END AS severity, 'medium' AS confidence,
  CONCAT('Parquet is written with ', s.codec_name) AS title,
  TRY_CAST(ROUND(s.lost_ms) AS BIGINT) AS lost_core_ms, TRY_CAST(ROUND(s.lost_ms * f.wall_ratio) AS BIGINT) AS recoverable_ms,
  s.codec, s.codec_name, s.num_queries, s.target, TRY_CAST(s.bytes AS BIGINT) AS bytes, s.cpu_ms, t.app_cpu_ms,
  s.bytes / 1e3 / NULLIF(s.cpu_ms, 0e0) AS mb_each, s.is_option = 1 AS is_option, f.spark_minor
FROM summed AS s
INNER JOIN totals AS t
  ON t.platform = s.platform AND t.cluster_id = s.cluster_id
  AND t.application_id = s.application_id AND t.attempt_id = s.attempt_id
INNER JOIN application_facts AS f
  ON f.platform = s.platform AND f.cluster_id = s.cluster_id
  AND f.application_id = s.application_id AND f.attempt_id = s.attempt_id
WHERE s.cpu_ms >= $min_cpu_ms AND s.cpu_ms >= $min_share * t.app_cpu_ms
  AND s.bytes <= CASE WHEN s.codec = 'gzip' AND s.byte_ns < 100e0 THEN $max_gzip_rate ELSE $max_level_rate END * s.cpu_ms
