"""nbgrader here: solutions/ is the source, labs/ the release, build/grading/ holds what grading writes."""

import os
import secrets
import sys
from pathlib import Path

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    OverwriteCells,
    OverwriteKernelspec,
)

c = get_config()  # noqa: F821

ROOT = Path(__file__).resolve().parent
WORK = ROOT / "build" / "grading"
WORK.mkdir(parents=True, exist_ok=True)

c.CourseDirectory.course_id = "gentutor"
c.CourseDirectory.root = str(ROOT)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "labs"
c.CourseDirectory.submitted_directory = "build/grading/submitted"
c.CourseDirectory.autograded_directory = "build/grading/autograded"
c.CourseDirectory.feedback_directory = "build/grading/feedback"
c.CourseDirectory.db_url = f"sqlite:///{WORK / 'gradebook.db'}"

c.IncludeHeaderFooter.header = ""
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
c.ClearSolutions.text_stub = "*Your answer here.*"

c.Execute.timeout = 120  # seconds a cell
c.Execute.shutdown_kernel = "immediate"
# nbgrader's default, "skip-execution", would let a student's tag skip the cell that grades them.
c.Execute.skip_cells_with_tag = "no-cell-bears-this-tag"
c.Execute.store_widget_state = False
c.OverwriteCells.add_missing_cells = True


class TolerantDeduplicateIds(DeduplicateIds):
    """nbgrader's own leaves an empty record in the copies of a split or pasted cell, and stumbles over it."""

    def preprocess_cell(self, cell, resources, index):
        """Takes the record away altogether, so that the copy is a cell of the student's own."""
        cell, resources = super().preprocess_cell(cell, resources, index)
        if cell.metadata.get("nbgrader") == {}:
            del cell.metadata["nbgrader"]
        return cell, resources


c.Autograde.sanitize_preprocessors = [  # nbgrader's, with that one in its place
    ClearOutput,
    TolerantDeduplicateIds,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]

c.ExportApp.plugin_class = "nbgrader.plugins.CsvExportPlugin"
c.CsvExportPlugin.to = str(WORK / "grades.csv")

# nbgrader starts `alembic` by its bare name, which an environment that is not activated would not find.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

# The inputs of graded checks come from a seed that mixes the exercise with this salt. It is made once for
# a course, so that a second run gives the same marks, and no student sees it. Only the kernels that nbgrader
# starts have it, not those of notebooks that are open. They run on one thread: on more threads than there are
# free cores, small matrix products wait for each other.
SALT = WORK / "salt"
if not SALT.exists():
    SALT.write_text(secrets.token_hex(16))
environment = {"GENTUTOR_SALT": SALT.read_text(), "OMP_NUM_THREADS": "1"}
c.Execute.extra_arguments = [f"--IPKernelApp.exec_lines=__import__('os').environ.update({environment})"]
