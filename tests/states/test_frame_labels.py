"""Labels of frames that were not used: the parts' surfaces where the states say they are."""

import numpy as np

from sim2art.articulation.assembly import part_motions
from sim2art.states.background import find_background
from sim2art.states.frame_labels import NO_LABEL, label_frames
from sim2art.states.frame_stack import stack_frames
from tests.scenes import make_scene


def test_frames_without_labels_get_those_of_the_parts_seen_elsewhere() -> None:
    scene = make_scene(num_frames=9, travel=(1.0, 0.2))
    video, used = scene.video, np.array([0, 2, 4, 6, 8])
    some = type(video)(
        times=video.times[used].copy(), images=video.images[used].copy(), depths=video.depths[used].copy(),
        object_masks=video.object_masks[used].copy(), intrinsics=video.intrinsics.copy(),
        world_from_camera=video.world_from_camera[used].copy(), is_metric=True,
    )  # fmt: skip
    stack = stack_frames(
        lambda frame: (video.images[frame], video.depths[frame]), video.times, video.world_from_camera, some, used
    )
    labels = scene.labels[used]
    stack, background = find_background(stack, (labels > 0) & (labels != NO_LABEL))
    found = list(label_frames(stack, labels, part_motions(scene.estimate), background.noise))
    for frame in (3, 5, 7):
        moving = (scene.labels[frame] == 1) | (scene.labels[frame] == 2)
        assert (found[frame][moving] == scene.labels[frame][moving]).mean() > 0.85
        base = (scene.labels[frame] == 0) & (found[frame] != NO_LABEL)
        assert (found[frame][base] == 0).mean() > 0.9
