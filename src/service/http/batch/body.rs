//! JSON bodies: what is wrong is said by name, and nothing is ignored.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::wire::batch::error::{Code, Refusal};

/// Reads a body. An unknown property, a missing one and one of a wrong type are each refused with their path.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::new(Code::InvalidRequestBody)
            .with("Reason", "The operation needs a JSON body"));
    }
    // serde would read an array as the properties in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(
            Refusal::new(Code::InvalidRequestBody).with("Reason", "The body must be a JSON object")
        );
    }
    let mut unknown: Vec<String> = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let ignoring = serde_ignored::Deserializer::new(&mut json, &mut note);
    let value = serde_path_to_error::deserialize(ignoring).map_err(refusal)?;
    json.end().map_err(|e| syntax(&e))?;
    unknown.retain(|path| !is_annotation(path));
    if !unknown.is_empty() {
        let whole = serde_json::from_slice(bytes).map_err(|e| syntax(&e))?;
        unknown.retain(|path| !is_blank(&whole, path));
    }
    match unknown.into_iter().next() {
        Some(path) => Err(Refusal::new(Code::UnsupportedProperty)
            .with("PropertyName", plain_path(&path))
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

/// OData annotations, such as `odata.metadata` and `@odata.type`, carry nothing for us.
fn is_annotation(path: &str) -> bool {
    path.contains("odata.")
}

/// Whether nothing stands there: older SDKs send what has been retired since as `[]` or `null`.
fn is_blank(whole: &Value, path: &str) -> bool {
    let found = path
        .split('.')
        .filter(|part| *part != "?")
        .try_fold(whole, |at, part| match at {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            other => other.get(part),
        });
    match found {
        Some(Value::Null) | None => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

/// serde_ignored puts a `?` where an `Option` is.
fn plain_path(path: &str) -> String {
    path.split('.')
        .filter(|part| *part != "?")
        .collect::<Vec<_>>()
        .join(".")
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
