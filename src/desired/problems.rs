//! Problems found task by task: of a hundred thousand that are alike, the first is shown and the rest counted.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;

#[derive(Default)]
pub(super) struct Problems {
    list: Vec<(Diagnostic, usize)>,
    /// By code and place.
    seen: HashMap<(&'static str, usize), usize>,
}

impl Problems {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        let at = self.place_of(&diagnostic);
        match self.list.get_mut(at) {
            Some((_, more)) => *more += 1,
            None => self.list.push((diagnostic, 0)),
        }
    }

    /// Takes what another thread found.
    pub(super) fn merge(&mut self, other: Self) {
        for (diagnostic, more) in other.list {
            let at = self.place_of(&diagnostic);
            match self.list.get_mut(at) {
                Some((_, known)) => *known += more + 1,
                None => self.list.push((diagnostic, more)),
            }
        }
    }

    /// Where it is counted: at the end of the list when it is the first of its kind.
    fn place_of(&mut self, diagnostic: &Diagnostic) -> usize {
        let place = diagnostic.labels.first().map_or(0, |l| l.span.start);
        let end = self.list.len();
        *self.seen.entry((diagnostic.code, place)).or_insert(end)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn finish(self) -> Vec<Diagnostic> {
        self.list
            .into_iter()
            .map(|(mut diagnostic, more)| {
                if more > 0 {
                    diagnostic.message += &format!(" (and {more} more like this)");
                }
                diagnostic
            })
            .collect()
    }
}
