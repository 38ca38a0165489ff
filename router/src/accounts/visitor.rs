//! Visitors: customers without an account. Their key is the customer's id with a code that only this server can make, so
//! nothing has to be stored, and nobody can take another one's place.

use aws_lc_rs::{hmac, rand};
use data_encoding::BASE32_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use policy::id::{ContactPointId, CustomerId, WorkspaceId};
use serde::Deserialize;

use super::{Accounts, WorkspaceRecord};

const PREFIX: &str = "vis_";
const CODE: usize = 16;
/// Bytes of a signed identity.
const JWT_MAX: usize = 8_192;

/// A visitor.
#[derive(Clone, PartialEq, Eq)]
pub struct Visitor {
    /// The visitor's key.
    pub secret: String,
    /// Who.
    pub customer: CustomerId,
    /// The contact point on web chat.
    pub contact_point: ContactPointId,
}

/// Why a signed identity was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It is not signed with the workspace's secret, or damaged, or of another algorithm.
    #[error("the identity token is not signed with this workspace's secret (HS256)")]
    Forged,
    /// It has ended.
    #[error("the identity token has expired: the site must make a new one for each visit")]
    Expired,
    /// `sub` is missing or too long.
    #[error("the identity token needs `sub` of 1 to 128 characters, and `exp`")]
    Claims,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    name: Option<String>,
}

impl Accounts {
    fn code(&self, purpose: &[u8], workspace: WorkspaceId, of: &[u8]) -> [u8; CODE] {
        let mut context = hmac::Context::with_key(&self.visitors);
        context.update(purpose);
        context.update(&workspace.bits().to_be_bytes());
        context.update(of);
        let mut code = [0; CODE];
        code.copy_from_slice(&context.sign().as_ref()[..CODE]);
        code
    }

    fn contact_point(&self, workspace: WorkspaceId, customer: CustomerId) -> ContactPointId {
        let code = self.code(b"web chat of", workspace, &customer.bits().to_be_bytes());
        ContactPointId::from_bits(u128::from_be_bytes(code))
    }

    /// The visitor of a key, or a new one where the key is none of ours.
    #[must_use]
    pub fn visitor(&self, workspace: WorkspaceId, secret: Option<&str>) -> Visitor {
        secret.and_then(|secret| self.known_visitor(workspace, secret)).unwrap_or_else(|| {
            let mut bits = [0; 16];
            if rand::fill(&mut bits).is_err() {
                // Without randomness the time-ordered id still is nobody else's; its code is what protects it.
                bits = uuid::Uuid::now_v7().into_bytes();
            }
            self.visitor_of(workspace, CustomerId::from_bits(u128::from_be_bytes(bits)))
        })
    }

    fn visitor_of(&self, workspace: WorkspaceId, customer: CustomerId) -> Visitor {
        let bits = customer.bits().to_be_bytes();
        let code = self.code(b"visitor", workspace, &bits);
        let secret = format!("{PREFIX}{}", BASE32_NOPAD.encode(&[bits, code].concat()).to_ascii_lowercase());
        Visitor { secret, customer, contact_point: self.contact_point(workspace, customer) }
    }

    /// The visitor of a key; `None` where the key is none of this workspace's.
    #[must_use]
    pub fn known_visitor(&self, workspace: WorkspaceId, secret: &str) -> Option<Visitor> {
        let text = secret.strip_prefix(PREFIX).filter(|text| text.len() < 64)?;
        let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
        let (bits, code) = bytes.split_first_chunk::<16>()?;
        let right = super::token::equal(code, &self.code(b"visitor", workspace, bits));
        right.then(|| self.visitor_of(workspace, CustomerId::from_bits(u128::from_be_bytes(*bits))))
    }

    /// Whom the company's site vouches for.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn identified(
        &self,
        record: &WorkspaceRecord,
        jwt: &str,
        now_ms: i64,
    ) -> Result<(CustomerId, ContactPointId, Option<String>), IdentityError> {
        if decode_header(jwt).map(|header| header.alg) != Ok(Algorithm::HS256) {
            return Err(IdentityError::Forged);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        // Checked below, against the clock that everything else here uses.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        // It is the secret that says for whom it was made.
        validation.validate_aud = false;
        if jwt.len() > JWT_MAX || !jsonwebtoken::decode_header(jwt).is_ok_and(|it| it.alg == Algorithm::HS256)
        {
            return Err(IdentityError::Forged);
        }
        let key = DecodingKey::from_secret(record.identity_secret.as_bytes());
        let claims = match decode::<Claims>(jwt, &key, &validation) {
            Ok(token) => token.claims,
            Err(error) => {
                return Err(match error.kind() {
                    jsonwebtoken::errors::ErrorKind::Json(_) => IdentityError::Claims,
                    _ => IdentityError::Forged,
                });
            }
        };
        if claims.exp.saturating_mul(1_000) <= now_ms {
            return Err(IdentityError::Expired);
        }
        if !(1..=128).contains(&claims.sub.chars().count()) {
            return Err(IdentityError::Claims);
        }
        let code = self.code(b"identified", record.id, claims.sub.as_bytes());
        let customer = CustomerId::from_bits(u128::from_be_bytes(code));
        let shown = |name: &String| {
            !name.trim().is_empty() && name.chars().count() <= 80 && !name.chars().any(char::is_control)
        };
        let name = claims.name.filter(shown);
        Ok((customer, self.contact_point(record.id, customer), name))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jsonwebtoken::{EncodingKey, Header, encode};
    use log_store::memory::MemoryLog;

    use super::*;

    async fn accounts() -> (Arc<Accounts>, WorkspaceRecord, WorkspaceRecord) {
        let accounts = Accounts::open(Arc::new(MemoryLog::new()), 12, None).await.unwrap();
        let one = accounts.create_workspace("one", "One", |_| true).await.unwrap();
        let other = accounts.create_workspace("other", "Other", |_| true).await.unwrap();
        (accounts, one, other)
    }

    #[tokio::test]
    async fn a_visitor_comes_back_by_key_and_only_where_it_was_given() {
        let (accounts, one, other) = accounts().await;
        let visitor = accounts.visitor(one.id, None);
        assert!(accounts.visitor(one.id, Some(&visitor.secret)) == visitor);
        assert!(accounts.known_visitor(other.id, &visitor.secret).is_none());
        let mut forged = visitor.secret.into_bytes();
        let last = forged.len() - 3;
        forged[last] = if forged[last] == b'a' { b'b' } else { b'a' };
        assert!(accounts.known_visitor(one.id, std::str::from_utf8(&forged).unwrap()).is_none());
        for noise in ["", "vis_", "vis_aaaa", "vis_é", &"vis_a".repeat(100)] {
            assert!(accounts.known_visitor(one.id, noise).is_none());
        }
    }

    #[tokio::test]
    async fn an_identity_needs_the_secret_the_algorithm_and_the_time() {
        let (accounts, one, other) = accounts().await;
        let sign = |secret: &str, algorithm, exp: i64| {
            let claims = serde_json::json!({ "sub": "customer-17", "exp": exp, "name": "Mira" });
            encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
        };
        let good = sign(&one.identity_secret, Algorithm::HS256, 100);
        let (customer, _, name) = accounts.identified(&one, &good, 99_000).unwrap();
        assert_eq!(name.as_deref(), Some("Mira"));
        assert_eq!(
            accounts.identified(&one, &good, 99_000).unwrap().0,
            customer,
            "the same person each time"
        );
        assert_eq!(accounts.identified(&one, &good, 100_000), Err(IdentityError::Expired));
        assert_eq!(accounts.identified(&other, &good, 0), Err(IdentityError::Forged));
        let wrong_algorithm = sign(&one.identity_secret, Algorithm::HS384, 100);
        assert_eq!(accounts.identified(&one, &wrong_algorithm, 0), Err(IdentityError::Forged));
        let claims = |claims: serde_json::Value| {
            let key = EncodingKey::from_secret(one.identity_secret.as_bytes());
            accounts.identified(&one, &encode(&Header::default(), &claims, &key).unwrap(), 0)
        };
        assert_eq!(claims(serde_json::json!({ "sub": "a" })), Err(IdentityError::Claims), "it must end");
        assert_eq!(
            claims(serde_json::json!({ "exp": 9 })),
            Err(IdentityError::Claims),
            "it must be somebody"
        );
        assert_eq!(claims(serde_json::json!({ "exp": 9, "sub": "" })), Err(IdentityError::Claims));
        assert_eq!(
            claims(serde_json::json!({ "exp": 9, "sub": "é".repeat(129) })),
            Err(IdentityError::Claims)
        );
        let odd = claims(
            serde_json::json!({ "exp": 9, "sub": "é".repeat(128), "aud": "shop", "name": "\u{1b}[31m" }),
        );
        assert_eq!(odd.unwrap().2, None, "a name that no screen should get is left out");
        assert_eq!(accounts.identified(&one, &"a".repeat(10_000), 0), Err(IdentityError::Forged));
        let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwiZXhwIjo5OTk5OTk5OTk5fQ.";
        assert_eq!(accounts.identified(&one, none, 0), Err(IdentityError::Forged));
    }
}
