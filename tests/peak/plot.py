"""Figures as SVG, readable on light and on dark paper: axes with units, titles in both languages, nothing but text and lines.

    plot.py day REPORT.json DIRECTORY       throughput.svg, queue.svg, utilisation.svg, latency.svg of a peak day
    plot.py scaling SCALING.ndjson FILE     credentials an hour against bays, with the ideal line
"""
import json
import sys
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 76, 30, 58, 46
STYLE = """
  svg { --paper: #ffffff; --ink: #1f2328; --grid: #d0d7de; --a: #0b62c4; --b: #b5520b; --c: #57606a }
  @media (prefers-color-scheme: dark) { svg { --paper: #0d1117; --ink: #e6edf3; --grid: #30363d; --a: #6cb2ff; --b: #ffa657; --c: #9aa4af } }
  .paper { fill: var(--paper) } text { fill: var(--ink); font: 12px system-ui, sans-serif } .title { font-size: 14px; font-weight: 600 }
  .grid { stroke: var(--grid); stroke-width: 1 } polyline { fill: none; stroke-width: 2; stroke-linejoin: round }
  .a { stroke: var(--a) } .b { stroke: var(--b) } .c { stroke: var(--c); stroke-dasharray: 6 4 } circle.a { fill: var(--a) } circle.b { fill: var(--b) }
"""


def ticks(most):
    """About five round steps from 0 to at least `most`."""
    step = 10.0 ** len(str(int(max(most, 1))))
    while step > most / 4 and step > 1e-6:
        for part in (2, 2.5, 2):
            if step <= most / 4:
                break
            step /= part
    return [step * n for n in range(int(most / step) + 2)]


def number(value):
    return f"{value:,.10g}"


class Chart:
    """Lines over one pair of axes. x_ticks: where, and what stands there."""

    def __init__(self, title, x_title, y_title, x_ticks, y_most):
        self.x_ticks, self.y_ticks = x_ticks, ticks(y_most or 1)
        self.x_range = x_ticks[0][0], x_ticks[-1][0]
        self.parts = [f'<text class="title" x="{LEFT}" y="20">{escape(title)}</text>']
        self.names = 0
        self._axes(x_title, y_title)

    def x(self, value):
        low, high = self.x_range
        return LEFT + (value - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.y_ticks[-1] * (HEIGHT - TOP - BOTTOM)

    def _axes(self, x_title, y_title):
        middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
        for value in self.y_ticks:
            self.parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(value):.1f}" y2="{self.y(value):.1f}"/>')
            self.parts.append(f'<text x="{LEFT - 6}" y="{self.y(value) + 4:.1f}" text-anchor="end">{number(value)}</text>')
        for value, name in self.x_ticks:
            self.parts.append(f'<line class="grid" x1="{self.x(value):.1f}" x2="{self.x(value):.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 5}"/>')
            self.parts.append(f'<text x="{self.x(value):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{name}</text>')
        self.parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_title)}</text>')
        self.parts.append(f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">{escape(y_title)}</text>')

    def line(self, kind, name, points, marks=False):
        """A line of class `kind` (a, b: full; c: dashed); points without a value break it."""
        for run in runs(points):
            path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in run)
            self.parts.append(f'<polyline class="{kind}" points="{path}"/>')
            if marks or len(run) == 1:
                self.parts += [f'<circle class="{kind}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3"/>' for x, y in run]
        at = LEFT + 210 * self.names
        self.names += 1
        self.parts.append(f'<polyline class="{kind}" points="{at},40 {at + 22},40"/><text x="{at + 28}" y="44">{escape(name)}</text>')

    def write(self, path):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">'
        paper = f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>'
        Path(path).write_text("\n".join([head, f"<style>{STYLE}</style>", paper, *self.parts, "</svg>", ""]))


def runs(points):
    """Stretches of points that have a value."""
    run = []
    for x, y in [*points, (0, None)]:
        if y is not None:
            run.append((x, y))
        elif run:
            yield run
            run = []


# file, title, y axis, lines: class, name, field of the series
DAY = [
    ("throughput", "Throughput 产量", "credentials an hour 张/小时",
     [("c", "arrived 到达", "arrived_per_hour"), ("a", "sealed 已封装", "sealed_per_hour")]),
    ("queue", "Queue: arrived and not yet sealed 待制队列", "credentials 张", [("a", "open 待制", "open")]),
    ("utilisation", "Utilisation of the bays 工位利用率", "share of bay time 占比",
     [("a", "in a step 制证步骤中", "steps"), ("b", "making a key 生成密钥中", "chip")]),
    ("latency", "Latency from claim to sealed 从领取到封装的时间", "seconds of the run 实际秒",
     [("a", "p50", "p50_s"), ("b", "p95", "p95_s")]),
]


def hours(series):
    first, last = 9, max(17, int(series[-1]["hour"]) + 1)
    step = 1 + (last - first) // 16
    return [(hour, f"{hour}:00") for hour in range(first, last + step, step)]


def day(report_path, directory):
    report = json.loads(Path(report_path).read_text())
    series = report["series"]
    about = f"{report['credentials']:,} credentials, {report['bays']} bays 工位"
    x_title = f"hour of the day 钟点 (1 h = {3600 / report['compression']:g} s of the run 实际)"
    for name, title, y_title, lines in DAY:
        most = max((row[field] or 0 for _, _, field in lines for row in series), default=0)
        chart = Chart(f"{title} · {about}", x_title, y_title, hours(series), most)
        for kind, label, field in lines:
            chart.line(kind, label, [(row["hour"], row[field]) for row in series])
        chart.write(Path(directory, f"{name}.svg"))


def scaling(rows_path, file):
    rows = [json.loads(line) for line in Path(rows_path).read_text().splitlines()]
    rows.sort(key=lambda row: row["bays"])
    one = rows[0]["per_hour"] / rows[0]["bays"]
    most = rows[-1]["bays"]
    chart = Chart(f"Throughput against bays 产量与工位数 · {rows[0]['law']}", "bays 工位", "credentials an hour 张/小时",
                  [(0, "0")] + [(row["bays"], row["bays"]) for row in rows if row["bays"] == most or row["bays"] * 16 >= most], one * most)
    chart.line("c", "ideal 理想", [(0, 0), (most, one * most)])
    chart.line("a", "measured 实测", [(row["bays"], row["per_hour"]) for row in rows], marks=True)
    chart.write(file)


if __name__ == "__main__":
    {"day": day, "scaling": scaling}[sys.argv[1]](*sys.argv[2:])
