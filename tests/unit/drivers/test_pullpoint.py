"""What is read of a subscription's answers, beside what the simulated camera shows."""

import pytest

from drivers.camera import Happening
from drivers.pullpoint import MESSAGES, happenings, parameters_of
from drivers.soap import Envelope, read_envelope

NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:n="http://docs.oasis-open.org/wsn/b-2" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:k="urn:k"'
)


def told(body: str) -> Envelope:
    return read_envelope(f"<s:Envelope {NAMESPACES}><s:Body><k:a>{body}</k:a></s:Body></s:Envelope>".encode())


def message(topic: str, item: str = "State", value: str = "true", operation: str = "Changed", source: str = "") -> str:
    return (
        f"<n:NotificationMessage><n:Topic>{topic}</n:Topic><n:Message><tt:Message PropertyOperation='{operation}'>"
        f"<tt:Source><tt:SimpleItem Name='t' Value='{source}'/></tt:Source>"
        f"<tt:Data><tt:SimpleItem Name='{item}' Value='{value}'/></tt:Data>"
        "</tt:Message></n:Message></n:NotificationMessage>"
    )


@pytest.mark.parametrize(
    ("topic", "item", "what"),
    [
        ("tns1:RuleEngine/CellMotionDetector/Motion", "IsMotion", Happening.MOTION),
        ("tns1:VideoSource/MotionAlarm", "State", Happening.MOTION),
        ("tns1:RuleEngine/tnsx:MotionRegionDetector/tnsx:Motion", "State", Happening.MOTION),
        ("RuleEngine/CellMotionDetector/Motion//.", "IsMotion", Happening.MOTION),
        ("tns1:VideoSource/GlobalSceneChange/ImagingService", "State", Happening.TAMPER),
        ("tns1:VideoSource/ImageTooDark/AnalyticsService", "State", Happening.TAMPER),
        ("tns1:RuleEngine/TamperDetector/Tamper", "IsTamper", Happening.TAMPER),
        ("tns1:Device/Trigger/DigitalInput", "LogicalState", Happening.INPUT),
    ],
)
def test_topics_are_known_by_their_words(topic: str, item: str, what: Happening) -> None:
    assert list(happenings(told(message(topic, item)))) == [(what, True, "")]


@pytest.mark.parametrize(
    ("topic", "item", "operation"),
    [
        ("tns1:RuleEngine/MyRuleDetector/PeopleDetect", "State", "Changed"),  # no recognition of persons, ever
        ("tns1:RuleEngine/FaceDetector", "State", "Changed"),
        ("tns1:Monitoring/ProcessorUsage", "Value", "Changed"),
        ("tns1:VideoSource/MotionAlarm", "State", "Deleted"),
        ("tns1:VideoSource/MotionAlarm", "Sensitivity", "Changed"),
        ("", "State", "Changed"),
        ("/" * 100_000 + "MotionAlarm", "State", "Changed"),
    ],
)
def test_what_is_let_go_by(topic: str, item: str, operation: str) -> None:
    assert list(happenings(told(message(topic, item, operation=operation)))) == []


@pytest.mark.parametrize(
    ("value", "active"), [("true", True), ("1", True), (" TRUE ", True), ("false", False), ("", False)]
)
def test_a_state_is_on_where_it_says_so(value: str, active: bool) -> None:
    ((_, found, _),) = happenings(told(message("a/MotionAlarm", value=value)))
    assert found is active


def test_a_source_is_printable_and_short() -> None:
    ((_, _, source),) = happenings(told(message("a/MotionAlarm", source="&#10;&#x202e;" + "x" * 500)))
    assert source == "x" * 64


def test_of_a_flood_of_messages_no_more_are_read_than_were_asked_for() -> None:
    assert len(list(happenings(told(message("a/MotionAlarm") * 400)))) == MESSAGES


def test_reference_parameters_go_back_marked_and_few() -> None:
    said = told("<wsa:ReferenceParameters>" + "<k:Id>7</k:Id>tail" * 30 + "</wsa:ReferenceParameters>").body[0][0]
    kept = parameters_of(said)
    assert len(kept) == 8
    assert {element.get("{http://www.w3.org/2005/08/addressing}IsReferenceParameter") for element in kept} == {"true"}
    assert (kept[0].text, kept[0].tail) == ("7", None)
    assert parameters_of(None) == ()
