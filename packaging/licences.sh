#!/usr/bin/env bash
# Writes assets/licences.json.gz: whose work is in the program, and under which licences, with their texts: every crate that the program is
# built of on Linux, Windows and macOS, by `cargo metadata`, and the fonts, models and data of packaging/licences/parts.json. About and
# `lamella licences` show it. Run it after Cargo.lock or parts.json has changed; `cargo test --lib licences::` says when.
# Usage: bash packaging/licences.sh       (needs Python 3 and gzip; cargo fetches what it has not got)
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for target in x86_64-unknown-linux-gnu x86_64-pc-windows-gnu x86_64-apple-darwin aarch64-apple-darwin; do
  cargo metadata --locked --format-version 1 --filter-platform "$target" >"$work/$target.json"
done
python3 packaging/licences/collect.py "$work"/*.json >"$work/licences.json"
# Neither a name nor a time goes into it: the same crates give the same bytes.
gzip -9 --no-name --stdout "$work/licences.json" >assets/licences.json.gz
ls -l assets/licences.json.gz | awk '{print $5 " bytes"}'
sha256sum assets/licences.json.gz
