"""files -> Series -> Volume, with findings."""
