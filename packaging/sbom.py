#!/usr/bin/env python3
"""Writes a software bill of materials in CycloneDX 1.5 (JSON) from what cargo knows.

    packaging/sbom.py > sparklake.cdx.json

What is listed is what the program is built from for this machine, with its default features; crates
of tests and benches are left out. The same tree gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
import uuid
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]


def cargo(*arguments: str) -> dict:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", *arguments]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def host() -> str:
    told = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return next(line.split(" ", 1)[1] for line in told.splitlines() if line.startswith("host: "))


def is_shipped(dependency: dict) -> bool:
    """Whether a dependency gets into the program; build scripts count, tests do not."""
    return any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])


def purl(package: dict) -> str:
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package: dict, checksums: dict[tuple[str, str], str], kind: str = "library") -> dict:
    found = {
        "type": kind,
        # Not the id of cargo, which names folders of this machine.
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
        "scope": "required",
    }
    if package.get("description"):
        found["description"] = " ".join(package["description"].split())
    if package.get("license"):
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if package.get("repository"):
        found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found


def bom(target: str) -> dict:
    known = cargo("--filter-platform", target)
    packages = {package["id"]: package for package in known["packages"]}
    nodes = {node["id"]: node for node in known["resolve"]["nodes"]}
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    checksums = {
        (package["name"], package["version"]): package["checksum"]
        for package in lock["package"]
        if "checksum" in package
    }
    root = next(package["id"] for package in known["packages"] if package["name"] == "sparklake")
    shipped: set[str] = set()
    waiting = [root]
    edges: dict[str, list[str]] = {}
    while waiting:
        one = waiting.pop()
        if one in shipped:
            continue
        shipped.add(one)
        edges[one] = sorted(found["pkg"] for found in nodes[one]["deps"] if is_shipped(found))
        waiting.extend(edges[one])
    components = [component(packages[one], checksums) for one in sorted(shipped - {root})]
    application = component(packages[root], checksums, "application")
    application.pop("scope")
    content = json.dumps(components, sort_keys=True)
    named = {one: purl(packages[one]) for one in shipped}
    components.sort(key=lambda component: component["bom-ref"])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "component": application,
            "properties": [{"name": "cargo:target", "value": target}],
        },
        "components": components,
        "dependencies": [
            {"ref": named[one], "dependsOn": sorted({named[below] for below in edges[one]})}
            for one in sorted(shipped, key=named.get)
        ],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", default=None, help="target triple [default: this machine's]")
    arguments = parser.parse_args()
    json.dump(bom(arguments.target or host()), sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
