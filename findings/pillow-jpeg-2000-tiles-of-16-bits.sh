#!/usr/bin/env bash
# Pillow 13.0.0 (OpenJPEG 2.5.4) writing a grey image of 16 bits as lossless JPEG 2000 in tiles.
#
# A good guess: `irreversible=False` is lossless whatever the size of the tiles, as it is for 8 bits.
# Seen: in one tile every pixel comes back; in several, half to three quarters are others, without a word. Pillow and imagecodecs decode the
# same wrong pixels, so it is the writing: only the code stream of 16 bits is concerned, 8 bits in tiles come back whole.
# Why it matters: scans that a script stored like this are damaged, and no reader can bring them back. Lamella shows what is stored;
# docs/guide/dicom.md says so, and the check of its decoder (tests/python/check_series.py) lets Pillow write tiles of 8 bits alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q pillow==13.0.0 imagecodecs==2026.3.6 numpy==2.4.6
"$folder/python/bin/python" - <<'P'
import io

import imagecodecs
import numpy
from PIL import Image

noise = numpy.random.default_rng(1)
seen = []
for kind, most in ((numpy.uint16, 4096), (numpy.uint8, 256)):
    image = noise.integers(0, most, (32, 64)).astype(kind)
    for tile in ((64, 64), (16, 16)):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG2000", irreversible=False, no_jp2=True, tile_size=tile)
        other = imagecodecs.jpeg2k_decode(file.getvalue())
        assert (numpy.asarray(Image.open(io.BytesIO(file.getvalue()))) == other).all()
        share = float((other != image).mean())
        print(kind.__name__, "in tiles of", tile, "pixels that are others:", share)
        seen.append(share > 0.5)
assert seen == [False, True, False, False], seen
P
echo "as found: 16 bits in several tiles are not what was given"
