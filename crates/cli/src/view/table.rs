//! Tables of text for people: columns two spaces apart, in the width that the cells have on a
//! terminal.

use crate::printable;

/// Columns of text, as wide as their widest cell.
pub(crate) struct TextTable {
    /// The heads, then the rows. All have the same number of cells.
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// A table with the heads of its columns.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row. Cells are made printable and cut here, because their width depends on it.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        // As they will be shown: their width is that of their escapes too.
        let clean = |cell: String| shortened(printable::line(&cell).into_owned());
        self.rows.push(cells.into_iter().map(clean).collect());
    }

    /// The rows as lines, the heads first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        let line = |row: &Vec<String>| {
            let padded = |(cell, width): (&String, &usize)| printable::padded(cell, *width);
            let cells: Vec<String> = row.iter().zip(&widths).map(padded).collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }

    /// The width of each column, in columns of a terminal.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let width = |column| cells(column).map(|cell| printable::width(cell)).max().unwrap_or(0);
        (0..columns).map(width).collect()
    }
}

/// As much of a cell as is worth a column: one command can be as long as a book.
fn shortened(cell: String) -> String {
    const MOST: usize = 1000;
    match cell.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", cell.get(..at).unwrap_or_default()),
        None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_with_text() {
        let mut table = TextTable::new(&["NAME", "X"]);
        table.row(vec!["long name".into(), "1".into()]);
        table.row(vec!["b\nc".into(), String::new()]);
        table.row(vec!["日本".into(), "2".into()]);
        let lines = ["NAME       X", "long name  1", "b\\nc", "日本       2"];
        assert_eq!(table.lines(), lines);
    }
}
