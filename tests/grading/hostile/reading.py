"""Looking for what is not the student's: solutions, hidden tests, the salt, the gradebook, others' work.

All are untouched labs that print whatever they find; the grader's test searches what they printed. What they
look for is cut short in their own sources, so that the whole of it appears only where it was found.
"""

from hostile.corpus import case


@case("untouched")
def files_by_their_path(lab):
    """The solution, the salt, the gradebook and a private file, by their full paths; and to change them."""
    lab.attack(
        """
        from pathlib import Path
        for path in (COURSE / "solutions" / "01_pca" / "01_pca.ipynb", COURSE / "build" / "grading" / "salt",
                     COURSE / "build" / "grading" / "gradebook.db", SECRET, Path("/etc/shadow")):
            try: print(path, path.read_bytes()[-20000:])
            except OSError as error: print(error)
            try:
                with open(path, "ab") as file: file.write(b" ")
                got_through("wrote", path)
            except OSError as error: print(error)
        """.replace("COURSE /", "Path(COURSE) /").replace("SECRET,", "Path(SECRET),")
    )


@case("untouched")
def gradebook_rewritten(lab):
    """Full marks for all, by SQL."""
    lab.attack(
        """
        import sqlite3, glob
        for path in [COURSE + "/build/grading/gradebook.db", *glob.glob("/*/gradebook.db")]:
            try:
                with sqlite3.connect(f"file:{path}?mode=rw", uri=True) as db:
                    db.execute("update grade set auto_score = 100, manual_score = 100")
                got_through("rewrote", path)
            except sqlite3.Error as error: print(error)
        """
    )


@case("untouched", seconds=25)
def files_by_walking(lab):
    """Every notebook, database and salt below the root, whoever's it is."""
    lab.attack(
        """
        import os
        for folder, folders, files in os.walk("/"):
            folders[:] = [f for f in folders if f not in ("sys", "proc", "share", "include", "torch")]
            for name in files:
                if name.endswith((".ipynb", ".db", ".sqlite")) or name in ("salt", ".bash_history", "id_rsa"):
                    path = os.path.join(folder, name)
                    try: print(path, open(path, errors="replace").read()[:20000])
                    except OSError: pass
        """
    )


@case("untouched")
def other_processes(lab):
    """Environments, command lines, roots and open files of all that /proc shows."""
    lab.attack(
        """
        import glob, os
        for what in ("environ", "cmdline"):
            for path in glob.glob(f"/proc/*/{what}") + glob.glob(f"/proc/*/task/*/{what}"):
                try: print(path, open(path, "rb").read())
                except OSError: pass
        for pid in glob.glob("/proc/[0-9]*"):
            for way in ("root", "cwd"):
                for below in (COURSE, SECRET):
                    try: print(pid, os.listdir(f"{pid}/{way}{below}"))
                    except NotADirectoryError: print(open(f"{pid}/{way}{below}").read())
                    except OSError: pass
            for fd in glob.glob(f"{pid}/fd/*"):
                try: print(fd, os.readlink(fd))
                except OSError: pass
        """
    )


@case("untouched", seconds=25)
def memory_of_all(lab):
    """The memory of every process that can be opened, one's own first, for what only the judge has."""
    lab.attack(
        """
        import glob, os, re
        words = [b"normal(5", b"he does not s", b"_SALT=", b"canary-o"]
        pattern = re.compile(b"|".join(map(re.escape, words)))
        for pid in ["self", *(p.split("/")[-1] for p in glob.glob("/proc/[0-9]*"))]:
            try:
                maps, memory = open(f"/proc/{pid}/maps"), open(f"/proc/{pid}/mem", "rb", 0)
            except OSError: continue
            for line in maps:
                first, last = (int(n, 16) for n in line.split()[0].split("-"))
                if " rw" not in line or last - first > 1 << 28 or line.rstrip().endswith(".so"): continue
                try:
                    memory.seek(first)
                    found = memory.read(last - first)
                except (OSError, ValueError): continue
                for match in pattern.finditer(found):
                    print(pid, found[max(0, match.start() - 80):match.end() + 200])
        """
    )


@case("untouched")
def objects_of_the_interpreter(lab):
    """Every string, dict and frame that the garbage collector or the interpreter can name."""
    source = """
        import gc, os, sys
        words = ["normal(5", "he does not s", "_SALT", "canary-o"]
        def look(value):
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if not isinstance(text, str): return
            if any(word in text for word in words) and "words = [" not in text: print(repr(text[:3000]))
        for thing in gc.get_objects():
            try:
                for value in [thing, *(thing.values() if isinstance(thing, dict) else thing)]: look(value)
            except Exception: pass
        for frame in sys._current_frames().values():
            while frame:
                for value in list(frame.f_locals.values()): look(value)
                frame = frame.f_back
        print(dict(os.environ), sys.argv)
        """
    lab.attack(source)
    lab.answer("fit", "def fit(X, r):" + source)


@case("untouched")
def descriptors_inherited(lab):
    """What every open descriptor gives to read, from its beginning."""
    lab.attack(
        """
        import os
        for fd in range(1024):
            try: os.fstat(fd)
            except OSError: continue
            print(fd, os.readlink(f"/proc/self/fd/{fd}") if os.path.exists(f"/proc/self/fd/{fd}") else "?")
            try: print(os.pread(fd, 1 << 20, 0))
            except OSError: pass
        """
    )


@case("untouched")
def folder_of_the_others(lab):
    """The folders around the one that the notebook runs in, and those where work lies."""
    lab.attack(
        """
        import os, glob
        os.makedirs("mine", exist_ok=True)
        for place in (".", "..", "../..", "/tmp", "/home", "/root", "/dev/shm", "/var/tmp", "/mnt"):
            try: print(place, os.listdir(place))
            except OSError: continue
            for path in glob.glob(place + "/**/*.ipynb", recursive=place not in ("../..",)):
                print(open(path, errors="replace").read()[:50000])
        for path in (MARK + "-home", os.path.expanduser("~/") + os.path.basename(MARK), COURSE + "/x"):
            try: open(path, "w").write("was here")
            except OSError: pass
        %history -g
        """
    )
