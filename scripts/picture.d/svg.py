"""Draws the screens of terminals as one SVG picture: windows, one below the other.

usage: svg.py TITLE (LABEL FILE)... >PICTURE

A file holds a screen's text. Lines that begin with `$ ` are commands, lines that begin with `waiting` stand out.
The picture follows the reader's light or dark mode, has no external parts, and needs no particular font: each line
is as wide as its number of columns, whatever font draws it.
"""

import html
import pathlib
import sys

STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e6edf3 }
.label { font: 600 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #9aa7b4 }
.prompt { fill: #8b98a5 } .command { font-weight: 700 } .waiting { fill: #f2cc60 }
.ground { fill: #0d1117 } .window { fill: #161b22; stroke: #3d444d } .bar { stroke: #3d444d } .button { fill: #4d5661 }
.cursor { fill: #8b98a5 }
@media (prefers-color-scheme: light) {
  text { fill: #1f2328 } .label { fill: #57606a } .prompt { fill: #656d76 } .waiting { fill: #7d4e00 }
  .ground { fill: #eef1f4 } .window { fill: #ffffff; stroke: #c6cdd5 } .bar { stroke: #d8dee4 } .button { fill: #c6cdd5 }
  .cursor { fill: #8c959f }
}
"""
COLUMNS, COLUMN, LINE = 98, 7.8, 20
BORDER, PADDING, BAR = 14, 16, 30
WIDTH = 2 * (BORDER + PADDING) + COLUMNS * COLUMN


def words(text, column, baseline, kind):
    """A piece of a line, in its place and of its width."""
    x, width = BORDER + PADDING + column * COLUMN, len(text) * COLUMN
    place = f'x="{x:.1f}" y="{baseline:.1f}" textLength="{width:.1f}"'
    return f'<text class="{kind}" {place}>{html.escape(text)}</text>'


def line(text, baseline):
    if text == "$":
        cursor = f'x="{BORDER + PADDING + 2 * COLUMN:.1f}" y="{baseline - 11:.1f}"'
        yield words("$", 0, baseline, "prompt")
        yield f'<rect class="cursor" {cursor} width="{COLUMN:.1f}" height="14"/>'
    elif text.startswith("$ "):
        yield words("$", 0, baseline, "prompt")
        yield words(text[2:], 2, baseline, "command")
    elif text:
        yield words(text, 0, baseline, "waiting" if text.startswith("waiting") else "output")


def window(label, lines, top):
    """A window and the place where the next one begins."""
    height = BAR + 2 * PADDING + len(lines) * LINE - 8
    right = WIDTH - BORDER
    yield f'<rect class="window" x="{BORDER}" y="{top}" width="{right - BORDER:.1f}" height="{height}" rx="8"/>'
    yield f'<path class="bar" d="M{BORDER} {top + BAR}H{right:.1f}"/>'
    for button in range(3):
        yield f'<circle class="button" cx="{BORDER + PADDING + 4 + button * 15}" cy="{top + BAR / 2}" r="4.5"/>'
    yield f'<text class="label" x="{BORDER + PADDING + 56}" y="{top + BAR / 2 + 4}">{html.escape(label)}</text>'
    for row, text in enumerate(lines):
        yield from line(text, top + BAR + PADDING + 10 + row * LINE)


def main(title, *screens):
    labels, files = screens[::2], screens[1::2]
    texts = [pathlib.Path(file).read_text(encoding="utf-8").rstrip().split("\n") for file in files]
    parts, top = [], BORDER
    for label, lines in zip(labels, texts):
        parts += window(label, lines, top)
        top += BAR + 2 * PADDING + len(lines) * LINE - 8 + BORDER
    described = " ".join(f"{label}: {' / '.join(lines)}." for label, lines in zip(labels, texts))
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {top}" role="img"')
    print(f'     width="{WIDTH:.0f}" height="{top}">')
    print(f"<title>{html.escape(title)}</title>\n<desc>{html.escape(described)}</desc>")
    print(f"<style>{STYLE}</style>")
    print('<rect class="ground" width="100%" height="100%" rx="12"/>', *parts, "</svg>", sep="\n")


main(*sys.argv[1:])
