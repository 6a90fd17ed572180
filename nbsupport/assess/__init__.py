"""How good is an image: distances from the truth, resolution, artefacts, and the statistics of such numbers."""
