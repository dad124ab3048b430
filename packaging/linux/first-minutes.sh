#!/usr/bin/env bash
# A new user's first minutes, timed: from the Debian package in a clean Debian, by mouse and keys, to a DICOM segmentation of a DICOM scan. Every
# screen on the way is kept as a picture. Hands take a second to point and 60 ms for a key; no time for reading or choosing is in it.
# Usage, as root: bash packaging/linux/first-minutes.sh PACKAGE.deb FOLDER_OF_ONE_DICOM_SERIES PICTURES      (needs debootstrap)
# The series is one that the bundled hippocampus model fits, for it is run as it is offered.
set -euo pipefail
deb=$(realpath "$1")
series=$(realpath "$2")
pictures=$(realpath -m "$3")
cd "$(dirname "$0")/../.."
. packaging/clean-debian.sh
mkdir -p "$pictures"
clean_debian bookworm
cp "$deb" "$root/lamella.deb"
# The desktop is there before the program.
install_inside xvfb xauth openbox xdotool imagemagick mesa-vulkan-drivers
cp -r "$series" "$root/root/scan"
mkdir "$root/pictures"
start=$(date +%s.%N)
install_inside /lamella.deb
awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { printf "installed, with what it depends on: %.1f s\n", b - a }'

cat >"$root/hands.sh" <<'HANDS'
set -euo pipefail
start=$(date +%s.%N)
said() { awk -v a="$start" -v b="$(date +%s.%N)" -v what="$1" 'BEGIN { printf "%5.1f s: %s\n", b - a, what }'; }
screen() { import -window root "/pictures/$1.png"; said "$2"; }
click() { sleep 1; xdotool mousemove "$1" "$2" click 1; }
# Waits until the window's title is like this.
titled() { for _ in $(seq 600); do xdotool search --name "$1" >/dev/null 2>&1 && return; sleep 0.1; done; echo "no window is called $1" >&2; exit 1; }
openbox >/dev/null 2>&1 &
sleep 1
start=$(date +%s.%N)
lamella >/dev/null 2>&1 &
window=$!
titled '^Lamella$'
sleep 1
screen 1-welcome "the first page"
click 760 212
sleep 1
screen 2-open "Open folder"
xdotool type --delay 60 scan
xdotool key Return
titled '^HippoCrop'
sleep 0.5
screen 3-scan "the scan"
click 1130 712
titled '^\* HippoCrop'
screen 4-mask "segmented, all slices"
click 1240 73
sleep 0.5
screen 5-export "Export"
click 1130 291
sleep 1
screen 6-name "DICOM segmentation: the name is there"
xdotool key Return
for _ in $(seq 100); do [ -s /root/HippoCrop_seg.dcm ] && break; sleep 0.1; done
[ -s /root/HippoCrop_seg.dcm ]
sleep 0.5
screen 7-saved "saved"
kill "$window"
HANDS
inside XDG_RUNTIME_DIR=/run xvfb-run -a -s "-screen 0 1280x800x24" bash /hands.sh
cp "$root"/pictures/*.png "$pictures/"
cp "$root/root/HippoCrop_seg.dcm" "$pictures/"
echo "$(basename "$pictures"): $(ls "$pictures" | wc -l) files"
