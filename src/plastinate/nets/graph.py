"""A network written down node by node -> an ONNX file beside its weights."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# The oldest set of operators with everything needed here; every runtime since 2023 reads it.
OPSET = 17
IR_VERSION = 8


class Graph:
    """Nodes in the order they were added; each call returns the name of what it makes.

    Args:
        name: of the network.
        inputs: names of its inputs, (1, channels, *sizes) float32, sizes free.
        rank: axes of an input, batch and channels counted.
    """

    def __init__(self, name: str, inputs: Sequence[str], *, rank: int) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.rank = rank
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, values: npt.NDArray[Any]) -> str:
        """An array that is part of the file."""
        from onnx import numpy_helper

        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One node of the operator, with one output."""
        from onnx import helper

        output = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def convolution(
        self,
        values: str,
        kernel: npt.NDArray[np.float32],
        bias: npt.NDArray[np.float32] | None = None,
        *,
        dilation: int = 1,
        padding: Sequence[int] | None = None,
    ) -> str:
        """A convolution that keeps the size, unless told another padding.

        Args:
            values: name of the input.
            kernel: (out, in, *sizes), odd sizes.
            bias: (out,).
            dilation: voxels between neighbours of the kernel.
            padding: on the lower side of each axis; the upper side gets the same.
        """
        sizes = kernel.shape[2:]
        pads = [dilation * (size // 2) for size in sizes] if padding is None else list(padding)
        inputs = [values, self.constant(kernel)]
        if bias is not None:
            inputs.append(self.constant(bias))
        return self.add(
            "Conv",
            *inputs,
            kernel_shape=list(sizes),
            pads=[*pads, *pads],
            dilations=[dilation] * len(sizes),
        )

    def normalised(self, values: str, channels: int, *, epsilon: float = 1e-5) -> str:
        """Each channel to mean 0 and deviation 1 over the whole field."""
        one = self.constant(np.ones(channels, dtype=np.float32))
        zero = self.constant(np.zeros(channels, dtype=np.float32))
        return self.add("InstanceNormalization", values, one, zero, epsilon=epsilon)

    def written(self, output: str) -> bytes:
        """The whole as a checked ONNX model whose one output is `output`, called "out"."""
        import onnx
        from onnx import TensorProto, helper

        self._nodes.append(helper.make_node("Identity", [output], ["out"]))
        free = ["batch", "channels", "d", "h", "w"][: self.rank]
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, free) for name in self.inputs]
        out = [f"{name}_out" for name in free]
        result = helper.make_tensor_value_info("out", TensorProto.FLOAT, out)
        graph = helper.make_graph(self._nodes, self.name, values, [result], self._constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="plastinate",
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


def cached_graph(weights: Path, *, builder: str, version: int, build: Callable[[], bytes]) -> Path:
    """The ONNX file made from these weights, built where it is not there yet.

    It lies beside the weights, under a name with their SHA-256, the builder's version and its own SHA-256:
    neither other weights, an older builder nor a damaged graph is ever taken for it. Where that folder may
    not be written to, one for temporary files is used.

    Args:
        weights: the weight file, already checked.
        builder: which builder, "liver".
        version: raised whenever the builder makes another graph of the same weights.
        build: makes the model.
    """
    begins = f"{builder}-v{version}-{_digest(weights.read_bytes())}"
    for folder in (weights.parent, _own_temporary_folder()):
        for path in sorted(folder.glob(f"{begins}-*.onnx")):
            if path.stem.endswith(_digest(path.read_bytes())):
                return path
    model = build()
    name = f"{begins}-{_digest(model)}.onnx"
    try:
        return _written(weights.parent / name, model)
    except OSError:
        return _written(_own_temporary_folder() / name, model)


def _digest(data: bytes) -> str:
    # Half of a SHA-256 names a file as safely, and leaves room in the name for two.
    return hashlib.sha256(data).hexdigest()[:32]


def _own_temporary_folder() -> Path:
    # Only this person may write there: else somebody else's graph could lie in wait under the name.
    folder = Path(tempfile.gettempdir()) / f"plastinate-graphs-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.stat()
    if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
        return Path(tempfile.mkdtemp(prefix="plastinate-graphs-"))
    return folder


def _written(path: Path, model: bytes) -> Path:
    handle, hidden = tempfile.mkstemp(dir=path.parent, prefix=".graph-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(model)
        Path(hidden).replace(path)
    except BaseException:
        Path(hidden).unlink(missing_ok=True)
        raise
    return path
