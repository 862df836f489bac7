"""Credential names: what is called so that its value is a secret.

Three kinds of places have names, and each has a table of its own, because a name that is taken for
a credential's by mistake costs something else in each. What is one in any text is one everywhere.

- In any text, by `is_secret_name`: a mistake masks what a user or a model wrote, `token` or `key`
  in a JSON answer for instance. Only names that say it alone are in the table.
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
_IN_A_URL = (
    "goog_api_key",
    *(
        f"{whose}{name}"
        for whose in ("", "x_amz_", "x_goog_")
        for name in ("credential", "key", "security_token", "sig", "signature", "token")
    ),
)
_WORD_OF_A_CREDENTIAL = re.compile(
    r"(?i)(?:^|[_-])(?:[a-z0-9]*(?:key|token|secret|password|passwd|passphrase|credentials?)"
    r"|pass|pwd|pat|sig|signature|[a-z]*(?:authorization|cookie))[0-9]*(?:[_-]|$)"
)
# What is said of a credential, and a key that is none.
_NO_CREDENTIAL = re.compile(r"(?i)(?:[_-](?:name|type|version)|^idempotency-key)$")


def _pattern(names: tuple[str, ...]) -> str:
    return "(?i:" + "|".join(name.replace("_", "[-_]?") for name in names) + ")"


SECRET_NAME = _pattern(_IN_ANY_TEXT)
SECRET_PARAMETER = _pattern((*_IN_ANY_TEXT, *_IN_A_URL))


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Say whether the value of a JSON member of this name is a secret: `apiKey`, `password`."""
    return re.fullmatch(SECRET_NAME, name) is not None


def is_credential_name(name: str) -> bool:
    """Say whether a variable, a header or a parameter of this name holds a secret."""
    return _WORD_OF_A_CREDENTIAL.search(name) is not None and _NO_CREDENTIAL.search(name) is None
