"""A data set of three times a memory limit: speed and weights beside those in memory (see larger_than_memory.sh)."""

import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from pathlib import Path

SHAPE = (192, 192, 160)
# A prepared voxel: a value of 32 bits and a label of 16.
PREPARED_BYTES = 6
EPOCHS = 3


def nifti(path, kind, values):
    """Writes 16-bit values of SHAPE, millimetres, RAS."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *SHAPE, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, kind, 16)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352, 1, 0)
    struct.pack_into("<2h", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    header[344:348] = b"n+1\0"
    path.write_bytes(bytes(header) + values)


def make(folder, scans):
    """Boxes in a texture, at another place in each scan."""
    (folder / "imagesTr").mkdir(parents=True)
    (folder / "labelsTr").mkdir()
    w, h, d = SHAPE
    for n in range(scans):
        x, y, z = 20 + 7 * n % 90, 30 + 11 * n % 80, 20 + 5 * n % 60
        plain = array("h", ((i * 7919 + n * 104729) % 97 for i in range(w * h))).tobytes()
        image, label = [], []
        for k in range(d):
            row = bytearray(plain[2 * k:] + plain[:2 * k])
            mask = bytearray(2 * w * h)
            if z <= k < z + 60:
                for j in range(y, y + 60):
                    at = 2 * (j * w + x)
                    row[at:at + 120] = array("h", [300 + j % 7] * 60).tobytes()
                    mask[at:at + 120] = array("H", [1] * 60).tobytes()
            image.append(bytes(row))
            label.append(bytes(mask))
        nifti(folder / "imagesTr" / f"case{n:02}_0000.nii", 4, b"".join(image))
        nifti(folder / "labelsTr" / f"case{n:02}.nii", 512, b"".join(label))
    (folder / "dataset.json").write_text(json.dumps({
        "channel_names": {"0": "MRI"}, "labels": {"background": 0, "box": 1}, "numTraining": scans, "file_ending": ".nii",
    }))
    names = [f"case{n:02}" for n in range(scans)]
    (folder.parent / "split.json").write_text(json.dumps({"train": names[1:], "validation": names[:1]}))


def drop_from_store(folder, is_over):
    """Makes the system forget what it keeps of the files in a folder."""
    while not is_over.is_set():
        for path in folder.glob("*.slices"):
            try:
                file = os.open(path, os.O_RDONLY)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)
            except FileNotFoundError:
                pass
        is_over.wait(0.1)


def command(lamella, root, output, steps):
    return [
        lamella, "train", root / "set", "-o", output, "--split", root / "split.json", "--budget", f"{EPOCHS}ep", "--device", "cpu",
        "--epoch-steps", str(steps), "--validate-every", "1000", "--axis", "axial", "--patch", "128x128", "--batch", "4",
        "--no-mirror", "--options", '{"norm":"instance","width":16,"depth":3}', "--arch", "unet", "--json",
    ]


def limited(limit):
    def set_limit():
        if limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    return set_limit


def train(lamella, root, name, steps, limit=None, is_cold=False):
    """Seconds of a step after the first epoch, the model's bytes, what was said, and all seconds."""
    folder = root / name
    folder.mkdir(exist_ok=True)
    output = folder / "m.safetensors"
    is_over = threading.Event()
    dropping = threading.Thread(target=drop_from_store, args=(folder / "m.safetensors.slices", is_over))
    if is_cold:
        dropping.start()
    started = time.monotonic()
    done = subprocess.run(
        command(lamella, root, output, steps), capture_output=True, text=True, preexec_fn=limited(limit), check=False)
    seconds = time.monotonic() - started
    is_over.set()
    if done.returncode:
        sys.exit(f"{name}: {done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    at = [line["seconds"] for line in lines if "epoch" in line and "seconds" in line]
    # The last epoch has the measurement of the held-back case in it.
    step = (at[-2] - at[0]) / ((len(at) - 2) * steps)
    assert not (folder / "m.safetensors.slices").exists(), "slices stay"
    return step, output.read_bytes(), done.stderr, seconds


def killed_while_caching(lamella, root, steps, limit, scans):
    """Kills a run when half of the slices are written; gives how many were whole."""
    folder = root / "killed"
    folder.mkdir()
    slices = folder / "m.safetensors.slices"
    run = subprocess.Popen(
        command(lamella, root, folder / "m.safetensors", steps), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=limited(limit))
    while len(list(slices.glob("*.slices"))) < scans // 2:
        if run.poll() is not None:
            sys.exit("the run ended before it could be killed")
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    return len(list(slices.glob("*.slices")))


def main():
    lamella, scans, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    root = Path(tempfile.mkdtemp(prefix="larger", dir=os.environ.get("LARGER_THAN_MEMORY", ".")))
    try:
        make(root / "set", scans + 1)
        prepared = scans * SHAPE[0] * SHAPE[1] * SHAPE[2] * PREPARED_BYTES
        limit = prepared // 3
        print(f"{scans} scans, {prepared / 1e6:.0f} MB of slices, limit {limit / 1e6:.0f} MB (ulimit -d)", flush=True)
        memory = train(lamella, root, "memory", steps)
        disk = train(lamella, root, "disk", steps, limit)
        cold = train(lamella, root, "cold", steps, limit, is_cold=True)
        again = train(lamella, root, "memory2", steps)
        best = min(memory[0], again[0])
        print(disk[2].strip())
        for name, run in [("in memory", memory), ("on disk", disk), ("from the disk", cold), ("in memory again", again)]:
            print(f"{name:16} {1 / run[0]:6.3f} steps/s  {best / run[0]:5.3f} of memory's best  {run[3]:6.1f} s in all  "
                  f"same weights: {run[1] == memory[1]}", flush=True)
        whole = killed_while_caching(lamella, root, steps, limit, scans)
        continued = train(lamella, root, "killed", steps, limit)
        said = [line for line in continued[2].splitlines() if "already" in line]
        print(f"killed with {whole} of {scans} files whole; then: {' '.join(said)}")
        print(f"same weights after that: {continued[1] == memory[1]}")
    finally:
        shutil.rmtree(root)


main()
