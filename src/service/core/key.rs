//! Ids: compared without regard to case, kept as they were written. Shared, because a million tasks name them.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! shared_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(in crate::service) struct $name(Arc<str>);

        impl $name {
            pub(in crate::service) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Ok(Self(<std::borrow::Cow<'de, str>>::deserialize(d)?.into()))
            }
        }
    };
}

shared_text!(
    /// An id in lower case: what maps are ordered by.
    Key
);
shared_text!(
    /// An id as its maker wrote it.
    Name
);

impl Key {
    pub(in crate::service) fn of(id: &str) -> Self {
        Self(id.to_ascii_lowercase().into())
    }
}

impl Name {
    pub(in crate::service) fn new(id: &str) -> Self {
        Self(id.into())
    }

    pub(in crate::service) fn key(&self) -> Key {
        if self.0.bytes().any(|b| b.is_ascii_uppercase()) {
            Key::of(&self.0)
        } else {
            Key(Arc::clone(&self.0))
        }
    }
}
