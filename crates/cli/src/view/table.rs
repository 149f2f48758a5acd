use std::fmt;

/// Columns of text, as wide as their widest cell.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        // A cell must not break the line or the terminal.
        let clean = |cell: String| shortened(cell.replace(char::is_control, " "));
        self.rows.push(cells.into_iter().map(clean).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let width = |column| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0);
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

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            // Not by a format's width, which takes no more than 65,535.
            let padded = |(cell, width): (&String, &usize)| {
                let missing = width.saturating_sub(cell.chars().count());
                format!("{cell}{}", " ".repeat(missing))
            };
            let cells = row.iter().zip(&widths).map(padded);
            let line = cells.collect::<Vec<_>>().join("  ");
            let end = if number == 0 { "" } else { "\n" };
            write!(f, "{end}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_with_text() {
        let mut table = Table::new(&["NAME", "X"]);
        table.row(vec!["long name".into(), "1".into()]);
        table.row(vec!["b\nc".into(), String::new()]);
        assert_eq!(table.to_string(), "NAME       X\nlong name  1\nb c");
    }
}
