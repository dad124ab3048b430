#!/usr/bin/env python3
"""Frames of the 3-D tile on the software driver, beside VTK's on the same labels in the same run.

Usage: python3 benches/body.py target/release/lamella [--shape 512x512x300] [--size 640x480] [--frames 36] [--rounds 3]

Needs numpy, nibabel and vtk (PyPI) and a software driver: lavapipe for Vulkan, llvmpipe for OpenGL. Five ellipsoids and tubes with rough
surfaces are made by a formula. Both programs get the mask, make its surfaces and turn them once around the axis from feet to head, in
turns; a frame is over when its picture is there. VTK makes the surfaces as its users do: vtkSurfaceNets3D with its own smoothing (or
vtkDiscreteFlyingEdges3D with vtkWindowedSincPolyDataFilter: --vtk flying-edges). Printed are medians over all frames of all rounds and
their ratios: ours while the view turns (fewer pixels, larger triangles) and ours in full quality, which the tile draws when it rests. Where voxels
are hardly larger than pixels that is of fewer triangles too: printed are how many, and how far the pictures are from those of all. VTK draws all.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy

parser = argparse.ArgumentParser()
parser.add_argument("lamella")
parser.add_argument("--shape", default="512x512x300")
parser.add_argument("--size", default="640x480")
parser.add_argument("--frames", type=int, default=36)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--vtk", choices=["surface-nets", "flying-edges"], default="surface-nets")
parser.add_argument("--vtk-mask", help=argparse.SUPPRESS)
parser.add_argument("--json", action="store_true")
a = parser.parse_args()
shape = tuple(int(n) for n in a.shape.split("x"))
width, height = (int(n) for n in a.size.split("x"))
SPACING = (0.8, 0.8, 1.0)


def made_labels():
    """Five labels: two rough ellipsoids, a ball, a straight and a wound tube."""
    x, y, z = numpy.meshgrid(*(numpy.linspace(-1, 1, n, dtype=numpy.float32) for n in shape), indexing="ij", sparse=True)
    rough = 0.035 * numpy.sin(23 * x) * numpy.sin(19 * y + 1) * numpy.sin(17 * z + 2)
    rough = rough + 0.012 * numpy.sin(71 * x + 3) * numpy.sin(67 * y) * numpy.sin(61 * z + 1)
    labels = numpy.zeros(shape, numpy.uint8)
    for value, (centre, radii) in enumerate(
        [((-0.4, 0.1, 0.0), (0.42, 0.5, 0.62)), ((0.45, 0.05, 0.1), (0.38, 0.45, 0.6)), ((0.0, -0.5, -0.55), (0.3, 0.3, 0.3))], 1
    ):
        far = sum(((p - c) / r) ** 2 for p, c, r in zip((x, y, z), centre, radii))
        labels[(far + 4 * rough < 1) & (labels == 0)] = value
    labels[((x - 0.02) ** 2 + (y - 0.75) ** 2 + rough * 0.3 < 0.018) & (numpy.abs(z) < 0.92)] = 4
    wound = (x - 0.55 * numpy.sin(5 * z)) ** 2 + (y + 0.1 - 0.6 * numpy.cos(5 * z)) ** 2 + rough * 0.2
    labels[(wound < 0.008) & (numpy.abs(z) < 0.95) & (labels == 0)] = 5
    return labels


def vtk_times(mask):
    """Milliseconds of every frame, those of making surfaces, and triangles."""
    import vtk
    from vtkmodules.util.numpy_support import numpy_to_vtk

    labels = numpy.asarray(nibabel.load(mask).dataobj).astype(numpy.uint8)
    image = vtk.vtkImageData()
    image.SetDimensions(labels.shape)
    image.SetSpacing(SPACING)
    image.GetPointData().SetScalars(numpy_to_vtk(labels.ravel(order="F"), deep=True))
    values = [int(n) for n in numpy.unique(labels) if n]
    start = time.perf_counter()
    renderer = vtk.vtkRenderer()
    triangles = 0
    for value in values:
        if a.vtk == "surface-nets":
            surface = vtk.vtkSurfaceNets3D()
            surface.SetOutputMeshTypeToTriangles()
        else:
            surface = vtk.vtkDiscreteFlyingEdges3D()
        surface.SetInputData(image)
        surface.SetValue(0, value)
        last = surface
        if a.vtk == "flying-edges":
            last = vtk.vtkWindowedSincPolyDataFilter()
            last.SetInputConnection(surface.GetOutputPort())
        normals = vtk.vtkPolyDataNormals()
        normals.SetInputConnection(last.GetOutputPort())
        normals.SplittingOff()
        normals.Update()
        triangles += normals.GetOutput().GetNumberOfPolys()
        mapper = vtk.vtkPolyDataMapper()
        mapper.SetInputData(normals.GetOutput())
        mapper.ScalarVisibilityOff()
        actor = vtk.vtkActor()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*[(0.9, 0.3, 0.3), (0.3, 0.9, 0.3), (0.3, 0.3, 0.9), (0.9, 0.9, 0.3), (0.3, 0.9, 0.9)][value % 5])
        renderer.AddActor(actor)
    mesh_s = time.perf_counter() - start
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(width, height)
    window.AddRenderer(renderer)
    renderer.ResetCamera()
    camera = renderer.GetActiveCamera()
    camera.SetFocalPoint(*camera.GetFocalPoint())
    middle = numpy.array(camera.GetFocalPoint())
    camera.SetPosition(*(middle + [0, camera.GetDistance(), 0]))
    camera.SetViewUp(0, 0, 1)
    times = []
    for n in range(-3, a.frames):
        camera.Azimuth(360 / a.frames)
        renderer.ResetCameraClippingRange()
        start = time.perf_counter()
        window.Render()
        window.WaitForCompletion()
        if n >= 0:
            times.append((time.perf_counter() - start) * 1000)
    driver = [line for line in window.ReportCapabilities().splitlines() if "renderer string" in line]
    return {"ms": times, "mesh_s": mesh_s, "triangles": triangles, "driver": driver}


if a.vtk_mask:
    json.dump(vtk_times(a.vtk_mask), sys.stdout)
    sys.exit()

ours, theirs = [], []
with tempfile.TemporaryDirectory() as folder:
    mask = Path(folder) / "labels.nii.gz"
    nibabel.save(nibabel.Nifti1Image(made_labels(), numpy.diag([*SPACING, 1])), mask)
    for _ in range(a.rounds):
        words = [a.lamella, "bench", "body", mask, "--size", a.size, "--frames", str(a.frames), "--software", "--json"]
        ours.append(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout))
        words = [sys.executable, __file__, a.lamella, "--vtk-mask", mask, "--size", a.size, "--frames", str(a.frames), "--vtk", a.vtk]
        theirs.append(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout))


def median(rounds, key):
    return statistics.median(ms for one in rounds for ms in one[key])


report = {
    "moving_ms": median(ours, "moving_ms"),
    "full_ms": median(ours, "full_ms"),
    "vtk_ms": median(theirs, "ms"),
    "mesh_s": statistics.median(one["mesh_s"] for one in ours),
    "vtk_mesh_s": statistics.median(one["mesh_s"] for one in theirs),
    "stroke_ms": statistics.median(one["stroke_ms"] for one in ours),
    "triangles": ours[0]["triangles"],
    "vtk_triangles": theirs[0]["triangles"],
    "full_triangles": ours[0]["full_triangles"],
    "full_samples": ours[0]["full_samples"],
    "likeness": ours[0]["likeness"],
    "longest_ms": median(ours, "longest_ms"),
    "surface_bytes": ours[0]["surface_bytes"],
    "device": ours[0]["device"],
    "vtk_driver": theirs[0]["driver"],
}
report["moving_ratio"] = report["moving_ms"] / report["vtk_ms"]
report["full_ratio"] = report["full_ms"] / report["vtk_ms"]
if a.json:
    print(json.dumps(report, indent=2))
else:
    print(f"{a.shape} voxels, five labels, {a.size} pixels, {report['device']}; VTK: {report['vtk_driver']}")
    print(f"triangles {report['triangles']} (VTK {report['vtk_triangles']}), surfaces in {report['mesh_s']:.2f} s (VTK {report['vtk_mesh_s']:.2f} s)")
    print(f"a frame: turning {report['moving_ms']:.1f} ms, in full {report['full_ms']:.1f} ms, VTK {report['vtk_ms']:.1f} ms")
    print(f"ratio: turning {report['moving_ratio']:.2f}, in full {report['full_ratio']:.2f}; surfaces after a stroke {report['stroke_ms']:.1f} ms")
    like = report["likeness"]
    print(f"in full {report['full_triangles']} triangles are drawn (VTK all), the longest frame takes {report['longest_ms']:.1f} ms; from a picture of all:")
    print(f"{like['mean_levels']:.2f} levels, {like['far_share']:.2%} of its pixels by more than 16, {like['one_sided_share']:.2%} beside the outlines")
