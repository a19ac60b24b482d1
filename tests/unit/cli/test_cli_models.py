"""What a person sees of the models in a shell: names, licences, where they lie, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from model_shelf import WEIGHTS, Places, card, fetched_card, network, set_places
from plastinate.cli import terminal
from plastinate.cli.main import cli
from plastinate.cli.models import announce_fetches
from plastinate.depot import model_file
from plastinate.depot.registry import built_in_cards
from plastinate.model.depot_errors import LicenceNotAgreed, ModelAbsent
from plastinate.model.errors import DownloadFailed, PlastinateError
from plastinate.pipeline.progress import ProgressEvent


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    made = set_places(tmp_path, monkeypatch)
    made.put_card(fetched_card(made.put_wheel()))
    return made


def say(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["models", *words])
    if isinstance(result.exception, PlastinateError):
        raise result.exception
    return result


def test_the_list_shows_every_model_with_its_licence_and_fetches_nothing(places: Places):
    said = say("list").stdout

    for built_in in built_in_cards().values():
        assert built_in.name in said
        assert built_in.licence in said
    assert "tiny" in said
    assert "yours" in said
    assert not places.cache.exists()


def test_the_list_for_machines_says_what_each_was_trained_on_and_whether_it_is_here(places: Places):
    before = {row["name"]: row for row in json.loads(say("list", "--json").stdout)}
    model_file("tiny")
    after = {row["name"]: row for row in json.loads(say("list", "--json").stdout)}

    assert (before["tiny"]["state"], after["tiny"]["state"]) == ("absent", "here")
    assert before["brain-t1"]["trained_on"]
    assert set(before["brain-t1"]["files"]) == {"net", "box"}


def test_of_every_model_all_is_shown_that_a_person_has_to_know_of_it(places: Places):
    said = say("show").stdout

    for each in built_in_cards().values():
        known = (each.task, each.licence, each.code_licence, each.trained_on, each.not_for, each.pin)
        for words in (*known, *(f"{part.bytes:,} bytes, SHA-256 {part.sha256}" for part in each.parts)):
            assert words in said
    row = {row["name"]: row for row in json.loads(say("list", "--json").stdout)}["midas-v21-small"]
    assert (row["must_agree"], row["estimates_depth"], row["code_licence"]) == (True, True, "MIT")
    assert row["files_sha256"] == {"net": row["sha256"]}


def test_a_model_that_asks_for_agreement_is_left_out_of_all_and_fetched_with_the_word(
    places: Places, tmp_path: Path
):
    name = "midas-v21-small"
    with pytest.raises(LicenceNotAgreed, match="nobody here has agreed") as refused:
        say("fetch", name, "--mirror-to", str(tmp_path / "stick"))
    assert f"plastinate models fetch {name} --agree" in refused.value.hint
    # With it the mirror is asked, which has none.
    with pytest.raises(DownloadFailed, match="does not hold it"):
        say("fetch", name, "--agree")
    # The first of all that ask for nothing is looked for, and the mirror has none of these either.
    with pytest.raises(DownloadFailed, match="pyliverlesionseg"):
        say("fetch", "--all")


def test_a_card_that_was_refused_is_told_beside_the_list(places: Places):
    places.put_card("name = ", name="broken")

    result = say("list")

    assert result.exit_code == 0
    assert "model.card-flaw" in result.stderr


def test_a_fetch_states_the_licence_and_prints_where_the_file_lies(places: Places):
    said = say("fetch", "tiny").stdout

    assert "MIT" in said
    assert str(model_file("tiny", fetch=False)) in said


def test_a_path_is_printed_for_scripts_and_never_fetched(places: Places):
    with pytest.raises(ModelAbsent):
        say("path", "tiny")
    model_file("tiny")

    assert Path(say("path", "tiny").stdout.strip()).read_bytes() == WEIGHTS


def test_verifying_tells_the_damaged_one_and_fails(places: Places):
    assert say("verify").exit_code == 0
    kept = model_file("tiny")
    assert say("verify", "tiny").exit_code == 0
    kept.write_bytes(b"x")

    result = say("verify")

    assert result.exit_code == 7
    assert "damaged" in result.stdout


def test_a_mirror_made_here_serves_a_machine_without_a_network(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stick = tmp_path / "stick"
    say("fetch", "tiny", "--mirror-to", str(stick))
    monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", str(stick))
    monkeypatch.setenv("PLASTINATE_CACHE", str(tmp_path / "elsewhere"))

    assert say("fetch", "tiny").exit_code == 0
    assert model_file("tiny", fetch=False).read_bytes() == WEIGHTS


def test_a_licence_that_forbids_commerce_waits_for_the_word(places: Places):
    places.put_card(fetched_card(places.put_wheel(), commercial_use=False))

    with pytest.raises(LicenceNotAgreed):
        say("fetch", "tiny")
    assert say("fetch", "tiny", "--non-commercial").exit_code == 0


def test_a_model_of_ones_own_comes_and_goes(places: Places, tmp_path: Path):
    (tmp_path / "net.onnx").write_bytes(network().SerializeToString())
    (tmp_path / "mine.toml").write_text(card("mine", model__file="net.onnx"))

    assert "mine" in say("add", str(tmp_path / "mine.toml")).stdout
    shown = say("show", "mine").stdout
    assert "numbers" in shown
    assert "here" in shown
    assert say("remove", "mine").exit_code == 0
    assert "mine" not in {row["name"] for row in json.loads(say("list", "--json").stdout)}


def test_fetching_without_a_name_says_what_to_say(places: Places):
    result = say("fetch")

    assert result.exit_code == 2
    assert "models list" in result.stderr


def test_a_build_says_once_what_it_fetches_and_under_which_licence(
    places: Places, capsys: pytest.CaptureFixture[str]
):
    with terminal.bar() as progress:
        announce_fetches(progress)
        for share in (0.1, 0.2):
            progress.say(ProgressEvent(share, "fetch: tiny"))
        progress.say(ProgressEvent(0.3, "read: the scan"))

    said = capsys.readouterr().err
    assert said.count("licence: MIT") == 1
    assert "tiny-weights 1.0" in said
