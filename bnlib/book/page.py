"""The page front end's HTML: native controls, stills, words; `press/static/explorer.js` brings it to life."""

from html import escape

from . import style


def element(figure):
    """The custom element ``<bn-explorer>`` of a figure at its defaults."""
    result = figure.result()
    stills = "".join(f'<div class="bn-{layout}">{figure.picture(result, layout)}</div>' for layout in style.LAYOUTS)
    controls = "".join(_control(figure.name, parameter) for parameter in figure.parameters)
    title, text = f"{figure.name}-title", f"{figure.name}-text"
    return (
        f'<bn-explorer name="{figure.name}"><figure aria-labelledby="{title}">'
        f'<p class="bn-title" id="{title}">{escape(figure.title)}</p>'
        f'{_question(figure, result)}<div class="bn-shown">'
        f'<form class="bn-controls">{controls}</form>'
        f'<div class="bn-image" role="img" aria-labelledby="{title} {text}">{stills}</div>'
        f'<figcaption id="{text}" aria-live="polite">{escape(figure.describe(result))}</figcaption>'
        '<p class="bn-verdict" role="status" hidden></p>'
        '<div class="bn-foot"><p class="bn-status" role="status"></p></div></div></figure></bn-explorer>'
    )


def _control(figure, parameter):
    head = escape(parameter.label)
    if parameter.symbol:
        head += f" <i>{escape(parameter.symbol)}</i>"
    start = parameter.values.index(parameter.default)
    return (_choice if parameter.named else _slider)(figure, parameter, head, start)


def _choice(figure, parameter, head, start):
    """Names: radio buttons, all choices in sight. Groups are named by figure, for two on a page may agree."""
    choices = "".join(
        f'<label><input type="radio" name="{figure}-{parameter.name}" data-parameter="{parameter.name}"'
        f' value="{i}"'
        f' data-word="{escape(word)}" data-name="{escape(name)}"'
        f"{' checked' * (i == start)}><span>{escape(word)}</span></label>"
        for i, (word, name) in enumerate(zip(parameter.words, parameter.names))
    )
    return f'<fieldset class="bn-choice"><legend>{head}</legend><div>{choices}</div></fieldset>'


def _slider(figure, parameter, head, start):
    ident, words = f"{figure}-{parameter.name}", parameter.words
    return (
        f'<div class="bn-range"><label for="{ident}">{head}</label>'
        f'<output for="{ident}">{escape(words[start])}</output>'
        f'<input type="range" id="{ident}" data-parameter="{parameter.name}" min="0" max="{len(words) - 1}"'
        f' value="{start}" aria-valuetext="{escape(words[start])}"'
        f' data-words="{escape("|".join(words))}" data-names="{escape("|".join(parameter.names))}"></div>'
    )


def _question(figure, result):
    """Hidden until the script takes over, so that without it the still simply shows."""
    predict = figure.predict
    if not predict:
        return ""
    buttons = "".join(f'<button type="button" value="{i}">{escape(c)}</button>' for i, c in enumerate(predict.choices))
    return (
        f'<div class="bn-predict" data-answer="{predict.right(result)}" hidden>'
        f"<p>{escape(predict.question)}</p><div>{buttons}"
        '<button type="button" value="" class="bn-skip">just show me</button></div></div>'
    )
