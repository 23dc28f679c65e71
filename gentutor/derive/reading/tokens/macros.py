"""LaTeX commands by what they mean to the reader. Layout means nothing; fonts do not change a name."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GREEK = _words("""
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau
    upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
""")
NAMES = {name: name for name in GREEK} | {
    "varepsilon": "epsilon",
    "vartheta": "theta",
    "varphi": "phi",
    "varrho": "rho",
    "varsigma": "sigma",
    "ell": "l",
    "infty": "infty",
    "E": "E",
    "KL": "KL",
}
LAYOUT = _words("""
    displaystyle textstyle scriptstyle limits nolimits nonumber notag allowbreak mathstrut strut
    quad qquad enspace thinspace medspace thickspace bf rm it cal sf mathop mathrel mathbin
    mathclose mathopen mathord ensuremath noindent small large hfill hfil square blacksquare Box qed
    qedhere qedsymbol
""")
# Commands that show their last argument as it is, by how many others stand before it.
SHOWN = dict.fromkeys(["cancel", "bcancel", "xcancel", "boxed", "fbox", "smash", "hl", "underline"], 0) | {
    **dict.fromkeys(["mathclap", "mathllap", "mathrlap", "clap", "llap", "rlap"], 0),
    **dict.fromkeys(["textcolor", "colorbox", "class", "cssId", "enclose", "raisebox"], 1),
    "fcolorbox": 2,
}
BRACED = ("underbrace", "overbrace", "underbracket", "overbracket")  # their label has no meaning
STACKED = ("underset", "overset", "stackrel")
LAYOUT_WITH_ARGUMENT = _words("label tag hspace vspace phantom hphantom vphantom color ref eqref")
SIZES = _words("""
    left right middle big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm biggm
    Biggm
""")
FONTS = _words("""
    mathbf boldsymbol bm mathsf mathcal mathbb mathscr mathfrak mathit mathrm mathnormal pmb bold
    symbf symbfup vec
""")
WORD_FONTS = _words("text mathrm operatorname textrm textit textbf mathit mathsf textsf mathbf mbox")
ACCENTS = {
    "bar": "bar",
    "overline": "bar",
    "hat": "hat",
    "widehat": "hat",
    "tilde": "tilde",
    "widetilde": "tilde",
    "check": "check",
    "dot": "dot",
    "breve": "breve",
}
RELATIONS = {
    "eq": "=",
    "equiv": "=",
    "geq": ">=",
    "ge": ">=",
    "geqslant": ">=",
    "geqq": ">=",
    "leq": "<=",
    "le": "<=",
    "leqslant": "<=",
    "leqq": "<=",
    "propto": "propto",
    "varpropto": "propto",
    "sim": "~",
    "approx": "approx",
    "simeq": "approx",
    "cong": "approx",
    "approxeq": "approx",
    "triangleq": ":=",
    "coloneqq": ":=",
    "coloneq": ":=",
    "eqqcolon": "=:",
    "doteq": ":=",
    # these have a meaning below an operator only
    "neq": "!=",
    "ne": "!=",
    "in": "in",
    "gt": ">",
    "lt": "<",
    "to": "to",
    "rightarrow": "to",
}
TIMES = _words("cdot times odot circ ast bullet otimes star")
DOTS = _words("dots ldots cdots dotsc dotsb vdots dotsi dotsm")
TRANSPOSE = _words("top intercal transpose")
OPERATORS = {  # commands and words that take what follows
    "log": "log",
    "ln": "log",
    "exp": "exp",
    "sum": "sum",
    "prod": "prod",
    "min": "min",
    "max": "max",
    "inf": "min",
    "sup": "max",
    "arg": "arg",
    "argmin": "argmin",
    "argmax": "argmax",
    "arg min": "argmin",
    "arg max": "argmax",
    "minimize": "min",
    "maximize": "max",
    "nabla": "nabla",
    "grad": "nabla",
    "div": "div",
    "partial": "partial",
    "det": "det",
    "tr": "tr",
    "Tr": "tr",
    "trace": "tr",
    "diag": "diag",
    "sigmoid": "sigmoid",
    "logit": "logit",
}
SIGNS = {"lbrace": "\\{", "rbrace": "\\}", "lbrack": "[", "rbrack": "]", "colon": ":", "slash": "/"}
CONST = ("const", "constant")
# Runs of letters that are one word even without \text.
WORDS = _words("""
    KL DKL JSD JS ELBO VLB const constant log exp ln min max argmin argmax arg det tr Tr diag sup
    inf SNR old new data model sigmoid dots TV CE MI div
""")
