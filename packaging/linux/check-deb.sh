#!/usr/bin/env bash
# Tries a package in a clean Debian: it is installed with nothing but what it depends on, segments the sample to the mask that the program makes
# outside, and shows its window on a virtual display.
# Usage, as root: bash packaging/linux/check-deb.sh target/lamella_VERSION_ARCH.deb [SUITE]      (needs debootstrap)
set -euo pipefail
deb=$(realpath "$1")
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
cp "$deb" "$root/lamella.deb"
sample=assets/sample/synthetic_hippocampus.nii.gz
install -D "$sample" "$root/try/$sample"
cp tests/start_window.sh "$root/try/"

before=$(du -sm "$root/usr" | cut -f 1)
inside apt-get install -y -qq --no-install-recommends /lamella.deb >>"$outside/log" 2>&1 || { tail "$outside/log" >&2; exit 1; }
echo "$(basename "$deb"): $(($(stat -c %s "$deb") / 1048576)) MiB; installed with what it depends on: $(($(du -sm "$root/usr" | cut -f 1) - before)) MiB more"
inside lamella segment "/try/$sample" -m hippocampus -o /try/mask.nii.gz --device cpu
target/release/lamella segment "$sample" -m hippocampus -o "$outside/mask.nii.gz" --device cpu >/dev/null
sums=$(sha256sum "$root/try/mask.nii.gz" "$outside/mask.nii.gz" | cut -d ' ' -f 1 | uniq)
[ "$(wc -l <<<"$sums")" = 1 ] || { echo "the masks inside and outside differ" >&2; exit 1; }
echo "the same mask inside and outside: sha256 $sums"
# What the virtual display and the check need is not part of the package's own.
inside apt-get install -y -qq --no-install-recommends xvfb xauth mesa-vulkan-drivers python3-minimal procps >>"$outside/log" 2>&1
inside bash -c 'cd /try && XDG_RUNTIME_DIR=$(mktemp -d) xvfb-run -a -s "-screen 0 1280x800x24" bash start_window.sh lamella'
