//! Azure Batch over HTTP.
//!
//! A request is authenticated, matched with an operation of `wire::batch::operation`, read into a command for
//! the core, and the reply written down. Every operation of the table gets an answer: those that are not built
//! yet are refused by name. Files of nodes and tasks are read here, from the places the core names.

mod answer;
mod body;
mod command;
mod files;
mod gate;
mod node_request;
mod query;
mod remote_login;
mod reset;
mod server;
mod strict;
#[cfg(test)]
mod tests;
mod version;

pub(in crate::service) use server::{BatchState, router};
