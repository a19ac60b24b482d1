"""What runs a network: OpenVINO, ONNX Runtime, or its provider for a GPU."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from card_networks import convolution
from plastinate.nets import session

# What two runtimes may differ by, as a share of the answer's spread: the order of a sum, in float32.
TOLERANCE = 1e-5

# PR_SET_MDWE of Linux 6.3: from now on this process may not make memory executable.
GUARDED = """
import ctypes, sys
from pathlib import Path
guarded = ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0
from plastinate.nets.session import may_make_code, open_session
import numpy
network = open_session(Path(sys.argv[1]))
answer = network.run({"in": numpy.ones((1, 1, 8, 8, 8), numpy.float32)})
print(guarded, may_make_code(), network.engine, answer.shape)
"""

# Two networks that are freed in the order they came, and a signal thereafter.
SIGNALLED = """
import faulthandler, os, signal, sys
from pathlib import Path
import numpy
from plastinate.nets.session import open_session
faulthandler.enable()
networks = [open_session(Path(sys.argv[1]), engine="openvino") for _ in range(2)]
for network in networks:
    network.run({"in": numpy.ones((1, 1, 8, 8, 8), numpy.float32)})
del network
while networks:
    networks.pop(0)
signal.signal(signal.SIGTERM, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    """A convolution of random weights."""
    random = np.random.default_rng(7)
    path = tmp_path_factory.mktemp("network") / "net.onnx"
    path.write_bytes(convolution(random.normal(size=(3, 1, 5, 5, 5)), random.normal(size=3)))
    return path


def test_both_runtimes_give_the_same_to_a_hundred_thousandth_of_the_spread(network):
    given = np.random.default_rng(8).normal(size=(1, 1, 20, 24, 18)).astype(np.float32)
    one, other = (
        session.open_session(network, engine=engine, threads=1).run({"in": given})
        for engine in ("onnxruntime", "openvino")
    )
    assert np.abs(one - other).max() < TOLERANCE * one.std()


@pytest.mark.slow
def test_where_no_code_may_be_made_onnx_runtime_takes_over_from_openvino(network):
    told = subprocess.run(
        [sys.executable, "-c", GUARDED, str(network)], capture_output=True, text=True, check=True
    ).stdout.split(maxsplit=3)
    # An older kernel knows no such guard, and then there is nothing to take over for.
    expected = ["False", "onnxruntime"] if told[0] == "True" else ["True", "openvino"]
    assert told[1:3] == expected
    assert told[3].strip() == "(1, 3, 8, 8, 8)"


@pytest.mark.slow
def test_a_signal_is_heard_after_networks_have_come_and_gone(network):
    told = subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(network)], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (0, "heard\n"), told.stderr


def test_code_may_be_made_where_nothing_forbids_it():
    assert session.may_make_code()


@pytest.fixture
def with_gpu(monkeypatch):
    """ONNX Runtime as where it has CUDA: it keeps what it was asked for, and runs on the processor."""
    asked: dict[str, object] = {}
    plain = onnxruntime.InferenceSession

    class Recorded:
        def __init__(self, path, options, *, providers):
            asked["providers"] = providers
            self._inner = plain(path, options, providers=["CPUExecutionProvider"])
            self.run, self.get_inputs = self._inner.run, self._inner.get_inputs
            self.get_outputs = self._inner.get_outputs

        def get_providers(self):
            return asked["takes"]

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: asked.update(loaded=True), raising=False)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Recorded)
    session._gpu_provider.cache_clear()
    yield types.SimpleNamespace(asked=asked)
    session._gpu_provider.cache_clear()


def test_a_gpu_is_taken_where_onnx_runtime_has_one_and_computes_in_whole_float32(network, with_gpu):
    with_gpu.asked["takes"] = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert session.open_session(network).engine == "onnxruntime-cuda"
    (provider, options), last = with_gpu.asked["providers"]
    assert (provider, last) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert options["use_tf32"] == "0"
    assert with_gpu.asked["loaded"]


def test_a_gpu_that_cannot_be_used_leaves_the_processor_and_the_evidence_says_so(network, with_gpu):
    with_gpu.asked["takes"] = ["CPUExecutionProvider"]
    ready = session.open_session(network)
    assert ready.engine == "onnxruntime"
    assert ready.run({"in": np.ones((1, 1, 8, 8, 8), np.float32)}).shape == (1, 3, 8, 8, 8)


def test_who_asks_for_openvino_gets_it_beside_a_gpu(network, with_gpu):
    assert session.open_session(network, engine="openvino").engine == "openvino"
    assert "providers" not in with_gpu.asked
