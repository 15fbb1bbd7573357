"""The notebook front end: ipywidgets around the same three functions."""

from base64 import b64encode
from html import escape

import ipywidgets as w

WIDTH = w.Layout(max_width="46rem")
PLAIN = {"description_width": "initial"}


class Explorer(w.VBox):
    """Controls, picture and words of a figure; after the guess where a figure asks for a prediction."""

    def __init__(self, figure):
        self.figure, self.guess = figure, None
        self.controls = {parameter.name: _control(parameter) for parameter in figure.parameters}
        self.picture, self.words, self.verdict = (
            w.HTML(layout=WIDTH),
            w.HTML(layout=WIDTH),
            w.HTML(layout=WIDTH),
        )
        self.shown = w.VBox([*self.controls.values(), self.picture, self.words, self.verdict])
        for control in self.controls.values():
            control.observe(self.update, "value")
        title = w.HTML(f"<b>{escape(figure.title)}</b>")
        super().__init__([title, self._question() if figure.predict else self.shown])
        self.update()

    def update(self, _=None):
        """Show the current setting. A failure is said in place of the old picture's words, then raised."""
        try:
            result = self.figure.result(**{name: control.value for name, control in self.controls.items()})
            text, picture = self.figure.describe(result), self.figure.picture(result, format="png")
        except Exception as error:
            self.picture.value = self.verdict.value = ""
            self.words.value = escape(f"This setting failed: {error}")
            raise
        self.picture.value = f'<img style="width: 100%" alt="{escape(text)}" src="{_data_uri(picture)}">'
        self.words.value = escape(text)
        if self.figure.predict:
            self.verdict.value = escape(self.figure.predict.verdict(self.guess, self.figure.predict.right(result)))

    def shows(self, picture):
        """Whether the picture shown is this one (PNG bytes)."""
        return _data_uri(picture) in self.picture.value

    def _question(self):
        predict = self.figure.predict
        self.choices = [w.Button(description=choice, layout=w.Layout(width="auto")) for choice in predict.choices]
        self.skip = w.Button(description="just show me", layout=w.Layout(width="auto"))
        for button in (*self.choices, self.skip):
            button.on_click(self._reveal)
        return w.VBox([w.HTML(escape(predict.question), layout=WIDTH), w.HBox([*self.choices, self.skip])])

    def _reveal(self, button):
        self.guess = None if button is self.skip else self.choices.index(button)
        self.update()
        self.children = (self.children[0], self.shown)


def _data_uri(picture):
    return f"data:image/png;base64,{b64encode(picture).decode()}"


def _control(parameter):
    description = f"{parameter.label} {parameter.symbol}".strip()
    options = list(zip(parameter.words, parameter.values))
    if parameter.named:
        return w.ToggleButtons(options=options, value=parameter.default, description=description, style=PLAIN)
    return w.SelectionSlider(
        options=options,
        value=parameter.default,
        description=description,
        style=PLAIN,
        continuous_update=False,
    )
