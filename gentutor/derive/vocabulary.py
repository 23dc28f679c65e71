"""What a setting tells the reader: which names there are, and what each stands for.

Names are written without markup, as in the tables of a setting: "alpha", "bar_alpha", "tilde_beta",
"epsilon_theta", "p_data", "x'", "epsilon^*". A subscript that is a word belongs to the name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gentutor.derive.tree import Density, Node, Symbol

Arguments = tuple[Node, ...]


@dataclass(frozen=True)
class VariableSpec:
    """A random variable. `levels` are the first and last index if it has levels (x_0 ... x_T)."""

    levels: tuple[Node, Node] | None = None
    about: str = ""


@dataclass(frozen=True)
class DensitySpec:
    """A density: the variables that its arguments may name, in the order in which a bare one takes them.

    `bare` is what the name without arguments stands for (p_g is p_g(x)); `resolve` may complete what is
    printed (in `vae`, q(z) is q(z|x)). `parameter` is the symbol that a subscript or a bar may carry and that
    is erased.
    """

    variables: tuple[str, ...]
    bare: Density | None = None
    resolve: Callable[[Arguments, Arguments], tuple[Arguments, Arguments]] | None = None
    parameter: str = ""
    about: str = ""


@dataclass(frozen=True)
class FunctionSpec:
    """A function of the setting that applies to a bracket. `arguments` are what it takes when printed bare.

    `arguments` also fix the order: a printed argument is matched by variable where it is one, else by
    position; a parameter among the printed arguments (theta) is dropped.
    """

    arguments: Arguments = ()
    about: str = ""
    optional: int = 0  # so many trailing arguments may be left out in print


@dataclass(frozen=True)
class SymbolSpec:
    """A quantity that is not random; `indices` is how many indices it carries in print (alpha_t has one).

    With `optional` it may also be printed without: U and U_r.
    """

    indices: int = 0
    about: str = ""
    optional: bool = False

    def fits(self, count: int) -> bool:
        """Whether it may be printed with so many indices."""
        return count == self.indices or (self.optional and count == 0)


@dataclass(frozen=True)
class Vocabulary:
    """The names of a setting, for the reader; the worlds give them values."""

    setting: str
    variables: Mapping[str, VariableSpec]
    densities: Mapping[str, DensitySpec]
    functions: Mapping[str, FunctionSpec] = field(default_factory=dict)
    symbols: Mapping[str, SymbolSpec] = field(default_factory=dict)
    noises: Mapping[str, VariableSpec] = field(default_factory=dict)  # names of standard Gaussian noises
    parameters: tuple[str, ...] = ()  # "theta", "phi"
    spellings: Mapping[str, str] = field(default_factory=dict)  # other names in print: "tilde_mu" -> "mu_q"
    measures: Mapping[str, Density] = field(default_factory=dict)  # of a bare E, by variable
    ranges: Mapping[str, tuple[Node, Node]] = field(
        default_factory=dict
    )  # of an index printed without bounds
    information: str = ""  # the density behind H(z) and H(z|x) of random variables
    functionals: Mapping[str, Node] = field(default_factory=dict)  # V(D, G) and the like, as trees
    pairs: Mapping[str, str] = field(default_factory=dict)  # spellings of densities where a pair is drawn
    definable: tuple[str, ...] = ()  # known names that a first line may define as something else

    def known(self) -> dict[str, str]:
        """Every name with what it is, for messages."""
        kinds = ("variables", "densities", "functions", "symbols", "noises")
        known = {name: spec.about for kind in kinds for name, spec in getattr(self, kind).items()}
        return known | dict.fromkeys(self.parameters, "parameter") | dict.fromkeys(self.functionals, "")


T = Symbol("T")
