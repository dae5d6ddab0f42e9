"""Hands by two small networks: palms in the image, landmarks in a turned crop, hands through the frames, their masks."""
