"""HTML and markdown that strangers wrote, made to show the same and to do nothing.

HTML goes through bleach. In markdown, what begins an HTML tag is made text, but for a few tags without
attributes; then the text is rendered as the pages that show it render it, and if a link in it is not a plain
one, or nothing can be made of it, it is shown as it was typed, as code. What would take long is not shown.
"""

import functools
import re
from collections import Counter
from html.parser import HTMLParser

import bleach  # type: ignore[import-untyped]
from bleach.css_sanitizer import CSSSanitizer  # type: ignore[import-untyped]
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

MOST_HTML = 100_000  # characters; bleach reads some 200,000 a second
MOST_DEPTH = 100  # tags that are open, or attributes of one; in these its time is quadratic
MOST_MARKDOWN = 20_000

PLAIN_TAGS = "b|br|code|dd|del|details|dl|dt|em|hr|i|kbd|li|ol|p|pre|s|strong|sub|summary|sup|u|ul"
MORE_TAGS = (
    "a|blockquote|caption|col|colgroup|div|figcaption|figure|h1|h2|h3|h4|h5|h6|img|input|mark|section|small|"
    "span|table|tbody|td|tfoot|th|thead|tr|tt|var"
)
TAGS = frozenset(f"{PLAIN_TAGS}|{MORE_TAGS}".split("|"))
BEGINS_A_TAG = re.compile(rf"<(?=[a-zA-Z/!?])(?!/?(?:{PLAIN_TAGS})\s*/?>)", re.IGNORECASE)
RENDERED = re.compile("alt|checked|class|colspan|disabled|href|id|rowspan|scope|src|start|style|title|type")
KEPT = re.compile("alt|colspan|height|open|rowspan|scope|start|title|width")
VOID = frozenset({"br", "col", "hr", "img", "input"})  # tags that are never closed
CLASSES = frozenset({"dataframe", "mathjax_ignore", "tex2jax_ignore"})  # others mean something to formgrader
STYLES = (
    "background-color|border|border-collapse|border-radius|caption-side|color|font-family|font-size|font-style|"
    "font-weight|height|line-height|margin|max-width|min-width|padding|text-align|text-decoration|"
    "vertical-align|white-space|width"
)
CUNNING_STYLE = re.compile(r"[(\\]|-\s*[\d.]")  # functions, escapes, and what moves a thing over another
UNSHOWN = re.compile(r"<(script|style|template|noscript)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
UNENDED = re.compile(r"<(?![^<>]*>)")  # in these, too, bleach's time is quadratic
PLAIN_URL = re.compile(r"(?:https?:|mailto:|[^:]*(?:[/?#]|\Z))", re.IGNORECASE)  # the last: relative
PICTURE_URL = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[a-zA-Z0-9+/=\s]*", re.IGNORECASE)


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
        css_sanitizer=CSSSanitizer(allowed_css_properties=STYLES.split("|")),
    )
    return clean


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
    return bool(KEPT.fullmatch(name))


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
            and all(RENDERED.fullmatch(name) for name, _ in attrs)
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
