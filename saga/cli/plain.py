"""What strangers have written, on a terminal."""

from rich.text import Text


def plain(words: str, style: str = "") -> Text:
    """No markup, and no character that a terminal obeys."""
    return Text("".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in words), style)
