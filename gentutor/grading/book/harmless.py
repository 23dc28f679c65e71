"""What students wrote and what their cells displayed, made harmless for the browser of whoever reads it.

Formgrader and the feedback pages put a notebook's HTML, SVG, scripts and the HTML within its markdown into
their own page, which may give marks. So before a notebook is written for them

- an output is built anew from the few kinds that are known to do nothing but show; HTML goes through bleach;
- in markdown, what begins an HTML tag is made text, but for a few tags without attributes; and the text is
  rendered as these pages render it: if a link is not a plain one, it is shown as it was typed, as code.

Widgets keep the text that stands for them. Nothing is judged by what is left: the marks are given before.
"""

import base64
import binascii
import functools
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import bleach
from bleach.css_sanitizer import CSSSanitizer
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode, from_dict

MOST_HTML = 100_000  # characters; bleach reads some 200,000 a second
MOST_DEPTH = 100  # tags that are open, or attributes of one; in these its time is quadratic
MOST_MARKDOWN = 20_000

PLAIN_TAGS = "b|br|code|dd|del|details|dl|dt|em|hr|i|kbd|li|ol|p|pre|s|strong|sub|summary|sup|u|ul"
BEGINS_A_TAG = re.compile(rf"<(?=[a-zA-Z/!?])(?!/?(?:{PLAIN_TAGS})\s*/?>)", re.IGNORECASE)
TAGS = frozenset(PLAIN_TAGS.split("|")) | frozenset(
    "a blockquote caption col colgroup div figcaption figure h1 h2 h3 h4 h5 h6 img input mark section small span "
    "table tbody td tfoot th thead tr tt var".split()
)
RENDERED = frozenset(
    "alt checked class colspan disabled href id rowspan scope src start style title type".split()
)
VOID = frozenset({"br", "col", "hr", "img", "input"})  # tags that are never closed
CLASSES = frozenset({"dataframe", "mathjax_ignore", "tex2jax_ignore"})  # others mean something to formgrader
STYLES = (
    "background-color border border-collapse border-radius caption-side color font-family font-size font-style "
    "font-weight height line-height margin max-width min-width padding text-align text-decoration "
    "vertical-align white-space width"
).split()
CUNNING_STYLE = re.compile(r"[(\\]|-\s*[\d.]")  # functions, escapes, and what moves a thing over another
UNSHOWN = re.compile(r"<(script|style|template|noscript)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
UNENDED = re.compile(r"<(?![^<>]*>)")  # in these, too, bleach's time is quadratic
PLAIN_URL = re.compile(r"(?:https?:|mailto:|[^:]*(?:[/?#]|\Z))", re.IGNORECASE)  # the last: relative
PICTURE_URL = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[a-zA-Z0-9+/=\s]*", re.IGNORECASE)


def make(notebook: NotebookNode) -> None:
    """Make every text and every output of the notebook harmless, in place."""
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in notebook.cells]
    taken = tuple(name + more for name in ids if name for more in ("", "-comment", "_extra_credit"))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            made = [output(given, taken) for given in cell.outputs]
            cell.outputs = [new for new in made if new is not None]
        else:
            pictures = _attachments(cell.pop("attachments", None))
            if pictures:
                cell.attachments = from_dict(pictures)  # type: ignore[no-untyped-call]
            cell.source = markdown(cell.source, tuple(pictures), taken)


def output(given: Any, taken: tuple[str, ...] = ()) -> NotebookNode | None:
    """The output with nothing in it but what is known to be harmless; None for what is no output."""
    kind = given.get("output_type")
    new: dict[str, Any]
    if kind == "stream":
        name = "stderr" if given.get("name") == "stderr" else "stdout"
        new = {"output_type": kind, "name": name, "text": _text(given.get("text"))}
    elif kind == "error":
        lines = given.get("traceback")
        new = {
            "output_type": kind,
            "ename": _text(given.get("ename")),
            "evalue": _text(given.get("evalue")),
            "traceback": [_text(line) for line in lines] if isinstance(lines, list) else [],
        }
    elif kind in ("display_data", "execute_result"):
        data, metadata = given.get("data"), given.get("metadata")
        new = {"output_type": kind, "data": _data(data, taken), "metadata": _sizes(metadata)}
        if kind == "execute_result":
            count = given.get("execution_count")
            new["execution_count"] = count if isinstance(count, int) else None
    else:
        return None
    node: NotebookNode = from_dict(new)  # type: ignore[no-untyped-call]
    return node


@functools.lru_cache(maxsize=1024)  # most of a class's cells are the same
def markdown(text: str, attachments: tuple[str, ...] = (), taken: tuple[str, ...] = ()) -> str:
    """Markdown, or raw text, that shows the same and does nothing; no heading takes an id that is taken."""
    spaced = BEGINS_A_TAG.sub("< ", text)
    if len(spaced) <= MOST_MARKDOWN and _renders_plainly(spaced, attachments, taken):
        return spaced
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", spaced))]))
    return f"{fence}text\n{spaced}\n{fence}"


def html(text: str) -> str:
    """The HTML without scripts, forms, frames, and styles or links that do more than show."""
    text = UNENDED.sub("&lt;", UNSHOWN.sub("", text))
    if len(text) > MOST_HTML or _Seen.of(text).depth > MOST_DEPTH:
        return f"<p><em>HTML of {len(text):,} characters is not shown.</em></p>"
    clean: str = bleach.clean(
        text,
        tags=TAGS - {"input"},
        attributes=_keeps,
        protocols=("http", "https", "mailto", "data"),
        strip=True,
        css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES),
    )
    return clean


def _data(data: Any, taken: tuple[str, ...]) -> dict[str, str]:
    data = data if isinstance(data, dict) else {}
    kept = {}
    for kind, value in data.items():
        if kind == "text/markdown":
            kept[kind] = markdown(_text(value), taken=taken)
        elif kind in SHOWN and (shown := SHOWN[kind](_text(value))):
            kept["text/html" if kind == "image/svg+xml" else kind] = shown
    kinds = ", ".join(_text(kind)[:80] for kind in data)
    return kept or {"text/plain": f"[not shown: {kinds or 'nothing'}]"}


def _picture(text: str) -> str | None:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(raw).decode()


def _svg(text: str) -> str:
    """An image element, in which a browser runs no script and fetches nothing."""
    data = base64.b64encode(text.encode(errors="replace")).decode()
    return f'<img alt="drawing" src="data:image/svg+xml;base64,{data}">'


SHOWN: dict[str, Callable[[str], str | None]] = {
    "text/plain": str,
    "text/latex": str,  # the pages escape it, and MathJax's "Safe" extension guards its links
    "text/html": html,
    "image/png": _picture,
    "image/jpeg": _picture,
    "image/gif": _picture,
    "image/svg+xml": _svg,
}


def _sizes(metadata: Any) -> dict[str, Any]:
    """Of the metadata, how large a picture is to be shown."""
    kept = {}
    for kind, sizes in metadata.items() if isinstance(metadata, dict) else ():
        if kind in SHOWN and kind.startswith("image/") and isinstance(sizes, dict):
            kept[kind] = {k: v for k, v in sizes.items() if k in ("width", "height") and type(v) is int}
    return kept


def _attachments(given: Any) -> dict[str, dict[str, str]]:
    """The pictures that were pasted into a text, by name."""
    kept: dict[str, dict[str, str]] = {}
    for name, kinds in given.items() if isinstance(given, dict) else ():
        for kind in ("image/png", "image/jpeg", "image/gif"):
            picture = _picture(_text(kinds.get(kind))) if isinstance(kinds, dict) else None
            if picture:
                kept[name] = {kind: picture}
    return kept


def _text(value: Any) -> str:
    """Text as nbformat has it: a string, or a list of lines. Lone surrogates, which no file holds, go."""
    joined = "".join(map(str, value)) if isinstance(value, list) else value
    return joined.encode(errors="replace").decode() if isinstance(joined, str) else ""


def _keeps(tag: str, name: str, value: str) -> bool:
    """Whether the attribute of an HTML output stays."""
    if name == "src":
        return tag == "img" and bool(PICTURE_URL.fullmatch(value.strip()))
    if name == "href":
        return tag == "a" and _is_plain(value)
    if name == "style":
        return not CUNNING_STYLE.search(value)
    if name == "class":
        return set(value.split()) <= CLASSES
    return name in ("alt", "colspan", "height", "open", "rowspan", "scope", "start", "title", "width")


def _is_plain(url: str) -> bool:
    """Whether the address is relative or of a harmless scheme, however a browser reads it."""
    seen = re.sub(r"[\x00-\x20\x7f-\xa0]", "", url)
    return bool(PLAIN_URL.match(seen))


def _renders_plainly(text: str, attachments: tuple[str, ...], taken: tuple[str, ...]) -> bool:
    """Whether the pages that show the markdown make nothing of it but plain tags and plain links."""
    given = {name: {"image/png": ""} for name in attachments}
    try:
        rendered = MarkdownWithMath(IPythonRenderer(escape=False, attachments=given)).render(text)
    except Exception:  # whatever it is: those pages would stumble over it too
        return False
    seen = _Seen.of(rendered)
    # An open <details> would hide what follows, and an open <b> embolden it.
    return seen.plain and seen.balanced and not seen.open.total() and seen.ids.isdisjoint(taken)


class _Seen(HTMLParser):
    """Reads HTML and notes how deep it goes, and whether all of it is plain."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.depth = True, 0
        self.open, self.balanced = Counter[str](), True
        self.ids = set[str]()

    @classmethod
    def of(cls, text: str) -> "_Seen":
        """What is seen in the text."""
        seen = cls()
        seen.feed(text)
        seen.close()
        return seen

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open[tag] += 1
        self.depth = max(self.depth, self.open.total(), len(attrs))
        self.ids |= {value or "" for name, value in attrs if name == "id"}
        addresses = [(name, value or "") for name, value in attrs if name in ("href", "src")]
        self.plain &= (
            tag in TAGS
            and all(name in RENDERED for name, _ in attrs)
            and all(_is_plain(v) or (n == "src" and bool(PICTURE_URL.fullmatch(v))) for n, v in addresses)
        )

    def handle_endtag(self, tag: str) -> None:
        self.balanced &= self.open[tag] > 0
        self.open[tag] = max(0, self.open[tag] - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # as browsers read it

    def handle_decl(self, decl: str) -> None:
        self.plain = False

    def handle_pi(self, data: str) -> None:
        self.plain = False

    def unknown_decl(self, data: str) -> None:
        self.plain = False

    def handle_comment(self, data: str) -> None:
        self.plain = False
