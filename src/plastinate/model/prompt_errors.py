"""Every error about what a person drew on slices. The rest stand in `errors.py`.

PlastinateError
├── ParameterError
│   └── PromptFlaw       a box, click, scribble or lasso that cannot be taken      exit 5
│       └── PromptOutside    it lies beside the scan
├── Conflict
│   └── PromptReplaced   nobody waits for the answer any more
└── SystemFault
    ├── PrompterBusy     too many wait for an answer                               exit 7
    └── PrompterLost     what answers ended without an answer
"""

from __future__ import annotations

from plastinate.model.case_errors import Conflict
from plastinate.model.errors import ParameterError, SystemFault


class PromptFlaw(ParameterError):
    """What was drawn cannot be taken as a prompt."""

    code = "prompt.flaw"
    hint = "Correct the prompt that is named and send it again."

    def __init__(self, flaw: str, *, where: str = "") -> None:
        super().__init__(f"{flaw}{f' ({where})' if where else ''}.")
        self.where = where


class PromptOutside(PromptFlaw):
    """What was drawn lies where the scan has nothing."""

    code = "prompt.outside"
    hint = "Draw on a slice that the scan has, within its picture."


class PromptReplaced(Conflict):
    """The same person asked anew, or took the question back, before there was an answer."""

    code = "prompt.replaced"
    hint = "Wait for the answer of the prompt that came after it."

    def __init__(self) -> None:
        super().__init__("A later prompt took the place of this one.", hint=self.hint)


class PrompterBusy(SystemFault):
    """As many wait for answers as the server lets."""

    code = "prompt.busy"
    hint = "Send the prompt again in a few seconds."

    def __init__(self) -> None:
        super().__init__("Too many prompts are waiting for an answer.")


class PrompterLost(SystemFault):
    """The process that answers prompts ended, or took too long."""

    code = "prompt.lost"
    hint = (
        "Send the prompt again; the scan is read anew. If it recurs, the scan is too large for this machine."
    )

    def __init__(self, because: str) -> None:
        super().__init__(f"The prompt was not answered: {because}.")
