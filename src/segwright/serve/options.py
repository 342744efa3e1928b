"""What a server serves, to whom, and how much it takes."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from math import inf
from pathlib import Path

from segwright.errors import ConfigError
from segwright.runtime import EngineOptions

PORT = 8866  # PaddleHub Serving's
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How to serve. Every limit is there so that a single client cannot take the service from the others.

    Attributes:
        bundles: what to serve, by name: the folder of an exported model, or one of folders ``1``, ``2``, ... that are
            its versions.
        runtime: how to run the models; ``parallel`` is the number of runs at the same time.
        crowd: when there is a picture for each thread, let each run one, where the engine gains from it; that opens
            small models a second time.
        host: address to listen on.
        port: port to listen on; 0 takes any free one.
        workers: processes that share the port.
        batch_size: most pictures in one run of the network.
        batch_delay: seconds that a picture may wait for others while the engine has nothing to do.
        queue_size: most pictures of a model that are being worked on or wait; more are answered with 429.
        max_uploads: most requests whose bodies are being received; more are answered with 429.
        max_body: bytes of a request's body.
        max_pixels: pixels of a picture.
        read_timeout: seconds until a request must have arrived.
        write_timeout: seconds that a client may leave an answer untouched.
        answer_timeout: seconds from a request's arrival to its answer.
        drain_time: seconds between the signal to end and the last connection taken, in which readiness is denied.
        reload_interval: seconds between looks at the bundles for a new version; 0 never looks.
        api_keys: who sends none of these is refused; empty lets everybody in.
        cors_origins: pages of these origins may call the service from a browser; ``*`` stands for all.
        allow_public: listen on an address that others reach without asking for a key.
        log_format: ``text`` or ``json`` lines.
    """

    bundles: dict[str, Path]
    runtime: EngineOptions = field(default_factory=EngineOptions)
    crowd: bool = True
    host: str = "127.0.0.1"
    port: int = PORT
    workers: int = 1
    batch_size: int = 4
    batch_delay: float = 0.0
    queue_size: int = 64
    max_uploads: int = 32
    max_body: int = 32 * MIB
    max_pixels: int = 32_000_000
    read_timeout: float = 30.0
    write_timeout: float = 30.0
    answer_timeout: float = 60.0
    drain_time: float = 1.0
    reload_interval: float = 2.0
    api_keys: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    allow_public: bool = False
    log_format: str = "text"

    def __post_init__(self) -> None:
        for name in ("max_body", "max_pixels", "read_timeout", "write_timeout", "answer_timeout"):
            if not 0 < getattr(self, name) < inf:  # also for what is no number
                raise ConfigError(f"{name} is {getattr(self, name)}: want a number above 0, which refuses everything")
        for name in ("batch_delay", "drain_time", "reload_interval"):
            if not 0 <= getattr(self, name) < inf:
                raise ConfigError(f"{name} is {getattr(self, name)}: want seconds, 0 or more")
        if not self.bundles:
            raise ConfigError("nothing to serve: name at least one exported model")
        if any(not key.strip() for key in self.api_keys):
            raise ConfigError("an API key is empty, which would let everybody in")
        if not (self.is_local or self.api_keys or self.allow_public):
            raise ConfigError(
                f"host {self.host} can be reached by other machines, and no API key is asked for: give --api_key_file "
                "FILE or the environment variable SEGWRIGHT_API_KEY, or --allow_public if everybody may use the service"
            )

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can connect."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def name_bundles(words: list[str]) -> dict[str, Path]:
    """``DIR`` or ``NAME=DIR`` each; without a name the folder's serves.

    Raises:
        ConfigError: two have the same name, or a name does not fit into a URL.
    """
    bundles: dict[str, Path] = {}
    for word in words:
        name, equals, folder = word.partition("=")
        path = Path(folder if equals else word)
        name = name if equals else path.resolve().name
        if not name or not name.isascii() or not all(letter.isalnum() or letter in "-_." for letter in name):
            raise ConfigError(
                f"'{name}' cannot be a model's name in a URL: use letters, digits, '-', '_' and '.', and name the "
                f"folder with NAME={path}"
            )
        if name in bundles:
            raise ConfigError(f"{bundles[name]} and {path} are both called '{name}': name one with NAME={path}")
        bundles[name] = path
    return bundles
