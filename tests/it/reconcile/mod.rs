//! What apply promises, held against the local service in this process: every request failing in turn, ownership,
//! drift, what runs again and why.

mod bad_input;
mod endings;
mod faults;
mod faulty;
mod interrupts;
mod model;
mod ownership;
mod quiet;
mod renewal;
mod rig;
mod saved_plans;
mod two_at_once;
