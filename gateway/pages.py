"""The web client's files. Its pages live in one index.html, so every page's address gives that."""

from __future__ import annotations

from pathlib import Path

from fastapi.responses import FileResponse

from streaming.errors import Refused

PAGES = frozenset({"", "join", "watch", "report", "demo"})
_ASSETS = "assets"  # Vite puts a hash of their content into these names


def page(client: Path, path: str, *, for_people: bool = False) -> FileResponse:
    """A file of the built client. Raises Refused ``no_such_page``, or ``client_not_built``.

    ``for_people``: whoever asks reads pages, and is told by one that there is nothing at the address.
    """
    index = client / "index.html"
    if not index.is_file():
        raise Refused("client_not_built", f"The web client is not built: {client} holds no index.html.")
    if path.strip("/") in PAGES:
        return FileResponse(index, headers={"cache-control": "no-cache"})
    root = client.resolve()
    try:
        file = (root / path).resolve()
        found = file.is_relative_to(root) and file.is_file()
    except (OSError, ValueError):  # a name too long, or with a zero byte
        found = False
    if not found and for_people:
        return FileResponse(index, 404, {"cache-control": "no-cache"})
    if not found:
        raise Refused("no_such_page", "There is nothing at this address.")
    lasting = file.parent.name == _ASSETS
    return FileResponse(
        file, headers={"cache-control": "public, max-age=31536000, immutable" if lasting else "no-cache"}
    )
