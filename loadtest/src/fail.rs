//! Why a run did not happen, as an exit status.

/// Something that must be installed or built first: exit status 69.
#[derive(Debug, thiserror::Error)]
#[error("missing: {0}")]
pub(crate) struct Missing(pub(crate) String);

/// Flags that do not go together: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The exit status of an error.
pub(crate) fn status(error: &anyhow::Error) -> u8 {
    if error.is::<Missing>() {
        69
    } else if error.is::<Usage>() {
        2
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_status() {
        assert_eq!(status(&Missing("strace".to_owned()).into()), 69);
        assert_eq!(status(&anyhow::Error::from(Missing("x".to_owned())).context("while")), 69);
        assert_eq!(status(&Usage("x".to_owned()).into()), 2);
        assert_eq!(status(&anyhow::anyhow!("x")), 1);
    }
}
