"""An ONNX file and its card flow in, nothing comes out where they agree; the network is not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plastinate.depot import RunCard, check_network
from plastinate.model.depot_errors import ModelCardFlaw

Shape = tuple[int | str | None, ...]


def check_onnx(card: str, run: RunCard, path: Path) -> None:
    """Hold a card against the ONNX file beside it.

    Args:
        card: name of the card, for messages.
        run: what it says of the network.
        path: the ONNX file.

    Raises:
        ModelCardFlaw: it is no ONNX file, keeps its weights elsewhere, or takes or gives something else
            than the card says.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        # Never what lies beside it under a name that the file chooses.
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise ModelCardFlaw(card, f"{path.name} is no ONNX file") from error
    graph = model.graph
    if any(each.data_location == onnx.TensorProto.EXTERNAL for each in graph.initializer):
        raise ModelCardFlaw(card, f"{path.name} keeps its weights in another file; save it as one")
    weights = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in weights]
    if not inputs and not graph.output:
        raise ModelCardFlaw(card, f"{path.name} is no ONNX file")
    check_network(
        card, run, inputs=[_shape(each) for each in inputs], outputs=[_shape(each) for each in graph.output]
    )
    numbers = {onnx.TensorProto.FLOAT}
    given = (
        numbers
        if run.kind != "labels"
        else {*numbers, onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.UINT8}
    )
    for word, value, possible in (("takes", inputs[0], numbers), ("gives", graph.output[0], given)):
        kind = value.type.tensor_type.elem_type
        if kind not in possible:
            name = onnx.TensorProto.DataType.Name(kind).lower()
            raise ModelCardFlaw(
                card, f"its network {word} {name} numbers, and 32-bit floating point is possible"
            )


def _shape(value: Any) -> Shape:
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in dims)
