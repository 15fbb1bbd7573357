"""Sphinx extension: the page front end of the figures, and a book that loads everything from itself.

* chapters are executed with BNLIB_FRONT_END=page, and again whenever bnlib, a record or the pins change;
* pages with figures load the front end, and their frames are prepared when the build has finished;
* MathJax, fonts and scripts are the book's own; what the theme would load from elsewhere is left out.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
from pathlib import Path

import frames
from sphinx.util import logging

HERE = Path(__file__).parent
MATHJAX = ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions", "a11y",
           "sre/mathmaps/base.json", "sre/mathmaps/en.json")  # fmt: skip
log = logging.getLogger(__name__)


def content_key(root, *more):
    """A digest of all that a chapter's results depend on besides its cells: bnlib, records, pins, Python."""
    files = [
        *(root / "bnlib").rglob("*"),
        *(root / "chapters").rglob("data/**/*"),
        root / "constraints.txt",
        *more,
    ]
    digest = hashlib.sha256(platform.python_version().encode())
    for file in sorted(f for f in files if f.is_file() and f.suffix != ".pyc"):
        digest.update(f"\0{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def configure(app, config):
    """Key the execution cache; when its path changes Sphinx reads, and so executes, every chapter again."""
    cache = Path(app.outdir).parent / ".jupyter_cache"
    config.nb_execution_cache_path = str(cache / content_key(Path(app.srcdir)))
    config.mathjax_path = "press/mathjax/tex-chtml.js"
    config.templates_path.append(str(HERE / "templates"))


def page(app, pagename, templatename, context, doctree):
    """A page with figures loads their front end; widget state and the theme's remote kernel stay out."""
    if "<bn-explorer" in context.get("body", ""):
        app.add_css_file("press/explorer.css")
        app.add_js_file("press/python.js", priority=900, loading_method="defer")
        app.add_js_file("press/explorer.js", priority=901, loading_method="defer")
    context["script_files"] = [script for script in context["script_files"] if not _unwanted(script)]


def _unwanted(script):
    attributes = getattr(script, "attributes", {})
    text = f"{getattr(script, 'filename', '')} {attributes.get('body', '')}".lower()
    return "widget-state" in attributes.get("type", "") or "thebe" in text or "require" in text


def finish(app, error):
    """Complete the built book: static files, MathJax, frames."""
    if error or app.builder.format != "html":
        return
    if app._warncount:  # a build that has warned must warn again: without its memory Sphinx reads every page anew
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)
    press = Path(app.outdir) / "_static" / "press"
    shutil.copytree(HERE / "static", press, dirs_exist_ok=True)
    copy_mathjax(press / "mathjax")
    copy_frames(app, press / "frames")
    keep_only(Path(app.config.nb_execution_cache_path))


def copy_mathjax(target):
    """The parts of MathJax 3 that pages use: TeX in, HTML out, fonts, and English speech if a reader asks."""
    if target.exists():
        return
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is not installed; it is in requirements.txt")
    source = Path(spec.origin).parent / "static" / "mathjax"
    for name in MATHJAX:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)


def copy_frames(app, target):
    """Prepare the frames of figures that have changed, or what they are made of, and put all in the book."""
    from bnlib.book.figures import NAMES

    cache = Path(app.outdir).parent / "frames"
    made = frames.prepare(list(NAMES), cache, Path(app.srcdir) / "constraints.txt")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, (folder, size) in made.items():
        log.info("frames of %s: %d kB", name, size // 1000)
        if size > frames.BUDGET:
            log.warning("the frames of %s are %d bytes, more than %d", name, size, frames.BUDGET)
        shutil.copytree(folder, target, dirs_exist_ok=True)
    keep_only(*(folder for folder, _ in made.values()))


def keep_only(*folders):
    """Drop what was cached under other keys."""
    for other in folders[0].parent.glob("*"):
        if other not in folders:
            shutil.rmtree(other) if other.is_dir() else other.unlink()


def setup(app):
    """Connect to Sphinx; kernels inherit the choice of front end."""
    os.environ["BNLIB_FRONT_END"] = "page"
    app.add_css_file("press/book.css")
    app.connect("config-inited", configure, priority=900)
    app.connect("html-page-context", page, priority=900)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
