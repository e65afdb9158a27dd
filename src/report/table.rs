//! Columns of text, as wide as they must be.

use anstyle::Style;

use super::style::{DIM, paint};

/// Rows of as many cells as there are headings.
pub struct Table<const N: usize> {
    headings: [&'static str; N],
    rows: Vec<[(Style, String); N]>,
}

impl<const N: usize> Table<N> {
    pub fn new(headings: [&'static str; N]) -> Self {
        Self {
            headings,
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: [(Style, String); N]) {
        self.rows.push(cells);
    }

    /// All of it; columns that are empty in every row are left out.
    pub fn render(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].1.chars().count());
            match cells.max().unwrap_or(0) {
                0 => 0,
                widest => widest.max(self.headings[column].len()),
            }
        };
        let widths: Vec<usize> = (0..N).map(width).collect();
        let last = widths.iter().rposition(|w| *w > 0).unwrap_or(0);
        let line = |cells: [(Style, &str); N]| {
            let mut out = String::new();
            for (column, (style, text)) in cells.into_iter().enumerate() {
                if widths[column] == 0 {
                    continue;
                }
                if column == last {
                    out.push_str(&paint(style, text));
                    break;
                }
                let pad = widths[column].saturating_sub(text.chars().count());
                out.push_str(&paint(style, text));
                out.push_str(&" ".repeat(pad + 2));
            }
            format!("{}\n", out.trim_end())
        };
        let mut out = line(self.headings.map(|h| (DIM, h)));
        for row in &self.rows {
            out.push_str(&line(std::array::from_fn(|i| {
                (row[i].0, row[i].1.as_str())
            })));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::BOLD;

    #[test]
    fn columns_line_up_and_empty_ones_go() {
        let plain = Style::new();
        let mut table = Table::new(["NAME", "NOTE", "N"]);
        table.row([
            (plain, "a".into()),
            (plain, String::new()),
            (plain, "1".into()),
        ]);
        table.row([
            (plain, "longer".into()),
            (plain, String::new()),
            (BOLD, "22".into()),
        ]);
        let text = anstream::adapter::strip_str(&table.render()).to_string();
        assert_eq!(text, "NAME    N\na       1\nlonger  22\n");
    }
}
