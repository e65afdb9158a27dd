//! What exists now: in the account, on this disk, and in the receipt of earlier runs. Reads only; what is not
//! asked for by the desired state is not looked at.

mod collect;
mod log;
mod marked;
mod outputs;
mod reason;
mod receipt;
mod standing;
mod state;
mod strays;

pub use collect::{Depth, ObserveError, observe, observe_owned};
pub use log::{Stream, read_log};
pub use marked::{Belongings, Kind, Marked, marked};
pub use outputs::check_outputs;
pub use reason::{Reason, TaskStanding, Upstream, own_reasons, reasons, reasons_of_task};
pub use receipt::{OutputReceipt, RECEIPT_PATH, Receipt, ReceiptError, TaskReceipt};
pub use standing::{
    FailedPreparation, Standing, live_job, pool_id, standing, task_standing, tasks,
};
pub use state::{LiveBlob, LiveContainer, LiveTask, LocalOutput, Observed, owner};
pub use strays::Strays;
