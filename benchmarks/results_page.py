"""The tables of README and docs/results.md, made from the printed evaluations in `benchmarks/results/`.

    python benchmarks/results_page.py           # rewrite what stands between the marks in both files
    python benchmarks/results_page.py --check   # only say whether they are up to date

A new evaluation is kept by writing what `sim2art evaluate` printed to `benchmarks/results/SET.txt`.
"""

import re
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SETS = {
    "procedural-val": "families trained on, objects never seen",
    "procedural-novel": "families never trained on",
    "real-mesh": "18 objects that others made",
    "real-mesh-rgbd": "the same, rendered, through the whole chain",
    "procedural-rgbd": "rendered recordings of own objects, whole chain",
}
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
        facts = read_evaluation(ROOT / f"benchmarks/results/{name}.txt")
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


def main() -> None:
    """Rewrite or check both pages."""
    stale = []
    for path in (ROOT / "README.md", ROOT / "docs/results.md"):
        text = path.read_text()
        before, rest = text.split(BEGIN)
        _, after = rest.split(END)
        new = f"{before}{BEGIN}\n{table()}\n{END}{after}"
        if new != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(new)
    print(f"{'out of date' if stale else 'up to date'}: {', '.join(stale) or 'README.md, docs/results.md'}")
    if stale and "--check" in sys.argv:
        sys.exit(1)


if __name__ == "__main__":
    main()
