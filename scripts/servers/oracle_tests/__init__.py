"""What the oracles must accept from the vendors' own code, and what they must refuse."""
