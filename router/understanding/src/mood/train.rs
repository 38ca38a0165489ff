//! Training a model of moods from texts whose emotions are known, and calibrating it on others.

use super::{AROUSED, CLASSES, Moods, PLEASED, UPSET, VERSION, WORRIED};
use crate::calibrate::Line;
use crate::features::Shape;
use crate::linear::{self, Settings};
use crate::text::Text;

const SETTINGS: Settings = Settings {
    shape: Shape { words: 2, shortest: 2, longest: 5, digits: false, marks: true, bits: 18 },
    at_least: 3,
    price: 0.1,
    passes: 40,
    most_rows: 24_000,
};

/// What a text tells of its writer. One text may tell several things.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Feelings {
    /// Anger, annoyance, disappointment, disapproval, disgust, remorse, sadness, grief.
    pub upset: bool,
    /// Fear, nervousness, confusion.
    pub worried: bool,
    /// Admiration, approval, gratitude, joy, love, relief, excitement, pride, optimism, caring.
    pub pleased: bool,
    /// Anger, disgust, fear, nervousness, excitement, surprise.
    pub aroused: bool,
}

impl Feelings {
    /// From the names of emotions in GoEmotions (Demszky and others, ACL 2020). The groups of the first three are those of
    /// the data's description; the fourth follows the upper half of the circumplex (Russell, 1980).
    #[must_use]
    pub fn of<'a>(emotions: impl IntoIterator<Item = &'a str>) -> Self {
        let mut feelings = Self::default();
        for emotion in emotions {
            match emotion {
                "anger" | "disgust" => (feelings.upset, feelings.aroused) = (true, true),
                "annoyance" | "disappointment" | "disapproval" | "remorse" | "sadness" | "grief" => {
                    feelings.upset = true;
                }
                "fear" | "nervousness" => (feelings.worried, feelings.aroused) = (true, true),
                "confusion" => feelings.worried = true,
                "excitement" => (feelings.pleased, feelings.aroused) = (true, true),
                "surprise" => feelings.aroused = true,
                "admiration" | "approval" | "gratitude" | "joy" | "love" | "relief" | "pride"
                | "optimism" | "caring" => {
                    feelings.pleased = true;
                }
                _ => {}
            }
        }
        feelings
    }

    fn is(self, class: usize) -> bool {
        match class {
            UPSET => self.upset,
            WORRIED => self.worried,
            PLEASED => self.pleased,
            AROUSED => self.aroused,
            _ => false,
        }
    }
}

/// A text whose feelings are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// What somebody wrote.
    pub text: String,
    /// How the writer felt.
    pub feelings: Feelings,
}

struct Read {
    text: Text,
    feelings: Feelings,
}

impl linear::Example for Read {
    fn text(&self) -> &Text {
        &self.text
    }

    fn is(&self, class: usize) -> bool {
        self.feelings.is(class)
    }
}

impl Moods {
    /// Trains on some texts and calibrates on others; the same texts in the same order give the same model.
    #[must_use]
    pub fn train(comments: &[Comment], held_out: &[Comment]) -> Self {
        let read = |comments: &[Comment]| -> Vec<Read> {
            let read = comments.iter();
            read.map(|comment| Read { text: Text::read(&comment.text), feelings: comment.feelings }).collect()
        };
        let (train, held) = (read(comments), read(held_out));
        let linear = linear::train(&train, CLASSES, &SETTINGS);
        let scored: Vec<(Vec<f32>, Feelings)> =
            held.iter().map(|example| (linear.scores(&example.text), example.feelings)).collect();
        let mut lines = [Line { slope: 1.0, offset: 0.0 }; CLASSES];
        let mut base = [0.0f32; CLASSES];
        for class in 0..CLASSES {
            let seen: Vec<(f32, bool)> =
                scored.iter().map(|(scores, feelings)| (scores[class], feelings.is(class))).collect();
            lines[class] = Line::fit(&seen);
            let of_class = seen.iter().filter(|(_, is)| *is).count() as f32;
            base[class] = ((of_class + 1.0) / (seen.len() as f32 - of_class + 1.0)).ln();
        }
        let bytes = comments.iter().chain(held_out).flat_map(|comment| comment.text.bytes());
        Self {
            format: VERSION,
            version: bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)),
            trained_on: u32::try_from(comments.len()).unwrap_or(u32::MAX),
            linear,
            lines,
            base,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emotions_fall_into_their_groups() {
        assert_eq!(Feelings::of(["anger"]), Feelings { upset: true, aroused: true, ..Feelings::default() });
        assert_eq!(Feelings::of(["neutral"]), Feelings::default());
        let mixed = Feelings::of(["confusion", "gratitude"]);
        assert!(mixed.worried && mixed.pleased && !mixed.upset);
    }

    #[test]
    fn a_small_model_learns_and_comes_back_from_bytes() {
        let comment =
            |text: &str, emotion: &str| Comment { text: text.into(), feelings: Feelings::of([emotion]) };
        let comments: Vec<Comment> = (0..20)
            .flat_map(|at| {
                [
                    comment(&format!("vexing thing {at}"), "anger"),
                    comment(&format!("lovely thing {at}"), "joy"),
                ]
            })
            .collect();
        let model = Moods::train(&comments, &comments);
        let again = Moods::from_bytes(&model.to_bytes().expect("written")).expect("read");
        let text = Text::read("a vexing day");
        let label = |model: &Moods| model.label(&text, Some("en"), &super::super::Circumstances::default());
        assert_eq!(label(&model), label(&again));
        assert!(label(&model).upset > 500 && label(&model).pleased < 500, "{:?}", label(&model));
        assert!(Moods::from_bytes(b"no model").is_err());
    }
}
