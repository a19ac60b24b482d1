"""An address is had or refused in words, and never in the clear for others."""

from __future__ import annotations

import socket
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from plastinate.model.case_errors import CannotListen, SettingFlaw, UnsafeAddress
from plastinate.settings import Settings
from plastinate.web.listening import listen
from plastinate.web.run_server import Address, require_safe


def test_port_zero_takes_one_that_is_free():
    with closing(listen("127.0.0.1", 0)) as listening, closing(listen("127.0.0.1", 0)) as other:
        ports = {listening.getsockname()[1], other.getsockname()[1]}
    assert len(ports) == 2
    assert 0 not in ports


def test_a_port_that_is_taken_is_a_sentence():
    with closing(listen("127.0.0.1", 0)) as listening, pytest.raises(CannotListen, match="in use") as raised:
        listen("127.0.0.1", listening.getsockname()[1])
    assert "--port" in raised.value.hint


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a" * 300])
def test_an_address_that_is_not_ours_is_a_sentence(host: str):
    with pytest.raises(CannotListen):
        listen(host, 0)


def test_a_silent_connection_does_not_hold_its_thread_for_ever():
    with (
        closing(listen("127.0.0.1", 0)) as listening,
        closing(socket.create_connection(listening.getsockname())),
        closing(listening.accept()[0]) as accepted,
    ):
        limit = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)
    assert int.from_bytes(limit[:8], "little") == 60


SAFE = [
    (Address("127.0.0.1", 0), Settings()),
    (Address("::1", 0), Settings(proxies=1)),
    (Address("127.0.0.1", 0, is_public=True), Settings(proxies=1, public_url="https://scans.example.org")),
    (Address("0.0.0.0", 0, is_public=True), Settings(proxies=2, public_url="https://scans.example.org")),
]
UNSAFE = [
    (Address("0.0.0.0", 0), Settings()),
    (Address("scans.example.org", 0), Settings(proxies=1, public_url="https://scans.example.org")),
    (Address("0.0.0.0", 0, is_public=True), Settings()),
    (Address("127.0.0.1", 0, is_public=True), Settings()),
    (Address("0.0.0.0", 0, is_public=True), Settings(public_url="https://scans.example.org")),
    (Address("0.0.0.0", 0, is_public=True), Settings(proxies=1)),
    (Address("0.0.0.0", 0, is_public=True), Settings(proxies=1, public_url="http://scans.example.org")),
]


@pytest.mark.parametrize(("address", "settings"), SAFE)
def test_what_stays_here_or_is_under_tls_may_start(address: Address, settings: Settings):
    require_safe(address, settings)


@pytest.mark.parametrize(("address", "settings"), UNSAFE)
def test_what_others_could_read_on_the_way_may_not(address: Address, settings: Settings):
    with pytest.raises(UnsafeAddress):
        require_safe(address, settings)


def test_a_certificate_of_its_own_is_enough_if_it_is_one(tmp_path: Path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    subprocess.run([*words.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    require_safe(Address("0.0.0.0", 0, is_public=True, certificate=certificate, key=key), Settings())
    for wrong in (
        Address("127.0.0.1", 0, certificate=certificate),
        Address("127.0.0.1", 0, certificate=certificate, key=certificate),
        Address("127.0.0.1", 0, certificate=tmp_path / "none", key=key),
    ):
        with pytest.raises(SettingFlaw):
            require_safe(wrong, Settings())
