//! The page about each code, which is a part of `docs/diagnostics.md`.

const PAGES: &str = include_str!("../../docs/diagnostics.md");

/// What is said about a code, in Markdown, without its heading.
pub fn page(code: &str) -> Option<&'static str> {
    pages()
        .find(|(name, _)| *name == code)
        .map(|(_, text)| text)
}

/// Every page with the code it is about.
pub fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES
        .split("\n## ")
        .skip(1)
        .filter_map(|page| page.split_once('\n'))
        .map(|(code, text)| (code, text.trim()))
}

#[cfg(test)]
mod tests {
    use super::super::codes::ALL;
    use super::*;

    #[test]
    fn every_code_has_its_page_in_order() {
        let codes: Vec<&str> = pages().map(|(code, _)| code).collect();
        let all: Vec<&str> = ALL.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, all);
        for (code, explanation) in ALL {
            let page = page(code).unwrap();
            assert_eq!(page.lines().next(), Some(*explanation), "{code}");
            assert!(page.lines().filter(|l| !l.is_empty()).count() > 1, "{code}");
        }
    }
}
