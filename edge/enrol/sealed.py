"""Bytes for one reader alone: libsodium's sealed box, to the key that also signs, or to one that only opens pictures.

Sources: libsodium, crypto_box_seal; crypto_sign_ed25519_pk_to_curve25519, which makes an X25519 key of an Ed25519 one.
"""

import zlib

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey, VerifyKey

from edge.config.written import SIZE_MAX
from edge.core.seal import Forged


def sealed_for(public: bytes, content: bytes) -> bytes:
    """Encrypt for whoever holds the Ed25519 seed behind `public` (32 bytes). Nobody learns who wrote it."""
    return SealedBox(VerifyKey(public).to_curve25519_public_key()).encrypt(zlib.compress(content, 9))


def unsealed(seed: bytes, sealed: bytes) -> bytes:
    """Read what was sealed for the key of `seed` (32 bytes); at most as much as a site.toml may be.

    raises: Forged if it was not, or was changed since
    """
    try:
        packed = SealedBox(SigningKey(seed).to_curve25519_private_key()).decrypt(sealed)
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, SIZE_MAX)
    except (CryptoError, ValueError, zlib.error) as error:
        raise Forged("not sealed for this key, or damaged") from error
    if not unpacking.eof:
        raise Forged(f"larger than {SIZE_MAX} bytes")
    return content


def opened(seed: bytes, sealed: bytes) -> bytes:
    """Read what was sealed for the X25519 key of `seed` (32 bytes). Raises Forged if it was not, or was changed."""
    try:
        return SealedBox(PrivateKey(seed)).decrypt(sealed)
    except (CryptoError, ValueError, TypeError) as error:
        raise Forged("not sealed for this key, or damaged") from error
