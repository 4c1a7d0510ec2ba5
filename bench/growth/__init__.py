"""Plans that change as the rows come in, beside the fixed plan."""
