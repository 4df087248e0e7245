"""Who may reach a link's socket."""

import os
import pwd
import stat
from pathlib import Path

import pytest

from edge.link.sockets import connect, listen


@pytest.mark.skipif(os.geteuid() != 0, reason="only root, or a member of both, can give a file to another group")
def test_a_socket_belongs_to_the_group_of_the_user_it_is_for(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    with listen(tmp_path / "relay.sock", user=nobody.pw_uid):
        found = (tmp_path / "relay.sock").stat()
    assert (found.st_gid, stat.S_IMODE(found.st_mode)) == (nobody.pw_gid, 0o660)


def test_a_user_who_does_not_exist_holds_no_socket_back(tmp_path: Path) -> None:
    with listen(tmp_path / "relay.sock", user=2**31 - 7), connect(tmp_path / "relay.sock"):
        assert (tmp_path / "relay.sock").stat().st_gid == os.getegid()
