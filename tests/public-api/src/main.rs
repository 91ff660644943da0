//! Lists the public items of a crate, one a line, from rustdoc's JSON.

use std::error::Error;

/// The beginnings of implementations that the compiler adds. Nearly every type has them, and an exception is an item of its own: `!Send`.
const ADDED: [&str; 8] = [
    "impl core::marker::Freeze for ",
    "impl core::marker::Send for ",
    "impl core::marker::StructuralPartialEq for ",
    "impl core::marker::Sync for ",
    "impl core::marker::Unpin for ",
    "impl core::marker::UnsafeUnpin for ",
    "impl core::panic::unwind_safe::RefUnwindSafe for ",
    "impl core::panic::unwind_safe::UnwindSafe for ",
];

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("the path of rustdoc's JSON is missing")?;
    let api = public_api::Builder::from_rustdoc_json(path).omit_blanket_impls(true).build()?;
    for item in api.items().map(ToString::to_string) {
        if !ADDED.iter().any(|added| item.starts_with(added)) {
            println!("{item}");
        }
    }
    Ok(())
}
