"""A box's TLS key and the request to have it certified. No certificate is signed here.

Sources: PKCS #10 (RFC 2986), FIPS 186-5 (P-256).
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Raises ValueError for a file that holds no key on a curve."""
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a key on a curve")  # noqa: TRY004  # the file's fault, not a caller's
    return key


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    """Make a signing request (PEM) whose CN is `name`; the key stays where it was made."""
    built = x509.CertificateSigningRequestBuilder().subject_name(named(name)).sign(key, hashes.SHA256())
    return built.public_bytes(serialization.Encoding.PEM)


def why_not_ours(certificate: bytes, authority: bytes, key: ec.EllipticCurvePrivateKey, name: str) -> str:
    """Say why this certificate (PEM) is not the one for our key and CN `name` by that authority (PEM); "" if it is.

    Its dates are not looked at: a box at its first start may have no clock.
    """
    try:
        ours, issuer = x509.load_pem_x509_certificate(certificate), x509.load_pem_x509_certificate(authority)
        ours.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return "the certificate is not by the authority beside it"
    except (ValueError, TypeError) as error:
        return f"no certificate: {error}"
    if ours.subject != named(name):
        return "the certificate has another name"
    if ours.public_key() != key.public_key():
        return "the certificate is for another key"
    return ""


def authority_print(authority: bytes) -> bytes:
    """SHA-256 of the certificate (PEM in, 32 bytes out). Raises ValueError."""
    return x509.load_pem_x509_certificate(authority).fingerprint(hashes.SHA256())
