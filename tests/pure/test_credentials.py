"""The key that never shows, and the only origin it is sent to."""

import base64
import copy
import pickle
from typing import Any

import pytest

from lemlist_async.credentials import ApiKey, BaseURL, ProxyURL
from lemlist_async.errors import ConfigurationError

SECRET = "s3cr3t/+key"


def test_the_header_has_an_empty_user_name_and_the_standard_alphabet() -> None:
    scheme, _, encoded = ApiKey(SECRET).authorization.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded, validate=True).decode() == f":{SECRET}"


def test_the_key_has_no_readable_form() -> None:
    key = ApiKey(SECRET)
    assert SECRET not in f"{key!r} {key} {key.fingerprint} {vars(type(key))}"
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(key)


def test_keys_are_equal_by_value() -> None:
    assert ApiKey(SECRET) == ApiKey(SECRET)
    assert ApiKey(SECRET) != ApiKey("other")
    assert ApiKey(SECRET) != SECRET
    assert hash(ApiKey(SECRET)) == hash(ApiKey(SECRET))


@pytest.mark.parametrize("value", ["", "a\n", "a b", "a\r\nX-Evil: 1", "clé", "a\x00", 5, None])
def test_what_no_key_looks_like_is_refused_without_being_shown(value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ApiKey(value)  # type: ignore[arg-type]  # that is the point
    if isinstance(value, str) and len(value) > 2:
        assert value not in str(caught.value)


def test_text_is_redacted_in_every_form_the_key_may_take() -> None:
    key = ApiKey(SECRET)
    encoded = key.authorization.removeprefix("Basic ")
    text = f"{SECRET} {encoded} s3cr3t%2F%2Bkey"
    assert key.redact(text) == "… … …"


@pytest.mark.parametrize(
    ("text", "origin", "path"),
    [
        ("https://api.lemlist.com/api", "https://api.lemlist.com", "/api"),
        ("https://api.lemlist.com/api/", "https://api.lemlist.com", "/api"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", ""),
        ("http://[::1]:8000/api", "http://[::1]:8000", "/api"),
        ("http://localhost/api", "http://localhost", "/api"),
    ],
)
def test_a_base_url_is_split_into_origin_and_path(text: str, origin: str, path: str) -> None:
    assert BaseURL.parse(text) == BaseURL(origin, path)


@pytest.mark.parametrize(
    "text",
    ["", "api.lemlist.com", "ftp://api.lemlist.com", "https://", "https://u:p@host/api", "https://host/api?x=1",
     "https://host/#f", "https://ho st/", "http://api.lemlist.com/api", "http://10.0.0.1/api", "https://host:x/"],
)  # fmt: skip
def test_a_base_url_that_cannot_be_trusted_with_the_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        BaseURL.parse(text)
    assert "u:p" not in str(caught.value)


def test_plain_http_to_another_host_has_to_be_asked_for() -> None:
    assert str(BaseURL.parse("http://10.0.0.1/api", allow_insecure=True)) == "http://10.0.0.1/api"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:3128", "http://127.0.0.1:3128"),
        ("HTTP://Proxy.example", "http://proxy.example"),
        ("https://proxy.example:8080/", "https://proxy.example:8080"),
        ("http://me:s3cret@proxy.example:1", "http://…@proxy.example:1"),
        ("http://me:s3@cret@[::1]:1", "http://…@[::1]:1"),
    ],
)
def test_the_address_of_a_proxy_is_shown_without_its_credentials(text: str, shown: str) -> None:
    proxy = ProxyURL(text)
    assert repr(proxy) == str(proxy) == f"ProxyURL({shown})"
    assert str.__str__(proxy.url) == text
    assert "s3" not in repr(proxy.url)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must look like"),
        ("http://", "must look like"),
        ("127.0.0.1:3128", "must look like"),
        ("localhost:3128", "must look like"),
        ("me:s3cret@localhost:3128", "must look like"),
        ("//me:s3cret@localhost:3128", "must look like"),
        ("ftp://me:s3cret@x:1", "must look like"),
        ("http://me:s3cret@:1", "must look like"),
        ("http://me:s3cret@x:0", "must look like"),
        ("http://me:s3cret@x:99999", "port"),
        ("http://me:s3cret@x:port", "port"),
        ("http://me:s3cret@[::1:1", "no address"),
        (" http://me:s3cret@x:1", "space"),
        ("http://me:s3cret@x:1\n", "space"),
        ("http://me:s3cret@x:1/path", "path"),
        ("http://me:s3cret@x:1?a=b", "query"),
        ("socks5://me:s3cret@x:1", "SOCKS"),
        ("socks5h://x:1", "SOCKS"),
        (b"http://x:1", "wrong kind"),
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused_without_being_shown(text: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        ProxyURL(text)
    assert "s3cret" not in f"{caught.value!r} {caught.value.__dict__}"
