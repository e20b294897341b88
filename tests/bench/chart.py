"""Writes the results of a benchmark: JSON as measured, tables into docs/benchmarks.md, and a chart as SVG."""

import json
import os
import re
from xml.sax.saxutils import escape

from bench import goals

NAMES = {"lab": "Banyan (lab)", "bare": "bare libfcgi loop", "textbook": "textbook libfcgi", "fastapi": "FastAPI",
         "express": "Express", "php": "PHP-FPM"}
COLOURS = {"lab": "#1b7f4b"}
OTHER = "#8a94a0"

def write(results, cases, folder):
    with open(os.path.join(folder, "benchmarks.json"), "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1, sort_keys=True)
        file.write("\n")
    with open(os.path.join(folder, "benchmarks.svg"), "w", encoding="utf-8") as file:
        file.write(svg(results, cases))
    page = os.path.join(folder, "benchmarks.md")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"(<!-- results:begin -->\n).*?(<!-- results:end -->)",
                  lambda match: match[1] + tables(results, cases) + match[2], text, flags=re.S)
    with open(page, "w", encoding="utf-8") as file:
        file.write(text)


def tables(results, cases):
    machine = results["machine"]
    lines = [f"Measured on {results['date']}: {machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']} GiB, "
             f"Linux {machine['kernel']}. {results['connections']} connections, {results['rounds']} rounds of "
             f"{results['seconds']} s for each pair.", ""]
    for case, title in cases.items():
        if case not in results["cases"]:
            continue
        lines += [*heading(results, case, title), "| | requests/s | p99 | Banyan is | required | |",
                  "|---|--:|--:|--:|--:|---|"]
        for name, got in in_order(results["cases"][case]):
            ratio = f"{got['ratio']:.2f} ×" if "ratio" in got else ""
            required = f"≥ {got['required']} ×" if got.get("required") else ""
            verdict = ("met" if got["ratio"] >= got["required"] else "**missed**") if got.get("required") else ""
            lines.append(f"| {NAMES[name]} | {got['requests_per_second']:,.0f} | {got['p99_ms']:.2f} ms | {ratio} | "
                         f"{required} | {verdict} |")
        lines.append("")
    for case, sizes in results["pool"].items():
        lines += [*heading(results, "pool", f"Pools: {cases[case][0].lower()}{cases[case][1:]}"), *pool_table(sizes)]
    for group, title in goals.GROUPS.items():
        table = figures_table(group, results["figures"])
        lines += [*heading(results, group, title), *table] if table else []
    if results.get("versions"):
        lines += ["Versions: " + "; ".join(escape(text) for text in results["versions"].values()) + ".", ""]
    return "\n".join(lines)


def in_order(contenders):
    return [(name, contenders[name]) for name in NAMES if name in contenders]


def heading(results, part, title):
    """With its date, when that is not the page's: a part that was not measured again keeps its results."""
    date = results["measured"].get(part, results["date"])
    return [f"### {title}", "", *([f"Measured on {date}.", ""] if date != results["date"] else [])]


def pool_table(sizes):
    lines = ["| processes of each | Banyan, requests/s | p50 | p99 | PHP-FPM, requests/s | p50 | p99 | Banyan is | required | |",
             "|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"]
    for size, got in sizes.items():
        cells = [f"{got[name]['requests_per_second']:,.0f} | {got[name]['p50_ms']:.2f} ms | {got[name]['p99_ms']:.2f} ms"
                 for name in ("lab", "php")]
        verdict = "met" if got["ratio"] >= got["required"] else "**missed**"
        lines.append(f"| {size} | {' | '.join(cells)} | {got['ratio']:.2f} × | ≥ {got['required']} × | {verdict} |")
    return [*lines, ""]


def figures_table(group, figures):
    names = [name for name, goal in goals.GOALS.items() if goal.group == group and name in figures]
    if not names:
        return []
    lines = ["| | measured | required | |", "|---|--:|--:|---|"]
    for name in names:
        goal, value = goals.GOALS[name], figures[name]["value"]
        verdict = ("met" if goal.met(value) else "**missed**") if goal.required() else ""
        lines.append(f"| {goal.title} | {goals.show(value, goal.unit)} | {goal.required()} | {verdict} |")
    return [*lines, ""]


def svg(results, cases):
    """One group of bars per case, each as long as its requests per second beside the group's fastest."""
    left, width, bar, gap, head = 160, 640, 18, 6, 34
    rows, y = [], 16
    for case, title in cases.items():
        contenders = results["cases"].get(case)
        if not contenders:
            continue
        most = max(got["requests_per_second"] for got in contenders.values())
        rows.append(f'<text x="16" y="{y + 14}" class="title">{escape(title)}, requests per second</text>')
        y += head - 8
        for name, got in in_order(contenders):
            long = max(1, got["requests_per_second"] / most * (width - 150))
            label = f"{got['requests_per_second']:,.0f}" + (f"  (Banyan {got['ratio']:.2f} ×)" if "ratio" in got else "")
            rows.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(NAMES[name])}</text>'
                        f'<rect x="{left}" y="{y}" width="{long:.1f}" height="{bar}" rx="2" '
                        f'fill="{COLOURS.get(name, OTHER)}"/>'
                        f'<text x="{left + long + 6:.1f}" y="{y + 13}">{escape(label)}</text>')
            y += bar + gap
        y += 18
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width}" height="{y}" '
            f'viewBox="0 0 {left + width} {y}" role="img" aria-label="Requests per second, Banyan and its peers">\n'
            '<style>text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:13px}</style>\n'
            f'<rect width="{left + width}" height="{y}" fill="#ffffff"/>\n' + "\n".join(rows) + "\n</svg>\n")
