"""An ONNX file and its card flow in, nothing comes out where they agree; the network is not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from plastinate.depot import PictureCard, RunCard, check_network, check_picture_network
from plastinate.model.depot_errors import ModelCardFlaw

# Operators that repeat a part of the network as often as the network itself says.
LOOPS = ("Loop", "Scan")
Shape = tuple[int | str | None, ...]


def check_onnx(card: str, run: RunCard, path: Path) -> None:
    """Hold a card against the ONNX file beside it.

    Args:
        card: name of the card, for messages.
        run: what it says of the network.
        path: the ONNX file.

    Raises:
        ModelCardFlaw: it is no ONNX file; see `read_onnx`; or it takes or gives something else than the
            card says.
    """
    inputs, outputs = _declared(card, path)
    check_network(
        card, run, inputs=[_shape(each) for each in inputs], outputs=[_shape(each) for each in outputs]
    )
    import onnx

    numbers = {onnx.TensorProto.FLOAT}
    given = (
        numbers
        if run.kind != "labels"
        else {*numbers, onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.UINT8}
    )
    for word, value, possible in (("takes", inputs[0], numbers), ("gives", outputs[0], given)):
        _require_kind(card, value, word, possible)


def check_picture_onnx(card: str, sees: PictureCard, path: Path) -> None:
    """Hold a card for pictures against the ONNX file beside it.

    Args:
        card: name of the card, for messages.
        sees: what it says of the network.
        path: the ONNX file.

    Raises:
        ModelCardFlaw: as `check_onnx`.
    """
    import onnx

    inputs, outputs = _declared(card, path)
    check_picture_network(card, sees, inputs=[_shape(each) for each in inputs])
    for word, value in (("takes", inputs[0]), *(("gives", each) for each in outputs[:1])):
        _require_kind(card, value, word, {onnx.TensorProto.FLOAT})


def _declared(card: str, path: Path) -> tuple[list[Any], list[Any]]:
    try:
        graph = read_onnx(card, path).graph
    except ValueError as error:
        raise ModelCardFlaw(card, f"{path.name} is no ONNX file") from error
    weights = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in weights]
    if not inputs and not graph.output:
        raise ModelCardFlaw(card, f"{path.name} is no ONNX file")
    return inputs, list(graph.output)


def _require_kind(card: str, value: Any, word: str, possible: set[int]) -> None:
    import onnx

    kind = value.type.tensor_type.elem_type
    if kind not in possible:
        name = onnx.TensorProto.DataType.Name(kind).lower()
        raise ModelCardFlaw(card, f"its network {word} {name} numbers, and 32-bit floating point is possible")


def read_onnx(card: str, path: Path) -> Any:
    """The network in an ONNX file that leads nowhere else and comes to an end.

    A runtime would read whatever files a network names for its weights, wherever in it they are named, and
    go round a loop as often as the network says, with nothing to stop it.

    Args:
        card: name of the card, for messages.
        path: the ONNX file.

    Returns:
        The `onnx.ModelProto`.

    Raises:
        ModelCardFlaw: it keeps numbers in another file, or holds a loop.
        ValueError: it is no ONNX file.

    Source: ONNX, onnx.proto3 (TensorProto.data_location); operators Loop and Scan.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        # Never what lies beside it under a name that the file chooses, nor text because it is called so.
        model = onnx.load(str(path), format="protobuf", load_external_data=False)
    except DecodeError as error:
        raise ValueError("it is no ONNX file") from error
    for each in _messages(model):
        if isinstance(each, onnx.TensorProto):
            if each.data_location == onnx.TensorProto.EXTERNAL or each.external_data:
                raise ModelCardFlaw(card, f"{path.name} keeps its weights in another file; save it as one")
        elif isinstance(each, onnx.NodeProto) and each.op_type in LOOPS:
            raise ModelCardFlaw(
                card, f"{path.name} holds a loop ({each.op_type}), which nothing could stop; save it without"
            )
    return model


def _messages(model: Any) -> Iterator[Any]:
    """Every part of a network, however deep: attributes, branches, functions and what is kept of training."""
    left = [model]
    while left:
        part = left.pop()
        yield part
        for field, value in part.ListFields():
            if field.type == field.TYPE_MESSAGE:
                left += value if isinstance(value, Sequence) else [value]


def _shape(value: Any) -> Shape:
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in dims)
