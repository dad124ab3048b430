#!/usr/bin/env bash
# Builds target/lamella_VERSION_ARCH.deb from a release build. Needs cargo and dpkg-deb.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --locked
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
arch=$(dpkg --print-architecture)
root=target/deb/lamella
rm -rf "$root"
install -Dm755 target/release/lamella "$root/usr/bin/lamella"
install -Dm644 packaging/linux/lamella.desktop "$root/usr/share/applications/lamella.desktop"
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
Depends: libc6, libgcc-s1
Recommends: mesa-vulkan-drivers | vulkan-icd, xdg-desktop-portal
Installed-Size: $(du -sk "$root/usr" | cut -f 1)
Description: Segment medical images slice by slice
 Opens DICOM and NIfTI scans, segments them with a U-Net, lets a person correct
 the mask, and saves it. For research use; not for diagnosis.
EOF
dpkg-deb --root-owner-group --build "$root" "target/lamella_${version}_${arch}.deb"
