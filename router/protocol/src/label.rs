//! What was understood of a customer's message, as an agent sees it: each label with its confidence and why.

use serde::{Deserialize, Serialize};

/// What was understood of a message; what was not, or may not be shown, is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct LabelsView {
    /// The language, by its ISO 639-1 code: `de`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<LabelView>,
    /// What the customer wants, by the name of the intent in the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<LabelView>,
    /// How the message sounds: `upset`, `worried`, `pleased` or `even`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mood: Option<LabelView>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct LabelView {
    /// What it says.
    pub name: String,
    /// How sure that is, in thousandths.
    pub confidence: u16,
    /// Why, the strongest first.
    pub because: Vec<LabelReason>,
    /// The version of the model.
    pub version: u32,
}

/// Why a label says what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct LabelReason {
    /// `words` (the customer's own), `capitals`, `marks`, `contacts`, `waited` or `unsolved`.
    pub kind: String,
    /// The words, for `words`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// How many; for `waited` seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}
