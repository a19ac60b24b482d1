"""What others have written reaches a terminal as words, and as nothing that commands it."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_shelf import card
from plastinate.cli import streams
from plastinate.depot.registry import read_own_card
from plastinate.model.depot_errors import ModelCardFlaw
from plastinate.model.errors import DownloadFailed
from plastinate.model.evaluation_errors import CasesFlaw
from plastinate.model.printable import printable
from plastinate.services.evaluation_cases import read_cases

COMMAND = "\x1b[2J\x1b]0;owned\x07"


@pytest.mark.parametrize("text", ["Leber, Nieren", "肝臓", "כבד", "a\u200cb", "“…” ±3 mm", "e\u0301"])
def test_words_of_any_language_stay_as_they_are(text: str):
    assert printable(text) == text


@pytest.mark.parametrize("letter", ["\x1b", "\x9b", "\x00", "\x7f", "\u202e", "\u2066", "\udcff", "\u2028"])
def test_a_letter_that_commands_is_shown_by_its_code(letter: str):
    shown = printable(f"a{letter}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")


def test_what_a_server_answers_commands_no_terminal(capsys: pytest.CaptureFixture[str]):
    failed = DownloadFailed("net.bin", f"the server answers 404 ({COMMAND}\nhint:  all is well)")

    assert failed.sentence.isprintable()
    streams.say(f"error: {failed}\nhint:  none")
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\\x1b[2J" in said
    assert said.endswith("\nhint:  none\n")


@pytest.mark.parametrize(
    "values", [{"title": COMMAND}, {"modality": ["CT\u202e"]}, {"output_labels__\x1b": "x"}]
)
def test_a_card_whose_words_do_not_print_is_refused_in_words_that_do(
    values: dict[str, object], tmp_path: Path
):
    path = tmp_path / "card.toml"
    text = card(**{"model__file": "net.onnx", **values}, model__bytes=5, model__sha256="a" * 64)
    path.write_text(text.replace("\n\x1b =", '\n"\\u001b" ='))
    with pytest.raises(ModelCardFlaw) as refused:
        read_own_card(path)
    assert refused.value.sentence.isprintable()


def test_a_case_whose_title_does_not_print_is_refused(tmp_path: Path):
    path = tmp_path / "cases.toml"
    path.write_text('title = "\\u001b[31m"\n[[case]]\nname = "one"\n')
    with pytest.raises(CasesFlaw) as refused:
        read_cases(path)
    assert refused.value.sentence.isprintable()
