"""The trial of one submission: two processes that share nothing but plain data.

    template.py   in the warm process, before any student: runs the class's cells once
    student.py    a forked child: runs the student's cells, and answers calls of their functions
    judge.py      another forked child: runs the checks; it never sees an object or a line of the student's
    session.py    on the grader's side: leads one submission through both, and carries what they say
    shell.py      IPython in-process, with what a cell shows collected
    taken.py      whether what the class's run gave still holds in a student's process
    wire.py       plain data as bytes, and back; nothing in them is ever run

What the student's process sends is values. The judge compares them with its own; so that process, whatever
runs in it, can choose what it answers, and not what is thought of it.
"""
