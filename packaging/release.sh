#!/usr/bin/env bash
# Makes what a release consists of, in the folder dist (or OUT):
#
#     packaging/release.sh [OUT]
#
# the binary, a tar of it with completions, manual page, job files and schedules, a wheel, a bill of
# materials in CycloneDX, and the checksums of all. SPARKLAKE_BINARY=FILE takes a binary that is built
# already; else it is built here, which takes an hour, and linked so that it runs on every Linux with
# glibc 2.17 (2012) or newer, whatever this machine has. PROFILE=release builds quicker, to try this script.
set -euo pipefail
cd "$(dirname "$0")/.."
out="${1:-dist}"
binary="${SPARKLAKE_BINARY:-}"
if [ -z "$binary" ]; then
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sparklake/target}"
    venv="$CARGO_TARGET_DIR/../release-venv"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r packaging/requirements.txt
    PATH="$venv/bin:$PATH" cargo rustc --profile "${PROFILE:-dist}" --locked --bin sparklake -- \
        -C linker="$PWD/packaging/link-portable"
    binary="$CARGO_TARGET_DIR/${PROFILE:-dist}/sparklake"
fi
version="$("$binary" --version | cut -d ' ' -f 2)"
target="$(rustc -vV | sed -n 's/^host: //p')"
name="sparklake-$version-$target"

mkdir -p "$out"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/$name/completions" "$folder/$name/man"
install -m 755 "$binary" "$folder/$name/sparklake"
for shell in bash zsh fish; do
    "$binary" completions "$shell" > "$folder/$name/completions/sparklake.$shell"
done
"$binary" man > "$folder/$name/man/sparklake.1"
cp LICENSE README.md CHANGELOG.md "$folder/$name/"
cp -R jobs "$folder/$name/jobs"
# The same tree gives the same bytes: fixed order, owner and time.
time="$(git log -1 --format=%ct 2> /dev/null || echo 0)"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$time" -C "$folder" -cf - "$name" \
    | gzip -9 -n > "$out/$name.tar.gz"
install -m 755 "$binary" "$out/sparklake"
python3 packaging/wheel.py "$binary" --out "$out" > /dev/null
python3 packaging/sbom.py --target "$target" > "$out/$name.cdx.json"
(cd "$out" && sha256sum "$name.tar.gz" sparklake sparklake-"$version"-py3-*.whl "$name.cdx.json" > SHA256SUMS)

if command -v cargo-deny > /dev/null; then
    cargo deny check
else
    echo "cargo-deny is not installed: licenses and advisories were not checked" >&2
fi
echo "$out:" && ls -l "$out"
