"""Shared access signatures: of a service, of the account, and by a user's delegation.

The layouts are written from Microsoft's documentation of the versions from 2020-12-06 on. Those of
the service and of 2023-11-03 are held against Microsoft's clients in the tests.
"""

import base64
import calendar
import hmac
import re
import time

from oracles.azure_errors import AzureError
from oracles.azure_identities import KEY_FIELDS
from oracles.azure_shared_key import failed, signature

OLDEST, NEWEST = "2020-12-06", "2026-10-06"
# The first versions whose signatures by delegation have more lines.
DELEGATED_USER, SIGNED_REQUEST = "2025-07-05", "2026-04-06"
OVERRIDES = {
    "rscc": "Cache-Control", "rscd": "Content-Disposition", "rsce": "Content-Encoding",
    "rscl": "Content-Language", "rsct": "Content-Type",
}  # fmt: skip
ORDER = {"blob": "racwdxytmeopi", "account": "rwdxylacuptfi", "container": "racwdxyltmeopfi"}
LONGEST_SECONDS = 7 * 24 * 3600
NAMES = {
    "sp", "st", "se", "sv", "sr", "si", "sip", "spr", "ses", "ss", "srt", "sig", *OVERRIDES,
    *KEY_FIELDS, "saoid", "suoid", "scid", "skdutid", "sduoid", "srh", "srq", "sdd",
}  # fmt: skip


def parsed(request):
    """The parts of the signature; each may be there once."""
    parts = {}
    for name, value in request.parameters():
        if name in NAMES:
            if name in parts:
                raise failed(f"{name} is there twice.")
            parts[name] = value
    return parts


def moment(parts, name):
    text = parts.get(name)
    if text is None:
        return None
    for layout in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"):
        try:
            return calendar.timegm(time.strptime(text, layout))
        except ValueError:
            continue
    raise failed(f"{name} is not a time.")


def check_times(parts):
    start, end, now = moment(parts, "st"), moment(parts, "se"), time.time()
    if end is None:
        raise failed("se is mandatory.")
    if start is not None and now < start:
        raise failed(f"Signature not valid in the specified time frame: Start [{parts['st']}]")
    if now >= end:
        raise failed(f"Signature not valid in the specified time frame: Expiry [{parts['se']}]")


def check_common(parts, request):
    version = parts.get("sv", "")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", version) or not OLDEST <= version <= NEWEST:
        raise failed(f"sv is not between {OLDEST} and {NEWEST}.")
    if parts.get("spr") not in (None, "https", "https,http"):
        raise failed("spr is not well formed.")
    check_times(parts)
    if parts.get("spr") == "https" and not request.is_encrypted:
        raise AzureError("AuthorizationProtocolMismatch")
    if "sip" in parts:
        low, _, high = parts["sip"].partition("-")
        numbers = [tuple(int(one) for one in text.split(".")) for text in (low, high or low)]
        if not numbers[0] <= (127, 0, 0, 1) <= numbers[1]:
            raise AzureError("AuthorizationSourceIPMismatch")


def check_letters(text, order):
    """Letters in the documented order, none twice."""
    places = [order.find(letter) for letter in text]
    if not text or -1 in places or places != sorted(set(places)):
        raise failed("sp is not well formed.")


def compared(parts, key, text):
    if not hmac.compare_digest(signature(key, text).encode(), parts["sig"].encode()):
        raise failed(f"Signature did not match. String to sign used was {text!r}")


def resource(parts, account, place):
    """What the signature is for, with the DECODED name (AZ-02)."""
    container, blob = place
    kind = parts.get("sr")
    if kind == "c" and container:
        return f"/blob/{account.name}/{container}"
    if kind == "b" and blob:
        return f"/blob/{account.name}/{container}/{blob}"
    if kind in ("b", "c"):
        # The signature is for another kind of resource than the request is for.
        raise AzureError("AuthorizationResourceTypeMismatch")
    raise failed("sr is mandatory. Only blobs and containers are served here.")


def service_text(parts, where):
    names = ["sp", "st", "se", where, "si", "sip", "spr", "sv", "sr", "", "ses"]
    names += ["rscc", "rscd", "rsce", "rscl", "rsct"]
    return joined(parts, names, where)


def delegation_text(parts, where):
    names = ["sp", "st", "se", where, *KEY_FIELDS, "saoid", "suoid", "scid"]
    if parts["sv"] >= DELEGATED_USER:
        names += ["skdutid", "sduoid"]
    names += ["sip", "spr", "sv", "sr", "", "ses"]
    if parts["sv"] >= SIGNED_REQUEST:
        if "srh" in parts or "srq" in parts:
            raise failed("srh and srq are not served here.")
        names += ["", ""]
    names += ["rscc", "rscd", "rsce", "rscl", "rsct"]
    return joined(parts, names, where)


def joined(parts, names, where):
    return "\n".join(name if name == where else parts.get(name, "") for name in names)


def check_service(parts, request, account, place):
    """A signature with the account's key for one blob or container; returns its letters."""
    if "si" in parts:
        raise failed("Stored access policies are not served here.")
    where = resource(parts, account, place)
    compared(parts, account.key, service_text(parts, where))
    check_letters(parts.get("sp", ""), ORDER["container" if parts["sr"] == "c" else "blob"])
    check_common(parts, request)
    return parts["sp"]


def check_delegation(parts, request, account, place, directory):
    """A signature with a user's key; returns its letters and the user."""
    if missing := {*KEY_FIELDS, "sp"} - set(parts):
        raise failed(f"{sorted(missing)} are mandatory.")
    where = resource(parts, account, place)
    key = base64.b64decode(directory.delegation_key(parts))
    compared(parts, key, delegation_text(parts, where))
    check_letters(parts["sp"], ORDER["container" if parts["sr"] == "c" else "blob"])
    check_common(parts, request)
    start, end, now = moment(parts, "skt"), moment(parts, "ske"), time.time()
    if parts["sks"] != "b" or not start <= now < end or moment(parts, "se") > end:
        raise failed("The signature is not within the life of the key.")
    if moment(parts, "se") - start > LONGEST_SECONDS:
        raise failed("The signature lives longer than seven days.")
    user = directory.by_object_id(parts["skoid"])
    if user is None or user.is_disabled or user.tenant != parts["sktid"]:
        raise failed("The user of the key does not exist.")
    return parts["sp"], user


def check_account(parts, request, account):
    """A signature for services and kinds of resources of the account; returns its letters."""
    text = "\n".join(
        [account.name] + [parts.get(name, "") for name in
        ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv", "ses")] + [""]
    )  # fmt: skip
    compared(parts, account.key, text)
    check_letters(parts.get("sp", ""), ORDER["account"])
    check_common(parts, request)
    if "b" not in parts["ss"]:
        raise AzureError("AuthorizationServiceMismatch")
    return parts["sp"]
