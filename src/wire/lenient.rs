//! Reading what real clients send: `az` writes integers as strings, some SDKs write `null` for an absent list.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<i64, E> {
        Ok(v)
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<i64, E> {
        i64::try_from(v).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(v), &self))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<i64, E> {
        v.trim()
            .parse()
            .map_err(|_| E::invalid_value(de::Unexpected::Str(v), &self))
    }
}

fn narrow<E: de::Error>(v: i64) -> Result<i32, E> {
    i32::try_from(v).map_err(|_| E::invalid_value(de::Unexpected::Signed(v), &"a 32-bit integer"))
}

/// A 32-bit integer, written as a number or as a string.
pub fn int<'de, D: Deserializer<'de>>(d: D) -> Result<i32, D::Error> {
    narrow(d.deserialize_any(Integer)?)
}

struct Wide(i64);

impl<'de> Deserialize<'de> for Wide {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Integer).map(Wide)
    }
}

/// The same, or absent, or `null`.
pub fn opt_int<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i32>, D::Error> {
    Option::<Wide>::deserialize(d)?
        .map(|w| narrow(w.0))
        .transpose()
}

/// A list, where `null` means empty.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(d)?.unwrap_or_default())
}

/// A 64-bit integer, which this API carries as a JSON string.
pub mod int64 {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(v: &i64, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(v)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
        super::Wide::deserialize(d).map(|w| w.0)
    }
}

/// The same, or absent.
pub mod opt_int64 {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(v: &Option<i64>, s: S) -> Result<S::Ok, S::Error> {
        match v {
            Some(v) => s.collect_str(v),
            None => s.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
        Ok(Option::<super::Wide>::deserialize(d)?.map(|w| w.0))
    }
}
