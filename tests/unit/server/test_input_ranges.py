"""Expected numbers: how they are written, and what becomes of others."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from serin_server.inference.engine import load_engine
from serin_server.input_ranges import InputRange, check_ranges, find_misfit, parse_input_ranges
from serin_server.oip.errors import InvalidRequestError
from unit.server.onnx_models import save_linear_model
from unit.server.server_process import ServerProcess


def test_a_range_is_for_an_input_or_for_one_feature_and_may_be_open() -> None:
    assert parse_input_ranges("a=-40:60, x[3]=0:") == (
        InputRange("a", None, -40, 60),
        InputRange("x", 3, 0, math.inf),
    )


def test_ranges_may_stand_in_a_file_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "ranges").write_text("a=0:1\nb=:2\n")
    assert parse_input_ranges(f"@{tmp_path}/ranges") == (
        InputRange("a", None, 0, 1),
        InputRange("b", None, -math.inf, 2),
    )


@pytest.mark.parametrize("text", ["a", "a=1", "a=1:0", "a=x:1", "a=nan:1", "=0:1", "@/nowhere"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ranges such as|a readable file"):
        parse_input_ranges(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=0:1", None),
        ("x[5]=0:1", None),
        ("x[6]=0:1", "names x[6], but the input has 6 features"),
        ("y=0:1", "names 'y', which is no numeric input: it takes 'x' (FP32 [-1, 6])"),
    ],
)
def test_a_range_that_the_model_has_no_number_for_is_found(tmp_path: Path, text: str, expected: str | None) -> None:
    signature = load_engine(save_linear_model(tmp_path / "m.onnx"), threads=1).signature
    misfit = find_misfit(parse_input_ranges(text), signature)
    assert misfit == (None if expected is None else f"--input-ranges {expected}")


def test_missing_values_are_out_of_no_range() -> None:
    ranges = parse_input_ranges("x[1]=0:1")
    check_ranges(ranges, {"x": np.array([[9, 1], [9, np.nan]], np.float32)})
    with pytest.raises(InvalidRequestError, match=r"input 'x', feature 1: expected 0 to 1, got 1.5"):
        check_ranges(ranges, {"x": np.array([[9, 1], [9, 1.5]], np.float32)})


@pytest.mark.parametrize(("flags", "code"), [((), 200), (("--out-of-range", "reject"), 400)])
def test_numbers_out_of_range_are_counted_and_refused_only_if_asked(
    tmp_path: Path, flags: tuple[str, ...], code: int
) -> None:
    model = save_linear_model(tmp_path / "m.onnx")
    with ServerProcess(model, "--input-ranges", "x[0]=0:1,x=-100:100", *flags) as server:
        server.wait_until_ready()
        assert server.post("/predict", [[0, 5, 5, 5, 5, 5]]).status == 200
        assert server.post("/predict", [[2, 0, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 0]]).status == code
        series = 'serin_input_out_of_range_total{{feature="{}",input="x",model="m",version="1"}}'
        assert server.read_metric(series.format("0")) == 2
        assert server.read_metric(series.format("")) == 0


def test_a_range_that_does_not_fit_the_model_ends_the_process_with_a_sentence(tmp_path: Path) -> None:
    with ServerProcess(save_linear_model(tmp_path / "m.onnx"), "--input-ranges", "y=0:1") as server:
        code, _, stderr = server.wait_until_exit()
    assert (code, stderr) == (
        1,
        "serin_server: cannot serve model 'm': --input-ranges names 'y', which is no numeric input: "
        "it takes 'x' (FP32 [-1, 6])\n",
    )
