from __future__ import annotations

import pytest
from click.testing import CliRunner

from plastinate.cli.main import cli


def test_a_worker_says_which_scheduler_it_needs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PLASTINATE_SCHEDULER", raising=False)
    result = CliRunner().invoke(cli, ["worker"])
    assert result.exit_code == 2
    assert "PLASTINATE_SCHEDULER" in result.output


@pytest.mark.parametrize("resource", ["GPU", "GPU=many", "=1"])
def test_a_resource_is_a_name_and_an_amount(resource: str):
    result = CliRunner().invoke(cli, ["worker", "--scheduler", "tcp://127.0.0.1:1", "--resource", resource])
    assert result.exit_code == 2
    assert "GPU=1" in result.output
