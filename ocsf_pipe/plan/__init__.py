"""What to compute: the plan that a mapping compiles to, and the passes that rewrite it. Knows no engine."""
