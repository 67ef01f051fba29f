"""Calls models at their real addresses, streaming, with the client that the first argument names.

Knows nothing of a proxy, of a certificate or of Pome.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request

OPENAI = "https://api.openai.com/v1/chat/completions"
ANTHROPIC = "https://api.anthropic.com/v1/messages"
ASKED = {"model": "scripted-1", "stream": True, "messages": [{"role": "user", "content": "Which label?"}]}
CHAT = {**ASKED, "stream_options": {"include_usage": True}}
MESSAGE = {**ASKED, "max_tokens": 100}
OPENAI_KEY = {"Authorization": "Bearer sk-openai-0123456789abcdef0123"}
ANTHROPIC_KEY = {"x-api-key": "sk-ant-0123456789abcdef0123", "anthropic-version": "2023-06-01"}


def with_httpx() -> None:
    import httpx

    with httpx.Client() as client:
        for url, key, body in ((OPENAI, OPENAI_KEY, CHAT), (ANTHROPIC, ANTHROPIC_KEY, MESSAGE)):
            with client.stream("POST", url, headers=key, json=body) as answer:
                check("".join(answer.iter_text()))


def with_requests() -> None:
    import requests

    with requests.Session() as session:
        for url, key, body in ((OPENAI, OPENAI_KEY, CHAT), (ANTHROPIC, ANTHROPIC_KEY, MESSAGE)):
            with session.post(url, headers=key, json=body, stream=True) as answer:
                check(b"".join(answer.iter_content(None)).decode())


def with_urllib() -> None:
    for url, key, body in ((OPENAI, OPENAI_KEY, CHAT), (ANTHROPIC, ANTHROPIC_KEY, MESSAGE)):
        headers = {**key, "content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as answer:
            check(answer.read().decode())


def with_vendors() -> None:
    import anthropic
    import openai

    chat = openai.OpenAI(api_key="sk-openai-0123456789abcdef0123").chat.completions.create(**CHAT)
    assert [chunk.usage.completion_tokens for chunk in chat if chunk.usage] == [7]
    client = anthropic.Anthropic(api_key="sk-ant-0123456789abcdef0123")
    message = {name: value for name, value in MESSAGE.items() if name != "stream"}
    with client.messages.stream(**message) as stream:
        assert "".join(stream.text_stream)
    # One more, whole, and with a tool that the model wants to be called.
    answer = openai.OpenAI(api_key="sk-openai-0123456789abcdef0123").responses.create(
        model="scripted-1", input="And now?"
    )
    assert answer.usage is not None and answer.usage.output_tokens == 7


def check(text: str) -> None:
    assert "bug" in text, text


if os.environ.get("POME_PREFLIGHT") != "1":
    globals()[f"with_{sys.argv[1]}"]()
