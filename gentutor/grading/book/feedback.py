"""nbgrader's own pages of feedback, for those students alone for whom something has changed.

What a page was made from is kept as a digest beside the journal. Pages are made in several processes, since
one takes a tenth of a second and more, and each is written at once or not at all.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

from nbconvert.exporters import Exporter
from nbgrader.api import Gradebook, MissingEntry  # type: ignore[import-untyped]
from nbgrader.converters import GenerateFeedback  # type: ignore[import-untyped]

from gentutor.grading.book import files, stages
from gentutor.grading.book.course import Course
from gentutor.grading.book.database import Database
from gentutor.grading.book.recording import write_with_time

WORTH_A_PROCESS = 8  # pages; the first process needs some two seconds to start


@dataclass
class Pages:
    """The pages that were written, and for whom one could not be made, with the reason."""

    written: list[Path] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def get_ready(pages: int, workers: int) -> None:
    """Have what makes pages imported, in a process of its own, before so many of them are wanted."""
    if min(workers, pages // WORTH_A_PROCESS) > 1:
        _context()
        forkserver.ensure_running()


def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])  # nbconvert is imported once, not by each
    return context


def write(database: Database, course: Course, unit: str, students: Iterable[str], workers: int) -> Pages:
    """Write the page of each student whose notebook, marks or comments are not those of the last page."""
    with database.reading() as gradebook:
        stale = [s for s in students if _is_stale(gradebook, course, unit, s)]
    workers = min(workers, len(stale) // WORTH_A_PROCESS)
    if workers <= 1:
        return _pages(database, course, unit, stale)
    context = _context()
    shares = [stale[k::workers] for k in range(workers)]
    started = []
    for share in shares:
        told, tell = context.Pipe(duplex=False)
        # Not a pool, whose processes would wait for ever if this one were killed: these end by themselves.
        process = context.Process(target=_share, args=(tell, course.root, unit, share, database.patience))
        process.daemon = True
        process.start()
        tell.close()
        started.append((process, told, share))
    pages = Pages()
    for process, told, share in started:
        with told:
            made = _received(told, share)
        process.join()
        pages.written += made.written
        pages.failed |= made.failed
    return pages


def _received(told: Connection, share: Sequence[str]) -> Pages:
    try:
        made: Pages = told.recv()
    except EOFError:
        return Pages(failed=dict.fromkeys(share, "the process that made the page ended"))
    return made


def _share(tell: Connection, root: Path, unit: str, students: Sequence[str], patience: float) -> None:
    """What one process does; it reads the course for itself."""
    course = Course.load(root)
    database = Database(course.gradebook, course.work / "backups", course.directory.course_id, patience)
    try:
        tell.send(_pages(database, course, unit, students))
    finally:
        database.close()


def _pages(database: Database, course: Course, unit: str, students: Sequence[str]) -> Pages:
    pages = Pages()
    exporter = _exporter(course)
    for student in students:
        with database.reading() as gradebook:
            try:
                pages.written.append(_page(gradebook, course, unit, student, exporter))
            except Exception as error:  # one page that cannot be made must not cost the others theirs
                pages.failed[student] = f"{type(error).__name__}: {error}"
    return pages


def _page(gradebook: Gradebook, course: Course, unit: str, student: str, exporter: Exporter) -> Path:
    source = course.folder("autograded", student, unit) / f"{unit}.ipynb"
    digest = _digest(gradebook, source, unit, student)
    with stages.lent(gradebook):
        html, _ = exporter.from_filename(str(source), resources=stages.resources(course, unit, student))
    page = course.folder("feedback", student, unit) / f"{unit}.html"
    at = gradebook.find_submission(unit, student).timestamp
    write_with_time(page.parent, page.name, html.encode(), at)
    files.write(_note(course, unit, student), digest.encode())
    return page


def _exporter(course: Course) -> Exporter:
    """What `nbgrader generate_feedback` makes its pages with."""
    converter = GenerateFeedback(coursedir=course.directory, config=course.config)
    exporter: Exporter = converter.exporter_class(parent=converter, config=converter.config)
    for step in converter.preprocessors:
        exporter.register_preprocessor(step)  # type: ignore[no-untyped-call]
    return exporter


def _is_stale(gradebook: Gradebook, course: Course, unit: str, student: str) -> bool:
    page = course.folder("feedback", student, unit) / f"{unit}.html"
    source = course.folder("autograded", student, unit) / f"{unit}.ipynb"
    try:
        digest = _digest(gradebook, source, unit, student)
        return not page.exists() or _note(course, unit, student).read_text() != digest
    except FileNotFoundError:
        return source.exists()
    except MissingEntry:
        return False


def _digest(gradebook: Gradebook, source: Path, unit: str, student: str) -> str:
    """Of all that the page shows."""
    (notebook,) = gradebook.find_submission(unit, student).notebooks
    grades = sorted((grade.name, grade.score, grade.max_score) for grade in notebook.grades)
    comments = sorted((comment.name, comment.comment) for comment in notebook.comments)
    shown = json.dumps([grades, comments, notebook.late_submission_penalty]).encode()
    return hashlib.sha256(shown + source.read_bytes()).hexdigest()


def _note(course: Course, unit: str, student: str) -> Path:
    return course.work / "journal" / unit / student / "feedback"
