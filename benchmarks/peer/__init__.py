"""Programs that run PaddleSeg, in its own environment: nothing of segwright or torch can be imported here."""
