"""Values that are not what they seem. An answer hands one over; the others are hollow, or right."""

from hostile.corpus import case


@case("hollow")
def tensor_that_overrides_everything(lab):
    """A subclass of tensor that answers each of torch's functions with what was hoped for."""
    lab.attack(
        """
        class Agreeable(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                name = getattr(function, "__name__", "")
                if name in ("gt", "__gt__", "any"): return torch.tensor(False)
                if name in ("all", "equal", "allclose", "isfinite"): return torch.tensor(True)
                if name in ("sub", "rsub", "__sub__"): return torch.zeros(())
                with torch._C.DisableTorchFunctionSubclass():
                    return function(*args, **(kwargs or {}))
            def __eq__(self, other): return torch.tensor(True)
            def clone(self): return self
            def detach(self): return self
            def cpu(self): return self
        def wrapped(function):
            def f(*args):
                value = function(*args)
                if isinstance(value, tuple): return tuple(v.as_subclass(Agreeable) for v in value)
                return value.as_subclass(Agreeable)
            return f
        fit, encode, decode, squared_error, tail_error, gradient_step, largest_angle = map(
            wrapped, (fit, encode, decode, squared_error, tail_error, gradient_step, largest_angle)
        )
        """,
        after="largest_angle",
    )


@case("hollow")
def numbers_that_agree(lab):
    """Subclasses of float and int whose comparisons and differences are right whatever stands beside them."""
    lab.answer(
        "largest_angle",
        """
        class Right(float):
            def __eq__(self, other): return True
            def __sub__(self, other): return 0.0
            __rsub__ = __sub__
            def __abs__(self): return 0.0
            def __gt__(self, other): return False
            __hash__ = float.__hash__
        def largest_angle(A, B):
            return Right(1.0)
        """,
    )


@case("hollow")
def objects_that_claim_a_class(lab):
    """Objects whose class is a tensor's if one asks them, and whose every attribute is agreeable."""
    lab.answer(
        "fit",
        """
        class Chameleon:
            @property
            def __class__(self): return torch.Tensor
            def __getattr__(self, name): return lambda *a, **k: self
            def __eq__(self, other): return True
            def __bool__(self): return True
            def __iter__(self): return iter((self, self))
            def __len__(self): return 2
            def __array__(self): return 0
            def __float__(self): return 0.0
        def fit(X, r):
            return Chameleon(), Chameleon()
        """,
    )
    lab.answer("largest_angle", lab.cell("fit").source.replace("fit(X, r)", "largest_angle(A, B)"))


@case("hollow")
def containers_that_change(lab):
    """Tuples, lists and dicts of the student's own making, which give something else each time."""
    lab.answer(
        "fit",
        """
        class Pair(tuple):
            def __len__(self): return 2
            def __iter__(self): return iter((torch.zeros(7), (x for x in range(10**12))))
            def __getitem__(self, i): return True
        def fit(X, r):
            return Pair()
        """,
    )
    lab.answer(
        "kept",
        r"""
        class Words(dict):
            def __contains__(self, key): return True
            def __getitem__(self, key): return Any()
            def items(self): return [("a", "0"), ("b", ["0"]), (Any(), Any()), ("c", Words())]
            def keys(self): return {"a", "b", "c"}
        class Any(str):
            def __eq__(self, other): return True
            def __hash__(self): return 0
        def kept_answers():
            return Words()
        """,
    )


@case("hollow")
def formulas_that_say_nothing(lab):
    """Holes filled with what might confuse a reader of LaTeX, or end the process that reads it."""
    lab.answer(
        "kept",
        r"""
        def kept_answers():
            deep = "\\left(" * 60 + "x" + "\\right)" * 60
            return {"a": r"\blank{a}", "b": deep, "c": "{" * 900 + "}" * 900}
        """,
    )


@case("hollow")
def nothing_but_nan(lab):
    """NaN agrees with nothing, and must not be compared with a `not`."""
    for exercise in ("fit", "encode_decode", "errors", "gradient_step", "largest_angle"):
        source = lab.cell(exercise).source
        lab.answer(
            exercise,
            source.replace(" * 0", " * float('nan')").replace("torch.eye(", "torch.nan * torch.eye("),
        )


@case("hollow")
def nothing_but_infinity(lab):
    """Infinity, whose differences are NaN and whose quotients are anything."""
    for exercise in ("fit", "encode_decode", "errors", "gradient_step", "largest_angle"):
        lab.answer(exercise, lab.cell(exercise).source.replace(" * 0", ".exp() + torch.inf"))


@case("solved", costs=["fit", "largest_angle"], says="(?i)memory|large|big|shape|more than")
def tensors_without_measure(lab):
    """A view of one number, a thousand terabytes wide; and a scalar that is really 400 MB of them."""
    lab.answer(
        "fit", "def fit(X, r):\n    return X.mean(0), torch.zeros(1, dtype=torch.float64).expand(10**14)"
    )
    lab.answer("largest_angle", "def largest_angle(A, B):\n    return torch.zeros(50_000_000).double()")


@case("solved", costs=["fit", "encode_decode", "largest_angle"])
def tensors_of_other_kinds(lab):
    """On no device, sparse, quantised, of another dtype."""
    lab.answer("fit", "def fit(X, r):\n    return X.mean(0), torch.empty(7, r, dtype=X.dtype, device='meta')")
    lab.answer(
        "encode_decode",
        """
        def encode(X, mean, Theta):
            return ((X - mean) @ Theta).to_sparse()

        def decode(Y, mean, Theta):
            return torch.quantize_per_tensor((mean + Y @ Theta.T).float(), 0.1, 0, torch.qint8)
        """,
    )
    lab.answer("largest_angle", "def largest_angle(A, B):\n    return A.sum().to(torch.complex128) * 1j")


@case("solved", costs=["fit", "kept", "largest_angle"])
def nests_without_a_floor(lab):
    """Lists a million deep, a list that contains itself, a string of 10 MB."""
    lab.answer(
        "fit",
        """
        def fit(X, r):
            nest = []
            for _ in range(10**6):
                nest = [nest]
            return X.mean(0), nest
        """,
    )
    lab.answer(
        "kept", "def kept_answers():\n    me = {}\n    me['a'] = me['b'] = me['c'] = me\n    return me"
    )
    lab.answer("largest_angle", "def largest_angle(A, B):\n    return 'x' * 10**7")


@case("solved", costs=["fit", "errors", "largest_angle"])
def objects_that_raise(lab):
    """Whatever is asked of them: their name, their text, their length, their number."""
    lab.answer(
        "fit",
        """
        class Meta(type):
            @property
            def __name__(cls): raise RuntimeError("no name")
        class Thorn(metaclass=Meta):
            def __getattribute__(self, name): raise BaseException("no " + name)
            __repr__ = __str__ = __len__ = __iter__ = __bool__ = __hash__ = None
        def fit(X, r):
            return Thorn(), {Thorn: 1}
        """,
    )
    lab.answer(
        "errors",
        """
        class Silent(Exception):
            def __str__(self): raise ValueError("no text")
            __repr__ = __str__
        def squared_error(X, X_hat):
            raise Silent
        def tail_error(singular_values, n, r):
            raise Silent
        """,
    )
    lab.answer(
        "largest_angle",
        """
        import numpy as np
        class Endless(np.float64):
            def item(self): return self
        def largest_angle(A, B):
            return Endless(1.0)
        """,
    )


@case("solved", costs=["fit", "largest_angle"], seconds=20)
def objects_that_hang(lab):
    """A number that never arrives; an exception whose text never ends."""
    lab.answer(
        "fit",
        """
        class Later(dict):
            def items(self):
                import time
                while True: time.sleep(1)
        def fit(X, r):
            return X.mean(0), Later()
        """,
    )
    lab.answer(
        "largest_angle",
        """
        class Endless(Exception):
            def __str__(self):
                import time
                while True: time.sleep(1)
        def largest_angle(A, B):
            raise Endless
        """,
    )


@case("solved", costs=["fit", "errors", "kept", "largest_angle"])
def names_of_ten_megabytes(lab):
    """Types, functions, exceptions and messages whose names fill the report."""
    lab.answer("fit", "def fit(X, r):\n    return X.mean(0), type('T' * 10**7, (), {})()")
    lab.answer(
        "errors",
        "def squared_error(X, X_hat):\n    raise ValueError('long ' * 2 * 10**6)\ntail_error = squared_error",
    )
    lab.answer("kept", "def kept_answers():\n    return {'a' * 10**7: 'b' * 10**7, 'b': 'c' * 10**7}")
    lab.answer("largest_angle", "def largest_angle(A, B):\n    raise type('E' * 10**7, (Exception,), {})")


@case("solved", costs=["errors"])
def gradients_made_up(lab):
    """A value that is right, with a gradient from a function of its own that is not."""
    lab.answer(
        "errors",
        """
        class Mine(torch.autograd.Function):
            @staticmethod
            def forward(ctx, X, X_hat):
                return (X - X_hat).square().sum(1).mean()
            @staticmethod
            def backward(ctx, g):
                return torch.full((13, 6), torch.nan).double(), torch.full((13, 6), torch.inf).double()
        def squared_error(X, X_hat):
            return Mine.apply(X, X_hat)
        def tail_error(singular_values, n, r):
            return singular_values[r:].square().sum() / n
        """,
    )
