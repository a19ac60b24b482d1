"""Scene, run and pictures -> the geometry certificate: JSON for machines, one page for people."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plastinate.model.evidence import RunRecord
from plastinate.model.scene import Scene
from plastinate.stages.export.atomic_write import write_bytes
from plastinate.stages.export.json_text import plain

FORMAT = "plastinate-certificate/1"
DISCLAIMER = "For teaching, research and planning aid; not for diagnosis."
FOLDER = Path(__file__).parent
TEMPLATE, ESTIMATE_TEMPLATE = "certificate.html.j2", "certificate_estimate.html.j2"


def write_certificate(
    scene: Scene, folder: Path, *, run: RunRecord, pictures: Mapping[str, bytes]
) -> dict[str, str]:
    """Write certificate.json, certificate.html, run.json and preview.png.

    certificate.json is the same on every run of the same recipe on the same
    input. Time and memory are not: they stand in run.json and at the foot of
    the page.

    Args:
        scene: with its evidence complete, outputs included.
        folder: where to write.
        run: time, memory, machine.
        pictures: name -> PNG bytes, as `render_pictures` gives them; may be empty.

    Returns:
        File name -> SHA-256.

    Raises:
        CannotWrite: the folder does not take it.
    """
    report = certificate(scene)
    record = plain(run.as_dict())
    files = {"certificate.json": write_bytes(folder / "certificate.json", _pretty(report))}
    page = _page(scene, report, run=record, pictures=pictures)
    files["certificate.html"] = write_bytes(folder / "certificate.html", page)
    files["run.json"] = write_bytes(folder / "run.json", _pretty(record))
    if "preview" in pictures:
        files["preview.png"] = write_bytes(folder / "preview.png", pictures["preview"])
    return files


def certificate(scene: Scene) -> dict[str, Any]:
    """The certificate as plain JSON values."""
    content = plain(
        {
            "title": scene.title,
            "notice": DISCLAIMER,
            "structures": [
                {**node.structure.as_dict(), "detail_levels": sorted(node.surfaces)} for node in scene.nodes
            ],
            **scene.evidence.as_dict(),
        }
    )
    return {
        "format": FORMAT,
        "content_sha256": hashlib.sha256(_pretty(content)).hexdigest(),
        **content,
    }


def _pretty(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode("utf-8", errors="replace")


def _page(
    scene: Scene, report: Mapping[str, Any], *, run: Mapping[str, Any], pictures: Mapping[str, bytes]
) -> bytes:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = _number
    environment.filters["volume"] = _volume
    coded = {name: base64.b64encode(data).decode("ascii") for name, data in pictures.items()}
    if scene.is_estimated:
        # One body, of which other things are worth saying.
        node = scene.nodes[0]
        page = environment.get_template(ESTIMATE_TEMPLATE).render(
            report=report,
            run=run,
            organ=_organ(scene, report, node.id),
            colour="#{:02x}{:02x}{:02x}".format(*node.structure.colour),
            pictures=coded,
        )
        return page.encode("utf-8", errors="replace")
    page = environment.get_template(TEMPLATE).render(
        report=report,
        run=run,
        organs=[_organ(scene, report, node.id) for node in scene.nodes],
        colours={node.id: "#{:02x}{:02x}{:02x}".format(*node.structure.colour) for node in scene.nodes},
        pictures=coded,
        in_mm=scene.geometry.unit == "mm",
    )
    return page.encode("utf-8", errors="replace")


def _organ(scene: Scene, report: Mapping[str, Any], structure: str) -> dict[str, Any]:
    return {
        "id": structure,
        "name": scene.node(structure).structure.name,
        "code": scene.node(structure).structure.code,
        "verdict": report["verdicts"].get(structure, {"light": "amber", "reasons": ["It was not checked."]}),
        "levels": report["quality"].get(structure, {}),
        "range": report.get("volume_ranges", {}).get(structure),
    }


def _number(value: float | int | None, digits: int = 2) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"


def _volume(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.1f} ml" if value < 100 else f"{value:,.0f} ml"
