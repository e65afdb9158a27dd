//! Block ids and the two block list documents.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};

use super::error::{Code, Refusal};
use super::xml::Element;

/// How many blocks a blob may be made of.
pub const MAX_COMMITTED_BLOCKS: usize = 50_000;
/// How many blocks may wait to be committed.
pub const MAX_UNCOMMITTED_BLOCKS: usize = 100_000;

/// A block id: Base64 of at most 64 bytes, kept as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockId(String);

impl BlockId {
    pub fn new(text: &str) -> Result<Self, Refusal> {
        let decoded = STANDARD.decode(text).map_err(|_| Code::InvalidBlockId)?;
        if decoded.is_empty() {
            return Err(Code::InvalidBlockId.into());
        }
        if decoded.len() > 64 {
            return Err(Code::OutOfRangeInput.into());
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ids of one blob all have to be of the same length.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: an empty id cannot be made.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a block list looks for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Committed,
    Uncommitted,
    /// Uncommitted if there is one, else committed.
    Latest,
}

/// Which blocks a client asks to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListType {
    Committed,
    Uncommitted,
    All,
}

impl ListType {
    /// Reads `blocklisttype`; the default is committed.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "" | "committed" => Some(Self::Committed),
            "uncommitted" => Some(Self::Uncommitted),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// Reads the body of Put Block List: the order of the blocks is that of the blob.
pub fn parse_block_list(body: &str) -> Result<Vec<(Source, BlockId)>, Refusal> {
    let invalid = || Refusal::new(Code::InvalidXmlDocument);
    let mut reader = quick_xml::Reader::from_str(body);
    let mut blocks = Vec::new();
    let mut place = Place::Before;
    loop {
        place = match (place, reader.read_event().map_err(|_| invalid())?) {
            (Place::Before, Event::Start(start)) if start.name().as_ref() == b"BlockList" => {
                Place::Inside
            }
            (Place::Before, Event::Empty(empty)) if empty.name().as_ref() == b"BlockList" => {
                Place::After
            }
            (Place::Inside, Event::Start(start)) => {
                let source = match start.name().as_ref() {
                    b"Committed" => Source::Committed,
                    b"Uncommitted" => Source::Uncommitted,
                    b"Latest" => Source::Latest,
                    _ => return Err(invalid()),
                };
                let text = reader.read_text(start.name()).map_err(|_| invalid())?;
                let text = text.decode().map_err(|_| invalid())?;
                let text = quick_xml::escape::unescape(&text).map_err(|_| invalid())?;
                if blocks.len() == MAX_COMMITTED_BLOCKS {
                    return Err(Code::BlockListTooLong.into());
                }
                blocks.push((source, BlockId::new(text.trim())?));
                Place::Inside
            }
            (Place::Inside, Event::Empty(_)) => return Err(Code::InvalidBlockId.into()),
            (Place::Inside, Event::End(_)) => Place::After,
            (Place::After, Event::Eof) => return Ok(blocks),
            (place, Event::Text(text)) if text.iter().all(u8::is_ascii_whitespace) => place,
            (place, Event::Decl(_) | Event::Comment(_)) => place,
            _ => return Err(invalid()),
        }
    }
}

/// Where in the document we are.
#[derive(Clone, Copy)]
enum Place {
    Before,
    Inside,
    After,
}

/// Writes the answer of Get Block List. None leaves a list out.
pub fn block_list(
    committed: Option<&[(BlockId, u64)]>,
    uncommitted: Option<&[(BlockId, u64)]>,
) -> String {
    let list = |name, blocks: &[(BlockId, u64)]| {
        Element::new(name).children(blocks.iter().map(|(id, size)| {
            Element::new("Block")
                .text("Name", id.as_str())
                .text("Size", &size.to_string())
        }))
    };
    Element::new("BlockList")
        .children(committed.map(|blocks| list("CommittedBlocks", blocks)))
        .children(uncommitted.map(|blocks| list("UncommittedBlocks", blocks)))
        .document()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_ids() {
        for good in ["QQ==", "MDAwMDAw", &STANDARD.encode([0; 64])] {
            assert_eq!(BlockId::new(good).unwrap().as_str(), good);
        }
        for (bad, code) in [
            ("", Code::InvalidBlockId),
            ("Q", Code::InvalidBlockId),
            ("not base64", Code::InvalidBlockId),
            (&STANDARD.encode([0; 65]), Code::OutOfRangeInput),
        ] {
            assert_eq!(BlockId::new(bad).unwrap_err().code, code, "{bad}");
        }
    }

    #[test]
    fn lists_are_read() {
        let body = "\u{feff}<?xml version='1.0' encoding='utf-8'?>\n<BlockList>\n <Latest>QQ==</Latest><Committed>Qg==</Committed>\
                    <Uncommitted> QQ&#61;= </Uncommitted></BlockList>";
        let blocks = parse_block_list(body.trim_start_matches('\u{feff}')).unwrap();
        let shown: Vec<_> = blocks.iter().map(|(s, id)| (*s, id.as_str())).collect();
        assert_eq!(
            shown,
            [
                (Source::Latest, "QQ=="),
                (Source::Committed, "Qg=="),
                (Source::Uncommitted, "QQ==")
            ]
        );
        for empty in ["<BlockList/>", "<BlockList></BlockList>"] {
            assert_eq!(parse_block_list(empty).unwrap(), []);
        }
    }

    #[test]
    fn bad_lists_are_refused() {
        for (body, code) in [
            ("", Code::InvalidXmlDocument),
            ("text", Code::InvalidXmlDocument),
            ("<BlockList>", Code::InvalidXmlDocument),
            (
                "<BlockList><Latest>QQ==</BlockList>",
                Code::InvalidXmlDocument,
            ),
            ("<Blocks></Blocks>", Code::InvalidXmlDocument),
            (
                "<BlockList><Other>QQ==</Other></BlockList>",
                Code::InvalidXmlDocument,
            ),
            ("<BlockList>QQ==</BlockList>", Code::InvalidXmlDocument),
            (
                "<BlockList><Latest>no!</Latest></BlockList>",
                Code::InvalidBlockId,
            ),
            ("<BlockList><Latest/></BlockList>", Code::InvalidBlockId),
            (
                "<!DOCTYPE x [<!ENTITY a 'b'>]><BlockList></BlockList>",
                Code::InvalidXmlDocument,
            ),
        ] {
            let refusal = parse_block_list(body).unwrap_err();
            assert_eq!(refusal.code, code, "{body}");
        }
        let many = format!(
            "<BlockList>{}</BlockList>",
            "<Latest>QQ==</Latest>".repeat(MAX_COMMITTED_BLOCKS + 1)
        );
        assert_eq!(
            parse_block_list(&many).unwrap_err().code,
            Code::BlockListTooLong
        );
    }

    #[test]
    fn lists_are_written() {
        let id = BlockId::new("QQ==").unwrap();
        assert_eq!(
            block_list(Some(&[(id, 7)]), Some(&[])),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><CommittedBlocks><Block><Name>QQ==</Name><Size>7</Size></Block></CommittedBlocks>\
             <UncommittedBlocks /></BlockList>"
        );
    }
}
