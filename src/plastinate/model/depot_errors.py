"""Every error about models that come from elsewhere. The rest stand in `errors.py`.

PlastinateError
└── ModelError       a model cannot be had, or not be trusted      exit 7
    ├── ModelNotFound, ModelAbsent, ModelDamaged ...
    └── ModelCardFlaw, NetworkUnsound, LicenceNotAgreed ...
"""

from __future__ import annotations

from plastinate.model.errors import SystemFault


class ModelError(SystemFault):
    """A model cannot be had as things stand."""

    code = "model.error"
    hint = "`plastinate models list` says which models there are, and which of them lie here."


class ModelNotFound(ModelError):
    """No model of that name is known."""

    code = "model.not-found"
    hint = "`plastinate models list` shows the names."

    def __init__(self, name: str, *, near: list[str] | None = None) -> None:
        guess = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"There is no model called {name!r}.{guess}")
        self.name = name


class ModelAbsent(ModelError):
    """The model is not on this machine, and may not be fetched now."""

    code = "model.absent"

    def __init__(self, name: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"The model {name!r} is not on this machine, and {reason}.")
        self.name = name
        self.reason = reason
        self.hint = hint or f"Fetch it once: `plastinate models fetch {name}`."


class ModelDamaged(ModelError):
    """What is kept of a model has other bytes than the pinned ones."""

    code = "model.damaged"

    def __init__(self, name: str, path: str, reason: str) -> None:
        super().__init__(f"The model {name!r} was not used: {path} {reason}.")
        self.name = name
        self.path = path
        self.reason = reason
        self.hint = f"Fetch it again: `plastinate models fetch {name}`."


class ModelCardFlaw(ModelError):
    """A card that does not follow the format, or that does not fit its model."""

    code = "model.card-flaw"
    hint = "docs/reference/models.md states the format of a card."

    def __init__(self, card: str, flaw: str) -> None:
        super().__init__(f"The model card {card!r} was refused: {flaw}.")
        self.card = card
        self.flaw = flaw


class NetworkUnsound(ModelError):
    """A network that no runtime here can run, or that answers with what is no number."""

    code = "model.network-unsound"
    hint = (
        "Save the network again as ONNX (docs/how-to/bring-your-own-model.md), and try it on one patch there."
    )

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"The network of the model {name!r} {fault}.")
        self.name = name
        self.fault = fault


class LicenceNotAgreed(ModelError):
    """A person's word about the model's licence is needed, and nobody has given it."""

    code = "model.licence"

    def __init__(self, name: str, licence: str, *, asks: str, if_so: str, option: str) -> None:
        super().__init__(f"The model {name!r} is under {licence}, {asks}.")
        self.name = name
        self.licence = licence
        self.hint = f"Read the licence; if {if_so}: `plastinate models fetch {name} {option}`."


class ExtraAbsent(ModelError):
    """A program of others that does the work is not installed: it comes with an extra."""

    code = "model.extra-absent"

    def __init__(self, program: str, reason: str) -> None:
        super().__init__(f"{program} cannot be used: {reason}.")
        self.program = program
        self.reason = reason
        self.hint = (
            f"Install it, about 7 GB: `pip install 'plastinate[{program.lower()}]'`; or name the Python that"
            f" has it: PLASTINATE_{program.upper()}=/path/to/python."
        )


class KeyAbsent(ModelError):
    """The model is under a licence of its makers that asks for a key, and none is set."""

    code = "model.key-absent"

    def __init__(self, name: str, *, setting: str, page: str) -> None:
        super().__init__(f"The model {name!r} needs a licence key of its makers, and none is set.")
        self.name = name
        self.hint = f"Ask its makers for one ({page}), then set {setting}."
