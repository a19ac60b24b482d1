"""Surface and mask -> measured quality, verdicts."""
