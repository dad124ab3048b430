#!/usr/bin/env bash
# Tries a Windows package under Wine in a clean Debian: it is installed without questions, segments the sample to the mask that the program makes
# outside, shows its window on a virtual display, and is taken away again.
# Usage, as root: bash packaging/windows/check-msi.sh target/lamella_VERSION_x64.msi [PICTURE.png]      (needs debootstrap, and target/release/lamella)
set -euo pipefail
msi=$(realpath "$1")
picture=$(realpath -m "${2:-target/windows/window.png}")
cd "$(dirname "$0")/../.."
. packaging/clean-debian.sh
# Wine of this Debian has the system library for random numbers that Rust programs need; Debian 12's has not.
clean_debian trixie
install_inside wine wine64 xvfb xauth xdotool imagemagick libvulkan1 mesa-vulkan-drivers
cp "$msi" "$root/try/lamella.msi"
cp packaging/windows/show-window.sh "$root/try/"
display() { inside WINEDEBUG=-all WINEPREFIX=/root/wine xvfb-run -a -s "-screen 0 1280x800x24" "$@"; }

quietly display wine msiexec /i 'Z:\try\lamella.msi' /qn
program='C:\Program Files\Lamella\lamella.exe'
installed="$root/root/wine/drive_c/Program Files/Lamella"
[ -f "$installed/lamella.exe" ] || { echo "the package did not install the program" >&2; exit 1; }
echo "$(mebibytes "$msi"); installed: $(du -sm "$installed" | cut -f 1) MiB"
display wine reg query 'HKLM\Software\Classes\Lamella.Document\shell\open\command' | grep -q 'lamella.exe' || { echo "documents are not registered" >&2; exit 1; }
display wine "$program" --version
display wine "$program" segment 'Z:\try\scan.nii.gz' -m hippocampus -o 'Z:\try\mask.nii.gz' --device cpu
same_mask mask.nii.gz "under Wine"
display bash /try/show-window.sh "$program" /try/window.png
mkdir -p "$(dirname "$picture")"
cp "$root/try/window.png" "$picture"
echo "the window, on a virtual display: $(basename "$picture")"
quietly display wine msiexec /x 'Z:\try\lamella.msi' /qn
[ ! -e "$installed/lamella.exe" ] || { echo "the program is still there after it was taken away" >&2; exit 1; }
echo "taken away without a rest of the program"
