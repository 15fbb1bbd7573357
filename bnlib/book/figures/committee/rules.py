"""What the figures of parts I and V share: names, colours and line styles of the three learning rules, and numbers."""

from bnlib.book import style
from bnlib.book.figure import Parameter

CENTERED = Parameter("batch_mean", "", ("kept", "subtracted"), "kept")

RULES = {
    "none": ("none", style.QUIET, style.DASHED),
    "batch": ("batch", style.ACCENT, style.SOLID),
    "batch-stop-gradient": ("stop-gradient", style.SECOND, style.DASHDOT),
}


def compared(ratio):
    """By how many times a second number is less than the first, or more, where first / second is this ratio.

    >>> compared(3), compared(0.03), compared(1 + 1e-12)
    ('3 times less', '33.3 times more', 'the same')
    """
    if abs(ratio - 1) < 1e-9:
        return "the same"
    return f"{number(ratio)} times less" if ratio > 1 else f"{number(1 / ratio)} times more"


def number(value):
    """Three significant digits, with a real minus sign and no exponent for what a reader meets."""
    if abs(value) < 5e-7:
        return "0"
    if 1e3 <= abs(value) < 1e6:
        return f"{float(f'{value:.3g}'):.0f}".replace("-", "−")
    text = f"{value:.3g}" if 1e-3 <= abs(value) < 1e3 else f"{value:.1e}"
    if "e" in text:
        digits, power = text.split("e")
        text = f"{digits} × 10{style.raised(int(power))}"
    return text.replace("-", "−")
