//! AES-256-GCM with random nonces, and the system's randomness.
//!
//! A random 96-bit nonce may be used 2^32 times with one key while the chance of a repeated one stays below 2^-32 (NIST SP
//! 800-38D, section 8.3): so many bodies a customer may have, and so many data keys one key-encryption key may wrap.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;

use super::SealError;

pub(super) const KEY_LEN: usize = 32;

pub(super) fn cipher(bytes: &[u8; KEY_LEN]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| SealError::Cipher)
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
    Ok(bytes)
}

/// Appends nonce, sealed bytes and tag to `out`.
pub(super) fn encrypt(
    key: &LessSafeKey,
    aad: &[u8],
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SealError> {
    let nonce: [u8; NONCE_LEN] = random()?;
    out.reserve(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    out.extend_from_slice(&nonce);
    let from = out.len();
    out.extend_from_slice(plain);
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out[from..])
        .map_err(|_| SealError::Cipher)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// What [`encrypt`] appended, opened.
pub(super) fn decrypt(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Damaged)?;
    let mut body = body.to_vec();
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), &mut body)
        .map_err(|_| SealError::Damaged)?
        .len();
    body.truncate(length);
    Ok(body)
}
