"""From checks, policy and tables to a result: what is planned, how it is run and scored."""
