"""What lies there to be graded, and what is said of it before anything runs."""

from pathlib import Path
from zipfile import ZipFile

from gentutor.grading.order import Order, Taken

LAB = Path(__file__).parents[2] / "labs" / "01_pca" / "01_pca.ipynb"


def test_a_late_mark_and_several_attempts_are_said_of_whom_they_concern(tmp_path):
    names = ["lovelaceada_11_901_01_pca.ipynb", "lovelaceada_LATE_11_902_01_pca-1.ipynb"]
    names += ["bitdiddleben_LATE_12_903_01_pca.ipynb", "fect_13_904_01_pca.ipynb"]
    with ZipFile(tmp_path / "canvas.zip", "w") as archive:
        for k, name in enumerate(names):  # no two files are the same
            archive.writestr(name, LAB.read_bytes() + b"\n" * k)
    taken = Taken.of(Order("01_pca", tmp_path / "canvas.zip", tmp_path))
    assert [each.student for each in taken.handed] == ["bitdiddleben_12", "fect_13", "lovelaceada_11"]
    late = "The platform marks it as late."
    twice, ada_is_late = taken.notes.pop("lovelaceada_11")
    assert twice.startswith("Handed in 2 times")
    assert ada_is_late == late
    assert taken.notes == {"bitdiddleben_12": (late,)}
