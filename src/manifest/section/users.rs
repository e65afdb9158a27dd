//! `[[pool.user_accounts]]`: named users on every node.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::start_task::ElevationLevel;
use super::words::words;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::at::At;
use crate::manifest::check::Checker;
use crate::wire::batch::command as wire;

/// A named user on every node.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "user_account")]
pub(in crate::manifest) struct RawUserAccount {
    /// Unique in the pool.
    #[schemars(extend("x-limit" = "1 to 20 characters"))]
    name: At<String>,
    /// Give it with `--var`.
    password: At<String>,
    /// Its rights; default `nonadmin`.
    elevation_level: Option<ElevationLevel>,
    /// For Linux.
    linux_user_configuration: Option<At<RawLinuxUser>>,
    /// For Windows.
    windows_user_configuration: Option<At<RawWindowsUser>>,
}

/// For Linux.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "linux_user_configuration")]
pub(in crate::manifest) struct RawLinuxUser {
    /// The user's number; goes with `gid`.
    #[schemars(range(min = 0))]
    uid: Option<i32>,
    /// The group's number; goes with `uid`.
    #[schemars(range(min = 0))]
    gid: Option<i32>,
    /// What the user reaches the other nodes of the pool with. Give it with `--var`.
    ssh_private_key: Option<At<String>>,
}

/// For Windows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "windows_user_configuration")]
pub(in crate::manifest) struct RawWindowsUser {
    /// How the user logs in; default `batch`.
    login_mode: Option<LoginMode>,
}

words! {
    /// How a user logs in on Windows.
    LoginMode as "login_mode" => wire::LoginMode {
        Batch = "batch",
        Interactive = "interactive",
    }
}

const LONGEST_NAME: usize = 20;

/// All of them, each name once.
pub(super) fn check(
    raw: &[At<RawUserAccount>],
    checker: &mut Checker<'_>,
) -> Vec<wire::UserAccount> {
    let mut seen: BTreeMap<String, &At<String>> = BTreeMap::new();
    let mut checked = Vec::new();
    for user in raw {
        let Some(account) = user.value.check(checker) else {
            continue;
        };
        if let Some(first) = seen.insert(account.name.clone(), &user.value.name) {
            checker.report(
                Diagnostic::error(codes::DUPLICATE_NAME, "two users have one name")
                    .label(user.value.name.span.clone(), "this one")
                    .label(first.span.clone(), "and this one"),
            );
        }
        checked.push(account);
    }
    checked
}

impl RawUserAccount {
    fn check(&self, checker: &mut Checker<'_>) -> Option<wire::UserAccount> {
        let name = checker.text(&self.name)?;
        if name.value.is_empty() || name.value.chars().count() > LONGEST_NAME {
            let message = "the name of a user has 1 to 20 characters";
            checker.error(codes::INVALID_NAME, message, &name.span, "not allowed");
        }
        if let (Some(linux), Some(_)) = (
            &self.linux_user_configuration,
            &self.windows_user_configuration,
        ) {
            checker.error(
                codes::CONFLICTING_KEYS,
                "a pool runs Linux or Windows",
                &linux.span,
                "excludes `windows_user_configuration`",
            );
        }
        let linux = self.linux_user_configuration.as_ref().map(|linux| {
            if linux.value.uid.is_some() != linux.value.gid.is_some() && checker.whole {
                checker.error(
                    codes::MISSING_KEY,
                    "`uid` and `gid` are given together or not at all",
                    &linux.span,
                    "one of them is missing here",
                );
            }
            let key = linux.value.ssh_private_key.as_ref();
            wire::LinuxUserConfiguration {
                uid: linux.value.uid,
                gid: linux.value.gid,
                ssh_private_key: key.and_then(|k| checker.secret(k)),
            }
        });
        let windows = self.windows_user_configuration.as_ref();
        Some(wire::UserAccount {
            name: name.value,
            password: Some(checker.secret(&self.password)?),
            elevation_level: self.elevation_level.map(Into::into),
            linux_user_configuration: linux,
            windows_user_configuration: windows.map(|w| wire::WindowsUserConfiguration {
                login_mode: w.value.login_mode.map(Into::into),
            }),
        })
    }
}

impl From<ElevationLevel> for wire::ElevationLevel {
    fn from(level: ElevationLevel) -> Self {
        match level {
            ElevationLevel::NonAdmin => Self::NonAdmin,
            ElevationLevel::Admin => Self::Admin,
        }
    }
}
