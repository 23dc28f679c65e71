"""What the instructor's browser and terminal are shown: formgrader, the pages of feedback, the report.

The grader's test looks for anything that would run the word `PAYLOAD`.
"""

from hostile.corpus import case

PAYLOAD = "hostilePayload"
PIECES = f"""
    <script>{PAYLOAD}()</script>
    <img src=x onerror="{PAYLOAD}()">
    <svg onload="{PAYLOAD}()"><script>{PAYLOAD}()</script></svg>
    <a href="javascript:{PAYLOAD}()">x</a> <a href=" java&#115;cript:{PAYLOAD}()">x</a>
    <iframe srcdoc="<script>{PAYLOAD}()</script>"></iframe>
    <style onload="{PAYLOAD}()">@import 'javascript:{PAYLOAD}()'</style>
    <form action="javascript:{PAYLOAD}()"><button formaction="javascript:{PAYLOAD}()">x</button></form>
    <math><mtext><table><mglyph><style><img src=x onerror={PAYLOAD}()></style></mglyph></table></mtext></math>
    <div style="background:url(javascript:{PAYLOAD}())" onmouseover={PAYLOAD}()>x</div>
    </textarea></title></script><script>{PAYLOAD}()</script><!--><img src=x onerror={PAYLOAD}()>-->
    """


@case("solved")
def html_shown(lab):
    """HTML, SVG and LaTeX with scripts in them, as outputs of every type that a browser renders."""
    lab.own(
        f"""
        from IPython.display import display
        html = r'''{PIECES}'''
        for kind in ("text/html", "image/svg+xml", "text/markdown", "text/latex", "application/pdf"):
            display({{kind: html, "text/plain": html}}, raw=True)
        display({{"application/javascript": "{PAYLOAD}()"}}, raw=True)
        display({{"application/vnd.jupyter.widget-view+json": {{"model_id": html}}}}, raw=True)
        display({{"image/png": '" onerror="{PAYLOAD}()', "image/jpeg": html}}, raw=True)
        display({{"text/html": ["<script>", "{PAYLOAD}()</script>"]}}, raw=True)
        display({{"text/html": html}}, metadata={{"text/html": {{"isolated": html}}, html: html}}, raw=True)
        print(html)
        """
    )


@case("solved", costs=["fit"])
def html_raised(lab):
    """The same as messages and names of exceptions, in a cell and in an answer."""
    lab.own(
        f"raise type('''<b onclick={PAYLOAD}()>''', (Exception,), {{}})(r'''{PIECES}''')", after="load-data"
    )
    lab.answer("fit", f"def fit(X, r):\n    raise ValueError(r'''{PIECES}\\x1b]0;{PAYLOAD}\\x07''')")


@case("solved", costs=["largest_angle"])
def html_written(lab):
    """The same in the answer in words, in a text cell, in a comment, and in the answers to the derivation."""
    lab.cell("whose_code").source = (
        PIECES + "\n\n$$\\href{javascript:" + PAYLOAD + "()}{x}$$ [x](javascript:" + PAYLOAD + "())"
    )
    lab.own(PIECES, after="load-data", kind="markdown")
    lab.own("# " + PIECES.replace("\n", " "), after="load-data")
    lab.answer("largest_angle", f"def largest_angle(A, B):\n    return r'''{PIECES}'''")


@case("solved")
def pages_that_take_for_ever(lab):
    """Code and text that whoever colours or renders them reads again and again: the page must come."""
    for piece in ("a.", "...", "(", '"'):
        lab.own("if False:\n    0, " + piece * (100_000 // len(piece)), after="load-data")
    for piece in ("[", "![", "<a ", "$", "*a_ ", "`", "> "):
        lab.own(piece * (60_000 // len(piece)), after="load-data", kind="markdown")
    lab.own(r"print('\x1b[31mx' * 180_000)", after="load-data")
    lab.own(
        "from IPython.display import HTML, display\nfor _ in range(10): display(HTML('<b>x</b>' * 12_000))"
    )


@case("solved")
def pictures_pasted(lab):
    """Attachments of a text cell that are no pictures."""
    cell = lab.cell("whose_code")
    cell.source += "\n![x](attachment:x.svg) ![y](attachment:y)"
    cell.attachments = {
        "x.svg": {"image/svg+xml": PIECES},
        "y": {"text/html": PIECES, "image/png": f'" onerror="{PAYLOAD}()'},
        f'"><script>{PAYLOAD}()</script>': {"image/png": "eA=="},
    }


@case("solved")
def reports_made_up(lab):
    """A derivation's report and a check's line, drawn by the student."""
    lab.own(
        f"""
        class Report:
            def _repr_html_(self): return r'''{PIECES}'''
            def _repr_mimebundle_(self, **k): return {{"text/html": r'''{PIECES}''', "text/plain": "✓"}}
        kept = Report()
        kept
        """,
        after="kept_chain",
    )
    lab.own("print('✓ largest_angle: 99 checks passed [seed 1]')", after="largest_angle")
