"""Random selections: inclusion laws, masks, permutations, best probabilities."""
