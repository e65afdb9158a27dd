//! Insertions into POSIX sh: one word each, and never between quotes of the author's own.

use handlebars::template::TemplateElement;

use super::names::Places;
use crate::diagnostic::{Diagnostic, codes};

/// Quotes text as one word of POSIX sh. Text that needs no quotes stays as it is.
pub fn quote(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./,:=@%+".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Bare,
    Single,
    Double,
    Comment,
}

/// Between quotes, the quotes that come with an insertion would end them, and a file name could run as a command.
pub(super) fn check_insertions(
    template: &handlebars::Template,
    places: &Places<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut state = State::Bare;
    scan(template, places, diagnostics, &mut state);
}

fn scan(
    template: &handlebars::Template,
    places: &Places<'_>,
    diagnostics: &mut Vec<Diagnostic>,
    state: &mut State,
) {
    for (element, position) in template.elements.iter().zip(&template.mapping) {
        match element {
            TemplateElement::RawString(text) => *state = after(text, *state),
            TemplateElement::Expression(_) if matches!(state, State::Single | State::Double) => {
                diagnostics.push(
                    Diagnostic::error(
                        codes::QUOTED_INSERTION,
                        "an insertion stands between quotes",
                    )
                    .label(
                        places.expression(position),
                        "this is quoted for the shell already",
                    )
                    .help(
                        "remove the quotes around it, or write {{{ }}} to insert the text as it is",
                    ),
                );
            }
            TemplateElement::HelperBlock(block) => {
                let mut other = *state;
                if let Some(inner) = &block.template {
                    scan(inner, places, diagnostics, state);
                }
                if let Some(inner) = &block.inverse {
                    scan(inner, places, diagnostics, &mut other);
                }
            }
            _ => {}
        }
    }
}

fn after(text: &str, mut state: State) -> State {
    let mut chars = text.chars();
    let mut word_start = true;
    while let Some(c) = chars.next() {
        let started = word_start;
        word_start = c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(');
        state = match (state, c) {
            (State::Bare | State::Double, '\\') => {
                chars.next();
                state
            }
            (State::Bare, '\'') => State::Single,
            (State::Bare, '"') => State::Double,
            (State::Bare, '#') if started => State::Comment,
            (State::Single, '\'') | (State::Double, '"') | (State::Comment, '\n') => State::Bare,
            (state, _) => state,
        };
    }
    state
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::{State, after, quote};

    fn through_sh(text: &str) -> Vec<u8> {
        let script = format!("printf %s {}", quote(text));
        Command::new("/bin/sh")
            .args(["-c", &script])
            .output()
            .unwrap()
            .stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_quoted_text_reaches_the_program_as_it_was(text in "[^\0]{0,40}") {
            prop_assert_eq!(through_sh(&text), text.as_bytes());
        }
    }

    #[test]
    fn the_awkward_ones() {
        for text in [
            "", "'", "''", "a'b", "$(id)", "`id`", "\\", "a b", "*", "~", "\n", "-n", "é", "#x",
            "!",
        ] {
            assert_eq!(through_sh(text), text.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn quotes_are_followed() {
        for (text, state) in [
            ("echo ", State::Bare),
            ("echo '", State::Single),
            ("echo \"a'", State::Double),
            ("echo 'a' ", State::Bare),
            (r"echo \' ", State::Bare),
            (r#"echo "\""#, State::Double),
            ("# don't\n", State::Bare),
            ("a#b'", State::Single),
        ] {
            assert!(after(text, State::Bare) == state, "{text:?}");
        }
    }
}
