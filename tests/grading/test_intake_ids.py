"""Names in any script become ids that every tool can use, and no two students meet in one."""

import unicodedata

import pytest
from intake_class import UNIT, Tree, place

from gentutor.grading.intake import collect
from gentutor.grading.intake.ids import safe_id, safe_ids

NAMES = [
    *(
        "Ada Lovelace",
        "Zoë Müller-Ünal",
        "李小龍",
        "محمد بن سلمان",
        "अनुष्का शर्मा",
        "Владимир Ильич",
        "ثريا",
        "ไทย สยาม",
    ),
    *(
        'O\'Brien "Bob"',
        "Jean-Luc d’Arc",
        "a+b",
        "50% #1 [x] {y} *",
        "x" * 150,
        "😀",
        "-rf",
        "con.",
        "A_1",
        "Ada  B",
    ),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_names_in_any_script_become_ids_that_every_tool_can_use(name, packed, tmp_path):
    tree: Tree = {f"{name}/01_pca.ipynb": b"A", f"{name} 2/01_pca.ipynb": b"B"}
    intake = collect(place(tmp_path, tree, packed), UNIT)
    first, second = (each.student for each in sorted(intake.handed, key=lambda each: each.data))
    for id_ in (first, second):
        assert_safe(id_)
    assert first != second
    if name in NAMES[:8]:
        assert first == name


def assert_safe(id_: str) -> None:
    """The id is one folder's name, no pattern, no markup, and means the same in an address."""
    assert id_
    assert len(id_.encode()) <= 100
    assert id_.isprintable()
    assert id_ == id_.strip(" .")
    assert id_[0] not in "-~."
    assert not set(id_) & set("/\\+*?[]{}<>|:;\"'`%#&$!=,^")


def test_ids_of_any_text_are_safe_and_differ():
    names = [
        *NAMES,
        "",
        ".",
        "..",
        "/",
        "a/b",
        "a_b",
        "a b",
        "A b",
        "a\u200db",
        "e\u0301",
        "é",
        "É",
        "\udc80",
        "\0",
    ]
    names += [unicodedata.normalize("NFD", name) for name in NAMES]
    names = list(dict.fromkeys(names))
    ids = safe_ids(names)
    for id_ in ids.values():
        assert_safe(id_)
    on_any_disk = {unicodedata.normalize("NFC", id_.casefold()) for id_ in ids.values()}
    assert len(on_any_disk) == len(names)


def test_an_id_depends_on_nothing_but_the_name_unless_two_meet():
    assert safe_ids(["Ada", "Bob"]) == {"Ada": "Ada", "Bob": "Bob"}
    assert safe_ids(["Ada", "ada"])["Ada"] != safe_ids(["Ada"])["Ada"]
    assert safe_ids(["Ada", "ada"], fixed=["ada"])["ada"] == "ada"
    assert safe_id("O'Brien") == safe_ids(["O'Brien", "x"])["O'Brien"] != "O'Brien"
    assert safe_id(safe_id("O'Brien")) == safe_id("O'Brien")
