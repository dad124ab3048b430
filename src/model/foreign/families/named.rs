//! Networks that are known by a tensor of theirs, and whose weights cannot be taken over.

/// A part of a name, and the network.
const NAMED: &[(&str, &str)] = &[
    (".attention.W_g.0.conv.", "AttentionUnet of MONAI"),
    ("model.1.submodule.", "UNet of MONAI"),
    ("convInit.conv.", "SegResNet of MONAI"),
    ("in_tr.conv_block.", "VNet of MONAI"),
    ("conv_0_0.conv_0.", "BasicUNetPlusPlus of MONAI"),
    ("swinViT.", "SwinUNETR of MONAI"),
    ("vit.patch_embedding.", "UNETR of MONAI"),
    ("conv_blocks_context.", "nnU-Net of its first version"),
    ("classifier.0.convs.0.0.", "DeepLabV3 of torchvision"),
    ("decode_head.conv_seg.", "a network of mmsegmentation"),
    ("image_encoder.patch_embed.", "Segment Anything"),
    ("transformer.embeddings.patch_embeddings.", "TransUNet"),
    ("Att5.W_g.", "Attention U-Net of LeeJunHyun"),
    ("dconv_down1.", "U-Net of usuyama"),
];

/// The network that one of the names belongs to.
pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    // The first of the list wins: later ones may be parts of its networks.
    let mut best: Option<usize> = None;
    for name in names {
        let end = best.unwrap_or(NAMED.len());
        if let Some(at) = NAMED[..end].iter().position(|(part, _)| name.contains(part)) {
            best = Some(at);
        }
    }
    best.map(|at| NAMED[at].1)
}
