"""The one exception of this package: the API's own error, with its status and JSON body."""

from typing import Any

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Error type by HTTP status, as the vendor's page "Errors" lists them."""


class Refusal(Exception):
    """A request that is answered with an error status.

    ``details`` is what newer errors carry beside the message, ``{"error_code": ...}`` first of all;
    the SDK picks its exception class by it. ``headers`` go out with the answer (``retry-after``).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str | None = None,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind or KINDS.get(status, "api_error")
        self.details = details
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        """Build ``{"type": "error", "error": {"type", "message"[, "details"]}, "request_id"}``."""
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.details is not None:
            error["details"] = self.details
        return {"type": "error", "error": error, "request_id": request_id}
