/// A here-document whose lines are still to come.
#[derive(Debug)]
pub(super) struct HereDocument {
    /// The line that ends it.
    pub(super) end: String,
    /// Whether tabs in front of a line do not count.
    pub(super) tabs_before_end: bool,
}

impl HereDocument {
    /// How many bytes its lines have, the last one with its end included.
    pub(super) fn length(&self, text: &str) -> Option<usize> {
        let mut length = 0;
        for line in text.split_inclusive('\n') {
            length += line.len();
            let line = line.strip_suffix('\n').unwrap_or(line);
            let line = if self.tabs_before_end { line.trim_start_matches('\t') } else { line };
            if line == self.end {
                return Some(length);
            }
        }
        None
    }
}
