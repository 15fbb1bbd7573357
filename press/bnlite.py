"""Sphinx extension: "open as a notebook" on every chapter, and the JupyterLite site that it opens.

The site is built before the pages, so that they can say what opening it downloads, and copied when they are written.
Without a source for the kernel's files the book is built all the same; its pages then say how else to run a chapter.
The directive `{notebook-licences}` writes a table of what these notebooks bring besides the kernel.
"""

import json
import shutil
from pathlib import Path
from urllib.parse import quote

import assemble
import lite
import wheels_list
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)
FOLDER = "lite"  # in the built book
APPLICATION = 8  # MB of JupyterLite itself that opening a notebook fetches; tests/pages compares the sum with the fact
LINK = """<p class="bn-notebook"><a href="{address}">Open as a notebook</a> that runs in this browser: nothing to
install, no account. The first time downloads {megabytes} MB. Your changes are kept in this browser; in the notebook,
File&nbsp;→&nbsp;Download saves them as a file.</p>
<script>
if (location.protocol === "file:") document.querySelector(".bn-notebook").textContent = "Once a web server serves " +
  "the book (python -m http.server in its folder is enough), this chapter also opens as a notebook in the browser.";
</script>
"""
NONE = """<p class="bn-notebook">This copy of the book was built without the Python for notebooks in the browser.
From the book's sources, <code>make lab</code> opens this chapter as a notebook.</p>
"""


def prepare(app, config):
    """Build the site unless nothing has changed; a changed size, or no site any more, has Sphinx write pages anew."""
    build = Path(app.outdir).parent
    try:
        lite.prepare(Path(app.srcdir), build / "kernel" / "files", build / "lite" / "site")
    except assemble.NoSource as reason:
        log.info("The book goes without notebooks in the browser: %s", reason)
        shutil.rmtree(build / "lite" / "site", ignore_errors=True)
        config.bn_notebook_megabytes = 0
    else:
        config.bn_notebook_megabytes = weight(build / "lite" / "site")


def weight(site):
    """MB that opening a chapter downloads: Pyodide with the packages that bnlib loads, and JupyterLite."""
    files = (site / "static" / "pyodide").iterdir()
    return APPLICATION + round(sum(file.stat().st_size for file in files) / 1e6)


def page(app, pagename, templatename, context, doctree):
    """Put the link, or why there is none, under the title of a chapter."""
    path = Path(app.env.doc2path(pagename, base=False)) if doctree is not None else Path()
    if path.suffix == ".ipynb":
        title, end, rest = context["body"].partition("</h1>")
        context["body"] = title + end + words(app, context, path.relative_to("chapters")) + rest


def words(app, context, path):
    """The paragraph for the notebook ``path`` of the site."""
    if not app.config.bn_notebook_megabytes:
        return NONE
    address = f"{context['pathto'](f'{FOLDER}/notebooks/index.html', 1)}?path={quote(path.as_posix())}"
    return LINK.format(address=address, megabytes=app.config.bn_notebook_megabytes)


def finish(app, error):
    """Bring the book's copy of the site up to date."""
    if error or app.builder.format != "html":
        return
    site, target = Path(app.outdir).parent / "lite" / "site", Path(app.outdir) / FOLDER
    if not site.is_dir():
        shutil.rmtree(target, ignore_errors=True)
    elif key(target) != key(site):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(site, target)


def key(folder):
    """What the site in the folder was made of, or None."""
    return (folder / "key").read_text("utf-8") if (folder / "key").is_file() else None


class NotebookLicences(SphinxDirective):
    """Every package that lite_wheels.txt lists, with the version in the site and its licence."""

    def run(self):
        """Parse the table, or a sentence where there is no site."""
        lock = Path(self.env.app.outdir).parent / "lite" / "site" / "static" / "pyodide" / "pyodide-lock.json"
        self.env.note_dependency(str(lock))
        lines = ["This copy of the book was built without notebooks in the browser."]
        if lock.is_file():
            packages = json.loads(lock.read_text("utf-8"))["packages"]
            lines = ["| package | version | licence |", "|---|---|---|"]
            listed = wheels_list.listed().items()
            lines += [f"| {name} | {packages[name]['version']} | {licence} |" for name, (licence, _) in listed]
        node = nodes.container()
        self.state.nested_parse(StringList(lines, self.get_source_info()[0]), self.content_offset, node)
        return node.children


def setup(app):
    """Connect to Sphinx."""
    app.add_directive("notebook-licences", NotebookLicences)
    app.add_config_value("bn_notebook_megabytes", 0, "html")
    app.connect("config-inited", prepare)
    app.connect("html-page-context", page)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
