//! Enumerations of the REST API. Real services and SDKs disagree about case, so reading ignores it and
//! writing uses the casing the service was recorded with.

/// What a caller chooses: a value that is not in the list is an error.
macro_rules! option_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($variant,)+ }

        impl $name {
            /// Every value, in the order of the REST reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value as it stands on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::wire::enumeration::UnknownValue;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|v| v.as_str().eq_ignore_ascii_case(s))
                    .ok_or_else(|| crate::wire::enumeration::UnknownValue::new(s, &[$($text,)+]))
            }
        }

        crate::wire::enumeration::text_serde!($name);
    };
}

/// What the service reports: a value this version does not know is kept as `Unrecognized`.
macro_rules! state_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($variant,)+
            /// A value that this version does not know.
            Unrecognized,
        }

        impl $name {
            /// Every known value, in the order of the REST reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value as it stands on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ Self::Unrecognized => "unrecognized" }
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::wire::enumeration::UnknownValue;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Ok(Self::ALL.iter().copied().find(|v| v.as_str().eq_ignore_ascii_case(s))
                    .unwrap_or(Self::Unrecognized))
            }
        }

        crate::wire::enumeration::text_serde!($name);
    };
}

/// Serde and `Display` by way of `as_str` and `FromStr`.
macro_rules! text_serde {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {option_enum, state_enum, text_serde};

/// A value that is none of an enumeration's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not one of {}", .known.join(", "))]
pub struct UnknownValue {
    pub value: String,
    pub known: Vec<&'static str>,
}

impl UnknownValue {
    pub(crate) fn new(value: &str, known: &[&'static str]) -> Self {
        Self {
            value: value.to_owned(),
            known: known.to_vec(),
        }
    }
}
