"""One program registers one pair, in a process of its own: ``python programs.py PROGRAM FOLDER THREADS``.

The seconds are those of registering, without imports and files. CT goes to the other programs with air at 0, without
which their centres of mass say nothing; they run as their documentation proposes for a rigid registration.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MultimodalSegLib.machine import peak_memory_mb

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
Work = Callable[[], np.ndarray]
"""Registers; gives the 4x4 matrix from fixed to moving points, LPS mm."""


def ours(folder: Path, modalities: tuple[str, str], threads: int) -> Work:
    """This library, ``register``."""
    from MultimodalSegLib.images.io import read_volume
    from MultimodalSegLib.registration.register import register

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    fixed, moving = read_volume(folder / "fixed.nii"), read_volume(folder / "moving.nii")

    def work() -> np.ndarray:
        found = register(fixed, moving, fixed_modality=modalities[0], moving_modality=modalities[1])
        return matrix_of(found.transform)

    return work


def elastix(folder: Path, modalities: tuple[str, str], threads: int) -> Work:
    """itk-elastix: its default rigid parameters, started from the centres of mass."""
    import itk

    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
    files = air_at_zero(folder, modalities)
    fixed, moving = (itk.imread(str(file), itk.F) for file in files)

    def work() -> np.ndarray:
        chosen = itk.ParameterObject.New()
        values = chosen.GetDefaultParameterMap("rigid")
        values["AutomaticTransformInitialization"] = ["true"]
        values["AutomaticTransformInitializationMethod"] = ["CenterOfGravity"]
        chosen.AddParameterMap(values)
        _, found = itk.elastix_registration_method(
            fixed, moving, parameter_object=chosen, number_of_threads=threads, log_to_console=False
        )
        result = found.GetParameterMap(0)
        angles = [float(value) for value in result["TransformParameters"]]
        center = [float(value) for value in result["CenterOfRotationPoint"]]
        transform = sitk.Euler3DTransform(center, *angles[:3], angles[3:])
        transform.SetComputeZYX(result.get("ComputeZYX", ["false"])[0] == "true")
        return matrix_of(transform)

    return work


def ants(folder: Path, modalities: tuple[str, str], threads: int) -> Work:
    """ANTs: ``Rigid`` of antspyx, mutual information, started from the centres of mass."""
    import ants as library

    files = air_at_zero(folder, modalities)
    fixed, moving = (library.image_read(str(file)) for file in files)

    def work() -> np.ndarray:
        found = library.registration(fixed, moving, type_of_transform="Rigid", random_seed=1)
        transform = library.read_transform(found["fwdtransforms"][0])
        points = np.vstack([np.zeros(3), np.eye(3)])
        mapped = np.array([transform.apply_to_point(point.tolist()) for point in points])
        return affine_of(mapped)

    return work


def greedy(folder: Path, modalities: tuple[str, str], threads: int) -> Work:
    """greedy: normalised mutual information, 6 degrees of freedom, image centres and its random search."""
    from picsl_greedy import Greedy3D

    fixed, moving = (sitk.ReadImage(str(file), sitk.sitkFloat32) for file in air_at_zero(folder, modalities))
    options = "-a -dof 6 -m NMI -ia-image-centers -search 1000 20 50 -n 100x50x10"

    def work() -> np.ndarray:
        program = Greedy3D()
        program.execute(
            f"-i fixed moving -o found {options} -threads {threads} -V 0", fixed=fixed, moving=moving, found=None
        )
        return np.asarray(LPS @ np.asarray(program["found"]) @ LPS)

    return work


PROGRAMS = {"ours": ours, "elastix": elastix, "ANTs": ants, "greedy": greedy}


def air_at_zero(folder: Path, modalities: tuple[str, str]) -> list[Path]:
    """The two files, a CT with 1000 added and nothing below 0."""
    files = []
    for name, modality in zip(("fixed", "moving"), modalities, strict=True):
        file = folder / f"{name}.nii"
        if modality == "CT":
            image = sitk.ReadImage(str(file), sitk.sitkFloat32)
            (folder / "files").mkdir(exist_ok=True)
            file = folder / "files" / f"{name}.nii"
            sitk.WriteImage(sitk.Cast(sitk.Maximum(image + 1000.0, 0.0), sitk.sitkInt16), str(file))
        files.append(file)
    return files


def matrix_of(transform: sitk.Transform) -> np.ndarray:
    """4x4 matrix of a linear transform."""
    points = np.vstack([np.zeros(3), np.eye(3)]).tolist()
    return affine_of(np.array([transform.TransformPoint(point) for point in points]))


def affine_of(mapped: np.ndarray) -> np.ndarray:
    """4x4 matrix from where the origin and the unit vectors go, (4, 3)."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = (mapped[1:] - mapped[0]).T, mapped[0]
    return matrix


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=list(PROGRAMS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("threads", type=int)
    given = parser.parse_args()
    program, folder, threads = given.program, given.folder, given.threads
    modalities = tuple(json.loads((folder / "pair.json").read_text(encoding="utf-8"))["modalities"])
    work = PROGRAMS[program](folder, modalities, threads)
    began, used = time.perf_counter(), time.process_time()
    failed, matrix = "", np.eye(4)
    try:
        matrix = work()
    except Exception as error:  # what a program cannot do is a result
        failed = f"{type(error).__name__}: {error}"[:300]
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = peak_memory_mb()
    entry = {"matrix": matrix.tolist(), "failed": failed, "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak}
    partial = folder / f"{program}.{os.getpid()}"
    partial.write_text(json.dumps(entry), encoding="utf-8")
    os.replace(partial, folder / f"{program}.json")


if __name__ == "__main__":
    main()
