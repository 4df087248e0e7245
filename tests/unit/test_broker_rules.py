"""What each broker lets whom say and hear: mosquitto's access list and EMQX's grant the very same."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from paho.mqtt.client import topic_matches_sub

from edge.config.resources import CHECKOUT
from edge.core.words import EventClass

BROKER = CHECKOUT / "broker"
MOSQUITTO = (BROKER / "acl").read_text(encoding="utf-8")
EMQX = (BROKER / "emqx/acl.conf").read_text(encoding="utf-8")

SAY, HEAR = "publish", "subscribe"
BOX, OTHER, CENTRE = "ktg-k7q2m9xa", "ktg-zzzzzzzz", "centre"
CLIENTS = (BOX, OTHER, CENTRE, "somebody", "keys")
LEAVES = (
    *(f"event/{each}" for each in EventClass),
    *("state", "beat", "reply", "receipt", "command", "picture/7c1f0b2e.1/1", "event", "picture", "event/alarm/deep"),
    *("state/deep", "later", "keys", "beat/"),
)
TOPICS = (
    *(f"kentongan/v1/{level}/{leaf}" for level, leaf in product(CLIENTS, LEAVES)),
    *("kentongan/v1/keys", "kentongan/v1/keys/deep", "kentongan/v1", "kentongan/v2/keys", f"kentongan/v2/{BOX}/state"),
    *("kentongan", "keys", "$SYS/broker/version", f"{BOX}/state", "anything"),
)

Grants = Callable[[str, str, str], bool]
"""(client, SAY or HEAR, topic without wildcards)"""


@dataclass(frozen=True, slots=True)
class Rule:
    """user: None for everybody. `{user}` in the topic is the client's own name."""

    user: str | None
    actions: frozenset[str]
    topic: str
    allow: bool = True

    def fits(self, client: str, action: str, topic: str) -> bool:
        filtered = self.topic.replace("{user}", client)
        return self.user in {None, client} and action in self.actions and topic_matches_sub(filtered, topic)


def mosquitto(text: str) -> Grants:
    """mosquitto.conf(5), acl_file: `topic` lines belong to the `user` above them, `pattern` lines to everybody."""
    ways = {"read": {HEAR}, "write": {SAY}, "readwrite": {SAY, HEAR}}
    rules, user = [], None
    for line in text.splitlines():
        match line.split():
            case ["user", name]:
                user = name
            case ["topic", way, topic]:
                rules.append(Rule(user, frozenset(ways[way]), topic))
            case ["pattern", way, topic]:
                rules.append(Rule(None, frozenset(ways[way]), topic.replace("%u", "{user}")))
            case [word, *_] if not word.startswith("#"):
                pytest.fail(f"not understood: {line}")
    return lambda client, action, topic: any(rule.fits(client, action, topic) for rule in rules)


TERM = re.compile(
    r'\{(?P<verdict>allow|deny), (?:all|\{username, "(?P<user>[^"]+)"\})'
    r'(?:, (?P<action>publish|subscribe|all), \["(?P<topic>[^"]+)"\])?\}\.'
)


def emqx(text: str) -> Grants:
    """EMQX 5, acl.conf: Erlang terms; the first that fits decides."""
    actions = {"publish": {SAY}, "subscribe": {HEAR}, "all": {SAY, HEAR}}
    rules = []
    for line in text.splitlines():
        if not line or line.startswith("%%"):
            continue
        term = TERM.fullmatch(line)
        assert term is not None, f"not understood: {line}"
        topic = (term["topic"] or "#").replace("${username}", "{user}")
        rules.append(Rule(term["user"], frozenset(actions[term["action"] or "all"]), topic, term["verdict"] == "allow"))
    assert rules[-1] == Rule(None, frozenset({SAY, HEAR}), "#", allow=False)
    return lambda client, action, topic: next((rule.allow for rule in rules if rule.fits(client, action, topic)), False)


def differences(one: Grants, other: Grants) -> list[tuple[str, str, str]]:
    asked = product(CLIENTS, (SAY, HEAR), TOPICS)
    return [each for each in asked if one(*each) is not other(*each)]


def test_both_brokers_grant_the_same_to_everybody() -> None:
    assert differences(mosquitto(MOSQUITTO), emqx(EMQX)) == []


@pytest.mark.parametrize("grants", [mosquitto(MOSQUITTO), emqx(EMQX)], ids=["mosquitto", "emqx"])
def test_what_they_grant_is_what_the_wiring_says(grants: Grants) -> None:
    own = f"kentongan/v1/{BOX}/"
    told = [topic.removeprefix(own) for topic in TOPICS if grants(BOX, SAY, topic)]
    assert {leaf.partition("/")[0] for leaf in told} == {"event", "state", "beat", "reply", "picture"}
    heard = {topic.removeprefix(own) for topic in TOPICS if grants(BOX, HEAR, topic)}
    assert heard == {"receipt", "command", "state", "kentongan/v1/keys"}
    everything = {topic for topic in TOPICS if topic_matches_sub("kentongan/v1/#", topic)}
    assert {topic for topic in TOPICS if grants(CENTRE, SAY, topic) and grants(CENTRE, HEAR, topic)} == everything
    assert not any(grants(BOX, action, f"kentongan/v1/{OTHER}/{leaf}") for action in (SAY, HEAR) for leaf in LEAVES)


RULES_OF_EMQX = [line for line in EMQX.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("line", RULES_OF_EMQX[:-1])
def test_a_rule_that_is_missing_or_reversed_is_noticed(line: str) -> None:
    for changed in ("", line.replace("{allow,", "{deny,", 1)):
        assert differences(mosquitto(MOSQUITTO), emqx(EMQX.replace(line, changed))) != []


# ---- the rest of the two files ---------------------------------------------------------------------------------------


def settings(name: str, separator: str) -> dict[str, str]:
    lines = (BROKER / name).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(separator) for line in lines if line and not line.startswith("#"))
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def test_both_brokers_are_set_up_alike() -> None:
    one, other = settings("mosquitto.conf", " "), settings("emqx/emqx.conf", " = ")
    tls = "listeners.ssl.default.ssl_options."
    assert other["listeners.ssl.default.bind"] == f"0.0.0.0:{one['listener']}"
    assert other["mqtt.max_packet_size"] == f"{one['max_packet_size']}B"
    assert other["mqtt.max_inflight"] == one["max_inflight_messages"]
    assert other["mqtt.max_mqueue_len"] == one["max_queued_messages"]
    assert other["listeners.ssl.default.tcp_options.nodelay"] == one["set_tcp_nodelay"] == "true"
    assert (other[f"{tls}verify"], other[f"{tls}fail_if_no_peer_cert"]) == ("verify_peer", one["require_certificate"])
    assert (other["mqtt.peer_cert_as_username"], one["use_identity_as_username"]) == ("cn", "true")
    assert (other["durable_sessions.enable"], other["retainer.backend.storage_type"]) == (one["persistence"], "disc")
    for leaf, name in (("cacertfile", "cafile"), ("certfile", "certfile"), ("keyfile", "keyfile")):
        assert Path(other[f"{tls}{leaf}"]).name == Path(one[name]).name
    assert other["authorization.no_match"] == "deny"
    assert 'type = file, enable = true, path = "/etc/emqx/kentongan-acl.conf"' in other["authorization.sources"]
    assert {other[f"listeners.{each}.default.enable"] for each in ("tcp", "ws", "wss")} == {"false"}
