"""Label images survive the round trip."""

import numpy as np
import pytest
from PIL import Image

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.export.labels import read_labels, write_labels


def test_labels_come_back_by_frame_id(tmp_path) -> None:
    labels = np.random.default_rng(0).integers(0, 256, (3, 20, 30), dtype=np.uint8)
    write_labels(tmp_path / "labels", labels, (4, 17, 1234))
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == ["000004.png", "000017.png", "001234.png"]
    np.testing.assert_array_equal(read_labels(tmp_path / "labels", (17, 4, 1234)), labels[[1, 0, 2]])
    with Image.open(tmp_path / "labels" / "000004.png") as image:
        assert image.mode == "L"


def test_a_missing_label_image_is_named(tmp_path) -> None:
    with pytest.raises(InvalidFileError, match=r"000003\.png"):
        read_labels(tmp_path, (3,))


def test_another_count_of_frame_ids_is_refused(tmp_path) -> None:
    with pytest.raises(InvalidValueError, match="one each"):
        write_labels(tmp_path, np.zeros((2, 3, 3), dtype=np.uint8), (1,))


def test_colour_images_are_refused(tmp_path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "000001.png")
    with pytest.raises(InvalidFileError, match="one channel"):
        read_labels(tmp_path, (1,))
