"""The documentation: it builds, nothing in it is dead or missing, and it asks nobody else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor
from tests.acceptance.console import ROOT

from smsgate.v1 import error_reason_pb2
from smsgate_server.config import Settings
from smsgate_server.transport.server import FILES

pytest.importorskip("mkdocs", reason="run `make setup`")

_BUILD = ROOT / "docs" / "site" / "build.py"
_SECONDS = 300.0
_LANGUAGES = ("Python", "Go", "TypeScript", "Java")
_EXTERNAL = re.compile(
    r"""<(?:script|img|iframe|link rel="(?:stylesheet|preconnect)")[^>]*"https?://"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built strictly: a dead link or anchor, or a sample that is not there, fails it."""
    folder = tmp_path_factory.mktemp("site") / "site"
    done = subprocess.run(
        [sys.executable, _BUILD, "--site", folder],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _page(site: Path, name: str) -> str:
    return (site / f"{name}.html").read_text("utf-8")


def test_no_page_asks_another_host_for_anything(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= 30
    assert [page.name for page in pages if _EXTERNAL.search(page.read_text("utf-8"))] == []
    styles = [style.read_text("utf-8") for style in site.rglob("*.css")]
    assert not any(re.search(r"url\([\"']?https?://", style) for style in styles)


def test_every_rpc_message_field_and_enum_is_in_the_reference(site: Path) -> None:
    for file in FILES:
        page = _page(site, f"reference/{file.DESCRIPTOR.name.split('/')[-1][:-6]}")
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                assert f'id="{method.name.lower()}-rpc"' in page, method.full_name
        for message in file.DESCRIPTOR.message_types_by_name.values():
            _is_told(message, page)
        for enum in file.DESCRIPTOR.enum_types_by_name.values():
            assert all(f"<code>{value.name}</code>" in page for value in enum.values), enum.name


def _is_told(message: Descriptor, page: str) -> None:
    if message.GetOptions().map_entry:
        return
    anchor = message.full_name.removeprefix("smsgate.v1.").lower().replace(".", "-")
    assert f'id="{anchor}"' in page, message.full_name
    for field in message.fields:
        assert f"<code>{field.name}</code>" in page, field.full_name
    for nested in message.nested_types:
        _is_told(nested, page)


def test_every_error_reason_is_there_with_its_cure(site: Path) -> None:
    page = _page(site, "reference/error_reason")
    for name in error_reason_pb2.ErrorReason.keys()[1:]:
        reason = name.removeprefix("ERROR_REASON_")
        found = re.search(
            rf'<h3 id="{reason.lower()}">.*?</h3>(.*?)(?=<h[23]|</article>)', page, re.S
        )
        assert found is not None, reason
        said = " ".join(re.sub(r"<pre.*?</pre>|<[^>]+>", " ", found[1], flags=re.S).split())
        # The code, what it means, and what to do.
        assert len(re.findall(r"[.:](?= [A-Z`]|$)", said)) >= 3, f"{reason} has no cure: {said}"


def test_every_setting_is_there(site: Path) -> None:
    page = _page(site, "settings")
    for name in Settings.model_fields:
        assert name in page, name


def test_every_sample_is_shown_in_four_languages(site: Path) -> None:
    guides = [f"guides/{name}" for name in ("send", "track", "codes", "errors")]
    for name in ("quickstart", *guides, "webhooks"):
        page = _page(site, name)
        assert "--8<--" not in page
        # Of each sample, not of the page.
        samples = re.findall(r'<div class="tabbed-set.*?</label></div>', page, re.S)
        assert samples, name
        for sample in samples:
            shown = re.findall(r"<label [^>]*>(.*?)</label>", sample)
            assert shown == list(_LANGUAGES), name


def test_what_is_searched_is_in_the_site(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text("utf-8")
    assert "RECIPIENT_NOT_E164" in index


def test_a_dead_link_would_fail_it(tmp_path: Path) -> None:
    sys.path.insert(0, str(_BUILD.parent))
    try:
        import build

        text = "[here](carriers.md#x) [gone](nowhere.md) [code](../Makefile)"
        places = build.pages()
        source = ROOT / "docs" / "operating.md"
        linked = build._relinked(text, source, Path("operating.md"), places)
    finally:
        sys.path.remove(str(_BUILD.parent))
    assert linked == "[here](carriers.md#x) [gone](nowhere.md) code (`Makefile`)"
