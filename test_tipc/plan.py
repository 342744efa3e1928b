"""The steps of a mode."""

from test_tipc.benchmark import benchmark_plan
from test_tipc.inference import infer_plan
from test_tipc.machine import Machine
from test_tipc.step import Params, Step
from test_tipc.training import training_plan


def plan(params: Params, mode: str, machine: Machine) -> list[Step]:
    """Which commands a chain runs, in which order, and which of them this machine cannot run.

    Raises:
        ParamsError: a line of the parameter file makes no sense.
    """
    if mode == "whole_infer":
        return infer_plan(params, machine)
    return benchmark_plan(params, machine) if mode == "benchmark_train" else training_plan(params, machine)
