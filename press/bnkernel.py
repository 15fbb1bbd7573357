"""Sphinx extension: the Python in the reader's browser, and what the book says of it.

The kernel is prepared before pages are read, so that they can say what it weighs, and copied when they are written.
Without a source for its files the book is built all the same: figures then keep to their frames, and say so.
Directives `{kernel-sizes}` and `{kernel-licences}` write tables; their pages are read again when the kernel changes.
"""

import json
import shutil
from pathlib import Path
from urllib.parse import quote

import assemble
import packs
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)
CORE = (  # what every first touch fetches, in words, and in which files it comes
    ("the interpreter (Pyodide)", ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")),
    ("Python's standard library, as far as figures use it", ("stdlib.zip",)),
    ("NumPy and Matplotlib, as far as figures use them", ("base",)),
    ("the book's own package", ("bnlib",)),
)


def cache_of(app):
    """Where the kernel is kept from build to build."""
    return Path(app.outdir).parent / "kernel"


def read_plan(app):
    """What `prepare` has found out: the packs' plan, or {"missing": why there is no kernel}."""
    return json.loads((cache_of(app) / "plan.json").read_text("utf-8"))


def prepare(app):
    """Assemble and pack the kernel unless nothing has changed."""
    if app.builder.format != "html":
        return
    cache = cache_of(app)
    try:
        folder = packs.prepare(Path(app.srcdir), cache)
        plan = {"folder": folder.name, **json.loads((folder / "plan.json").read_text("utf-8"))}
    except assemble.NoSource as reason:
        plan = {"missing": str(reason)}
        log.info("The pages go without Python, and figures keep to their prepared pictures: %s", reason)
    cache.mkdir(parents=True, exist_ok=True)
    file, text = cache / "plan.json", json.dumps(plan)
    if not file.is_file() or file.read_text("utf-8") != text:
        file.write_text(text, "utf-8")


def copy(app, error):
    """Put the packs into the book, and the plan as a script, which also a book opened as files can load."""
    if error or app.builder.format != "html":
        return
    target, plan = Path(app.outdir) / "_static" / "press" / "kernel", read_plan(app)
    shutil.rmtree(target, ignore_errors=True)
    if "missing" in plan:
        target.mkdir(parents=True)
    else:
        folder = cache_of(app) / "packs" / plan["folder"]
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("plan.json"))
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other)
    (target / "kernel.js").write_text(f"bnKernel({json.dumps(plan)});\n", "utf-8")


def megabytes(count):
    """Bytes for people, in MB."""
    return f"{count / 1e6:.1f}" if count >= 5e5 else f"{count / 1e6:.2f}"


class KernelTable(SphinxDirective):
    """What both directives share: a Markdown table, or a sentence where there is no kernel."""

    def run(self):
        """Parse the lines that `lines` gives for the plan."""
        self.env.note_dependency(str(cache_of(self.env.app) / "plan.json"))
        plan = read_plan(self.env.app) if self.env.app.builder.format == "html" else {"missing": "not a web page"}
        if "missing" in plan:
            lines = ["This copy of the book was built without the Python in the page: figures show prepared pictures."]
        else:
            lines = self.lines(plan)
        node = nodes.container()
        self.state.nested_parse(StringList(lines, self.get_source_info()[0]), self.content_offset, node)
        return node.children


class KernelSizes(KernelTable):
    """What is fetched, and how much."""

    def lines(self, plan):
        """A row for each step, then the least and the most that a figure asks for."""
        weight = plan["bytes"]

        def row(words, totals):
            low, high = megabytes(min(totals)), megabytes(max(totals))
            return f"| {words} | {low if low == high else f'{low} to {high}'} |"

        def asked(test):  # of one figure
            return [sum(weight[name] for name in names if test(name)) for names in plan["needs"].values()]

        core = [(words, [sum(weight[name] for name in names)]) for words, names in CORE]
        more = asked(lambda name: name.startswith("scipy")), asked(lambda name: name.startswith("record."))
        base = sum(total for _, [total] in core)
        rest = "the rest of these packages; only if a setting asks for a part of them that no default does"
        return ["| what | MB |", "|---|---:|", *(row(*step) for step in core),
                row("SciPy, as far as a figure and those beside it use it", more[0]),
                row("recorded results that a figure shows", more[1]),
                row("**first visit, one figure**", [base + sum(pair) for pair in zip(*more)]),
                row(rest, [weight["rest"]])]  # fmt: skip


class KernelLicences(KernelTable):
    """Every package in the kernel, with its version and licence."""

    def lines(self, plan):
        """A row a package, with the text of its licence, which is shipped beside the packs."""
        texts = "../" * self.env.docname.count("/") + "_static/press/kernel/licences"
        rows = {}
        for file in assemble.listed()["files"]:
            words = f'<a href="{texts}/{quote(file["package"])}.txt">{file["licence"]}</a>'
            rows.setdefault((file["package"], file["version"]), words)
        return ["| package | version | licence |", "|---|---|---|"] + [
            f"| {package} | {version} | {words} |" for (package, version), words in rows.items()
        ]


def setup(app):
    """Connect to Sphinx."""
    app.add_directive("kernel-sizes", KernelSizes)
    app.add_directive("kernel-licences", KernelLicences)
    app.connect("builder-inited", prepare)
    app.connect("build-finished", copy, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
