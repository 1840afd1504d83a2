"""API keys: one type that never shows its text, and the places a key is looked for.

The order is argument, environment, keyring, prompt. A key is wrapped in :class:`Secret` as early as possible because
verbose tracebacks print the local variables of every frame.
"""

from __future__ import annotations

import getpass
import os
import sys
import unicodedata
from typing import TYPE_CHECKING, Final, NoReturn

from intempt_nb.errors import ConfigurationError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["ENVIRONMENT_VARIABLE", "KEYRING_SERVICE", "Secret", "in_keyring", "resolve_key"]

ENVIRONMENT_VARIABLE: Final = "INTEMPT_API_KEY"
KEYRING_SERVICE: Final = "intempt_nb"

_HIDDEN: Final = "***"


class Secret:
    """A key that shows itself as ``***`` everywhere but in :meth:`reveal`.

    Two secrets are equal only if they are the same object, and the hash does not depend on the text, so neither tells
    anything about the key. It cannot be pickled, copied or written as JSON.

    Parameters
    ----------
    text
        The key; white space around it is dropped.

    Raises
    ------
    ConfigurationError
        The text is empty, or holds what an HTTP header cannot carry: control characters, or characters outside
        Latin-1 (RFC 9110 §5.5).
    """

    __slots__ = ("_text",)

    _text: str

    def __init__(self, text: str) -> None:
        fault = _fault(text)
        if fault is not None:
            del text  # the traceback of the next line shows this frame
            raise ConfigurationError(f"the API key {fault}")
        object.__setattr__(self, "_text", text.strip())

    def reveal(self) -> str:
        """Return the key itself; keep it out of variables, messages and logs."""
        return self._text

    def scrub(self, text: str) -> str:
        """Return `text` with each occurrence of the key replaced by ``***``."""
        return text.replace(self._text, _HIDDEN)

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return _HIDDEN

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret cannot be changed; make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Secret cannot be changed; make a new one")

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"an API key is never pickled or copied: set {ENVIRONMENT_VARIABLE} where the other process runs and call "
            "resolve_key() there"
        )

    def __getstate__(self) -> NoReturn:
        self.__reduce__()


def resolve_key(api_key: str | Secret | None = None, *, org: str, ask: bool = True) -> Secret:
    """Find the API key: argument, then environment, then keyring, then prompt.

    Parameters
    ----------
    api_key
        The key itself; None to look for it.
    org
        The organisation the key is for: the user name in the keyring, and named in the prompt.
    ask
        Whether somebody may be asked for it; not where many processes start on other machines.

    Returns
    -------
    Secret
        The first key found, in this order:

        1. `api_key`;
        2. the environment variable ``INTEMPT_API_KEY``, unless it is blank;
        3. the keyring, service ``intempt_nb``, user name `org`; backends that keep plain text, or nothing, are skipped;
        4. a prompt, where someone can answer it: in a terminal, or in a notebook whose front end takes input.

    Raises
    ------
    ConfigurationError
        No key was found (the message lists the ways to give one), or the first one found cannot be used.
    """
    if isinstance(api_key, Secret):
        return api_key
    skipped: list[str] = []
    found: Secret | ConfigurationError | None
    if api_key is not None:
        found = _wrap(api_key, "the API key given as api_key")
    else:
        found = _from_environment() or _from_keyring(org, skipped)
        if found is None and ask:
            found = _from_prompt(org)
    del api_key  # the tracebacks of the next lines show this frame
    if isinstance(found, ConfigurationError):
        raise found
    if found is None:
        raise ConfigurationError(_advice(org, skipped))
    return found


def in_keyring(org: str) -> bool:
    """Return whether the keyring has a key for an organisation, as `resolve_key` looks for it."""
    return isinstance(_from_keyring(org, []), Secret)


def _fault(text: object) -> str | None:
    """Return what keeps `text` from being sent as a key, without quoting it; None if nothing does."""
    if not isinstance(text, str):
        return f"must be text, not {type(text).__name__}"
    stripped = text.strip()
    if not stripped:
        return "is empty"
    if any(unicodedata.category(character) == "Cc" for character in stripped):
        return "holds a line break or another control character; copy it again, alone"
    if any(ord(character) > 0xFF for character in stripped):
        return "holds characters that no HTTP header can carry; copy it again, alone"
    return None


def _wrap(text: object, where: str) -> Secret | ConfigurationError:
    """Return the key, or the error as a value: raised here, its traceback would show `text`."""
    fault = _fault(text)
    return Secret(str(text)) if fault is None else ConfigurationError(f"{where} {fault}")


def _from_environment() -> Secret | ConfigurationError | None:
    if not os.environ.get(ENVIRONMENT_VARIABLE, "").strip():
        return None
    return _wrap(os.environ[ENVIRONMENT_VARIABLE], f"the API key in the environment variable {ENVIRONMENT_VARIABLE}")


def _from_keyring(org: str, skipped: list[str]) -> Secret | ConfigurationError | None:
    """Ask each safe keyring backend; say in `skipped` why others were not used."""
    try:
        for backend in _backends():
            name = type(backend).__name__
            fault = _unsafe(backend)
            if fault is not None:
                skipped.append(f"keyring {name} {fault}")
                continue
            text = backend.get_password(KEYRING_SERVICE, org)
            if text is not None:
                return _wrap(text, f"the API key in the keyring {name}")
    except Exception as error:  # noqa: BLE001 - a backend raises what its platform does; the prompt still works
        skipped.append(f"keyring: {type(error).__name__}")
    return None


def _backends() -> list[KeyringBackend]:
    """Return the keyring backends in use, the chained ones apart: one unsafe link must not be asked."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    backend = keyring.get_keyring()
    return list(backend.backends) if isinstance(backend, ChainerBackend) else [backend]


def _unsafe(backend: KeyringBackend) -> str | None:
    """Return why a backend is not asked for a key; None if it may be."""
    from keyring.backends import fail, null

    # keyrings.alt and its likes are not dependencies, so their classes are known by name.
    if any(each.__name__ == "PlaintextKeyring" for each in type(backend).__mro__):
        return "keeps keys as plain text"
    if isinstance(backend, (fail.Keyring, null.Keyring)):
        return "keeps no keys"
    return None


def _from_prompt(org: str) -> Secret | ConfigurationError | None:
    if not _can_ask():
        return None
    try:
        # Through the module: a notebook kernel replaces getpass.getpass by its own.
        return _wrap(getpass.getpass(f"API key for the Intempt organisation {org}: "), "the API key typed in")
    except (EOFError, NotImplementedError, OSError):
        return None


def _can_ask() -> bool:
    """Return whether someone can answer a prompt: a terminal, or a notebook front end that takes input."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:  # a kernel's own stdin may be a terminal that nobody looks at
        return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stdin is not None and sys.stdin.isatty()


def _advice(org: str, skipped: list[str]) -> str:
    ways = (
        f"no API key for the organisation {org!r}. Give one in any of these ways: pass api_key=…; set the environment "
        f"variable {ENVIRONMENT_VARIABLE}; store it once with `keyring set {KEYRING_SERVICE} {org}`; or run where a "
        "prompt can be answered"
    )
    return f"{ways}. Not used: {'; '.join(skipped)}" if skipped else ways
