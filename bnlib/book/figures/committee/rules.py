"""What the figures of parts I and V share: names, colours and line styles of the three learning rules, and numbers."""

from bnlib.book import style
from bnlib.book.figure import Parameter

CENTERED = Parameter("batch_mean", "", ("kept", "subtracted"), "kept")

RULES = {
    "none": ("none", style.QUIET, style.DASHED),
    "batch": ("batch", style.ACCENT, style.SOLID),
    "batch-stop-gradient": ("stop-gradient", style.SECOND, style.DASHDOT),
}


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
