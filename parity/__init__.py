"""Comparison with numbers that PaddleSeg computed: the same weights and pictures, made again from seeds."""
