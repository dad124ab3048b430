#!/usr/bin/env bash
# Writes target/lamella_VERSION_sbom.cdx.json: every crate that is in the program, with version, checksum and licence, as CycloneDX 1.5.
# Usage: bash packaging/sbom.sh [TARGET]      (a Rust target, this machine's unless said; takes cargo-cyclonedx of the PATH, else builds it)
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
if ! command -v cargo-cyclonedx >/dev/null; then
  cargo install -q cargo-cyclonedx --version 0.5.9 --locked --root target/tools
  PATH="$PWD/target/tools/bin:$PATH"
fi
cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" --override-filename lamella-sbom
out="target/lamella_${version}_sbom.cdx.json"
mkdir -p target
# Our own crates are named by where they lay; what the tool wrote for each of them is part of the whole.
sed "s|$PWD|/lamella|g" lamella-sbom.json >"$out"
rm -f lamella-sbom.json crates/*/lamella-sbom.json
python3 - "$out" <<'PYTHON'
import json, sys
crates = json.load(open(sys.argv[1]))["components"]
bare = [crate["name"] for crate in crates if not crate.get("licenses")]
print(f"{sys.argv[1]}: {len(crates)} crates, without a licence: {', '.join(bare) or 'none'}")
PYTHON
sha256sum "$out"
