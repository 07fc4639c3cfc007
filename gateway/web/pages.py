"""The web client's files. Its pages live in one index.html, so every page's address gives that."""

from __future__ import annotations

import gzip
import mimetypes
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from fastapi.responses import FileResponse, Response

from streaming.errors import Refused

PAGES = frozenset({"", "join", "watch", "report", "demo"})
_ASSETS = "assets"  # Vite puts a hash of their content into these names
_ANEW = {"cache-control": "no-cache"}
_LASTING = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}


def page(client: Path, path: str, asked: Mapping[str, str]) -> Response:
    """A file of the built client; ``asked`` are the request's headers.

    Raises Refused ``no_such_page`` to programs; people are told by a page. Raises Refused ``client_not_built``.
    """
    index = client / "index.html"
    if not index.is_file():
        raise Refused("client_not_built", f"The web client is not built: {client} holds no index.html.")
    if path.strip("/") in PAGES:
        return FileResponse(index, headers=_ANEW)
    root = client.resolve()
    try:
        file = (root / path).resolve()
        found = file.is_relative_to(root) and file.is_file()
    except (OSError, ValueError):  # a name too long, or with a zero byte
        found = False
    if not found and "text/html" in asked.get("accept", ""):
        return FileResponse(index, 404, _ANEW)
    if not found:
        raise Refused("no_such_page", "There is nothing at this address.")
    if file.parent.name != _ASSETS:
        return FileResponse(file, headers=_ANEW)
    if "gzip" not in asked.get("accept-encoding", ""):
        return FileResponse(file, headers=_LASTING)
    kind = mimetypes.guess_type(file.name)[0]
    return Response(_small(file), headers=_LASTING | {"content-encoding": "gzip"}, media_type=kind)


@lru_cache(maxsize=16)
def _small(file: Path) -> bytes:
    """A third of the size, for phones on a slow network. The name of an asset changes with its content."""
    return gzip.compress(file.read_bytes())
