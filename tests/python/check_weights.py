"""Networks of other libraries as files of weights, taken over and exported by Lamella, against the library itself.

    python check_weights.py --lamella target/release/lamella [PART_OF_A_NAME ...]

Each network has random weights and running statistics that are not 0 and 1. Its state dict (or `save_pretrained` folder) is
imported, exported as ONNX and run by ONNX Runtime; the figure is the relative L2 distance of the logits from those of the library in
double precision, the worst of the sizes. What cannot be taken over must be refused with the words given. Exit status 1 when anything
differs. Needs torch, segmentation-models-pytorch, timm, monai, torchvision, onnxruntime.
"""
import argparse, os, subprocess, sys, tempfile, warnings

import monai.networks.nets as monai
import numpy as np
import onnxruntime
import segmentation_models_pytorch as smp
import torch
import torchvision.models as torchvision

warnings.filterwarnings("ignore")
LIMIT = 1e-4
parser = argparse.ArgumentParser()
parser.add_argument("--lamella", required=True)
parser.add_argument("names", nargs="*")
args = parser.parse_args()
lamella, temp = os.path.abspath(args.lamella), tempfile.mkdtemp()


def run(*words):
    done = subprocess.run([lamella, *map(str, words)], capture_output=True, text=True, timeout=300,
                          env=dict(os.environ, LAMELLA_DATA_DIR=temp))
    return done.returncode, done.stdout + done.stderr


def settle(net):
    """Values that are not those of a fresh network, so that nothing that is left out goes unseen."""
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
        if isinstance(module, (torch.nn.modules.batchnorm._BatchNorm, torch.nn.InstanceNorm2d, torch.nn.GroupNorm)) and module.weight is not None:
            torch.nn.init.normal_(module.weight, 1, 0.2)
            torch.nn.init.normal_(module.bias, 0, 0.1)
        if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)) and module.bias is not None:
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return net.eval()


def unet(encoder="resnet18", **options):
    return lambda: smp.Unet(encoder, encoder_weights=None, **{"in_channels": 1, "classes": 3, **options})


SIZES = [(64, 96), (128, 64)]
# Name, network, options of the import; a save_pretrained folder where the name says "folder"; words of the refusal.
CASES = []
for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x4d", "resnext101_32x8d",
             "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "se_resnet50", "se_resnet101",
             "se_resnet152", "se_resnext50_32x4d", "se_resnext101_32x4d", "tu-resnet18", "tu-resnet34", "tu-resnet50"):
    CASES.append((f"smp {name}", unet(name), [], None))
for channels in (2, 3, 4):
    CASES.append((f"smp resnet18, {channels} channels", unet(in_channels=channels), [], None))
for depth, widths in ((3, (64, 32, 16)), (4, (128, 64, 32, 24)), (5, (40, 24, 20, 16, 8))):
    for encoder in ("resnet18", "vgg11_bn", "se_resnet50", "tu-resnet18"):
        CASES.append((f"smp {encoder}, depth {depth}", unet(encoder, encoder_depth=depth, decoder_channels=widths), [], None))
CASES += [
    ("smp scse", unet(decoder_attention_type="scse"), [], None),
    ("smp vgg13_bn, scse, depth 4", unet("vgg13_bn", encoder_depth=4, decoder_channels=(64, 48, 32, 16), decoder_attention_type="scse"), [], None),
    ("smp no norm", unet(decoder_use_norm=False), [], None),
    ("smp no norm, vgg11", unet("vgg11", decoder_use_norm="identity"), [], None),
    ("smp instance norm", unet(decoder_use_norm={"type": "instancenorm", "affine": True}), [], None),
    ("smp aux", unet(aux_params={"classes": 2}), [], None),
    ("smp bilinear, said", unet(decoder_interpolation="bilinear"), ["--assume", "upsampling=bilinear"], None),
    ("smp area, said", unet(decoder_interpolation="area"), ["--assume", "upsampling=area"], None),
]
for mode in ("nearest", "bilinear", "area", "nearest-exact"):
    CASES.append((f"smp folder {mode}", unet("resnet34", decoder_interpolation=mode), [], None))
CASES += [
    ("smp folder tu-resnet18 bilinear", unet("tu-resnet18", decoder_interpolation="bilinear"), [], None),
    ("smp folder softmax", unet(activation="softmax2d"), [], None),
    ("smp folder sigmoid, one class", unet(activation="sigmoid", classes=1), [], None),
    ("smp folder everything", unet("se_resnet50", encoder_depth=4, decoder_channels=(64, 32, 24, 16), decoder_interpolation="bilinear",
                                   decoder_attention_type="scse", decoder_use_norm=False, in_channels=2, classes=4), [], None),
    ("smp folder norm in words", unet(decoder_use_norm={"type": "batchnorm", "momentum": 0.01}), [], None),
    ("smp folder bicubic", unet(decoder_interpolation="bicubic"), [], ["decoder_interpolation", "bicubic"]),
    ("smp folder sigmoid", unet(activation="sigmoid"), [], ["activation", "sigmoid"]),
    ("smp folder tanh", unet(activation="tanh", classes=1), [], ["activation", "tanh"]),
    ("smp folder eps", unet(decoder_use_norm={"type": "batchnorm", "eps": 0.01}), [], ["decoder_use_norm", "0.01"]),
    ("smp folder tu-resnetblur18", unet("tu-resnetblur18"), [], ["tu-resnetblur18"]),
    ("smp folder UnetPlusPlus", lambda: smp.UnetPlusPlus("resnet18", encoder_weights=None), [], ["UnetPlusPlus"]),
]
for kind in ("UnetPlusPlus", "FPN", "Linknet", "MAnet", "PSPNet", "PAN", "DeepLabV3", "DeepLabV3Plus", "UPerNet", "Segformer"):
    CASES.append((f"smp {kind}", lambda kind=kind: getattr(smp, kind)("resnet18", encoder_weights=None), [], [kind, "ONNX"]))
for encoder, word in (("efficientnet-b0", "efficientnet"), ("timm-efficientnet-b0", "timm-efficientnet"), ("mobilenet_v2", "mobilenet_v2"),
                      ("densenet121", "densenet"), ("dpn68", "dpn"), ("inceptionresnetv2", "inceptionresnetv2"), ("inceptionv4", "inceptionv4"),
                      ("xception", "xception"), ("mobileone_s1", "mobileone"), ("mit_b0", "mit"), ("timm-skresnet18", "skresnet"),
                      ("senet154", "senet154"), ("tu-convnext_atto", "timm"), ("tu-resnet18d", "timm"), ("tu-seresnet18", "ONNX")):
    CASES.append((f"smp {encoder} refused", unet(encoder), [], [word, "ONNX"]))


def basic(**options):
    return lambda: monai.BasicUNet(2, **{"in_channels": 1, "out_channels": 3, "features": (8, 12, 16, 24, 32, 10), **options})


def dynamic(stages=4, **options):
    strides = [1] + [2] * (stages - 1)
    return lambda: monai.DynUNet(2, **{"in_channels": 1, "out_channels": 3, "kernel_size": [3] * stages, "strides": strides,
                                       "upsample_kernel_size": strides[1:], "filters": [8, 12, 16, 24, 32][:stages], **options})


CASES += [
    ("monai BasicUNet", basic(), [], None),
    ("monai BasicUNet, usual widths", basic(features=(32, 32, 64, 128, 256, 32)), [], None),
    ("monai BasicUNet, batch norm", basic(norm="batch", in_channels=3), [], None),
    ("monai BasicUNet, bilinear", basic(upsample="nontrainable"), [], None),
    ("monai BasicUNet, bilinear, equal widths", basic(upsample="nontrainable", features=(8, 8, 16, 16, 32, 8), norm="batch"), [], None),
    ("monai BasicUNet, group norm", basic(norm=("group", {"num_groups": 2})), ["--assume", "norm=group:2"], None),
    ("monai BasicUNet, plain instance norm", basic(norm="instance"), ["--assume", "norm=instance"], None),
    ("monai BasicUNet, no norm", basic(norm=None, bias=True), ["--assume", "norm=none"], None),
    ("monai BasicUNet, ReLU", basic(act="relu", bias=False), ["--assume", "activation=relu"], None),
    ("monai BasicUNet, one class", basic(out_channels=1), [], None),
    ("monai BasicUNet, plain norm refused", basic(norm="instance"), [], ["--assume norm"]),
    ("monai BasicUNet, pixel shuffle", basic(upsample="pixelshuffle"), [], ["pixel shuffle", "ONNX"]),
    ("monai BasicUNet, PReLU", basic(act="prelu"), [], ["PReLU", "ONNX"]),
    ("monai DynUNet", dynamic(), [], None),
    ("monai DynUNet, residual", dynamic(res_block=True, in_channels=2), [], None),
    ("monai DynUNet, residual, equal widths", dynamic(res_block=True, filters=[8, 8, 8, 16]), [], None),
    ("monai DynUNet, deep supervision", dynamic(5, deep_supervision=True, deep_supr_num=2, trans_bias=True), [], None),
    ("monai DynUNet, batch norm", dynamic(3, norm_name="batch"), [], None),
    ("monai DynUNet, group norm", dynamic(norm_name=("group", {"num_groups": 4})), ["--assume", "norm=group:4"], None),
    ("monai DynUNet, uneven", dynamic(kernel_size=[[3, 3], [1, 3], [3, 5], [3, 3]], strides=[1, [1, 2], [2, 2], [2, 1]],
                                      upsample_kernel_size=[[1, 2], [2, 2], [2, 1]]), [], None),
    ("monai UNet", lambda: monai.UNet(2, 1, 2, (8, 16, 32), (2, 2), num_res_units=2), [], ["UNet of MONAI", "ONNX"]),
    ("monai AttentionUnet", lambda: monai.AttentionUnet(2, 1, 2, (8, 16, 32), (2, 2)), [], ["AttentionUnet of MONAI", "ONNX"]),
    ("monai SegResNet", lambda: monai.SegResNet(2, 8, 1, 2), [], ["SegResNet of MONAI", "ONNX"]),
    ("monai BasicUNet in 3-D", lambda: monai.BasicUNet(3, 1, 2, (4, 4, 8, 8, 16, 4)), [], ["3-D"]),
    ("torchvision DeepLabV3", lambda: torchvision.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None), [], ["DeepLabV3", "ONNX"]),
]


def logits(model, x):
    exported = os.path.join(temp, "m.onnx")
    code, said = run("models", "export", model, "-o", exported)
    assert code == 0, said
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(exported, options)
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def check(name, build, options, refusal):
    net = settle(build())
    folder = tempfile.mkdtemp(dir=temp)
    path = os.path.join(folder, "weights.pth")
    if "folder" in name:
        net.save_pretrained(folder)
        path = folder
    else:
        torch.save(net.state_dict(), path)
    model = os.path.join(temp, "m.safetensors")
    if os.path.exists(model):
        os.remove(model)
    code, said = run("models", "import", path, "-o", model, *options)
    try:
        if refusal is not None:
            return None if code == 1 and all(word in said for word in refusal) else f"not refused with {refusal}: {said}"
        if code:
            return "refused: " + said
        channels = next(m for m in net.modules() if isinstance(m, torch.nn.Conv2d)).in_channels
        worst = 0
        for size in SIZES:
            x = torch.randn(2, channels, *size)
            ours = logits(model, x.numpy())
            with torch.no_grad():
                head = getattr(net, "segmentation_head", None)
                if head is not None and len(head) == 3:
                    head[2] = torch.nn.Identity()
                theirs = net.double()(x.double())
            theirs = (theirs[0] if isinstance(theirs, tuple) else theirs).numpy()
            if theirs.shape[1] == 1 and ours.shape[1] == 2:
                ours = ours[:, 1:] - ours[:, :1]
            worst = max(worst, np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
        return float(worst)
    finally:
        for file in os.listdir(folder):
            os.remove(os.path.join(folder, file))


bad = 0
for name, build, options, refusal in CASES:
    if args.names and not any(part in name for part in args.names):
        continue
    outcome = check(name, build, options, refusal)
    right = outcome is None or (isinstance(outcome, float) and outcome < LIMIT)
    bad += not right
    text = "refused as it should be" if outcome is None else f"{outcome:.1e}" if isinstance(outcome, float) else outcome.strip()
    print(f"{'OK ' if right else 'BAD'} {name}: {text}", flush=True)
print(f"{bad} of the networks differ" if bad else "all right")
sys.exit(1 if bad else 0)
