"""The relay daemon on the wall clock of `tests.daemons.stepped`, which its TLS judges certificates by too.

OpenSSL asks the kernel for the time, unless a context was told one: each context that the relay makes is told ours.
"""

import ctypes
import ssl
import sys

from drivers import dial
from edge.daemons.relay import compose
from tests.daemons.stepped import SteppedClock

_POINTER = object.__basicsize__  # where CPython's SSLContext keeps its SSL_CTX *, behind the head of every object
_original = dial.tls_context


def at_our_time(files: dial.TlsFiles) -> ssl.SSLContext:
    context = _original(files)
    libssl, libcrypto = ctypes.CDLL("libssl.so.3"), ctypes.CDLL("libcrypto.so.3")
    libssl.SSL_CTX_get0_param.restype = ctypes.c_void_p
    within = ctypes.c_void_p(ctypes.c_void_p.from_address(id(context) + _POINTER).value)
    parameters = ctypes.c_void_p(libssl.SSL_CTX_get0_param(within))
    libcrypto.X509_VERIFY_PARAM_set_time(parameters, ctypes.c_int64(SteppedClock().utc_ns() // 10**9))
    return context


if __name__ == "__main__":
    dial.tls_context = at_our_time
    compose.SystemClock = SteppedClock  # type: ignore[attr-defined]  # what a test has set
    sys.exit(compose.main())
