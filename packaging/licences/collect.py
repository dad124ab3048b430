"""Whose work is in the program, as JSON: {"lock", "parts", "texts"}; called by packaging/licences.sh with answers of `cargo metadata`.

A part has kind, name, version, licence (an SPDX expression), source, note and the numbers of its texts. What several parts share is in
"texts" once. "lock" is the CRC-32 of the foreign crates of Cargo.lock, a line "NAME VERSION" each, in order.
"""
import json
import os
import re
import sys
import tomllib
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NAMES = ("LICEN", "COPYING", "COPYRIGHT", "NOTICE", "UNLICEN")


def read(path):
    raw = open(path, "rb").read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").expandtabs(8).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def mit(copyright_line):
    return re.sub(r"^Copyright.*$", lambda _: copyright_line, read(os.path.join(ROOT, "LICENSE-MIT")), count=1, flags=re.M)


def standard(licence, package):
    """The text of a licence for a crate that brings none; None where nobody has put it here."""
    if licence == "MIT":
        authors = ", ".join(package["authors"]) or f"the authors of {package['name']}"
        return mit("Copyright (c) " + re.sub(r" *<[^>]*>", "", authors))
    own = {"Apache-2.0": os.path.join(ROOT, "LICENSE-APACHE")}.get(licence, os.path.join(HERE, licence + ".txt"))
    return read(own) if os.path.exists(own) else None


def tree(metadata):
    """The crates that the program is built of: no build scripts' and no tests' dependencies."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting, found = [metadata["resolve"]["root"]], {}
    while waiting:
        identity = waiting.pop()
        if identity in found:
            continue
        found[identity] = packages[identity]
        for other in nodes[identity]["deps"]:
            if any(kind["kind"] is None for kind in other["dep_kinds"]):
                waiting.append(other["pkg"])
    return found.values()


def files_of(package):
    folder = os.path.dirname(package["manifest_path"])
    found = []
    for base, folders, names in os.walk(folder):
        deep = os.path.relpath(base, folder)
        # Fonts have theirs beside them; what tests and examples need is not in the program.
        folders[:] = sorted(f for f in folders if f.upper().startswith(NAMES) or f in ("fonts", "third_party", "src"))
        for name in sorted(names):
            is_text = name.upper().startswith(NAMES) and not name.endswith((".rs", ".py", ".html", ".toml"))
            is_text |= deep.upper().startswith(NAMES)
            is_text |= deep == "fonts" and name.endswith(".txt")
            if is_text:
                found.append(os.path.join(base, name))
    stated = package.get("license_file")
    if stated and os.path.exists(os.path.join(folder, stated)):
        found.append(os.path.join(folder, stated))
    return sorted(set(map(os.path.normpath, found)))


def main(answers):
    crates = {}
    for answer in answers:
        for package in tree(json.load(open(answer))):
            if package["source"]:
                crates[package["name"], package["version"]] = package
    of_repository = {}
    for package in crates.values():
        if files_of(package) and package["repository"]:
            of_repository.setdefault(package["repository"].rstrip("/"), files_of(package))
    parts, bare = [], []
    for (name, version), package in sorted(crates.items()):
        stated = (package["license"] or "").replace(" / ", "/").replace("/", " OR ")
        # Only fonts have texts of their own where the crate itself brings none.
        own = [read(path) for path in files_of(package)]
        repository = (package["repository"] or "").rstrip("/")
        note = ""
        if not any(os.path.dirname(path) == os.path.dirname(package["manifest_path"]) for path in files_of(package)):
            beside = [read(path) for path in of_repository.get(repository, [])]
            terms = re.findall(r"[A-Za-z0-9.-]+", stated)
            general = [standard(term, package) for term in terms if term not in ("OR", "AND", "WITH")]
            if not own and beside:
                own, note = beside, "The texts are those of another crate of the same source; this one brings none."
            elif not own or any(general):
                own += [text for text in general if text]
                note = "The crate brings no text of its own; these are the general ones of its licence."
        if not stated or not own:
            bare.append(f"{name} {version} ({stated})")
        parts.append(dict(kind="crate", name=name, version=version, licence=stated, source=repository, note=note, texts=own))
    if bare:
        sys.exit("without a licence or its text: " + ", ".join(bare))
    for part in json.load(open(os.path.join(HERE, "parts.json"))):
        texts = [mit(text[5:]) if text.startswith("MIT: ") else read(os.path.join(ROOT, text)) for text in part["texts"]]
        parts.append(dict(part, texts=texts))
    # Those that are alike lie beside each other, which makes them small.
    texts = sorted({text for part in parts for text in part["texts"]}, key=lambda text: (len(text), text))
    number = {text: n for n, text in enumerate(texts)}
    for part in parts:
        part["texts"] = sorted({number[text] for text in part["texts"]})
    lock = tomllib.load(open(os.path.join(ROOT, "Cargo.lock"), "rb"))["package"]
    lines = sorted(f"{package['name']} {package['version']}\n" for package in lock if "source" in package)
    checksum = zlib.crc32("".join(lines).encode())
    json.dump(dict(lock=checksum, parts=parts, texts=texts), sys.stdout, ensure_ascii=False, separators=(",", ":"))
    print(f"{len(crates)} crates, {len(parts) - len(crates)} other parts, {len(texts)} texts", file=sys.stderr)


main(sys.argv[1:])
