//! JSON bodies: what is wrong is said by name, and nothing is ignored.

use serde::de::DeserializeOwned;
use serde_ignored::Path;
use serde_json::Value;

use super::strict::Strict;
use crate::wire::batch::error::{Code, Refusal};

/// What older SDKs still send, empty, of properties that have been retired.
const RETIRED: [&str; 6] = [
    "applicationLicenses",
    "authenticationTokenSettings",
    "certificateReferences",
    "cloudServiceConfiguration",
    "resourceTags",
    "targetNodeCommunicationMode",
];

/// Reads a body. An unknown property, a missing one and one of a wrong type are each refused with their path.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::new(Code::InvalidRequestBody)
            .with("Reason", "The operation needs a JSON body"));
    }
    let whole: Value = serde_json::from_slice(bytes).map_err(|e| syntax(&e))?;
    if !whole.is_object() {
        return Err(
            Refusal::new(Code::InvalidRequestBody).with("Reason", "The body must be a JSON object")
        );
    }
    let mut unknown: Vec<String> = Vec::new();
    // By its trait: a closure's own type would make all the code below anew for each kind of body.
    let mut note: &mut dyn FnMut(Path<'_>) = &mut |path| {
        if !may_be_ignored(&whole, &path) {
            unknown.push(name(&path));
        }
    };
    let ignoring = serde_ignored::Deserializer::new(Strict(&whole), &mut note);
    let value = serde_path_to_error::deserialize(ignoring).map_err(refusal)?;
    match unknown.into_iter().next() {
        Some(path) => Err(Refusal::new(Code::UnsupportedProperty)
            .with("PropertyName", path)
            .with(
                "Reason",
                "The property is not known to this version of the API",
            )),
        None => Ok(value),
    }
}

/// Reads a body that may be left out.
pub(super) fn read_optional<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T, Refusal> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    read(bytes)
}

/// OData annotations, such as `odata.metadata` and `x@odata.type`, carry nothing for us, and neither does a
/// retired property with nothing in it.
fn may_be_ignored(whole: &Value, path: &Path<'_>) -> bool {
    let Path::Map { key, .. } = path else {
        return false;
    };
    let is_annotation = key.starts_with("odata.") || key.contains("@odata.");
    is_annotation || RETIRED.contains(&key.as_str()) && find(whole, path).is_none_or(is_blank)
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn find<'a>(whole: &'a Value, path: &Path<'_>) -> Option<&'a Value> {
    match path {
        Path::Root => Some(whole),
        Path::Seq { parent, index } => find(whole, parent)?.get(index),
        Path::Map { parent, key } => find(whole, parent)?.get(key),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => find(whole, parent),
    }
}

/// As in `startTask.resourceFiles[0].httpUrl`.
fn name(path: &Path<'_>) -> String {
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", name(parent)),
        Path::Map { parent, key } => match name(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => name(parent),
    }
}

fn syntax(error: &serde_json::Error) -> Refusal {
    Refusal::new(Code::InvalidRequestBody).with("Reason", error.to_string())
}

fn refusal(error: serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let path = error.path().to_string();
    let inner = error.into_inner();
    if !inner.is_data() {
        return syntax(&inner);
    }
    let text = inner.to_string();
    if let Some(field) = text
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        let name = if path == "." {
            field.to_owned()
        } else {
            format!("{path}.{field}")
        };
        return Refusal::new(Code::MissingRequiredProperty).with("PropertyName", name);
    }
    if path == "." {
        return syntax(&inner);
    }
    Refusal::property(&path, "", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::batch::pool::PoolCreate;

    fn refused(body: &str) -> (Code, String) {
        let refusal = read::<PoolCreate>(body.as_bytes()).expect_err(body);
        let value = |name: &str| {
            let found = refusal.values.iter().find(|(k, _)| k == name);
            found.map(|(_, v)| v.clone())
        };
        let said = value("PropertyName").or_else(|| value("Reason"));
        (refusal.code, said.unwrap_or_default())
    }

    #[test]
    fn each_mistake_by_its_name() {
        for (body, code, said) in [
            (
                "",
                Code::InvalidRequestBody,
                "The operation needs a JSON body",
            ),
            ("{\"id\": ", Code::InvalidRequestBody, "EOF while parsing"),
            ("[]", Code::InvalidRequestBody, "The body must be"),
            ("{}", Code::MissingRequiredProperty, "id"),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\"} x",
                Code::InvalidRequestBody,
                "trailing characters",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\",\"startTask\":{}}",
                Code::MissingRequiredProperty,
                "startTask.commandLine",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":3}",
                Code::InvalidPropertyValue,
                "vmSize",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\",\"metadata\":[{\"name\":\"a\",\"value\":1}]}",
                Code::InvalidPropertyValue,
                "metadata[0].value",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\",\"colour\":\"red\"}",
                Code::UnsupportedProperty,
                "colour",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\",\"startTask\":{\"commandLine\":\"x\",\"n\":1}}",
                Code::UnsupportedProperty,
                "startTask.n",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\",\"startTask\":[\"/bin/true\"]}",
                Code::InvalidPropertyValue,
                "startTask",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\",\"metadata\":[[\"a\",\"b\"]]}",
                Code::InvalidPropertyValue,
                "metadata[0]",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\",\"colour\":null}",
                Code::UnsupportedProperty,
                "colour",
            ),
            (
                "{\"id\":\"p\",\"vmSize\":\"x\",\"metadata\":[{\"name\":\"a\",\"value\":\"b\",\"n\":[]}]}",
                Code::UnsupportedProperty,
                "metadata[0].n",
            ),
        ] {
            let (got, text) = refused(body);
            assert_eq!(got, code, "{body}: {text}");
            assert!(text.starts_with(said), "{body}: {text}");
        }
        let odata = b"{\"id\":\"p\",\"vmSize\":\"x\",\"odata.metadata\":\"y\"}";
        assert!(read::<PoolCreate>(odata).is_ok());
        let retired = br#"{"id":"p","vmSize":"x","certificateReferences":[],"resourceTags":null}"#;
        assert!(read::<PoolCreate>(retired).is_ok());
        let used = br#"{"id":"p","vmSize":"x","certificateReferences":[{"thumbprint":"1"}]}"#;
        assert!(read::<PoolCreate>(used).is_err());
    }
}
