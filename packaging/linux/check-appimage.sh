#!/usr/bin/env bash
# Tries an AppImage in a clean Debian that has a display's own libraries and nothing else: it segments the sample to the mask that the program makes
# outside, without and (where the machine lends FUSE) with mounting, and shows its window on a virtual display.
# Usage, as root: bash packaging/linux/check-appimage.sh target/Lamella-VERSION-x86_64.AppImage [SUITE]      (needs debootstrap)
set -euo pipefail
image=$(realpath "$1")
suite=${2:-bookworm}
cd "$(dirname "$0")/../.."
. packaging/clean-debian.sh
clean_debian "$suite"
install -m755 "$image" "$root/try/lamella"
mebibytes "$image"
inside APPIMAGE_EXTRACT_AND_RUN=1 /try/lamella segment $tried -m hippocampus -o /try/mask.nii.gz --device cpu
same_mask mask.nii.gz "inside (unpacked)"
if [ -e /dev/fuse ]; then
  install_inside libfuse2
  inside /try/lamella segment $tried -m hippocampus -o /try/mounted.nii.gz --device cpu
  same_mask mounted.nii.gz "inside (mounted)"
else
  echo "not mounted: this machine has no /dev/fuse"
fi
# What a desktop brings.
install_inside libx11-6 libx11-xcb1 libvulkan1
# Unpacked once, so that the process that is ended is the window and not what waits for it.
quietly inside bash -c 'cd /try && ./lamella --appimage-extract'
window_inside /try/squashfs-root/AppRun
