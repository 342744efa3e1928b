"""One check, or a few about the same thing, in each file. A new file is found by itself."""

from importlib import import_module
from pkgutil import iter_modules

from segwright.doctor.registry import CHECKS

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["CHECKS"]
