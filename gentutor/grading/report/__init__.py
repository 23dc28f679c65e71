"""What the instructor sees: who failed and why while it runs, and at the end where the class stands.

outcome.py    what came of one submission, in a line
progress.py   the bar, or plain lines where there is no terminal
summary.py    the class as a page of Markdown, which is also what the terminal shows
words.py      text that others wrote, made fit to be shown
"""

from gentutor.grading.report.outcome import Failure, Outcome, failures
from gentutor.grading.report.progress import Progress
from gentutor.grading.report.summary import Summary

__all__ = ["Failure", "Outcome", "Progress", "Summary", "failures"]
