"""Worker processes that run segwright."""
