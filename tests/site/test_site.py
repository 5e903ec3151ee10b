"""The documentation site as `make site` builds it. A broken link is an error."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import header  # noqa: E402

PAGES = [
    path
    for pattern in ("*.md", "docs/**/*.md", "bindings/*/README.md", "examples/*.md")
    for path in sorted(ROOT.glob(pattern))
]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once."""
    folder = tmp_path_factory.mktemp("documentation") / "site"
    result = subprocess.run([ROOT / "scripts/site", folder], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_of_the_repository_is_in_the_site_and_in_its_contents(site: Path, page: Path) -> None:
    name = str(page.relative_to(ROOT)).removesuffix(".md")
    name = "index" if name == "README" else name
    heading = next(line for line in page.read_text().splitlines() if line.startswith("# ")).removeprefix("# ")
    built = (site / f"{name}.html").read_text()
    assert html.escape(heading.replace("`", ""), quote=False) in html.unescape(built)
    assert f"{name}.html" in (site / "index.html").read_text() or name.startswith(("index", "docs/raku/"))


def test_each_name_of_the_c_header_is_in_the_reference_and_its_index(site: Path) -> None:
    index = (site / "genindex.html").read_text()
    reference = "".join(page.read_text() for page in sorted((site / "reference/c").glob("*.html")))
    for one in header.declarations():
        assert f">{one.name}<" in reference if one.constant else f">{one.name} (C " in index, one.name


def test_the_search_finds_the_names_of_the_c_header_and_the_words_of_the_pages(site: Path) -> None:
    search = (site / "searchindex.js").read_text()
    for word in ("mprotect_wrap", "mmap_wrap_find", "hazard", "sigbus"):
        assert f'"{word}"' in search or f"{word}:" in search, word


def test_no_page_loads_anything_from_a_network(site: Path) -> None:
    loading = re.compile(r'(?:src="|url\(["\']?|@import ["\']|<link [^>]*href=")(?:https?:)?//[^"\')]*')
    files = [file for file in site.rglob("*") if file.suffix in {".html", ".css", ".js"}]
    assert len(files) > len(PAGES)
    assert {file.name: found[0] for file in files if (found := loading.search(file.read_text()))} == {}


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    unwanted = shutil.ignore_patterns("target", "build", ".git", "*.so", "dist")
    shutil.copytree(ROOT, copy, ignore=unwanted, symlinks=True)
    (copy / "build/venvs").mkdir(parents=True)
    (copy / "build/venvs/site").symlink_to(ROOT / "build/venvs/site")
    with (copy / "docs/README.md").open("a") as page:
        page.write("\n[one](no-such-page.md), [two](safety.md#no-such-heading)\n")
    result = subprocess.run([copy / "scripts/site"], capture_output=True, text=True)
    assert result.returncode != 0
    assert "no-such-page" in result.stderr
    assert "no-such-heading" in result.stderr
