//! What exists now: in the account, on this disk, and in the receipt of earlier runs. Reads only; what is not
//! asked for by the desired state is not looked at.

mod collect;
mod outputs;
mod receipt;
mod state;
mod strays;

pub use collect::{Depth, ObserveError, observe, observe_owned};
pub use outputs::check_outputs;
pub use receipt::{OutputReceipt, RECEIPT_PATH, Receipt, ReceiptError, TaskReceipt};
pub use state::{LiveBlob, LiveContainer, LiveTask, LocalOutput, Observed, owner};
pub use strays::Strays;
