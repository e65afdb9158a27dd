//! The access policy of a container: nobody but holders of the key and of signatures.

use quick_xml::events::Event;

use super::error::{Code, Refusal};
use super::xml::Element;

/// The body of Get Container ACL.
pub fn document() -> String {
    Element::new("SignedIdentifiers").document()
}

/// Reads the body of Set Container ACL: no body or no policies. Stored policies are refused by name.
pub fn check(body: &str) -> Result<(), Refusal> {
    let invalid = || Refusal::new(Code::InvalidXmlDocument);
    let mut reader = quick_xml::Reader::from_str(body);
    loop {
        match reader.read_event().map_err(|_| invalid())? {
            Event::Start(e) | Event::Empty(e) => match e.name().as_ref() {
                b"SignedIdentifiers" => {}
                b"SignedIdentifier" => {
                    return Err(Refusal::unsupported("stored access policies"));
                }
                _ => return Err(invalid()),
            },
            Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
            Event::Decl(_) | Event::Comment(_) | Event::End(_) => {}
            Event::Eof => return Ok(()),
            _ => return Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        let refused = |body| check(body).map_err(|refusal| refusal.code);
        let written = document();
        for none in [
            written.as_str(),
            "",
            "<SignedIdentifiers> </SignedIdentifiers>",
        ] {
            assert_eq!(refused(none), Ok(()), "{none}");
        }
        let one = "<SignedIdentifiers><SignedIdentifier><Id>x</Id></SignedIdentifier></SignedIdentifiers>";
        assert_eq!(refused(one), Err(Code::NotImplemented));
        for bad in [
            "text",
            "<Other/>",
            "<SignedIdentifiers>x</SignedIdentifiers>",
        ] {
            assert_eq!(refused(bad), Err(Code::InvalidXmlDocument), "{bad}");
        }
    }
}
