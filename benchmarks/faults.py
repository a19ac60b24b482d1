"""Kill what does a job, at random moments, and compare what comes out with a run that nothing happened to.

    python benchmarks/faults.py [--moments 20] [--scan PATH --recipe ct-chest] [--cable 60] [--seed 1]

One row for each victim: how often it was killed, at how many of those moments the job ended done, once
(one build, no scratch left) and with the same hashes, the attempts it took, and the seconds from the kill
to the end beside those of an undisturbed job. The row of the cable needs root.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from job_rig import CHILD, JobRig, eventually, free_port, job_rig, phantom_zip, processes_with
from two_hosts import two_hosts

VOXEL_MM = 0.5


@dataclass
class Row:
    """What happened to the jobs of one kind of fault."""

    victim: str
    moments: int = 0
    done: int = 0
    same: int = 0
    clean: int = 0
    attempts: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@dataclass
class Bench:
    """The processes of one arrangement, by name; `strike` kills one and starts it again."""

    rig: JobRig
    wish: dict[str, Any]
    start: dict[str, Callable[[], Any]]
    running: dict[str, Any] = field(default_factory=dict)

    def up(self) -> None:
        """Start everything."""
        for name, start in self.start.items():
            self.running[name] = start()

    def strike(self, victim: str) -> None:
        """Kill it with -9, and start it again."""
        if victim == "child":
            for process in processes_with(CHILD, under=[each.pid for each in self.rig.started]):
                os.kill(process, signal.SIGKILL)
            return
        self.rig.kill(self.running[victim])
        self.running[victim] = self.start[victim]()

    def undisturbed(self) -> tuple[dict[str, str], float]:
        """Hashes, and the seconds of a job once everything is warm."""
        self.rig.ended(self.rig.build(**self.wish), within_s=600)
        job = self.rig.build(**self.wish)
        ended = self.rig.ended(job, within_s=600)
        assert ended.state == "done", ended.error
        assert ended.started_at is not None
        assert ended.finished_at is not None
        return self.rig.hashes(job), (ended.finished_at - ended.started_at).total_seconds()

    def row(self, title: str, victim: str, *, moments: int, chance: random.Random) -> Row:
        """Strike one job after another, each at a moment of its own."""
        hashes, usual_s = self.undisturbed()
        row = Row(title)
        while row.moments < moments:
            job = self.rig.build(**self.wish)
            self.rig.until(job, "running", within_s=120)
            moment = time.monotonic() + chance.uniform(0.0, usual_s)
            while time.monotonic() < moment and self.rig.job(job).state == "running":
                time.sleep(0.02)
            if self.rig.job(job).state != "running":
                # It was quicker than the one before, and there is nothing left to strike.
                continue
            struck_at = time.monotonic()
            self.strike(victim)
            ended = self.rig.ended(job, within_s=600)
            row.seconds.append(time.monotonic() - struck_at)
            row.moments += 1
            row.done += ended.state == "done"
            row.same += ended.state == "done" and self.rig.hashes(job) == hashes
            row.attempts.append(ended.attempt)
            eventually(
                lambda: not self.rig.scratch_folders(), within_s=10, what="the end of the scratch files"
            )
            row.clean += 1
        show(row, usual_s)
        return row


def show(row: Row, usual_s: float) -> None:
    seconds = sorted(row.seconds)
    counts = ", ".join(f"{row.attempts.count(n)}x{n}" for n in sorted(set(row.attempts)))
    print(
        f"| {row.victim} | {row.moments} | {row.done} | {row.same} | {row.clean} | {counts} |"
        f" {seconds[len(seconds) // 2]:.1f} | {seconds[-1]:.1f} | {usual_s:.1f} |",
        flush=True,
    )


def zipped(scan: Path, target: Path) -> Path:
    if scan.is_file():
        return scan
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(path for path in scan.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(scan))
    return target


def one_machine(rig: JobRig, wish: dict[str, Any]) -> Bench:
    return Bench(rig, wish, {"dispatcher": rig.dispatcher})


def whole_server(rig: JobRig, wish: dict[str, Any]) -> Bench:
    command = ["-m", "plastinate.cli.main", "serve", "--port", "0"]
    return Bench(rig, wish, {"server": lambda: rig.start(*command)})


def cluster(rig: JobRig, wish: dict[str, Any]) -> Bench:
    address = rig.settings.scheduler
    return Bench(
        rig,
        wish,
        {
            "scheduler": lambda: rig.scheduler(address),
            "dispatcher": rig.dispatcher,
            "worker": lambda: rig.worker("only"),
        },
    )


def cable(folder: Path, scan: Path, wish: dict[str, Any], *, seconds: float, moments: int) -> None:
    """Pull the cable to the host that does the job, for longer than its lease."""
    with two_hosts() as hosts:
        os.environ.update(hosts.environment)
        with job_rig(folder, scan=scan, lease_seconds=15, **hosts.settings) as rig:
            far = {"before": hosts.there}
            rig.scheduler(hosts.settings["scheduler"])
            rig.dispatcher()
            rig.worker("far", "--home", str(folder / "far"), **far)
            bench = Bench(rig, wish, {})
            hashes, usual_s = bench.undisturbed()
            for title, near in (("cable, no other host", False), ("cable, another host", True)):
                row = Row(f"{title}, {seconds:g} s")
                for number in range(moments):
                    job = rig.build(**wish)
                    assert rig.until(job, "running").worker.startswith("host-two")
                    rig.child()
                    if near:
                        other = rig.worker(f"near-{number}")
                    pulled_at = time.monotonic()
                    hosts.pull_the_cable()
                    seen_s = end_seen_s(rig, job, pulled_at, within_s=seconds)
                    hosts.plug_it_in()
                    ended = rig.ended(job, within_s=600)
                    row.moments += 1
                    row.done += ended.state == "done"
                    row.same += ended.state == "done" and rig.hashes(job) == hashes
                    row.clean += not [*rig.scratch_folders(), *(folder / "far").glob("scratch/plastinate-*")]
                    row.attempts.append(ended.attempt)
                    row.seconds.append(seen_s or time.monotonic() - pulled_at)
                    if near:
                        other.send_signal(signal.SIGTERM)
                        other.wait(timeout=20)
                show(row, usual_s)


def end_seen_s(rig: JobRig, job: str, begun_at: float, *, within_s: float) -> float | None:
    """Wait out the time; when in it the job ended, if it did."""
    seen_s: float | None = None
    while (passed_s := time.monotonic() - begun_at) < within_s:
        if seen_s is None and rig.job(job).state not in ("queued", "running"):
            seen_s = passed_s
        time.sleep(0.1)
    return seen_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--recipe")
    parser.add_argument("--cable", type=float, default=60.0, help="seconds; 0 leaves it out")
    parser.add_argument("--cable-moments", type=int, default=2)
    parser.add_argument("--only", help="victims, separated by commas")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    wish: dict[str, Any] = {}
    if given.recipe:
        wish = {"recipe": given.recipe, "threshold": None, "any_modality": False}
    only = set(given.only.split(",")) if given.only else None
    folder = Path(tempfile.mkdtemp(prefix="plastinate-faults-"))
    scan = (
        zipped(given.scan, folder / "given.zip")
        if given.scan
        else phantom_zip(folder / "ball.zip", voxel_mm=VOXEL_MM)
    )
    print(
        "| killed with -9 | moments | done | same hashes | nothing left | attempts"
        " | s to the end, median | worst | undisturbed |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    plans: list[tuple[str, Callable[[JobRig, dict[str, Any]], Bench], str]] = [
        ("the job's child", one_machine, "child"),
        ("dispatcher with the embedded cluster", one_machine, "dispatcher"),
        ("the whole server", whole_server, "server"),
        ("a worker of a cluster", cluster, "worker"),
        ("the scheduler of a cluster", cluster, "scheduler"),
        ("the dispatcher of a cluster", cluster, "dispatcher"),
    ]
    try:
        for number, (title, arrange, victim) in enumerate(plans):
            if only is not None and victim not in only:
                continue
            place = folder / f"{number}"
            place.mkdir()
            settings = {"scheduler": f"tcp://127.0.0.1:{free_port()}"} if arrange is cluster else {}
            with job_rig(place, scan=scan, lease_seconds=15, **settings) as rig:
                bench = arrange(rig, wish)
                bench.up()
                bench.row(title, victim, moments=given.moments, chance=chance)
        if given.cable and (only is None or "cable" in only):
            place = folder / "hosts"
            place.mkdir()
            cable(place, scan, wish, seconds=given.cable, moments=given.cable_moments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
