"""From a photograph to a model by a better network, fetched from where its card says once somebody agreed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bead_scans import plastinate
from depth_models import like_depth_anything, like_midas, own_card, put_in_place
from drawn_pictures import encoded, tilted_plane
from model_shelf import Shelf, serving_files, set_places, sha256
from plastinate.api import model_of_picture
from plastinate.cli import depth_licence
from plastinate.cli.main import cli
from plastinate.depot import registry, url_download
from plastinate.depot.model_files import is_here
from plastinate.depot.registry import card_named
from plastinate.engine.kinds import Task
from plastinate.model.depot_errors import LicenceNotAgreed, ModelAbsent, ModelNotFound, NetworkUnsound
from plastinate.model.errors import DownloadFailed, ParameterError, PlastinateError
from plastinate.pipeline.progress import Progress
from plastinate.services.build_wish import checked_wish
from plastinate.services.work_build import build as build_for_a_job

NAME = "midas-v21-small"
FILE = f"/{NAME}.onnx"
DATA = like_midas()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A mirror that is a server, which holds the network; nothing is here yet."""
    set_places(tmp_path, monkeypatch)
    put_in_place(monkeypatch, {NAME: DATA, "depth-anything-v2-small": like_depth_anything()}, tmp_path)
    monkeypatch.setattr(url_download, "PAUSE_S", 0.0)
    (tmp_path / "photo.png").write_bytes(encoded(tilted_plane((72, 96)).rgb))
    with serving_files() as served:
        served.files[FILE] = DATA
        monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", served.url)
        yield served
    monkeypatch.undo()
    registry.built_in_cards.cache_clear()


def build(folder: Path, *words: str, typed: str = "") -> Result:
    wish = ["build", str(folder / "photo.png"), "-o", str(folder / "out"), "--as", "scene", *words]
    quick = ["--format", "glb", "--single-level", "--triangles", "500", "--no-preview"]
    result = CliRunner().invoke(cli, [*wish, *quick], input=typed)
    if isinstance(result.exception, PlastinateError):
        raise result.exception
    return result


def part(tmp_path: Path) -> Path:
    return tmp_path / "cache" / f".{NAME}.onnx.part"


def test_nothing_is_fetched_until_somebody_agrees_and_the_hint_says_how(shelf: Shelf, tmp_path: Path):
    with pytest.raises(LicenceNotAgreed) as refused:
        build(tmp_path, "--depth", NAME)

    assert refused.value.code == "model.licence"
    assert "MIT" in refused.value.sentence
    assert "--agree" in refused.value.hint
    assert shelf.asked == []
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_model_is_built_with_it_and_its_certificate_says_by_what_on_whose_terms(
    shelf: Shelf, tmp_path: Path
):
    said = build(tmp_path, "--depth", NAME, "--agree")
    assert said.exit_code == 0, said.stderr
    assert "licence: MIT" in said.stderr

    page = (tmp_path / "out" / "certificate.html").read_text()
    for words in (NAME, card_named(NAME).pin, "ten collections", "of which it was shown none"):
        assert words in page

    # Once is enough: neither the word nor the network is needed again.
    shelf.files.clear()
    assert build(tmp_path, "--depth", NAME).exit_code == 0
    assert len(shelf.asked) == 1


@pytest.mark.slow
def test_a_download_that_was_cut_off_is_gone_on_with_by_the_next_build(shelf: Shelf, tmp_path: Path):
    shelf.cut_after = [300_000, *[0] * 50]
    with pytest.raises(DownloadFailed, match="ends before the file does"):
        build(tmp_path, "--depth", NAME, "--agree")
    assert part(tmp_path).stat().st_size == 300_000
    assert not is_here(card_named(NAME))
    # What a person agreed to is not kept before the network is here.
    with pytest.raises(LicenceNotAgreed):
        build(tmp_path, "--depth", NAME)

    shelf.cut_after.clear()
    shelf.asked.clear()
    assert build(tmp_path, "--depth", NAME, "--agree", "--no-check").exit_code == 0
    assert [asked for _, asked, _ in shelf.asked] == ["bytes=300000-"]
    assert not part(tmp_path).exists()


def test_other_bytes_are_refused_and_none_of_them_stays(shelf: Shelf, tmp_path: Path):
    shelf.files[FILE] = DATA[::-1]
    with pytest.raises(DownloadFailed, match="SHA-256"):
        build(tmp_path, "--depth", NAME, "--agree")
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_without_a_network_the_refusal_says_where_to_put_it_and_a_folder_serves_it(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLASTINATE_MODELS_FETCH", "never")
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")
    with pytest.raises(ModelAbsent, match="switched off") as refused:
        build(tmp_path, "--depth", NAME, "--agree")
    assert f"put {NAME}.onnx into" in refused.value.hint

    (tmp_path / "mirror" / f"{NAME}.onnx").write_bytes(DATA)
    monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", str(tmp_path / "mirror"))
    assert build(tmp_path, "--depth", NAME, "--agree", "--no-check").exit_code == 0
    assert shelf.asked == []


def test_a_network_that_gives_another_shape_than_its_card_says_ends_in_a_sentence(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # The bytes are pinned, and are a network of fixed size where any size is promised.
    put_in_place(monkeypatch, {"depth-anything-v2-small": DATA}, tmp_path)
    shelf.files["/depth-anything-v2-small.onnx"] = DATA
    with pytest.raises(NetworkUnsound, match="cannot be run"):
        build(tmp_path, "--depth", "depth-anything-v2-small", "--agree")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--depth", "midas-v21-smal"), ModelNotFound),
        (("--depth", "foreground"), ParameterError),
        (("--depth", NAME, "--no-network", "--agree"), ParameterError),
        (("--depth", NAME, "--as", "relief"), ParameterError),
    ],
    ids=str,
)
def test_what_is_no_depth_network_or_asks_none_is_refused_before_anything_is_fetched(
    shelf: Shelf, tmp_path: Path, words: tuple[str, ...], error: type[Exception]
):
    with pytest.raises(error):
        build(tmp_path, *words)
    assert shelf.asked == []


@pytest.mark.slow
@pytest.mark.parametrize("typed", ["y\n", "n\n"])
def test_at_a_terminal_the_licence_is_shown_and_asked_about(
    shelf: Shelf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
):
    monkeypatch.setattr(depth_licence, "_can_be_asked", lambda: True)
    if typed == "n\n":
        with pytest.raises(LicenceNotAgreed):
            build(tmp_path, "--depth", NAME, "--no-check", typed=typed)
        assert shelf.asked == []
    else:
        said = build(tmp_path, "--depth", NAME, "--no-check", typed=typed)
        assert said.exit_code == 0
        for words in ("Do you agree", "MIT", "not for"):
            assert words in said.stderr


@pytest.fixture
def mine(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A depth network of one's own, whose card names a server, asks for agreement and forbids commerce."""
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")
    shelf.files["/mine.onnx"] = DATA
    pinned = f'file = "mine.onnx"\nbytes = {len(DATA)}\nsha256 = "{sha256(DATA)}"'
    source = (
        f'[source]\nkind = "url"\nurl = "{shelf.url}/mine.onnx"\n{pinned}\n[[part]]\nname = "net"\n{pinned}'
    )
    card = own_card(must_agree=True, commercial_use=False)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.toml").write_text(card.replace('[model]\nfile = "mine.onnx"', source))
    return shelf


@pytest.mark.slow
def test_a_licence_that_forbids_commerce_is_refused_in_a_shell_until_somebody_says_so(
    mine: Shelf, tmp_path: Path
):
    wish = ("build", tmp_path / "photo.png", "-o", tmp_path / "out", "--as", "scene", "--depth", "mine")
    refused = plastinate(*wish, "--agree", "--no-check", "--no-preview")
    assert refused.returncode == 7, refused.stderr
    assert "[model.licence]" in refused.stderr
    assert "forbids commercial use" in refused.stderr
    assert "if your use is not commercial" in refused.stderr
    assert plastinate("models", "fetch", "mine").returncode == 7
    assert plastinate("models", "path", "mine").returncode == 7
    assert mine.asked == []

    mine.cut_after = [250_000]
    fetched = plastinate("models", "fetch", "mine", "--agree", "--non-commercial")
    assert fetched.returncode == 0, fetched.stderr
    assert "not for commercial use" in fetched.stdout
    assert [asked for _, asked, _ in mine.asked] == ["", "bytes=250000-"]
    assert plastinate("models", "verify", "mine").returncode == 0

    built = plastinate(*wish, "--no-check", "--no-preview", "--single-level", "--triangles", "500")
    assert built.returncode == 0, built.stderr


@pytest.mark.slow
def test_what_a_person_agreed_to_on_the_page_lets_the_job_fetch_it(shelf: Shelf, tmp_path: Path):
    wish = {"picture": {"kind": "scene", "depth": NAME, "agreed": True}, "formats": ["glb"]}
    attempt = tmp_path / "attempt"
    (attempt / "out").mkdir(parents=True)
    checked = checked_wish({**wish, "single_level": True, "triangles": 500}, inspection=None)
    made = build_for_a_job(Task(checked, (tmp_path / "photo.png",), attempt), progress=Progress())

    assert made["summary"]["estimate"]["word"] == "ESTIMATED"
    assert is_here(card_named(NAME))
    # The word was given once, for the whole server.
    assert not checked_wish(checked, inspection=None)["picture"]["agreed"]


def test_a_mirror_that_was_made_with_the_word_serves_a_machine_without_a_network(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stick = tmp_path / "stick"
    shelf.cut_after = [200_000]
    made = CliRunner().invoke(cli, ["models", "fetch", NAME, "--agree", "--mirror-to", str(stick)])
    assert made.exit_code == 0, made.output
    assert [path.name for path in stick.iterdir()] == [f"{NAME}.onnx"]
    assert [asked for _, asked, _ in shelf.asked] == ["", "bytes=200000-"]

    monkeypatch.setenv("PLASTINATE_CACHE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", str(stick))
    monkeypatch.setenv("PLASTINATE_MODELS_FETCH", "never")
    # The word was given on the other machine.
    with pytest.raises(LicenceNotAgreed):
        build(tmp_path, "--depth", NAME, "--no-check")
    fetched = CliRunner().invoke(cli, ["models", "fetch", NAME, "--agree"])
    assert fetched.exit_code == 0, fetched.output
    assert is_here(card_named(NAME))
    assert len(shelf.asked) == 2


@pytest.mark.slow
def test_a_script_chooses_the_network_and_agrees_as_a_shell_does(shelf: Shelf, tmp_path: Path):
    with pytest.raises(LicenceNotAgreed):
        model_of_picture(tmp_path / "photo.png", "scene", depth=NAME, check=False, preview=False)
    assert shelf.asked == []
    scene = model_of_picture(
        tmp_path / "photo.png", "scene", depth=NAME, agree=True, check=False, preview=False
    )
    (used,) = scene.evidence.inputs["models"]
    assert (used["name"], used["licence"]) == (NAME, "MIT")
    assert used["not_for"] == card_named(NAME).not_for
