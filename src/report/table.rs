//! Columns of text, as wide as they must be, and cut where there is less room.

use anstyle::Style;

use super::style::{DIM, paint};
use super::width::{columns, cut_name};

/// A column is made no narrower than this to make room for others.
const NARROW: usize = 10;
/// Less of a cell than this says nothing.
const LEAST: usize = 4;
const GAP: usize = 2;

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

    /// All of it, no wider than `width` columns; columns that are empty in every row are left out.
    pub fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width.unwrap_or(usize::MAX));
        let line = |cells: [(Style, &str); N]| {
            let mut out = String::new();
            let mut pad = 0;
            let mut room = width.unwrap_or(usize::MAX);
            for ((style, text), width) in cells.into_iter().zip(&widths) {
                if *width == 0 || text.is_empty() {
                    pad += if *width == 0 { 0 } else { width + GAP };
                    continue;
                }
                if room < pad + LEAST.min(*width) {
                    break;
                }
                out.push_str(&" ".repeat(pad));
                room -= pad;
                let text = cut_name(text, room.min(*width));
                let taken = columns(&text);
                out.push_str(&paint(style, text));
                room -= taken;
                pad = width + GAP - taken;
            }
            out.push('\n');
            out
        };
        let mut out = line(self.headings.map(|h| (DIM, h)));
        for row in &self.rows {
            out.push_str(&line(std::array::from_fn(|i| {
                (row[i].0, row[i].1.as_str())
            })));
        }
        out
    }

    /// Of each column: the widest are the first that have to give. What then still has no room is at the right.
    fn widths(&self, room: usize) -> Vec<usize> {
        let natural = |column: usize| {
            let cells = self.rows.iter().map(|row| columns(&row[column].1));
            match cells.max().unwrap_or(0) {
                0 => 0,
                widest => widest.max(self.headings[column].len()),
            }
        };
        let mut widths: Vec<usize> = (0..N).map(natural).collect();
        let shown = widths.iter().filter(|w| **w > 0).count();
        let gaps = GAP * shown.saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROW => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::{BOLD, PLAIN};

    fn shown(width: Option<usize>) -> String {
        let mut table = Table::new(["NAME", "NOTE", "N"]);
        for (name, number) in [("a", "1"), ("much-longer-than-that", "22")] {
            let cells = [name, "", number].map(str::to_owned);
            let [name, note, number] = cells;
            table.row([(PLAIN, name), (PLAIN, note), (BOLD, number)]);
        }
        anstream::adapter::strip_str(&table.render(width)).to_string()
    }

    #[test]
    fn columns_line_up_and_empty_ones_go() {
        assert_eq!(
            shown(None),
            "NAME                   N\na                      1\nmuch-longer-than-that  22\n"
        );
    }

    #[test]
    fn wide_columns_are_cut_first_and_then_the_line() {
        assert_eq!(
            shown(Some(16)),
            "NAME          N\na             1\nmuch-…n-that  22\n"
        );
        assert_eq!(shown(Some(9)), "NAME\na\nmuch…that\n");
    }
}
