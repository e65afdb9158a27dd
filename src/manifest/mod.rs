//! Text to a checked document: every problem in one pass, each pointing at its place.
//!
//! Four passes over one text: TOML with recovery ([`document`]), the shape against the JSON Schema of the raw
//! structs ([`shape`]), serde into the raw structs, then the checks that no schema can express. Each section of a
//! manifest has one file under [`section`], with its raw shape, its checked type and its check side by side.
//!
//! This room reads no files and knows no account: whether a glob matches anything is `inputs`' business, and what
//! a template yields for each file is `desired`'s.

mod at;
mod check;
mod document;
mod duration;
mod keys;
mod load;
mod property;
mod retired;
pub mod section;
mod shape;
pub mod template;
mod vars;

pub use at::{At, OneOrMany, Scalar};
pub use keys::{Key, keys};
pub use load::{Manifest, load, schema, schema_text};
pub use property::{Origin, Resource, origin};
pub use section::account::Account;
pub use section::cleanup::{Cleanup, Policy};
pub use section::command::{
    CommandLine, Environment, OutputFile, ResourceFile, ResourceSource, UploadCondition,
};
pub use section::container_settings::{ApplicationPackage, ContainerSettings, WorkingDirectory};
pub use section::containers::Container;
pub use section::depends_on::DependsOn;
pub use section::download::Download;
pub use section::for_each::{Filter, ForEach, ItemSource};
pub use section::job::{Job, OnAllTasksComplete, OnTaskFailure};
pub use section::job_tasks::{Chore, Constraints, ManagerTask, PreparationTask, ReleaseTask};
pub use section::logs::Logs;
pub use section::multi_instance::MultiInstance;
pub use section::pool::{AutoScale, Image, Machine, NodeFillType, Pool};
pub use section::prices::Prices;
pub use section::schedule::Schedule;
pub use section::start_task::{AutoUserScope, ElevationLevel, StartTask, UserIdentity};
pub use section::tasks::Factory;
pub use section::uploads::Upload;
pub use section::values::{Axis, MOST_ITEMS, Values};
pub use template::{Bindings, Template};
