"""Hosts: which provider answers at a host, under the names that genai-prices gives providers."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

PROVIDERS = {
    "ai.azure.com": "azure",
    "amazonaws.com": "aws",
    "anthropic.com": "anthropic",
    "api.githubcopilot.com": "github-copilot",
    "azure-api.net": "azure",
    "cerebras.ai": "cerebras",
    "cognitiveservices.azure.com": "azure",
    "cohere.ai": "cohere",
    "cohere.com": "cohere",
    "deepseek.com": "deepseek",
    "fireworks.ai": "fireworks",
    "googleapis.com": "google",
    "groq.com": "groq",
    "mistral.ai": "mistral",
    "moonshot.ai": "moonshotai",
    "moonshot.cn": "moonshotai",
    "novita.ai": "novita",
    "openai.azure.com": "azure",
    "openai.com": "openai",
    "openrouter.ai": "openrouter",
    "perplexity.ai": "perplexity",
    "together.ai": "together",
    "together.xyz": "together",
    "x.ai": "x-ai",
}
_HUGGING_FACE = "router.huggingface.co"


@lru_cache(maxsize=256)  # a run asks few URLs, and each of them for every request
def place_of(url: str) -> tuple[str, str]:
    """Return the host, as `host_of` does, and the path of a URL; a path alone has no host."""
    return host_of(url), urlsplit(url).path


def host_of(url: str) -> str:
    """Return the host of a URL in small letters, without user and port; a bare host as it is."""
    place = urlsplit(url).netloc if "//" in url else url.partition("/")[0]
    host = place.rpartition("@")[2].lower()
    return re.sub(r":\d*$", "", host)


@lru_cache(maxsize=256)
def provider_at(url: str) -> str:
    """Return the provider that answers at a URL or host, or the empty string where none is known.

    A host is known by its own name or by that of a domain above it.
    """
    host = host_of(url)
    if host == _HUGGING_FACE:
        return _routed(urlsplit(url).path)
    while host:
        if host in PROVIDERS:
            return PROVIDERS[host]
        host = host.partition(".")[2]
    return ""


def _routed(path: str) -> str:
    """Return the provider to which Hugging Face hands a request on, where the path names it."""
    first = path.lstrip("/").partition("/")[0]
    return "huggingface" if re.fullmatch(r"(v\d+)?", first) else f"huggingface_{first}"
