"""Properties that a sender may get wrong must not cost the consumer its connection.

The client library gives a connection up over a frame that it can't decode. The broker then delivers the same message
again, to whoever consumes, for ever: a single timestamp in microseconds would stop a service. Where the value is beyond
what Python can show it is taken as missing, and text that isn't UTF-8 is read as well as it goes.
"""

from collections.abc import Callable

from pamqp import decode
from pamqp.common import FieldValue

_Decode = Callable[[bytes], tuple[int, FieldValue]]


def install() -> None:
    """Make the client library's decoders tolerant, in this process, from now on."""
    decode.METHODS["timestamp"] = _or_missing(decode.timestamp)
    decode.TABLE_MAPPING[b"T"] = _or_missing(decode.timestamp)
    decode.METHODS["shortstr"] = _short_string


def _or_missing(timestamp: _Decode) -> _Decode:
    def decoded(value: bytes) -> tuple[int, FieldValue]:
        try:
            return timestamp(value)
        except (ValueError, OverflowError, OSError):
            return 8, None

    return decoded


def _short_string(value: bytes) -> tuple[int, FieldValue]:
    length = value[0]
    return length + 1, value[1 : length + 1].decode(errors="replace")
