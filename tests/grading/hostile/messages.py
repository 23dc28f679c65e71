"""Messages in the grader's own form, written by the student's process to harm who reads them.

`forgery.py` has frames of all makes; here the student has read our source.
"""

from hostile.browser import PAYLOAD
from hostile.corpus import case, text

# What the student's process sends next, whatever it was asked.
SENDS = r"""
    from gentutor.check import Call, Local, Made, Opaque, Reply
    from gentutor.check.call import Failure
    from gentutor.grading.trial import shell, student, wire

    def sends(*messages):
        messages, real = list(messages), wire.dumps
        wire.dumps = lambda value: messages.pop(0) if messages else real(value)

    def message(header):
        return len(header.encode()).to_bytes(8, "little") + header.encode()
    """


def forges(lab, source, after="setup"):
    lab.attack(text(SENDS) + text(source), after=after)


@case("hollow", seconds=20)
def messages_that_grow_as_they_are_read(lab):
    """Sixty megabytes of brackets, which are gigabytes once they are lists; a number of a million digits."""
    forges(
        lab,
        """
        lists = "[" + "[]," * 20_000_000 + "[]]"
        sends(message(lists), message("9" * 10**6), message("[" * 10**6 + "]" * 10**6))
        """,
    )


@case("hollow")
def messages_whose_faults_are_quoted(lab):
    """What cannot be read, such that the complaint about it is a page of the student's own."""
    forges(
        lab,
        rf"""
        page = r"\u001b]0;owned\u0007\n\n# All passed\n\n<script>{PAYLOAD}()</script>" + "x" * 10**6
        sends(
            message('{{"record": ["Reply", [["' + page + '", 1]]]}}'),
            message('{{"record": ["' + page + '", []]}}'),
            message('{{"' + page + '": 1}}'),
            message('{{"int": "' + page + '"}}'),
        )
        """,
    )


@case("hollow")
def messages_of_other_forms(lab):
    """Outputs that no cell has: of unknown kinds, of wrong types, with keys that are no text."""
    forges(
        lab,
        r"""
        mime = {"text/html": 5, "text/markdown": {"a": 1}, "image/png": None, "text/latex": True, "": ""}
        mime |= {"image/jpeg": "\ud800", "\ud800/x": "x", "text/plain": ["a", 1]}
        mime |= {"application/json": {"\udfff": ["\ud800"]}}
        sends(
            wire.dumps([
                {"output_type": "display_data", "data": mime, "metadata": {"x": "\ud800"}},
                {"output_type": "execute_result", "data": mime, "execution_count": "x"},
                {"output_type": "stream", "name": "stdout", "text": None},
                {"output_type": "error", "ename": {}, "evalue": 7, "traceback": [["\ud800"], 5] * 1000},
                {"output_type": "update_display_data", "data": mime},
                *(5, None, {}, {"output_type": 3}, {"output_type": "stream", "name": "x"}),
            ]),
            wire.dumps([{"output_type": "display_data", "data": {"application/json": {"n": 10**9999}}}]),
            wire.dumps({"fit": ["\ud800"], "judge": ["function"], "check": [1], "pca": "function"}),
        )
        """,
        after="load-data",
    )


@case("hollow")
def outputs_past_the_limit(lab):
    """The student's process does not count what its cells show."""
    for _ in range(3):
        forges(lab, "shell.COLLECTED._left = 1 << 40\nprint('x' * 20_000_000)")


@case("hollow")
def replies_made_of_records(lab):
    """Replies whose values are the grader's own records: things to be made, calls, failures, replies."""
    forges(
        lab,
        """
        made = Made("torch.save", {"obj": 1, "f": MARK + "-made"})
        values = [(made, made), Call((), 0), Reply(), Failure("a", "b", "c", "d"), Opaque("k" * 999), [made]]
        def perform(self, call):
            values.append(values.pop(0))
            return Reply(value=values[0], gradients=tuple(made for _ in call.wrt), args_after=call.args)
        check.Local.perform = student.Local.perform = perform
        """,
    )
    lab.own("fit = made", after="fit")


@case("hollow")
def replies_that_take_the_judge_along(lab):
    """Replies that are read, and then break what looks at them: sizes, numbers and texts at the edge."""
    forges(
        lab,
        """
        values = [10**400, -(10**400), 5e-324, "\\x00" * 10**6, [[[[[[[[0]]]]]]]], {"a": {"b": {"c": 1}}},
                  (torch.zeros(0, 10**15), torch.zeros(10**15, 0)), torch.zeros(3, dtype=torch.bool), True,
                  tuple(range(10**5)), {str(n): n for n in range(10**5)}, torch.zeros(()) * 1j]
        def perform(self, call):
            values.append(values.pop(0))
            return Reply(value=values[0], gradients=tuple(values[1] for _ in call.wrt), args_after=call.args)
        check.Local.perform = student.Local.perform = perform
        """,
    )


@case("solved")
def forks_and_goes_on(lab):
    """A cell that forks: from then on four processes answer what was asked of one."""
    lab.own("import os\nos.fork()\nos.fork()")
