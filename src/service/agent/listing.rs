//! The answer of Blob Storage's list operation, as far as staging needs it.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// One page of names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) names: Vec<String>,
    pub(super) next_marker: Option<String>,
}

/// An answer that is no list of blobs.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListingError {
    #[error("the list of blobs is not well-formed XML")]
    Xml(#[from] quick_xml::Error),
    #[error("the list of blobs holds text that cannot be decoded")]
    Encoding(#[from] quick_xml::encoding::EncodingError),
    #[error("the answer is not a list of blobs")]
    NotAList,
}

/// Reads events rather than structs because a name may begin or end with spaces.
pub(super) fn parse(xml: &str) -> Result<Page, ListingError> {
    // Some servers begin with a byte order mark.
    let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}'));
    let mut page = Page::default();
    let mut open: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut encoded = false;
    let mut is_list = false;
    loop {
        match reader.read_event()? {
            Event::Start(element) => {
                encoded = is_encoded(&element);
                open.push(String::from_utf8_lossy(element.name().as_ref()).into_owned());
                is_list |= open == ["EnumerationResults"];
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.decode()?),
            Event::CData(part) => text.push_str(&part.decode()?),
            Event::GeneralRef(reference) => text.extend(resolve(&reference)?),
            Event::End(_) => {
                let path: Vec<&str> = open.iter().map(String::as_str).collect();
                match path.as_slice() {
                    ["EnumerationResults", "Blobs", "Blob", "Name"] => {
                        let name = std::mem::take(&mut text);
                        page.names.push(if encoded { decode(&name) } else { name });
                    }
                    ["EnumerationResults", "NextMarker"] if !text.is_empty() => {
                        page.next_marker = Some(std::mem::take(&mut text));
                    }
                    _ => {}
                }
                open.pop();
            }
            Event::Eof if is_list && open.is_empty() => return Ok(page),
            Event::Eof => return Err(ListingError::NotAList),
            _ => {}
        }
    }
}

/// Names with characters that XML cannot hold are sent percent-encoded and say so.
fn is_encoded(element: &BytesStart<'_>) -> bool {
    element
        .attributes()
        .flatten()
        .any(|a| a.key.as_ref() == b"Encoded" && a.value.eq_ignore_ascii_case(b"true"))
}

fn decode(name: &str) -> String {
    percent_encoding::percent_decode_str(name)
        .decode_utf8_lossy()
        .into_owned()
}

fn resolve(reference: &BytesRef<'_>) -> Result<Option<char>, ListingError> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(Some(character));
    }
    Ok(match &*reference.decode()? {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_marker() {
        let xml = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<EnumerationResults ServiceEndpoint=\"http://h/a\" ContainerName=\"c\">\
            <Prefix>p</Prefix><Blobs>\n  <Blob><Name>a &amp; b&#39;s &lt;1&gt;</Name><Properties><Content-MD5/></Properties>\
            <Metadata><Name>not this</Name></Metadata></Blob>\
            <Blob><Name> x y </Name></Blob><Blob><Name Encoded=\"true\">a%01b%25</Name></Blob></Blobs><NextMarker>2!8</NextMarker></EnumerationResults>";
        let page = parse(xml).unwrap();
        assert_eq!(page.names, ["a & b's <1>", " x y ", "a\u{1}b%"]);
        assert_eq!(page.next_marker.as_deref(), Some("2!8"));
        let last = "<EnumerationResults><Blobs /><NextMarker /></EnumerationResults>";
        assert_eq!(parse(last).unwrap(), Page::default());
    }

    #[test]
    fn no_list() {
        for xml in [
            "",
            "text",
            "<html></html>",
            "<EnumerationResults><Blobs>",
            "<a></b>",
        ] {
            assert!(parse(xml).is_err(), "{xml}");
        }
    }
}
