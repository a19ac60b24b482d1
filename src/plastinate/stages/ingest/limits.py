"""What reading untrusted files may cost, and the environment variables that change it."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from typing import Any

from plastinate.model.errors import ParameterError

PREFIX = "PLASTINATE_LIMIT_"
# A million terabytes: more than any limit, and it still fits the 64 bits that the system takes.
DIGITS_MAX = 18
# Below this a ratio says nothing: a page of zeros is a thousandfold and harmless.
RATIO_MATTERS_BYTES = 64 << 20


@dataclass(frozen=True)
class Limits:
    """Caps on an ingest job. Each is overridden by $PLASTINATE_LIMIT_<NAME IN CAPITALS>.

    Attributes:
        files: files looked at in one input, unpacked ones included.
        zip_members: members of one archive, counted while walking.
        inflated_bytes: bytes written while unpacking one input, over all its archives.
        inflation_ratio: unpacked over packed bytes, of a member and of the whole.
            Deflate cannot pass 1032; a CT of air compresses some 40 times.
        archive_depth: archives inside archives.
        rows_or_columns: edge of one image.
        frames: images in one file.
        voxels: voxels of one volume.
        header_bytes: what one file's header may take when read into memory.
        header_seconds: processor time for one file's header.
        picture_pixels: of one flat picture.
        picture_memory_bytes, picture_cpu_seconds: memory and processor time of the child that reads one.
        memory_bytes: address space of the child process that reads.
        cpu_seconds: processor time of that child, all threads together.
        wall_seconds: how long it may take by the clock.
    """

    files: int = 100_000
    zip_members: int = 100_000
    inflated_bytes: int = 16 << 30
    inflation_ratio: int = 200
    archive_depth: int = 2
    rows_or_columns: int = 16_384
    frames: int = 20_000
    voxels: int = 1_500_000_000
    header_bytes: int = 256 << 20
    header_seconds: int = 20
    picture_pixels: int = 200_000_000
    picture_memory_bytes: int = 2 << 30
    picture_cpu_seconds: int = 60
    memory_bytes: int = 8 << 30
    cpu_seconds: int = 1_800
    wall_seconds: int = 1_800

    @classmethod
    def from_environment(cls) -> Limits:
        """The defaults, with what the environment overrides.

        Raises:
            ParameterError: a variable that is not a positive whole number.
        """
        found: dict[str, int] = {}
        for entry in fields(cls):
            text = os.environ.get(PREFIX + entry.name.upper(), "").strip()
            if not text:
                continue
            is_number = text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
            if not is_number or int(text) < 1:
                shown = text if len(text) <= 2 * DIGITS_MAX else f"{text[:DIGITS_MAX]}..."
                raise ParameterError(
                    f"{PREFIX}{entry.name.upper()} is {shown!r}, "
                    f"not a positive whole number of {DIGITS_MAX} digits at most."
                )
            found[entry.name] = int(text)
        return cls(**found)

    def for_a_picture(self) -> Limits:
        """The same for a child that reads one flat picture, which costs far less than a scan."""
        return replace(
            self,
            memory_bytes=min(self.memory_bytes, self.picture_memory_bytes),
            cpu_seconds=min(self.cpu_seconds, self.picture_cpu_seconds),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}
