"""Everything that is known of the data when decisions are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from segwright.errors import ConfigError
from segwright.starter.division import Division
from segwright.starter.found import Found
from segwright.starter.label_values import LabelValues
from segwright.starter.mending import names_for
from segwright.starter.pictures import Pictures


@dataclass(frozen=True)
class View:
    """The data as they were found.

    Attributes:
        found: pairs and where they come from.
        values: what label maps hold.
        division: what to train on and what to judge by.
        pictures: what pictures are like.
        wanted_names: class names that the user gave; may be empty.
    """

    found: Found
    values: LabelValues
    division: Division
    pictures: Pictures
    wanted_names: Sequence[str] = ()

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """One for each class, or none at all.

        Raises:
            ConfigError: the user named fewer classes than there are ids.
        """
        if self.wanted_names:
            if len(self.wanted_names) < self._lowest_count:
                raise ConfigError(
                    f"--classes names {len(self.wanted_names)} classes, but label maps hold ids up to "
                    f"{self._lowest_count - 1}, the background counted; name {self._lowest_count}"
                )
            return tuple(self.wanted_names)
        return names_for(self.found, self._lowest_count)

    @property
    def _lowest_count(self) -> int:
        return max(2, max(self.values.ids) + 1)

    @property
    def num_classes(self) -> int:
        """Classes, the background counted, ignored pixels not."""
        return len(self.class_names) or self._lowest_count

    @property
    def absent(self) -> list[int]:
        """Classes that no label map holds that was looked at."""
        return [value for value in range(self.num_classes) if value not in self.values.pixels]

    @property
    def shares(self) -> dict[int, float]:
        """Of the pixels, by class that occurs."""
        return self.values.shares()

    def name(self, value: int) -> str:
        """Of a class."""
        return self.class_names[value] if self.class_names else f"class {value}"

    def cautions(self) -> list[str]:
        """What a user should know about the data."""
        said = [*self.found.cautions, self.division.caution]
        if self.absent and not self.found.known:
            missing = ", ".join(self.name(value) for value in self.absent[:8]) + (
                " ..." if len(self.absent) > 8 else ""
            )
            said.append(
                f"None of the {self.values.looked} label maps looked at holds {missing}; if that id has no meaning, "
                "renumber: segwright data remap --ids OLD:NEW."
            )
        if len(self.division.train) < 20:
            said.append(
                f"{len(self.division.train)} training pictures are few: each one more that is labelled helps most."
            )
        return [text for text in said if text]
