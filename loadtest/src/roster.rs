//! The agents of a run: how many, with which skills, drawn by seed.

use std::collections::BTreeSet;

use crate::dialogs::Dialogue;
use crate::rng::Rng;

/// How many skills an agent holds.
pub(crate) const SKILLS: usize = 6;
/// How many conversations an agent holds.
pub(crate) const CAPACITY: u32 = 3;
const ELIGIBLE_MIN: usize = 2;

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roster {
    /// Each agent's skills.
    pub(crate) skills: Vec<BTreeSet<String>>,
    /// Every skill that a dialogue needs.
    pub(crate) all: BTreeSet<String>,
    /// How many agents had to be given more than [`SKILLS`].
    pub(crate) extended: usize,
}

/// Draws skills so that every dialogue has at least two eligible agents: first whole sets of needs, those with most
/// skills before the others, then sets of dialogues drawn at random, so that skills are spread as the work is.
pub(crate) fn draw(dialogues: &[Dialogue], agents: usize, seed: u64) -> Roster {
    let mut rng = Rng::new(seed, "skills");
    let all: BTreeSet<String> =
        dialogues.iter().flat_map(|dialogue| dialogue.needs.iter().cloned()).collect();
    let mut sets: Vec<&BTreeSet<String>> =
        dialogues.iter().map(|dialogue| &dialogue.needs).collect::<BTreeSet<_>>().into_iter().collect();
    rng.shuffle(&mut sets);
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let mut skills = vec![BTreeSet::new(); agents];
    let mut extended = BTreeSet::new();
    for set in sets {
        while eligible(&skills, set) < ELIGIBLE_MIN.min(agents) {
            let chosen = candidate(&skills, set, &mut rng);
            skills[chosen].extend(set.iter().cloned());
            if skills[chosen].len() > SKILLS {
                extended.insert(chosen);
            }
        }
    }
    fill(&mut skills, dialogues, &all, &mut rng);
    Roster { skills, all, extended: extended.len() }
}

fn eligible(skills: &[BTreeSet<String>], set: &BTreeSet<String>) -> usize {
    skills.iter().filter(|has| set.is_subset(has)).count()
}

/// Who is to hold this set too: somebody at random among those with room, else whoever goes least above it.
fn candidate(skills: &[BTreeSet<String>], set: &BTreeSet<String>, rng: &mut Rng) -> usize {
    let after = |has: &BTreeSet<String>| has.union(set).count();
    let without: Vec<usize> = (0..skills.len()).filter(|at| !set.is_subset(&skills[*at])).collect();
    let room: Vec<usize> = without.iter().copied().filter(|at| after(&skills[*at]) <= SKILLS).collect();
    match room.len() {
        0 => without.into_iter().min_by_key(|at| after(&skills[*at])).unwrap_or(0),
        count => room[rng.below(count)],
    }
}

fn fill(skills: &mut [BTreeSet<String>], dialogues: &[Dialogue], all: &BTreeSet<String>, rng: &mut Rng) {
    let names: Vec<&String> = all.iter().collect();
    for has in skills {
        for _ in 0..100 {
            let needs = &dialogues[rng.below(dialogues.len())].needs;
            if has.union(needs).count() <= SKILLS {
                has.extend(needs.iter().cloned());
            }
        }
        while has.len() < SKILLS.min(names.len()) {
            has.insert(names[rng.below(names.len())].clone());
        }
    }
}

/// The policy of a run: each flow a skill, one queue whose topics are needs.
pub(crate) fn policy(all: &BTreeSet<String>) -> String {
    let mut text = String::from("[skills]\n");
    for skill in all {
        text.push_str(&format!("{skill} = \"from the dialogues\"\n"));
    }
    text.push_str(
        "\n[queues.support]\ntarget_s = 30\noffer_s = 60\nlanguage = false\ntopics = true\nsame_agent = false\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn sample() -> Vec<Dialogue> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/dialogues/sample.jsonl");
        crate::dialogs::read(&path, 1.0, None).expect("the sample")
    }

    #[test]
    fn every_dialogue_has_two_eligible_agents_and_agents_six_skills() {
        let dialogues = sample();
        for seed in 0..20 {
            let roster = draw(&dialogues, 48, seed);
            assert_eq!(roster.all.len(), 24);
            assert_eq!(roster.extended, 0, "seed {seed}");
            assert!(roster.skills.iter().all(|has| has.len() == SKILLS));
            assert!(dialogues.iter().all(|dialogue| eligible(&roster.skills, &dialogue.needs) >= 2));
        }
        assert_eq!(draw(&dialogues, 48, 3), draw(&dialogues, 48, 3));
        assert_ne!(draw(&dialogues, 48, 3), draw(&dialogues, 48, 4));
    }

    #[test]
    fn few_agents_are_extended() {
        let dialogues = sample();
        let roster = draw(&dialogues, 4, 1);
        assert!(roster.extended > 0);
        assert!(dialogues.iter().all(|dialogue| eligible(&roster.skills, &dialogue.needs) >= 2));
    }
}
