import dataclasses
import json

import numpy as np
import pytest

from sim2art.articulation.estimate import Status
from sim2art.articulation.joint import JointType
from sim2art.baselines.flow_clustering import flow_clustering
from sim2art.errors import InvalidFileError, SchemaError
from sim2art.evaluate.metrics import score_clip
from sim2art.inference.assembly import NO_MOTION
from sim2art.inference.checkpoint import build_network, save_checkpoint
from sim2art.inference.predictor import load_predictor
from sim2art.train.config import PRESETS
from sim2art.train.network_sizes import network_config
from tests.point_clips import make_point_clip


@pytest.fixture(params=["tiny", "paper-cpu"])
def untrained(tmp_path, request):
    folder = tmp_path / request.param
    save_checkpoint(folder, build_network(network_config(PRESETS[request.param])))
    return folder


def test_untrained_network_gives_a_valid_estimate(untrained):
    clip = make_point_clip(JointType.REVOLUTE, num_frames=6, num_points=300)
    estimate = load_predictor(untrained)(clip.video)
    np.testing.assert_allclose(estimate.part_probabilities.sum(axis=-1), 1, atol=1e-5)
    assert estimate.trajectory.values.shape == (6, len(estimate.joints))


def test_same_video_same_estimate(untrained):
    clip = make_point_clip(JointType.PRISMATIC, num_frames=5, num_points=200)
    predict = load_predictor(untrained)
    np.testing.assert_array_equal(predict(clip.video).part_probabilities, predict(clip.video).part_probabilities)


def test_damaged_checkpoints_are_refused(untrained):
    config = json.loads((untrained / "config.json").read_text())
    (untrained / "config.json").write_text(json.dumps({**config, "schema": "sim2art.checkpoint/99"}))
    with pytest.raises(SchemaError, match="checkpoint/99"):
        load_predictor(untrained)
    (untrained / "config.json").write_text("{")
    with pytest.raises(InvalidFileError, match="not valid JSON"):
        load_predictor(untrained)
    (untrained / "config.json").write_text(json.dumps(config))
    weights = untrained / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InvalidFileError, match="does not fit"):
        load_predictor(untrained)
    weights.unlink()
    with pytest.raises(InvalidFileError, match=r"no model\.safetensors"):
        load_predictor(untrained)


@pytest.mark.parametrize("kind", [JointType.REVOLUTE, JointType.PRISMATIC])
@pytest.mark.parametrize("method", ["shipped", "flow_clustering"])
def test_clean_panel_is_found(kind, method):
    clip = make_point_clip(kind, num_points=1024)
    estimate = (load_predictor() if method == "shipped" else flow_clustering)(clip.video)
    score = score_clip(clip, estimate)
    assert [x.joint.type for x in estimate.joints] == [kind]
    assert score.joints[0].axis_deg < 2.0
    assert score.mean_iou > 0.9


@pytest.mark.parametrize("method", ["shipped", "flow_clustering"])
def test_nothing_moving_is_a_result(method):
    clip = make_point_clip(JointType.REVOLUTE, num_frames=6)
    still = dataclasses.replace(
        clip.video,
        points_world=np.repeat(clip.video.points_world[:1], 6, axis=0),
        flow_world=np.zeros(clip.video.flow_world.shape),
    )
    estimate = (load_predictor() if method == "shipped" else flow_clustering)(still)
    assert estimate.joints == ()
    assert NO_MOTION in estimate.reasons
    assert estimate.status is Status.OK


@pytest.mark.parametrize("method", ["shipped", "flow_clustering"])
def test_one_frame_gives_no_joint(method):
    clip = make_point_clip(JointType.REVOLUTE, num_frames=1)
    estimate = (load_predictor() if method == "shipped" else flow_clustering)(clip.video)
    assert estimate.joints == ()
