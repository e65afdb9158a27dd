//! A line no longer than there is room: what matters least goes first.

use anstyle::Style;

use crate::report::style::paint;

/// A part of a line.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The highest is left out first.
    rank: u8,
    style: Style,
    pub(super) text: String,
}

impl Piece {
    pub(super) fn new(rank: u8, style: Style, text: String) -> Self {
        Self { rank, style, text }
    }
}

/// The pieces that have room in `width` columns, styled, with `between` between them. Our own words and numbers
/// are one column a character.
pub(super) fn fit(mut pieces: Vec<Piece>, between: &str, width: usize) -> String {
    let length = |pieces: &[Piece]| {
        let texts: usize = pieces.iter().map(|p| p.text.chars().count()).sum();
        texts + between.len() * pieces.len().saturating_sub(1)
    };
    while pieces.len() > 1 && length(&pieces) > width {
        let Some((worst, _)) = pieces.iter().enumerate().max_by_key(|(_, p)| p.rank) else {
            break;
        };
        pieces.remove(worst);
    }
    if length(&pieces) > width {
        for piece in &mut pieces {
            piece.text = cut(&piece.text, width);
        }
    }
    let texts = pieces.iter().map(|p| paint(p.style, &p.text));
    texts.collect::<Vec<_>>().join(between)
}

fn cut(text: &str, width: usize) -> String {
    let mut kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_goes_first() {
        let line = |width| {
            let pieces = [(0, "title"), (2, "detail"), (1, "7/9")];
            let pieces = pieces.map(|(rank, text)| Piece::new(rank, Style::new(), text.to_owned()));
            fit(pieces.to_vec(), " ", width)
        };
        assert_eq!(line(16), "title detail 7/9");
        assert_eq!(line(15), "title 7/9");
        assert_eq!(line(8), "title");
        assert_eq!(line(4), "tit…");
        assert_eq!(line(0), "");
    }
}
