"""A program and the number of its parent flow in; it runs, and ends with that parent even if that is killed.

python -m plastinate.depot.tied_program PARENT PROGRAM ARGUMENT ...
"""

from __future__ import annotations

import os
import sys

from plastinate.model.lifeline import die_with_parent

if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.chdir(sys.argv[2])
    os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606 - fixed words and pinned names, no shell
