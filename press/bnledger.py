"""Sphinx extension: the scorecard from claims.yml and claims_gaps.json, and links from running text to it.

Directive `{scorecard}` writes one card a claim, grouped by paper; `{claims}` the statements of those it names.
Role {claim}`T19-eq18` writes the claim's verdict as a mark and a word, linked to its card. Pages with any of them are
read again when the ledger changes.
"""

import json
from pathlib import Path

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

SCORECARD = "chapters/scorecard"
VERDICTS = {  # verdict: (mark, word, what it means); the mark and the word carry it, colour only helps
    "holds": ("✓", "holds", "as stated, for all cases that we could test or derive"),
    "holds-if": ("◐", "holds if", "under the condition that stands with it"),
    "fails": ("✗", "fails", "as printed; a counterexample and what holds instead stand with it"),
    "open": ("?", "open", "we know of no proof and of no refutation"),
    "not-run": ("–", "not run", "we did not repeat it"),
}
PARTS = (
    ("condition", "Condition"),
    ("counterexample", "Counterexample"),
    ("holds_instead", "What holds instead"),
)
log = logging.getLogger(__name__)


class place(nodes.General, nodes.Element):
    """A link to a label in the book, or to a claim's card; resolved when all pages are known."""


def read_ledger(folder):
    """claims.yml with the measured gaps put in, and the two files that it came from."""
    files = Path(folder, "claims.yml"), Path(folder, "claims_gaps.json")
    ledger = yaml.safe_load(files[0].read_text("utf-8"))
    gaps = json.loads(files[1].read_text("utf-8")) if files[1].exists() else {}
    for claim in ledger["claims"]:
        claim["gap"] = gaps.get(claim["id"], {}).get("gap")
    return ledger, files


def card_id(claim_id):
    """The HTML id of a claim's card."""
    return f"claim-{nodes.make_id(claim_id)}"


class Scorecard(SphinxDirective):
    """Everything that the ledger says, as cards."""

    def run(self):
        """A summary table, then a section for each paper."""
        ledger, files = read_ledger(self.env.srcdir)
        for file in files:
            self.env.note_dependency(str(file))
        groups = {key: [c for c in ledger["claims"] if c["source"]["paper"] == key] for key in ledger["papers"]}
        groups = {key: claims for key, claims in groups.items() if claims}
        return [
            _summary(ledger, groups),
            *(self._paper(ledger["papers"][key], key, claims) for key, claims in groups.items()),
        ]

    def _paper(self, paper, key, claims):
        section = nodes.section(ids=[f"scorecard-{key.lower()}"], names=[f"scorecard-{key.lower()}"])
        section += nodes.title(text=paper["short"])
        section += nodes.paragraph("", "", nodes.emphasis(text=paper["title"]))
        section += [self._card(claim) for claim in claims]
        return section

    def _card(self, claim):
        source, verdict = claim["source"], claim["verdict"]
        card = nodes.container(ids=[card_id(claim["id"])], classes=["claim", f"claim-{verdict}"])
        head = nodes.paragraph(classes=["claim-head"])
        own = source["paper"] == "own"
        head += nodes.strong(text=source["item"].capitalize() if own else f"{source['paper']} {source['item']}")
        head += [nodes.Text(" "), _badge(verdict)]
        card += [head, *self._parsed(claim["statement"])]
        facts = nodes.definition_list(classes=["claim-facts"])
        for field, title in PARTS:
            if field in claim:
                facts += _fact(title, *self._parsed(claim[field]))
        if "tolerance" in claim:
            facts += _fact("Measured", nodes.paragraph(text=_measured(claim)))
        facts += _fact("In the book", _places(claim["where"]))
        facts += _fact("Evidence", _tests(claim["evidence"]))
        card += facts
        return card

    def _parsed(self, text):
        """MyST text, mathematics included."""
        holder = nodes.Element()
        self.state.nested_parse(StringList([text], source="claims.yml"), 0, holder)
        return holder.children


class Claims(SphinxDirective):
    """What the ledger says of the claims whose ids are the content: verdict, statement, condition."""

    has_content = True

    def run(self):
        """A list with an entry for each claim, in the order asked for."""
        ledger, files = read_ledger(self.env.srcdir)
        for file in files:
            self.env.note_dependency(str(file))
        known = {claim["id"]: claim for claim in ledger["claims"]}
        entries = nodes.bullet_list()
        for name in filter(None, map(str.strip, self.content)):
            if name not in known:
                log.warning("claims.yml has no claim %s", name, location=self.get_location())
                continue
            link = place(document=SCORECARD, anchor=card_id(name), exact=True)
            link += _badge(known[name]["verdict"])
            said = known[name]["statement"].strip()
            if "condition" in known[name]:
                said += f" *Condition.* {known[name]['condition'].strip()}"
            holder = nodes.Element()
            self.state.nested_parse(StringList([said], source="claims.yml"), 0, holder)
            holder.children[0].insert(0, [link, nodes.Text(" ")])
            entries += nodes.list_item("", *holder.children)
        return [entries]


class ClaimRole(SphinxRole):
    """A claim's verdict in running text, linked to its card."""

    def run(self):
        """The link, or a warning for an id that the ledger does not have."""
        ledger, files = read_ledger(self.env.srcdir)
        for file in files:
            self.env.note_dependency(str(file))
        claim = next((claim for claim in ledger["claims"] if claim["id"] == self.text), None)
        if claim is None:
            log.warning("claims.yml has no claim %s", self.text, location=self.get_location())
            return [nodes.literal(text=self.text)], []
        link = place(document=SCORECARD, anchor=card_id(self.text), exact=True)
        link += _badge(claim["verdict"])
        source = claim["source"]
        link["tip"] = f"{source['paper']} {source['item']}: see the scorecard"
        return [link], []


def marked(verdict):
    """A verdict as the pages show it: its mark and its word."""
    mark, word, _ = VERDICTS[verdict]
    return f"{mark}\u00a0{word}"


def _badge(verdict):
    return nodes.inline("", marked(verdict), classes=["verdict", f"verdict-{verdict}"])


def _fact(title, *content):
    return nodes.definition_list_item("", nodes.term(text=title), nodes.definition("", *content))


def _measured(claim):
    gap = "not yet measured" if claim["gap"] is None else f"{claim['gap']:.2g}"
    return f"{gap} of at most {claim['tolerance']:.2g}: {claim['gap_is']}."


def _places(where):
    line = nodes.paragraph()
    for number, target in enumerate(where):
        document, _, anchor = target.partition("#")
        link = place(document=document, anchor=anchor, exact=False)
        chapter = document.rpartition("/")[2].partition("-")[0]
        link += nodes.Text(f"chapter {chapter}, {anchor.replace('-', ' ')}")
        line += [nodes.Text("; "), link] if number else [link]
    return line


def _tests(evidence):
    rows = nodes.bullet_list(classes=["claim-tests"])
    rows += [nodes.list_item("", nodes.paragraph("", "", nodes.literal(text=test))) for test in evidence]
    return rows


def _summary(ledger, groups):
    """How many claims of each paper hold, in a table with a caption and row and column heads."""
    used = [verdict for verdict in VERDICTS if any(c["verdict"] == verdict for c in ledger["claims"])]
    table = nodes.table(
        "", nodes.title(text="Claims by paper and verdict"), classes=["scorecard-summary", "colwidths-auto"]
    )
    body = nodes.tgroup(cols=1 + len(used))
    table += body
    body += nodes.colspec(colwidth=1, stub=1)
    body += [nodes.colspec(colwidth=1) for _ in used]
    titles = [nodes.Text("Paper")] + [_badge(verdict) for verdict in used]
    body += nodes.thead("", nodes.row("", *(nodes.entry("", nodes.paragraph("", "", title)) for title in titles)))
    counts = nodes.tbody()
    for key, claims in groups.items():
        row = [ledger["papers"][key]["short"]] + [str(sum(c["verdict"] == v for c in claims)) for v in used]
        counts += nodes.row("", *(nodes.entry("", nodes.paragraph(text=cell)) for cell in row))
    body += counts
    return table


def resolve(app, doctree, docname):
    """Turn places into links; a label that is not in its chapter is a warning, so it fails the build."""
    for link in list(doctree.findall(place)):
        document, anchor = link["document"], link["anchor"]
        found = anchor if link["exact"] else _html_id(app.env, document, anchor)
        if found is None or document not in app.env.found_docs:
            log.warning("the ledger points to %s#%s, which is not in the book", document, anchor, location=docname)
            link.replace_self(link.children)
            continue
        page = "" if document == docname else app.builder.get_relative_uri(docname, document)
        reference = nodes.reference("", "", *link.children, internal=True, refuri=f"{page}#{found}")
        if "tip" in link:
            reference["reftitle"] = link["tip"]
        link.replace_self(reference)


def _html_id(env, document, label):
    """The HTML id of a label or an equation of that chapter, or None."""
    labelled = env.get_domain("std").anonlabels.get(label)
    if labelled and labelled[0] == document:
        return labelled[1]
    equation = env.get_domain("math").equations.get(label)
    return nodes.make_id(f"equation-{label}") if equation and equation[0] == document else None


def setup(app):
    """Register the directive, the role and the style."""
    app.add_node(place)
    app.add_directive("scorecard", Scorecard)
    app.add_directive("claims", Claims)
    app.add_role("claim", ClaimRole())
    app.connect("doctree-resolved", resolve)
    app.add_css_file("press/ledger.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
