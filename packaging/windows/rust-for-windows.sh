#!/usr/bin/env bash
# Prints the folder of a Rust toolchain that can build for 64-bit Windows: the one in use where it has that target
# (`rustup target add x86_64-pc-windows-gnu`), else a copy of it in target/windows/toolchain with the sources of its own standard library, which
# cargo then builds first. The sources come from Debian's backports, of the same version, signature checked.
# Usage: rust-for-windows.sh      (Debian; needs apt-get, dpkg-deb, and a mirror among apt's sources)
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$(rustc --print sysroot)
if [ -d "$here/lib/rustlib/x86_64-pc-windows-gnu/lib" ] || [ -d "$here/lib/rustlib/src/rust/library/std" ]; then
  echo "$here"
  exit
fi
version=$(rustc --version | cut -d ' ' -f 2)
made=$PWD/target/windows/toolchain
if [ ! -d "$made/lib/rustlib/src/rust/library/std" ] || [ "$("$made/bin/rustc" --version | cut -d ' ' -f 2)" != "$version" ]; then
  apt=$(mktemp -d)
  trap 'rm -rf "$apt"' EXIT
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  site=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | grep '/debian/\?$' | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${site:?apt has no source that is a mirror of Debian} trixie-backports main" >"$apt/sources"
  options=(-qq -o "Dir::Etc::sourcelist=$apt/sources" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >&2
  (cd "$apt" && apt-get "${options[@]}" download "rust-src=$version+*" >&2)
  dpkg-deb -x "$apt"/rust-src_*.deb "$apt/sources-of-rust"
  rm -rf "$made"
  mkdir -p "$made"
  # Links where they can be, for the toolchain is large.
  cp -al "$here/." "$made/" 2>/dev/null || cp -a "$here/." "$made/"
  mkdir -p "$made/lib/rustlib/src/rust"
  cp -a "$apt"/sources-of-rust/usr/src/rustc-*/library "$made/lib/rustlib/src/rust/"
fi
echo "$made"
