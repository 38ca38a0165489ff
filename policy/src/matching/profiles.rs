//! Profiles: agents who can do the same share one, and it is judged against a class once for all of them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::ability::Ability;
use super::classes::Class;
use super::groups::Group;
use super::shape::{AgentProfile, Needs};
use crate::document::Weights;

/// One profile and those who have it.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) profile: AgentProfile,
    /// Slots of the agents.
    pub(super) agents: Vec<u32>,
    /// The most conversations at once, by channel number; beyond the end there is no limit.
    caps: Vec<u32>,
    /// The classes it is eligible for, by class slot.
    fits: Vec<Fit>,
    /// Its online agents by what they have in hand.
    pub(super) groups: Vec<Group>,
}

/// A profile's eligibility for a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    pub(super) class: u32,
    /// The class's channel and effort, and whether its work runs beside others, to judge room without reading the class.
    pub(super) channel: u32,
    pub(super) effort: u32,
    pub(super) beside: bool,
    /// The mean proficiency over the needed skills, in per cent; 100 where none is needed.
    pub(super) proficiency: i64,
    /// Points for it.
    pub(super) points: i64,
    /// Speed and solving, as the mean over the needed skills.
    pub(super) speed: i64,
    pub(super) solves: i64,
}

impl Fit {
    /// The fit of a profile that is eligible for a class with these points.
    pub(super) fn new(class: u32, of: &Class, profile: &AgentProfile, points: i64) -> Self {
        let (speed, solves) = ability(profile, &of.needs);
        let proficiency = proficiency(profile, &of.needs);
        let (channel, effort, beside) = (of.channel, of.effort, of.beside);
        Self { class, channel, effort, beside, proficiency, points, speed, solves }
    }
}

impl Profile {
    pub(super) fn new(profile: AgentProfile, limits: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut caps = Vec::new();
        for (channel, most) in limits {
            let channel = channel as usize;
            if caps.len() <= channel {
                caps.resize(channel + 1, u32::MAX);
            }
            caps[channel] = most;
        }
        Self { profile, agents: Vec::new(), caps, fits: Vec::new(), groups: Vec::new() }
    }

    /// The most conversations at once on this channel.
    pub(super) fn cap(&self, channel: u32) -> u32 {
        self.caps.get(channel as usize).copied().unwrap_or(u32::MAX)
    }

    /// How many conversations of this kind an agent can hold in all.
    pub(super) fn holds(&self, channel: u32, effort: u32) -> u64 {
        u64::from((self.profile.capacity / effort.max(1)).min(self.cap(channel)))
    }

    pub(super) fn fits(&self) -> &[Fit] {
        &self.fits
    }

    pub(super) fn fit(&self, class: u32) -> Option<Fit> {
        self.fits.binary_search_by_key(&class, |fit| fit.class).ok().map(|index| self.fits[index])
    }

    pub(super) fn add_fit(&mut self, fit: Fit) {
        let index = self.fits.partition_point(|other| other.class < fit.class);
        self.fits.insert(index, fit);
    }

    pub(super) fn drop_fit(&mut self, class: u32) {
        if let Ok(index) = self.fits.binary_search_by_key(&class, |fit| fit.class) {
            self.fits.remove(index);
        }
    }
}

/// The skills of a profile that count for these needs: those that are needed, and the best of each of the alternatives.
fn counting<'a>(profile: &'a AgentProfile, needs: &'a Needs) -> impl Iterator<Item = (&'a str, u8)> {
    let of = |skill: &'a str| (skill, profile.skills.get(skill).copied().unwrap_or(0));
    let needed = needs.skills.iter().map(move |(skill, _)| of(skill));
    let best = needs.any_of.iter().filter_map(move |skills| {
        let able = skills.iter().map(|(skill, least)| (of(skill), *least));
        able.filter(|((_, has), least)| has >= least).map(|(it, _)| it).max_by_key(|(_, has)| *has)
    });
    needed.chain(best)
}

/// The mean proficiency of a profile that is eligible, in per cent.
fn proficiency(profile: &AgentProfile, needs: &Needs) -> i64 {
    let (count, sum) = counting(profile, needs)
        .fold((0, 0), |(count, sum), (_, proficiency)| (count + 1, sum + i64::from(proficiency)));
    if count > 0 { sum / count } else { 100 }
}

/// Speed and solving of a profile that is eligible, in per mille, as the mean over the needed skills.
fn ability(profile: &AgentProfile, needs: &Needs) -> (i64, i64) {
    let seen = |skill: &str, typed: u8| {
        let it = profile.ability.get(skill).copied().unwrap_or_else(|| Ability::of_proficiency(typed));
        (i64::from(it.speed_pm), i64::from(it.solves_pm))
    };
    let (count, sum) = counting(profile, needs).fold((0, (0, 0)), |(count, sum), (skill, typed)| {
        let (speed, solves) = seen(skill, typed);
        (count + 1, (sum.0 + speed, sum.1 + solves))
    });
    if count > 0 { (sum.0 / count, sum.1 / count) } else { seen("", 100) }
}

/// The points of a profile for these needs, or the row of the first reason why it is not eligible: 0 for the language,
/// then two for each skill, lacking it and having too little, then one for each of the alternatives, then one for each
/// skill that is not to be had.
pub(super) fn judge(profile: &AgentProfile, needs: &Needs, weights: Weights) -> Result<i64, usize> {
    if needs.language.as_ref().is_some_and(|language| !profile.speaks(language)) {
        return Err(0);
    }
    for (index, (skill, least)) in needs.skills.iter().enumerate() {
        match profile.skills.get(&**skill) {
            None => return Err(1 + 2 * index),
            Some(proficiency) if proficiency < least => return Err(2 + 2 * index),
            Some(_) => {}
        }
    }
    let rows = 1 + 2 * needs.skills.len();
    let has = |(skill, least): &(Box<str>, u8)| profile.skills.get(&**skill).is_some_and(|has| has >= least);
    if let Some(index) = needs.any_of.iter().position(|skills| !skills.iter().any(has)) {
        return Err(rows + index);
    }
    let rows = rows + needs.any_of.len();
    if let Some(index) = needs.none_of.iter().position(|skill| profile.skills.contains_key(&**skill)) {
        return Err(rows + index);
    }
    let (count, sum) = counting(profile, needs)
        .fold((0i64, 0i64), |(count, sum), (_, proficiency)| (count + 1, sum + i64::from(proficiency)));
    Ok(weights.proficiency.saturating_mul(sum).div_euclid(count.max(1)))
}
