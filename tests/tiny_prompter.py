"""A promptable network small enough for a test, and a stand-in for it whose answers are known beforehand."""

from __future__ import annotations

import numpy as np

from plastinate.nets.box_prompter import BoxPrompter
from plastinate.nets.session import Session


def lite_medsam_weights(seed=0):
    """Random weights of the promptable network: 4 to 8 channels where it may have few, one block a stage."""
    rng = np.random.default_rng(seed)
    weights = {}

    def add(name, *shape, bias=True):
        weights[f"{name}.weight"] = rng.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)
        if bias:
            weights[f"{name}.bias"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)

    def norm(name, size):
        weights[f"{name}.weight"] = rng.uniform(0.5, 1.5, size).astype(np.float32)
        weights[f"{name}.bias"] = rng.normal(0, 0.1, size).astype(np.float32)

    def batched(name, made, given, size):
        add(f"{name}.c", made, given, size, size, bias=False)
        norm(f"{name}.bn", made)
        weights[f"{name}.bn.running_mean"] = rng.normal(0, 0.1, made).astype(np.float32)
        weights[f"{name}.bn.running_var"] = rng.uniform(0.5, 1.5, made).astype(np.float32)

    see = "image_encoder"
    wide = (4, 8, 8, 320)
    batched(f"{see}.patch_embed.seq.0", 2, 3, 1)
    batched(f"{see}.patch_embed.seq.2", 4, 2, 1)
    batched(f"{see}.layers.0.blocks.0.conv1", 8, 4, 1)
    batched(f"{see}.layers.0.blocks.0.conv2", 8, 1, 3)
    batched(f"{see}.layers.0.blocks.0.conv3", 4, 8, 1)
    for stage, (heads, window) in enumerate(((2, 7), (2, 14), (10, 7)), 1):
        channels, name = wide[stage], f"{see}.layers.{stage}.blocks.0"
        biases = rng.normal(0, 1, (heads, window**2)).astype(np.float32)
        weights[f"{name}.attn.attention_biases"] = biases
        norm(f"{name}.attn.norm", channels)
        add(f"{name}.attn.qkv", 3 * channels, channels)
        add(f"{name}.attn.proj", channels, channels)
        norm(f"{name}.mlp.norm", channels)
        add(f"{name}.mlp.fc1", channels, channels)
        add(f"{name}.mlp.fc2", channels, channels)
        batched(f"{name}.local_conv", channels, 1, 3)
    for stage in range(3):
        name, made = f"{see}.layers.{stage}.downsample", wide[stage + 1]
        batched(f"{name}.conv1", made, wide[stage], 1)
        batched(f"{name}.conv2", made, 1, 3)
        batched(f"{name}.conv3", made, made, 1)
    add(f"{see}.neck.0", 256, 320, 1, 1, bias=False)
    norm(f"{see}.neck.1", 256)
    add(f"{see}.neck.2", 256, 256, 3, 3, bias=False)
    norm(f"{see}.neck.3", 256)
    _add_answering(weights, rng, add, norm)
    return weights


def _add_answering(weights, rng, add, norm):
    answer = "mask_decoder"
    attentions = [f"layers.{layer}.{part}" for layer in range(2) for part in ("self_attn",)]
    crossed = [
        f"layers.{layer}.{part}"
        for layer in range(2)
        for part in ("cross_attn_token_to_image", "cross_attn_image_to_token")
    ]
    for name, inner in (
        [(each, 256) for each in attentions]
        + [(each, 128) for each in crossed]
        + [("final_attn_token_to_image", 128)]
    ):
        for part in ("q_proj", "k_proj", "v_proj"):
            add(f"{answer}.transformer.{name}.{part}", inner, 256)
        add(f"{answer}.transformer.{name}.out_proj", 256, inner)
    for layer in range(2):
        for number in range(1, 5):
            norm(f"{answer}.transformer.layers.{layer}.norm{number}", 256)
        add(f"{answer}.transformer.layers.{layer}.mlp.lin1", 16, 256)
        add(f"{answer}.transformer.layers.{layer}.mlp.lin2", 256, 16)
    norm(f"{answer}.transformer.norm_final_attn", 256)
    weights[f"{answer}.iou_token.weight"] = rng.normal(0, 1, (1, 256)).astype(np.float32)
    weights[f"{answer}.mask_tokens.weight"] = rng.normal(0, 1, (4, 256)).astype(np.float32)
    for number, (given, made) in ((0, (256, 64)), (3, (64, 32))):
        kernel = rng.normal(0, given**-0.5, (given, made, 2, 2)).astype(np.float32)
        weights[f"{answer}.output_upscaling.{number}.weight"] = kernel
        weights[f"{answer}.output_upscaling.{number}.bias"] = rng.normal(0, 0.1, made).astype(np.float32)
    norm(f"{answer}.output_upscaling.1", 64)
    for layer, (made, given) in enumerate(((256, 256), (256, 256), (32, 256))):
        add(f"{answer}.output_hypernetworks_mlps.0.layers.{layer}", made, given)
    waves = rng.normal(0, 1, (2, 128)).astype(np.float32)
    weights["prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"] = waves
    for corner in (2, 3):
        weights[f"prompt_encoder.point_embeddings.{corner}.weight"] = rng.normal(0, 1, (1, 256)).astype(
            np.float32
        )
    weights["prompt_encoder.no_mask_embed.weight"] = rng.normal(0, 1, (1, 256)).astype(np.float32)


def disc_on_a_slope():
    """(256, 256) a picture for the network."""
    y, x = np.mgrid[:256, :256].astype(np.float32)
    disc = (x - 130) ** 2 + (y - 115) ** 2 < 55**2
    return (0.2 + 0.3 * x / 255 + 0.5 * disc).astype(np.float32)


class BrightInBox(BoxPrompter):
    """Answers what in a box is as bright as the brightest of its middle; counts what it was shown.

    Attributes:
        looked: how many pictures.
        boxes: every box it was asked about.
    """

    def __init__(self, *, is_blind=False):
        idle = Session(lambda inputs: np.zeros((1, 1, 1, 1), np.float32), "none")
        super().__init__(idle, idle, {})
        object.__setattr__(self, "looked", 0)
        object.__setattr__(self, "boxes", [])
        object.__setattr__(self, "is_blind", is_blind)

    def embedding(self, picture):
        object.__setattr__(self, "looked", self.looked + 1)
        return picture

    def odds(self, embedding, box):
        self.boxes.append(tuple(round(float(each), 2) for each in box))
        left, top, right, bottom = (round(each) for each in box)
        middle = embedding[(3 * top + bottom) // 4 : (top + 3 * bottom) // 4 + 1]
        middle = middle[:, (3 * left + right) // 4 : (left + 3 * right) // 4 + 1]
        odds = np.full(embedding.shape, -8, dtype=np.float32)
        if not self.is_blind:
            part = (slice(top, bottom + 1), slice(left, right + 1))
            odds[part] = np.where(embedding[part] > 0.75 * middle.max(), 8, -8)
        return odds
