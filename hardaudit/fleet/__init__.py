"""Many hosts scored from what their osqueryds logged."""
