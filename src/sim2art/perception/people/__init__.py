"""People, hands and arms, to be left out."""
