"""The first runs: what they try, what they find, and who runs inside the event loop."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from serin_server.inference.engine import ModelLoadError, load_engine
from serin_server.inference.warm_up import decide_inline_rows, make_inputs, warm_up
from unit.server.onnx_models import (
    save_echo_model,
    save_linear_model,
    save_lookup_model,
    save_never_running_model,
    save_patient_model,
    save_reshape_model,
    save_resize_model,
)


def test_generated_inputs_have_the_model_s_names_types_and_shapes(tmp_path: Path) -> None:
    engine = load_engine(save_echo_model(tmp_path / "m.onnx", ["FP16", "BYTES"]), threads=1)
    feeds = make_inputs(engine.signature, rows=2, inner_size=3)
    assert {name: (array.shape, array.dtype.kind) for name, array in feeds.items()} == {
        "in_FP16": ((2, 3), "f"),
        "in_BYTES": ((2, 3), "O"),
    }


def test_a_short_model_with_open_rows_runs_inline_up_to_a_number_of_rows(tmp_path: Path) -> None:
    result = warm_up(load_engine(save_linear_model(tmp_path / "m.onnx"), threads=1))
    assert result.run_seconds is not None
    assert 1 <= result.inline_rows < sys.maxsize


def test_a_model_whose_size_the_request_chooses_never_runs_inline(tmp_path: Path) -> None:
    assert warm_up(load_engine(save_patient_model(tmp_path / "m.onnx"), threads=1)).inline_rows == 0
    assert warm_up(load_engine(save_echo_model(tmp_path / "e.onnx", ["FP32"]), threads=1)).inline_rows == 0


def test_a_model_that_fails_on_numbers_of_its_own_shape_is_broken(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="it fails on its first run"):
        warm_up(load_engine(save_never_running_model(tmp_path / "m.onnx"), threads=1))


def test_integers_are_warmed_up_with_zeros_which_are_valid_indices(tmp_path: Path) -> None:
    assert warm_up(load_engine(save_lookup_model(tmp_path / "m.onnx"), threads=1)).run_seconds is not None


def test_where_zeros_make_no_sense_ones_may(tmp_path: Path) -> None:
    assert warm_up(load_engine(save_resize_model(tmp_path / "m.onnx"), threads=1)).run_seconds is not None


def test_a_model_whose_inputs_nobody_can_guess_serves_without_having_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result = warm_up(load_engine(save_reshape_model(tmp_path / "m.onnx"), threads=1))
    assert (result.run_seconds, result.inline_rows, result.batch_rows) == (None, 0, 1)
    assert "no generated input suits the model" in caplog.text


@pytest.mark.parametrize(
    ("one_row_us", "many_rows_us", "expected"),
    [(5, 68, 196), (5, 5, 64), (5, 4, 64), (200, 263, 1), (201, 201, 0)],
)
def test_rows_run_inline_as_long_as_they_are_expected_to_take_200_us(
    one_row_us: float, many_rows_us: float, expected: int
) -> None:
    assert decide_inline_rows(one_row_us * 1e-6, many_rows_us * 1e-6, 64) == pytest.approx(expected, abs=1)
