"""A picture for one reader alone: libsodium's sealed box to the centre's picture key.

Source: libsodium, crypto_box_seal (X25519, XSalsa20-Poly1305). Nothing on this box can open it again.
"""

import os
from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl
from hashlib import sha256
from typing import Final

from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

KEY_BYTES: Final = 32
OVERHEAD: Final = 48  # bytes that sealing adds
_EVERY_SEAL: Final = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL


def seal(picture: bytes, key: bytes) -> bytes:
    """Encrypt for whoever holds the private half of `key` (X25519, 32 bytes). Raises ValueError for another key."""
    try:
        return SealedBox(PublicKey(key)).encrypt(picture)
    except (CryptoError, TypeError) as error:
        raise ValueError("no X25519 key") from error


def digest(ciphertext: bytes) -> str:
    """SHA-256, 64 lower-case hex digits."""
    return sha256(ciphertext).hexdigest()


def sealed_memory(content: bytes) -> int:
    """A descriptor whose content can neither change nor vanish, and whose reader touches no disk (memfd_create(2)).

    The caller closes it. Raises OSError.
    """
    descriptor = os.memfd_create("picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        fcntl(descriptor, F_ADD_SEALS, _EVERY_SEAL)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
