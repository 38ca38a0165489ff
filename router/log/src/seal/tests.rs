//! Sealing, erasing, and erasures cut short at each step.

use super::*;
use crate::memory::MemoryLog;
use crate::{Batch, Position, ShardId};

const HOME: ShardId = ShardId(0);

async fn append(log: &dyn Log, writes: Vec<Write>) {
    let batch = Batch { shard: ShardId(0), expected: Position(0), records: Vec::new(), writes };
    log.append(batch).await.unwrap();
}

fn vault() -> (Arc<dyn Log>, Vault) {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let mut vault = Vault::open(Path::new("unused"), Arc::clone(&log)).unwrap();
    vault.grace = Duration::ZERO;
    (log, vault)
}

#[tokio::test]
async fn what_is_sealed_opens_for_its_row_only() {
    let (log, vault) = vault();
    let customer = CustomerId::from_bits(7);
    let mut writes = Vec::new();
    let sealed = vault.seal(HOME, customer, b"row", b"my parcel is late", &mut writes).unwrap();
    append(&*log, writes).await;
    assert!(!sealed.windows(6).any(|it| it == b"parcel"));
    assert_eq!(
        vault.unseal(HOME, customer, b"row", &sealed).unwrap(),
        Unsealed::Text(b"my parcel is late".to_vec())
    );
    assert!(matches!(vault.unseal(HOME, customer, b"other", &sealed), Err(SealError::Damaged)));
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        assert!(vault.unseal(HOME, customer, b"row", &flipped).is_err(), "byte {at}");
    }
}

#[tokio::test]
async fn an_erased_customer_opens_no_more_and_others_do() {
    let (log, vault) = vault();
    let (gone, stays) = (CustomerId::from_bits(1), CustomerId::from_bits(2));
    let mut writes = Vec::new();
    let of_gone = vault.seal(HOME, gone, b"r", b"secret", &mut writes).unwrap();
    let of_stays = vault.seal(HOME, stays, b"r", b"kept", &mut writes).unwrap();
    append(&*log, writes).await;
    let before = log.get(HOME, Table::Keys, &gone.bits().to_be_bytes()).unwrap().unwrap();
    vault.erase(HOME, gone).await.unwrap();
    assert_eq!(vault.unseal(HOME, gone, b"r", &of_gone).unwrap(), Unsealed::Erased);
    assert_eq!(vault.unseal(HOME, stays, b"r", &of_stays).unwrap(), Unsealed::Text(b"kept".to_vec()));
    // A wrapped key from an old backup opens nothing any more.
    append(
        &*log,
        vec![Write::Put { table: Table::Keys, key: gone.bits().to_be_bytes().to_vec(), value: before }],
    )
    .await;
    assert!(vault.unseal(HOME, gone, b"r", &of_gone).is_err());
}

#[tokio::test]
async fn keys_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = crate::Options { path: folder.path().into(), level: Level::Disk, archive_days: 30 };
    let customer = CustomerId::from_bits(3);
    let sealed = {
        let log = crate::open(&options).unwrap();
        let vault = Vault::open(folder.path(), Arc::clone(&log)).unwrap();
        let mut writes = Vec::new();
        let sealed = vault.seal(HOME, customer, b"r", b"text", &mut writes).unwrap();
        append(&*log, writes).await;
        log.close();
        sealed
    };
    let log = crate::open(&options).unwrap();
    let vault = Vault::open(folder.path(), log).unwrap();
    assert_eq!(vault.unseal(HOME, customer, b"r", &sealed).unwrap(), Unsealed::Text(b"text".to_vec()));
}

#[tokio::test]
async fn key_files_of_another_store_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = crate::Options { path: folder.path().into(), level: Level::Os, archive_days: 30 };
    let log = crate::open(&options).unwrap();
    let vault = Vault::open(folder.path(), Arc::clone(&log)).unwrap();
    let mut writes = Vec::new();
    vault.seal(HOME, CustomerId::from_bits(3), b"r", b"text", &mut writes).unwrap();
    append(&*log, writes).await;
    let file = folder.path().join("keys/kek");
    let own = std::fs::read(&file).unwrap();
    for other in [Some([7; 32]), None] {
        std::fs::remove_file(&file).unwrap();
        if let Some(other) = other {
            std::fs::write(&file, other).unwrap();
        }
        let refused = Vault::open(folder.path(), Arc::clone(&log)).unwrap_err();
        assert!(refused.to_string().contains("put back the key files"), "{refused}");
    }
    std::fs::write(&file, own).unwrap();
    Vault::open(folder.path(), log).unwrap();
}

#[test]
fn dedupe_keys_keep_parts_apart() {
    let (_, vault) = vault();
    assert_ne!(vault.dedupe_key(&[b"ab", b"c"]), vault.dedupe_key(&[b"a", b"bc"]));
}

#[tokio::test]
async fn who_writes_again_after_an_erasure_has_a_new_key() {
    let (log, vault) = vault();
    let customer = CustomerId::from_bits(1);
    let mut writes = Vec::new();
    let before = vault.seal(HOME, customer, b"r", b"old", &mut writes).unwrap();
    append(&*log, writes).await;
    vault.erase(HOME, customer).await.unwrap();
    let mut writes = Vec::new();
    let after = vault.seal(HOME, customer, b"r", b"new", &mut writes).unwrap();
    append(&*log, writes).await;
    assert_eq!(vault.unseal(HOME, customer, b"r", &before).unwrap(), Unsealed::Erased);
    assert_eq!(vault.unseal(HOME, customer, b"r", &after).unwrap(), Unsealed::Text(b"new".to_vec()));
    vault.erase(HOME, customer).await.unwrap();
    assert_eq!(vault.unseal(HOME, customer, b"r", &after).unwrap(), Unsealed::Erased);
}

#[tokio::test]
async fn a_key_goes_into_every_batch_until_one_of_them_is_in_the_store() {
    let (log, vault) = vault();
    let customer = CustomerId::from_bits(1);
    let mut refused = Vec::new();
    let lost = vault.seal(HOME, customer, b"r", b"lost", &mut refused).unwrap();
    assert_eq!(refused.len(), 1);
    let mut second = Vec::new();
    let kept = vault.seal(HOME, customer, b"r", b"kept", &mut second).unwrap();
    assert_eq!(second, refused, "the batch before may have been refused");
    append(&*log, second).await;
    let mut third = Vec::new();
    vault.seal(HOME, customer, b"r", b"more", &mut third).unwrap();
    assert!(third.is_empty());
    for sealed in [lost, kept] {
        assert!(matches!(vault.unseal(HOME, customer, b"r", &sealed).unwrap(), Unsealed::Text(_)));
    }
}

#[tokio::test]
async fn a_key_that_is_on_its_way_during_an_erasure_is_wrapped_anew() {
    let (log, mut vault) = vault();
    vault.grace = Duration::from_millis(200);
    let (gone, late) = (CustomerId::from_bits(1), CustomerId::from_bits(2));
    let (mut first, mut under_way) = (Vec::new(), Vec::new());
    let of_gone = vault.seal(HOME, gone, b"r", b"secret", &mut first).unwrap();
    append(&*log, first.clone()).await;
    let of_late = vault.seal(HOME, late, b"r", b"late", &mut under_way).unwrap();
    // A batch of the customer who goes is under way as well.
    under_way.extend(first);
    let landing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        append(&*log, under_way).await;
    };
    let (erased, ()) = tokio::join!(vault.erase(HOME, gone), landing);
    erased.unwrap();
    // As after a restart: nothing hot, only what is in the store.
    vault.state().hot = Hot::new(HOT);
    assert_eq!(vault.unseal(HOME, gone, b"r", &of_gone).unwrap(), Unsealed::Erased);
    assert_eq!(vault.unseal(HOME, late, b"r", &of_late).unwrap(), Unsealed::Text(b"late".to_vec()));
}

/// Opens a data folder with three customers, of whom the first is to be erased.
async fn with_three(folder: &Path) -> (Arc<dyn Log>, Vault, Vec<Vec<u8>>) {
    let options = crate::Options { path: folder.into(), level: Level::Os, archive_days: 30 };
    let log = crate::open(&options).unwrap();
    let mut vault = Vault::open(folder, Arc::clone(&log)).unwrap();
    vault.grace = Duration::ZERO;
    let mut sealed = Vec::new();
    for customer in 1..=3 {
        let mut writes = Vec::new();
        sealed.push(vault.seal(HOME, CustomerId::from_bits(customer), b"r", b"text", &mut writes).unwrap());
        append(&*log, writes).await;
    }
    (log, vault, sealed)
}

fn opened(vault: &Vault, sealed: &[Vec<u8>]) -> Vec<Unsealed> {
    (1..)
        .zip(sealed)
        .map(|(it, sealed)| vault.unseal(HOME, CustomerId::from_bits(it), b"r", sealed).unwrap())
        .collect()
}

#[tokio::test]
async fn an_erasure_cut_short_at_any_step_is_finished_at_the_next_start() {
    let text = || Unsealed::Text(b"text".to_vec());
    for step in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let (log, vault, sealed) = with_three(folder.path()).await;
        let kek = folder.path().join("keys/kek");
        let old = std::fs::read(&kek).unwrap();
        let gone = CustomerId::from_bits(1);
        let files = KeyFiles::new(folder.path());
        match step {
            // Only the next key is there.
            0 => files.write_next(&[5; 32]).unwrap(),
            // The customer's row is gone, no other was wrapped anew.
            1 | 2 => {
                files.write_next(&[5; 32]).unwrap();
                {
                    let mut state = vault.state();
                    let next = Arc::new(cipher(&[5; 32]).unwrap());
                    state.previous = Some(std::mem::replace(&mut state.wrapping, next));
                }
                let key = key_of(gone).to_vec();
                append(&*log, vec![Write::Put { table: Table::Keys, key, value: KeyRow::erased(1) }]).await;
                if step == 2 {
                    // One other row was.
                    let mut writes = Vec::new();
                    vault.seal(HOME, CustomerId::from_bits(9), b"r", b"text", &mut writes).unwrap();
                    append(&*log, writes).await;
                }
            }
            // The old key was destroyed, the next one has not taken its name.
            3 => {
                vault.erase(HOME, gone).await.unwrap();
                std::fs::copy(&kek, kek.with_extension("next")).unwrap();
                std::fs::write(&kek, [0; 32]).unwrap();
            }
            _ => vault.erase(HOME, gone).await.unwrap(),
        }
        log.close();
        drop((log, vault));
        let options = crate::Options { path: folder.path().into(), level: Level::Os, archive_days: 30 };
        let log = crate::open(&options).unwrap();
        let vault = Vault::open(folder.path(), Arc::clone(&log)).unwrap();
        let first = if step == 0 { text() } else { Unsealed::Erased };
        assert_eq!(opened(&vault, &sealed), [first, text(), text()], "cut short at step {step}");
        assert_ne!(std::fs::read(&kek).unwrap(), old, "the old key is still there after step {step}");
        assert!(!kek.with_extension("next").exists());
        log.close();
    }
}

#[tokio::test]
async fn key_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (log, vault, _) = with_three(folder.path()).await;
    vault.erase(HOME, CustomerId::from_bits(1)).await.unwrap();
    for name in ["kek", "dedupe"] {
        let mode = std::fs::metadata(folder.path().join("keys").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    log.close();
}
