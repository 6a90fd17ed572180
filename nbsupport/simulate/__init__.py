"""Raw frames with known truth: structures, photokinetics, image formation, cameras."""
