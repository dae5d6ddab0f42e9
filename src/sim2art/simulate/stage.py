"""A scenario put on stage: its bodies (links, then the room, then the hand) rendered by the clip's camera."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, Int32

from sim2art.geometry.meshes import TriangleMesh, join_meshes
from sim2art.geometry.rasterizer import BodyMeshes, body_ids, collect_bodies, render_frames
from sim2art.geometry.transforms import inverse
from sim2art.simulate.flow_sources import ExactFlow
from sim2art.simulate.renderer import Renderer
from sim2art.simulate.scenario import Scenario
from sim2art.simulate.seeds import rounded


@dataclass(frozen=True, kw_only=True)
class StageFrames:
    """Noiseless frames of a scenario. World = the first camera's frame."""

    meshes: BodyMeshes
    num_links: int
    """Bodies 0..num_links-1 are the object's links; then come the room and the hand."""
    depths: Float32[np.ndarray, "frame height width"]
    """m; 0 where nothing is."""
    face_ids: Int32[np.ndarray, "frame height width"]
    """-1 where nothing is, and everywhere when another renderer than ours was used."""
    bodies: Int32[np.ndarray, "frame height width"]
    """Body seen at each pixel; -1 where nothing is."""
    intrinsics: Float[np.ndarray, "3 3"]
    world_from_camera: Float[np.ndarray, "frame 4 4"]
    camera_from_body: Float[np.ndarray, "frame body 4 4"]

    @property
    def room_body(self) -> int:
        """Body index of the room."""
        return self.num_links

    @property
    def hand_body(self) -> int:
        """Body index of the hand."""
        return self.num_links + 1

    def exact_flow(self) -> ExactFlow:
        """The flow source that knows the truth."""
        return ExactFlow(
            depths=self.depths,
            bodies=self.bodies,
            camera_from_body=self.camera_from_body,
            body_from_camera=inverse(self.camera_from_body),
            world_from_camera=self.world_from_camera,
            intrinsics=self.intrinsics,
        )

    def part_images(self, part_of_link: Int[np.ndarray, "link"]) -> Int[np.ndarray, "frame height width"]:
        """Part seen at each pixel; everything that is no link of the object is part 0."""
        part_of_body = np.append(part_of_link, [0, 0, 0])  # Room, hand, and -1 for nothing.
        return part_of_body[self.bodies]


def render_stage(
    scenario: Scenario,
    hand: tuple[TriangleMesh, Float[np.ndarray, "frame 4 4"]] | None = None,
    *,
    renderer: Renderer | None = None,
) -> StageFrames:
    """Render a scenario.

    Args:
        hand: A mesh with its `stage_from_hand` in each frame.
    """
    path = scenario.camera_path
    links = scenario.articulated_object.links
    num_frames = len(path.stage_from_camera)
    room = join_meshes(list(scenario.room)) if scenario.room else None
    meshes = collect_bodies([link.mesh for link in links] + [room, None if hand is None else hand[0]])
    still = np.broadcast_to(np.eye(4), (num_frames, 1, 4, 4))
    hand_motion = still if hand is None else rounded(hand[1][:, None])
    stage_from_body = np.concatenate([scenario.link_motions, still, hand_motion], axis=1)
    camera_from_stage = inverse(path.stage_from_camera)
    camera_from_body = rounded(camera_from_stage[:, None] @ stage_from_body)
    if renderer is None:
        rendered = render_frames(meshes, camera_from_body, path.intrinsics, width=path.width, height=path.height)
        depths, face_ids, bodies = rendered.depths, rendered.face_ids, body_ids(meshes, rendered.face_ids)
    else:
        seen = renderer(meshes, camera_from_body, path.intrinsics, width=path.width, height=path.height)
        depths, face_ids, bodies = seen.depths, np.full(seen.bodies.shape, -1, dtype=np.int32), seen.bodies
    return StageFrames(
        meshes=meshes,
        num_links=len(links),
        depths=depths,
        face_ids=face_ids,
        bodies=bodies,
        intrinsics=path.intrinsics,
        world_from_camera=rounded(camera_from_stage[0] @ path.stage_from_camera),
        camera_from_body=camera_from_body,
    )
