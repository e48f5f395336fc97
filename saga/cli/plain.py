"""What strangers have written, on a terminal."""

from rich.text import Text


def plain(words: str, style: str = "", *, lines: bool = False) -> Text:
    """No markup, and no character that a terminal obeys; no other line either, unless it may have several `lines`."""
    return Text("".join(c if c.isprintable() or (lines and c == "\n") else repr(c)[1:-1] for c in words), style)
