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

/// The name of the input with the id of the publisher that is edited.
const ID: &str = "id";

/// The settings page on which an owner configures the trusted publishers of a package: the stored ones, the platforms to choose
/// from, the inputs of the chosen one with what was typed, and everything that is wrong with it. [`Trust::form`] makes it, and
/// [`PublisherForm::save`] stores what was typed.
///
/// It is data for a template (`Serialize`), and [`PublisherForm::to_html`] writes it as plain, accessible HTML.
///
/// The application decides who may see and change a package's publishers. The page has those of every account, since each of
/// them may publish the package, and an owner has to see them all. Of a package that does not exist, any account may have a
/// pending publisher: an application whose accounts are strangers to each other shows the page of such a package to nobody
/// but those who may know of all of them, and an account's own pending publishers by [`Trust::of_account`].
///
/// ```
/// use oidc_exchange::server::{Package, PublisherForm, Trust, TrustError};
///
/// type Typed = Vec<(String, String)>;
///
/// /// `GET`, with the query.
/// async fn show(trust: &Trust, name: &str, query: Typed) -> Result<String, TrustError> {
///     Ok(page(&trust.form(&Package::new("npm", name), query).await?))
/// }
///
/// /// `POST`, with the form of whoever is logged in: a status, and a page or an address.
/// async fn save(trust: &Trust, name: &str, typed: Typed, account: String) -> Result<(u16, String), TrustError> {
///     let form = trust.form(&Package::new("npm", name), typed).await?;
///     Ok(match form.save(trust, |publisher| publisher.account = Some(account)).await? {
///         Ok(_) => (303, "?".to_owned()),
///         Err(form) => (422, page(&form)),
///     })
/// }
///
/// fn page(form: &PublisherForm) -> String {
///     format!("<!doctype html><form method=\"post\">{}<button>Save</button></form>", form.to_html())
/// }
/// ```
///
/// `examples/publisher_form.rs` in the repository is the same on axum.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PublisherForm {
    /// The package, or the prefix of names.
    pub package: Package,
    /// The package's stored publishers, oldest first.
    pub publishers: Vec<FormPublisher>,
    /// The id of the publisher that is edited, which the form sends as `id`; `None` where one is added.
    pub id: Option<String>,
    /// The issuers to choose from, each with its platform.
    pub issuers: Vec<FormIssuer>,
    /// The URL of the chosen issuer, which the form sends as `issuer`; empty where none is chosen yet.
    pub issuer: String,
    /// The inputs of the chosen issuer's platform, the most important first; none where no issuer is chosen yet.
    pub inputs: Vec<FormInput>,
    /// The problems that belong to no input of the platform's, in words for the form's reader.
    pub problems: Vec<String>,
}

/// A stored publisher on a [`PublisherForm`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FormPublisher {
    /// Its id: a page with the query `id=ID` edits it.
    pub id: String,
    /// Its rules in one line, as [`Trust::describe`] writes them.
    pub rules: String,
    /// Its state in words, as [`Trust::state`] returns it.
    pub state: String,
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
    /// The hint for the form's reader: the value to write, and its comparison.
    pub hint: String,
    /// The text that was typed or stored.
    pub text: String,
    /// The problems of the text, in words for the form's reader.
    pub problems: Vec<String>,
}

impl Trust {
    /// Returns the settings page of a package with what was typed into its form: the names of inputs with their texts, as
    /// the application reads them from a posted form or from a query. With nothing typed, the form is empty; with an
    /// `id` alone, it has the texts of that publisher. Names that are no input's are left out; the application limits the size
    /// of what it reads.
    ///
    /// Where nothing is chosen and the registry trusts a single issuer, that one is chosen.
    ///
    /// # Errors
    ///
    /// When the store can't be reached.
    pub async fn form<K, V>(
        &self,
        package: &Package,
        typed: impl IntoIterator<Item = (K, V)>,
    ) -> Result<PublisherForm, TrustError>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let typed = typed.into_iter().map(|(name, text)| (name.into(), text.into()));
        let mut typed: BTreeMap<String, String> = typed.collect();
        let (id, issuer) = (take(&mut typed, ID), take(&mut typed, ISSUER));
        let stored = self.list(package).await?;
        let edited = stored.iter().find(|record| Some(&record.id) == id.as_ref());
        let is_gone = edited.is_none() && id.is_some();
        let mut form = match edited {
            Some(record) if issuer.is_none() => self.form_of(record),
            _ => self.form_with(package, issuer.or_else(|| self.only_issuer()).unwrap_or_default(), typed),
        };
        form.id = edited.map(|record| record.id.clone());
        form.problems.extend(is_gone.then(|| TrustError::Missing.to_string()));
        form.publishers = stored.iter().map(|record| self.line(record)).collect();
        Ok(form)
    }

    /// The form with a stored publisher.
    fn form_of(&self, record: &PublisherRecord) -> PublisherForm {
        let rules = record.config.as_object().into_iter().flatten();
        let texts = rules.map(|(key, value)| (key.clone(), text_of(value))).collect();
        let mut form = self.form_with(&record.package, record.identity.issuer.clone(), texts);
        form.problems.extend(self.chosen(&form).err().map(|error| error.to_string()));
        form
    }

    fn form_with(
        &self,
        package: &Package,
        issuer: String,
        mut texts: BTreeMap<String, String>,
    ) -> PublisherForm {
        // The kind of publisher is told by the keys alone.
        let kind = texts.iter().filter(|(_, text)| !text.is_empty());
        let kind = Value::Object(kind.map(|(key, text)| (key.clone(), text.clone().into())).collect());
        let fields = self.providers.for_issuer(&issuer).map_or(&[][..], |platform| platform.fields_of(&kind));
        let mut input = |field: &PublisherField| {
            let text = texts.remove(field.key).unwrap_or_default().trim().to_owned();
            FormInput { field: *field, hint: hint(field), text, problems: Vec::new() }
        };
        PublisherForm {
            package: package.clone(),
            publishers: Vec::new(),
            id: None,
            issuers: self.issuers(),
            issuer,
            inputs: fields.iter().map(&mut input).collect(),
            problems: Vec::new(),
        }
    }

    fn line(&self, record: &PublisherRecord) -> FormPublisher {
        let (rules, state) = (self.describe(record), self.state(record).to_string());
        FormPublisher { id: record.id.clone(), rules, state }
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
    /// Stores what was typed: adds a publisher ([`Trust::add`]), or edits the one of the form's `id` ([`Trust::edit`]). Before
    /// that, `set` sets what the application decides: the [`account`](PublisherRecord::account) of whoever is logged in, and
    /// [`pending`](PublisherRecord::pending) where the package does not exist yet. An edited publisher keeps both.
    ///
    /// Returns the stored record, or the form again with everything that is wrong, each problem at its place.
    ///
    /// # Errors
    ///
    /// When the application or the registry failed ([`ErrorPlace::Application`]), and nothing on the form can be corrected.
    pub async fn save(
        self,
        trust: &Trust,
        set: impl FnOnce(&mut PublisherRecord),
    ) -> Result<Result<PublisherRecord, Self>, TrustError> {
        let saved = match self.prepare(trust) {
            Ok(mut record) => {
                set(&mut record);
                match &self.id {
                    Some(id) => trust.edit(id, record).await,
                    None => trust.add(&record).await,
                }
            }
            Err(error) => Err(error),
        };
        match saved {
            Ok(record) => Ok(Ok(record)),
            Err(error) => self.refused(error).map(Err),
        }
    }

    /// Checks what was typed and makes a record, as [`Trust::prepare`] does. An empty input is no rule.
    ///
    /// # Errors
    ///
    /// As those of [`Trust::prepare`], and [`TrustError::UnknownIssuer`] where no issuer is chosen, or one that the registry
    /// does not trust.
    pub fn prepare(&self, trust: &Trust) -> Result<PublisherRecord, TrustError> {
        let value =
            |input: &FormInput| Some((input.field.key.to_owned(), input.field.value_of(&input.text)?));
        let config = Value::Object(self.inputs.iter().filter_map(value).collect());
        trust.prepare_for(trust.chosen(self)?, self.package.clone(), config)
    }

    /// Returns the form with the problems of an error, each at its place. Every fault of a configuration is told at once.
    ///
    /// # Errors
    ///
    /// With the error itself where the application or the registry failed.
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

/// Removes a text that is not empty.
fn take(typed: &mut BTreeMap<String, String>, name: &str) -> Option<String> {
    typed.remove(name).filter(|text| !text.is_empty())
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
