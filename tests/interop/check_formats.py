"""Validates what `sparklake check` writes: JUnit XML against XML schemas, SARIF against Microsoft's validator or a JSON schema.

    python check_formats.py --junit result.xml --xsd junit-10.xsd --xsd JUnit.xsd
    python check_formats.py --sarif result.sarif --sarif-schema sarif-schema-2.1.0.json

Needs `xmlschema` and `jsonschema` from PyPI. The schemas are those of the formats' owners: Jenkins' xunit plugin
(junit-10.xsd) and windyroad's JUnit-Schema (JUnit.xsd), OASIS' sarif-spec (sarif-schema-2.1.0.json); they are not kept here.
Status 1 if anything is not valid.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path


def junit_problems(result: Path, schemas: list[Path]) -> Iterator[str]:
    """What is wrong with a JUnit file, by schema."""
    import xmlschema

    for schema in schemas:
        for error in xmlschema.XMLSchema(schema).iter_errors(result):
            yield f"{result}: {schema.name}: {error.path}: {error.reason}"


def sarif_problems(result: Path, schema: Path) -> Iterator[str]:
    """What is wrong with a SARIF file."""
    import jsonschema

    rules = json.loads(schema.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(rules)(rules)
    for error in validator.iter_errors(json.loads(result.read_text(encoding="utf-8"))):
        yield f"{result}: {error.json_path}: {error.message}"


def main() -> None:
    """Validates all given files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--junit", type=Path, action="append", default=[])
    parser.add_argument("--xsd", type=Path, action="append", default=[])
    parser.add_argument("--sarif", type=Path, action="append", default=[])
    parser.add_argument("--sarif-schema", type=Path)
    given = parser.parse_args()
    if given.junit and not given.xsd or given.sarif and not given.sarif_schema:
        parser.error("--junit needs --xsd, and --sarif needs --sarif-schema")
    problems = [problem for result in given.junit for problem in junit_problems(result, given.xsd)]
    problems += [problem for result in given.sarif for problem in sarif_problems(result, given.sarif_schema)]
    print("\n".join(problems) or f"{len(given.junit) + len(given.sarif)} files valid")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
