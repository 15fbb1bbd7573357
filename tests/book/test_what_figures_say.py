"""What figures say agrees with what they show: verdicts, captions and pictures, at settings off the default too."""

import re

import numpy as np
import pytest

from bnlib.book.figures import find
from bnlib.book.records import load


def told(figure, **changes):
    """The caption and the choice that is called right, for one result."""
    result = figure.result(**changes)
    return figure.describe(result), figure.predict.choices[figure.predict.right(result)]


def test_the_count_of_regions_is_judged_at_every_number_of_lines():
    """30 lines make 466 regions or 60, not "37" or "16": the verdict compares the caption's own numbers."""
    figure = find("central-arrangement")
    blends, units = (next(p.values for p in figure.parameters if p.name == name) for name in ("blend", "units"))
    for n in units:
        for s in blends[-3:]:
            caption, choice = told(figure, units=n, blend=s)
            made = int(re.search(r"make (\d+)( = 2n)? regions", caption)[1])
            start = 1 + n + n * (n - 1) // 2
            word = "2n" if made == 2 * n else "as many as at the start" if made == start else "fewer than at the start"
            assert choice.endswith(word), (n, s, caption, choice)


def test_the_share_that_is_found_is_judged_as_it_is_told():
    figure = find("sampling-trap")
    for n in figure.parameters[0].values:
        for m in figure.parameters[1].values:
            caption, choice = told(figure, dimension=n, samples=m)
            share = float(re.search(r"([\d.]+) % are found", caption)[1])
            word = "more than half" if share > 50 else "from a sixth" if share > 100 / 6 else "fewer than a sixth"
            assert choice.startswith(word), (n, m, share, choice)


@pytest.mark.parametrize("law", ["normal", "uniform", "exponential"])
def test_bins_are_narrower_than_the_law(law):
    """At most half of the sample's own deviation: such a bin lowers the top of a bell by 1 %. None is left out."""
    figure = find("batch-laws")
    for size in (2, 16, 256):
        for sigma in (0.5, 2.0):
            for extra in (0.0, 1.0):
                result = figure.result(batch_size=size, law=law, sigma=sigma, extra=extra)
                for name in ("mu", "s"):
                    edges, values = result["bins"][name], result[name]
                    assert edges[1] - edges[0] < 0.5 * values.std(), (size, sigma, extra, name)
                    assert edges[0] <= values.min() and values.max() <= edges[-1]
                    assert len(edges) < 200  # and not so many that the page grows heavy


def test_what_is_said_of_the_first_layers_law_is_on_its_line():
    figure = find("flip-law")
    lines = {tuple(figure.result(depth=depth)["laws"]) for depth in (1, 3, 5)}
    assert len(lines) == 1  # the line stands still when the slider moves
    for depth, share in zip((1, 3, 5), np.array(lines.pop())[::2]):
        assert f"says {100 * share:.1f} %" in figure.text(depth=depth)


def test_the_start_is_told_as_the_picture_shows_it():
    """The caption's errors after one epoch, of the seeds, are the curves' first points, their mean over seeds."""
    figure = find("held-start")
    for weights in ("he", "uniform-variance"):
        curve = load("classifier_start")["data"][f"{weights} 0.01 zero bias"]["test_accuracy"]
        assert f"zero bias {100 * (1 - curve[1]):.1f}" in figure.text(weights=weights)


def test_nothing_is_said_of_a_gain_that_is_gone():
    figure = find("in-convolutions")
    for experiment in figure.parameters[0].values:
        for shown in figure.parameters[1].values:
            caption = figure.text(experiment=experiment, shown=shown)
            assert not re.search(r"0\.0+ ± 0\.0+(?!\d)", caption), caption
    caption = figure.text(experiment="removed", shown="γ²")
    assert "clean: batch normalization" in caption and "clean: folded in" not in caption
    assert "clean: folded in" in figure.text(experiment="removed", shown="test loss")
