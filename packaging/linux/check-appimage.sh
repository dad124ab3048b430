#!/usr/bin/env bash
# Tries an AppImage in a clean Debian that has a display's own libraries and nothing else: it segments the sample to the mask that the program makes
# outside, without and (where the machine lends FUSE) with mounting, and shows its window on a virtual display.
# Usage, as root: bash packaging/linux/check-appimage.sh target/Lamella-VERSION-x86_64.AppImage [SUITE]      (needs debootstrap)
set -euo pipefail
image=$(realpath "$1")
suite=${2:-bookworm}
cd "$(dirname "$0")/../.."
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
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
sample=assets/sample/synthetic_hippocampus.nii.gz
install -D "$sample" "$root/try/$sample"
cp tests/start_window.sh "$root/try/"
install -m755 "$image" "$root/try/lamella"
echo "$(basename "$image"): $(($(stat -c %s "$image") / 1048576)) MiB"

inside env APPIMAGE_EXTRACT_AND_RUN=1 /try/lamella segment "/try/$sample" -m hippocampus -o /try/mask.nii.gz --device cpu
target/release/lamella segment "$sample" -m hippocampus -o "$outside/mask.nii.gz" --device cpu >/dev/null
same() {
  local sums
  sums=$(sha256sum "$root/try/$1" "$outside/mask.nii.gz" | cut -d ' ' -f 1 | uniq)
  [ "$(wc -l <<<"$sums")" = 1 ] || { echo "the masks inside and outside differ" >&2; exit 1; }
  echo "the same mask inside ($2) and outside: sha256 $sums"
}
same mask.nii.gz "unpacked"
if [ -e /dev/fuse ]; then
  inside apt-get install -y -qq --no-install-recommends libfuse2 >>"$outside/log" 2>&1 || { tail "$outside/log" >&2; exit 1; }
  inside /try/lamella segment "/try/$sample" -m hippocampus -o /try/mounted.nii.gz --device cpu
  same mounted.nii.gz "mounted"
else
  echo "not mounted: this machine has no /dev/fuse"
fi
# What a desktop brings, and what the virtual display and the check need.
inside apt-get install -y -qq --no-install-recommends libx11-6 libx11-xcb1 libvulkan1 mesa-vulkan-drivers xvfb xauth python3-minimal procps >>"$outside/log" 2>&1 ||
  { tail "$outside/log" >&2; exit 1; }
inside bash -c 'cd /try && APPIMAGE_EXTRACT_AND_RUN=1 XDG_RUNTIME_DIR=$(mktemp -d) xvfb-run -a -s "-screen 0 1280x800x24" bash start_window.sh /try/lamella'
