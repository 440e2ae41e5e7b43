"""The drawing of both evidences."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from unit.cli.command import EQUAL, QUIET_HISTORY, REFERENCE, WORSE, Desk

SVG = "{http://www.w3.org/2000/svg}"


def draw(desk: Desk, rows: list[str], plan: str | None = None) -> ElementTree.Element:
    path = desk.folder / "out.svg"
    assert desk.judge(rows, "--plot", str(path), plan=plan).exit_code == 0
    return ElementTree.parse(path).getroot()


def texts(drawing: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in drawing.iter(f"{SVG}text")]


def places(drawing: ElementTree.Element, name: str) -> list[tuple[float, float]]:
    line = drawing.find(f".//{SVG}polyline[@class='evidence {name}']")
    assert line is not None
    return [(float(x), float(y)) for x, y in (place.split(",") for place in line.attrib["points"].split())]


def threshold(drawing: ElementTree.Element, name: str) -> float:
    line = drawing.find(f".//{SVG}line[@class='threshold {name}']")
    assert line is not None
    return float(line.attrib["y1"])


def test_each_evidence_crosses_its_threshold_where_it_decides(desk: Desk) -> None:
    drawing = draw(desk, [*QUIET_HISTORY, "start", EQUAL, EQUAL, WORSE, WORSE])
    above = [y <= threshold(drawing, "bad") for _, y in places(drawing, "bad")]
    assert above == [False, False, False, True, True]
    assert {"rejects at 100", "promotes at 20", "Reject after 30 s"} <= set(texts(drawing))


def test_the_lines_begin_at_no_evidence_and_run_over_the_whole_time(desk: Desk) -> None:
    drawing = draw(desk, list(REFERENCE))
    good, bad = places(drawing, "good"), places(drawing, "bad")
    assert good[0] == bad[0]
    assert len(good) == len(bad) == 7
    assert good == sorted(good)
    assert "Inconclusive: no decision in 1 min" in texts(drawing)


@pytest.mark.parametrize("rows", [[], [EQUAL], [WORSE] * 400, ["0.5,400,4,400,4,100,1,100,1"], ["90000" + EQUAL[2:]]])
def test_nothing_leaves_the_drawing(desk: Desk, rows: list[str]) -> None:
    drawing = draw(desk, rows)
    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    for name in ("good", "bad") if rows else ():
        assert all(0 <= x <= width and 0 <= y <= height for x, y in places(drawing, name))
    assert len(texts(drawing)) < 30


def test_names_of_equal_thresholds_do_not_lie_on_one_another(desk: Desk) -> None:
    drawing = draw(desk, [EQUAL], plan="{falseReject: 0.05, falsePromote: 0.05}")
    promotes, rejects = (
        next(float(element.attrib["y"]) for element in drawing.iter(f"{SVG}text") if element.text == text)
        for text in ("promotes at 20", "rejects at 20")
    )
    assert abs(promotes - rejects) >= 16


def test_the_colours_follow_light_and_dark_and_the_sentence_is_the_title(desk: Desk) -> None:
    drawing = draw(desk, list(REFERENCE))
    assert "prefers-color-scheme: dark" in (drawing.findtext(f"{SVG}style") or "")
    assert (drawing.findtext(f"{SVG}title") or "").startswith("Inconclusive: ")


def test_a_drawing_that_cannot_be_written_is_refused(desk: Desk, tmp_path: Path) -> None:
    result = desk.judge([EQUAL], "--plot", str(tmp_path / "nowhere" / "out.svg"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "out.svg: expected a file that can be written" in result.stderr
