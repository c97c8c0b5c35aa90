#!/usr/bin/env python3
"""Compares what a suite printed unwatched and watched, and fails on every difference that is not accepted.

    compare.py SUITE PLAIN WATCHED            fails, and shows what differs
    compare.py --accept SUITE PLAIN WATCHED   writes what differs into accepted/SUITE, to be read and given a reason

Each directory holds `results/`; that of the watched run also `names`, the names of all objects of the pipeline. What
shows that there are triggers or other objects is taken out of the watched output by the rules below. Anything else must
be, to the letter, in accepted/SUITE/<test>.diff, whose lines that begin with `#` give the reason.
"""

import difflib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent

# A line of a table's description, and of an EXPLAIN ANALYZE: what shows that there are triggers.
LISTED = re.compile(r"^    audit_(insert|update|delete|truncate) AFTER ")
TIMED = re.compile(r"^ *Trigger audit_(insert|update|delete|truncate)\b.*: (time=\S+ )?calls=\d+ *$")
ROWS = re.compile(r"^\((\d+) rows?\)$")

# Tests that list whole catalogues or all locks of a transaction. A row with the name of an object of the pipeline in it
# is left out, and with it what it did to the width of the columns.
CATALOGUES = {
    "alter_table": "lists the locks of a transaction, with those that following DDL takes in the schema audit",
    "dependency": "\\dp lists what the owner of a table lent the pipeline",
    "event_trigger": "lists the objects that a DROP SCHEMA took with it",
    "opr_sanity": "looks for unusual functions in all of pg_proc",
    "triggers": "lists triggers from pg_trigger and information_schema",
    "type_sanity": "looks for unusual relations in all of pg_class",
}

# Tests where lines of a kind may be added.
ADDED = {
    "dependency": ("\\dp lists what the owner of a table lent the pipeline", r"^ .*\|\s+audit_owner=\w+/\w+ *\+?\|"),
    "privileges": ("\\dp lists what the owner of a table lent the pipeline", r"^ .*\|\s+audit_owner=\w+/\w+ *\+?\|"),
    "event_trigger": (
        "its own event triggers see the DDL of watching",
        r"^NOTICE: +(test_event_trigger: ddl_command_(start|end) (GRANT|CREATE FUNCTION|DROP FUNCTION|COMMENT|REVOKE|CREATE TRIGGER)$"
        r"|END: command_tag=(GRANT|REVOKE) .*identity=<NULL>$"
        r"|(END: command_tag=|DROP: ).*\b(audit_compiled\.|audit_(insert|update|delete|truncate) on ))",
    ),
}


def without_triggers(lines):
    """The watched output as it would be without the pipeline's triggers in listings, and how many lines that took."""
    kept, taken, in_result = [], 0, 0
    for line in lines:
        if LISTED.match(line):
            taken += 1
        elif TIMED.match(line):
            taken += 1
            in_result += 1
        elif in_result and (rows := ROWS.match(line)):
            left = int(rows[1]) - in_result
            kept.append(f"({left} row{'' if left == 1 else 's'})")
            in_result = 0
        else:
            kept.append(line)
    # A heading that stands over nothing any more: what follows it is not a trigger.
    lines, kept = kept, []
    for at, line in enumerate(lines):
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if line == "Triggers:" and taken and not following.startswith("    "):
            taken += 1
        else:
            kept.append(line)
    return kept, taken


def without_rows(lines, names):
    """The output without result rows that name one of the names, and with columns as narrow as they can be."""
    kept, dropped = [], 0
    generated = re.compile(r"^(audit_compiled\.)?\w+_\d+_(insert|update|delete|truncate)(\(\))?$")
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        if "|" in line and any(cell.split(" on ")[0] in names or generated.match(cell) for cell in cells):
            dropped += 1
            continue
        if rows := ROWS.match(line):
            line = f"({int(rows[1]) - dropped} rows)"
            dropped = 0
        kept.append(re.sub(r"-{2,}", "--", re.sub(r" +", " ", line)).replace("+|", "|").replace("+ |", "|").strip())
    return kept


def differences(plain, watched, added):
    """The lines that differ, without positions in the file, numbers of watched tables and object identifiers."""
    numbers = re.compile(r"_\d+_(insert|update|delete|truncate)\b")
    found = []
    # The first two lines name the files.
    for line in list(difflib.unified_diff(plain, watched, lineterm="", n=0))[2:]:
        if line.startswith("@@"):
            if found[-1:] != ["@@"]:
                found.append("@@")
        elif not (line.startswith("+") and re.match(added, line[1:])):
            found.append(re.sub(r"\b\d{5,}\b", "N", numbers.sub(r"_N_\1", line)).rstrip())
    if found[-1:] == ["@@"]:
        found.pop()
    return found


def unordered(lines):
    """What differs, wherever it stands: queries without a complete order list rows now so, now so."""
    return sorted(line for line in lines if line != "@@" and not line.startswith("#"))


def main():
    arguments = sys.argv[1:]
    accept = arguments[:1] == ["--accept"]
    suite, plain_dir, watched_dir = arguments[-3:]
    accepted_dir = HERE / "accepted" / suite
    plain_files = {path.name: path for path in pathlib.Path(plain_dir, "results").glob("*.out")}
    watched_files = {path.name: path for path in pathlib.Path(watched_dir, "results").glob("*.out")}
    names = set(pathlib.Path(watched_dir, "names").read_text().split())
    if not plain_files:
        sys.exit(f"there is no output in {plain_dir}")

    same = listed = explained = 0
    unaccepted = {}
    for name in sorted(plain_files | watched_files):
        test = name.removesuffix(".out")
        if name not in plain_files or name not in watched_files:
            unaccepted[test] = ["only one of the two runs got to it"]
            continue
        plain, watched = (
            files[name].read_text(errors="surrogateescape").split("\n") for files in (plain_files, watched_files)
        )
        watched, taken = without_triggers(watched)
        if test in CATALOGUES:
            plain, watched = without_rows(plain, ()), without_rows(watched, names)
        found = differences(plain, watched, ADDED[test][1] if test in ADDED else r"(?!)")
        path = accepted_dir / f"{test}.diff"
        known = path.read_text(errors="surrogateescape").split("\n")[:-1] if path.exists() else []
        reasons = [line for line in known if line.startswith("#")]
        if accept and unordered(found) != unordered(known):
            accepted_dir.mkdir(parents=True, exist_ok=True)
            text = "\n".join((reasons or ["# WHY?"]) + found) + "\n"
            path.write_text(text, errors="surrogateescape")
        if not found:
            by_rule = taken > 0 or test in CATALOGUES or test in ADDED
            listed += by_rule
            same += not by_rule
        elif reasons and unordered(found) == unordered(known):
            explained += 1
        else:
            unaccepted[test] = found

    for test, found in unaccepted.items():
        print(f"--- {suite}: {test} differs", file=sys.stderr)
        for line in found[:40]:
            print("    " + line.encode(errors="replace").decode(), file=sys.stderr)
        if len(found) > 40:
            print(f"    … and {len(found) - 40} more lines", file=sys.stderr)
    total = len(plain_files | watched_files)
    print(f"{total} tests: {same} the same, {listed} but for listings of the pipeline's objects, {explained} as accepted, {len(unaccepted)} not accepted")
    sys.exit(1 if unaccepted else 0)


main()
