"""A run that a test follows, and where things are in the scene."""

import time

import numpy as np
import psutil

from Testing.processes import children


class Followed:
    """A run that is polled by the test, with all that it emits and the longest poll while it was on."""

    def __init__(self, run) -> None:
        self.run, self.stages, self.ends, self.longest_s = run, [], [], 0.0
        self.pids: set[int] = set()
        run.progress.connect(lambda event: self.stages.append(event.stage))
        run.finished.connect(lambda result: self.ends.append(("finished", result)))
        run.failed.connect(lambda *failure: self.ends.append(("failed", *failure)))
        run.cancelled.connect(lambda: self.ends.append(("cancelled",)))

    def until(self, condition, limit_s: float = 180.0) -> None:
        end = time.monotonic() + limit_s
        while not condition() and not self.ends and time.monotonic() < end:
            start = time.thread_time()
            self.run.poll()
            if not self.ends:
                self.longest_s = max(self.longest_s, time.thread_time() - start)
            self.pids |= {process.pid for process in children()}
            time.sleep(0.01)

    def to_the_end(self, limit_s: float = 180.0) -> tuple:
        self.until(lambda: False, limit_s)
        assert len(self.ends) == 1 and not self.run.running, self.run.log
        return self.ends[0]

    def files_are_gone(self) -> bool:
        end = time.monotonic() + 5
        while self.run.folder.exists() and time.monotonic() < end:
            time.sleep(0.02)
        return not self.run.folder.exists()

    def no_process_is_left(self) -> bool:
        return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in self.pids)


def world_of(node, index):
    """Where a voxel is in the scene, RAS."""
    import slicer
    import vtk

    matrix, general = vtk.vtkMatrix4x4(), vtk.vtkGeneralTransform()
    node.GetIJKToRASMatrix(matrix)
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(node.GetParentTransformNode(), None, general)
    return np.array(general.TransformPoint(matrix.MultiplyPoint((*index, 1.0))[:3]))
