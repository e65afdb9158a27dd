//! What the versions of the API differ in. The service is built for the newest; older callers may not use what
//! came later, and do not see it.

use axum::body::Bytes;
use serde_json::{Map, Value};

use crate::wire::batch::error::{Code, Refusal};
use crate::wire::batch::operation::Operation;

/// A version of the API, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V2021_06,
    V2022_01,
    V2022_10,
    V2023_05,
    V2023_11,
    V2024_02,
    V2024_07,
    V2025_06,
}

use Version::{V2022_01, V2024_02, V2024_07, V2025_06};

const NAMES: [(Version, &str); 8] = [
    (Version::V2021_06, "2021-06-01.14.0"),
    (Version::V2022_01, "2022-01-01.15.0"),
    (Version::V2022_10, "2022-10-01.16.0"),
    (Version::V2023_05, "2023-05-01.17.0"),
    (Version::V2023_11, "2023-11-01.18.0"),
    (Version::V2024_02, "2024-02-01.19.0"),
    (Version::V2024_07, "2024-07-01.20.0"),
    (Version::V2025_06, "2025-06-01"),
];

/// Properties that came later than the oldest version, wherever they stand.
const SINCE: [(&str, Version); 17] = [
    ("uploadHeaders", V2022_01),
    ("upgradePolicy", V2024_02),
    ("containerHostBatchBindMounts", V2024_07),
    ("communityGalleryImageId", V2024_07),
    ("sharedGalleryImageId", V2024_07),
    ("deallocated", V2024_07),
    ("deallocating", V2024_07),
    ("jobDefaultOrder", V2025_06),
    ("customerManagedKey", V2025_06),
    ("diskEncryptionSet", V2025_06),
    ("ipv6Address", V2025_06),
    ("ipv6RemoteLoginIPAddress", V2025_06),
    ("ipv6RemoteLoginPort", V2025_06),
    ("ipFamilies", V2025_06),
    ("ipTags", V2025_06),
    ("proxyAgentSettings", V2025_06),
    ("upgradingOS", V2024_02),
];

/// What a pool could not be patched with before 2024-07-01.20.0.
const POOL_PATCH: [&str; 10] = [
    "displayName",
    "enableInterNodeCommunication",
    "mountConfiguration",
    "networkConfiguration",
    "taskSchedulingPolicy",
    "taskSlotsPerNode",
    "upgradePolicy",
    "userAccounts",
    "virtualMachineConfiguration",
    "vmSize",
];

/// What holds names of the caller's own.
const FREE: [&str; 2] = ["settings", "protectedSettings"];

impl Version {
    pub(super) fn named(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(_, n)| *n == name);
        found.map(|(version, _)| *version)
    }

    pub(super) fn all() -> String {
        NAMES.map(|(_, name)| name).join(", ")
    }

    fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(version, _)| *version == self);
        found.map_or("", |(_, name)| name)
    }

    pub(super) fn is_newest(self) -> bool {
        self == V2025_06
    }

    /// Whether the operation is part of this version.
    pub(super) fn has(self, operation: Operation) -> bool {
        let later = matches!(operation, Operation::StartNode | Operation::DeallocateNode);
        !later || self >= V2024_07
    }

    /// Whether the operations of this version take the query parameter.
    pub(super) fn takes(self, parameter: &str) -> bool {
        !parameter.eq_ignore_ascii_case("force") || self >= V2024_07
    }

    /// The feature behind a path that this version has and the newest has not.
    pub(super) fn retired(self, path: &str) -> Option<&'static str> {
        let path = path.to_ascii_lowercase();
        let first = path.split(['/', '(']).nth(1).unwrap_or_default();
        if first == "certificates" && self < V2025_06 {
            return Some("certificates");
        }
        if path.ends_with("/rdp") && self < V2024_07 {
            return Some("remote desktop files");
        }
        let statistics = matches!(first, "lifetimejobstats" | "lifetimepoolstats");
        (statistics && self < Version::V2023_05).then_some("lifetime statistics")
    }

    /// A request body as the newest version would send it.
    pub(super) fn upgrade(self, operation: Operation, body: Bytes) -> Result<Bytes, Refusal> {
        if self.is_newest() {
            return Ok(body);
        }
        // What cannot be read is refused where it is read for good.
        let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
            return Ok(body);
        };
        if let (Value::Object(properties), true) = (&value, self < V2024_07) {
            let later: &[&str] = match operation {
                Operation::UpdatePool => &POOL_PATCH,
                Operation::UpdateJob => &["networkConfiguration"],
                _ => &[],
            };
            for name in later {
                if properties.get(*name).is_some_and(|v| !v.is_null()) {
                    return Err(self.too_early(name));
                }
            }
        }
        self.check(&value, "")?;
        if !change_disks(&mut value, &disk_of_today) {
            return Ok(body);
        }
        Ok(serde_json::to_vec(&value).map_or(body, Bytes::from))
    }

    fn check(self, value: &Value, at: &str) -> Result<(), Refusal> {
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(i, item)| self.check(item, &format!("{at}[{i}]"))),
            Value::Object(properties) => properties.iter().try_for_each(|(name, value)| {
                let path = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                if self.hides(name) && !value.is_null() {
                    return Err(self.too_early(&path));
                }
                match FREE.contains(&name.as_str()) {
                    true => Ok(()),
                    false => self.check(value, &path),
                }
            }),
            _ => Ok(()),
        }
    }

    fn hides(self, property: &str) -> bool {
        SINCE
            .iter()
            .any(|(name, since)| *name == property && self < *since)
    }

    fn too_early(self, property: &str) -> Refusal {
        Refusal::new(Code::UnsupportedProperty)
            .with("PropertyName", property)
            .with(
                "Reason",
                format!("The property is not known to version {}", self.name()),
            )
    }

    /// A resource as this version shows it.
    pub(super) fn downgrade(self, value: &mut Value) {
        if !self.is_newest() {
            self.hide(value);
            change_disks(value, &disk_of_yore);
        }
    }

    fn hide(self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Value::Object(properties) => {
                properties.retain(|name, _| !self.hides(name));
                properties
                    .iter_mut()
                    .filter(|(name, _)| !FREE.contains(&name.as_str()))
                    .for_each(|(_, value)| self.hide(value));
            }
            _ => {}
        }
    }
}

/// Changes each data disk, wherever pools are described; whether there was one to change.
fn change_disks(value: &mut Value, change: &dyn Fn(&mut Map<String, Value>) -> bool) -> bool {
    let mut changed = false;
    match value {
        Value::Array(items) => {
            for item in items {
                changed |= change_disks(item, change);
            }
        }
        Value::Object(properties) => {
            for (name, value) in properties {
                match value {
                    Value::Array(disks) if name == "dataDisks" => {
                        for disk in disks.iter_mut().filter_map(Value::as_object_mut) {
                            changed |= change(disk);
                        }
                    }
                    value => changed |= change_disks(value, change),
                }
            }
        }
        _ => {}
    }
    changed
}

/// Before 2025-06-01 `storageAccountType` was a property of the disk itself.
fn disk_of_today(disk: &mut Map<String, Value>) -> bool {
    let Some(kind) = disk.remove("storageAccountType") else {
        return false;
    };
    let managed = disk
        .entry("managedDisk")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(managed) = managed {
        managed.insert("storageAccountType".to_owned(), kind);
    }
    true
}

fn disk_of_yore(disk: &mut Map<String, Value>) -> bool {
    let Some(Value::Object(mut managed)) = disk.remove("managedDisk") else {
        return false;
    };
    if let Some(kind) = managed.remove("storageAccountType") {
        disk.insert("storageAccountType".to_owned(), kind);
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_of_older_versions() {
        let body = |value: Value| Bytes::from(value.to_string());
        let disk = json!({"virtualMachineConfiguration": {"dataDisks": [
            {"lun": 0, "storageAccountType": "premium_lrs"}]}});
        let new = json!({"virtualMachineConfiguration": {"dataDisks": [
            {"lun": 0, "managedDisk": {"storageAccountType": "premium_lrs"}}]}});
        let upgraded = V2024_07
            .upgrade(Operation::CreatePool, body(disk.clone()))
            .unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&upgraded).unwrap(), new);
        let mut shown = new.clone();
        V2024_07.downgrade(&mut shown);
        assert_eq!(shown, disk);

        let order =
            json!({"taskSchedulingPolicy": {"nodeFillType": "pack", "jobDefaultOrder": "none"}});
        let refused = V2024_07
            .upgrade(Operation::CreatePool, body(order.clone()))
            .unwrap_err();
        assert_eq!(refused.code, Code::UnsupportedProperty);
        assert_eq!(refused.values[0].1, "taskSchedulingPolicy.jobDefaultOrder");
        assert!(
            V2025_06
                .upgrade(Operation::CreatePool, body(order.clone()))
                .is_ok()
        );
        let mut shown = order;
        V2024_07.downgrade(&mut shown);
        assert_eq!(
            shown,
            json!({"taskSchedulingPolicy": {"nodeFillType": "pack"}})
        );

        let size = json!({"vmSize": "x"});
        assert!(
            V2024_02
                .upgrade(Operation::UpdatePool, body(size.clone()))
                .is_err()
        );
        assert!(
            V2024_07
                .upgrade(Operation::UpdatePool, body(size.clone()))
                .is_ok()
        );
        assert!(V2024_02.upgrade(Operation::CreatePool, body(size)).is_ok());
        let free = json!({"extensions": [{"settings": {"ipTags": "mine"}}]});
        assert!(V2022_01.upgrade(Operation::CreatePool, body(free)).is_ok());
        assert!(
            V2022_01
                .upgrade(Operation::CreatePool, Bytes::from("{"))
                .is_ok()
        );
    }

    #[test]
    fn operations_of_versions() {
        assert!(!V2024_02.has(Operation::StartNode) && V2024_07.has(Operation::StartNode));
        assert!(!V2024_02.takes("FORCE") && V2024_07.takes("force"));
        assert!(
            V2024_07
                .retired("/certificates(thumbprintAlgorithm=sha1,thumbprint=a)")
                .is_some()
        );
        assert!(V2025_06.retired("/certificates").is_none());
        assert!(V2024_02.retired("/pools/p/nodes/n/rdp").is_some());
        assert_eq!(Version::named("2025-06-01"), Some(V2025_06));
        assert_eq!(Version::named("2019-08-01.10.0"), None);
    }
}
