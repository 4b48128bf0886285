"""The address of map tiles that a workspace may name: the one host that is asked for ground."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pipeline.errors import SurefootError

EXAMPLE = "https://tiles.example.org/{z}/{x}/{y}.png"
MAX_LENGTH = 500
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", re.ASCII)
_PLAIN = re.compile(r"[!-~]+", re.ASCII)


def check_tiles(template: str) -> str:
    """The template as it is kept; empty for none.

    Raises SurefootError where it is no address of one host with {z}, {x} and {y}.
    """
    template = template.strip()
    if not template:
        return ""
    if len(template) > MAX_LENGTH or not _PLAIN.fullmatch(template) or set(template) & set("\"'\\<>;"):
        raise SurefootError("the tile address has signs that no address has", f"write it like {EXAMPLE}")
    tile_host(template)
    left = template
    for part in ("{z}", "{x}", "{y}"):
        if part not in urlsplit(template).path + urlsplit(template).query:
            raise SurefootError(f"the tile address lacks {part}", f"write it like {EXAMPLE}")
        left = left.replace(part, "")
    if "{" in left or "}" in left:
        raise SurefootError(
            "the tile address has other braces than {z}, {x} and {y}", "name one host in the place of {s}"
        )
    return template


def tile_host(template: str) -> str:
    """Scheme and host of a template, such as `https://tiles.example.org`.

    Raises SurefootError where they are not plain.
    """
    try:
        parts = urlsplit(template)
        is_plain = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.netloc.lower()) is not None
    except ValueError:
        is_plain = False
    if not is_plain:
        raise SurefootError("the tile address names no host", f"write it like {EXAMPLE}")
    return f"{parts.scheme}://{parts.netloc.lower()}"
