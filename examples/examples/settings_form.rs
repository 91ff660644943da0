//! A settings page on which a package's owner configures a publisher: one form for every platform, with the faults beside
//! their fields. `cargo run --example settings_form -- github repository=acme/widget workflow=publish ref_protected=true`

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
    let shown = match config(&*provider, &typed) {
        // Here the registry stores it, with `Trust::prepare` and `Trust::add`.
        Ok(config) => format!("{config:#}"),
        Err(invalid) => form(&*provider, &typed, Some(&invalid)),
    };
    Ok(writeln!(std::io::stdout(), "{shown}")?)
}

/// The configuration that was typed, or everything that is wrong with it.
pub(crate) fn config(provider: &dyn Provider, typed: &Typed) -> Result<Value, InvalidPublisher> {
    let config = PublisherField::config_of(provider.publisher_fields(), |key| Some(&**typed.get(key)?));
    provider.publisher(&config).map(|_| config)
}

pub(crate) fn form(provider: &dyn Provider, typed: &Typed, invalid: Option<&InvalidPublisher>) -> String {
    let rows = provider.publisher_fields().iter().map(|field| {
        let typed = typed.get(field.key).map_or("", String::as_str);
        let faults = invalid.into_iter().flat_map(|invalid| invalid.of(field.key));
        let faults: String =
            faults.map(|fault| format!(" <em>{}</em>", escaped(&fault.to_string()))).collect();
        let (input, summary) = (input(field, typed), escaped(field.summary));
        format!("<label>{} {input}</label> <small>{summary}</small>{faults}<br>\n", field.title)
    });
    let (title, rows) = (escaped(provider.title()), rows.collect::<String>());
    format!("<form method=\"post\">\n<h2>{title}</h2>\n{rows}<button>Save</button>\n</form>")
}

fn input(field: &PublisherField, typed: &str) -> String {
    let on = |is_on, text| if is_on { text } else { "" };
    let (key, example, required) = (field.key, escaped(field.example), on(field.required, " required"));
    match (field.value, escaped(typed), on(typed == "true", " checked")) {
        (FieldType::Flag, _, on) => format!("<input type=\"checkbox\" name=\"{key}\" value=\"true\"{on}>"),
        (_, typed, _) => {
            format!("<input name=\"{key}\" value=\"{typed}\" placeholder=\"{example}\"{required}>")
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
