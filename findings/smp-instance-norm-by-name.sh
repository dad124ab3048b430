#!/usr/bin/env bash
# segmentation_models.pytorch 0.6.0: decoder_use_norm="instancenorm", one of the documented values.
#
# A good guess: it builds a decoder with instance norm.
# Seen: it raises AttributeError while the weights are initialised, because PyTorch's instance norm has no weights unless it is affine; a
# dictionary with affine=True works.
# Why it matters: networks with instance norm from this library always have affine ones. Lamella's importer takes these and refuses others by name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q torch==2.15.0 torchvision==0.29.2 segmentation-models-pytorch==0.6.0 timm==1.0.31
"$folder/python/bin/python" - <<'P'
import segmentation_models_pytorch as smp

try:
    smp.Unet("resnet18", encoder_weights=None, decoder_use_norm="instancenorm")
except AttributeError as error:
    print("AttributeError:", error)
else:
    raise SystemExit("it works by name now")
network = smp.Unet("resnet18", encoder_weights=None, decoder_use_norm={"type": "instancenorm", "affine": True})
print(len(network.state_dict()), "tensors with affine instance norm")
P
echo "as found: the name alone fails, the dictionary works"
