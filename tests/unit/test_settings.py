"""Settings are read from the environment, and what cannot be used is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from plastinate.model.case_errors import SettingFlaw
from plastinate.settings import Settings, home_flaw, read_settings

KEY = "0123456789abcdef" * 2


def test_without_a_word_everything_has_a_value():
    assert read_settings({}) == Settings()


def test_the_environment_is_read_and_what_is_given_comes_first(tmp_path: Path):
    found = read_settings({"PLASTINATE_WORKERS": "3", "PLASTINATE_HOME": "/elsewhere"}, home=tmp_path)
    assert (found.workers, found.home) == (3, tmp_path)
    assert read_settings(found.environment()) == found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SCHEDULER", "tls://10.0.0.5:8786"),
        ("SCHEDULER", "tcp://[fe80::1]:8786"),
        ("PUBLIC_URL", "https://scans.example.org"),
        ("PUBLIC_URL", "http://127.0.0.1:8000/"),
        ("LIMITER", "redis+unix:///run/redis"),
        ("SECRET_KEY", KEY),
    ],
)
def test_what_people_write_is_taken(name: str, text: str):
    assert getattr(read_settings({f"PLASTINATE_{name}": text}), name.lower()) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WORKERS", "many"),
        ("WORKERS", "0"),
        ("PROXIES", "-1"),
        ("SCHEDULER", "10.0.0.5:8786"),
        ("SCHEDULER", "tcp://10.0.0.5"),
        ("SCHEDULER", "tcp://10.0.0.5:8786x"),
        ("PUBLIC_URL", "scans.example.org"),
        ("PUBLIC_URL", "https://scans.example.org/plastinate"),
        ("PUBLIC_URL", "https://me@scans.example.org"),
        ("PUBLIC_URL", "javascript://scans.example.org"),
        ("LIMITER", "redis"),
        ("SECRET_KEY", "x"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(name: str, text: str):
    with pytest.raises(SettingFlaw, match=f"^PLASTINATE_{name}: ") as raised:
        read_settings({f"PLASTINATE_{name}": text})
    # A key is told to nobody, not even a bad one.
    assert name != "SECRET_KEY" or text not in str(raised.value).partition(": ")[2].split()


def test_a_home_that_cannot_be_had_is_named_with_the_reason():
    flaw = home_flaw(Path("/nowhere"), PermissionError(13, "Permission denied"))
    assert flaw.sentence == "The home /nowhere: it cannot be used (permission denied)."
    assert "--home" in flaw.hint
