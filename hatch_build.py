"""The one build hook: the compiled kernels, and the browser's scripts, styles and catalogues."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))
import build_kernels
import build_pages


class PlastinateBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds what is not Python before the files of a wheel or an sdist are gathered."""

    def dependencies(self) -> list[str]:
        """Ask for a compiler and for Node only where the machine lacks them and there is work for them."""
        kernels = build_kernels.requirements() if self.target_name == "wheel" else []
        return [*kernels, *build_pages.requirements()]

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Build; the compiled kernels tie a wheel to one platform, the pages go into the sdist as well."""
        build_pages.build(for_developers=version == "editable")
        if self.target_name != "wheel":
            return
        build_kernels.build(force=version != "editable")
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
