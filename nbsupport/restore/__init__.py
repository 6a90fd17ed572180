"""Restored images from degraded ones: networks, losses, training, classical filters, and what they need around them."""
