"""Draws what a terminal shows as an SVG picture.

usage: svg.py COMMAND <OUTPUT >PICTURE

Knows colours and faintness (ECMA-48, "Select graphic rendition"); of other sequences it knows nothing.
"""

import html
import re
import sys

# Readable on the picture's own dark ground, and told apart by people who do not see all colours.
COLOURS = {"32": "#7bd88f", "33": "#f0c674", "35": "#d99be8", "36": "#6cc7e8", "2": "#6b7480"}
GROUND, TEXT, PROMPT = "#161a1f", "#e6e9ec", "#9aa5b1"
WIDTH, HEIGHT, MARGIN, SIZE = 8.43, 18, 18, 14


def runs(line):
    """The parts of a line, each with its colour."""
    colour = TEXT
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        found = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if found:
            codes = [code for code in found.group(1).split(";") if code]
            colour = next((COLOURS[code] for code in codes if code in COLOURS), TEXT)
        elif part:
            yield colour, part


def drawn(line, row):
    """A line, each of its parts in its place: then no font can move it."""
    column = 0
    for colour, text in runs(line):
        # SVG makes one space of many.
        for words in re.finditer(r"\S+(?: \S+)*", text):
            x, y = MARGIN + (column + words.start()) * WIDTH, MARGIN + SIZE + row * HEIGHT
            shape = f'x="{x:.1f}" y="{y}" fill="{colour}" textLength="{len(words.group()) * WIDTH:.1f}"'
            yield f"<text {shape}>{html.escape(words.group())}</text>"
        column += len(text)


def main(command):
    lines = [f"\x1b[0m$ {command}", ""] + sys.stdin.read().replace("\r", "").rstrip("\n").split("\n")
    columns = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
    width, height = 2 * MARGIN + columns * WIDTH, 2 * MARGIN + len(lines) * HEIGHT
    verdict = html.escape(lines[-1])
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img"')
    print(f'     width="{width:.0f}" height="{height}" font-family="monospace" font-size="{SIZE}">')
    print(f"<title>{html.escape(command)}: {verdict}</title>")
    print(f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>')
    for row, line in enumerate(lines):
        print(*drawn(line, row), sep="\n", end="\n" if line.strip() else "")
    print("</svg>")


main(sys.argv[1])
