"""Oracles answer with the true parts and a sensible joint each."""

import numpy as np
import pytest

from sim2art.cli.main import main
from sim2art.evaluate.metrics import score_clip
from sim2art.sets.oracles import OracleName, make_oracle
from tests.hand_made import make_clip

CLIP = make_clip(num_points=600)


@pytest.mark.parametrize("name", ["true_parts", "best_proposal"])
def test_on_clean_flow_an_oracle_is_right(name: OracleName) -> None:
    score = score_clip(CLIP, make_oracle(name, CLIP)(CLIP.video))
    assert score.mean_iou == 1.0
    assert all(joint.is_type_right for joint in score.joints)
    limit = 1.0 if name == "true_parts" else 6.0
    assert np.max([joint.penalised_axis_deg for joint in score.joints]) < limit


def test_an_oracle_is_scored_with_the_refiner_too(capsys: pytest.CaptureFixture[str]) -> None:
    main(["evaluate", "--num", "1", "--corruption", "none", "--methods", "true_parts"])
    assert "true_parts_refined" in capsys.readouterr().out
