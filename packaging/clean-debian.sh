# A Debian that has nothing of this machine, for the trials of packages: sourced from the root of the sources by a script that has `set -euo pipefail`,
# runs as root, and is done with it when it ends. Needs debootstrap and target/release/lamella.

# The sample that every package segments; where it lies in the clean Debian.
sample=assets/sample/synthetic_hippocampus.nii.gz
tried=/try/scan.nii.gz

# Makes it, with the sample and a folder /try: $root is where it lies, $outside a folder beside it.
clean_debian() {
  root=$(mktemp -d)
  outside=$(mktemp -d)
  trap leave_debian EXIT
  quietly debootstrap --variant=minbase "$1" "$root"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  install -D "$sample" "$root$tried"
}

leave_debian() {
  for place in proc dev; do mountpoint -q "$root/$place" && umount -l "$root/$place"; done
  rm -rf --one-file-system "$root" "$outside"
}

# Runs something whose words matter only where it fails.
quietly() { "$@" >>"$outside/log" 2>&1 || { tail "$outside/log" >&2; exit 1; }; }

# Runs a command in it, with nothing of the environment here but what is said: `inside [NAME=VALUE ...] COMMAND ...`.
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

# Installs packages in it, with nothing but what they depend on.
install_inside() { quietly inside apt-get install -y -qq --no-install-recommends "$@"; }

# The window of a program in it, by tests/start_window.sh on a virtual display: `window_inside [NAME=VALUE ...] PROGRAM`.
window_inside() {
  mkdir -p "$root/try/assets/sample"
  cp "$sample" "$root/try/assets/sample/"
  cp tests/start_window.sh "$root/try/"
  install_inside xvfb xauth mesa-vulkan-drivers python3-minimal procps
  inside XDG_RUNTIME_DIR=/run "${@:1:$#-1}" bash -c 'cd /try && xvfb-run -a -s "-screen 0 1280x800x24" bash start_window.sh "$0"' "${@: -1}"
}

# Holds a mask in /try, made in this way, against the one that the program makes outside, byte for byte.
same_mask() {
  local sums
  [ -e "$outside/mask.nii.gz" ] || target/release/lamella segment "$sample" -m hippocampus -o "$outside/mask.nii.gz" --device cpu >/dev/null
  sums=$(sha256sum "$root/try/$1" "$outside/mask.nii.gz" | cut -d ' ' -f 1 | uniq)
  [ "$(wc -l <<<"$sums")" = 1 ] || { echo "the masks $2 and outside differ" >&2; exit 1; }
  echo "the same mask $2 and outside: sha256 $sums"
}

mebibytes() { echo "$(basename "$1"): $(($(stat -c %s "$1") / 1048576)) MiB"; }
