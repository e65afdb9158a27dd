//! The properties of the whole service: all that is there to be switched on is off.

use quick_xml::events::Event;

use super::error::{Code, Refusal};
use super::xml::Element;

/// The sections, in the order of the service.
const SECTIONS: &[&str] = &[
    "Logging",
    "HourMetrics",
    "MinuteMetrics",
    "Cors",
    "DefaultServiceVersion",
    "DeleteRetentionPolicy",
    "StaticWebsite",
];

/// The switches within them.
const SWITCHES: &[&str] = &[
    "Enabled",
    "Delete",
    "Read",
    "Write",
    "IncludeAPIs",
    "AllowPermanentDelete",
];

/// The body of Get Blob Service Properties.
pub fn document() -> String {
    let off = |name| Element::new(name).text("Enabled", "false");
    let metrics = |name| {
        Element::new(name)
            .text("Version", "1.0")
            .text("Enabled", "false")
            .child(off("RetentionPolicy"))
    };
    let logging = Element::new("Logging")
        .text("Version", "1.0")
        .text("Delete", "false")
        .text("Read", "false")
        .text("Write", "false")
        .child(off("RetentionPolicy"));
    Element::new("StorageServiceProperties")
        .child(logging)
        .child(metrics("HourMetrics"))
        .child(metrics("MinuteMetrics"))
        .child(Element::new("Cors"))
        .child(off("DeleteRetentionPolicy"))
        .child(off("StaticWebsite"))
        .document()
}

/// Reads the body of Set Blob Service Properties: it may say what is so anyway. Anything else is refused by name.
pub fn check(body: &str) -> Result<(), Refusal> {
    let invalid = || Refusal::new(Code::InvalidXmlDocument);
    let mut reader = quick_xml::Reader::from_str(body);
    let mut path: Vec<String> = Vec::new();
    let mut is_begun = false;
    loop {
        match reader.read_event().map_err(|_| invalid())? {
            Event::Start(start) => {
                let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                if path.is_empty() && (is_begun || name != "StorageServiceProperties") {
                    return Err(invalid());
                }
                is_begun = true;
                path.push(name);
                check_section(&path)?;
            }
            Event::Empty(empty) => {
                let name = String::from_utf8_lossy(empty.name().as_ref()).into_owned();
                if path.is_empty() && (is_begun || name != "StorageServiceProperties") {
                    return Err(invalid());
                }
                is_begun = true;
                path.push(name);
                check_section(&path)?;
                path.pop();
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|_| invalid())?;
                if !text.trim().is_empty() {
                    if path.len() < 2 {
                        return Err(invalid());
                    }
                    check_value(&path, text.trim())?;
                }
            }
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof if is_begun && path.is_empty() => return Ok(()),
            _ => return Err(invalid()),
        }
    }
}

fn check_section(path: &[String]) -> Result<(), Refusal> {
    match path {
        [_, section] if !SECTIONS.contains(&section.as_str()) => {
            Err(Refusal::new(Code::InvalidXmlDocument).with("Reason", format!("no <{section}>")))
        }
        [_, section, rule, ..] if section == "Cors" => Err(refused(&[section, rule])),
        _ => Ok(()),
    }
}

fn check_value(path: &[String], value: &str) -> Result<(), Refusal> {
    let name = path.last().map(String::as_str).unwrap_or_default();
    let is_so = match name {
        "Version" => true,
        name if SWITCHES.contains(&name) => value.eq_ignore_ascii_case("false"),
        _ => false,
    };
    if is_so {
        return Ok(());
    }
    let inner: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
    Err(refused(&inner))
}

fn refused(path: &[&str]) -> Refusal {
    let path = path.join("/");
    Refusal::unsupported(&format!(
        "service properties other than the default: {path}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_so_may_be_said() {
        for body in [
            document().as_str(),
            "<StorageServiceProperties/>",
            "<?xml version=\"1.0\"?><StorageServiceProperties>\n <Cors />\n <HourMetrics><Version>1.0</Version>\
             <Enabled>false</Enabled></HourMetrics></StorageServiceProperties>",
        ] {
            assert_eq!(check(body), Ok(()), "{body}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for (inside, code, mentions) in [
            (
                "<Logging><Read>true</Read></Logging>",
                Code::NotImplemented,
                "Logging/Read",
            ),
            (
                "<HourMetrics><RetentionPolicy><Enabled>false</Enabled><Days>7</Days></RetentionPolicy></HourMetrics>",
                Code::NotImplemented,
                "HourMetrics/RetentionPolicy/Days",
            ),
            (
                "<Cors><CorsRule><AllowedOrigins>*</AllowedOrigins></CorsRule></Cors>",
                Code::NotImplemented,
                "Cors/CorsRule",
            ),
            (
                "<DefaultServiceVersion>2021-12-02</DefaultServiceVersion>",
                Code::NotImplemented,
                "DefaultServiceVersion",
            ),
            (
                "<StaticWebsite><Enabled>true</Enabled></StaticWebsite>",
                Code::NotImplemented,
                "StaticWebsite/Enabled",
            ),
            ("<Other/>", Code::InvalidXmlDocument, "Other"),
            ("text", Code::InvalidXmlDocument, ""),
            ("<Logging>", Code::InvalidXmlDocument, ""),
        ] {
            let body = format!("<StorageServiceProperties>{inside}</StorageServiceProperties>");
            let refusal = check(&body).unwrap_err();
            assert_eq!(refusal.code, code, "{inside}");
            let details = format!("{:?}", refusal.details);
            assert!(details.contains(mentions), "{inside}: {details}");
        }
        for body in ["", "text", "<Other/>", "<StorageServiceProperties>"] {
            assert_eq!(check(body).unwrap_err().code, Code::InvalidXmlDocument);
        }
    }
}
