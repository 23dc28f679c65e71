"""Grading a class: what students handed in, run in a sandbox, judged from another process, and recorded.

A submission passes through these rooms, each with one duty:

    intake/     what was handed in, read as data: never run, never trusted; rebuilt from our own release
    lab.py      which cells of a lab are the class's, the student's and the judge's
    box/        the sandbox: a warm process inside bubblewrap that forks throw-away children
    trial/      one submission: a process for the student's cells, another for the checks
    executors/  where trials run: on this machine, or on a Dask cluster
    book/       nbgrader's gradebook: one transaction for each student, a journal, backups, feedback, tables
    report/     what is seen while it runs, and at the end

`grade.py` leads a class through them. `records.py` holds what passes from room to room.
"""
