"""What a person can ask, one file each; every door leads here."""
