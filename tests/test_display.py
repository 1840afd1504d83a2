from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from intempt_nb.display import html_table, shorten, text_table


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@example(["<b>bold</b>", "&amp;"], "<i>")
@given(st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=2), st.text(max_size=20))
def test_whatever_is_in_a_cell_the_table_has_only_its_own_tags(cells: list[str], caption: str) -> None:
    reader = Reader()
    reader.feed(html_table(cells, [cells], caption))
    body = ["table", *(["caption"] if caption else []), "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert reader.tags == body


def test_none_is_an_empty_cell_and_zero_is_not() -> None:
    assert "<td" in html_table(["a"], [[None]])
    assert "None" not in html_table(["a"], [[None]])
    assert ">0<" in html_table(["a"], [[0]])


def test_text_tables_are_aligned_on_one_line_a_row() -> None:
    assert text_table(["a", "b"], [["x\ny", None], ["long", 1]], "Title") == "Title\na     b\nx y\nlong  1"


def test_long_text_is_cut_visibly() -> None:
    assert shorten("a" * 100, 10) == "a" * 9 + "…"
    assert shorten(123) == "123"


def test_cells_are_cut_where_it_is_said_and_stay_on_one_line() -> None:
    hostile = "a\r\nb\u2028c\x0b" + "x" * 300
    for limit in (30, 60, 1_000):
        _, row = text_table(["cell"], [[hostile]], limit=limit).splitlines()
        assert row == shorten("a b c " + "x" * 300, limit)
        assert f">{shorten(hostile, limit)}</td>" in html_table(["cell"], [[hostile]], limit=limit)
    assert len(text_table(["cell"], [[hostile]]).splitlines()[1]) == 60


def test_a_long_table_says_how_much_more_there_is() -> None:
    rows = ([str(number), None] for number in range(10_000))
    text = text_table(["a", "b"], rows).splitlines()
    assert len(text) == 202
    assert text[-1] == "… and 9,800 more"
    html = html_table(["a", "b"], ([str(number), None] for number in range(201)))
    assert html.count("<tr>") == 202
    assert ">… and 1 more</td><td" in html
    assert "more" not in text_table(["a"], [["x"]] * 200)
