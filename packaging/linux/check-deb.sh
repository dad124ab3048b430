#!/usr/bin/env bash
# Tries a package in a clean Debian: it is installed with nothing but what it depends on, segments the sample to the mask that the program makes
# outside, and shows its window on a virtual display.
# Usage, as root: bash packaging/linux/check-deb.sh target/lamella_VERSION_ARCH.deb [SUITE]      (needs debootstrap)
set -euo pipefail
deb=$(realpath "$1")
suite=${2:-bookworm}
cd "$(dirname "$0")/../.."
. packaging/clean-debian.sh
clean_debian "$suite"
cp "$deb" "$root/lamella.deb"
before=$(du -sm "$root/usr" | cut -f 1)
install_inside /lamella.deb
echo "$(mebibytes "$deb"); installed with what it depends on: $(($(du -sm "$root/usr" | cut -f 1) - before)) MiB more"
inside lamella segment $tried -m hippocampus -o /try/mask.nii.gz --device cpu
same_mask mask.nii.gz "inside"
window_inside lamella
