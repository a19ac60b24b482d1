"""Heart, lungs, liver, kidneys and brain in one pass on the sample chest CT, and the liver's network alone.

    python benchmarks/five_organs.py [--runs 3]

Each run is a process of its own: the scan is read, every method runs, and the organs are surfaced, measured,
written and drawn as `plastinate build` does it. The first organ is there when its picture is, which the page
of a running build shows. The scan shows no brain; what it costs to say so is in the times. The network's own
time is held against the bare runtime with the same graph, input and threads, and float32, for which OpenVINO
has to be asked where the processor has bfloat16: that is quicker, and other machines answer otherwise.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from measure import run_once
from scans import sample_scan

ORGANS = ("heart", "lung", "liver", "kidney", "brain")
# Stages of a build, by how the names of its steps begin.
STAGES = {
    "reading": ("read the scan",),
    "finding": ("segment", "label"),
    "surfaces": ("surface",),
    "measuring": ("check",),
    "writing and drawing": ("write", "render"),
}


def main(runs: int = 3) -> list[str]:
    """Measure, and return the rows of the tables."""
    scan = sample_scan()
    with tempfile.TemporaryDirectory() as folder:
        one_pass = [*_self(), "--pass", str(scan), folder]
        passes = [_answer(one_pass) for _ in range(runs)]
        peak_mb = run_once(one_pass, watch_memory=True)[2]
    rows = ["| of a pass | s | processor s |", "|---|---|---|"]
    stages = passes[0]["stages"]
    rows += [f"| {name} | {_middle(passes, name, 0)} | {_middle(passes, name, 1)} |" for name in stages]
    first = statistics.median(each["first_organ_s"] for each in passes)
    whole = _middle(passes, "all", 0)
    rows += ["", "| | measured | to be met |", "|---|---|---|"]
    rows += [f"| the whole pass | {whole} s | 60 s |", f"| first organ seen | {first:.1f} s | 10 s |"]
    rows += [f"| memory at most | {peak_mb:,.0f} MB | 4,000 MB |", ""]
    rows += ["| the liver's network | ours, processor s | bare, processor s | times |", "|---|---|---|---|"]
    for engine in ("onnxruntime", "openvino"):
        taken = [_answer([*_self(), "--network", engine, str(scan)]) for _ in range(runs)]
        if all(taken):
            ours, bare = (statistics.median(each[who] for each in taken) for who in ("ours", "bare"))
            rows.append(f"| {engine} | {ours:.1f} | {bare:.1f} | {ours / bare:.2f} |")
    return rows


def _self() -> list[str]:
    return [sys.executable, str(Path(__file__).resolve())]


def _answer(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _middle(passes: list[dict[str, Any]], name: str, which: int) -> str:
    return f"{statistics.median(each['stages'][name][which] for each in passes):.1f}"


def _processor_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def one_pass(scan: Path, folder: Path) -> dict[str, Any]:
    """Stage -> (seconds, processor seconds) of one build, and when its first organ was to be seen."""
    from plastinate.model.geometry import Geometry
    from plastinate.pipeline.progress import Mask, Progress, ProgressEvent
    from plastinate.services.build_models import BuildRequest, build_models
    from plastinate.services.early_look import EarlyLook

    begun, used = time.perf_counter(), _processor_s()
    marks: list[tuple[float, float, str]] = []
    seen: list[float] = []
    look = EarlyLook(folder)

    def say(event: ProgressEvent) -> None:
        marks.append((time.perf_counter() - begun, _processor_s() - used, event.doing))

    def found(name: str, mask: Mask, geometry: Geometry) -> None:
        look.add(name, mask, geometry)
        seen.append(time.perf_counter() - begun)

    request = BuildRequest(scan, folder / "out", organs=ORGANS)
    build_models(request, progress=Progress(say=say, found=found))
    marks.append((time.perf_counter() - begun, _processor_s() - used, "done"))
    return {"stages": _by_stage(marks), "first_organ_s": seen[0]}


def _by_stage(marks: list[tuple[float, float, str]]) -> Mapping[str, tuple[float, float]]:
    """What passed between two marks counts for the stage that the first of them names."""
    stages = dict.fromkeys(STAGES, (0.0, 0.0))
    for (at, used, doing), (next_at, next_used, _) in pairwise(marks):
        for name, begins in STAGES.items():
            if doing.startswith(begins):
                stages[name] = (stages[name][0] + next_at - at, stages[name][1] + next_used - used)
    return {**stages, "all": (marks[-1][0], marks[-1][1])}


def network(engine: str, scan: Path) -> dict[str, float]:
    """Processor seconds of the liver's network, in a build and by the bare runtime; empty without it."""
    from importlib.util import find_spec

    from plastinate.depot import model_file
    from plastinate.native.load import core_count
    from plastinate.nets.liver_unet import MODEL, liver_graph
    from plastinate.nets.session import Session, open_session
    from plastinate.stages.ingest.read import read_volume
    from plastinate.stages.segment.liver_field import AUTHORS_FIELD, liver_likelihood, network_values

    if find_spec(engine) is None:
        return {}
    volume, graph = read_volume(scan).volume, liver_graph(model_file(MODEL))
    session = open_session(graph, engine=engine)
    ours: list[float] = []

    def run(inputs: dict[str, Any]) -> Any:
        made, taken = _timed(lambda: session.run(inputs))
        ours.append(taken)
        return made

    # The second field is not tried: one call is compared with one.
    liver_likelihood(volume, Session(run, engine), sure_enough=0.0, progress=lambda _: None)
    values, _ = network_values(volume)
    given = np.zeros(AUTHORS_FIELD, dtype=np.float32)
    part = tuple(slice(0, min(a, b)) for a, b in zip(values.shape, AUTHORS_FIELD, strict=True))
    given[part] = values[part]
    bare = _bare(engine, graph, core_count())
    _, taken = _timed(lambda: bare(given[None, None]))
    return {"ours": ours[0], "bare": taken}


def _bare(engine: str, graph: Path, threads: int) -> Callable[[Any], Any]:
    if engine == "openvino":
        import openvino

        core = openvino.Core()
        model = core.read_model(str(graph))
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}

        def infer(given: Any) -> Any:
            # As in ours, what it costs to fit the network to a size is in its first call.
            model.reshape({"in": list(given.shape)})
            compiled = core.compile_model(model, "CPU", settings)
            return compiled([given])[0]

        return infer
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    return lambda given: session.run(None, {"in": given})[0]


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    used = _processor_s()
    made = work()
    return made, _processor_s() - used


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pass", dest="one_pass", nargs=2, type=Path, metavar=("SCAN", "FOLDER"))
    parser.add_argument("--network", nargs=2, metavar=("ENGINE", "SCAN"))
    given = parser.parse_args()
    if given.one_pass:
        print(json.dumps(one_pass(*given.one_pass)))
    elif given.network:
        print(json.dumps(network(given.network[0], Path(given.network[1]))))
    else:
        print("\n".join(main(given.runs)))
