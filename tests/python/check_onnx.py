"""Every network that `tests/onnx_export.rs` wrote, in ONNX Runtime: python check_onnx.py FOLDER

FOLDER holds `index.json`, and for each network its ONNX file, an image and our logits (float32). Prints the relative L2
distance of each; fails above the limit that the index gives.
"""
import json, sys
from pathlib import Path

import numpy as np
import onnxruntime

folder = Path(sys.argv[1])
index = json.loads((folder / "index.json").read_text())
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 2
options.log_severity_level = 3
failed, worst = 0, 0.0
for entry in index:
    image = np.fromfile(folder / entry["image"], np.float32).reshape(entry["shape"])
    ours = np.fromfile(folder / entry["logits"], np.float32)
    session = onnxruntime.InferenceSession(str(folder / entry["file"]), options, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {session.get_inputs()[0].name: image})[0].ravel()
    assert theirs.size == ours.size, (entry["name"], theirs.shape, ours.shape)
    off = float(np.linalg.norm(ours.astype(np.float64) - theirs) / max(np.linalg.norm(theirs.astype(np.float64)), 1e-30))
    worst = max(worst, off)
    if not off <= entry["limit"]:
        failed += 1
        print(f"FAILED {entry['name']}: {off:.1e}, allowed {entry['limit']:.0e}")
    else:
        print(f"onnx {entry['name']}: within {off:.1e}")
print(f"onnx: {len(index) - failed} of {len(index)} networks agree with ONNX Runtime {onnxruntime.__version__}; worst {worst:.1e}")
sys.exit(1 if failed else 0)
