"""Reads requests and writes replies, a JSON object a line, until its input ends."""

from __future__ import annotations

import json
import sys

from .operations import OPERATIONS
from .refusal import REFUSALS


def answer(request: dict[str, object]) -> dict[str, object]:
    """The reply to one request."""
    operation = OPERATIONS.get(str(request["operation"]))
    if operation is None:
        return {"id": request["id"], "result": "unsupported"}
    try:
        output = operation(request["input"])
    except REFUSALS as refusal:
        code = getattr(refusal, "code", None)
        return {"id": request["id"], "result": "invalid", "reason": str(refusal), **({"refusal": code} if code else {})}
    return {"id": request["id"], "result": "valid", "output": output or {}}


def main() -> None:
    """Until the end of standard input."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
