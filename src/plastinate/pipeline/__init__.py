"""How a recipe runs: the plan, the run, the keys."""
