"""How soon the command line answers."""

from __future__ import annotations

import sys
from pathlib import Path

from measure import side_by_side


def main(*, runs: int = 9) -> list[str]:
    """Measure and return the rows of the table."""
    program = Path(sys.executable).parent / "plastinate"
    commands: dict[str, list[str]] = {
        "plastinate --help": [str(program), "--help"],
        "an empty Python": [sys.executable, "-c", ""],
    }
    measured = side_by_side(commands, runs=runs)
    rows = ["| command | wall s |", "|---|---|"]
    return rows + [f"| {name} | {figures.wall_s:.3f} |" for name, figures in measured.items()]


if __name__ == "__main__":
    print("\n".join(main()))
