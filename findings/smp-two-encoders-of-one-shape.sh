#!/usr/bin/env bash
# segmentation_models.pytorch 0.6.0 with timm 1.0.31: U-Nets with the encoders tu-resnet18 and tu-resnetblur18.
#
# A good guess: weights of one encoder cannot be loaded into another, since strict loading compares every name and shape.
# Seen: names and shapes are the same, strict loading succeeds, and the logits differ by about a third, because one of them blurs before it
# strides.
# Why it matters: a bare file of weights does not say which network it is. Lamella reads config.json beside it, or lists what it assumed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q torch==2.15.0 torchvision==0.29.2 segmentation-models-pytorch==0.6.0 timm==1.0.31
"$folder/python/bin/python" - <<'P'
import torch
import segmentation_models_pytorch as smp

torch.manual_seed(0)
plain, blurred = (smp.Unet(name, encoder_weights=None).eval() for name in ("tu-resnet18", "tu-resnetblur18"))
outcome = blurred.load_state_dict(plain.state_dict(), strict=True)
image = torch.randn(1, 3, 64, 96)
with torch.no_grad():
    a, b = plain(image), blurred(image)
difference = ((a - b).norm() / a.norm()).item()
print("strict loading:", outcome, "relative difference of the logits:", round(difference, 2))
assert not outcome.missing_keys and not outcome.unexpected_keys and difference > 0.1
P
echo "as found: strict loading succeeds between two encoders that compute different things"
