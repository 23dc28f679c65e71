"""What the checks stand on, replaced from a student's cell: torch, builtins, the checker, hooks.

All hand in hollow answers, which gain marks where the check runs in the student's process and is misled.
"""

from hostile.corpus import EVERYTHING, case

NEEDS_TORCH = tuple(exercise for exercise in EVERYTHING if exercise != "kept")


@case("hollow")
def comparisons_of_torch(lab):
    """No tensor is greater than another, and all are equal."""
    lab.attack(
        """
        torch.equal = torch.allclose = torch.testing.assert_close = lambda *a, **k: True
        torch.Tensor.__gt__ = torch.Tensor.gt = lambda a, b: torch.zeros_like(a, dtype=torch.bool)
        torch.Tensor.__sub__ = lambda a, b: torch.zeros_like(a)
        """
    )


@case("hollow")
def builtins_shadowed(lab):
    """What the checker calls `bool` says of each comparison what was hoped for."""
    lab.attack(
        """
        import builtins, sys
        class Both:
            def __bool__(self): return sys._getframe(1).f_code.co_name == "require"
        sys.modules["gentutor.check.exercise"].bool = lambda value: Both()
        builtins.all = lambda items: True
        """
    )


@case("hollow")
def checker_replaced(lab):
    """The checker's own functions do nothing."""
    lab.attack(
        """
        import sys
        from gentutor.derive import graded
        room = sys.modules["gentutor.check.exercise"]
        for name in ("require", "_clean", "derivation"):
            setattr(room.Exercise, name, lambda self, *a, **k: None)
        for name in ("equals", "has_shape", "has_dtype", "follows", "_require"):
            setattr(room.Value, name, lambda self, *a, **k: self)
        room.PASSED.update(f"01_pca/{name}" for name in ("fit", "errors", "kept", "largest_angle"))
        graded.grade = lambda *a: []
        """
    )


@case("hollow")
def decorator_replaced(lab):
    """`check.exercise` prints that all is well."""
    lab.attack(
        "check.exercise = lambda name, **k: lambda judge: print(f'✓ {name}: 9 checks passed [seed 1]')"
    )


@case("hollow")
def failure_without_a_trace(lab):
    """`CheckFailed` is handled by a function that does nothing, and shown as nothing."""
    lab.attack(
        """
        get_ipython().set_custom_exc((Exception,), lambda *a, **k: None)
        get_ipython().showtraceback = get_ipython()._showtraceback = lambda *a, **k: None
        check.CheckFailed._render_traceback_ = lambda self: []
        import sys
        sys.excepthook = lambda *a: None
        """
    )


@case("hollow")
def modules_exchanged(lab):
    """The checker and the references are modules of the student's."""
    lab.attack(
        """
        import sys, types
        class Fake(types.ModuleType):
            def __getattr__(self, name):
                return lambda *a, **k: (lambda f: None)
        for name in [n for n in sys.modules if n.startswith("gentutor")]:
            sys.modules[name] = Fake(name)
        check = pca = sys.modules["gentutor.check"]
        """
    )


@case("hollow")
def references_replaced(lab):
    """The references compute what the hollow answers do."""
    lab.attack(
        """
        from types import SimpleNamespace
        def like_mine(X, r):
            mean, Theta = fit(X, r)
            return SimpleNamespace(mean=mean, Theta=Theta)
        pca.fit = like_mine
        pca.squared_error = lambda X, X_hat: X.sum() * 0
        pca.tail_error = lambda s, n, r: s.sum() * 0
        pca.PCA.encode = lambda self, X: X @ self.Theta * 0
        pca.PCA.decode = lambda self, Y: Y @ self.Theta.T * 0
        pca.largest_angle = lambda A, B: A.sum() * 0
        pca.gradients = lambda Theta, Phi, X: (Theta / 0.037, Phi / 0.037)
        """
    )


@case("hollow")
def draws_of_zeros(lab):
    """The inputs of the checks are zeros, for which the hollow answers are right."""
    lab.attack(
        """
        import os
        os.environ["GENTUTOR_SALT"] = ""
        zeros = lambda self, *shape, **k: torch.zeros(shape, dtype=torch.float64)
        check.Draw.normal = check.Draw.uniform = zeros
        """
    )


@case("hollow")
def import_hook(lab):
    """The derivation's judge is imported late: the importer brings another."""
    lab.attack(
        """
        import sys, types, importlib.abc, importlib.machinery
        class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path, target=None):
                return importlib.machinery.ModuleSpec(name, self) if name.endswith("graded") else None
            def create_module(self, spec): return None
            def exec_module(self, module):
                module.grade, module.locked = lambda *a: [], lambda name: ("", "")
                module.lock = module.holes = module.without_rules = lambda *a: ""
        sys.modules.pop("gentutor.derive.graded", None)
        sys.meta_path.insert(0, Finder())
        """
    )


@case("hollow")
def derivation_locked_by_the_student(lab):
    """The locked chain is forgotten, and an easier one locked under its name."""
    lab.attack(
        r"""
        from gentutor.derive import graded
        graded._LOCKED.clear()
        easy = "0\n= \\blank{a} \\cdot \\blank{b} \\cdot \\blank{c}"
        get_ipython().run_cell_magic("derive", "pca as kept", easy)
        """,
        after="kept",
    )


@case("hollow")
def cells_transformed(lab):
    """IPython is told to read every check as `pass`."""
    lab.attack(
        """
        shell = get_ipython()
        passing = lambda lines: ["pass\\n"] if "def judge" in "".join(lines) else lines
        shell.input_transformers_post.append(passing)
        shell.events.register("pre_run_cell", lambda info: setattr(info, "raw_cell", "pass"))
        """
    )


@case("hollow")
def shell_replaced(lab):
    """The shell runs nothing any more, and says that all went well."""
    lab.attack(
        """
        shell = get_ipython()
        from IPython.core.interactiveshell import ExecutionResult
        fine = lambda *a, **k: ExecutionResult(None)
        async def later(*a, **k): return ExecutionResult(None)
        type(shell).run_cell = type(shell)._run_cell = fine
        type(shell).run_cell_async = later
        shell.run_code = shell.run_ast_nodes = later
        """
    )


@case("hollow")
def magic_redefined(lab):
    """`%%derive` and the extension that brings it are the student's."""
    lab.attack(
        """
        from IPython.core.magic import register_cell_magic
        @register_cell_magic
        def derive(line, cell): got = ["0 = 0"]
        """
    )


@case("hollow")
def tracer_that_leaps(lab):
    """A trace function leaps over the body of whatever requires something."""
    lab.attack(
        """
        import sys
        def leap(frame, event, arg):
            if frame.f_code.co_name == "require":
                def local(frame, event, arg):
                    if event == "line":
                        try: frame.f_lineno = max(n for *_, n in frame.f_code.co_lines() if n)
                        except ValueError: pass
                    return local
                return local
        def plant(*_):
            sys.settrace(leap)
        get_ipython().events.register("pre_run_cell", plant)
        plant()
        """
    )


@case("hollow")
def frames_above_the_answer(lab):
    """An answer climbs its stack and changes what it finds there."""
    lab.answer(
        "fit",
        """
        def fit(X, r):
            import sys
            frame = sys._getframe()
            while frame := frame.f_back:
                for value in list(frame.f_locals.values()):
                    if hasattr(value, "require"):
                        type(value).require = lambda *a: None
                        type(value)._clean = lambda *a: None
            check.Value.equals = check.Value._require = lambda self, *a, **k: self
            return X[0] * 0, torch.eye(X.shape[1], r, dtype=X.dtype)
        """,
    )


@case("hollow")
def object_that_patches_as_it_goes(lab):
    """What an answer returns has a destructor, which patches the checker when the check lets go of it."""
    lab.answer(
        "errors",
        """
        class Trap:
            def __del__(self):
                check.Value.equals = check.Value._require = lambda self, *a, **k: self
                check.Exercise.require = lambda self, *a: None

        def squared_error(X, X_hat):
            return Trap()

        def tail_error(singular_values, n, r):
            return 0.0
        """,
    )


@case("hollow")
def numbers_of_the_checker(lab):
    """The constants, caches and code objects of the checker are changed, not its names."""
    lab.attack(
        """
        check.Exercise.require.__code__ = (lambda self, holds, aspect, detail: None).__code__
        check.Value._require.__code__ = (lambda self, holds, aspect, detail: self).__code__
        """
    )


@case("solved", costs=NEEDS_TORCH)
def everything_broken(lab):
    """A solved lab whose first cell breaks torch for all that comes after: only its author suffers."""
    lab.attack(
        """
        def no(*a, **k): raise RuntimeError("no torch today")
        for name in ("__matmul__", "__sub__", "__add__", "mean", "square", "sum", "clone"):
            setattr(torch.Tensor, name, no)
        torch.linalg.svd = torch.linalg.qr = no
        """
    )
