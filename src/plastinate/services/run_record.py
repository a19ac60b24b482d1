"""A build that is ending -> what differs between its runs: time, memory, machine."""

from __future__ import annotations

import platform
import resource
import sys
import time

from plastinate import __version__
from plastinate.model.evidence import RunRecord
from plastinate.pipeline.progress import Progress


def run_record(begun: float, started_utc: str, progress: Progress) -> RunRecord:
    """Time, memory and machine of a build that began then."""
    # Linux counts ru_maxrss in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return RunRecord(
        started_utc=started_utc,
        wall_s=time.perf_counter() - begun,
        step_wall_s=dict(progress.wall_s),
        peak_memory_mb=peak * unit / 1e6,
        plastinate_version=__version__,
        machine={
            "system": platform.system(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
    )
