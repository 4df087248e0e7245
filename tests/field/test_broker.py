"""The broker that the demo and the tests stand on: real, on loopback, and gone without a trace."""

import os
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.centre.certificates import CertificateAuthority
from edge.field.broker import (
    ANONYMOUS,
    LOOPBACK,
    Broker,
    BrokerFailed,
    BrokerNotFound,
    Program,
    Tls,
    find_broker,
)
from edge.field.debian import Apt, NotFetched

CACHE = Path(__file__).parents[2] / ".cache"

# MQTT 5: CONNECT, clean start, keep alive 60 s, no properties, client "t"; CONNACK is type 2, its byte 3 the reason
CONNECT = bytes.fromhex("10 0e 00 04 4d 51 54 54 05 02 00 3c 00 00 01 74")


@pytest.fixture(scope="module")
def program() -> Program:
    return find_broker(CACHE)


def broker(program: Program, parent: Path, **changes: object) -> Broker:
    return Broker(program, listeners={"plain": ANONYMOUS}, parent=parent, **changes)  # type: ignore[arg-type]  # test only


def greet(port: int, *, within_s: float = 5.0) -> int:
    """Say CONNECT and return the reason of the CONNACK."""
    with socket.create_connection((LOOPBACK, port), timeout=within_s) as talk:
        talk.sendall(CONNECT)
        answer = talk.recv(64)
    assert answer[0] == 0x20
    return answer[3]


def test_an_mqtt_5_client_is_welcome(program: Program, tmp_path: Path) -> None:
    with broker(program, tmp_path) as running:
        assert greet(running.ports["plain"]) == 0


def test_two_listeners_have_two_ports(program: Program, tmp_path: Path) -> None:
    with Broker(program, listeners={"one": ANONYMOUS, "two": ANONYMOUS}, parent=tmp_path) as running:
        assert len(set(running.ports.values())) == 2
        assert [greet(port) for port in running.ports.values()] == [0, 0]


def test_listener_lines_reach_mosquitto(program: Program, tmp_path: Path) -> None:
    with Broker(program, listeners={"closed": ("allow_anonymous false",)}, parent=tmp_path) as running:
        assert greet(running.ports["closed"]) == 0x87  # not authorized


def test_a_tls_listener_takes_the_user_name_from_the_certificate(program: Program, tmp_path: Path) -> None:
    tls, client = pairs(tmp_path)
    lines = ["log_type all", "connection_messages true"]
    with Broker(program, listeners={"tls": tls.lines()}, lines=lines, parent=tmp_path) as running:
        context = ssl.create_default_context(cafile=tls.authority)
        context.load_cert_chain(client)
        assert answer_over_tls(running.ports["tls"], context)[3] == 0
        assert "u'ktg-abcdefgh'" in running.log()


def test_a_tls_listener_wants_a_certificate(program: Program, tmp_path: Path) -> None:
    tls, _ = pairs(tmp_path)
    with Broker(program, listeners={"tls": tls.lines()}, parent=tmp_path) as running:
        context = ssl.create_default_context(cafile=tls.authority)
        assert answer_over_tls(running.ports["tls"], context) == b""


def answer_over_tls(port: int, context: ssl.SSLContext) -> bytes:
    """What CONNECT is answered with; nothing where the broker hangs up."""
    with (
        socket.create_connection((LOOPBACK, port), timeout=5.0) as plain,
        context.wrap_socket(plain, server_hostname=LOOPBACK) as talk,
    ):
        try:
            talk.sendall(CONNECT)
            return talk.recv(64)
        except (ssl.SSLError, ConnectionError):
            return b""


def pairs(folder: Path) -> tuple[Tls, Path]:
    """A broker's certificate and a box's, by one authority; the box's certificate and key share a file."""
    now = datetime.now(UTC)
    authority = CertificateAuthority.make("test", now)
    server, client = authority.for_server("broker", (LOOPBACK,), now), authority.for_client("ktg-abcdefgh", now)
    written = {"ca": authority.pem.certificate, "cert": server.certificate, "key": server.key}
    for name, content in {**written, "client": client.certificate + client.key}.items():
        (folder / f"{name}.pem").write_bytes(content)
    tls = Tls(authority=folder / "ca.pem", certificate=folder / "cert.pem", key=folder / "key.pem")
    return tls, folder / "client.pem"


def test_exit_leaves_no_process_and_no_file(program: Program, tmp_path: Path) -> None:
    with broker(program, tmp_path) as running:
        pid = running.pid
        assert running.folder.is_dir()
    assert not Path(f"/proc/{pid}").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_frozen_broker_is_ended_too(program: Program, tmp_path: Path) -> None:
    with broker(program, tmp_path) as running:
        pid = running.pid
        running.freeze()
    assert not Path(f"/proc/{pid}").exists()


def test_killed_it_refuses_and_comes_back_on_the_same_port(program: Program, tmp_path: Path) -> None:
    with broker(program, tmp_path) as running:
        port, pid = running.ports["plain"], running.pid
        running.kill()
        assert not Path(f"/proc/{pid}").exists()
        with pytest.raises(ConnectionRefusedError):
            greet(port)
        running.start()
        assert running.ports["plain"] == port
        assert running.pid != pid
        assert greet(port) == 0


def test_nobody_is_given_the_port_of_a_dead_broker(program: Program, tmp_path: Path) -> None:
    with broker(program, tmp_path) as running:
        running.kill()
        with socket.socket() as intruder, pytest.raises(OSError, match="in use"):
            intruder.bind((LOOPBACK, running.ports["plain"]))


def test_frozen_it_is_silent_and_thawed_it_answers(program: Program, tmp_path: Path) -> None:
    with broker(program, tmp_path) as running:
        running.freeze()
        with pytest.raises(TimeoutError):
            greet(running.ports["plain"], within_s=0.2)
        running.thaw()
        assert greet(running.ports["plain"]) == 0


def test_a_bad_configuration_is_reported_in_mosquittos_words(program: Program, tmp_path: Path) -> None:
    with pytest.raises(BrokerFailed, match="no_such_option"), broker(program, tmp_path, lines=["no_such_option 1"]):
        pass
    assert list(tmp_path.iterdir()) == []


def test_it_does_not_outlive_a_killed_parent(program: Program, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from edge.field.broker import *\n"
        "broker = Broker(find_broker(Path(sys.argv[1])), listeners={'plain': ANONYMOUS}, parent=Path(sys.argv[2]))\n"
        "broker.__enter__(); print(broker.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, CACHE, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        orphan = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        assert wait_for_end(orphan, within_s=5.0)
    finally:
        os.close(orphan)


def wait_for_end(pidfd: int, *, within_s: float) -> bool:
    import select

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(within_s * 1000))


def test_the_variable_wins(monkeypatch: pytest.MonkeyPatch, program: Program, tmp_path: Path) -> None:
    monkeypatch.setenv("MOSQUITTO", str(program.path))
    assert find_broker(tmp_path / "empty").path == program.path


def test_a_variable_that_points_nowhere_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MOSQUITTO", str(tmp_path / "missing"))
    with pytest.raises(BrokerNotFound, match="missing"):
        find_broker(tmp_path)


def test_the_cached_copy_is_used_without_asking_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "mosquitto/usr/sbin/mosquitto"
    copy.parent.mkdir(parents=True)
    copy.touch(mode=0o755)
    monkeypatch.delenv("MOSQUITTO", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("edge.field.broker.SYSTEM_PLACES", ())
    assert find_broker(tmp_path) == Program(copy, tmp_path / "mosquitto/libraries")


def test_unsigned_packages_are_refused(tmp_path: Path) -> None:
    """apt must be the one that refuses: the package is there and whole, only nobody signed the list."""
    shelf = tmp_path / "shelf"
    build_package(tmp_path / "build", shelf / "honest_1_all.deb")
    (shelf / "Packages").write_text(package_list(shelf / "honest_1_all.deb"))
    (shelf / "Release").write_text("Suite: none\n")
    (tmp_path / "sources.list").write_text(f"deb file:{shelf} ./\n")
    apt = Apt(
        folder=tmp_path / "apt",
        lists=tmp_path / "none",
        sources=tmp_path / "sources.list",
        source_parts=tmp_path / "none",
    )
    with pytest.raises(NotFetched, match=r"not signed|authenticated"):
        apt.fetch(["honest"], tmp_path / "into")
    assert not list((tmp_path / "into").glob("*.deb"))


def build_package(folder: Path, archive: Path) -> None:
    (folder / "DEBIAN").mkdir(parents=True)
    archive.parent.mkdir()
    control = (
        "Package: honest\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: none\n"
    )
    (folder / "DEBIAN/control").write_text(control)
    subprocess.run(["dpkg-deb", "--build", folder, archive], check=True, capture_output=True)


def package_list(archive: Path) -> str:
    import hashlib

    content = archive.read_bytes()
    return (
        "Package: honest\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: none\n"
        f"Filename: ./{archive.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    )


def test_stop_is_orderly(program: Program, tmp_path: Path) -> None:
    with broker(program, tmp_path, lines=["persistence true", f"persistence_location {tmp_path}/"]) as running:
        running.stop()
        assert (tmp_path / "mosquitto.db").exists()
        assert not running.running
        running.stop()
