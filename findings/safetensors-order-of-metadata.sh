#!/usr/bin/env bash
# safetensors 0.8.0: the same tensors with two or more texts beside them, saved by several processes.
#
# A good guess: equal tensors and texts give equal bytes, so that a checksum of the file tells whether a model changed.
# Seen: the order of the texts in the header differs from process to process; with one text there is one file, with three there are several.
# Why it matters: a checksum of a whole file is no identity of a model. Lamella's own covers weights and specification by their content.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q safetensors==0.8.0 numpy==2.4.6
cd "$folder"
count() {
  for _ in $(seq 12); do
    ./python/bin/python - "$1" <<'P'
import hashlib, sys
import numpy
from safetensors.numpy import save

texts = {name: "x" for name in ["spec", "checksum", "format"][: int(sys.argv[1])]}
print(hashlib.sha256(save({"weight": numpy.zeros(4, numpy.float32)}, metadata=texts)).hexdigest())
P
  done | sort -u | wc -l
}
one=$(count 1)
three=$(count 3)
echo "different files in 12 processes: $one with one text, $three with three"
[ "$one" -eq 1 ] && [ "$three" -gt 1 ]
