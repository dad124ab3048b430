"""Margins, shells, opening, closing, medians and Gaussian smoothing against scipy, SimpleITK and edt; part of check_editing.py.

Distances are compared with scipy in double precision and with edt. Balls in millimetres are handed to scipy as footprints, since packages
disagree on what a ball is. SimpleITK is compared where its definition is the same: boxes of a median, borders of opening and closing.
"""
import numpy as np
import SimpleITK as sitk
from scipy import ndimage

TOLERANCE = 1e-4


def footprint(radius, spacing, axes=(True, True, True)):
    """The voxels [k, j, i] whose centres lie within a radius in mm; spacing is along i, j, k."""
    reach = [int(radius / s + TOLERANCE) if on else 0 for s, on in zip(spacing, axes)]
    k, j, i = np.ogrid[tuple(slice(-n, n + 1) for n in reversed(reach))]
    square = (i * spacing[0]) ** 2 + (j * spacing[1]) ** 2 + (k * spacing[2]) ** 2
    return np.sqrt(square) <= radius + TOLERANCE * min(spacing)


def spacing_of(path):
    return sitk.ReadImage(str(path)).GetSpacing()


def distances(mask, spacing):
    """Distances in mm from every voxel to the nearest one of a mask, centre to centre."""
    return ndimage.distance_transform_edt(~mask, sampling=spacing[::-1])


def dilated(mask, ball):
    return ndimage.binary_dilation(mask, ball) if mask.any() else mask


def eroded(mask, ball):
    """Not from the border of the volume."""
    return ndimage.binary_erosion(mask, ball, border_value=1)


def closed(mask, ball):
    """With empty space around the volume."""
    room = [(n, n) for n in ball.shape]
    inner = tuple(slice(n, n + size) for n, size in zip(ball.shape, mask.shape))
    return ndimage.binary_erosion(dilated(np.pad(mask, room), ball), ball)[inner]


def put(before, label, mask, over=False):
    """The label map with other voxels for a label."""
    after = np.where(before == label, 0, before)
    return np.where(mask & ((after == 0) | over), label, after).astype(before.dtype)


def box(mask, reach):
    """The majority in a box that reaches so many voxels along i, j, k; the last voxel is repeated."""
    size = [2 * n + 1 for n in reversed(reach)]
    return ndimage.median_filter(mask.astype(np.uint8), size=size, mode="nearest") == 1


def shares(mask, sigma, spacing):
    return ndimage.gaussian_filter(mask.astype(float), [sigma / s for s in reversed(spacing)], mode="nearest")


def masks(folder, data, made, hippocampus):
    """Files: real label maps, and those that show borders, touching labels, multiples of the spacing, one voxel, a full volume."""
    yield from hippocampus(data, 4)
    yield data / "ct/example_seg.nii.gz"
    shape = (9, 17, 15)
    voxels = np.zeros(shape, np.uint8)
    voxels[2:7, 5:12, 4:8] = 1
    voxels[2:7, 5:12, 8:12] = 2
    yield made(folder, "touching", voxels)
    yield made(folder, "multiples", voxels, (0.7, 1.1, 2.1))
    yield made(folder, "flipped order", voxels, (3.0, 0.8, 0.8))
    voxels = np.zeros(shape, np.uint8)
    voxels[0:3, 0:6, 0:6] = 1
    voxels[4:, 10:, :] = 1
    voxels[3, 8, 13] = 1
    yield made(folder, "border", voxels)
    voxels = np.zeros(shape, np.uint8)
    voxels[1, 1, :] = 1
    voxels[8, 16, 14] = 1
    yield made(folder, "line one off the border", voxels)
    voxels = np.zeros(shape, np.uint8)
    voxels[4, 8, 7] = 1
    yield made(folder, "one voxel", voxels)
    yield made(folder, "full", np.ones(shape, np.uint8))
    rng = np.random.default_rng(5)
    yield made(folder, "noise", rng.choice(np.array([0, 1, 2], np.uint8), shape, p=[0.5, 0.4, 0.1]), (0.9, 1.3, 2.0))


def name_of(path):
    return path.name.removesuffix(".nii.gz")


def margins(data, folder, tools):
    edit, read, same, made, hippocampus = tools
    import edt

    for path in masks(folder, data, made, hippocampus):
        before, spacing = read(path), spacing_of(path)
        own, name = before == 1, name_of(path)
        to_own, to_others = distances(own, spacing), distances(~own, spacing) if not own.all() else np.inf
        step = min(spacing)
        for mm in (step, 3 * step, 2.1, 5.0):
            limit = mm + TOLERANCE * step
            grown, shrunk = to_own <= limit, own & (to_others > limit)
            for over in (False, True):
                ours, told = edit(path, f"grow-margin margin={mm} over={'yes' if over else 'no'}", label=1)
                same(f"{name} grow {mm} over {over}", ours, put(before, 1, grown, over), told)
            ours, told = edit(path, f"shrink-margin margin={mm}", label=1)
            same(f"{name} shrink {mm}", ours, put(before, 1, shrunk), told)
            # edt is single precision, so what lies on the limit is left out.
            second = edt.edt(np.ascontiguousarray(~own), anisotropy=tuple(map(float, spacing[::-1])), black_border=False)
            clear = np.abs(second - limit) > 1e-3
            same(f"{name} edt {mm}", np.where(clear, second <= limit, False), np.where(clear, grown, False))
            for side, wall in (
                ("inside", own & ~shrunk),
                ("outside", grown & ~own),
                ("centred", (to_own <= mm / 2 + TOLERANCE * step) & ~(own & (to_others > mm / 2 + TOLERANCE * step))),
            ):
                # A wall thinner than a voxel would be none: nothing changes then, and it is told.
                is_seen = (mm / 2 if side == "centred" else mm) >= step * (1 - TOLERANCE)
                ours, told = edit(path, f"hollow thickness={mm} side={side}", label=1)
                same(f"{name} hollow {side} {mm}", ours, put(before, 1, wall) if is_seen else before, told)
        ball = footprint(3 * step, spacing, (True, True, False))
        if sitk.ReadImage(str(path)).GetDirection()[8] == 1:
            ours, told = edit(path, f"grow-margin margin={3 * step} within=axial", label=1)
            same(f"{name} grow within axial slices", ours, put(before, 1, dilated(own, ball)), told)
            ours, told = edit(path, f"shrink-margin margin={3 * step} within=axial", label=1)
            same(f"{name} shrink within axial slices", ours, put(before, 1, eroded(own, ball)), told)
    # SimpleITK's distances are single precision and lose multiples of the spacing: a margin between two distances is the same.
    for path in hippocampus(data, 3):
        image = sitk.ReadImage(str(path))
        before, spacing = read(path), image.GetSpacing()
        apart = sitk.SignedMaurerDistanceMap(image == 1, squaredDistance=False, useImageSpacing=True)
        mm = 2.55 * min(spacing)
        ours, told = edit(path, f"grow-margin margin={mm}", label=1)
        same(f"{path.name} SignedMaurer", ours, put(before, 1, sitk.GetArrayFromImage(apart) <= mm), told)
    empty = made(folder, "empty", np.where(np.indices((5, 6, 7))[0] < 2, 2, 0).astype(np.uint8))
    for step in ("grow-margin", "shrink-margin", "hollow", "open", "close", "smooth-median", "smooth-gaussian"):
        ours, told = edit(empty, step, label=1)
        if ours is None:
            same(f"empty label {step}", np.zeros(1), np.ones(1), told)
            continue
        same(f"empty label {step}", ours, read(empty))
        said = np.array(any("no voxels" in note for note in told["steps"][0]["notes"]))
        same(f"empty label {step} is told", said, np.array(True), told)


def opening_and_closing(data, folder, tools):
    edit, read, same, made, hippocampus = tools
    for path in masks(folder, data, made, hippocampus):
        before, spacing = read(path), spacing_of(path)
        own, name = before == 1, name_of(path)
        for mm in (min(spacing), 2.1, 3 * min(spacing), 4.5):
            ball = footprint(mm, spacing)
            ours, told = edit(path, f"open radius={mm}", label=1)
            same(f"{name} open {mm}", ours, put(before, 1, dilated(eroded(own, ball), ball)), told)
            for over in (False, True):
                ours, told = edit(path, f"close radius={mm} over={'yes' if over else 'no'}", label=1)
                same(f"{name} close {mm} over {over}", ours, put(before, 1, closed(own, ball), over), told)
    # With voxels as cubes and a radius between those of two balls, SimpleITK's box of one voxel is our ball of 1.8 voxels (all 27).
    for name in ("touching", "border", "line one off the border", "full"):
        image = sitk.ReadImage(str(folder / f"{name}.nii.gz"))
        image.SetSpacing((1.0, 1.0, 1.0))
        path = folder / f"{name} as cubes.nii.gz"
        sitk.WriteImage(image, str(path))
        before = read(path)
        for step, tool in (("open", sitk.BinaryMorphologicalOpening), ("close", sitk.BinaryMorphologicalClosing)):
            theirs = sitk.GetArrayFromImage(tool(image == 1, (1, 1, 1), sitk.sitkBox)) == 1
            ours, told = edit(path, f"{step} radius=1.8", label=1)
            same(f"{name} {step} as SimpleITK", ours, put(before, 1, theirs), told)


def medians(data, folder, tools):
    edit, read, same, made, hippocampus = tools
    for path in masks(folder, data, made, hippocampus):
        image = sitk.ReadImage(str(path))
        before, spacing, name = read(path), image.GetSpacing(), name_of(path)
        own = before == 1
        for mm in (min(spacing), 2 * min(spacing), 3.0, 4.2):
            reach = [int(mm / s + TOLERANCE) for s in spacing]
            ours, told = edit(path, f"smooth-median radius={mm}", label=1)
            same(f"{name} median {mm}", ours, put(before, 1, box(own, reach)), told)
            theirs = sitk.BinaryMedian(image == 1, radius=reach, foregroundValue=1, backgroundValue=0)
            ours, told = edit(path, f"smooth-median radius={mm} over=yes", label=1)
            same(f"{name} median {mm} SimpleITK", ours, put(before, 1, sitk.GetArrayFromImage(theirs) == 1, True), told)


def gaussians(data, folder, tools):
    edit, read, same, made, hippocampus = tools
    for path in masks(folder, data, made, hippocampus):
        before, spacing, name = read(path), spacing_of(path), name_of(path)
        labels = [int(label) for label in np.unique(before) if label]
        for sigma in (min(spacing), 2.5):
            fields = np.stack([shares(before == label, sigma, spacing) for label in labels])
            own = fields[labels.index(1)]
            # Ours is single precision; what is a tie to six digits may go either way.
            clear = np.abs(own - 0.5) > 1e-5
            ours, told = edit(path, f"smooth-gaussian sigma={sigma}", label=1)
            truth = put(before, 1, own > 0.5)
            same(f"{name} gaussian {sigma}", ours if ours is None else np.where(clear, ours, truth), truth, told)
            whole = fields.sum(axis=0)
            order = np.sort(fields, axis=0)
            clear = np.abs(whole - 0.5) > 1e-5
            if len(labels) > 1:
                clear &= order[-1] - order[-2] > 1e-5
            truth = np.where(whole > 0.5, np.array(labels)[fields.argmax(axis=0)], 0)
            ours, told = edit(path, f"smooth-jointly sigma={sigma}", label="all")
            same(f"{name} jointly {sigma}", ours if ours is None else np.where(clear, ours, truth), truth, told)
            if ours is not None:
                # Where there was no background in reach of the weights, there is none now.
                room = ndimage.minimum_filter(before > 0, [2 * int(4 * sigma / s + 0.5) + 1 for s in spacing[::-1]])
                same(f"{name} no gaps {sigma}", (ours == 0) & room, np.zeros_like(room))


CHECKS = [margins, opening_and_closing, medians, gaussians]
