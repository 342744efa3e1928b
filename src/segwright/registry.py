"""Names in configs, and the classes behind them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from segwright.errors import ConfigError, suggest

C = TypeVar("C", bound=Callable[..., Any])


class Registry(Mapping[str, Callable[..., Any]]):
    """A read-only mapping from config name to class that fills itself by decoration.

    Args:
        kind: what is registered, in the singular, for messages: ``"loss"``.

    Example::

        @LOSSES.register
        class DiceLoss(nn.Module): ...

        @OPTIMIZERS.register("SGD", "sgd")
        def build_sgd(...): ...
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Callable[..., Any]] = {}

    def register(self, *names: Any) -> Any:
        """Decorator; plain, or with the names to use instead of the class's own."""
        if len(names) == 1 and callable(names[0]):
            return self._add(names[0], (names[0].__name__,))
        return lambda entry: self._add(entry, names)

    def _add(self, entry: C, names: tuple[str, ...]) -> C:
        for name in names:
            if name in self._entries:
                raise ValueError(f"the {self.kind} '{name}' is registered twice")
            self._entries[name] = entry
        return entry

    def find(self, name: str, where: str = "") -> Callable[..., Any]:
        """The class called ``name``; ``where`` (file, line, key) starts the message if there is none.

        The message also lists what there is: a name near to another may be meant, and be missing here.
        """
        if name not in self._entries:
            prefix = f"{where}: " if where else ""
            raise ConfigError(f"{prefix}unknown {self.kind} '{name}'; {suggest(name, self._entries, list_all=True)}")
        return self._entries[name]

    def __getitem__(self, name: str) -> Callable[..., Any]:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


MODELS = Registry("model")
BACKBONES = Registry("backbone")
LOSSES = Registry("loss")
TRANSFORMS = Registry("transform")
DATASETS = Registry("dataset")
OPTIMIZERS = Registry("optimizer")
SCHEDULERS = Registry("learning rate schedule")
