"""What must never be read by anybody, taken out of a text: the one `redact` for whatever leaves the cameras' daemon."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

HIDDEN: Final = "***"
SHORTEST: Final = 4  # characters of a known secret: a shorter one would blot out ordinary words

# Bounded repetitions: whatever strangers write, the time stays linear in its length.
_NAME: Final = r"(?:[\w.-]{1,32}:)?"
_KEY: Final = (
    r"(?:user(?:name)?|usr|login(?:use|pas|user|pass)?|pass(?:word|wd|phrase)?|psw|pwd|secret|token|credential)"
)
# quoted, with its end or cut off before it, or up to what may follow a value in an address
_VALUE: Final = r"""(?:(\\?")(?:\\.|[^"\\])*\\?"?|(')(?:\\.|[^'\\])*'?|[^\s&"'<>]+)"""
_RULES: Final = (
    # a WS-Security header, whole or cut off; its parts, where a log shows them alone
    (re.compile(rf"<{_NAME}Security\b.*?(?:</{_NAME}Security\s*>|\Z)", re.DOTALL), f"<Security>{HIDDEN}</Security>"),
    (re.compile(rf"(<{_NAME}(?:Username|Password|Nonce)\b[^>]{{0,512}}>)[^<]+"), rf"\1{HIDDEN}"),
    # header lines and what is left of them
    (re.compile(r"(?i)\b((?:proxy-)?authorization[\"']?\s{0,8}[:=]\s{0,8})[^\r\n]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(digest\s{1,8})username\s{0,8}=[^\r\n]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(basic\s{1,8})[a-z0-9+/=_-]{8,}"), rf"\1{HIDDEN}"),
    # addresses of streams, whole: their paths hold logins in a dozen forms
    (re.compile(r"(?i)\b((?:rtsp[su]?|rtmp[s]?|rtp)://)[^\s\"'<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(://)[^\s\"'<>]{0,512}@"), rf"\1{HIDDEN}@"),
    # user=..&password=.. in a query, a path, a form or JSON
    (re.compile(rf"(?i)(?<![a-z])({_KEY}\\?[\"']?\s{{0,8}}[:=]\s{{0,8}}){_VALUE}"), rf"\1\2\3{HIDDEN}\2\3"),
)


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """The text without logins, tokens and addresses of streams, in whatever form they stand there.

    secrets: passwords that are known, taken out wherever they stand, also percent-encoded or as XML
    """
    for secret in sorted(_spellings(secrets), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, kept in _RULES:
        text = pattern.sub(kept, text)
    return text


def _spellings(secrets: Collection[str]) -> set[str]:
    known = [secret for secret in secrets if len(secret) >= SHORTEST]
    ways = (str, quote, quote_plus, lambda one: quote(one, safe=""), escape, lambda one: repr(one)[1:-1])
    return {way(secret) for secret in known for way in ways}
