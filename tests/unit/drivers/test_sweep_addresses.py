"""What may be swept: our own networks and private ones that were named, none too large."""

from ipaddress import IPv4Network

import pytest

from drivers.interfaces import Interface
from drivers.ports import Configuration
from drivers.sweep import NEIGHBOURS, addresses_of, neighbours


def interface(address: str, network: str) -> Interface:
    return Interface("eth0", 2, address, IPv4Network(network))


HOME = interface("192.168.1.2", "192.168.1.0/29")
LINK_LOCAL = interface("169.254.3.3", "169.254.0.0/16")


def test_our_own_network_without_ourselves() -> None:
    assert addresses_of((), [HOME]) == [f"192.168.1.{last}" for last in (1, 3, 4, 5, 6)]


def test_one_that_is_too_large_does_not_stop_the_others() -> None:
    assert addresses_of((), [LINK_LOCAL, HOME]) == addresses_of((), [HOME])


def test_where_all_are_too_large_it_says_what_to_do() -> None:
    with pytest.raises(Configuration, match=r"no network of ours is /22 or smaller; name a part"):
        addresses_of((), [LINK_LOCAL])


def test_a_named_one_is_swept_instead_of_ours() -> None:
    assert addresses_of(("10.9.8.0/30",), [HOME]) == ["10.9.8.1", "10.9.8.2"]
    assert addresses_of(("192.168.1.4/31",), [HOME]) == ["192.168.1.4", "192.168.1.5"]
    assert addresses_of(("169.254.3.0/30",), [LINK_LOCAL]) == ["169.254.3.1", "169.254.3.2"]


def test_the_largest_has_1022_addresses_and_each_is_asked_once() -> None:
    assert len(addresses_of(("10.0.0.0/22", "10.0.1.0/24"), [HOME])) == 1022 + 2 - 2


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("10.0.0.0/21", r"10.0.0.0/21 has 2048 addresses; at most /22"),
        ("0.0.0.0/0", "at most /22"),
        ("192.168.1.0/24x", "not an IPv4 network"),
        ("fe80::/64", "not an IPv4 network"),
        ("", "not an IPv4 network"),
        ("8.8.8.0/24", "neither ours nor private"),
        ("100.64.0.0/24", "neither ours nor private"),
    ],
)
def test_what_is_refused_is_refused_for_its_reason(named: str, why: str) -> None:
    with pytest.raises(Configuration, match=why):
        addresses_of((named,), [HOME])


def test_many_networks_are_too_large_together() -> None:
    with pytest.raises(Configuration, match="5110 addresses in all; at most 4096 at once"):
        addresses_of(tuple(f"10.{each}.0.0/22" for each in range(5)), [HOME])


def test_a_public_network_is_swept_where_it_is_ours() -> None:
    ours = interface("203.0.113.2", "203.0.113.0/29")
    assert addresses_of(("203.0.113.0/29",), [ours]) == addresses_of((), [ours])


def test_the_kernel_s_table_of_neighbours_is_read() -> None:
    assert NEIGHBOURS.exists()
    assert neighbours() is not None
