//! The registry's own key, with which it signs what it hosts.

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use oidc_core::{Context, Timestamp};
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::SqlStore;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::rows;
use crate::StartError;

/// A private key in PEM may have this many bytes.
const MAX_KEY: usize = 64 << 10;

/// A key: ECDSA on P-256 with SHA-256.
pub(crate) struct RegistryKey {
    pair: KeyPair,
    id: String,
}

impl RegistryKey {
    /// Its id, as npm writes the ids of keys.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The public key in PEM.
    pub(crate) fn public_pem(&self) -> String {
        self.pair.public_key_pem()
    }

    /// Signs a message. The signature is in DER, and that in base64.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<String> {
        self.pair.sign(message).ok().map(|signature| STANDARD.encode(signature))
    }

    fn of(pem: &str) -> Result<Self, String> {
        let pair = KeyPair::from_pem(pem).map_err(|error| error.to_string())?;
        if !pair.is_compatible(&PKCS_ECDSA_P256_SHA256) {
            return Err("expected an ECDSA key on P-256".to_owned());
        }
        let digest = Sha256::digest(pair.subject_public_key_info());
        Ok(Self { id: format!("SHA256:{}", STANDARD_NO_PAD.encode(digest)), pair })
    }
}

/// Reads the key from its file, which is made where it is missing, and makes it the one that is in use: the key before it, if it
/// is another, ends now.
pub(crate) async fn open(file: &Path, database: &SqlStore, cx: &Context) -> Result<RegistryKey, StartError> {
    let unusable = |why: &dyn std::fmt::Display| {
        StartError::File(format!("the file `{}` can't be used: {why}", file.display()))
    };
    if !file.try_exists().map_err(|error| unusable(&error))? {
        make(file).map_err(|error| unusable(&error))?;
    }
    let pem = cx.files().read(file, MAX_KEY).map_err(|error| StartError::File(error.to_string()))?;
    let pem = String::from_utf8(pem).map_err(|error| unusable(&error))?;
    let key = RegistryKey::of(&pem).map_err(|error| unusable(&error))?;
    let public = STANDARD.encode(key.pair.subject_public_key_info());
    let used = rows::use_key(database, &key.id, &public, cx.clock().now());
    let is_in_use = used.await.map_err(|error| StartError::Trust(error.to_string()))?;
    if !is_in_use {
        return Err(unusable(&"the key was replaced by another before; make a new one"));
    }
    Ok(key)
}

/// Makes a key that its owner alone reads.
fn make(file: &Path) -> std::io::Result<()> {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(std::io::Error::other)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(pair.serialize_pem().as_bytes())
}

/// All keys that the registry has had, as npm asks for them; `None` without any.
pub(crate) async fn listed(database: &SqlStore) -> Result<Option<Value>, StoreError> {
    let key = |key: rows::Key| {
        let expires =
            key.expires_at.map(|at| Timestamp::from_secs(at.try_into().unwrap_or_default()).to_string());
        json!({
            "expires": expires,
            "keyid": key.keyid,
            "keytype": "ecdsa-sha2-nistp256",
            "scheme": "ecdsa-sha2-nistp256",
            "key": key.public,
        })
    };
    let keys: Vec<Value> = rows::keys(database).await?.into_iter().map(key).collect();
    Ok((!keys.is_empty()).then(|| json!({ "keys": keys })))
}
