"""From raw frames to one super-resolved image."""
