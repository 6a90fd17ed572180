"""The precision in which networks compute: what "auto" stands for, and that nothing else is taken."""

import pytest
import torch

from nbsupport.restore.precision import computing, definite
from nbsupport.restore.two_step import Recipe


@pytest.mark.parametrize(
    ("processor", "precision"),
    [
        ({"cpu_name": "Intel Xeon", "amx_bf16": True, "avx512_bf16": True}, "bf16"),
        ({"cpu_name": "AMD EPYC", "amx_bf16": False, "avx512_bf16": True}, "bf16"),
        ({"cpu_name": "Intel Xeon", "amx_bf16": False, "avx512_bf16": True}, "float32"),
        ({"cpu_name": "AMD EPYC", "avx2": True}, "float32"),
        ({}, "float32"),
    ],
)
def test_auto_is_bfloat16_where_a_processor_is_quicker_with_it(monkeypatch, processor, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    assert definite("auto", "cpu") == precision
    assert computing("auto", torch.device("cpu"))._enabled == (precision == "bf16")
    assert definite("auto", "cuda") == "bf16"
    assert (definite("bf16"), definite("float32")) == ("bf16", "float32")


def test_recipes_that_compute_alike_are_equal_and_others_are_not():
    assert Recipe() == Recipe(precision=definite("auto"))
    assert Recipe(precision="bf16") != Recipe(precision="float32")


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision='half' is unknown; give one of auto, bf16, float32"):
        definite("half")
