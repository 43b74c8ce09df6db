"""Features of known cases, and a case that is not like them."""

import numpy as np
import pytest
import torch

from MultimodalSegLib.inference.uncertainty.typical import Typical, deepest_features


def test_a_case_unlike_the_known_ones_is_beyond_the_limit() -> None:
    rng = np.random.default_rng(0)
    known = rng.normal(3.0, 0.5, (30, 40))
    fitted = Typical.fitted(known, rng.normal(3.0, 0.5, (30, 40)))
    assert fitted.distance(rng.normal(3.0, 0.5, 40)) < fitted.limit < fitted.distance(rng.normal(6.0, 0.5, 40))
    again = Typical.of({"typical": fitted.to_dict()})
    assert again is not None and again.distance(known[0]) == pytest.approx(fitted.distance(known[0]), rel=0.01)
    assert Typical.of({}) is None


def test_too_few_cases_tell_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        Typical.fitted([np.ones(3)] * 4, [])


def test_the_deepest_features_are_read_and_the_network_left_alone(a_random_model) -> None:
    network = a_random_model.network()
    given = (torch.randn(1, 1, 16, 16, 16), torch.tensor([[True]]), torch.tensor([[0]]))
    with torch.inference_mode():
        with deepest_features(network) as seen:
            network(*given)
        network(*given)
    assert len(seen) == 1 and seen[0].shape == (2 * 8,) and np.isfinite(seen[0]).all()
    with deepest_features(torch.nn.Linear(1, 1)) as nothing:
        pass
    assert nothing == []
