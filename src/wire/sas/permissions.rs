//! What a signature allows.

use std::fmt;
use std::str::FromStr;

macro_rules! permissions {
    ($($name:ident $letter:literal)+) => {
        /// One right, by its letter in `sp`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Permission { $($name,)+ }

        impl Permission {
            /// Every right, in the order in which `sp` lists them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub fn letter(self) -> char {
                match self { $(Self::$name => $letter,)+ }
            }
        }
    };
}

permissions! {
    Read 'r'
    Add 'a'
    Create 'c'
    Write 'w'
    Delete 'd'
    DeleteVersion 'x'
    PermanentDelete 'y'
    List 'l'
    Tags 't'
    Filter 'f'
    Move 'm'
    Execute 'e'
    Ownership 'o'
    ModifyPermissions 'p'
    Immutability 'i'
    Update 'u'
    Process 'z'
}

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// To fetch one blob.
    pub const READ: Self = Self::one(Permission::Read);
    /// To find and fetch the blobs of a container.
    pub const READ_LIST: Self = Self::READ.and(Permission::List);
    /// To put blobs into a container.
    pub const ADD_CREATE_WRITE: Self = Self::one(Permission::Add)
        .and(Permission::Create)
        .and(Permission::Write);

    pub const fn one(permission: Permission) -> Self {
        Self(1 << permission as u32)
    }

    pub const fn and(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u32)
    }

    pub fn contains(self, permission: Permission) -> bool {
        self.0 & 1 << permission as u32 != 0
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = Permission::ALL.iter().filter(|p| self.contains(**p));
        f.pad(&held.map(|p| p.letter()).collect::<String>())
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

/// A letter that is no right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a permission of a shared access signature")]
pub struct UnknownPermission(pub char);

impl FromStr for Permissions {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        text.chars().try_fold(Self::default(), |held, letter| {
            Permission::ALL
                .iter()
                .find(|p| p.letter() == letter)
                .map(|p| held.and(*p))
                .ok_or(UnknownPermission(letter))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        assert_eq!(Permissions::READ_LIST.to_string(), "rl");
        assert_eq!(Permissions::ADD_CREATE_WRITE.to_string(), "acw");
        let all: Permissions = "racwdxyltfmeopiuz".parse().unwrap();
        assert_eq!(all.to_string(), "racwdxyltfmeopiuz");
        assert_eq!("lr".parse::<Permissions>(), Ok(Permissions::READ_LIST));
        assert_eq!("rq".parse::<Permissions>(), Err(UnknownPermission('q')));
        assert!(!Permissions::READ.contains(Permission::Write));
    }
}
