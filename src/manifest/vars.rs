//! `[vars]` and the `--var` settings that override them.

use std::collections::BTreeMap;

use super::at::{At, Scalar};
use crate::diagnostic::{Diagnostic, codes, nearest};

/// Puts each `--var` in the place of the declared value, read as the declared type.
pub(super) fn override_with(
    vars: &mut BTreeMap<At<String>, At<Scalar>>,
    settings: &[(String, String)],
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, text) in settings {
        let Some((key, declared)) = vars.iter_mut().find(|(k, _)| k.value == *name) else {
            let names: Vec<&str> = vars.keys().map(At::as_str).collect();
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "the manifest has no `[vars]`".to_owned(),
                None => format!("declared are {}", names.join(", ")),
            };
            diagnostics.push(
                Diagnostic::error(
                    codes::UNDECLARED_VAR,
                    format!("`--var {name}=…`: the manifest declares no variable `{name}`"),
                )
                .help(help),
            );
            continue;
        };
        match declared.value.parse_like(text) {
            Some(value) => declared.value = value,
            None => diagnostics.push(
                Diagnostic::error(
                    codes::INVALID_VAR,
                    format!(
                        "`--var {name}={text}`: `{name}` is {}",
                        declared.value.type_name()
                    ),
                )
                .label(key.span.start..declared.span.end, "declared here"),
            ),
        }
    }
}
