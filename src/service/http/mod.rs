//! Requests to commands, replies to answers.
