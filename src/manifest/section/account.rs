//! `[account]`: with it, a manifest runs on Azure. Keys and tokens never stand in a manifest.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::at::At;
use crate::manifest::check::Checker;

/// The Azure accounts to use. Without this section the manifest runs on the local service; credentials come from
/// the environment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "account")]
pub(in crate::manifest) struct RawAccount {
    /// The name of the Batch account; default: `AZURE_BATCH_ACCOUNT`.
    batch_account: Option<At<String>>,
    /// The URL of the Batch account; default: `AZURE_BATCH_ENDPOINT`.
    batch_endpoint: Option<At<String>>,
    /// The region of the Batch account, such as `westeurope`: in the public cloud it does for the endpoint.
    location: Option<At<String>>,
    /// The name of the storage account; default: `AZURE_STORAGE_ACCOUNT`.
    storage_account: Option<At<String>>,
    /// The URL of the blob service, for other clouds than the public one.
    storage_endpoint: Option<At<String>>,
}

/// What the manifest says about the accounts; the rest comes from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub batch_account: Option<At<String>>,
    pub batch_endpoint: Option<At<String>>,
    pub location: Option<At<String>>,
    pub storage_account: Option<At<String>>,
    pub storage_endpoint: Option<At<String>>,
}

impl RawAccount {
    pub(in crate::manifest) fn check(&self, checker: &mut Checker<'_>) -> Account {
        Account {
            batch_account: name(self.batch_account.as_ref(), checker),
            batch_endpoint: endpoint(self.batch_endpoint.as_ref(), checker),
            location: checker.opt_text(self.location.as_ref()),
            storage_account: name(self.storage_account.as_ref(), checker),
            storage_endpoint: endpoint(self.storage_endpoint.as_ref(), checker),
        }
    }
}

/// A name of 3 to 24 lower-case letters and digits, the rule of both kinds of accounts.
fn name(raw: Option<&At<String>>, checker: &mut Checker<'_>) -> Option<At<String>> {
    let name = checker.opt_text(raw)?;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if (3..=24).contains(&name.as_str().len()) && name.as_str().bytes().all(allowed) {
        return Some(name);
    }
    let message = format!("\"{}\" is not the name of an account", name.as_str());
    let help = match name.as_str().split_once('.') {
        Some((first, _)) => format!(
            "the name is the part before the first dot, \"{}\"; the whole address belongs to the key for the endpoint",
            first.rsplit('/').next().unwrap_or_default()
        ),
        None => "an account name has 3 to 24 lower-case letters and digits".to_owned(),
    };
    checker.report(
        Diagnostic::error(codes::INVALID_ACCOUNT_NAME, message)
            .label(name.span, "not a name")
            .help(help),
    );
    None
}

fn endpoint(raw: Option<&At<String>>, checker: &mut Checker<'_>) -> Option<At<String>> {
    let url = checker.opt_text(raw)?;
    if is_url(url.as_str()) {
        return Some(url);
    }
    checker.report(
        Diagnostic::error(
            codes::INVALID_URL,
            format!("\"{}\" is not a URL", url.as_str()),
        )
        .label(url.span, "not a URL")
        .help("write it with https://"),
    );
    None
}

pub(super) fn is_url(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}
