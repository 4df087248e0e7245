"""A small certificate authority: one broker, one centre, one certificate per box. The only file that signs X.509.

Sources: RFC 5280 (extensions below are what VERIFY_X509_STRICT of Python 3.13 asks for), FIPS 186-5 (P-256).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.centre.trust import RequestRefused
from edge.enrol.tls_key import named, new_key, private_pem, read_key

AUTHORITY_LIFE: Final = timedelta(days=20 * 365)  # outlives every box it names
CERTIFICATE_LIFE: Final = timedelta(days=5 * 365)
_PEM: Final = serialization.Encoding.PEM
EARLIER: Final = timedelta(hours=1)  # a client whose clock is a little late must not be turned away


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with the key that belongs to it, both PEM."""

    certificate: bytes
    key: bytes


class CertificateAuthority:
    """Signs for one name at a time; `now` is aware UTC."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def make(cls, name: str, now: datetime) -> Self:
        key = new_key()
        builder = (
            _builder(name, key.public_key(), now, AUTHORITY_LIFE)
            .issuer_name(named(name))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, pem: Issued) -> Self:
        """Raises ValueError for files that are not ours."""
        return cls(x509.load_pem_x509_certificate(pem.certificate), read_key(pem.key))

    @property
    def pem(self) -> Issued:
        return Issued(self._certificate.public_bytes(_PEM), private_pem(self._key))

    def for_server(self, name: str, addresses: tuple[str, ...], now: datetime) -> Issued:
        """A broker's key and certificate, valid for these host names and numeric addresses."""
        key = new_key()
        builder = self._leaf(name, key.public_key(), now, ExtendedKeyUsageOID.SERVER_AUTH)
        names = x509.SubjectAlternativeName([_general_name(address) for address in addresses])
        return Issued(self._sign(builder.add_extension(names, critical=False)), private_pem(key))

    def for_client(self, name: str, now: datetime) -> Issued:
        """Key and certificate of a client that lives here: the centre itself."""
        key = new_key()
        return Issued(
            self._sign(self._leaf(name, key.public_key(), now, ExtendedKeyUsageOID.CLIENT_AUTH)), private_pem(key)
        )

    def for_request(self, pem: bytes, name: str, now: datetime) -> bytes:
        """Sign a request made elsewhere (PEM in, PEM out).

        raises: RequestRefused if it is damaged, its CN is not exactly `name`, or its key is not P-256
        """
        try:
            asked = x509.load_pem_x509_csr(pem)
        except ValueError as error:
            raise RequestRefused("not a signing request") from error
        key = asked.public_key()
        if not asked.is_signature_valid or not isinstance(key, ec.EllipticCurvePublicKey):
            raise RequestRefused("its signature does not hold, or its key is not on P-256")
        if asked.subject != named(name) or not isinstance(key.curve, ec.SECP256R1):
            raise RequestRefused(f"it is not for {name}")
        return self._sign(self._leaf(name, key, now, ExtendedKeyUsageOID.CLIENT_AUTH))

    def revocations(self, bundles: Iterable[bytes], now: datetime) -> bytes:
        """The revocation list (PEM) that names every certificate in these PEM bundles; it never runs out before we do.

        source: RFC 5280, section 5; a list past its nextUpdate would turn every box away
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now - EARLIER)
            .next_update(now + AUTHORITY_LIFE)
        )
        for bundle in bundles:
            for certificate in x509.load_pem_x509_certificates(bundle):
                revoked = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
                builder = builder.add_revoked_certificate(revoked.revocation_date(now - EARLIER).build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)

    def _leaf(
        self, name: str, key: ec.EllipticCurvePublicKey, now: datetime, purpose: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        return (
            _builder(name, key, now, CERTIFICATE_LIFE)
            .issuer_name(self._certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder) -> bytes:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = builder.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())
        return signed.public_bytes(_PEM)


def _builder(name: str, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _general_name(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
