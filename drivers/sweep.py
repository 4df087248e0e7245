"""Address by address, where multicast is dropped: a probe to each, and a knock at the ports where ONVIF may listen.

Slow on purpose. A batch of addresses is asked on the first port; only where somebody lives the others are tried.
"""

import selectors
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

from drivers.camera import PORTS, Address, Candidate
from drivers.interfaces import Interface
from drivers.knock import Answer, Knock
from drivers.ports import Configuration
from drivers.probing import Gathering, Mouth, Sought

PREFIX_MIN: Final = 22  # 1,022 addresses
ADDRESSES_MAX: Final = 4096  # of one sweep, over all networks
ADDRESSES_PER_S: Final = 100.0  # a Wi-Fi carries broadcasts at its slowest rate, and each new address costs one (ARP)
KNOCKS_PER_S: Final = 200.0
BATCH: Final = 64  # addresses
FLYING_MAX: Final = 128  # sockets open at once
SLOW_PORTS: Final = 2  # a machine that accepts and says nothing whole this often is asked no more
SWEEP_MAX_S: Final = 240.0  # whatever a network of tarpits does; four networks of honest ones take 190 s
LINGER_S: Final = 0.5  # for late answers to the last probes (APP_MAX_DELAY)
TURN_S: Final = 0.2
NEIGHBOURS: Final = Path("/proc/net/arp")
COMPLETE: Final = 0x2  # ATF_COM, linux/if_arp.h: it has answered with its hardware address
NEVER: Final = float("inf")

Answered = tuple[Candidate, Answer]


class Knocking:
    """Knocks of one process and the answers to its probes, in one loop."""

    def __init__(self, mouth: Mouth, gathering: Gathering, until: float) -> None:
        self._mouth = mouth
        self._gathering = gathering
        self._until = until
        self._selector = selectors.DefaultSelector()
        self._selector.register(mouth, selectors.EVENT_READ)
        self._flying: set[Knock] = set()

    def knock(self, targets: Iterable[Candidate], per_s: float) -> Iterator[Answered]:
        """Knock at each, no faster than `per_s`; yields each answer as it comes. targets: looked at only when due."""
        waiting, due = iter(targets), time.monotonic()
        while (now := time.monotonic()) < self._until:
            room = len(self._flying) < FLYING_MAX
            if room and now >= due:
                target = next(waiting, None)
                due = NEVER if target is None else max(due, now - TURN_S) + 1 / per_s
                if target is not None:
                    yield from self._begin(target)
            elif due == NEVER and not self._flying:
                return
            else:
                yield from self._turn(min(due, now + TURN_S) if room else now + TURN_S)

    def linger(self, seconds: float, enough: Callable[[], bool]) -> None:
        """Hear late answers to probes, for so long, or until there is enough."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not enough():
            for _ in self._turn(end):
                pass

    def close(self) -> None:
        for knock in self._flying:
            knock.close()
        self._flying.clear()
        self._selector.close()

    def _begin(self, target: Candidate) -> Iterator[Answered]:
        try:
            knock = Knock(target, time.monotonic)
        except OSError:  # no descriptor left: as if nobody were there
            yield target, Answer.NOBODY
            return
        if (answer := knock.begin()) is not None:
            knock.close()
            yield target, answer
            return
        self._flying.add(knock)
        self._selector.register(knock, selectors.EVENT_WRITE)

    def _turn(self, until: float) -> Iterator[Answered]:
        wait_s = min([until, *(knock.deadline for knock in self._flying)]) - time.monotonic()
        for key, _ in self._selector.select(max(0.0, wait_s)):
            if isinstance(key.fileobj, Knock):
                yield from self._advance(key.fileobj)
            else:
                self._hear()
        now = time.monotonic()
        for knock in [each for each in self._flying if each.deadline <= now]:
            yield self._end(knock, knock.expire())

    def _hear(self) -> None:
        for raw, host in self._mouth.hear():
            self._gathering.take(raw, host, self._mouth.asked)

    def _advance(self, knock: Knock) -> Iterator[Answered]:
        was = knock.connecting
        answer = knock.turn()
        if answer is not None:
            yield self._end(knock, answer)
        elif was and not knock.connecting:
            self._selector.modify(knock, selectors.EVENT_READ)

    def _end(self, knock: Knock, answer: Answer) -> Answered:
        self._flying.discard(knock)
        self._selector.unregister(knock)
        knock.close()
        return knock.target, answer


class Sweep:
    """One pass over addresses. on_link: those of which the kernel knows whether a machine is there."""

    def __init__(self, mouth: Mouth, gathering: Gathering, on_link: Callable[[str], bool]) -> None:
        self._mouth = mouth
        self._gathering = gathering
        self._on_link = on_link
        self._opened: dict[str, Candidate] = {}
        self._until = time.monotonic() + SWEEP_MAX_S

    def run(self, hosts: Sequence[str], progress: Callable[[int, int], None]) -> None:
        knocking = Knocking(self._mouth, self._gathering, self._until)
        try:
            for at in range(0, len(hosts), BATCH):
                progress(at, len(hosts))
                self._batch(knocking, hosts[at : at + BATCH])
            knocking.linger(LINGER_S, lambda: False)
        finally:
            knocking.close()
        for host in self._opened.keys() - self._gathering.hosts():  # who answered a probe has said more, and its name
            self._gathering.add(self._opened[host])
        progress(len(hosts), len(hosts))

    def _batch(self, knocking: Knocking, hosts: Sequence[str]) -> None:
        answers: dict[str, Answer] = {}
        for target, answer in knocking.knock(self._first(hosts), ADDRESSES_PER_S):
            answers[target.address.host] = answer
            self._note(target, answer)
        alive = neighbours()
        living = [host for host in hosts if self._lives(host, answers.get(host, Answer.NOBODY), alive)]
        slow = Counter(host for host, answer in answers.items() if answer is Answer.OTHER)
        for target, answer in knocking.knock(self._others(living, slow), KNOCKS_PER_S):
            slow[target.address.host] += answer is Answer.OTHER
            self._note(target, answer)

    def _first(self, hosts: Sequence[str]) -> Iterator[Candidate]:
        for host in hosts:
            with suppress(OSError):  # no route, no buffer: the knock says the same, and is not alone
                self._mouth.ask(Sought.VIDEO, host)
            yield Candidate(Address(host, PORTS[0]))

    def _others(self, living: Sequence[str], slow: Counter[str]) -> Iterator[Candidate]:
        for port in PORTS[1:]:
            for host in living:
                if not self._found(host) and slow[host] < SLOW_PORTS:
                    yield Candidate(Address(host, port))

    def _lives(self, host: str, answer: Answer, alive: set[str] | None) -> bool:
        """Where nothing can be known of a silent address, it counts as alive."""
        if answer is not Answer.NOBODY or alive is None or not self._on_link(host):
            return True
        return host in alive

    def _note(self, target: Candidate, answer: Answer) -> None:
        if answer is Answer.ONVIF:
            self._opened.setdefault(target.address.host, target)

    def _found(self, host: str) -> bool:
        return host in self._opened or host in self._gathering.hosts()


def neighbours() -> set[str] | None:
    """Addresses that have answered ARP lately, or None where the kernel does not tell."""
    try:
        lines = NEIGHBOURS.read_text("ascii").splitlines()[1:]
        return {words[0] for words in map(str.split, lines) if int(words[2], 16) & COMPLETE}
    except (OSError, ValueError, IndexError):
        return None


def addresses_of(named: Sequence[str], interfaces: Sequence[Interface]) -> list[str]:
    """Every address of the networks, or of our own where none is named, without ourselves.

    Raises Configuration for what is no IPv4 network, is larger than /22, or is neither ours nor private.
    """
    own = [interface.network for interface in interfaces]
    networks = [_network(each, own) for each in named] or [each for each in own if each.prefixlen >= PREFIX_MIN]
    if not networks:
        raise Configuration(f"no network of ours is /{PREFIX_MIN} or smaller; name a part: 192.168.1.0/24")
    ours = {interface.address for interface in interfaces}
    hosts = dict.fromkeys(str(host) for network in networks for host in network.hosts())
    swept = [host for host in hosts if host not in ours]
    if len(swept) > ADDRESSES_MAX:
        raise Configuration(f"{len(swept)} addresses in all; at most {ADDRESSES_MAX} at once")
    return swept


def _network(named: str, own: Sequence[IPv4Network]) -> IPv4Network:
    try:
        network = IPv4Network(named.strip(), strict=False)
    except ValueError as error:
        raise Configuration(f"not an IPv4 network: {named[:40]!r}; write it as 192.168.1.0/24") from error
    if network.prefixlen < PREFIX_MIN:
        raise Configuration(
            f"{network} has {network.num_addresses} addresses; at most /{PREFIX_MIN} ({2 ** (32 - PREFIX_MIN)})"
        )
    if not (any(network.overlaps(each) for each in own) or is_local(network.network_address)):
        raise Configuration(f"{network} is neither ours nor private: cameras of others are not looked for")
    return network


def is_local(address: IPv4Address) -> bool:
    """RFC 1918, 169.254/16 and loopback: what no router of the internet carries."""
    return any(address in network for network in LOCAL)


LOCAL: Final = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8"))
)
