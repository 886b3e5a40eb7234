"""Prompt and response text: cut out of records before they are mapped, and what is said in its place.

What a mapping calls `content:` never reaches an engine: `seal` puts a token in its place, so nothing that is computed,
left in `unmapped` or kept as `raw_data` can hold it.
"""
