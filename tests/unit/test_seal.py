import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from edge.core.seal import (
    Binding,
    CentreKey,
    Forged,
    Keyset,
    Signer,
    Use,
    b64,
    open_jws,
    read_binding,
    read_keyset,
    sign_by_root,
    sign_jws,
    unb64,
    verify,
)
from edge.core.words import BoxId, SiteId

# RFC 8037, appendix A: the example key and its signature.
RFC_SEED = unb64("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
RFC_PUBLIC = unb64("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
RFC_SIGNED = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
RFC_SIGNATURE = unb64("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")

SIGNER = Signer(RFC_SEED)
KEYS = {"k1": SIGNER.public}


def test_rfc_8037_signature_is_made_and_verified() -> None:
    assert SIGNER.public == RFC_PUBLIC
    assert SIGNER.sign(RFC_SIGNED) == RFC_SIGNATURE
    verify(RFC_PUBLIC, RFC_SIGNATURE, RFC_SIGNED)


@given(st.binary(max_size=500))
def test_a_jws_opens_to_what_was_signed(payload: bytes) -> None:
    assert open_jws(sign_jws(payload, "k1", SIGNER), KEYS.get) == payload


def _joserfc_key() -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "d": b64(RFC_SEED), "x": b64(RFC_PUBLIC)})


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # it calls EdDSA by its RFC 9864 name now
def test_an_independent_library_reads_ours_and_we_read_theirs() -> None:
    key = _joserfc_key()
    ours = sign_jws(b'{"v":1}', "k1", SIGNER).decode()
    assert jws.deserialize_compact(ours, key, algorithms=["EdDSA"]).payload == b'{"v":1}'
    theirs = jws.serialize_compact({"alg": "EdDSA", "kid": "k1"}, b"hello", key, algorithms=["EdDSA"])
    assert open_jws(theirs.encode(), KEYS.get) == b"hello"


def _with_header(**header: object) -> bytes:
    head = b64(json.dumps(header).encode())
    signed = f"{head}.{b64(b'x')}".encode()
    return signed + b"." + b64(SIGNER.sign(signed)).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (_with_header(alg="none", kid="k1"), "algorithm"),
        (_with_header(alg="HS256", kid="k1"), "algorithm"),
        (_with_header(alg="EdDSA", kid="k1", crit=["b64"]), "header"),
        (_with_header(alg="EdDSA", kid="other"), "unknown key"),
        (_with_header(alg="EdDSA"), "header"),
        (b"a.b", "compact"),
        (b"", "compact"),
        (b"x" * 20_000, "larger"),
    ],
)
def test_a_jws_that_is_not_ours_is_refused_by_name(raw: bytes, reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        open_jws(raw, KEYS.get)


@given(st.data())
def test_no_altered_byte_is_accepted(data: st.DataObject) -> None:
    raw = bytearray(sign_jws(b"silence", "k1", SIGNER))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Forged):
        open_jws(bytes(raw), KEYS.get)


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_never_crashes(raw: bytes) -> None:
    with pytest.raises(Forged):
        open_jws(raw, KEYS.get)


def test_a_second_spelling_of_the_same_bytes_is_refused() -> None:
    with pytest.raises(Forged, match="canonical"):
        unb64("AB")  # decodes to one byte, whose own spelling is AA
    with pytest.raises(Forged):
        unb64("AA==")


def test_root_signs_keyset_and_binding_and_nobody_else_can() -> None:
    keyset = Keyset(3, (CentreKey("r1", Use.RECEIPT, b64(RFC_PUBLIC), 0, 2**40),), (BoxId("ktg-aaaaaaaa"),))
    binding = Binding(BoxId("ktg-bbbbbbbb"), SiteId("33.74.10.1004-010-005"))
    assert read_keyset(sign_by_root(keyset, SIGNER), RFC_PUBLIC) == keyset
    assert read_binding(sign_by_root(binding, SIGNER), RFC_PUBLIC) == binding
    with pytest.raises(Forged):
        read_keyset(sign_by_root(keyset, Signer(bytes(32))), RFC_PUBLIC)
    with pytest.raises(Forged, match="form"):
        read_keyset(sign_by_root(binding, SIGNER), RFC_PUBLIC)


def test_a_key_serves_only_its_own_use() -> None:
    keyset = Keyset(1, (CentreKey("r1", Use.RECEIPT, b64(RFC_PUBLIC), 0, 2**40),))
    raw = sign_jws(b"x", "r1", SIGNER)
    assert open_jws(raw, keyset.key_of(Use.RECEIPT)) == b"x"
    with pytest.raises(Forged, match="unknown key"):
        open_jws(raw, keyset.key_of(Use.COMMAND_SILENCE))


def test_a_signer_never_shows_its_seed() -> None:
    shown = repr(SIGNER) + str(SIGNER)
    assert b64(RFC_SEED) not in shown
    assert RFC_SEED.hex() not in shown
