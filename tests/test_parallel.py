import time

import pytest
import torch

from nbsupport.parallel import in_order

CPU = torch.device("cpu")


def test_results_come_in_the_order_of_the_pieces():
    def late_first(piece):
        time.sleep(0.02 * (5 - piece))
        return piece

    assert list(in_order(late_first, range(5), CPU)) == [0, 1, 2, 3, 4]


def test_torch_stays_on_one_thread_within_a_piece_and_has_its_threads_back_afterwards():
    before = torch.get_num_threads()
    assert set(in_order(lambda piece: torch.get_num_threads(), range(4), CPU)) == {1}
    assert torch.get_num_threads() == before


def test_an_error_in_a_piece_reaches_the_caller():
    def broken(piece):
        raise ValueError(f"piece {piece}")

    with pytest.raises(ValueError, match="piece 0"):
        list(in_order(broken, range(3), CPU))
