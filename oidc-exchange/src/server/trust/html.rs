//! The form of a publisher as HTML.

use std::fmt;

use oidc_core::{FieldType, PublisherField};
use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use super::form::{FormInput, FormIssuer, FormPublisher, PublisherForm};

impl PublisherForm {
    /// Returns the content of a `<form method="post">`: the stored publishers and the platforms as links to the same page, the
    /// inputs of the chosen platform with their labels, hints and problems, and the problems that belong to no input. It needs no script
    /// and no style sheet, and has no class names; a screen reader reads an input's hint and problems with it. Every text is
    /// escaped.
    ///
    /// The application adds the form itself, a token against forged forms, and the buttons. A page of another design is made by
    /// a template from the form's data.
    pub fn to_html(&self) -> String {
        let publishers: String = self.publishers.iter().map(|publisher| self.stored(publisher)).collect();
        let issuers: String = self.issuers.iter().map(|issuer| self.choice(issuer)).collect();
        format!(
            "{}<nav aria-label=\"Trusted publishers\"><ul>\n{publishers}</ul></nav>\n\
             <nav aria-label=\"Platform\"><ul>\n{issuers}</ul></nav>\n{}{}",
            alerts(&self.problems),
            self.hidden(),
            self.rows(),
        )
    }

    /// The inputs that most publishers have, and the others, folded away unless there is something in them.
    fn rows(&self) -> String {
        let (usual, others): (Vec<_>, Vec<_>) =
            self.inputs.iter().partition(|input| input.field.required || input.field.recommended);
        let rows = |inputs: &[&FormInput]| inputs.iter().map(|input| input.row()).collect::<String>();
        if others.is_empty() {
            return rows(&usual);
        }
        let is_open = others.iter().any(|input| !input.text.is_empty() || !input.problems.is_empty());
        let open = if is_open { " open" } else { "" };
        format!("{}<details{open}><summary>More rules</summary>\n{}</details>\n", rows(&usual), rows(&others))
    }

    /// The settings that are neither typed nor chosen with an input.
    fn hidden(&self) -> String {
        let hidden = |name: &str, value: &str| {
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", Escaped(value))
        };
        hidden("issuer", &self.issuer) + &self.id.as_ref().map(|id| hidden("id", id)).unwrap_or_default()
    }

    /// A stored publisher: a link to the page on which it is edited.
    fn stored(&self, publisher: &FormPublisher) -> String {
        let (id, rules) = (encoded(&publisher.id), Escaped(&publisher.rules));
        let current = if self.id.as_ref() == Some(&publisher.id) { " aria-current=\"true\"" } else { "" };
        format!("<li><a href=\"?id={id}\"{current}>{rules}</a>: {}</li>\n", Escaped(&publisher.state))
    }

    /// An issuer: a link to the page with it chosen.
    fn choice(&self, issuer: &FormIssuer) -> String {
        let title = Escaped(&issuer.title);
        if issuer.url == self.issuer {
            return format!("<li aria-current=\"true\"><strong>{title}</strong></li>\n");
        }
        let id = self.id.as_ref().map(|id| format!("&amp;id={}", encoded(id))).unwrap_or_default();
        format!("<li><a href=\"?issuer={}{id}\">{title}</a></li>\n", encoded(&issuer.url))
    }
}

impl FormInput {
    fn row(&self) -> String {
        let PublisherField { key, title, required, .. } = self.field;
        let (key, title) = (Escaped(key), Escaped(title));
        let mark = if required { " (required)" } else { "" };
        format!(
            "<div><label for=\"{key}\">{title}{mark}</label>\n{}\n<small id=\"{key}-hint\">{}</small>\n\
             <div id=\"{key}-problems\">{}</div></div>\n",
            self.control(),
            Escaped(&self.hint),
            alerts(&self.problems),
        )
    }

    fn control(&self) -> String {
        let PublisherField { example, choices, value, .. } = self.field;
        let (attributes, text, example) = (self.attributes(), Escaped(&self.text), Escaped(example));
        match value {
            FieldType::Flag => {
                let checked = if matches!(&*self.text, "true" | "on") { " checked" } else { "" };
                format!("<input {attributes} type=\"checkbox\" value=\"true\"{checked}>")
            }
            FieldType::Table => {
                format!("<textarea {attributes} placeholder=\"{example}\">\n{text}</textarea>")
            }
            _ if choices.is_empty() => {
                format!(
                    "<input {attributes} value=\"{text}\" placeholder=\"{example}\" autocomplete=\"off\">"
                )
            }
            _ => {
                // A stored value stays to be seen, also where it is no choice any more.
                let other = Some(&*self.text).filter(|text| !text.is_empty() && !choices.contains(text));
                let choices = [""].into_iter().chain(choices.iter().copied()).chain(other);
                let options: String = choices.map(|choice| self.option(choice)).collect();
                format!("<select {attributes}>{options}</select>")
            }
        }
    }

    fn option(&self, choice: &str) -> String {
        let selected = if choice == self.text { " selected" } else { "" };
        let label = if choice.is_empty() { "any" } else { choice };
        format!("<option value=\"{}\"{selected}>{}</option>", Escaped(choice), Escaped(label))
    }

    fn attributes(&self) -> String {
        let key = Escaped(self.field.key);
        let required = if self.field.required { " aria-required=\"true\"" } else { "" };
        let wrong = if self.problems.is_empty() { "" } else { " aria-invalid=\"true\"" };
        format!("id=\"{key}\" name=\"{key}\" aria-describedby=\"{key}-problems {key}-hint\"{required}{wrong}")
    }
}

/// A text as a value in a query.
fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

fn alerts(problems: &[String]) -> String {
    let alert = |problem: &String| format!("<p role=\"alert\">{}</p>\n", Escaped(problem));
    problems.iter().map(alert).collect()
}

/// A text as the content of an element, or as the value of an attribute in double quotes.
#[derive(Clone, Copy)]
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (before, special) = rest.split_at(at);
            f.write_str(before)?;
            let mut letters = special.chars();
            f.write_str(match letters.next() {
                Some('&') => "&amp;",
                Some('<') => "&lt;",
                Some('>') => "&gt;",
                Some('"') => "&quot;",
                _ => "&#39;",
            })?;
            rest = letters.as_str();
        }
        f.write_str(rest)
    }
}
