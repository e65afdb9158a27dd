//! Whether a live resource holds what was asked for: in JSON, property by property. What the service adds is not
//! looked at, and neither is what it never shows.

use serde::Serialize;
use serde_json::Value;

/// Properties that the service takes and does not show again.
const HIDDEN: &[&str] = &[
    "password",
    "accountKey",
    "sasKey",
    "sshPrivateKey",
    "protectedSettings",
];

pub(super) fn holds<T: Serialize>(live: &T, wanted: &T) -> bool {
    let json = |value: &T| serde_json::to_value(value).unwrap_or_default();
    let wanted = json(wanted);
    let is_left_out = wanted.as_array().is_some_and(Vec::is_empty);
    is_left_out || covers(&json(live), &wanted)
}

fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (_, Value::Null) => true,
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .filter(|(name, _)| !HIDDEN.contains(&name.as_str()))
            .all(|(name, value)| covers(live.get(name).unwrap_or(&Value::Null), value)),
        (Value::Null, Value::Object(wanted)) => wanted.values().all(|v| covers(&Value::Null, v)),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(l, w)| covers(l, w))
        }
        (Value::Null, Value::Array(wanted)) => wanted.is_empty(),
        // Resource ids and Azure's own words come back in other cases.
        (Value::String(live), Value::String(wanted)) => live.eq_ignore_ascii_case(wanted),
        (live, wanted) => live == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::covers;

    #[test]
    fn what_the_service_adds_and_hides_is_no_difference() {
        let live = json!({ "a": "X", "b": [{ "n": 1, "more": true }], "c": 2 });
        for wanted in [
            json!({ "a": "x" }),
            json!({ "b": [{ "n": 1, "password": "p" }] }),
            json!({ "d": [], "e": null, "f": {} }),
        ] {
            assert!(covers(&live, &wanted), "{wanted}");
        }
        for wanted in [
            json!({ "a": "y" }),
            json!({ "b": [] }),
            json!({ "b": [{ "n": 2 }] }),
            json!({ "d": 1 }),
            json!({ "d": { "e": 1 } }),
        ] {
            assert!(!covers(&live, &wanted), "{wanted}");
        }
    }
}
