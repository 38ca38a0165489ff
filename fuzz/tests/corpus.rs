//! Plays the committed corpus through every target: real inputs, and those that once broke something.

use std::path::Path;

use fuzz::TARGETS;

#[test]
fn every_target_keeps_its_word_over_its_corpus() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
        let mut files: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("the folder can be read").path())
            .collect();
        files.sort();
        let mut understood = 0;
        for file in &files {
            let data = std::fs::read(file).expect("an input can be read");
            match std::panic::catch_unwind(|| target.run(&data)) {
                Ok(taken) => understood += usize::from(taken),
                Err(_) => panic!("{}: {} breaks it", target.name, file.display()),
            }
        }
        // Where everything were refused, or nothing, the rest of the target would not be played.
        let told = format!("{}: {understood} of {} inputs are understood", target.name, files.len());
        assert!(understood >= 3 && understood < files.len(), "{told}");
    }
}
