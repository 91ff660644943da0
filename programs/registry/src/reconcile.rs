//! The packages and publishers of the configuration file, brought into the stores.

use oidc_exchange::server::{Package, PublisherRecord, Trust, TrustError};
use serde_json::Value;

use super::StartError;
use super::config::{Config, PackageEntry, PublisherEntry, ScopeEntry};
use super::origin::{Defined, FILE};
use super::services::Services;

/// Brings the stores into the state that the file describes: what is unchanged keeps its id, what is new is added, what is no longer
/// there is removed. A publisher of the same package and identity as before keeps its learned ids and its age, whatever else was
/// edited. Returns the publishers of the file.
pub(super) async fn reconcile(
    config: &Config,
    trust: &Trust,
    services: &Services,
) -> Result<Defined, StartError> {
    let known = of_file(trust).await?;
    let wanted = wanted(config, trust, services, &known).await?;
    // A package that exists now has ended its pending publishers. Those that the file still has are added again as they were.
    let left = of_file(trust).await?;
    let stays = |record: &&PublisherRecord| {
        left.iter().any(|other| other.id == record.id) && wanted.iter().any(|other| record.is_like(other))
    };
    let mut gone: Vec<&PublisherRecord> = known.iter().filter(|record| !stays(record)).collect();
    for record in wanted.iter().filter(|record| !left.iter().any(|other| record.is_like(other))) {
        replace_or_add(trust, record, &mut gone).await?;
    }
    for record in gone {
        remove(trust, record).await?;
    }
    note_unpublished(config, trust).await?;
    Ok(Defined::new(wanted))
}

/// The publishers of the file. Its packages exist afterwards, unless all of their publishers are pending.
async fn wanted(
    config: &Config,
    trust: &Trust,
    services: &Services,
    known: &[PublisherRecord],
) -> Result<Vec<PublisherRecord>, StartError> {
    let mut wanted = Vec::new();
    for package in &config.package {
        let records = records(package, trust)?;
        // Before the package is added, which ends its pending publishers.
        activate_all(trust, known, &records).await?;
        wanted.extend(records);
        if package.publisher.is_empty() || package.publisher.iter().any(|publisher| !publisher.pending) {
            services.register(package).await.map_err(|error| failed(&package.name, None, &error))?;
        }
    }
    for scope in &config.scope {
        wanted.extend(records_of_scope(scope, trust)?);
    }
    Ok(wanted)
}

/// Activates the publishers that are no longer pending, of those that the file had before.
async fn activate_all(
    trust: &Trust,
    known: &[PublisherRecord],
    wanted: &[PublisherRecord],
) -> Result<(), StartError> {
    for record in wanted {
        if let Some(known) = known.iter().find(|known| known.is_like(record)) {
            activate(trust, known, record).await?;
        }
    }
    Ok(())
}

/// The publishers that the file has configured so far.
async fn of_file(trust: &Trust) -> Result<Vec<PublisherRecord>, StartError> {
    trust.of_origin(FILE).await.map_err(|error| StartError::Trust(error.to_string()))
}

/// Logs the packages that no CI job can publish.
async fn note_unpublished(config: &Config, trust: &Trust) -> Result<(), StartError> {
    for entry in config.package.iter().filter(|entry| entry.publisher.is_empty()) {
        let name = entry.ecosystem.normalized(&entry.name);
        let package =
            Package::new(entry.ecosystem.as_str(), name.map_err(|error| failed(&entry.name, None, &error))?);
        let known = trust.list(&package).await.map_err(|error| StartError::Trust(error.to_string()))?;
        if known.is_empty() {
            tracing::warn!(
                ecosystem = package.ecosystem,
                package = package.name,
                "the package has no `[[package.publisher]]`: no CI job can publish it"
            );
        }
    }
    Ok(())
}

/// The reason why a publisher can't be used, with the line to add where its platform is not among the registry's.
fn explained(error: &TrustError) -> String {
    let TrustError::Provider { provider, .. } = error else { return error.to_string() };
    match oidc_providers::public(provider) {
        Ok(_) => format!("{error}; add `[[provider]]` with the line `kind = \"{provider}\"`"),
        Err(unknown) => format!("{error}; {unknown}"),
    }
}

/// A package's publishers.
fn records(package: &PackageEntry, trust: &Trust) -> Result<Vec<PublisherRecord>, StartError> {
    let name =
        package.ecosystem.normalized(&package.name).map_err(|error| failed(&package.name, None, &error))?;
    let of = Package::new(package.ecosystem.as_str(), name);
    let record = |(place, publisher)| {
        let record = record(of.clone(), publisher, trust);
        record.map_err(|error| failed(&package.name, Some(place), &explained(&error)))
    };
    package.publisher.iter().enumerate().map(record).collect()
}

/// The publishers of a prefix of packages' names.
fn records_of_scope(scope: &ScopeEntry, trust: &Trust) -> Result<Vec<PublisherRecord>, StartError> {
    let of = Package::prefix(scope.ecosystem.as_str(), &scope.prefix);
    let of = of.map_err(|error| failed(&scope.prefix, None, &error))?;
    let record = |(place, publisher): (usize, &PublisherEntry)| match record(of.clone(), publisher, trust) {
        Ok(record) if record.pending => Err(failed(&of.label(), Some(place), &TrustError::PendingPrefix)),
        Ok(record) => Ok(record),
        Err(error) => Err(failed(&of.label(), Some(place), &explained(&error))),
    };
    scope.publisher.iter().enumerate().map(record).collect()
}

fn record(
    package: Package,
    publisher: &PublisherEntry,
    trust: &Trust,
) -> Result<PublisherRecord, TrustError> {
    let rules = Value::Object(publisher.rules.clone().into_iter().collect());
    let mut record = trust.prepare(package, &publisher.provider, publisher.issuer.as_deref(), rules)?;
    record.pending = publisher.pending;
    FILE.clone_into(&mut record.origin);
    Ok(record)
}

/// Activates a pending publisher where the file no longer says that it is pending, since the package exists then. A publisher that
/// has created its package is active already and stays so, whatever the file says.
async fn activate(
    trust: &Trust,
    known: &PublisherRecord,
    wanted: &PublisherRecord,
) -> Result<(), StartError> {
    if !known.pending || wanted.pending {
        return Ok(());
    }
    let activated = trust.package_created_by(&known.package, &known.id).await;
    activated.map(|_| ()).map_err(|error| StartError::Trust(error.to_string()))
}

/// Stores a publisher that is not there: in place of one of the same package and identity that is no longer in the file, or in
/// addition.
async fn replace_or_add(
    trust: &Trust,
    record: &PublisherRecord,
    gone: &mut Vec<&PublisherRecord>,
) -> Result<(), StartError> {
    let before = gone
        .iter()
        .enumerate()
        .filter(|(_, before)| before.package == record.package && before.identity == record.identity);
    // The same one; or the first that has learned something, which must not be lost.
    let nearness = |before: &PublisherRecord| (before.is_like(record), !before.learned.is_empty());
    let Some((position, _)) = before.rev().max_by_key(|(_, before)| nearness(before)) else {
        return add(trust, record).await;
    };
    let before = gone.remove(position);
    activate(trust, before, record).await?;
    match trust.edit(&before.id, record.clone()).await {
        Ok(_) => Ok(()),
        // The API has it already: what is left to do is to remove the old one, which it learns from before.
        Err(TrustError::Exists { id }) => {
            teach(trust, &id, record).await?;
            remove(trust, before).await
        }
        // It was pending and ended with the package's beginning, or another instance that starts at this moment was first.
        Err(TrustError::Missing) => {
            let mut record = record.clone();
            record.learned.clone_from(&before.learned);
            record.lapses &= record.learned.is_empty();
            record.created_at = before.created_at;
            add(trust, &record).await
        }
        Err(error) => Err(StartError::Trust(error.to_string())),
    }
}

/// Gives an equal publisher, which the API added and nobody has used, the ids that others of its package know.
async fn teach(trust: &Trust, id: &str, equal: &PublisherRecord) -> Result<(), StartError> {
    let known = trust.list(&equal.package).await.map_err(|error| StartError::Trust(error.to_string()))?;
    if !known.iter().any(|record| record.id == id && record.learned.is_empty()) {
        return Ok(());
    }
    match trust.edit(id, equal.clone()).await {
        // Somebody has removed it meanwhile, or added it to the file's.
        Ok(_) | Err(TrustError::Missing | TrustError::Exists { .. }) => Ok(()),
        Err(error) => Err(StartError::Trust(error.to_string())),
    }
}

async fn add(trust: &Trust, record: &PublisherRecord) -> Result<(), StartError> {
    match trust.add(record).await {
        // The API has it already, or another instance that starts at this moment was first.
        Ok(_) | Err(TrustError::Exists { .. }) => Ok(()),
        Err(error) => Err(StartError::Trust(error.to_string())),
    }
}

async fn remove(trust: &Trust, record: &PublisherRecord) -> Result<(), StartError> {
    let removed = trust.remove(&record.package, &record.id).await;
    removed.map(|_| ()).map_err(|error| StartError::Trust(error.to_string()))
}

/// An error of a package, and of the publisher at this place of it.
fn failed(name: &str, place: Option<usize>, error: &dyn std::fmt::Display) -> StartError {
    let publisher = place.map_or_else(String::new, |place| format!(", publisher {}", place + 1));
    StartError::Package { package: name.to_owned(), publisher, reason: error.to_string() }
}
