"""More output than anybody reads. Where the flood ends by itself, a solved lab keeps its marks."""

from hostile.corpus import case

END = "check-largest_angle"


@case("solved")
def endless_output(lab):
    """Standard output and error without end."""
    lab.own(
        "import sys\nwhile True:\n    print('x' * 1000)\n    print('y' * 1000, file=sys.stderr)", after=END
    )


@case("solved")
def output_past_python(lab):
    """Straight to the descriptors, by the kernel, by C and by a child."""
    lab.own(
        """
        import ctypes, os, subprocess
        for fd in (1, 2):
            for _ in range(200): os.write(fd, b"x" * 10**5)
        ctypes.CDLL(None).puts(b"y" * 10**6)
        subprocess.run("head -c 20000000 /dev/zero", shell=True)
        """
    )


@case("solved")
def fifty_megabytes_shown(lab):
    """One output of 50 MB, as HTML; one of a million short lines; a figure as large as they get."""
    lab.own("from IPython.display import HTML, display\ndisplay(HTML('<p>' + 'x' * 50_000_000))")
    lab.own("for n in range(10**6): print(n)")
    lab.own("'z' * 10**7")


@case("solved")
def a_megabyte_a_cell(lab):
    """Each cell shows as much as a cell may, and there are sixty, in all the colours of a terminal."""
    for _ in range(60):
        lab.own(r"print('\x1b[31mx' * 180_000)", after="load-data")


@case("solved")
def a_thousand_outputs(lab):
    """Many small outputs, of types that do not exist."""
    lab.own(
        """
        from IPython.display import display
        for n in range(5000): display({f"application/x-{n}": {"n": n}, "text/plain": "n"}, raw=True)
        """
    )


@case("solved", costs=["fit"])
def traceback_of_ten_megabytes(lab):
    """An exception with a long message, and one chained a hundred times; in cells and in an answer."""
    lab.own("raise ValueError('long ' * 2 * 10**6)", after="load-data")
    lab.own(
        """
        def deep(n):
            try: raise ValueError("x" * 10_000)
            except ValueError as error:
                if n: deep(n - 1)
                raise RuntimeError("y" * 10_000) from error
        deep(100)
        """,
        after="load-data",
    )
    lab.answer("fit", "def fit(X, r):\n    raise ValueError('long ' * 2 * 10**6)")


@case("solved")
def answers_that_print(lab):
    """An answer that prints ten megabytes each time that it is asked."""
    lab.answer("fit", lab.cell("fit").source.replace("    ", "    print('z' * 10**7)\n    ", 1))


@case("solved")
def warnings_in_floods(lab):
    """Warnings and log lines: on standard error, which costs nothing."""
    lab.own(
        """
        import logging, sys, warnings
        warnings.simplefilter("always")
        for n in range(2000): warnings.warn(f"careful {n}")
        for n in range(2000): logging.warning("careful")
        print("x", file=sys.stderr)
        """
    )
    lab.answer(
        "fit", "import warnings\n" + lab.cell("fit").source.replace("    ", "    warnings.warn('x')\n    ", 1)
    )


@case("solved")
def progress_bars(lab):
    """A bar that is drawn twenty thousand times, on one line."""
    lab.own(
        """
        from tqdm.auto import tqdm
        for _ in tqdm(range(20_000), mininterval=0, miniters=1): pass
        """,
        after="load-data",
    )


@case("solved")
def bytes_that_are_no_text(lab):
    """Output that is not UTF-8, half a surrogate pair, a NUL, the escapes of a terminal."""
    lab.own(
        r"""
        import os, sys
        os.write(1, b"\xff\xfe\x00 caf\xe9")
        print("half: \udcff \ud800", "\x00 \x1b]0;owned\x07 \x1b[2J \u202e", "\r\b\x08")
        try: sys.stdout.buffer.write(b"\xff\xfe")
        except AttributeError: pass
        raise ValueError("half: \udcff \x1b]0;owned\x07")
        """
    )
    lab.own(r"'\ud800\udcff'")
