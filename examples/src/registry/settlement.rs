//! What is asked and changed of publishers and publish tokens in the transaction that publishes.

use data_encoding::HEXLOWER;
use oidc_core::Timestamp;
use sqlx::AssertSqlSafe;

use super::authorize::Principal;
use super::database::Write;

/// Statements with the parameters ecosystem, package and publisher, run in the transaction that publishes.
#[derive(Debug, Clone, Copy)]
pub struct Settlement {
    /// Makes the package's pending publisher a regular one, which changes one row.
    pub make_regular: &'static str,
    /// Removes the package's other pending publishers.
    pub end_pending: &'static str,
    /// Selects a row if the package has this publisher as a regular one.
    pub is_regular: &'static str,
    /// Selects a row if a publish token, whose hash and a time are two more parameters, is valid then for this publisher's
    /// package.
    pub is_granted: &'static str,
}

impl Settlement {
    /// Whether the principal's trusted publisher, if it is one's, is a regular one of the package and stays so until the
    /// transaction ends. One that creates the package becomes so, and the package's other pending publishers end.
    pub(super) async fn settle(
        &self,
        write: &mut Write,
        ecosystem: &str,
        package: &str,
        by: &Principal,
        is_new: bool,
    ) -> Result<bool, sqlx::Error> {
        let publisher = match by {
            Principal::TrustedPublisher { publisher, .. } => publisher.as_str(),
            _ => "",
        };
        if is_new {
            let query = |statement| sqlx::query(statement).bind(ecosystem).bind(package).bind(publisher);
            let made_regular = query(self.make_regular).execute(write.connection()).await?.rows_affected();
            if !publisher.is_empty() && made_regular != 1 {
                return Ok(false);
            }
            query(self.end_pending).execute(write.connection()).await?;
        }
        if publisher.is_empty() {
            return Ok(true);
        }
        let is_regular = AssertSqlSafe(format!("{}{}", self.is_regular, write.for_share()));
        let query = sqlx::query(is_regular).bind(ecosystem).bind(package).bind(publisher);
        Ok(query.fetch_optional(write.connection()).await?.is_some())
    }

    /// Whether the principal's publish token, if it has one, is valid at this time and stays so until the transaction ends:
    /// the last question before the commit, since an upload takes as long as its sender likes.
    pub(super) async fn is_granted(
        &self,
        write: &mut Write,
        ecosystem: &str,
        package: &str,
        by: &Principal,
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let Principal::TrustedPublisher { publisher, token, .. } = by else { return Ok(true) };
        let Some(token) = token else { return Ok(false) };
        let is_granted = AssertSqlSafe(format!("{}{}", self.is_granted, write.for_share()));
        let query = sqlx::query(is_granted).bind(ecosystem).bind(package).bind(publisher);
        let query = query.bind(HEXLOWER.encode(token.as_bytes())).bind(now.as_signed_secs());
        Ok(query.fetch_optional(write.connection()).await?.is_some())
    }
}
