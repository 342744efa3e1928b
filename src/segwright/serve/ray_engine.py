"""The same application on Ray Serve (https://docs.ray.io/en/latest/serve): replicas, on many machines, autoscaling.

Ray's proxies take the connections, so that time-outs of connections are theirs; all other limits are those of each
replica.
"""

NAME = "segwright"
