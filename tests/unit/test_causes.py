"""Each cause of a lost bearer leads to the message whose advice mends it."""

import pytest

from edge.core import codes
from edge.core.faults import Meaning
from edge.link.causes import meaning_of


@pytest.mark.parametrize(
    ("cause", "meaning"),
    [
        ("dns", codes.BROKER_UNREACHABLE),
        ("half-open", codes.BROKER_UNREACHABLE),
        ("closed-0x8B", codes.BROKER_UNREACHABLE),
        ("tls-expired", codes.BROKER_TLS),
        ("tls", codes.BROKER_TLS),
        ("tls-client", codes.BROKER_REFUSED),
        ("tls-files", codes.IDENTITY_MISSING),
        ("refused-0x86", codes.BROKER_REFUSED),
        ("refused-features", codes.BROKER_REFUSED),
        ("closed-0x87", codes.BROKER_REFUSED),
    ],
)
def test_a_cause_leads_to_the_advice_that_mends_it(cause: str, meaning: Meaning) -> None:
    assert meaning_of(cause) is meaning
