"""SAM 2 video masks (Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024; Apache-2.0) by `transformers`.

Frames are squeezed to the model's square size with ImageNet normalisation; a box is two points with labels 2 and 3 in that
square. Masks come as logits at a quarter of it. The object is followed from the prompted frame to both ends.
"""

from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from sim2art.perception.features.torch_images import load_pretrained, on_all_cores, to_input
from sim2art.perception.models import require_model

_BOX_LABELS = (2, 3)


class Sam2Masks:
    """A `VideoMasker`."""

    def __init__(self, source: str | None = None) -> None:
        self._model = load_pretrained("Sam2VideoModel", require_model("sam2", source), ("sam2_video", "sam2"))
        size = self._model.config.image_size
        self._side = int(size if isinstance(size, int) else size[0])

    @on_all_cores()
    @torch.inference_mode()
    def __call__(
        self, images: UInt8[np.ndarray, "frame height width 3"], frame: int, box: Float[np.ndarray, "4"]
    ) -> Bool[np.ndarray, "frame height width"]:
        """Masks of all frames."""
        from transformers import Sam2VideoInferenceSession

        height, width = images.shape[1:3]
        device = self._model.device
        frames = torch.cat([to_input(image, (self._side, self._side)) for image in images])
        session = Sam2VideoInferenceSession(
            video=frames, video_height=height, video_width=width, inference_device=device,
            inference_state_device=device, dtype=torch.float32,
        )  # fmt: skip
        scale = np.array([self._side / width, self._side / height])
        corners = np.stack([box[:2], box[:2] + box[2:]]) * scale
        prompt = {
            "point_coords": torch.tensor(corners, dtype=torch.float32, device=device)[None, None],
            "point_labels": torch.tensor(_BOX_LABELS, dtype=torch.int32, device=device)[None, None],
        }
        index = session.obj_id_to_idx(1)
        session.add_point_inputs(index, frame, prompt)
        session.obj_with_new_inputs = [1]
        masks = np.zeros((len(images), height, width), dtype=bool)
        masks[frame] = self._to_mask(self._model(session, frame_idx=frame), (width, height))
        for backwards in (False, True):
            for found in self._model.propagate_in_video_iterator(session, start_frame_idx=frame, reverse=backwards):
                masks[found.frame_idx] = self._to_mask(found, (width, height))
        return masks

    def _to_mask(self, found: Any, size: tuple[int, int]) -> Bool[np.ndarray, "height width"]:
        logits = found.pred_masks.reshape(-1, *found.pred_masks.shape[-2:])[0].float().cpu().numpy()
        return cv2.resize(logits, size, interpolation=cv2.INTER_LINEAR) > 0
