"""Report formats: a pure function each, from a result to text."""
