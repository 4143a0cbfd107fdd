"""PHP: FPM's pools and the ini settings of each SAPI."""
