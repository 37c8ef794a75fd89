"""Lists by the XML API, in both of its versions."""

import base64
import binascii
import urllib.parse
from xml.sax.saxutils import escape

from oracles.content import utc
from oracles.gcs_errors import GCSError, xml_response
from oracles.gcs_objects import number

HEAD = "<?xml version='1.0' encoding='UTF-8'?>"
SPACE = "xmlns='http://doc.s3.amazonaws.com/2006-03-01'"


def page_of(names, prefix, delimiter, after, most):
    """Names and prefixes in order, as pairs; and where the next page starts, if there is one.

    A prefix that ends `after` was told on the page before.
    """
    page = []
    previous = None
    for name in names:
        entry = (name, False)
        if delimiter:
            end = name.find(delimiter, len(prefix))
            if end >= 0:
                entry = (name[: end + len(delimiter)], True)
        if entry == previous or after is not None and is_told(entry, name, after):
            continue
        if len(page) == most:
            return page, page[-1][0] if page else None
        page.append(entry)
        previous = entry
    return page, None


def is_told(entry, name, after):
    if entry[1] and after.startswith(entry[0]):
        return True
    return name.encode() <= after.encode()


def list_objects(store, request, caller, bucket):
    caller.require("storage.objects.list", bucket)
    version = request.parameter("list-type", "1")
    if version not in ("1", "2"):
        raise GCSError("InvalidArgument", "list-type")
    most = min(number(request.parameter("max-keys", "1000"), "max-keys"), 1000)
    encoding = request.parameter("encoding-type")
    if encoding not in (None, "url"):
        raise GCSError("InvalidArgument", "encoding-type")
    prefix = request.parameter("prefix", "")
    delimiter = request.parameter("delimiter", "")
    token = request.parameter("continuation-token")
    after = request.parameter("marker") if version == "1" else request.parameter("start-after")
    if version == "2" and token is not None:
        after = decoded_token(token)
    page, last = page_of(store.names(bucket, prefix), prefix, delimiter, after or None, most)

    def text_of(name):
        return escape(urllib.parse.quote(name, safe="/-_.~") if encoding else name)

    text = f"{HEAD}<ListBucketResult {SPACE}><Name>{escape(bucket)}</Name>"
    text += f"<Prefix>{text_of(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"
    if delimiter:
        text += f"<Delimiter>{text_of(delimiter)}</Delimiter>"
    if encoding:
        text += "<EncodingType>url</EncodingType>"
    text += f"<IsTruncated>{str(last is not None).lower()}</IsTruncated>"
    text += next_page(version, last, len(page), text_of)
    for name, is_prefix in page:
        if is_prefix:
            text += f"<CommonPrefixes><Prefix>{text_of(name)}</Prefix></CommonPrefixes>"
        elif (stored := store.find(bucket, name)) is not None:
            text += f"<Contents><Key>{text_of(name)}</Key>"
            text += f"<Generation>{stored.generation}</Generation>"
            text += f"<MetaGeneration>{stored.metageneration}</MetaGeneration>"
            text += f"<LastModified>{utc(stored.updated)}</LastModified>"
            text += f"<ETag>{escape(stored.etag)}</ETag><Size>{stored.size}</Size></Contents>"
    return xml_response(text + "</ListBucketResult>")


def next_page(version, last, count, text_of):
    if version == "1":
        return f"<NextMarker>{text_of(last)}</NextMarker>" if last is not None else ""
    text = f"<KeyCount>{count}</KeyCount>"
    if last is not None:
        token = base64.urlsafe_b64encode(b"after:" + last.encode()).decode()
        text += f"<NextContinuationToken>{token}</NextContinuationToken>"
    return text


def decoded_token(token):
    try:
        data = base64.urlsafe_b64decode(token)
        if not data.startswith(b"after:"):
            raise ValueError
        return data.removeprefix(b"after:").decode()
    except (ValueError, binascii.Error) as error:
        raise GCSError("InvalidArgument", "continuation-token") from error
