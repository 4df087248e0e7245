"""Warnings before a certificate ends, and the reading of its end."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from drivers.expiry import earliest_end, end_of
from edge.centre.certificates import CertificateAuthority
from edge.core.papers import DAY_S, Papers
from edge.core.words import Restored, Troubled

NOW = 1_790_000_000
CODE = "E-CERT-ENDS"


def told(papers: Papers, *days_left: float, whose: str = "own") -> list[str]:
    """What is said while the end comes nearer: "lamp", "quiet" or "over"."""
    said: list[str] = []
    papers.shown({whose: NOW + 100 * DAY_S})
    for days in days_left:
        due = papers.due(int(NOW + (100 - days) * DAY_S))
        said += ["over" if isinstance(each, Restored) else "lamp" if each.lamp else "quiet" for each in due]
    return said


def test_each_warning_is_given_once_and_the_lamp_joins_in_at_seven_days() -> None:
    assert told(Papers(), 99, 31, 30, 29, 8, 7, 6, 2, 1, 0.5, 0, -5) == [
        "quiet", "over", "lamp", "over", "lamp",
    ]  # fmt: skip


def test_a_box_that_was_off_meanwhile_is_warned_as_late_as_it_is() -> None:
    assert told(Papers(), 0.5) == ["lamp"]


@pytest.mark.parametrize("whose", ["own", "authority", "broker"])
def test_the_one_that_ends_first_is_named_with_its_day(whose: str) -> None:
    papers = Papers()
    papers.shown({"own": NOW + 90 * DAY_S, "authority": NOW + 90 * DAY_S, "broker": NOW + 90 * DAY_S})
    papers.shown({whose: NOW + 3 * DAY_S})

    (trouble,) = papers.due(NOW)

    assert isinstance(trouble, Troubled)
    assert trouble.code == CODE
    date = datetime.fromtimestamp(NOW + 3 * DAY_S, UTC).date().isoformat()
    assert trouble.text.endswith(f"ends on {date}")
    assert {"own": "box", "authority": "broker-ca.pem", "broker": "broker's"}[whose] in trouble.text


def test_a_renewed_certificate_ends_the_trouble() -> None:
    papers = Papers()
    papers.shown({"own": NOW + 3 * DAY_S})
    papers.due(NOW)

    papers.shown({"own": NOW + 800 * DAY_S})

    assert papers.due(NOW) == [Restored(CODE)]
    assert papers.due(NOW) == []


@given(st.dictionaries(st.text(max_size=9), st.integers(-(2**63), 2**63)), st.integers(0, 2**40))
def test_nothing_that_a_relay_may_say_breaks_it(ends: dict[str, int], utc_s: int) -> None:
    papers = Papers()
    papers.shown(ends)
    papers.shown(dict(zip(("own", "broker"), ends.values(), strict=False)))
    papers.due(utc_s)


# ---- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [2026, 2049, 2050, 2070])
def test_the_end_is_read_from_the_certificate(year: int) -> None:
    """Before 2050 as UTCTime, from then on as GeneralizedTime: RFC 5280, 4.1.2.5."""
    made = datetime(year - 3, 5, 6, 7, 8, 9, tzinfo=UTC)
    authority = CertificateAuthority.make("centre", made)
    box = authority.for_client("ktg-k7q2m9xa", made)

    end = earliest_end(box.certificate)

    assert end == certified_end(box.certificate)
    assert earliest_end(authority.pem.certificate + box.certificate) == min(
        end, certified_end(authority.pem.certificate)
    )


def certified_end(pem: bytes) -> int:
    return int(x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp())


CERTIFICATE = CertificateAuthority.make("centre", datetime.now(UTC) - timedelta(days=1)).pem.certificate


@given(st.integers(0, 400), st.binary(max_size=8))
def test_a_torn_certificate_is_a_value_error(cut: int, noise: bytes) -> None:
    der = base64.b64decode(b"".join(CERTIFICATE.splitlines()[1:-1]))
    try:
        end_of(der[:cut] + noise + der[cut + len(noise) :])
        end_of(der[:cut])
    except ValueError:
        return


def test_a_file_without_a_certificate_is_a_value_error() -> None:
    for content in (b"", b"missing", b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----"):
        with pytest.raises(ValueError):  # noqa: PT011  # whatever it says, it is told as "cannot be read"
            earliest_end(content)
