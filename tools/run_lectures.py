"""Runs notebooks from top to bottom and writes their outputs into them: run_lectures.py NOTEBOOK...

One thread, so that sums have one order; streams merged, so that a line of progress is kept in its last state;
no widgets, which only a kernel can show: a picture stands for them.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"

os.environ["OMP_NUM_THREADS"] = "1"
for path in map(Path, sys.argv[1:]):
    print(path)
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, resources=resources, coalesce_streams=True, record_timing=False).execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if WIDGET not in o.get("data", {})]
    nbformat.write(notebook, path)
