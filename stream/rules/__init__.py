"""Rules: what they say (``rule``, ``rulefile``), how they judge (``ground``, ``usual``), how alerts stand."""
