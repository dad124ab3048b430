"""Networks of other libraries as ONNX files, through Lamella and back, in ONNX Runtime.

    python check_foreign_onnx.py --lamella target/release/lamella --out FOLDER [--only TEXT] [--keep]

It makes every network of the list below with random weights, exports it with `torch.onnx.export` (the default exporter and the
older one), imports the file with `lamella models import`, exports the model again with `lamella models export`, and compares the
logits of both files in ONNX Runtime. Images and logits are left beside the files, so that `LAMELLA_IMPORTS=FOLDER cargo test --test
imports` compares our own engine with ONNX Runtime too. A network that is refused is listed with the reason. `--keep` uses files that are there.

It needs torch, onnxscript, onnxruntime, segmentation-models-pytorch, monai, torchvision; it takes minutes, and does not run in CI.
"""
import argparse, json, subprocess, sys, warnings
from pathlib import Path

import numpy as np
import onnxruntime

SIZE = 64
# A network that no release is expected to take: its operations are refused by name.
REFUSED = {"smp-unet-mit_b0", "smp-segformer", "smp-manet-resnet18"}


def networks():
    import segmentation_models_pytorch as smp
    from monai.networks import nets
    from torchvision.models import segmentation as tv

    def unet(encoder, **more):
        return lambda: smp.Unet(encoder, encoder_weights=None, in_channels=3, classes=2, **more)

    def decoder(kind, encoder="resnet18", **more):
        return lambda: getattr(smp, kind)(encoder, encoder_weights=None, in_channels=3, classes=2, **more)

    def bare(make):
        """Of what torchvision gives, the main result alone."""
        import torch

        class Main(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.net = make()

            def forward(self, x):
                return self.net(x)["out"]
        return Main

    flat = dict(spatial_dims=2, in_channels=1, out_channels=2)
    wide = dict(channels=(8, 16, 32, 64), strides=(2, 2, 2))
    return {
        "smp-unet-efficientnet-b0": unet("efficientnet-b0"),
        "smp-unet-timm-efficientnet-b0": unet("timm-efficientnet-b0"),
        "smp-unet-mobilenet_v2": unet("mobilenet_v2"),
        "smp-unet-timm-mobilenetv3": unet("timm-mobilenetv3_large_100"),
        "smp-unet-resnet34-scse-sigmoid": unet("resnet34", decoder_attention_type="scse", activation="softmax2d"),
        "smp-unet-densenet121": unet("densenet121"),
        "smp-unet-se_resnet50": unet("se_resnet50"),
        "smp-unet-regnetx": unet("timm-regnetx_002"),
        "smp-unet-vgg11_bn": unet("vgg11_bn"),
        "smp-unetpp-resnet18": decoder("UnetPlusPlus"),
        "smp-fpn-resnet18": decoder("FPN"),
        "smp-fpn-mobilenet_v2": decoder("FPN", "mobilenet_v2"),
        "smp-pspnet-resnet18": decoder("PSPNet"),
        "smp-pspnet-efficientnet-b0": decoder("PSPNet", "efficientnet-b0"),
        "smp-linknet-resnet18": decoder("Linknet"),
        "smp-pan-resnet18": decoder("PAN"),
        "smp-manet-resnet18": decoder("MAnet"),
        "smp-deeplabv3-resnet18": decoder("DeepLabV3"),
        "smp-deeplabv3plus-mobilenet_v2": decoder("DeepLabV3Plus", "mobilenet_v2"),
        "smp-unet-mit_b0": unet("mit_b0"),
        "smp-segformer": decoder("Segformer", "mit_b0"),
        "smp-upernet-resnet18": decoder("UPerNet"),
        "smp-upernet-convnext": decoder("UPerNet", "tu-convnext_atto"),
        "monai-unet": lambda: nets.UNet(**flat, **wide),
        "monai-unet-res": lambda: nets.UNet(**flat, **wide, num_res_units=2),
        "monai-unet-batch-prelu": lambda: nets.UNet(**flat, **wide, num_res_units=2, norm="batch", act=("prelu", {"num_parameters": 1, "init": 0.2})),
        "monai-attentionunet": lambda: nets.AttentionUnet(**flat, **wide),
        "monai-basicunet": lambda: nets.BasicUNet(**flat, features=(8, 8, 16, 32, 64, 8)),
        "monai-segresnet": lambda: nets.SegResNet(**flat, init_filters=8),
        "monai-segresnet-nontrainable": lambda: nets.SegResNet(**flat, init_filters=8, upsample_mode="deconv"),
        "monai-dynunet": lambda: nets.DynUNet(**flat, kernel_size=[3, 3, 3], strides=[1, 2, 2], upsample_kernel_size=[2, 2], filters=[8, 16, 32]),
        "monai-vnet": lambda: nets.VNet(spatial_dims=2, in_channels=1, out_channels=2),
        "monai-highresnet": lambda: nets.HighResNet(**flat),
        "monai-flexibleunet": lambda: nets.FlexibleUNet(in_channels=3, out_channels=2, backbone="efficientnet-b0", spatial_dims=2),
        "torchvision-fcn-resnet50": bare(lambda: tv.fcn_resnet50(weights=None, weights_backbone=None, num_classes=2, aux_loss=False)),
        "torchvision-lraspp-mobilenetv3": bare(lambda: tv.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=2)),
        "torchvision-deeplabv3-mobilenetv3": bare(lambda: tv.deeplabv3_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=2, aux_loss=False)),
    }


def write(make, path, dynamo, opset):
    """A network with weights and statistics that are not all alike, its image, its logits."""
    import torch

    torch.manual_seed(0)
    net = make().eval()
    with torch.no_grad():
        for name, values in list(net.named_parameters()) + list(net.named_buffers()):
            if values.dtype != torch.float32:
                continue
            if "running_var" in name:
                values.uniform_(0.5, 1.5)
            elif values.ndim == 1:
                values.add_(0.1 * torch.randn_like(values))
    channels = next(m for m in net.modules() if isinstance(m, torch.nn.Conv2d)).in_channels
    image = torch.randn(1, channels, SIZE, SIZE)
    if dynamo:
        torch.onnx.export(net, (image,), str(path), dynamo=True, verbose=False)
    else:
        torch.onnx.export(net, (image,), str(path), dynamo=False, opset_version=opset)


def run(path, image):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: image})[0].astype(np.float64)


def channels_of(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).get_inputs()[0].shape[1]


def is_softmax(found):
    return found.min() >= 0 and found.max() <= 1 and np.allclose(found.sum(1), 1, atol=1e-3)


def softmax(logits):
    each = np.exp(logits - logits.max(1, keepdims=True))
    return each / each.sum(1, keepdims=True)


def check(name, path, lamella, limit, index):
    model, again = path.with_suffix(".safetensors"), path.with_name(path.stem + "-again.onnx")
    for old in (model, again):
        old.unlink(missing_ok=True)
    for command in (["import", path, "-o", model], ["export", model, "-o", again]):
        done = subprocess.run([lamella, "models", *map(str, command)], capture_output=True, text=True)
        if done.returncode:
            return f"refused ({command[0]})", " ".join((done.stderr or done.stdout).split())[:300]
    image = np.random.default_rng(0).standard_normal((1, channels_of(path), SIZE, SIZE)).astype(np.float32)
    theirs, ours = run(path, image), run(again, image)
    if not is_softmax(theirs):
        image.tofile(path.parent / f"{name}.input")
        theirs.astype(np.float32).tofile(path.parent / f"{name}.logits")
        index.append({"name": name, "file": path.name, "network": "onnx", "shape": list(image.shape), "out": list(theirs.shape),
                      "pytorch_single_precision_error": limit / 10})
    if theirs.shape[1] == 1:
        theirs = np.concatenate([np.zeros_like(theirs), theirs], 1)
    if is_softmax(theirs):
        # Logits of random weights are large, and so are the differences of their rounding.
        ours, limit = softmax(ours), 10 * limit
    off = float(np.linalg.norm(theirs - ours) / np.linalg.norm(theirs))
    return ("agrees" if off < limit else "WRONG"), f"{off:.1e}"


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--lamella", default="target/release/lamella")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--write-only", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    found, index = {}, []
    for name, make in networks().items():
        for form, dynamo in (("new", True), ("old", False)):
            full = f"{name}.{form}"
            if given.only not in full:
                continue
            path = given.out / f"{full}.onnx"
            try:
                if not (given.keep and path.exists()):
                    write(make, path, dynamo, 17)
            except Exception as problem:  # Some networks cannot be exported at all.
                found[full] = ("not exported", " ".join(str(problem).split())[:150])
                print(f"{full}: not exported: {found[full][1]}", flush=True)
                continue
            if given.write_only:
                continue
            try:
                found[full] = check(full, path, given.lamella, 1e-4, index)
            except Exception as problem:
                found[full] = ("WRONG", repr(problem)[:300])
            print(f"{full}: {found[full][0]} {found[full][1]}", flush=True)
    (given.out / "index.json").write_text(json.dumps(index))
    wrong = [full for full, (verdict, _) in found.items()
             if verdict == "WRONG" or (verdict.startswith("refused") and full.rsplit(".", 1)[0] not in REFUSED)]
    agree = sum(verdict == "agrees" for verdict, _ in found.values())
    print(f"foreign onnx: {agree} of {len(found)} files agree with ONNX Runtime {onnxruntime.__version__}; to mend: {wrong}")
    sys.exit(1 if wrong else 0)


main()
