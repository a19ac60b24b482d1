"""Runs whole commands, fresh process each, and measures wall time, CPU time and peak memory of the tree."""

from __future__ import annotations

import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measurement:
    """Medians over the runs of one command.

    Attributes:
        wall_s: from start to exit.
        lowest_wall_s: of the quickest run.
        cpu_s: user and system, the whole process tree.
        peak_mb: proportional memory (PSS) of the tree at its highest, so that
            pages shared by two of its processes count once.
    """

    wall_s: float
    lowest_wall_s: float
    cpu_s: float
    peak_mb: float


def run_once(command: Sequence[str], *, watch_memory: bool = False) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and, if watched, peak PSS in MB of one run; raises where the command fails.

    Watching reads the page tables of the tree many times a second, which slows a
    program that touches much memory in little time: time and memory are never
    taken from the same run.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    process = subprocess.Popen(list(command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = _Peak(process.pid) if watch_memory else None
    if peak:
        peak.start()
    _, errors = process.communicate()
    wall = time.perf_counter() - begun
    if peak:
        peak.stop()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{errors.decode(errors='replace')[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, peak.highest_mb if peak else 0.0


def side_by_side(
    commands: Mapping[str, Sequence[str]], *, runs: int, with_memory: bool = False
) -> dict[str, Measurement]:
    """Measure several commands in turn, round after round, so that a slow minute hits them all."""
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for round_number in range(runs):
        for name, command in commands.items():
            taken[name].append(run_once(command))
            print(f"  round {round_number + 1}: {name} {taken[name][-1][0]:.2f} s", flush=True)
    peaks = {
        name: run_once(command, watch_memory=True)[2] if with_memory else 0.0
        for name, command in commands.items()
    }
    return {
        name: Measurement(
            wall_s=statistics.median(wall for wall, _, _ in values),
            lowest_wall_s=min(wall for wall, _, _ in values),
            cpu_s=statistics.median(cpu for _, cpu, _ in values),
            peak_mb=peaks[name],
        )
        for name, values in taken.items()
    }


class _Peak(threading.Thread):
    """Samples the memory of a process tree until told to stop."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root, self._over = root, threading.Event()
        self.highest_mb = 0.0

    def run(self) -> None:
        while not self._over.wait(0.02):
            tree = tree_of(self._root)
            self.highest_mb = max(self.highest_mb, sum(_pss_mb(process) for process in tree))

    def stop(self) -> None:
        self._over.set()
        self.join()


def tree_of(root: int) -> list[int]:
    found, todo = [], [root]
    while todo:
        process = todo.pop()
        found.append(process)
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                todo.extend(int(child) for child in children.read_text().split())
            except OSError:
                continue
    return found


def _pss_mb(process: int) -> float:
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1000
    except OSError:
        return 0.0
    return 0.0
