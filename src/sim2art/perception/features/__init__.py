"""What networks see in an image (DINOv2), for points and regions."""
