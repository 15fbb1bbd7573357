"""A chapter's Markdown without what only Sphinx understands, for notebooks opened in a Jupyter front end."""

import re

MATH = re.compile(r"^```\{math\}\n(?P<options>(?::[^\n]*\n)*)(?P<formula>.*?)\n```$", re.MULTILINE | re.DOTALL)
DOLLARS = re.compile(r"^\$\$(?P<formula>(?:(?!\$\$).)+)\$\$ *\((?P<label>[\w-]+)\) *$", re.MULTILINE | re.DOTALL)
DROPDOWN = re.compile(r"^(?P<fence>`{3,})\{dropdown\} *(?P<title>[^\n]*)\n(?P<text>.*?)\n(?P=fence)$", re.M | re.S)
PAGE_LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:)[^)\s]*\.(?:md|ipynb)(?:#[^)]*)?\)")
LABEL = re.compile(r"^:label: *(\S+)", re.MULTILINE)


def markdown(text, references=None):
    r"""The text with equations by number, and without targets, roles and links to other pages of the book.

    ``references`` has the words for equations and claims, {"eq": {label: words}, "claim": {id: words}}; what is not
    among them goes by its own name.

    >>> markdown("(here)=\nBy {eq}`eq-a`, see {claim}`T1` and [the list](../list.md):")
    'By (a), see T1 and the list:'
    >>> known = {"eq": {"eq-a": "7", "eq-b": "2, chapter 1"}, "claim": {"T1": "✓ holds [ledger: T1]"}}
    >>> markdown("By {eq}`eq-a` and {eq}`eq-b` ({claim}`T1`), see {ref}`exercise 3 <ex-3>`.", known)
    'By (7) and (2, chapter 1) (✓ holds [ledger: T1]), see exercise 3.'
    >>> print(markdown("```{math}\n:label: eq-a\nx = 1\n```", known))
    $$
    x = 1 \tag{7}
    $$
    >>> print(markdown("$$\nx = 1\n$$ (eq-a)"))
    $$
    x = 1 \tag{a}
    $$
    >>> print(markdown("```{dropdown} Proof\nClear.\n```\n(here)=\n```{math}\ny\n```"))
    **Proof**
    <BLANKLINE>
    Clear.
    $$
    y
    $$
    """
    known = references or {}
    equations, claims = known.get("eq", {}), known.get("claim", {})

    def name(label):
        return equations.get(label, label.removeprefix("eq-"))

    def formula(match):
        label = LABEL.search(match["options"])
        tag = rf" \tag{{{name(label[1])}}}" if label else ""
        return f"$$\n{match['formula'].rstrip()}{tag}\n$$"

    text = re.sub(r"^\([\w-]+\)=\n+", "", text, flags=re.MULTILINE)
    text = MATH.sub(formula, with_directives(text))
    text = DROPDOWN.sub(r"**\g<title>**\n\n\g<text>", text)
    text = re.sub(r"\{eq\}`([^`]+)`", lambda match: f"({name(match[1])})", text)
    text = re.sub(r"\{claim\}`([^`]+)`", lambda match: claims.get(match[1], match[1]), text)
    text = re.sub(r"\{[a-z-]+\}`([^`<]*[^`<\s])(?: *<[^`]*>)?`", r"\1", text)
    return PAGE_LINK.sub(r"\1", text)


def labels(text):
    """The labels of the text's numbered equations, in order."""
    options = [match["options"] for match in MATH.finditer(with_directives(text))]
    return [found[1] for said in options if (found := LABEL.search(said))]


def with_directives(text):
    """The text with MyST's two ways to label an equation made one, the directive."""

    def directive(match):
        return f"```{{math}}\n:label: {match['label']}\n{match['formula'].strip()}\n```"

    return DOLLARS.sub(directive, text)
