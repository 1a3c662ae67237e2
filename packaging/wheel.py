#!/usr/bin/env python3
"""Packs a built `sparklake` into a wheel, so that `pip install` brings it to machines without Rust.

    packaging/wheel.py target/dist/sparklake --out dist

Only the standard library is used. The platform tag is read from the binary: the newest version of
glibc that it asks for, and its processor. A wheel of the same binary has the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import pathlib
import re
import struct
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Names of processors in platform tags, by the machine number of an ELF header.
PROCESSORS = {62: "x86_64", 183: "aarch64"}
# What a wheel may take from the machine it is installed on (PEP 600 and the manylinux policies).
SYSTEM_LIBRARIES = {
    "ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6",
    "libpthread.so.0", "librt.so.1", "libutil.so.1",
}  # fmt: skip
DT_NEEDED, DT_STRTAB, DT_VERNEED, DT_VERNEEDNUM = 1, 5, 0x6FFFFFFE, 0x6FFFFFFF
PT_LOAD, PT_DYNAMIC = 1, 2

INIT = '''"""The sparklake program, as a Python package that carries it.

`sparklake` is on the PATH after the installation. From Python: `sparklake.run("run", "job.toml")`
returns the exit code. `sparklake.job` is the entry point of a Databricks job.
"""

import os
import pathlib
import subprocess
import sys
import sysconfig

__version__ = "{version}"
# Something was quarantined, the rest is loaded.
PARTIAL = 3


def program() -> str:
    """The path of the program."""
    beside = pathlib.Path(__file__).resolve().parents[1] / "bin"
    user = sysconfig.get_path("scripts", f"{{os.name}}_user")
    for folder in (sysconfig.get_path("scripts"), user, beside):
        path = pathlib.Path(folder) / "sparklake"
        if path.is_file():
            return str(path)
    raise FileNotFoundError("the program `sparklake` is not beside its package; install the wheel again")


def run(*arguments: str) -> int:
    """Runs the program, and returns its exit code."""
    return subprocess.run([program(), *arguments], check=False).returncode


def job() -> None:
    """Runs the program with the arguments of this process; a run that left something out counts as done."""
    code = run(*sys.argv[1:])
    if code == PARTIAL:
        print("sparklake: something was quarantined, the rest is loaded (exit code 3)", file=sys.stderr)
    elif code:
        raise SystemExit(code)
'''

MAIN = '''import os
import sys

from . import program

path = program()
os.execv(path, [path, *sys.argv[1:]])
'''


class NotPackable(Exception):
    """The binary cannot be packed, with the reason and the fix."""


def needs(binary: bytes) -> tuple[str, set[str], set[str]]:
    """Processor, shared libraries and symbol versions that an ELF file asks for."""
    if binary[:4] != b"\x7fELF" or binary[4] != 2 or binary[5] != 1:
        raise NotPackable("it is no 64-bit little-endian ELF file; build it on Linux")
    machine = struct.unpack_from("<H", binary, 18)[0]
    processor = PROCESSORS.get(machine)
    if processor is None:
        raise NotPackable(f"the processor {machine} has no platform tag; add it to PROCESSORS")
    offset, size, count = struct.unpack_from("<Q14xHH", binary, 32)
    segments = [struct.unpack_from("<IIQQQQ", binary, offset + size * index) for index in range(count)]

    def place(address: int) -> int:
        for kind, _, start, virtual, _, length in segments:
            if kind == PT_LOAD and virtual <= address < virtual + length:
                return address - virtual + start
        raise NotPackable("an address of the ELF file leads outside; build it again")

    dynamic: list[tuple[int, int]] = []
    for kind, _, start, _, _, length in segments:
        if kind == PT_DYNAMIC:
            dynamic = [struct.unpack_from("<qQ", binary, start + at) for at in range(0, length, 16)]
    table = dict(dynamic)
    if DT_STRTAB not in table:
        return processor, set(), set()
    strings = place(table[DT_STRTAB])

    def text(at: int) -> str:
        return binary[strings + at : binary.index(b"\0", strings + at)].decode()

    libraries = {text(value) for tag, value in dynamic if tag == DT_NEEDED}
    versions: set[str] = set()
    at = place(table[DT_VERNEED]) if DT_VERNEED in table else 0
    for _ in range(table.get(DT_VERNEEDNUM, 0)):
        _, entries, _, aux, following = struct.unpack_from("<HHIII", binary, at)
        entry = at + aux
        for _ in range(entries):
            name, next_entry = struct.unpack_from("<8xII", binary, entry)
            versions.add(text(name))
            entry += next_entry
        at += following
    return processor, libraries, versions


def platform_tag(binary: bytes) -> str:
    """The platform tag of a wheel with this binary."""
    processor, libraries, versions = needs(binary)
    foreign = libraries - SYSTEM_LIBRARIES
    if foreign:
        raise NotPackable(f"it needs {', '.join(sorted(foreign))}, which not every Linux has; link it statically")
    if not libraries:
        # A static binary runs with any C library.
        return f"manylinux_2_17_{processor}.manylinux2014_{processor}.musllinux_1_1_{processor}"
    glibc = [tuple(map(int, found)) for found in re.findall(r"GLIBC_(\d+)\.(\d+)", " ".join(versions))]
    major, minor = max(glibc, default=(2, 17))
    tag = f"manylinux_{major}_{max(minor, 17)}_{processor}"
    # Programs before pip 20.3 know the oldest by another name.
    return f"{tag}.manylinux2014_{processor}" if tag.startswith("manylinux_2_17_") else tag


def version() -> str:
    """The version of the workspace."""
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    section = text.split("[workspace.package]", 1)[1]
    return re.search(r'^version = "([^"]+)"', section, re.MULTILINE).group(1)


def metadata(release: str) -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return (
        "Metadata-Version: 2.1\n"
        "Name: sparklake\n"
        f"Version: {release}\n"
        "Summary: Turns the history of Apache Spark applications into a Delta lakehouse, and tells which jobs waste what.\n"
        "License: Apache-2.0\n"
        "Classifier: License :: OSI Approved :: Apache Software License\n"
        "Classifier: Programming Language :: Rust\n"
        "Requires-Python: >=3.8\n"
        "Description-Content-Type: text/markdown\n"
        "\n" + readme
    )


def write(target: pathlib.Path, files: list[tuple[str, bytes, int]], record: str) -> None:
    """A zip of the files, in order and without the time, and the record of their digests."""
    lines = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        for name, content, mode in files:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            wheel.writestr(entry, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(content)}\n")
        lines.append(f"{record},,\n")
        entry = zipfile.ZipInfo(record, (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100644 << 16
        wheel.writestr(entry, "".join(lines))


def pack(binary: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    """Writes the wheel, and returns its path."""
    content = binary.read_bytes()
    release, platform = version(), platform_tag(content)
    info = f"sparklake-{release}.dist-info"
    tags = "".join(f"Tag: py3-none-{tag}\n" for tag in platform.split("."))
    files = [
        ("sparklake/__init__.py", INIT.format(version=release).encode(), 0o644),
        ("sparklake/__main__.py", MAIN.encode(), 0o644),
        (f"sparklake-{release}.data/scripts/sparklake", content, 0o755),
        (f"{info}/LICENSE", (ROOT / "LICENSE").read_bytes(), 0o644),
        (f"{info}/METADATA", metadata(release).encode(), 0o644),
        (f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: sparklake\nRoot-Is-Purelib: false\n{tags}".encode(), 0o644),
    ]
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"sparklake-{release}-py3-none-{platform}.whl"
    write(target, files, f"{info}/RECORD")
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path, help="the program, built with ./dev dist")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("dist"), help="folder of the wheel [default: dist]")
    arguments = parser.parse_args()
    try:
        print(pack(arguments.binary, arguments.out))
    except (OSError, NotPackable, struct.error) as error:
        print(f"error: {arguments.binary}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
