"""A chapter's Markdown without what only Sphinx understands, for notebooks opened in a Jupyter front end."""

import re

MATH = re.compile(r"^```\{math\}\n(?P<options>(?::[^\n]*\n)*)(?P<formula>.*?)\n```$", re.MULTILINE | re.DOTALL)
PAGE_LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:)[^)\s]*\.(?:md|ipynb)(?:#[^)]*)?\)")
LABEL = re.compile(r"^:label: *(\S+)", re.MULTILINE)


def markdown(text):
    r"""The text with equations by name, and without targets, roles and links to other pages of the book.

    >>> markdown("(here)=\nBy {eq}`eq-a`, see {claim}`T1` and [the list](../list.md):")
    'By (a), see T1 and the list:'
    >>> print(markdown("```{math}\n:label: eq-a\nx = 1\n```"))
    $$
    x = 1 \tag{a}
    $$
    >>> print(markdown("```{math}\n:label: eq-a\nx\n```\n(here)=\n```{math}\ny\n```"))
    $$
    x \tag{a}
    $$
    $$
    y
    $$
    """
    text = re.sub(r"^\([\w-]+\)=\n+", "", text, flags=re.MULTILINE)
    text = MATH.sub(_formula, text)
    text = re.sub(r"\{eq\}`([^`]+)`", lambda match: f"({_name(match[1])})", text)
    text = re.sub(r"\{[a-z-]+\}`([^`]+)`", r"\1", text)
    return PAGE_LINK.sub(r"\1", text)


def _formula(match):
    label = LABEL.search(match["options"])
    tag = rf" \tag{{{_name(label[1])}}}" if label else ""
    return f"$$\n{match['formula'].rstrip()}{tag}\n$$"


def _name(label):
    return label.removeprefix("eq-")
