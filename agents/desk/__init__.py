"""The desk: what becomes of alerts after they stand on their topic."""
