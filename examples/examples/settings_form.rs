//! A settings page on which a package's owner configures a publisher: one form for every platform, with what is wrong
//! beside each field.
//!
//! `cargo run --example settings_form -- github repository=acme/widget workflow=publish ref_protected=true`

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;

use oidc_core::{FieldType, InvalidPublisher, Provider, PublisherField};
use serde_json::Value;

/// The texts that were typed, by the keys of their fields.
type Typed = BTreeMap<String, String>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let provider = oidc_providers::public(&arguments.next().ok_or("which platform?")?)?;
    let pairs =
        arguments.filter_map(|pair| pair.split_once('=').map(|(key, text)| (key.into(), text.into())));
    let typed: Typed = pairs.collect();
    let mut out = std::io::stdout();
    match config(&*provider, &typed) {
        // Here the registry stores it, with `Trust::prepare` and `Trust::add`.
        Ok(config) => writeln!(out, "{config:#}")?,
        Err(invalid) => writeln!(out, "{}", form(&*provider, &typed, Some(&invalid)))?,
    }
    Ok(())
}

/// The configuration that was typed, or everything that is wrong with it.
pub(crate) fn config(provider: &dyn Provider, typed: &Typed) -> Result<Value, InvalidPublisher> {
    let fields = provider.publisher_fields().iter();
    let value = |field: &PublisherField| Some((field.key.to_owned(), field.value_of(typed.get(field.key)?)?));
    let config = Value::Object(fields.filter_map(value).collect());
    provider.publisher(&config)?;
    Ok(config)
}

/// The form: the fields that most publishers have, and the others folded away.
pub(crate) fn form(provider: &dyn Provider, typed: &Typed, invalid: Option<&InvalidPublisher>) -> String {
    let (usual, others): (Vec<_>, Vec<_>) =
        provider.publisher_fields().iter().partition(|field| field.required || field.recommended);
    let rows = |fields: &[&PublisherField]| -> String {
        fields
            .iter()
            .map(|field| row(field, typed.get(field.key).map_or("", String::as_str), invalid))
            .collect()
    };
    format!(
        "<form method=\"post\">\n<h2>{}</h2>\n{}<details><summary>More rules</summary>\n{}</details>\n<button>Save</button>\n</form>",
        escaped(provider.title()),
        rows(&usual),
        rows(&others),
    )
}

fn row(field: &PublisherField, typed: &str, invalid: Option<&InvalidPublisher>) -> String {
    let PublisherField { key, title, summary, example, .. } = field;
    let required = if field.required { " required" } else { "" };
    let typed = escaped(typed);
    let input = match field.value {
        FieldType::Flag => {
            let checked = if typed == "true" { " checked" } else { "" };
            format!("<input type=\"checkbox\" name=\"{key}\" value=\"true\"{checked}>")
        }
        FieldType::Table => format!("<textarea name=\"{key}\"{required}>{typed}</textarea>"),
        _ => {
            let example = escaped(example);
            format!("<input name=\"{key}\" value=\"{typed}\" placeholder=\"{example}\"{required}>")
        }
    };
    let faults = invalid.into_iter().flat_map(|invalid| invalid.of(key));
    let faults: String = faults.map(|fault| format!("<em>{}</em>", escaped(&fault.to_string()))).collect();
    format!(
        "<label>{title} {input}</label> <small>{}</small> {faults}<br>\n",
        escaped(&summary.replace('`', ""))
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
