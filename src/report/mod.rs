//! What happens, for people and for machines. It prints what it is given and decides nothing.

pub mod diagnostic;
