from __future__ import annotations

import threading

from job_rig import eventually
from plastinate.engine.worker import LastingThreads


def test_what_runs_outlives_the_connection_that_began_it():
    threads, go_on = LastingThreads(1), threading.Event()
    running = threads.submit(go_on.wait, 30)
    threads.shutdown(wait=True)
    assert threads.busy == 1
    later = threads.submit(lambda: "done")
    go_on.set()
    assert running.result(timeout=30) is True
    assert later.result(timeout=30) == "done"
    eventually(lambda: threads.busy == 0)


def test_at_the_end_what_waits_is_not_begun():
    threads, go_on = LastingThreads(1), threading.Event()
    running, waiting = threads.submit(go_on.wait, 30), threads.submit(lambda: "begun")
    eventually(running.running)
    threads.settle(patience_s=0.1)
    go_on.set()
    assert waiting.cancelled()
    assert running.result(timeout=30) is True
