//! The form on which a publisher is configured.

use std::collections::BTreeMap;
use std::sync::Arc;

use oidc_core::{FieldComparison, FieldType, Issuer, Provider, PublisherField, shown};
use serde::Serialize;
use serde_json::Value;

use super::{ErrorPlace, Trust, TrustError};
use crate::server::package::Package;
use crate::server::record::PublisherRecord;

/// The name of the input with the chosen issuer. No platform's field has this key.
const ISSUER: &str = "issuer";

/// The form on which an owner configures a trusted publisher: the platforms to choose from, the inputs of the chosen one
/// with what was typed, and everything that is wrong with it. [`Trust::form`] makes it.
///
/// It is data for a template (`Serialize`), and [`PublisherForm::to_html`] writes it as plain, accessible HTML.
///
/// ```
/// use axum::extract::{Form, Path, Query, State};
/// use axum::http::StatusCode;
/// use axum::response::{Html, IntoResponse, Redirect, Response};
/// use oidc_exchange::server::{Package, PublisherForm, Trust};
///
/// type Typed = Vec<(String, String)>;
///
/// fn page(form: &PublisherForm) -> Html<String> {
///     Html(format!("<form method=\"post\">{}<button>Save</button></form>", form.to_html()))
/// }
///
/// async fn show(State(trust): State<Trust>, Query(typed): Query<Typed>) -> Html<String> {
///     page(&trust.form(typed))
/// }
///
/// async fn save(State(trust): State<Trust>, Path(package): Path<String>, Form(typed): Form<Typed>) -> Response {
///     let form = trust.form(typed);
///     let saved = async {
///         let mut publisher = form.prepare(&trust, Package::new("npm", package))?;
///         publisher.account = Some("user:42".to_owned()); // whoever is logged in
///         trust.add(&publisher).await
///     };
///     match saved.await.map_err(|error| form.refused(error)) {
///         Ok(_) => Redirect::to("/packages").into_response(),
///         Err(Ok(form)) => (StatusCode::UNPROCESSABLE_ENTITY, page(&form)).into_response(),
///         Err(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
///     }
/// }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PublisherForm {
    /// The issuers to choose from, each with its platform.
    pub issuers: Vec<FormIssuer>,
    /// The URL of the chosen issuer, which the form sends as `issuer`; empty where none is chosen yet.
    pub issuer: String,
    /// The inputs of the chosen issuer's platform, the most important first; none where no issuer is chosen yet.
    pub inputs: Vec<FormInput>,
    /// The problems that belong to no input of the platform's, in words for the form's reader.
    pub problems: Vec<String>,
}

/// An issuer that may be chosen on a [`PublisherForm`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FormIssuer {
    /// The issuer's URL.
    pub url: String,
    /// The platform's name for people, with the URL where the registry trusts several issuers of the platform.
    pub title: String,
}

/// An input of a [`PublisherForm`].
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FormInput {
    /// The field: its key, which is the input's name, its label, its type and its hint.
    #[serde(flatten)]
    pub field: PublisherField,
    /// The value to write and its comparison, in words for the form's reader.
    pub hint: String,
    /// The text that was typed or stored.
    pub text: String,
    /// The problems of the text, in words for the form's reader.
    pub problems: Vec<String>,
}

impl Trust {
    /// Returns the form with what was typed into it: the names of inputs with their texts, as the application reads
    /// them from a posted form or from a query. Without any, the form is empty. Names that are no input's are left out;
    /// the application limits the size of what it reads.
    ///
    /// Where nothing is chosen and the registry trusts a single issuer, that one is chosen.
    pub fn form<K, V>(&self, typed: impl IntoIterator<Item = (K, V)>) -> PublisherForm
    where
        K: Into<String>,
        V: Into<String>,
    {
        let typed = typed.into_iter().map(|(name, text)| (name.into(), text.into()));
        let mut typed: BTreeMap<String, String> = typed.collect();
        let issuer = typed.remove(ISSUER).filter(|issuer| !issuer.is_empty());
        self.form_with(issuer.or_else(|| self.only_issuer()).unwrap_or_default(), typed)
    }

    /// Returns the form with a stored publisher, for a page on which it is edited: [`PublisherForm::prepare`] and
    /// [`Trust::edit`] take what is then typed. Without an issuer that the registry trusts, the form has no inputs, and a problem.
    pub fn form_of(&self, record: &PublisherRecord) -> PublisherForm {
        let rules = record.config.as_object().into_iter().flatten();
        let texts = rules.map(|(key, value)| (key.clone(), text_of(value))).collect();
        let mut form = self.form_with(record.identity.issuer.clone(), texts);
        form.problems.extend(self.chosen(&form).err().map(|error| error.to_string()));
        form
    }

    fn form_with(&self, issuer: String, mut texts: BTreeMap<String, String>) -> PublisherForm {
        let fields =
            self.providers.for_issuer(&issuer).map_or(&[][..], |platform| platform.publisher_fields());
        let mut input = |field: &PublisherField| {
            let text = texts.remove(field.key).unwrap_or_default().trim().to_owned();
            FormInput { field: *field, hint: hint(field), text, problems: Vec::new() }
        };
        let inputs = fields.iter().map(&mut input).collect();
        PublisherForm { issuers: self.issuers(), issuer, inputs, problems: Vec::new() }
    }

    fn issuers(&self) -> Vec<FormIssuer> {
        let of = |id: &str| self.providers.issuers().filter(|(platform, _)| platform.id() == id).count();
        let issuer = |(platform, issuer): (&Arc<dyn Provider>, &Issuer)| {
            let (title, url) = (platform.title(), issuer.url().to_string());
            let is_only = of(platform.id()) == 1;
            FormIssuer { title: if is_only { title.to_owned() } else { format!("{title} ({url})") }, url }
        };
        self.providers.issuers().map(issuer).collect()
    }

    fn only_issuer(&self) -> Option<String> {
        let mut issuers = self.providers.issuers();
        let (_, issuer) = issuers.next()?;
        issuers.next().is_none().then(|| issuer.url().to_string())
    }

    /// The platform of the form's issuer.
    fn chosen(&self, form: &PublisherForm) -> Result<&Arc<dyn Provider>, TrustError> {
        self.providers.for_issuer(&form.issuer).ok_or_else(|| TrustError::UnknownIssuer {
            issuer: shown(&form.issuer).to_string(),
            known: form.issuers.iter().map(|issuer| &*issuer.url).collect::<Vec<_>>().join(", "),
        })
    }
}

impl PublisherForm {
    /// Checks what was typed and makes a record that can be stored: see [`Trust::prepare`]. An empty input is no rule.
    ///
    /// # Errors
    ///
    /// As those of [`Trust::prepare`], and [`TrustError::UnknownIssuer`] where no issuer is chosen, or one that the registry
    /// does not trust.
    pub fn prepare(&self, trust: &Trust, package: Package) -> Result<PublisherRecord, TrustError> {
        let value =
            |input: &FormInput| Some((input.field.key.to_owned(), input.field.value_of(&input.text)?));
        let config = Value::Object(self.inputs.iter().filter_map(value).collect());
        trust.prepare_for(trust.chosen(self)?, package, config)
    }

    /// Returns the form with the problems of an error, each at its place. Every fault of a configuration is told at once.
    ///
    /// # Errors
    ///
    /// With the error itself where the application or the registry failed, and nothing on the form can be corrected.
    pub fn refused(mut self, error: TrustError) -> Result<Self, TrustError> {
        if error.place() == ErrorPlace::Application {
            return Err(error);
        }
        self.problems = self.of_no_input(&error);
        for input in &mut self.inputs {
            input.problems = error.of(input.field.key);
        }
        Ok(self)
    }

    /// The problems of an error that belong to no input.
    fn of_no_input(&self, error: &TrustError) -> Vec<String> {
        let TrustError::Publisher(invalid) = error else { return vec![error.to_string()] };
        let of_inputs: Vec<_> = self.inputs.iter().flat_map(|input| invalid.of(input.field.key)).collect();
        let others = invalid.faults().iter().filter(|fault| !of_inputs.contains(fault));
        others.map(|fault| format!("{}: {fault}", fault.target)).collect()
    }
}

/// The value to write and its comparison.
fn hint(field: &PublisherField) -> String {
    let comparison = match field.comparison {
        FieldComparison::Pattern => "; * stands for any text without /, ** for any text",
        FieldComparison::OneOf if field.value == FieldType::Texts => {
            "; several are separated by commas, one of them is enough"
        }
        FieldComparison::AllOf => "; several are separated by commas, all of them are needed",
        _ if field.learned => "; learned from the first publish where it is empty",
        _ => "",
    };
    format!("{}{comparison}", field.summary)
}

/// A value of a stored configuration as it is typed: several texts are separated by commas, if none contains one.
fn text_of(value: &Value) -> String {
    let is_plain =
        |text: &&str| !text.contains([',', '\n']) && !text.starts_with('[') && text.trim() == *text;
    let texts = value.as_array().map(|values| values.iter().map(|value| value.as_str().filter(is_plain)));
    match texts.and_then(Iterator::collect::<Option<Vec<&str>>>) {
        Some(texts) if texts.len() > 1 => texts.join(", "),
        _ => PublisherField::text_of(value).into_owned(),
    }
}
