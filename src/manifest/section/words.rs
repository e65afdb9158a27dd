//! Values of the REST API as a manifest writes them.

/// An enumeration whose words become values of `$wire`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident as $schema:literal => $wire:ty { $($variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
        // The names are those of the REST API.
        #[allow(clippy::enum_variant_names)]
        #[schemars(rename = $schema)]
        pub(in crate::manifest) enum $name {
            $(#[serde(rename = $word)] $variant,)+
        }

        impl From<$name> for $wire {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => Self::$variant,)+ }
            }
        }
    };
}

pub(super) use words;
