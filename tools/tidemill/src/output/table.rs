//! Aligned columns. Headings are bold on a terminal; numbers stand to the right.

use super::Paint;
use std::fmt::Write as _;

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    Left,
    Right,
}

/// Rows under headings, printed when complete.
#[derive(Debug)]
pub struct Table {
    headings: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(headings: &[(&'static str, Align)]) -> Table {
        Table { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// A row with as many cells as there are headings.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.headings.len());
        self.rows.push(cells);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Two spaces between columns, none at the ends of lines.
    pub fn render(&self, paint: Paint) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.headings[column].0.len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.headings.len()).map(width).collect();
        let mut out = String::new();
        let headings: Vec<&str> = self.headings.iter().map(|(name, _)| *name).collect();
        let _ = writeln!(out, "{}", paint.bold(&self.line(&headings, &widths)));
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            let _ = writeln!(out, "{}", self.line(&cells, &widths));
        }
        out
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, cell) in cells.iter().enumerate() {
            let width = widths[index];
            let gap = if index == 0 { "" } else { "  " };
            let _ = match self.headings[index].1 {
                Align::Left => write!(line, "{gap}{cell:<width$}"),
                Align::Right => write!(line, "{gap}{cell:>width$}"),
            };
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, Table};
    use crate::output::Paint;

    #[test]
    fn columns_are_aligned() {
        let mut table =
            Table::new(&[("TOPIC", Align::Left), ("N", Align::Right), ("ID", Align::Left)]);
        table.row(vec!["a".into(), "12".into(), "x".into()]);
        table.row(vec!["longer".into(), "3".into(), String::new()]);
        assert_eq!(table.render(Paint::NONE), "TOPIC    N  ID\na       12  x\nlonger   3\n");
    }
}
