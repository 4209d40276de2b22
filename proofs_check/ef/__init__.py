"""Error feedback: EF, EF21 and EF-BV with biased messages."""
