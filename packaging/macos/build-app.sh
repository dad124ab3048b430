#!/usr/bin/env bash
# Builds target/macos/Lamella.app for Intel and Apple processors in one file, signs it (ad hoc, or as $LAMELLA_SIGN_AS), and packs it as a disk image.
# Runs on a Mac with Xcode's command-line tools and `rustup target add x86_64-apple-darwin aarch64-apple-darwin`. Nobody has run it yet.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
app=target/macos/Lamella.app
rm -rf "$app"
mkdir -p "$app/Contents/MacOS" "$app/Contents/Resources"
export MACOSX_DEPLOYMENT_TARGET=11.0
programs=()
for target in x86_64-apple-darwin aarch64-apple-darwin; do
  cargo build --release --locked --target "$target"
  programs+=("target/$target/release/lamella")
done
lipo -create -output "$app/Contents/MacOS/lamella" "${programs[@]}"
sed "s/VERSION/$version/" packaging/macos/Info.plist >"$app/Contents/Info.plist"
plutil -lint "$app/Contents/Info.plist"
cp LICENSE-MIT LICENSE-APACHE README.md "$app/Contents/Resources/"
# The icon, of the one drawing that all systems use.
set_of_icons=target/macos/lamella.iconset
rm -rf "$set_of_icons"
mkdir -p "$set_of_icons"
for size in 16 32 128 256 512; do
  sips -s format png -z $size $size packaging/linux/lamella.svg --out "$set_of_icons/icon_${size}x$size.png" >/dev/null
  sips -s format png -z $((2 * size)) $((2 * size)) packaging/linux/lamella.svg --out "$set_of_icons/icon_${size}x$size@2x.png" >/dev/null
done
iconutil -c icns -o "$app/Contents/Resources/lamella.icns" "$set_of_icons"
codesign --force --options runtime --sign "${LAMELLA_SIGN_AS:--}" "$app"
"$app/Contents/MacOS/lamella" segment assets/sample/synthetic_hippocampus.nii.gz -m hippocampus -o target/macos/mask.nii.gz --device cpu
hdiutil create -quiet -ov -volname Lamella -srcfolder "$app" -format UDZO "target/Lamella-$version.dmg"
shasum -a 256 "target/Lamella-$version.dmg"
