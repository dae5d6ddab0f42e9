"""The page of results and the table of the README, made from the printed evaluations in `benchmarks/results/`.

    python benchmarks/results_page.py           # rewrite docs/results.md, and what stands between the marks in README.md
    python benchmarks/results_page.py --check   # only say whether they are up to date

A new evaluation is kept by writing what `sim2art evaluate` (or `sim2art compare`) printed to `benchmarks/results/NAME.txt`.
The words of the page are in `benchmarks/results_page.md`, with `{NAME.WHAT}` where a figure stands.
"""

import re
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
SETS = {
    "procedural-val": "families trained on, objects never seen",
    "procedural-novel": "families never trained on",
    "real-mesh": "18 objects that others made",
    "real-mesh-rgbd": "the same, rendered, through the whole chain",
    "procedural-rgbd": "rendered recordings of own objects, whole chain",
}
SEALED = ("procedural-val", "procedural-novel", "real-mesh", "real-mesh-rgbd")
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share of `count` (Wilson 1927)."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return middle - half, middle + half


def read_evaluation(path: Path, column: str = "network_refined") -> dict[str, str]:
    """Header and one method's column of a printed evaluation, by the words of each line."""
    lines = path.read_text().splitlines()
    found = dict(re.findall(r"^(\w+):\s+(.*)$", "\n".join(lines), flags=re.M))
    start = next(index for index, line in enumerate(lines) if index and lines[index + 1].startswith("-----"))
    place = lines[start].split().index(column) - len(lines[start].split())
    for line in lines[start + 2 :]:
        if not line.strip():
            break
        cells = re.split(r"\s{2,}", line.strip())
        found[cells[0]] = cells[place]
    return found


def table() -> str:
    """One line a set, refined answers."""
    rows = [
        "| set | clips, joints | mIoU | type right [95 %] | axis: median, mean | position: median | within 5 deg, 5 cm [95 %] | commit |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, words in SETS.items():
        facts = read_evaluation(RESULTS / f"{name}.txt")
        joints = int(facts["moving parts"])
        mean, median, _ = facts["axis, deg"].split(" | ")
        shares = []
        for label in ("type accuracy", "success within 5 deg, 5 cm"):
            share = float(facts[label].split()[0]) / 100
            low, high = wilson(share, joints)
            shares.append(f"{100 * share:.1f} % [{100 * low:.0f}, {100 * high:.0f}]")
        rows.append(
            f"| `{name}`: {words} | {facts['clips']}, {joints} | {facts['mIoU'].split(' | ')[0]} | {shares[0]} | "
            f"{median}, {mean} deg | {facts['axis position, cm'].split(' | ')[1]} cm | {shares[1]} | {facts['commit']} |"
        )
    return "\n".join(rows)


def figures() -> dict[str, str]:
    """Every figure that the words of the page name, by the file it stands in."""
    found = {}
    columns = {
        **dict.fromkeys((*SETS, "still", "procedural-val-paper-noise"), "network_refined"),
        **{f"sealed-{name}": "network_refined" for name in SEALED},
        **{f"sealed-{name}-before": "network_refined" for name in SEALED[:3]},
        **{f"true-parts-{name}": "true_parts_refined" for name in list(SETS)[:3]},
        "procedural-val-clustering": "flow_clustering",
        "procedural-val-paper-network": "paper_refined",
    }
    for name, column in columns.items():
        facts = read_evaluation(RESULTS / f"{name}.txt", column)
        found[f"{name}.clips"] = facts["clips"]
        found[f"{name}.miou"] = facts["mIoU"].split(" | ")[0]
        for key, label in (
            ("types", "type accuracy"),
            ("success", "success within 5 deg, 5 cm"),
            ("still", "still clips given a joint"),
            ("axis_68", "truths inside axis 68 %"),
            ("axis_95", "truths inside axis 95 %"),
            ("position_68", "truths inside position 68 %"),
            ("position_95", "truths inside position 95 %"),
        ):
            if label in facts:
                found[f"{name}.{key}"] = facts[label]
    return found | _door() | _tracks() | _walls() | _comparisons()


def _door() -> dict[str, str]:
    text = (RESULTS / "door.txt").read_text()
    refined = text[text.index("network_refined:") :]
    (axis, line), (swing, true) = (
        re.findall(r"axis ([\d.]+) deg, line ([\d.]+) cm", refined)[0],
        re.findall(r"swing ([\d.]+) deg, true ([\d.]+)", refined)[0],
    )
    status, seconds, memory = re.findall(r"with network: (\w+), ([\d.]+) s, (\d+) MiB", text)[0]
    names = ("axis", "line", "swing", "true", "status", "seconds", "memory")
    return {f"door.{x}": y for x, y in zip(names, (axis, line, swing, true, status, seconds, memory), strict=True)}


def _tracks() -> dict[str, str]:
    right, count, unsure = re.findall(
        r"^network_refined: (\d+) of (\d+) right, .*?; (\d+) not sure",
        (RESULTS / "real-tracks.txt").read_text(),
        flags=re.M,
    )[0]
    return {"real-tracks.right": right, "real-tracks.count": count, "real-tracks.unsure": unsure}


def _walls() -> dict[str, str]:
    """Parts found of those that are there, of each family, refined."""
    text = (RESULTS / "walls.txt").read_text()
    rows = text[text.index("network_refined ", text.index("observed flow")) :]
    return {
        f"walls.{family}": f"{found} of {there}"
        for family, found, there in re.findall(r"^(\w+) .*? (\d+)/(\d+) ", rows, flags=re.M)
    }


def _comparisons() -> dict[str, str]:
    """Differences of paired evaluations with their intervals."""
    found = {}
    labels = {"miou": "mIoU", "types": "type accuracy", "still": "still clips given a joint", "claims": "claims wrong"}
    for path in (*RESULTS.glob("one-loop-*.txt"), RESULTS / "sealed-procedural-novel-paired.txt"):
        for line in path.read_text().splitlines():
            cells = re.split(r"\s{2,}", line.strip())
            for key, label in labels.items():
                if cells[0] == label:
                    found[f"{path.stem}.{key}_first"], found[f"{path.stem}.{key}_second"] = cells[1:3]
                    found[f"{path.stem}.{key}"] = cells[3]
        found[f"{path.stem}.clips"] = re.findall(r"(\d+) clips in both", path.read_text())[0]
    return found


def page() -> str:
    """docs/results.md as it should be."""
    known = figures() | {"table": table()}
    return re.sub(r"\{([\w.-]+)\}", lambda match: known[match[1]], (ROOT / "benchmarks/results_page.md").read_text())


def main() -> None:
    """Rewrite or check both pages."""
    readme = (ROOT / "README.md").read_text()
    before, after = readme.split(BEGIN)[0], readme.split(END)[1]
    wanted = {ROOT / "README.md": f"{before}{BEGIN}\n{table()}\n{END}{after}", ROOT / "docs/results.md": page()}
    stale = [path for path, text in wanted.items() if path.read_text() != text]
    if "--check" not in sys.argv:
        for path in stale:
            path.write_text(wanted[path])
    print(f"{'out of date' if stale else 'up to date'}: {', '.join(x.name for x in stale or wanted)}")
    if stale and "--check" in sys.argv:
        sys.exit(1)


if __name__ == "__main__":
    main()
