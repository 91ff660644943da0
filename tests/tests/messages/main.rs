//! The messages, codes and reports of both ends, in memory.

mod codes;
mod disclosure;
mod errors;
mod hostile;
mod messages;
mod reports;
mod words;
