"""What graded cells call: an answer is asked for values, and the values are judged.

    @check.exercise("01_pca/fit")
    def judge(ex):
        X = ex.draw.normal(40, 7)
        mean, Theta = ex.call(fit, X=X, r=3, returns="mean, Theta")
        mean.equals(X.mean(0))
        Theta.has_shape((7, 3), "one column for each component")

`call.py` is the side of the student's function: plain values go in, plain values come out, and nothing else
crosses, so that the function can live in another process. `exercise.py` is the side of the judge.
"""

from gentutor.check.call import Answer, Call, Local, Made, Opaque, Reply
from gentutor.check.draw import SALT_VARIABLE, Draw, seed_for
from gentutor.check.exercise import PASSED, CheckFailed, Exercise, Value, exercise, passed

__all__ = [
    "PASSED",
    "SALT_VARIABLE",
    "Answer",
    "Call",
    "CheckFailed",
    "Draw",
    "Exercise",
    "Local",
    "Made",
    "Opaque",
    "Reply",
    "Value",
    "exercise",
    "passed",
    "seed_for",
]
