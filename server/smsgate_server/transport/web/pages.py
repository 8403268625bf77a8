"""The dashboard: files of the package folder `dashboard`, read once at start."""

import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from smsgate_server.transport.web.exchange import Exchange
from smsgate_server.transport.web.failures import not_allowed

_FOLDER = "dashboard"
_MAX_FILE_BYTES = 8 * 2**20
_MAX_FILES = 500
# Scripts and styles from here alone, and no page of anybody may show ours in a frame.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'"
)
# Kept, but asked for again each time, which costs an answer without a body: a new version of the
# server is seen at once.
_CACHE = b"no-cache"

_NO_DASHBOARD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>smsgate</title>
<h1>smsgate</h1>
<p>This is the API of an SMS gateway; the dashboard is not part of this installation. Try:</p>
<pre>curl -d '{"recipient":"+393331234567","text":"Ciao!"}' \\
    -H 'content-type: application/json' \\
    http://HOST:PORT/smsgate.v1.MessageService/SendMessage</pre>
"""


@dataclass(frozen=True, slots=True)
class _Page:
    body: bytes
    content_type: bytes
    etag: bytes


class Pages:
    """`/` is index.html; the rest has the paths of its files. Nothing else can be reached."""

    def __init__(self, folder: Traversable | None = None) -> None:
        root = folder if folder is not None else files("smsgate_server") / _FOLDER
        self._pages = _read(root) if root.is_dir() else {}
        if "/index.html" in self._pages:
            self._pages["/"] = self._pages["/index.html"]
        else:
            self._pages["/"] = _page("index.html", _NO_DASHBOARD.encode())

    def has(self, path: str) -> bool:
        return path in self._pages

    async def answer(self, exchange: Exchange) -> None:
        if exchange.method not in ("GET", "HEAD"):
            raise not_allowed("GET, HEAD")
        page = self._pages[exchange.path]
        headers = [
            (b"etag", page.etag),
            (b"cache-control", _CACHE),
            (b"content-security-policy", _POLICY),
        ]
        known = [tag.strip() for tag in exchange.header(b"if-none-match").split(",")]
        if page.etag.decode() in known:
            await exchange.start(304, b"", headers)
            await exchange.write(b"", last=True)
        else:
            await exchange.respond(200, page.content_type, page.body, headers)


def _read(root: Traversable) -> dict[str, _Page]:
    pages: dict[str, _Page] = {}
    waiting = [("", root)]
    while waiting:
        path, entry = waiting.pop()
        if entry.is_dir():
            waiting += [(f"{path}/{child.name}", child) for child in entry.iterdir()]
        elif _is_served(path):
            pages[path] = _page(path, entry.read_bytes())
    return pages


def _is_served(path: str) -> bool:
    return not path.endswith((".py", ".pyc")) and "/." not in path


def _page(path: str, body: bytes) -> _Page:
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith(("javascript", "json")):
        kind += "; charset=utf-8"
    etag = b'"%s"' % sha256(body).hexdigest()[:32].encode()
    return _Page(body, kind.encode(), etag)
