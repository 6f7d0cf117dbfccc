"""What runs: the Faust app, its agents, and everything around them."""
