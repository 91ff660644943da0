//! The form of a trusted publisher, made of its platform's table of fields.

use maud::{Markup, html};
use oidc_core::{FieldComparison, FieldType, InvalidPublisher, PublisherField};

use super::draft::{Draft, PREFIX};
use super::offer::offer;
use super::page::capitalized;
use super::values::words;

impl Draft {
    /// The fields of the form: those that most publishers have, and the others, folded away unless there is something in them.
    pub(super) fn fields(&self, invalid: Option<&InvalidPublisher>) -> Markup {
        let fields = self.provider.publisher_fields().iter();
        let (usual, others): (Vec<&PublisherField>, Vec<&PublisherField>) =
            fields.partition(|field| field.required || field.recommended);
        let is_open = others.iter().any(|field| !self.text(field.key).is_empty());
        html! {
            @for field in usual { (self.field(field, invalid)) }
            @if !others.is_empty() {
                details open[is_open] {
                    summary { "More rules" }
                    @for field in others { (self.field(field, invalid)) }
                }
            }
        }
    }

    fn field(&self, field: &PublisherField, invalid: Option<&InvalidPublisher>) -> Markup {
        let (id, hint) = (format!("field-{}", field.key), format!("hint-{}", field.key));
        let faults: Vec<_> = invalid.into_iter().flat_map(|invalid| invalid.of(field.key)).collect();
        let error = format!("error-{}", field.key);
        let described = if faults.is_empty() { hint.clone() } else { format!("{error} {hint}") };
        let offered = invalid.and_then(|invalid| offer(self, field, invalid));
        html! {
            div .field .wrong[!faults.is_empty()] {
                label for=(id) {
                    (field.title)
                    @if field.required { span .mark { " (required)" } }
                }
                @if !faults.is_empty() {
                    div .error id=(error) {
                        @for fault in &faults { p { span .sr { "Error: " } (words(&fault.to_string())) } }
                    }
                }
                (self.input(field, &id, &described, !faults.is_empty()))
                @if let Some(offered) = offered {
                    button .plain name="offer" value=(format!("{}={offered}", field.key)) { "Use " (words(&format!("`{offered}`"))) }
                }
                p .hint id=(hint) { (hint_of(field)) }
            }
        }
    }

    fn input(&self, field: &PublisherField, id: &str, described: &str, is_wrong: bool) -> Markup {
        let (name, text) = (format!("{PREFIX}{}", field.key), self.text(field.key));
        let (required, wrong) = (field.required.then_some("true"), is_wrong.then_some("true"));
        if field.value == FieldType::Flag {
            return html! {
                input id=(id) type="checkbox" name=(name) value="true" checked[text == "true"] aria-describedby=(described)
                    aria-invalid=[wrong];
            };
        }
        if field.value == FieldType::Table {
            return html! {
                textarea id=(id) name=(name) rows="4" spellcheck="false" placeholder=(field.example)
                    aria-required=[required] aria-describedby=(described) aria-invalid=[wrong] { (text) }
            };
        }
        if !field.choices.is_empty() {
            return self.choice(field, (id, &name), described);
        }
        html! {
            input id=(id) name=(name) value=(text) placeholder=(field.example) autocomplete="off" spellcheck="false"
                autocapitalize="none" aria-required=[required] aria-describedby=(described) aria-invalid=[wrong];
        }
    }

    fn choice(&self, field: &PublisherField, (id, name): (&str, &str), described: &str) -> Markup {
        let text = self.text(field.key);
        // What is stored stays to be seen, also where it is no choice any more.
        let other = Some(text).filter(|text| !text.is_empty() && !field.choices.contains(text));
        html! {
            select id=(id) name=(name) aria-describedby=(described) {
                @if !field.required { option value="" { "any" } }
                @for choice in field.choices.iter().copied().chain(other) {
                    option value=(choice) selected[choice == text] { (choice) }
                }
            }
        }
    }

    /// The hidden fields that carry the draft through a page without inputs.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            @for (key, text) in &self.texts { input type="hidden" name=(format!("{PREFIX}{key}")) value=(text); }
            (self.origin())
        }
    }

    /// The hidden fields that say which platform it is of and what it replaces.
    pub(super) fn origin(&self) -> Markup {
        html! {
            input type="hidden" name="issuer" value=(self.issuer);
            @if let Some(id) = &self.id { input type="hidden" name="id" value=(id); }
        }
    }
}

/// The value to write, and how it is compared.
fn hint_of(field: &PublisherField) -> Markup {
    let comparison = match field.comparison {
        FieldComparison::Pattern => " A pattern: `*` stands for any text without `/`, `**` for any text.",
        FieldComparison::OneOf => " Several are separated by commas; one of them is enough.",
        FieldComparison::AllOf => " Several are separated by commas; all of them are needed.",
        _ if field.learned => " Learned from the first publish where it is left empty.",
        _ => "",
    };
    let summary = capitalized(field.summary);
    html! { (words(&format!("{summary}.{comparison}"))) }
}
