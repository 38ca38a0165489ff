//! Compares matching in this process with a Lua function in Redis that does the same: among the agents who have the skill
//! that a conversation needs, choose the one who has been idle for longest, and release that one again. Once alone, and
//! once with what has to be written about it. Both sides make the same choices, which is checked. Prints one JSON line.
//!
//! `cargo run --release -p loadtest --example lua_match`
//!
//! Redis gets what it is best at: one sorted set for each distinct profile of skills, kept by idle time; the client names
//! the sets that fit, so that no lookup is needed there; a unix socket, 64 calls in flight, nothing written to disk; and
//! two short events with a record, where the engine writes all of its own.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is what it is for")]

#[path = "lua_match/ours.rs"]
mod ours;
#[path = "lua_match/redis.rs"]
mod redis;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};

const AGENTS: usize = 10_000;
const SKILLS: u64 = 64;
const SKILLS_OF_ONE: usize = 6;
const PROFILES: usize = 100;
/// Calls that wait for their answer at any time.
const IN_FLIGHT: usize = 64;
const ROUNDS: usize = 5;
/// Matches in a round.
const OURS: usize = 200_000;
const THEIRS: usize = 20_000;
/// The first choices of both sides are compared.
const COMPARED: usize = 2_000;

/// Who there is: the skills of each profile, and the needs of one conversation after another.
struct Company {
    profiles: Vec<Vec<u64>>,
    needs: Vec<u64>,
}

impl Company {
    fn new() -> Self {
        let mut random = 7;
        let profiles: Vec<Vec<u64>> = (0..PROFILES)
            .map(|_| {
                let mut skills = Vec::new();
                while skills.len() < SKILLS_OF_ONE {
                    let skill = next(&mut random) % SKILLS;
                    if !skills.contains(&skill) {
                        skills.push(skill);
                    }
                }
                skills
            })
            .collect();
        let held = |skill: &u64| profiles.iter().any(|skills| skills.contains(skill));
        let needs = (0..).map(|_| next(&mut random) % SKILLS).filter(held).take(OURS).collect();
        Self { profiles, needs }
    }

    /// The profile of an agent.
    fn profile(agent: usize) -> usize {
        agent % PROFILES
    }

    /// The profiles that have a skill.
    fn fitting(&self, skill: u64) -> impl Iterator<Item = usize> {
        let profiles = self.profiles.iter().enumerate();
        profiles.filter(move |(_, skills)| skills.contains(&skill)).map(|(profile, _)| profile)
    }
}

/// splitmix64 (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// What was done in a second, and whom it chose first.
struct Done {
    per_s: f64,
    chosen: Vec<u64>,
}

fn timed(matches: usize, mut work: impl FnMut() -> Result<Vec<u64>>) -> Result<Done> {
    let begun = Instant::now();
    let chosen = work()?;
    Ok(Done { per_s: matches as f64 / begun.elapsed().as_secs_f64(), chosen })
}

/// Rates of both sides, round by round.
#[derive(Default)]
struct Rates {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Rates {
    fn take(&mut self, ours: Done, theirs: Done) -> Result<()> {
        ensure!(ours.chosen[..COMPARED] == theirs.chosen[..COMPARED], "the two sides chose differently");
        self.ours.push(ours.per_s);
        self.theirs.push(theirs.per_s);
        Ok(())
    }

    fn json(&self, name: &str, reach: f64) -> String {
        let mut ratios: Vec<f64> =
            self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect();
        let middle = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        let ratio = middle(&ratios);
        ratios.sort_by(f64::total_cmp);
        let (low, high) = (ratios[0], ratios[ratios.len() - 1]);
        format!(
            "{{\"name\":\"{name}\",\"ours_per_s\":{:.0},\"lua_per_s\":{:.0},\"ratio\":{ratio:.1},\"low\":{low:.1},\
             \"high\":{high:.1},\"reach\":{reach:.0}}}",
            middle(&self.ours),
            middle(&self.theirs),
        )
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<redis::Missing>() => {
            eprintln!("lua_match: {error}");
            ExitCode::from(69)
        }
        Err(error) => {
            eprintln!("lua_match: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let company = Company::new();
    let mut redis = redis::Redis::start()?;
    let (mut alone, mut recorded) = (Rates::default(), Rates::default());
    for _ in 0..ROUNDS {
        let mut pool = ours::pool(&company);
        let ours = timed(OURS, || Ok(pool.serve(&company)))?;
        redis.fill(&company)?;
        alone.take(ours, timed(THEIRS, || redis.serve(&company, "serve"))?)?;
        let mut engine = ours::engine(&company)?;
        let ours = timed(OURS, || engine.serve(&company))?;
        redis.fill(&company)?;
        recorded.take(ours, timed(THEIRS, || redis.serve(&company, "serve_and_record"))?)?;
    }
    println!(
        "{{\"redis\":\"{}\",\"agents\":{AGENTS},\"profiles\":{PROFILES},\"sets_a_call\":{:.1},\"in_flight\":{IN_FLIGHT},\
         \"rounds\":{ROUNDS},\"rows\":[{},{}]}}",
        redis.version()?,
        company.needs.iter().map(|need| company.fitting(*need).count()).sum::<usize>() as f64 / OURS as f64,
        alone.json("choose_and_release", 100.0),
        recorded.json("with_events_and_record", 15.0),
    );
    Ok(())
}
