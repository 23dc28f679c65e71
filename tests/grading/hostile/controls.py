"""No attack at all: the three notebooks that the others edit get what they deserve."""

from hostile.corpus import case


@case("untouched", says="not written yet")
def untouched(lab):
    """The lab as it was handed out."""


@case("hollow", says="not what the definition gives")
def hollow(lab):
    """Right shapes, wrong values."""


@case("solved")
def solved(lab):
    """Everything right."""


@case("solved")
def own_cells(lab):
    """Everything right, with cells of one's own between: text, a figure, a name that the lab has too."""
    lab.own("plt.plot(X[0])\nplt.show()", after="load-data")
    lab.own("*My notes*, with $x^2$ and a canary-of-another-student.", after="check-fit", kind="markdown")
    lab.own("Theta = fit(X, 2)[1]\nprint(Theta.shape)", after="check-fit")
