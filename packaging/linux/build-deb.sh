#!/usr/bin/env bash
# Builds target/lamella_VERSION_ARCH.deb from a release build, with the time of the last commit on all files: the same program makes the same
# package. Needs cargo, git and dpkg-deb. check-deb.sh tries it in a clean Debian.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --locked
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
arch=$(dpkg --print-architecture)
root=target/deb/lamella
rm -rf "$root"
install -Dm755 target/release/lamella "$root/usr/bin/lamella"
install -Dm644 packaging/linux/lamella.desktop "$root/usr/share/applications/lamella.desktop"
install -Dm644 packaging/linux/lamella-mime.xml "$root/usr/share/mime/packages/lamella.xml"
install -Dm644 packaging/linux/lamella.svg "$root/usr/share/icons/hicolor/scalable/apps/lamella.svg"
install -Dm644 README.md "$root/usr/share/doc/lamella/README.md"
install -Dm644 LICENSE-MIT "$root/usr/share/doc/lamella/copyright"
mkdir -p "$root/DEBIAN"
cat > "$root/DEBIAN/control" <<EOF
Package: lamella
Version: $version
Architecture: $arch
Maintainer: The Lamella authors <maintainers@lamella.invalid>
Section: science
Priority: optional
Depends: libc6, libgcc-s1, libvulkan1, libx11-6, libx11-xcb1, libxcb1, libxcursor1, libxi6, libxkbcommon-x11-0, libxkbcommon0, libxrandr2
Recommends: mesa-vulkan-drivers | vulkan-icd, xdg-desktop-portal
Installed-Size: $(du -sk "$root/usr" | cut -f 1)
Description: Segment medical images slice by slice
 Opens DICOM and NIfTI scans, segments them with a U-Net, lets a person correct
 the mask, and saves it. For research use; not for diagnosis.
EOF
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --build "$root" "target/lamella_${version}_${arch}.deb"
sha256sum "target/lamella_${version}_${arch}.deb"
