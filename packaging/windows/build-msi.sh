#!/usr/bin/env bash
# Builds target/lamella_VERSION_x64.msi on Debian: the same sources in the same place make the same package, byte for byte.
# Needs cargo, git, python3 and Debian's gcc-mingw-w64-x86-64, wixl, msitools, faketime, librsvg2-bin and icoutils. check-msi.sh tries it under Wine.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=x86_64-pc-windows-gnu
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
build=target/windows/package
mkdir -p "$build"

# The icon in the sizes that Windows shows, and what the program's file says of itself.
for size in 16 24 32 48 64 256; do
  rsvg-convert -w $size -h $size packaging/linux/lamella.svg -o "$build/$size.png"
done
icotool -c -o "$build/lamella.ico" "$build"/{16,24,32,48,64}.png --raw="$build/256.png"
cp packaging/windows/lamella.rc packaging/windows/lamella.exe.manifest "$build/"
(cd "$build" && x86_64-w64-mingw32-windres -O coff -DVERSION_NUMBERS="${version//./,},0" -DVERSION_TEXT="\\\"$version\\\"" lamella.rc lamella.res.o)

toolchain=$(packaging/windows/rust-for-windows.sh)
export RUSTC="$toolchain/bin/rustc"
std=()
if [ ! -d "$toolchain/lib/rustlib/$target/lib" ]; then
  export RUSTC_BOOTSTRAP=1
  std=(-Zbuild-std=std,panic_unwind)
fi
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/windows/build}
export CARGO_TARGET_DIR CARGO_INCREMENTAL=0
"$toolchain/bin/cargo" rustc --release --locked --bin lamella --target $target "${std[@]}" -- \
  -C strip=symbols -C "link-arg=$PWD/$build/lamella.res.o" -C link-arg=-Wl,--no-insert-timestamp
install -m755 "$CARGO_TARGET_DIR/$target/release/lamella.exe" "$build/lamella.exe"

# A package of other content has another name for Windows: both are made of the content.
code() { python3 -c 'import sys, uuid; print("{%s}" % str(uuid.uuid5(uuid.UUID("1f6b8d0a-6a55-4c0f-9a3e-5d0f4e6f2b71"), sys.argv[1])).upper())' "$1"; }
content=$(cat "$build/lamella.exe" packaging/windows/lamella.wxs README.md LICENSE-MIT LICENSE-APACHE | sha256sum | cut -d ' ' -f 1)
install -m644 README.md LICENSE-MIT LICENSE-APACHE "$build/"
touch --date="@$SOURCE_DATE_EPOCH" "$build"/lamella.{exe,ico} "$build"/{README.md,LICENSE-MIT,LICENSE-APACHE}
msi="target/lamella_${version}_x64.msi"
# The clock stands still meanwhile, for the package says when it was made.
still() { faketime -f "$(date --utc --date="@$SOURCE_DATE_EPOCH" '+%F %T')" "$@"; }
still wixl --arch x64 -D Version="$version" -D Build="$build" -D ProductCode="$(code "product $version $content")" -D PackageCode="$(code "package $content")" \
  -o "$msi.part" packaging/windows/lamella.wxs
# `lamella` in every new prompt: the folder is put behind the others of PATH, and taken away again.
still msibuild "$msi.part" -i packaging/windows/path.idt
for action in "'WriteEnvironmentStrings', '', 5200" "'RemoveEnvironmentStrings', '', 3300"; do
  still msibuild "$msi.part" -q "INSERT INTO InstallExecuteSequence (Action, Condition, Sequence) VALUES ($action)"
done
still msibuild "$msi.part" -s "Lamella $version" "The Lamella authors" "x64;1033" "$(code "package $content")"
mv "$msi.part" "$msi"
echo "lamella.exe: $(stat -c %s "$build/lamella.exe") bytes; $msi: $(stat -c %s "$msi") bytes"
sha256sum "$msi"
