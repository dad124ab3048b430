#!/usr/bin/env python3
"""Checks `lamella deidentify` on real DICOM files against Table E.1-1 of DICOM PS3.15 as the package dicom-anonymizer has it, with pydicom.

    python check_deidentify.py LAMELLA_BINARY TEST_DATA

Every file of data/dicom is taken over, and each of its elements, also those in sequences, is compared with what the table asks for. Identifiers must
become the same new ones in all files. Needs pydicom and dicom-anonymizer.
"""
import json, subprocess, sys, tempfile, warnings
from pathlib import Path

import pydicom
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom.datadict import dictionary_has_tag, dictionary_VR

ONLY_HERE = {0x00120062, 0x00120063, 0x00120064, 0x00280303, 0x00080005}
# Identifiers of codes and ways of storing, not of anybody's images.
KINDS = {0x0008010C, 0x00080117, 0x00080118, 0x00083002, 0x04000510}
NAMES = {0x00100010, 0x00100020}
ROW = {}
for letters, tags in [("X", table.X_TAGS), ("Z", table.Z_TAGS + table.X_Z_TAGS), ("U", table.U_TAGS), ("U*", table.X_Z_U_STAR_TAGS),
                      ("D", table.D_TAGS + table.Z_D_TAGS + table.X_D_TAGS + table.X_Z_D_TAGS)]:
    for tag in tags:
        if len(tag) == 2:
            ROW[tag[0] << 16 | tag[1]] = letters
counts = {"files": 0, "elements": 0, "identifiers": 0}
failures = []
new_of, old_of = {}, {}


def letters_of(element):
    tag = int(element.tag)
    if element.tag.is_private or element.tag.element == 0:
        return "X"
    if element.tag.group >> 8 == 0x50:
        return "X"
    if tag in ROW:
        return ROW[tag]
    if not dictionary_has_tag(tag) or element.VR == "UN":
        return "X"
    # The table does not name it: what people wrote is cleaned, names, identifiers and dates go as in the table.
    if element.VR == "UI":
        return "K" if "Class" in element.keyword or tag in KINDS else "U"
    return {"PN": "Z", "LT": "C", "ST": "C", "UT": "C", "UC": "C", "DA": "D", "DT": "D"}.get(element.VR, "K")


def is_empty(element):
    return element.VR == "SQ" and not element.value or element.value in (None, "", b"") or element.VM == 0


def renamed(name, old, new):
    old, new = str(old).strip("\0 "), str(new).strip("\0 ")
    counts["identifiers"] += 1
    if old == new or new_of.setdefault(old, new) != new or old_of.setdefault(new, old) != old:
        failures.append(f"{name}: {old} became {new}, elsewhere {new_of.get(old)}")


def unknown_sequences(path):
    """Sequences that a program stored as UN: nobody looks into them, so they go."""
    tags = [int(e.tag) for e in pydicom.dcmread(path).values() if e.VR == "UN"]
    return {tag for tag in tags if dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ"}


def compare(name, old, new, hidden=()):
    overlays = {e.tag.group for e in old if e.tag.group >> 8 == 0x60 and e.tag.element == 0x3000}
    wanted = set(ONLY_HERE)
    for element in old:
        tag, letters = int(element.tag), letters_of(element)
        counts["elements"] += 1
        where = f"{name} {element.tag} {element.keyword}"
        if element.tag.group in overlays or tag in hidden:
            letters = "X"
        if letters == "X":
            if element.tag in new and tag not in ONLY_HERE:
                failures.append(f"{where} is still there: {new[element.tag].value!r:.60}")
            continue
        wanted.add(tag)
        if element.tag not in new:
            if tag not in ONLY_HERE:
                failures.append(f"{where} is gone")
            continue
        other = new[element.tag]
        if tag in NAMES:
            if not str(other.value).startswith("P-"):
                failures.append(f"{where} is {other.value}")
        elif letters == "Z":
            if not is_empty(other):
                failures.append(f"{where} has a value: {other.value!r:.60}")
        elif letters == "C":
            if "***" not in str(other.value) and str(element.value).strip() != str(other.value).strip() and not is_empty(other):
                failures.append(f"{where} is {other.value!r:.60}")
        elif letters == "D" and not is_empty(element) or letters == "D" and tag in ROW:
            if is_empty(other) or (element.value == other.value and not is_empty(element)):
                failures.append(f"{where} is {other.value!r:.60}")
        elif element.VR == "SQ":
            if tag == 0x00120064 and len(other.value) > len(element.value):
                continue
            if len(element.value) != len(other.value):
                failures.append(f"{where}: {len(other.value)} items of {len(element.value)}")
            for a, b in zip(element.value, other.value):
                compare(where, a, b)
        elif letters == "U" and element.VR == "UI":
            olds, news = [v if isinstance(v, pydicom.multival.MultiValue) else [v] for v in (element.value, other.value)]
            for a, b in zip(olds, news):
                if str(a).startswith("1.2.840.10008."):
                    if a != b:
                        failures.append(f"{where}: {a} of the standard became {b}")
                elif a:
                    renamed(where, a, b)
        elif tag not in ONLY_HERE and element.value != other.value and str(element.value).strip("\0 ") != str(other.value).strip("\0 "):
            if not (element.value is None or element.value != element.value):
                failures.append(f"{where}: {element.value!r:.60} became {other.value!r:.60}")
    for element in new:
        if int(element.tag) not in wanted:
            failures.append(f"{name} {element.tag} {element.keyword} is new")


def main(binary, data):
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        key = folder / "key"
        key.write_text("a key")
        for n, path in enumerate(sorted(p for p in (data / "data/dicom").rglob("*") if p.is_file())):
            if "/bad/" in str(path):
                continue
            try:
                with warnings.catch_warnings():
                    warnings.filterwarnings("error", message="End of file reached")
                    old = pydicom.dcmread(path)
                    old.walk(lambda *_: None)
            except Exception:
                continue
            out = folder / str(n)
            words = [binary, "deidentify", path, "-o", out, "--key", key, "--json"]
            done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
            report = json.loads(done.stdout) if done.stdout else {}
            if done.returncode:
                refused += 1
                if "panicked" in done.stderr or not report.get("failed") and not report.get("left_out"):
                    failures.append(f"{path.name}: {done.stderr}")
                continue
            (written,) = out.rglob("*.dcm")
            new = pydicom.dcmread(written)
            counts["files"] += 1
            if written.name != f"{new.file_meta.MediaStorageSOPInstanceUID}.dcm" or new.get("SOPInstanceUID", "") not in ("", new.file_meta.MediaStorageSOPInstanceUID):
                failures.append(f"{path.name}: {written.name} holds {new.get('SOPInstanceUID')}")
            compare(path.name, old, new, unknown_sequences(path))
            header = written.read_bytes()[: max(2000, written.stat().st_size - len(new.get("PixelData", b"")))]
            for word in str(old.get("PatientName", "")).replace("^", " ").replace("=", " ").split():
                if len(word) > 5 and word != "REMOVED" and word.encode("utf-8") in header:
                    failures.append(f"{path.name}: {word} is still in the header")
    for failure in failures:
        print(failure)
    print(f"de-identification: {counts['files']} files, {counts['elements']} elements, {counts['identifiers']} identifiers, {refused} files refused or "
          f"left out, {len(failures)} failed")
    return 1 if failures or counts["files"] < 100 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
