"""A student's id is a folder's name, a part of a URL and a key of the gradebook: it must be safe in each.

nbgrader takes ids as glob patterns and pastes them unquoted into pages and addresses, and its exchange parts
names at "+". So an id keeps letters and digits of any script, spaces and `_ - . @`, and loses all else. An id
that lost anything gets a digest of what it was, so that two students never meet in one; so do ids that a file
system that ignores case or the form of accents would take for one.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable

MAX_BYTES = 100
_UNSAFE_ENDS = " .-"


def safe_ids(names: Iterable[str], *, fixed: Collection[str] = ()) -> dict[str, str]:
    """For each name an id of its own; those of `fixed`, which are safe, are their own ids."""
    ids = {name: safe_id(name) for name in names}
    meeting: dict[str, list[str]] = defaultdict(list)
    for name, id_ in ids.items():
        meeting[unicodedata.normalize("NFC", id_.casefold())].append(name)
    for several in meeting.values():
        if len(several) > 1:
            ids |= {name: _with_digest(ids[name], name) for name in several if name not in fixed}
    return ids


def safe_id(name: str) -> str:
    """The name where it is a safe id, else what is safe of it and a digest of the whole."""
    composed = unicodedata.normalize("NFC", name)
    kept = "".join(map(_safe, composed)).strip(_UNSAFE_ENDS)
    if kept == composed and kept and len(kept.encode()) <= MAX_BYTES:
        return kept
    return _with_digest(kept, name)


def plain(name: str) -> str:
    """The name's letters and digits alone, by which two spellings of it are compared."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in unicodedata.normalize("NFC", folded) if unicodedata.category(c)[0] in "LMN")


def printable(text: str, length: int = 200) -> str:
    """The text on one line, for messages: what cannot be printed is escaped, and what is long is cut."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: length + 1])
    return shown if len(text) <= length else shown[:length] + "..."


def _safe(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # invisible: joiners, directions
        return ""
    return character if category[0] in "LMN" or character in " _-.@" else "_"


def _with_digest(kept: str, name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    short = kept.encode()[: MAX_BYTES - 9].decode("utf-8", "ignore")
    short = re.sub(r"_{2,}", "_", short).strip(_UNSAFE_ENDS + "_")
    return f"{short or 'student'}-{digest}"
