"""Credential names: what is called so that its value is a secret.

Three kinds of places have names, and each has a table of its own, because a name that is taken for
a credential's by mistake costs something else in each. What is one in any text is one everywhere.

- In any text, by `is_secret_member`: a mistake masks what a user or a model wrote, `token` or `key`
  in a JSON answer for instance. Only names that say it alone are in the table; of names that end
  so, the value must look like it.
- In the URL of a request, by `SECRET_PARAMETER`: providers authenticate by `key`, `token` and `sig`
  there. A mistake makes one request of two, since keys are computed from masked URLs, so that
  `page_token` and `sort_key` must not count.
- Of variables, headers and parameters that this process holds, by `is_credential_name`: a mistake
  only has a value looked for that is no secret. Any name with a telling word in it counts.
"""

import re
from functools import lru_cache

_IN_ANY_TEXT = (
    *("access_token", "api_key", "api_secret", "api_token", "auth_token", "authorization"),
    *("aws_secret_access_key", "aws_session_token", "bearer_token", "client_secret", "cookie"),
    *("id_token", "passphrase", "passwd", "password", "private_key", "proxy_authorization"),
    *("refresh_token", "secret", "secret_access_key", "secret_key", "session_token"),
    *("set_cookie", "x_api_key", "x_goog_api_key"),
)
# By which a URL is signed: an answer or an error that repeats it, repeats them.
_SIGNED_BY = (
    *("credential", "goog_api_key", "security_token", "sig", "signature", "subscription_key"),
    *(
        f"x_{whose}_{name}"
        for whose in ("amz", "goog")
        for name in ("credential", "key", "security_token", "sig", "signature", "token")
    ),
)
_IN_A_URL = ("key", "token", *_SIGNED_BY)
_WORD_OF_A_CREDENTIAL = re.compile(
    r"(?i)(?:^|[_-])(?:[a-z0-9]*(?:key|token|secret|password|passwd|passphrase|credentials?)"
    r"|pass|pwd|pat|sig|signature|[a-z]*(?:authorization|cookie))[0-9]*(?:[_-]|$)|(?:^|[_-])auth$"
)
# What is said of a credential, and a key that is none.
_NO_CREDENTIAL = re.compile(
    r"(?i)(?:[_-](?:name|prefix|type|version)|(?:^|[_-])(?:group|model|order|partition|sort)[_-]key"
    r"|^idempotency-key)$"
)


def _pattern(names: tuple[str, ...]) -> str:
    return "(?i:" + "|".join(name.replace("_", "[-_]?") for name in names) + ")"


SECRET_NAME = _pattern(_IN_ANY_TEXT)
SECRET_PARAMETER = _pattern((*_IN_ANY_TEXT, *_IN_A_URL))
# Of a URL in any text, where `page?key=3` may be an ordinary link.
SHOWN_PARAMETER = _pattern((*_IN_ANY_TEXT, *_SIGNED_BY))

# What ends so holds a secret where the value is one word,
_ENDS = re.compile(
    r"(?:pass(?:word|wd|phrase)|pwd|secret|apikey|apitoken|secretkey|privatekey|accesskey"
    r"|(?:access|auth|bearer|refresh|session)token)$"
)
_ANYTHING = re.compile(r"(?s).+")
_ONE_WORD = re.compile(r"[^\s\\/]{6,}")
# and what ends so where it is one that nobody would make up. Numbers of tokens are no strings.
_MAY_END = re.compile(r"(?:token|auth|credentials?)$")
_PLACE_IN_A_LIST = re.compile(r"(?:page|next|previous|continuation|cursor|sync)token$")
_MADE_AT_RANDOM = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[^\s\\]{16,}")


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Say whether the value of a JSON member of this name is a secret: `apiKey`, `password`."""
    return re.fullmatch(SECRET_NAME, name) is not None


@lru_cache(maxsize=4096)
def _value_of(name: str) -> re.Pattern[str] | None:
    """Return what a JSON member of this name must hold to be a secret, None where it never is."""
    if is_secret_name(name):
        return _ANYTHING
    plain = name.replace("_", "").replace("-", "").lower()
    if _ENDS.search(plain):
        return _ONE_WORD
    if _MAY_END.search(plain) and not _PLACE_IN_A_LIST.search(plain):
        return _MADE_AT_RANDOM
    return None


def may_be_secret_member(name: str) -> bool:
    """Say whether a JSON member of this name is a secret with some value."""
    return _value_of(name) is not None


def is_secret_member(name: str, value: str) -> bool:
    """Say whether a JSON member is a secret: `apiKey`, whatever it holds, or `db_password`.

    `value` may be as JSON writes it, with escapes.
    """
    wanted = _value_of(name)
    return wanted is not None and wanted.fullmatch(value) is not None


@lru_cache(maxsize=1_000)  # every request has the same headers
def is_credential_name(name: str) -> bool:
    """Say whether a variable, a header or a parameter of this name holds a secret."""
    return _WORD_OF_A_CREDENTIAL.search(name) is not None and _NO_CREDENTIAL.search(name) is None
