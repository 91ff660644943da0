//! The messages, codes and reports of both ends, in memory, and the secrets that neither types nor programs show.

mod codes;
mod disclosure;
mod errors;
mod forms;
mod hostile;
mod messages;
mod reports;
mod secrets;
mod suites;
mod words;
