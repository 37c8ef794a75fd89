#!/usr/bin/env python3
"""One sample of obstore, the Python binding of the Rust crate object_store.

Prints one `name value` a line, as blobbench does. Neither the start of Python nor the import is
measured.
"""

import argparse
import asyncio
import pathlib
import sys
import time
from datetime import timedelta

import obstore
from obstore.store import S3Store

GIB = 1 << 30


def report(name, value):
    print(name, value)


def transfer(operation):
    """Measures what returns a number of bytes."""
    start, start_time = time.perf_counter(), time.process_time()
    byte_count = operation()
    elapsed, used = time.perf_counter() - start, time.process_time() - start_time
    report("gib_per_s", byte_count / GIB / elapsed)
    report("total_cpu_ms_per_gib", used * 1000 / (byte_count / GIB))
    return byte_count


def get(store, options):
    def read():
        result = obstore.get(store, options.key)
        return sum(len(chunk) for chunk in result.stream())

    if transfer(read) != options.byte_count:
        sys.exit("another number of bytes came")


def put(store, options):
    def write():
        obstore.put(store, options.key, pathlib.Path(options.file))
        return options.byte_count

    transfer(write)


async def many(options, operation):
    names = iter([f"{options.key}{number:05}" for number in range(options.count)])

    async def work():
        for name in names:
            await operation(name)

    start, start_time = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(options.concurrency)))
    elapsed, used = time.perf_counter() - start, time.process_time() - start_time
    report("objects_per_s", options.count / elapsed)
    report("total_cpu_us_per_object", used * 1e6 / options.count)


def get_many(store, options):
    async def read(name):
        result = await obstore.get_async(store, name)
        if len(await result.bytes_async()) != options.byte_count:
            sys.exit("another number of bytes came")

    asyncio.run(many(options, read))


def put_many(store, options):
    body = b"Z" * options.byte_count

    async def write(name):
        await obstore.put_async(store, name, body, use_multipart=False)

    asyncio.run(many(options, write))


def sign(store, options):
    """URLs of whole blobs: the parts of an upload are not offered."""
    names = [f"{options.key}{number:05}" for number in range(options.count)]
    valid = timedelta(hours=1)
    obstore.sign(store, "PUT", names, valid)
    start, start_time = time.perf_counter(), time.process_time()
    count = 0
    for _ in range(options.repetitions):
        count += len(obstore.sign(store, "PUT", names, valid))
    elapsed, used = time.perf_counter() - start, time.process_time() - start_time
    report("urls_per_s", count / elapsed)
    report("urls_per_cpu_s", count / used)


def main():
    operations = {
        "get": get, "put": put, "get-many": get_many, "put-many": put_many, "sign": sign,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operation", choices=operations)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--access-key", required=True)
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--file")
    parser.add_argument("--byte-count", type=int, default=16 << 10)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=10)
    options = parser.parse_args()
    store = S3Store(
        options.bucket, endpoint=options.endpoint, region="us-east-1",
        access_key_id=options.access_key, secret_access_key=options.secret_key,
        virtual_hosted_style_request=False, client_options={"allow_http": True})
    operations[options.operation](store, options)


if __name__ == "__main__":
    main()
