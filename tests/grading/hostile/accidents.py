"""What befalls honest students. A solved lab loses the exercise that the accident befell, and no other."""

from hostile.corpus import case


@case("solved", costs=["fit"], says="(?i)syntax|not defined")
def syntax_error(lab):
    """A bracket too few."""
    lab.answer("fit", "def fit(X, r:\n    return X.mean(0)")


@case("solved", costs=["encode_decode"])
def indentation(lab):
    """Tabs and spaces, and a return outside."""
    lab.answer("encode_decode", "def encode(X, mean, Theta):\n\treturn (X\n        - mean)\n    return Theta")


@case("solved")
def import_of_nothing(lab):
    """A package that is not there, a name that is not defined, a file that was only at home."""
    lab.own("import a_package_of_home")
    lab.own("print(undefined)", after="load-data")
    lab.own("open(r'C:\\Users\\ada\\data.csv')", after="load-data")


@case("solved", costs=["fit"], says="(?i)recursion")
def recursion(lab):
    """An answer that calls itself."""
    lab.answer("fit", "def fit(X, r):\n    return fit(X, r)")


@case("solved", costs=["largest_angle"])
def asks_for_input(lab):
    """`input()` in a cell and in an answer: nobody is there to type."""
    lab.own("name = input('Who are you? ')", after="load-data")
    lab.own("import getpass\ngetpass.getpass()", after="load-data")
    lab.answer("largest_angle", "def largest_angle(A, B):\n    return float(input('angle? '))")


@case("solved", costs=["errors"])
def breakpoints(lab):
    """A debugger left in a cell and in an answer."""
    lab.own("breakpoint()\nprint('after')", after="load-data")
    lab.own("%debug", after="load-data")
    lab.answer(
        "errors", "def squared_error(X, X_hat):\n    import pdb; pdb.set_trace()\n    return X_hat.sum()"
    )


@case("solved")
def eighty_figures(lab):
    """Figures that nobody closes."""
    lab.own("for n in range(80):\n    plt.figure(figsize=(1, 1))\n    plt.plot([n])\nplt.show()")


@case("solved", costs=["gradient_step", "largest_angle"])
def torch_deleted(lab):
    """`del torch`, between the first exercises and the last, which need it."""
    lab.own("del torch", after="check-fit")


@case("solved", costs=["gradient_step", "largest_angle"])
def namespace_reset(lab):
    """`%reset -f`, at the same place."""
    lab.own("%reset -f", after="check-fit")


@case("solved", costs=["fit"])
def answer_deleted(lab):
    """The answer's name is deleted, or is a number, before it is judged."""
    lab.own("del fit", after="fit")


@case("solved", costs=["fit", "kept"])
def answer_overwritten(lab):
    """Two answers' names stand for results."""
    lab.own("kept_answers = kept_answers()", after="kept")
    lab.own("fit = fit(X, 2)", after="fit")


@case("solved")
def shell_commands(lab):
    """`%%bash`, `!`, `pip install`, `%cd`, `%matplotlib`, `%timeit`, a magic that does not exist."""
    lab.own("%%bash\necho hello; false")
    lab.own("!ls; pip install --quiet nothing-of-this-name --retries 0 --timeout 1", after="load-data")
    lab.own("%cd ..\n%matplotlib notebook\n%matplotlib inline", after="load-data")
    lab.own("%timeit -n 1 -r 1 1 + 1\n%no_such_magic", after="load-data")
    lab.own("%%no_such_cell_magic\nx", after="load-data")


@case("solved")
def surroundings_changed(lab):
    """Another folder, an empty environment, a closed output, other defaults of numpy and warnings."""
    lab.own(
        """
        import gc, os, sys, warnings
        import numpy as np
        os.makedirs("a/b", exist_ok=True)
        os.chdir("a/b")
        os.environ.clear()
        gc.disable()
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        torch.set_printoptions(precision=1)
        warnings.simplefilter("ignore")
        sys.stdout.close()
        """,
        after="load-data",
    )


@case("solved", costs=["errors", "gradient_step"])
def gradients_switched_off(lab):
    """`torch.set_grad_enabled(False)`, left so: what needs gradients has none."""
    lab.own("torch.set_grad_enabled(False)", after="load-data")


@case("solved")
def other_types_by_default(lab):
    """Another dtype by default, another number of threads, another seed: the judge keeps its own."""
    lab.own(
        """
        torch.set_default_dtype(torch.float16)
        torch.set_num_threads(3)
        torch.manual_seed(0)
        """,
        after="load-data",
    )


@case("solved")
def unusual_functions(lab):
    """Answers that are no plain functions: a lambda, a partial, an object, a cached one, a bound method."""
    lab.own(
        """
        import functools
        of_three = lambda X, r, extra, f=fit: f(X, r)
        fit = functools.partial(of_three, extra=1)
        """,
        after="fit",
    )
    lab.own(
        """
        import functools
        class Encoder:
            def __init__(self, f): self.f = f
            def __call__(self, X, mean, Theta): return self.f(X, mean, Theta)
        encode = Encoder(encode)
        decode = functools.lru_cache(decode)
        """,
        after="encode_decode",
    )


@case("solved")
def imports_that_come_late(lab):
    """An answer that imports what the lab has not used before: from Python, from a package, from this one."""
    late = "    import xml.dom.minidom, scipy.linalg\n    from gentutor.models import vae\n"
    head, line, body = lab.cell("fit").source.partition("\n")
    lab.answer("fit", head + line + late + body)


@case("solved", costs=["fit"])
def coroutine(lab):
    """An answer that has to be awaited, and is not."""
    lab.answer("fit", "async " + lab.cell("fit").source)


@case("solved")
def letters_of_all_kinds(lab):
    """Greek names, umlauts, an emoji, text from right to left, Windows line ends, a BOM in a cell."""
    lab.answer(
        "fit",
        """
        def fit(X, r):
            größe_µ = X.mean(0)
            return größe_µ, torch.linalg.svd(X - größe_µ, full_matrices=False).Vh[:r].T
        """,
    )
    lab.own("π = 3\nprint('π ≈', π, '🦆', 'שלום')\r\nprint('\\u202eabc')", after="load-data")
    lab.own("\ufeffprint('bom')", after="load-data")


@case("solved")
def cells_of_nothing(lab):
    """A comment, spaces, a string, a `;`, a lone backslash, a form feed."""
    for source in ("# nothing", "   \n\t\n", "'text'", ";", "\\", "\f", "?", "??", "%", "%%", "!", "pass;"):
        lab.own(source, after="load-data")


@case("untouched")
def answers_emptied(lab):
    """Every answer's cell is empty, or holds a comment only."""
    for exercise in ("fit", "encode_decode", "errors"):
        lab.answer(exercise, "")
    for exercise in ("kept", "gradient_step", "largest_angle"):
        lab.answer(exercise, "# I did not have the time.")


@case("solved")
def derivation_locked_twice(lab):
    """The derivation was copied to try a line, and `as kept` was left in."""
    lab.own(
        lab.cell("kept_chain").source.replace(r"\blank[z_\mu; not x_\mu]{b}", r"\|z_\mu\|^2"),
        after="kept_chain",
    )


@case("solved")
def display_hooks_replaced(lab):
    """Hooks for displays and exceptions that are out of date."""
    lab.own(
        """
        import sys
        from IPython.display import display, clear_output, set_matplotlib_formats
        sys.displayhook = lambda value: None
        """
    )
    lab.own(
        """
        from IPython.display import display, clear_output
        handle = display("one", display_id=True)
        handle.update("two")
        clear_output(wait=True)
        print("three")
        5
        """,
        after="load-data",
    )


@case("solved", costs=["largest_angle"])
def signals_of_ones_own(lab):
    """A handler of one's own for the timer, and a timer that goes off in an answer that waits."""
    lab.own("import signal\nsignal.signal(signal.SIGALRM, lambda *a: 1 / 0)", after="load-data")
    lab.answer(
        "largest_angle",
        "import time, signal\ndef largest_angle(A, B):\n    signal.alarm(1)\n    time.sleep(2)\n    return 1",
    )
