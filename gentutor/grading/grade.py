"""Leads a class through the rooms: what was handed in is rebuilt, tried, recorded, and reported.

One thread leads: it rebuilds a submission when the executor asks for the next job, and writes a result down
as soon as it is there. What was tried is kept at once, so that a run that was stopped at any moment goes on
from there when the same command is given. What goes wrong with one submission is its line in the report; only
where the lab, the book, the sandbox or the cluster as a whole fails does the run end.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

from gentutor.grading.book import Book, files
from gentutor.grading.box import BoxError, Policy, why_not
from gentutor.grading.executors import Executor, ExecutorError, Lost
from gentutor.grading.executors.local import Local, cores
from gentutor.grading.intake import rebuild
from gentutor.grading.lab import Lab, fingerprint
from gentutor.grading.order import ENDS_ALL, CannotGrade, Order, Taken, told
from gentutor.grading.records import Handed, Job, Limits, Refused, Submission, Tried
from gentutor.grading.report import Outcome, Progress, Summary, failures
from gentutor.grading.trial.outputs import executed
from gentutor.grading.trial.session import Trials

STOPPED = "Stopped by Ctrl-C. What was tried is kept: the same command goes on from there."


def grade(order: Order) -> Summary:
    """Grades what was handed in, as far as it comes: see `Summary.status`. Raises CannotGrade before that."""
    began = time.monotonic()
    with told():
        if order.scheduler is None and (why := why_not(Policy(sandbox=order.sandbox))):
            raise CannotGrade(why)
        lab, taken = Lab.load(order.course, order.unit), Taken.of(order)
        summary = Summary(lab.unit, lab.exercises, order.sandbox, taken.absent)
        with Book.open(order.course, lab.unit) as book, _executor(order, lab) as executor:
            book.prepare(lab.master)
            book.expect(len(taken.handed), order.workers or cores())
            if taken.roster:
                book.enrol(taken.roster.students)
            try:
                with Progress(len(taken.handed) + len(taken.refused), lab.unit) as progress:
                    batch = _Batch(order, lab, taken, book, executor, summary, progress)
                    batch.run()
                    batch.publish()
            except KeyboardInterrupt:
                summary.end(STOPPED, 130)
            except ENDS_ALL as error:
                summary.end(str(error), 2)
            except Exception as error:  # what nobody thought of: what was done is reported all the same
                summary.end(f"{type(error).__name__}: {error}", 2)
                raise
            finally:
                summary.seconds = time.monotonic() - began
                report = order.course / "build" / "grading" / "reports" / f"{lab.unit}.md"
                files.write(report, summary.markdown().encode())
    return summary


def open_trials(lab: Lab, sandbox: bool, limits: Limits) -> Trials:
    """Trials in the process that this is called in, which may be on another machine. Raises BoxError."""
    policy = Policy(sandbox=sandbox)
    if why := why_not(policy):
        raise BoxError(why)
    return Trials(lab, policy, limits)


def _executor(order: Order, lab: Lab) -> Executor:
    opened = partial(open_trials, lab, order.sandbox, order.limits)
    if order.scheduler is None:
        return Local(opened, order.workers)
    try:
        from gentutor.grading.executors.cluster import Cluster
    except ModuleNotFoundError as error:
        raise ExecutorError(f"--scheduler needs Dask ({error}): pip install 'gentutor[cluster]'.") from error
    return Cluster(opened, order.scheduler)


class _Batch:
    """One run over a class."""

    def __init__(
        self,
        order: Order,
        lab: Lab,
        taken: Taken,
        book: Book,
        executor: Executor,
        summary: Summary,
        progress: Progress,
    ) -> None:
        self._order, self._lab, self._taken = order, lab, taken
        self._book, self._executor = book, executor
        self._summary, self._progress = summary, progress
        self._running: dict[str, tuple[Submission, str]] = {}  # by student, with its fingerprint

    def run(self) -> None:
        """Every submission is tried, recorded and told; or told why not."""
        for refused in self._taken.refused:
            self._tell(Outcome(refused.student, "refused", refused.reason))
        for job, tried in self._executor.run(self._jobs()):
            submission, mark = self._running.pop(job.student)
            with self._alone(job.student):
                if isinstance(tried, Lost):
                    self._tell(Outcome(job.student, "lost", tried.why))
                else:
                    self._book.save_result(mark, job.student, tried)
                    self._record(submission, mark, tried)

    def publish(self) -> None:
        """Feedback for the students, tables for the platforms."""
        students = [outcome.student for outcome in self._summary.outcomes if outcome.marks]
        self._progress.say(f"Pages of feedback for {len(students)} students ...")
        pages = self._book.feedback(students, self._order.workers or cores())
        self._summary.without_page = pages.failed
        roster = self._taken.roster
        self._summary.files = self._book.tables(roster.students if roster else ())

    def _jobs(self) -> Iterator[Job]:
        """The jobs of those submissions that were not tried before."""
        while self._taken.handed:
            handed, job = self._taken.handed.popleft(), None
            with self._alone(handed.student):
                job = self._job(handed)
            if job:
                yield job

    def _job(self, handed: Handed) -> Job | None:
        """The submission's job; None where its result is known, and then it is in the book."""
        lab, book, limits = self._lab, self._book, self._order.limits
        submission = rebuild(handed, lab.release, lab.master, lab.unit)
        if isinstance(submission, Refused):
            self._tell(Outcome(submission.student, "refused", submission.reason))
            return None
        student, mark = submission.student, fingerprint(submission, lab, limits, self._order.sandbox)
        book.keep_original(submission)
        tried = None if self._order.again else book.result(mark, student)
        if tried is None:
            self._running[student] = submission, mark
            return lab.job(submission, book.salt, limits)
        if book.is_recorded(mark, student):
            self._tell(self._outcome("recorded", submission, tried))
        else:
            self._record(submission, mark, tried)
        return None

    def _record(self, submission: Submission, mark: str, tried: Tried) -> None:
        notebook = executed(self._lab, submission, tried, self._executor.class_outputs)
        self._book.record(submission, notebook, mark)
        self._tell(self._outcome("graded", submission, tried))

    def _outcome(self, state: Literal["graded", "recorded"], submission: Submission, tried: Tried) -> Outcome:
        student = submission.student
        notes = (*self._taken.notes.get(student, ()), *submission.notes, *tried.noticed)
        failed = failures(self._lab, tried)
        return Outcome(student, state, tried.stopped or "", self._book.marks(student), failed, notes)

    def _tell(self, outcome: Outcome) -> None:
        self._summary.outcomes.append(outcome)
        self._progress.add(outcome)

    @contextmanager
    def _alone(self, student: str) -> Iterator[None]:
        """What goes wrong in the `with` costs this student's submission, and no other's."""
        try:
            yield
        except ENDS_ALL:
            raise
        except Exception as error:
            self._tell(Outcome(student, "lost", f"{type(error).__name__}: {error}"))
