//! Writing the small XML documents of Blob Storage, element by element, in the order the service has.

use std::borrow::Cow;
use std::fmt::Write as _;

use quick_xml::escape::escape;

/// An element being written.
pub(super) struct Element {
    name: &'static str,
    attributes: String,
    content: String,
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: String::new(),
            content: String::new(),
        }
    }

    pub(super) fn attribute(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.attributes, " {name}=\"{}\"", clean(value));
        self
    }

    /// A child element that holds text.
    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.content, "<{name}>{}</{name}>", clean(value));
        self
    }

    /// As [`Self::text`], or nothing.
    pub(super) fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn child(mut self, child: Element) -> Self {
        child.write(&mut self.content);
        self
    }

    pub(super) fn children(self, children: impl IntoIterator<Item = Element>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// The text of the element itself.
    pub(super) fn content(mut self, text: &str) -> Self {
        self.content.push_str(&clean(text));
        self
    }

    pub(super) fn document(&self) -> String {
        let mut document = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
        self.write(&mut document);
        document
    }

    fn write(&self, out: &mut String) {
        let Self {
            name,
            attributes,
            content,
        } = self;
        let _ = if content.is_empty() {
            write!(out, "<{name}{attributes} />")
        } else {
            write!(out, "<{name}{attributes}>{content}</{name}>")
        };
    }
}

/// Whether XML 1.0 can hold the character at all, escaped or not.
pub(super) fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(allowed) {
        escape(text)
    } else {
        let kept: String = text.chars().filter(|c| allowed(*c)).collect();
        Cow::Owned(escape(&kept).into_owned())
    }
}
