"""Communication-adaptive tuning: descent per bit."""
