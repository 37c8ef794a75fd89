#!/usr/bin/env python3
"""Turns the samples of run.sh into the table, or into JSON."""

import argparse
import json
import os
import statistics
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: a series of ours, the reference beside it, and what is aimed at."""

    name: str
    group: str
    series: str
    figure: str
    reference: str = ""
    # Compared with the ratio when there is a reference, else with our median.
    at_most: float | None = None
    at_least: float | None = None


UNITS = {
    "p50_us": "us", "p99_us": "us", "max_us": "us", "calls_per_s": "calls/s",
    "gib_per_s": "GiB/s", "start_mib": "MiB", "peak_mib": "MiB", "calls": "calls",
    "objects_per_s": "/s", "urls_per_s": "/s", "urls_per_cpu_s": "/s",
    "total_cpu_ms_per_gib": "ms/GiB", "total_cpu_us_per_object": "us",
    "descriptors": "", "cpu_us": "us", "client_cpu_us": "us", "cpu_ms_per_gib": "ms/GiB",
    "rest_ms": "ms", "exit_ms": "ms",
}


def s3_rows():
    """Ours against every direct client: ahead of all when every aim is met."""
    transfers = [
        ("s3 get, nginx", "s3-get", "gib_per_s", "total_cpu_ms_per_gib"),
        ("s3 get, SeaweedFS", "s3-get-seaweedfs", "gib_per_s", "total_cpu_ms_per_gib"),
        ("s3 put, sink", "s3-put", "gib_per_s", "total_cpu_ms_per_gib"),
        ("s3 put, SeaweedFS", "s3-put-seaweedfs", "gib_per_s", "total_cpu_ms_per_gib"),
        ("s3 get of 10,000 x 16 KiB, nginx", "s3-small-get", "objects_per_s",
            "total_cpu_us_per_object"),
        ("s3 put of 10,000 x 16 KiB, sink", "s3-small-put", "objects_per_s",
            "total_cpu_us_per_object"),
    ]
    rows = []
    for name, group, figure, cost in transfers:
        for client in ("curl", "obstore", "s5cmd"):
            rows.append(Row(f"{name} : {client}", group, "swift-client", figure, client,
                at_least=1.0))
        for client in ("curl", "obstore", "s5cmd"):
            rows.append(Row(f"  processor time of all our processes : {client}", group,
                "swift-client", cost, client))
        if figure == "gib_per_s":
            rows.append(Row(f"{name}, blobctl : curl", group, "blobctl", figure, "curl"))
    return rows + [
        Row("s3 part URLs per second of one core", "s3-presign", "backend", "urls_per_cpu_s",
            at_least=300e3),
        Row("  : obstore, URLs of blobs", "s3-presign", "backend", "urls_per_cpu_s", "obstore"),
        Row("s3 10,000 part URLs through the socket, p50", "s3-presign", "socket", "p50_us",
            at_most=50e3),
        Row("s3 server memory, idle", "s3-memory", "get", "start_mib"),
        Row("s3 server memory, peak, 8 gets of {stream}", "s3-memory", "get", "peak_mib",
            at_most=256),
        Row("s3 server memory, peak, 8 puts of {stream}", "s3-memory", "put", "peak_mib",
            at_most=256),
        Row("azure part URLs per second of one core", "azure-presign", "parts", "urls_per_cpu_s",
            at_least=300e3),
        Row("azure URLs of blobs per second of one core", "azure-presign", "blobs",
            "urls_per_cpu_s", at_least=300e3),
    ]


def gcs_rows():
    """A signature of RSA costs what it costs: everything else must not be seen beside it."""
    return [
        Row("gcs part URLs per second of one core : openssl speed rsa2048", "gcs-presign", "parts",
            "urls_per_cpu_s", "openssl", at_least=0.9),
        Row("gcs URLs, one a call, per second of one core : openssl speed rsa2048", "gcs-presign",
            "single", "urls_per_cpu_s", "openssl", at_least=0.9),
    ]


# What an attack is compared with, besides nothing, unless it is a busy processor. The first ones move
# bytes, or have pages made, at the rate that the policy grants.
ATTACK_REFERENCES = {
    "beyond-credit": "moving", "lists": "moving", "gets": "moving", "unread": "moving",
    "reset-flood": "moving", "connections": "elsewhere",
}
ATTACKS = [
    "no-hello", "slow-hello", "half-frames", "oversize", "reset-flood", "ping-flood",
    "beyond-credit", "stream-reuse", "unread", "connections", "kept-connections", "streams",
    "field-bomb", "lists", "gets", "descriptors", "http", "tls",
]


def abuse_rows():
    """A client on another socket, beside each attack : with nothing, or with an honest program.

    The aims are about the first. The second tells what any program would cost it that takes as much of
    the machine; where a processor that has slept wakes late, the client is faster beside that than alone.
    """
    rows = []
    for series, name in [
        ("alone", "nothing beside it"), ("moving", "beside moved bytes"),
        ("elsewhere", "beside connections elsewhere"),
    ]:
        rows.append(Row(f"128 deep, head, {name} : a busy processor", "abuse", series,
            "calls_per_s", "busy"))
        rows.append(Row("  p99 of one call", "abuse", series, "p99_us", "busy"))
    for attack in ATTACKS:
        beside = ATTACK_REFERENCES.get(attack, "busy")
        rows.append(Row(f"128 deep, head, beside {attack} : beside nothing", "abuse", attack,
            "calls_per_s", "alone", at_least=0.8))
        rows.append(Row("  p99 of one call", "abuse", attack, "p99_us", "alone", at_most=2))
        rows.append(Row(f"  p99 of one call : {beside}", "abuse", attack, "p99_us", beside))
        rows.append(Row("  server's descriptors", "abuse", attack, "descriptors"))
    return rows + [Row("server memory, peak of all attacks", "abuse", "tls", "peak_mib",
        at_most=128)]


def drain_rows():
    """Running calls end as if nobody had told the server to end, and it ends with the last one."""
    return [
        Row("8 gets of {stream}, rest after SIGTERM : without it", "drain", "gets", "rest_ms",
            "gets-undisturbed", at_most=1.2),
        Row("  from their end to the server's", "drain", "gets", "exit_ms",
            "gets-undisturbed"),
        Row("128 deep, head, from SIGTERM to the server's end : idle", "drain", "calls",
            "exit_ms", "idle"),
    ]


def launch_rows():
    """A socket for a sandbox works as soon as one can connect to it."""
    return [
        Row("socket asked for to its first answer : one that is there", "launch", "added",
            "p50_us", "there"),
        Row("  p99", "launch", "added", "p99_us", "there"),
        Row("  the longest", "launch", "added", "max_us", "there"),
    ]


ROWS = [
    Row("one call, one core, C client, capabilities", "one-call-pinned", "capabilities",
        "p50_us", "echo", at_most=1.5),
    Row("  p99", "one-call-pinned", "capabilities", "p99_us", "echo"),
    Row("one call, one core, C client, head", "one-call-pinned", "head", "p50_us", "echo",
        at_most=1.5),
    Row("  p99", "one-call-pinned", "head", "p99_us", "echo"),
    Row("one call, C client, head", "one-call", "head", "p50_us", "echo"),
    Row("one call, Swift client's executor, head", "one-call", "swift-client", "p50_us", "echo",
        at_most=1.5),
    Row("  p99", "one-call", "swift-client", "p99_us", "echo"),
    Row("one call, default executor, head", "one-call", "swift-global", "p50_us", "echo",
        at_most=1.5),
    Row("  p99", "one-call", "swift-global", "p99_us", "echo"),
    Row("128 deep, capabilities : stream echo", "pipelined", "capabilities", "calls_per_s",
        "echo-stream", at_least=0.5),
    Row("128 deep, head : stream echo", "pipelined", "head", "calls_per_s", "echo-stream",
        at_least=0.5),
    Row("128 deep, capabilities : message echo", "pipelined", "capabilities", "calls_per_s",
        "echo-message", at_least=0.5),
    Row("128 deep, head : message echo", "pipelined", "head", "calls_per_s", "echo-message",
        at_least=0.5),
    Row("  server's processor time per call, capabilities", "pipelined", "capabilities", "cpu_us",
        "echo-message"),
    Row("  server's processor time per call, head", "pipelined", "head", "cpu_us",
        "echo-message"),
    Row("128 deep, one core, capabilities : stream echo", "pipelined-pinned", "capabilities",
        "calls_per_s", "echo-stream", at_least=0.5),
    Row("128 deep, one core, head : stream echo", "pipelined-pinned", "head", "calls_per_s",
        "echo-stream", at_least=0.5),
    Row("128 deep, one core, capabilities : message echo", "pipelined-pinned", "capabilities",
        "calls_per_s", "echo-message", at_least=0.5),
    Row("128 deep, one core, head : message echo", "pipelined-pinned", "head", "calls_per_s",
        "echo-message", at_least=0.5),
    Row("  server's processor time per call, capabilities, one core", "pipelined-pinned",
        "capabilities", "cpu_us", "echo-message"),
    Row("  server's processor time per call, head, one core", "pipelined-pinned", "head", "cpu_us",
        "echo-message"),
    Row("128 concurrent heads, Swift client's executor", "concurrent", "client", "calls_per_s",
        at_least=200e3),
    Row("  client's processor time per call", "concurrent", "client", "client_cpu_us"),
    Row("  server's processor time per call", "concurrent", "client", "cpu_us"),
    Row("128 concurrent heads, default executor", "concurrent", "global", "calls_per_s",
        at_least=200e3),
    Row("  client's processor time per call", "concurrent", "global", "client_cpu_us"),
    Row("  server's processor time per call", "concurrent", "global", "cpu_us"),
    Row("get, Swift client's executor : sendfile 1 MiB", "get", "swift-client", "gib_per_s",
        "sendfile", at_least=0.8),
    Row("get, Swift client's executor : sendfile 256 KiB", "get", "swift-client", "gib_per_s",
        "sendfile-256k", at_least=0.8),
    Row("get, default executor : sendfile 1 MiB", "get", "swift-global", "gib_per_s",
        "sendfile", at_least=0.8),
    Row("get, default executor : sendfile 256 KiB", "get", "swift-global", "gib_per_s",
        "sendfile-256k", at_least=0.8),
    Row("  server's processor time", "get", "swift-client", "cpu_ms_per_gib", "sendfile"),
    Row("get, C client : sendfile 1 MiB", "get", "raw", "gib_per_s", "sendfile"),
    Row("get, Swift client's executor : pread", "get", "swift-client", "gib_per_s", "pread"),
    Row("put, Swift client's executor : C", "put", "swift-client", "gib_per_s",
        "receiver-client", at_least=0.6),
    Row("  server's processor time", "put", "swift-client", "cpu_ms_per_gib", "receiver-client"),
    Row("put, default executor : C", "put", "swift-global", "gib_per_s", "receiver-global",
        at_least=0.6),
    Row("head beside 8 gets on its connection, p50", "mixed", "same", "p50_us"),
    Row("  p99", "mixed", "same", "p99_us", at_most=2000),
    Row("  max", "mixed", "same", "max_us"),
    Row("  the gets meanwhile", "mixed", "same", "gib_per_s"),
    Row("head beside 8 gets on others, p50", "mixed", "other", "p50_us"),
    Row("  p99", "mixed", "other", "p99_us", at_most=2000),
    Row("  max", "mixed", "other", "max_us"),
    Row("  the gets meanwhile", "mixed", "other", "gib_per_s"),
    Row("server memory, idle", "memory", "get", "start_mib"),
    Row("server memory, peak of {memory} through 8 gets", "memory", "get", "peak_mib",
        at_most=64),
    Row("server memory, peak of {memory} through 8 puts", "memory", "put", "peak_mib",
        at_most=64),
    *s3_rows(),
    *gcs_rows(),
    *abuse_rows(),
    *drain_rows(),
    *launch_rows(),
]


def read_samples(path):
    """Maps (group, series, figure) to the values by round."""
    samples = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            group, series, turn, figure, value = line.rstrip("\n").split("\t")
            samples.setdefault((group, series, figure), {})[int(turn)] = float(value)
    return samples


def summary(values):
    return {
        "median": statistics.median(values), "minimum": min(values), "maximum": max(values),
        "samples": values,
    }


def aim(row):
    if row.at_most is not None:
        return f"<= {row.at_most:g}"
    return f">= {row.at_least:g}" if row.at_least is not None else None


def evaluate(row, samples, failures, names):
    """What the table says about the row; None when its group was not run."""
    ours = samples.get((row.group, row.series, row.figure), {})
    failed = {(row.group, row.series), (row.group, row.reference)} & failures
    if not ours and not failed:
        return None
    if failed:
        return {
            "name": row.name.format(**names), "group": row.group, "series": row.series,
            "figure": row.figure, "unit": UNITS[row.figure], "ours": None, "reference": None,
            "ratio": None, "aim": aim(row), "met": False, "failed": sorted(failed)[0][1],
        }
    result = {
        "name": row.name.format(**names), "group": row.group, "series": row.series,
        "figure": row.figure, "unit": UNITS[row.figure], "ours": summary(list(ours.values())),
        "reference": None, "ratio": None, "aim": aim(row), "met": None, "failed": None,
    }
    judged = result["ours"]["median"]
    if row.reference:
        reference = samples[row.group, row.reference, row.figure]
        result["reference"] = summary(list(reference.values())) | {"series": row.reference}
        # Of each round its own ratio: what slowed the machine down slowed both sides.
        result["ratio"] = summary([ours[turn] / reference[turn] for turn in sorted(ours)])
        judged = result["ratio"]["median"]
    if row.at_most is not None:
        result["met"] = judged <= row.at_most
    if row.at_least is not None:
        result["met"] = judged >= row.at_least
    return result


def number(value):
    if value >= 10000:
        return f"{value / 1000:.0f}k"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def spread(values, unit):
    if values is None:
        return "-"
    text = number(values["median"])
    if values["minimum"] != values["maximum"]:
        text += f" ({number(values['minimum'])}-{number(values['maximum'])})"
    return f"{text} {unit}"


def print_table(results):
    header = ["benchmark", "ours", "reference", "ratio", "aim", ""]
    lines = [header]
    for result in results:
        ratio = number(result["ratio"]["median"]) if result["ratio"] else "-"
        met = {None: "", True: "met", False: "NOT MET"}[result["met"]]
        if result["failed"]:
            met = f"FAILED: {result['failed']}"
        lines.append([
            result["name"], spread(result["ours"], result["unit"]),
            spread(result["reference"], result["unit"]), ratio, result["aim"] or "-", met,
        ])
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples")
    parser.add_argument("failures")
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--load", nargs=2, metavar=("BEFORE", "AFTER"), required=True)
    parser.add_argument("--pinned", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    samples = read_samples(options.samples)
    with open(options.failures, encoding="utf-8") as file:
        failures = {tuple(line.rstrip("\n").split("\t")) for line in file}
    names = {
        "memory": "1 GiB" if options.quick else "10 GiB",
        "stream": "256 MiB" if options.quick else "1 GiB",
    }
    results = [result for row in ROWS if (result := evaluate(row, samples, failures, names))]
    conditions = {
        "pairs": options.pairs, "placement": "one core" if options.pinned else "free",
        "quick": options.quick, "cores": os.cpu_count(), "kernel": os.uname().release,
        "loadBefore": options.load[0], "loadAfter": options.load[1],
    }
    if options.json:
        json.dump({"conditions": conditions, "rows": results}, sys.stdout, indent=2)
        print()
        return
    print_table(results)
    print(
        f"\nMedian (minimum-maximum) of {options.pairs} rounds after one to warm up; the ratio is "
        f"the median of the rounds' own.\nPlacement: {conditions['placement']}; "
        f"{conditions['cores']} cores, Linux {conditions['kernel']}; load average "
        f"{options.load[0]} before, {options.load[1]} after.")


if __name__ == "__main__":
    main()
