"""A scan -> the labels of a person's own network, run as its card says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from plastinate.depot import ModelCard, RunCard, card_named, model_file
from plastinate.model.errors import EmptyMask, MemoryShort, ParameterError
from plastinate.model.evidence import Finding
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.spare_memory import spare_memory_bytes
from plastinate.native.voxels import Mask
from plastinate.nets.card_network import CardNetwork, likelihoods
from plastinate.nets.card_scale import scale_for
from plastinate.nets.fit_patch import Patch, fitting_patch, smaller_patch
from plastinate.nets.sliding_patch import Patches, slabs_of_answer, untold
from plastinate.stages.segment.card_field import CardField, card_field

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]

# Likelihoods of so many labels at most are kept; each takes two bytes for every voxel of the scan.
LIKELIHOODS_KEPT = 8
# What asking the network takes of the method's time.
ASKING_SHARE = 0.9
# On either side of a half in float16: mask and likelihood agree about each voxel.
AT_LEAST, LESS = np.float16(0.5), np.float16(0.4995)


def own_net(
    volume: Volume,
    *,
    model: str,
    labels: Sequence[str] = (),
    mirrored: bool = False,
    progress: Callable[[float], None] = untold,
) -> Remarked:
    """What a network of one's own finds, on the scan's own voxels.

    The scan goes to the network as its card says: axes, spacing, scale, patches that overlap. Its likelihoods
    come back linearly, and only then is decided what each voxel is, so that edges lie between the network's
    voxels and not on them.

    Args:
        volume: of a modality that the card names.
        model: its name, as `plastinate models list` shows it.
        labels: which of the card's labels, in the order of the masks; all if none is named.
        mirrored: ask about every patch in all eight mirror images as well, and average.
        progress: told what share is done, patch by patch; what it raises ends the work.

    Returns:
        A mask for each label, (S, R, C) bool; where labels exclude each other no two share a voxel. A label
        that is nowhere has an empty one. With the likelihoods of each voxel, of up to eight labels.

    Raises:
        EmptyMask: the network finds none of them; or the scan is of another modality.
        ParameterError: the model is not one of a person's own, or has no such label.
        ModelError: the model is not to be had, its card lies, or its network does not run.
        MemoryShort: not even one small patch fits into memory.
        NoMillimetres: the scan never said its pixel size.
    """
    card = card_named(model)
    run, names = _asked_of(card, labels)
    _require_modality(volume, card, names)
    field = card_field(volume.geometry, run.axes, run.spacing_mm)
    _require_room(field, len(names))
    numbers = [number for name in names for number, known in run.labels.items() if known == name]
    kept, patch = _asked(volume, card, run, field, numbers, mirrored=mirrored, progress=progress)
    masks, levels = _decided(kept, field, volume, excluding=run.kind != "sigmoid")
    progress(1.0)
    if not any(mask.any() for mask in masks):
        raise EmptyMask(", ".join(names), "the network recognises none in this scan")
    findings = () if patch == run.patch else (_smaller(run.patch, patch),)
    return Remarked(masks, findings, levels)


def _asked(
    volume: Volume,
    card: ModelCard,
    run: RunCard,
    field: CardField,
    numbers: Sequence[int],
    *,
    mirrored: bool,
    progress: Callable[[float], None],
) -> tuple[Halves, Patch]:
    """(labels + 1, A, B, C) likelihoods on the card's voxels, the rest last; and the patch taken."""
    path = model_file(card.name)
    values = field.taken_from(volume.array)
    kept: Halves = np.zeros((len(numbers) + 1, *field.shape), dtype=np.float16)
    network = CardNetwork(card.name, run, path)
    patch: Patch | None = fitting_patch(path, run.patch, spare_bytes=spare_memory_bytes())
    while patch is not None:
        try:
            for planes, answer in slabs_of_answer(
                network,
                values,
                patches=Patches(patch, run.overlap, run.padding, (0, 1, 2) if mirrored else ()),
                scale=scale_for(volume, run.scale, padding=run.padding),
                progress=lambda share: progress(ASKING_SHARE * share),
            ):
                wanted, rest = likelihoods(answer, run, labels=numbers)
                kept[:-1, planes] = wanted
                # Where labels do not exclude each other, each stands against a half.
                kept[-1, planes] = 0.5 if rest is None else rest
        except MemoryShort:
            patch = smaller_patch(path, patch)
            continue
        network.check_all_answers()
        return kept, patch
    raise MemoryShort("one patch of the network")


def _smaller(wished: Patch, taken: Patch) -> Finding:
    sizes = [" x ".join(map(str, patch)) for patch in (wished, taken)]
    return Finding(
        "segment.smaller-patches",
        "warning",
        f"There was not enough memory for patches of {sizes[0]} voxels; the network looked at {sizes[1]}.",
        "It saw less around each place than it was made for; build again with more memory.",
        {"wished": list(wished), "taken": list(taken)},
    )


def _asked_of(card: ModelCard, labels: Sequence[str]) -> tuple[RunCard, tuple[str, ...]]:
    if card.run is None:
        fault = ParameterError(
            f"The model {card.name!r} has a method of its own, and does not run by a card."
        )
        fault.hint = "`plastinate models list` marks those of your own."
        raise fault
    known = tuple(card.run.labels.values())
    if isinstance(labels, str) or not all(isinstance(name, str) for name in labels):
        raise ParameterError("The labels of a model are given as a list of names.")
    strange = [name for name in labels if name not in known]
    if strange:
        raise ParameterError(
            f"The model {card.name!r} has no label {strange[0]!r}; it has {', '.join(known)}."
        )
    if len(set(labels)) != len(labels):
        raise ParameterError(f"A label of the model {card.name!r} is asked for twice.")
    return card.run, tuple(labels) or known


def _require_modality(volume: Volume, card: ModelCard, names: tuple[str, ...]) -> None:
    is_ct = volume.quantity == "HU"
    if ("CT" if is_ct else "MR") in card.modality and volume.modality in ("", "OT", *card.modality):
        return
    raise EmptyMask(", ".join(names), f"the network for it was made for {' and '.join(card.modality)}")


def _require_room(field: CardField, labels: int) -> None:
    """Refuse at once what could only end in the middle: voxels in float32, their likelihoods in float16."""
    card_bytes = int(np.prod(field.shape)) * (4 + 2 * (labels + 1))
    scan_bytes = int(np.prod(field.scan_shape)) * (12 + labels + 2 * min(labels, LIKELIHOODS_KEPT))
    if card_bytes + scan_bytes > spare_memory_bytes():
        sizes = " x ".join(map(str, field.shape))
        raise MemoryShort(f"{sizes} voxels of the network and likelihoods of {labels} labels")


def _decided(
    kept: Halves, field: CardField, volume: Volume, *, excluding: bool
) -> tuple[tuple[Mask, ...], tuple[Halves, ...]]:
    """Likelihoods on the card's voxels, the rest last -> masks and likelihoods on the scan's."""
    count = kept.shape[0] - 1
    measured = volume.measured
    keeps = count <= LIKELIHOODS_KEPT
    best = _on_scan(kept[-1], field) if excluding else None
    chosen = np.zeros(volume.geometry.shape, dtype=np.uint8)
    masks: list[Mask] = []
    levels: list[Halves] = []
    for number in range(count):
        likelihood = _on_scan(kept[number], field)
        if best is None:
            masks.append((likelihood > 0.5) & measured)
        else:
            is_better = likelihood > best
            best[is_better] = likelihood[is_better]
            chosen[is_better & measured] = number + 1
        if keeps:
            levels.append(likelihood.astype(np.float16))
    del best
    if excluding:
        masks = [chosen == number + 1 for number in range(count)]
    for mask, level in zip(masks, levels, strict=False):
        np.maximum(level, AT_LEAST, out=level, where=mask)
        np.minimum(level, LESS, out=level, where=~mask)
    return tuple(masks), tuple(levels)


def _on_scan(values: Halves, field: CardField) -> Floats:
    made = field.brought_back(values.astype(np.float32))
    made[np.isnan(made)] = 0
    return made
