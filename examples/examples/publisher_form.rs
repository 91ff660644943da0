//! The form on which a package's owner configures a trusted publisher: one form for every platform, made of the platform's own
//! table of fields, with everything that is wrong beside its field.
//!
//! `cargo run --example publisher_form -- github repository=acme/widget workflow=publish ref_protected=true`
//!
//! A registry with several platforms lets the owner choose one first: a `<select name="issuer">` with an option for each issuer of each
//! platform's profile. Platforms without an issuer (`generic`, `azure`, `bitbucket`, `semaphore` and `aws`, unless the registry configured one)
//! have no option. `ProviderSet::for_issuer` returns the platform of the chosen issuer, which is an argument of `Trust::prepare`. A checkbox
//! sends `true`. Of the errors of `Trust`, only `TrustError::Publisher` belongs to fields.
//!
//! A registry sends the form at `GET`, and at `POST` either stores the configuration or sends the form again with what is wrong. Beside
//! this it needs a template library that escapes, a token against forged forms, and a `Content-Security-Policy`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;

use oidc_core::{FieldComparison, FieldType, InvalidPublisher, Provider, PublisherField};
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
    let config = PublisherField::config_of(provider.publisher_fields(), |key| Some(typed.get(key)?.trim()));
    provider.publisher(&config)?;
    Ok(config)
}

/// The form: the fields that most publishers have, and the others folded away unless there is something in them.
pub(crate) fn form(provider: &dyn Provider, typed: &Typed, invalid: Option<&InvalidPublisher>) -> String {
    let fields = provider.publisher_fields().iter();
    let (usual, others): (Vec<&PublisherField>, Vec<&PublisherField>) =
        fields.partition(|field| field.required || field.recommended);
    let is_open = others.iter().any(|field| typed.contains_key(field.key));
    let rows = |fields: &[&PublisherField]| -> String {
        fields
            .iter()
            .map(|field| row(field, typed.get(field.key).map_or("", String::as_str), invalid))
            .collect()
    };
    // `novalidate`: the browser would name one mistake at a time, and in its own words.
    format!(
        "<form method=\"post\" novalidate>\n<h2>{}</h2>\n{}<details{}><summary>More rules</summary>\n{}</details>\n\
         <button>Save</button>\n</form>",
        escaped(provider.title()),
        rows(&usual),
        if is_open { " open" } else { "" },
        rows(&others),
    )
}

/// A field with its label, its hint, and what is wrong with it. A screen reader hears the last two with the field.
fn row(field: &PublisherField, typed: &str, invalid: Option<&InvalidPublisher>) -> String {
    let PublisherField { key, title, .. } = field;
    let faults = invalid.into_iter().flat_map(|invalid| invalid.of(key));
    let faults: String = faults.map(|fault| format!("<em>{}</em>", escaped(&fault.to_string()))).collect();
    let (mark, wrong) = (if field.required { " (required)" } else { "" }, !faults.is_empty());
    format!(
        "<div><label for=\"{key}\">{title}{mark}</label> <span id=\"{key}-error\">{faults}</span> {} <small id=\"{key}-hint\">{}</small>\
         </div>\n",
        input(field, typed, wrong),
        escaped(&hint(field))
    )
}

/// The input for a field's type.
fn input(field: &PublisherField, typed: &str, wrong: bool) -> String {
    let PublisherField { key, example, .. } = field;
    let required = if field.required { " aria-required=\"true\"" } else { "" };
    let wrong = if wrong { " aria-invalid=\"true\"" } else { "" };
    let attributes =
        format!("id=\"{key}\" name=\"{key}\" aria-describedby=\"{key}-error {key}-hint\"{required}{wrong}");
    let (typed, example) = (escaped(typed), escaped(example));
    match field.value {
        FieldType::Flag => {
            let checked = if typed == "true" { " checked" } else { "" };
            format!("<input {attributes} type=\"checkbox\" value=\"true\"{checked}>")
        }
        FieldType::Table => format!("<textarea {attributes}>{typed}</textarea>"),
        _ if !field.choices.is_empty() => {
            let option = |choice: &&str| {
                let selected = if *choice == typed { " selected" } else { "" };
                format!("<option{selected}>{choice}</option>")
            };
            let options: String = field.choices.iter().map(option).collect();
            format!("<select {attributes}><option value=\"\">any</option>{options}</select>")
        }
        _ => format!("<input {attributes} value=\"{typed}\" placeholder=\"{example}\">"),
    }
}

/// The value to write, and how it is compared.
fn hint(field: &PublisherField) -> String {
    let comparison = match field.comparison {
        FieldComparison::Pattern => "; * stands for any text without /, ** for any text",
        FieldComparison::OneOf => "; several, of which one is enough, are separated by commas",
        FieldComparison::AllOf => "; several, all of which are needed, are separated by commas",
        _ if field.learned => "; learned from the first publish where it is empty",
        _ => "",
    };
    format!("{}{comparison}", field.summary.replace('`', ""))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
