#!/usr/bin/env bash
# Builds target/Lamella-VERSION-x86_64.AppImage from a release build: one file that runs on any desktop with a glibc not older than the one here.
# What mounts and starts it is the runtime of AppImageKit, taken from the crate `appimage` (MIT or Apache-2.0), whose checksum is pinned below; the
# files inside are a squashfs with the time of the last commit, so the same program makes the same file.
# Needs cargo, git, and Debian's squashfs-tools, librsvg2-bin and the libraries named below. check-appimage.sh tries it.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --locked
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=target/appimage
root=$work/root
rm -rf "$root"
install -Dm755 target/release/lamella "$root/usr/bin/lamella"
# With debug information stripped from the symbols that nobody calls, the file is smaller by a third.
strip --strip-unneeded "$root/usr/bin/lamella"
install -Dm644 packaging/linux/lamella.desktop "$root/lamella.desktop"
install -Dm644 packaging/linux/lamella.desktop "$root/usr/share/applications/lamella.desktop"
install -Dm644 packaging/linux/lamella-mime.xml "$root/usr/share/mime/packages/lamella.xml"
install -Dm644 packaging/linux/lamella.svg "$root/usr/share/icons/hicolor/scalable/apps/lamella.svg"
install -Dm644 packaging/linux/lamella.svg "$root/lamella.svg"
install -Dm644 LICENSE-MIT "$root/usr/share/doc/lamella/LICENSE-MIT"
install -Dm644 LICENSE-APACHE "$root/usr/share/doc/lamella/LICENSE-APACHE"
rsvg-convert -w 256 -h 256 packaging/linux/lamella.svg -o "$root/.DirIcon"
# Small libraries that the window opens while it runs and that not every desktop has; what talks to the driver and the display stays the system's.
for library in libxkbcommon.so.0 libxkbcommon-x11.so.0 libxcb-xkb.so.1 libXcursor.so.1 libXi.so.6 libXrandr.so.2 libXrender.so.1 libXfixes.so.3; do
  place=$(ldconfig -p | sed -n "s/^\t$library (libc6,x86-64) => //p" | head -n 1)
  install -Dm644 "$(realpath "${place:?this machine has no $library}")" "$root/usr/lib/$library"
done
cat >"$root/AppRun" <<'RUN'
#!/bin/sh
# The bundled libraries come after those that the user named, and the program is the command line as well as the window.
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/usr/lib"
export LD_LIBRARY_PATH
exec "$here/usr/bin/lamella" "$@"
RUN
chmod 755 "$root/AppRun"

# The runtime, of a package that cargo fetches and checks.
crate=0.4.0
if [ ! -f "$work/runtime" ]; then
  fetch=$(mktemp -d)
  trap 'rm -rf "$fetch"' EXIT
  mkdir "$fetch/src"
  touch "$fetch/src/lib.rs"
  printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nappimage = "=%s"\n[workspace]\n' "$crate" >"$fetch/Cargo.toml"
  (cd "$fetch" && cargo vendor -q packages >/dev/null)
  cp "$fetch/packages/appimage/assets/runtime-x86_64" "$work/runtime"
fi
echo "328e0d745c5c6817048c27bc3e8314871703f8f47ffa81a37cb06cd95a94b323  $work/runtime" | sha256sum --quiet --check
file="target/Lamella-$version-x86_64.AppImage"
rm -f "$work/files"
# One way to say the time, not both.
env -u SOURCE_DATE_EPOCH mksquashfs "$root" "$work/files" -quiet -no-progress -root-owned -noappend -comp xz -b 1M -all-time "$SOURCE_DATE_EPOCH" -mkfs-time "$SOURCE_DATE_EPOCH" >/dev/null
cat "$work/runtime" "$work/files" >"$file.part"
chmod 755 "$file.part"
mv "$file.part" "$file"
echo "$file: $(stat -c %s "$file") bytes"
sha256sum "$file"
