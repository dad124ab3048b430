#!/usr/bin/env bash
# Tries a Windows package under Wine in a clean Debian: it is installed without questions, segments the sample to the mask that the program makes
# outside, shows its window on a virtual display, and is taken away again.
# Usage, as root: bash packaging/windows/check-msi.sh target/lamella_VERSION_x64.msi [PICTURE.png]      (needs debootstrap, and target/release/lamella)
set -euo pipefail
msi=$(realpath "$1")
picture=$(realpath -m "${2:-target/windows/window.png}")
cd "$(dirname "$0")/../.."
# Wine of this Debian has the system library for random numbers that Rust programs need; Debian 12's has not.
suite=trixie
root=$(mktemp -d)
outside=$(mktemp -d)
leave() {
  for place in proc dev; do mountpoint -q "$root/$place" && umount -l "$root/$place"; done
  rm -rf --one-file-system "$root" "$outside"
}
trap leave EXIT
debootstrap --variant=minbase "$suite" "$root" >"$outside/log" 2>&1 || { tail "$outside/log" >&2; exit 1; }
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive WINEDEBUG=-all WINEPREFIX=/root/wine "$@"; }
inside apt-get install -y -qq --no-install-recommends wine wine64 xvfb xauth xdotool imagemagick libvulkan1 mesa-vulkan-drivers >>"$outside/log" 2>&1 ||
  { tail "$outside/log" >&2; exit 1; }
sample=assets/sample/synthetic_hippocampus.nii.gz
install -D "$sample" "$root/try/scan.nii.gz"
cp "$msi" "$root/try/lamella.msi"
cp packaging/windows/show-window.sh "$root/try/"
display() { inside xvfb-run -a -s "-screen 0 1280x800x24" "$@"; }

display wine msiexec /i 'Z:\try\lamella.msi' /qn >>"$outside/log" 2>&1 || { tail "$outside/log" >&2; exit 1; }
program='C:\Program Files\Lamella\lamella.exe'
installed="$root/root/wine/drive_c/Program Files/Lamella"
[ -f "$installed/lamella.exe" ] || { echo "the package did not install the program" >&2; exit 1; }
echo "$(basename "$msi"): $(($(stat -c %s "$msi") / 1048576)) MiB; installed: $(du -sm "$installed" | cut -f 1) MiB"
display wine reg query 'HKLM\Software\Classes\Lamella.Document\shell\open\command' | grep -q 'lamella.exe' || { echo "documents are not registered" >&2; exit 1; }
display wine "$program" --version
display wine "$program" segment 'Z:\try\scan.nii.gz' -m hippocampus -o 'Z:\try\mask.nii.gz' --device cpu
target/release/lamella segment "$sample" -m hippocampus -o "$outside/mask.nii.gz" --device cpu >/dev/null
sums=$(sha256sum "$root/try/mask.nii.gz" "$outside/mask.nii.gz" | cut -d ' ' -f 1 | uniq)
[ "$(wc -l <<<"$sums")" = 1 ] || { echo "the masks under Wine and outside differ" >&2; exit 1; }
echo "the same mask under Wine and outside: sha256 $sums"
display bash /try/show-window.sh "$program" /try/window.png
mkdir -p "$(dirname "$picture")"
cp "$root/try/window.png" "$picture"
echo "the window, on a virtual display: $(basename "$picture")"
display wine msiexec /x 'Z:\try\lamella.msi' /qn >>"$outside/log" 2>&1
[ ! -e "$installed/lamella.exe" ] || { echo "the program is still there after it was taken away" >&2; exit 1; }
echo "taken away without a rest of the program"
