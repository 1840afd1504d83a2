from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import subprocess
import sys

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import chainer, null

from intempt_nb.api.credentials import Secret, resolve_key
from intempt_nb.errors import ConfigurationError


class Vault(KeyringBackend):
    priority = 1

    def __init__(self, keys: dict[tuple[str, str], str] | None = None) -> None:
        super().__init__()
        self.keys = keys or {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.keys.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.keys[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.keys[service, username]


class PlaintextKeyring(Vault):
    pass


class Broken(Vault):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"no bus for {service} {username}")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    """Nothing in the environment, an empty keyring, no terminal."""
    monkeypatch.delenv("INTEMPT_API_KEY", raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(Vault())
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr("getpass.getpass", lambda prompt: pytest.fail("nobody is there to answer"))
    yield
    keyring.set_keyring(before)


@pytest.fixture
def terminal(monkeypatch):
    """Answer the prompt in a terminal."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    prompts: list[str] = []

    def install(answer: str) -> list[str]:
        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr("getpass.getpass", lambda prompt: prompts.append(prompt) or answer)
        return prompts

    return install


class TestSecret:
    def test_shows_nothing(self, key, canary):
        shown = [repr(key), str(key), f"{key}", f"{key:>40}", "%s" % key, "%r" % key, repr([key]), f"{key!r}"]  # noqa: UP031 - % is what is tested
        shown += [logging.LogRecord("", 0, "", 0, "%s", (key,), None).getMessage(), repr({"key": key})]
        assert not any(canary in text for text in shown)
        assert key.reveal() == canary

    def test_is_never_pickled_or_copied(self, key, canary, catch):
        for function in (pickle.dumps, copy.copy, copy.deepcopy, key.__getstate__ and type(key).__getstate__):
            error = catch(function, key)
            assert isinstance(error, TypeError)
            assert "INTEMPT_API_KEY" in str(error)
            assert canary not in str(error)

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_no_pickle_protocol_writes_it(self, key, canary, protocol):
        file = io.BytesIO()
        with pytest.raises(TypeError):
            pickle.Pickler(file, protocol).dump({"key": key})
        assert canary.encode() not in file.getvalue()

    def test_is_no_json(self, key, canary):
        with pytest.raises(TypeError, match="Secret is not JSON serializable"):
            json.dumps({"key": key})
        assert canary not in json.dumps({"key": key}, default=str)

    def test_equality_and_hash_tell_nothing(self, key, canary):
        other = Secret(canary)
        assert key != other
        assert key != canary
        assert hash(key) not in (hash(other), hash(canary))

    def test_is_immutable_and_has_no_dict(self, key):
        with pytest.raises(AttributeError):
            key._text = "other"
        with pytest.raises(AttributeError):
            del key._text
        assert not hasattr(key, "__dict__")

    def test_drops_white_space_around(self, canary):
        assert Secret(f"  {canary}\n").reveal() == canary

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "is empty"),
            (" \t\n", "is empty"),
            ("canary-7f3a\r\nX-Evil: 1", "control character"),
            ("canary-7f3a\0", "control character"),
            ("canary-7f3a\x85b", "control character"),
            ("canary-7f3a…", "no HTTP header can carry"),
            (b"canary-7f3a", "must be text, not bytes"),
        ],
    )
    def test_refuses_what_no_header_carries_without_showing_it(self, text, reason, catch, shown):
        for error in (catch(Secret, text), catch(resolve_key, text, org="OrgABC")):
            assert isinstance(error, ConfigurationError)
            assert reason in str(error)
            assert "credentials.py" in shown(error)
            assert "canary-7f3a" not in shown(error)

    @given(st.text(max_size=12))
    def test_every_text_is_refused_or_can_be_sent(self, text):
        try:
            revealed = Secret(text).reveal()
        except ConfigurationError:
            return
        assert revealed == text.strip()
        assert not set(revealed.encode("latin-1")) & {*range(32), 127}

    def test_scrubs(self, key, canary):
        assert key.scrub(f"a {canary} and {canary}") == "a *** and ***"


class TestOrder:
    def test_argument_wins(self, monkeypatch):
        monkeypatch.setenv("INTEMPT_API_KEY", "from-environment")
        assert resolve_key("from-argument", org="OrgABC").reveal() == "from-argument"

    def test_a_secret_is_taken_as_it_is(self, key):
        assert resolve_key(key, org="OrgABC") is key

    def test_environment_before_keyring(self, monkeypatch):
        keyring.set_password("intempt_nb", "OrgABC", "from-keyring")
        monkeypatch.setenv("INTEMPT_API_KEY", "from-environment")
        assert resolve_key(org="OrgABC").reveal() == "from-environment"

    def test_keyring_before_prompt(self, monkeypatch, terminal):
        keyring.set_password("intempt_nb", "OrgABC", "from-keyring")
        monkeypatch.setenv("INTEMPT_API_KEY", " ")
        prompts = terminal("from-prompt")
        assert resolve_key(org="OrgABC").reveal() == "from-keyring"
        assert prompts == []

    def test_keyring_is_asked_for_the_organisation(self, terminal):
        keyring.set_password("intempt_nb", "Other", "from-keyring")
        prompts = terminal("from-prompt")
        assert resolve_key(org="OrgABC").reveal() == "from-prompt"
        assert "OrgABC" in prompts[0]

    def test_a_bad_key_stops_the_search_and_names_its_place(self, monkeypatch, terminal):
        terminal("from-prompt")
        monkeypatch.setenv("INTEMPT_API_KEY", "two\nlines")
        with pytest.raises(ConfigurationError, match="environment variable INTEMPT_API_KEY holds a line break"):
            resolve_key(org="OrgABC")
        monkeypatch.delenv("INTEMPT_API_KEY")
        keyring.set_password("intempt_nb", "OrgABC", "two\nlines")
        with pytest.raises(ConfigurationError, match="keyring Vault holds a line break"):
            resolve_key(org="OrgABC")

    def test_an_empty_argument_is_refused(self):
        with pytest.raises(ConfigurationError, match="given as api_key is empty"):
            resolve_key("", org="OrgABC")

    def test_without_any_the_error_lists_the_ways(self):
        with pytest.raises(ConfigurationError) as caught:
            resolve_key(org="OrgABC")
        for way in ("api_key=", "INTEMPT_API_KEY", "keyring set intempt_nb OrgABC", "prompt"):
            assert way in str(caught.value)


class TestKeyring:
    def test_plaintext_backends_are_not_asked(self):
        keyring.set_keyring(PlaintextKeyring({("intempt_nb", "OrgABC"): "from-plain-text"}))
        with pytest.raises(ConfigurationError, match="PlaintextKeyring keeps keys as plain text"):
            resolve_key(org="OrgABC")

    def test_a_chain_is_asked_without_its_plaintext_links(self, monkeypatch):
        links = [
            PlaintextKeyring({("intempt_nb", "OrgABC"): "from-plain-text"}),
            null.Keyring(),
            Vault({("intempt_nb", "OrgABC"): "from-vault"}),
        ]
        monkeypatch.setattr(chainer.ChainerBackend, "backends", links)
        keyring.set_keyring(chainer.ChainerBackend())
        assert resolve_key(org="OrgABC").reveal() == "from-vault"

    def test_null_backend_is_named(self):
        keyring.set_keyring(null.Keyring())
        with pytest.raises(ConfigurationError, match="keyring Keyring keeps no keys"):
            resolve_key(org="OrgABC")

    def test_a_failing_backend_does_not_end_the_search(self, terminal):
        keyring.set_keyring(Broken())
        terminal("from-prompt")
        assert resolve_key(org="OrgABC").reveal() == "from-prompt"

    def test_a_failing_backend_is_named(self):
        keyring.set_keyring(Broken())
        with pytest.raises(ConfigurationError, match="Not used: keyring: RuntimeError"):
            resolve_key(org="OrgABC")

    def test_is_not_loaded_by_the_import(self):
        code = (
            "import sys, intempt_nb.api.credentials as c; c.resolve_key('k', org='o'); print('keyring' in sys.modules)"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "False"


class TestPrompt:
    def test_is_asked_in_a_terminal(self, terminal):
        terminal("  typed  ")
        assert resolve_key(org="OrgABC").reveal() == "typed"

    def test_an_empty_answer_is_refused(self, terminal):
        terminal("")
        with pytest.raises(ConfigurationError, match="typed in is empty"):
            resolve_key(org="OrgABC")

    def test_end_of_input_counts_as_no_answer(self, terminal, monkeypatch):
        terminal("")

        def end(prompt):
            raise EOFError

        monkeypatch.setattr("getpass.getpass", end)
        with pytest.raises(ConfigurationError, match="no API key"):
            resolve_key(org="OrgABC")

    def test_without_stdin(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", None)
        with pytest.raises(ConfigurationError, match="no API key"):
            resolve_key(org="OrgABC")

    @pytest.mark.parametrize("allowed", [True, False])
    def test_a_kernel_is_asked_only_if_its_front_end_takes_input(self, allowed, terminal, monkeypatch):
        ipython = pytest.importorskip("IPython")

        class Kernel:
            _allow_stdin = allowed

        class Shell:
            kernel = Kernel()

        terminal("typed")  # the kernel process was started from a terminal
        monkeypatch.setattr(ipython, "get_ipython", Shell)
        if allowed:
            assert resolve_key(org="OrgABC").reveal() == "typed"
        else:
            with pytest.raises(ConfigurationError, match="no API key"):
                resolve_key(org="OrgABC")
