"""Writes every export of sparklake and gives it to the program that it is for.

    python check_exports.py LAKE SPARKLAKE

odcs: the JSON schema of the standard, and datacontract-cli's lint where $DATACONTRACT names that program. glue: botocore's model of CreateTable. ddl: Spark's parser. dbt: parsed, built and
tested with dbt-duckdb over the lake. genie, dashboard: the SQL in them in Spark's parser. Status 1 if one of them refuses.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

# Statements about keys, which Spark's parser knows since 4.1.
KEYS = re.compile(r"ALTER TABLE \w+ (ADD|DROP) CONSTRAINT ")
# Statements of Databricks that Spark's own parser does not know.
ONLY_DATABRICKS = re.compile(r"MSCK REPAIR TABLE \w+ SYNC METADATA|WITH METRICS|DROP CONSTRAINT IF EXISTS \w+ CASCADE")


def odcs(text: str) -> list[str]:
    """What the published schema refuses."""
    import jsonschema

    package = importlib.resources.files("open_data_contract_standard")
    schemas = [path for path in package.rglob("*.json")] if hasattr(package, "rglob") else list(Path(str(package)).rglob("*.json"))
    schema = json.loads(max(schemas, key=lambda path: path.stat().st_size).read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    errors = sorted(validator.iter_errors(yaml.safe_load(text)), key=str)
    return [f"odcs: {error.json_path}: {error.message[:200]}" for error in errors[:10]]


def linted(contract: Path) -> list[str]:
    """What datacontract-cli refuses. It brings a duckdb of its own, so it has its own environment."""
    program = os.environ.get("DATACONTRACT")
    if not program:
        return []
    done = subprocess.run([program, "lint", str(contract)], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"odcs: datacontract lint: {done.stdout[-1000:]}"]


def glue(folder: Path) -> list[str]:
    """What botocore refuses."""
    import botocore.session
    from botocore.validate import ParamValidator

    shape = botocore.session.get_session().get_service_model("glue").operation_model("CreateTable").input_shape
    problems = []
    for path in sorted(folder.glob("*.json")):
        report = ParamValidator().validate(json.loads(path.read_text(encoding="utf-8")), shape)
        if report.has_errors():
            problems.append(f"glue: {path.name}: {report.generate_report()}")
    return problems


def statements(script: str) -> list[str]:
    """The statements of a script without its comments; each ends in a semicolon at the end of a line."""
    parts = [re.sub(r"^\s*--.*\n", "", part, flags=re.M).strip() for part in script.split(";\n")]
    return [part for part in parts if part]


def parsed_by_spark(queries: dict[str, str]) -> list[str]:
    """What Spark's parser refuses."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    parser = spark._jsparkSession.sessionState().sqlParser()
    problems = []
    if tuple(int(part) for part in spark.version.split(".")[:2]) < (4, 1):
        about_keys = [name for name, query in queries.items() if KEYS.match(query)]
        print(f"{len(about_keys)} statements about keys were left out: Spark {spark.version} does not know them")
        queries = {name: query for name, query in queries.items() if name not in set(about_keys)}
    for name, query in queries.items():
        try:
            parser.parsePlan(query)
        except Exception as error:  # noqa: BLE001 - whatever Spark says is the problem
            problems.append(f"{name}: {str(error).splitlines()[:2]}: {query[:200]}")
    spark.stop()
    return problems


def dbt(folder: Path, lake: Path) -> list[str]:
    """What dbt refuses, or its tests find, over the lake."""
    from duckdb_extensions import import_extension

    import_extension("delta")
    profile = {
        "sparklake": {
            "target": "dev",
            "outputs": {"dev": {"type": "duckdb", "path": str(folder / "built.duckdb"), "threads": 2, "schema": "main", "extensions": ["delta"]}},
        }
    }
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    program = Path(sys.executable).with_name("dbt")
    variables = json.dumps({"lake": str(lake)})
    done = subprocess.run(
        [str(program), "--no-use-colors", os.environ.get("SPARKLAKE_DBT", "build"), "--project-dir", str(folder),
         "--profiles-dir", str(folder), "--vars", variables],
        capture_output=True, text=True, check=False,
    )
    if done.returncode == 0:
        return []
    wrong = [line for line in done.stdout.splitlines() if re.search(r" (ERROR|FAIL \d+) |Error", line)]
    return [f"dbt: {line}" for line in wrong[:20] or done.stdout.splitlines()[-20:] + done.stderr.splitlines()[-5:]]


def main() -> None:
    """Writes, checks and reports."""
    lake, program, wanted = Path(sys.argv[1]).resolve(), sys.argv[2], set(sys.argv[3:])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)

        def export(form: str, out: str) -> Path:
            subprocess.run([program, "-q", "export", form, "--lake", str(lake), "--out", str(folder / out)], check=True)
            return folder / out

        problems: list[str] = []
        checks = wanted or {"odcs", "glue", "spark", "dbt", "yaml"}
        if "odcs" in checks:
            contract = export("odcs", "contract.odcs.yaml")
            problems += odcs(contract.read_text(encoding="utf-8")) + linted(contract)
        if "glue" in checks:
            problems += glue(export("glue", "glue"))
        if "yaml" in checks:
            for path in sorted(export("metric-views", "metrics").glob("*.yaml")):
                document = yaml.safe_load(path.read_text(encoding="utf-8"))
                missing = {"version", "source", "dimensions", "measures"} - document.keys()
                problems += [f"{path.name}: no {key}" for key in missing]
        if "spark" in checks:
            queries = {}
            for place, statement in enumerate(statements(export("ddl", "ddl.sql").read_text(encoding="utf-8"))):
                if not ONLY_DATABRICKS.search(statement):
                    queries[f"ddl {place}"] = statement
            space = json.loads(export("genie", "space.json").read_text(encoding="utf-8"))
            for example in space["instructions"]["example_question_sqls"]:
                queries[f"genie {example['question'][0]}"] = "".join(example["sql"])
            board = json.loads(export("dashboard", "board.lvdash.json").read_text(encoding="utf-8"))
            for dataset in board["datasets"]:
                queries[f"dashboard {dataset['name']}"] = "".join(dataset["queryLines"])
            problems += parsed_by_spark(queries)
        if "dbt" in checks:
            problems += dbt(export("dbt", "dbt"), lake)
    print("\n".join(problems) or f"exports are valid: {', '.join(sorted(checks))}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
