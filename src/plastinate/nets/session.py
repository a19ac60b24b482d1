"""ONNX file -> a function, run by OpenVINO where it is installed, by ONNX Runtime else."""

from __future__ import annotations

import ctypes
import importlib.util
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.native.load import thread_count

Floats = npt.NDArray[np.float32]


# Whole float32 numbers, as on a processor: TensorFloat-32 keeps ten of their 23 bits. And no trying out of
# every algorithm for every new size of patch.
GPU_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}


@dataclass(frozen=True)
class Session:
    """A network ready to run.

    Attributes:
        run: (name of input -> array) -> the first output.
        engine: "openvino", "onnxruntime" or "onnxruntime-cuda", for the evidence.
        inputs: their names, in the order of the file.
    """

    run: Callable[[dict[str, Floats]], Floats]
    engine: str
    inputs: tuple[str, ...] = ("in",)


def engine_name() -> str:
    """What would run a network here."""
    return "openvino" if importlib.util.find_spec("openvino") and may_make_code() else "onnxruntime"


@lru_cache(maxsize=1)
def may_make_code() -> bool:
    """Whether this process may write machine code and run it, as OpenVINO does for every network.

    A hardened service may not (systemd's MemoryDenyWriteExecute); ONNX Runtime has no need to.
    """
    page = mmap.mmap(-1, mmap.PAGESIZE)
    try:
        handle = ctypes.c_char.from_buffer(page)
        address = ctypes.c_void_p(ctypes.addressof(handle))
        libc = ctypes.CDLL(None)
        can_run = mmap.PROT_READ | mmap.PROT_EXEC
        may = bool(libc.mprotect(address, ctypes.c_size_t(mmap.PAGESIZE), can_run) == 0)
        # Writable again before it is given back.
        libc.mprotect(address, ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_WRITE)
        del handle
    finally:
        page.close()
    return may


def open_session(model: Path, *, engine: str = "", threads: int | None = None) -> Session:
    """Load a network.

    Numbers are float32 throughout, also where the processor would offer bfloat16: the same scan is to
    give the same organ on another machine, as far as the order of a sum allows.

    Args:
        model: an ONNX file.
        engine: "openvino" or "onnxruntime"; "" takes a GPU's provider where ONNX Runtime has one, then
            OpenVINO where it is installed and may make its code.
        threads: how many at most; None for `thread_count()`.
    """
    count = thread_count() if threads is None else threads
    if engine in ("", "onnxruntime") and (gpu := _gpu_provider()):
        return _onnxruntime(model, count, gpu)
    if (engine or engine_name()) == "openvino":
        return _openvino(model, count)
    return _onnxruntime(model, count, "")


@lru_cache(maxsize=1)
def _gpu_provider() -> str:
    if importlib.util.find_spec("onnxruntime") is None:
        return ""
    import onnxruntime

    name = "CUDAExecutionProvider"
    return name if name in onnxruntime.get_available_providers() else ""


@lru_cache(maxsize=1)
def _openvino_core() -> Any:
    """OpenVINO's one core of this process, kept until it ends.

    A core gives its thread a stack for signal handlers and unmaps it when it is freed. Where another core or
    faulthandler has one as well, the kernel is left with a stack that is gone, and the next signal, be it a
    polite one, ends the process with a segmentation fault.
    """
    import openvino

    return openvino.Core()


def _openvino(model: Path, threads: int) -> Session:
    core = _openvino_core()
    # Memory that is kept between calls is memory the next step lacks.
    hints: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "CPU_RUNTIME_CACHE_CAPACITY": 0,
    }
    network = core.read_model(str(model))
    compiled: dict[tuple[tuple[int, ...], ...], Any] = {}

    def run(inputs: dict[str, Floats]) -> Floats:
        shapes = tuple(values.shape for values in inputs.values())
        if shapes not in compiled:
            compiled.clear()
            network.reshape({name: list(values.shape) for name, values in inputs.items()})
            compiled[shapes] = core.compile_model(network, "CPU", hints)
        request = compiled[shapes].create_infer_request()
        return np.array(request.infer(inputs)[0], dtype=np.float32)

    return Session(run, "openvino", tuple(each.any_name for each in network.inputs))


def _onnxruntime(model: Path, threads: int, gpu: str) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait would take the cores from whatever runs beside this.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without its arena every layer's memory is begged from the system anew: 4 of 14 processor seconds of the
    # liver. It takes a tenth more memory, and goes with the session.
    options.log_severity_level = 3
    providers: list[Any] = ["CPUExecutionProvider"]
    if gpu:
        # CUDA's libraries may have come as packages of their own.
        onnxruntime.preload_dlls()
        providers.insert(0, (gpu, GPU_OPTIONS))
    session = onnxruntime.InferenceSession(str(model), options, providers=providers)
    took = session.get_providers()[0]
    first = session.get_outputs()[0].name

    def run(inputs: dict[str, Floats]) -> Floats:
        return np.asarray(session.run([first], inputs)[0], dtype=np.float32)

    names = tuple(each.name for each in session.get_inputs())
    return Session(run, "onnxruntime-cuda" if took == gpu and gpu else "onnxruntime", names)
