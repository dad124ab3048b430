#!/usr/bin/env bash
# pydicom 3.0.2: writing a person's name in Chinese with the character sets that PS3.5, K.2 gives for it, ISO 2022 IR 58.
#
# A good guess: as for Japanese and Korean (ISO 2022 IR 87, IR 149), the bytes of GB 2312 come behind the escape sequence ESC $ ) A that calls them.
# Seen: the bytes are there and no escape sequence is, so that a reader of the standard takes them for letters of another set; pydicom reads
# its own file back as it was, because it tries the sets one after the other.
# Why it matters: names written so come out wrong elsewhere. Lamella reads what the standard says, and shows other bytes escaped with a warning
# (src/formats/dicom/characters.rs).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q pydicom==3.0.2
"$folder/python/bin/python" - <<'P'
import io

import pydicom
from pydicom.dataset import Dataset


def written(sets, name):
    dataset = Dataset()
    dataset.SpecificCharacterSet, dataset.PatientName = sets, name
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, implicit_vr=False, little_endian=True)
    return out.getvalue()


chinese = written(["", "ISO 2022 IR 58"], "Zhang^XiaoDong=\u5f20^\u5c0f\u4e1c=")
korean = written(["", "ISO 2022 IR 149"], "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9")
print("Chinese:", chinese[-24:])
print("Korean:", korean[-40:])
assert b"\x1b$)C" in korean
assert "\u5f20".encode("gb2312") in chinese and b"\x1b$)A" not in chinese
P
