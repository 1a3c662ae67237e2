#!/usr/bin/env python3
"""How far `sparklake whatif` is off: one job on real Spark at several sizes, each predicted from each
other, beside predictions that need no simulation.

The tasks of the job sleep in the JVM, so that a small machine keeps a schedule of many cores. Plans
are interpreted, because compiling them beside each other on few cores would look like work.

    python3 benches/whatif.py run     --out /tmp/whatif            # needs pyspark and Java
    python3 benches/whatif.py predict --out /tmp/whatif --sparklake target/release/sparklake

`run` writes event logs; runs that are there already are not made again. `predict` loads them into a
lake, asks for every pair, and prints errors by distance. Check first that the total task time is the
same at every size of the same input: it prints that too.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

SMALL, LARGE = 48, 96
ROWS = 8
# Name, master, cores of an executor, executors, dynamic allocation, files of the input.
RUNS = [
    (f"local-{cores}-{files}", f"local[{cores}]", cores, 1, False, files)
    for files in (SMALL, LARGE)
    for cores in (2, 4, 8, 16)
] + [
    (f"cluster-{executors}-{'on' if dynamic else 'off'}-{files}",
     f"local-cluster[{executors},2,640]", 2, executors, dynamic, files)
    for files in (SMALL, LARGE)
    for dynamic in (False, True)
    for executors in (1, 2, 4)
]


def job(out, name, master, dynamic, files):
    """One application: a scan that sleeps for each row, some rows longer, a driver's pause, a shuffle
    whose groups sleep by their size, and a broadcast beside it."""
    from pyspark.sql import SparkSession

    conf = {
        "spark.app.name": "whatif-bench",
        "spark.master": master,
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"file://{out}/logs/{name}",
        "spark.ui.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.shuffle.partitions": "20",
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
        # One file, one task.
        "spark.sql.files.openCostInBytes": "134217728",
        "spark.sql.files.maxPartitionBytes": "134217728",
        "spark.driver.memory": "512m",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.locality.wait": "0",
    }
    if master.startswith("local-cluster"):
        conf |= {"spark.executor.cores": "2", "spark.executor.memory": "512m"}
        executors = master.split("[")[1].split(",")[0]
        conf["spark.executor.instances" if not dynamic else "spark.dynamicAllocation.maxExecutors"] = executors
    if dynamic:
        conf |= {
            "spark.dynamicAllocation.enabled": "true",
            "spark.dynamicAllocation.shuffleTracking.enabled": "true",
            "spark.dynamicAllocation.executorIdleTimeout": "5s",
        }
    builder = SparkSession.builder
    for key, value in conf.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    sleep = "java_method('java.lang.Thread', 'sleep', CAST({} AS BIGINT))"
    data = spark.read.parquet(f"{out}/input-{files}")

    def scan(rows):
        """8 rows of 150 to 350 ms: two seconds a task, every 16th task three times as long."""
        slept = sleep.format("150 + id % 41 * 5 + IF(part % 16 = 7, 500, 0)") + " AS slept"
        rows.selectExpr("id", slept).where("slept IS NOT NULL").selectExpr("MAX(id)").collect()

    # Loading classes in one task, not in all at once.
    scan(data.where("part = 0"))
    scan(data)
    time.sleep(4)
    small = spark.range(97).selectExpr("id AS k", sleep.format("20") + " AS waited")
    joined = data.selectExpr("id", "id % 97 AS k").join(small.hint("broadcast"), "k")
    groups = joined.groupBy("k").count()
    groups.selectExpr("k", sleep.format("count * 100") + " AS slept").where("slept IS NOT NULL").collect()
    time.sleep(2)
    spark.stop()


def make_input(out, files):
    """Parquet files of `ROWS` rows each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = f"{out}/input-{files}"
    if os.path.isdir(folder):
        return
    os.makedirs(folder + ".new")
    for part in range(files):
        ids = list(range(part * ROWS, (part + 1) * ROWS))
        table = pa.table({"id": ids, "part": [part] * ROWS, "text": [f"row {i} " * 20 for i in ids]})
        pq.write_table(table, f"{folder}.new/part-{part:05}.parquet")
    os.rename(folder + ".new", folder)


def run(out, only):
    os.makedirs(out, exist_ok=True)
    for files in (SMALL, LARGE):
        make_input(out, files)
    for name, master, _, _, dynamic, files in RUNS:
        if only and only not in name:
            continue
        logs = f"{out}/logs/{name}"
        done = os.path.isdir(logs) and any(
            not entry.endswith(".inprogress") for entry in os.listdir(logs))
        if done:
            continue
        shutil.rmtree(logs, ignore_errors=True)
        os.makedirs(logs)
        begin = time.time()
        command = [sys.executable, __file__, "job", "--out", out, "--name", name]
        with open(f"{out}/{name}.log", "w") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, timeout=900)
        print(f"{name}: {time.time() - begin:.1f} s", flush=True)


def ask(sparklake, lake, *arguments):
    answer = subprocess.run([sparklake, *arguments, "--lake", lake, "--format", "json"],
                            check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def predict(out, sparklake):
    lake = f"{out}/lake"
    sources = []
    for name, *_ in RUNS:
        logs = f"{out}/logs/{name}"
        if os.path.isdir(logs) and os.listdir(logs):
            sources += ["--event-logs", logs]
    subprocess.run([sparklake, "-q", "run", *sources, "--lake", lake], check=True, stdout=subprocess.DEVNULL)
    rows = ask(sparklake, lake, "sql",
               "SELECT cluster_id, application_id, observed_duration_ms, total_task_time_ms, input_bytes, "
               "core_time_ms FROM applications WHERE completed")
    found = {}
    for row in rows:
        name = next((run[0] for run in RUNS if f"/{run[0]}" in row["cluster_id"] + "/"
                     and row["cluster_id"].rstrip("/").endswith("/" + run[0])), None)
        if name:
            found[name] = row
    runs = {run[0]: run for run in RUNS if run[0] in found}
    for name, row in found.items():
        print(f"{name:24} {row['observed_duration_ms'] / 1e3:7.1f} s, tasks {row['total_task_time_ms'] / 1e3:7.1f} s,"
              f" {row['input_bytes']} bytes")
    errors = {}
    costs = {}
    for source, (_, _, source_cores, source_executors, source_dynamic, source_files) in runs.items():
        for target, (_, _, cores, executors, dynamic, files) in runs.items():
            if source == target or source.split("-")[0] != target.split("-")[0]:
                continue
            had, has = found[source], found[target]
            size = ["--cores", str(cores)] if source.startswith("local") else ["--executors", str(executors)]
            size += ["--executors", "1"] if source.startswith("local") else []
            growth = has["input_bytes"] / had["input_bytes"] if files != source_files else 1.0
            answer = ask(sparklake, lake, "whatif", "--app", had["application_id"], *size,
                         "--data-growth", f"{growth:.4f}",
                         f"--dynamic-allocation={str(dynamic).lower()}")
            row = next(row for row in answer
                       if (row["executors"], row["cores_per_executor"]) == (executors, cores))
            actual = has["observed_duration_ms"]
            ratio = cores * executors / (source_cores * source_executors)
            last = had["observed_duration_ms"]
            kind = (source.split("-")[0],
                    "same input" if files == source_files else "other input",
                    "same allocation" if dynamic == source_dynamic else "other allocation",
                    "within x2" if 0.5 <= ratio <= 2 else "farther")
            errors.setdefault(kind, []).append((
                row["duration_ms"] / actual - 1, last / actual - 1, last * growth / actual - 1,
                last * growth / ratio / actual - 1, row["low_ms"] <= actual <= row["high_ms"]))
            if files == source_files and dynamic == source_dynamic:
                # Executors and a driver of two cores, by time.
                group = costs.setdefault(source, {})
                group[target] = (row["duration_ms"] * (cores * executors + 2), actual * (cores * executors + 2))
    print("\nmean and 90th percentile of absolute errors, bias, intervals that held;"
          " last run, by input, perfect scaling (mean)")
    for kind, values in sorted(errors.items()):
        column = lambda index: [value[index] for value in values]
        size = sorted(abs(value) for value in column(0))
        p90 = size[max(0, -(-len(size) * 9 // 10) - 1)]
        mean = lambda index: statistics.mean(abs(value) for value in column(index))
        print(f"{', '.join(kind):62} n={len(values):3} mean {mean(0):6.1%} p90 {p90:6.1%}"
              f" bias {statistics.mean(column(0)):+6.1%} held {statistics.mean(column(4)):4.0%};"
              f" {mean(1):6.1%} {mean(2):6.1%} {mean(3):6.1%}")
    regrets = []
    for source, group in costs.items():
        _, _, cores, executors, dynamic, files = runs[source]
        own = found[source]["observed_duration_ms"] * (cores * executors + 2)
        group[source] = (own, own)
        chosen = min(group.values(), key=lambda pair: pair[0])[1]
        best = min(pair[1] for pair in group.values())
        regrets.append(chosen / best - 1)
    if regrets:
        print(f"\nregret of the cheapest predicted size: mean {statistics.mean(regrets):.1%}, most {max(regrets):.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "job", "predict"])
    parser.add_argument("--out", required=True)
    parser.add_argument("--name")
    parser.add_argument("--only")
    parser.add_argument("--sparklake", default="target/release/sparklake")
    arguments = parser.parse_args()
    if arguments.command == "job":
        name, master, _, _, dynamic, files = next(run for run in RUNS if run[0] == arguments.name)
        job(arguments.out, name, master, dynamic, files)
    elif arguments.command == "run":
        run(arguments.out, arguments.only)
    else:
        predict(arguments.out, arguments.sparklake)


if __name__ == "__main__":
    main()
