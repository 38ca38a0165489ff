//! From a source to the parser's tree. The grammar is the parser's; the fences are ours: the length, the depth, a thread
//! with a stack of its own, and plain words for what cannot be read.

use cel::common::ast::{IdedExpr, SourceInfo};

use crate::fault::{Fault, Position};

/// Longer sources are refused, in bytes.
pub(crate) const LONGEST: usize = 4_096;
/// Parentheses, lists and calls are nested at most so deep.
const DEEPEST: u16 = 32;
/// The parser gives up after so many attempts to go on behind a mistake.
const ATTEMPTS: u32 = 8;
/// More faults of one source are not shown.
pub(crate) const MOST_FAULTS: usize = 8;
/// The stack of a compilation. The parser needs up to 1 MiB for the worst source of the length above.
const STACK: usize = 8 << 20;

/// Runs compilations where they have the stack they need, whoever calls, and where a failure of the parser ends only the
/// one it is in. All share a thread, for starting one can take longer than a compilation.
pub(crate) fn fenced<S: Sync, T: Send>(
    sources: &[S],
    compile: impl Fn(&S) -> Result<T, Vec<Fault>> + Sync,
) -> Vec<Result<T, Vec<Fault>>> {
    let nothing = |why: &str| Err(vec![Fault::new(Position { line: 1, column: 1 }, why)]);
    let compile_one = |source| {
        // What a failure leaves half done is dropped with it; the parser's own tables are behind its locks.
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| compile(source))).unwrap_or_else(|_| {
            nothing("the parser failed on this condition and nothing was changed; write it more simply")
        })
    };
    let compiled = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("conditions".to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || sources.iter().map(compile_one).collect());
        thread.ok()?.join().ok()
    });
    let busy = "there is no room for reading conditions now; nothing was changed, try again";
    compiled.unwrap_or_else(|| sources.iter().map(|_| nothing(busy)).collect())
}

/// Parses a source. Macros stay calls: they are checked and evaluated as what they are.
pub(crate) fn parse(source: &str) -> Result<(IdedExpr, SourceInfo), Vec<Fault>> {
    let start = Position { line: 1, column: 1 };
    if source.len() > LONGEST {
        let detail =
            format!("the condition has {} bytes, {LONGEST} are the most; split the rule", source.len());
        return Err(vec![Fault::new(start, detail)]);
    }
    if source.trim().is_empty() {
        return Err(vec![Fault::new(start, "the condition is empty; leave it out to let everything match")]);
    }
    let parser = cel::Env::default().parser().enable_optional_syntax(false);
    let parsed =
        parser.max_recursion_depth(DEEPEST).error_recovery_limit(ATTEMPTS).parse_with_source_info(source);
    parsed.map_err(|errors| {
        let mut faults: Vec<Fault> = Vec::new();
        for error in errors.errors.iter().take(MOST_FAULTS) {
            let number = |number: isize| u32::try_from(number).unwrap_or(1).max(1);
            let at = Position { line: number(error.pos.0), column: number(error.pos.1) };
            let detail = if follows_not(source, at) {
                "`not` is not an operator; write `!`".to_owned()
            } else {
                plain(&error.msg)
            };
            faults.push(Fault::new(at, detail));
        }
        // What follows the first mistake of a kind is mostly its echo.
        faults.dedup_by(|later, earlier| later.at.line == earlier.at.line);
        faults
    })
}

/// Whether the word before a place is `not`, which the parser takes for a name.
fn follows_not(source: &str, at: Position) -> bool {
    let index = |number: u32| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = source.split('\n').nth(index(at.line)).unwrap_or_default();
    let before: String = line.chars().take(index(at.column)).collect();
    before
        .trim_end()
        .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .is_some_and(|word| word == "not")
}

/// The parser's words in plainer ones.
fn plain(message: &str) -> String {
    if message.contains("Recursion limit") {
        return format!("nested more than {DEEPEST} deep; split the rule");
    }
    if message.contains("recovery attempt limit") {
        return "cannot be read from here on".to_owned();
    }
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let quoted = message.split_once('\'').map(|(_, rest)| rest);
    if message.starts_with("token recognition error") {
        let sign = quoted.and_then(|rest| rest.strip_suffix('\'')).unwrap_or_default().trim();
        return match sign {
            "=" => "a single `=` compares nothing; write `==`".to_owned(),
            "&" => "a single `&` joins nothing; write `&&`".to_owned(),
            "|" => "a single `|` joins nothing; write `||`".to_owned(),
            sign if sign.starts_with(['"', '\'']) => {
                "this string does not end, or has an escape that does not exist".to_owned()
            }
            sign => format!("`{}` means nothing in a condition", short(sign)),
        };
    }
    if let Some(word) = message.strip_prefix("reserved identifier: ") {
        return format!("`{word}` is reserved and cannot be a name");
    }
    if message.contains("unsupported syntax") {
        return "optional parts (`?`) and names in backticks are not available in conditions".to_owned();
    }
    if let Some((missing, _)) = message.strip_prefix("missing '").and_then(|rest| rest.split_once('\'')) {
        return format!("a `{missing}` is missing here");
    }
    if message.starts_with("invalid int literal") {
        return "the number is too large; a whole number has at most 64 bits".to_owned();
    }
    let Some(unexpected) = quoted.and_then(|rest| rest.split_once("' expecting")).map(|(word, _)| word)
    else {
        return format!("cannot be read: {}", short(message));
    };
    match unexpected {
        "<EOF>" => "the condition ends where something is missing".to_owned(),
        "and" | "AND" => "`and` is not an operator; write `&&`".to_owned(),
        "or" | "OR" => "`or` is not an operator; write `||`".to_owned(),
        word => format!("`{}` cannot stand here; is an operator missing before it?", short(word)),
    }
}

fn short(text: &str) -> String {
    let mut few: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if few.len() < text.len() && text.chars().nth(40).is_some() {
        few.push('…');
    }
    few
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_inside_ends_only_the_compilation() {
        let compiled = fenced(&[1, 2, 3], |number| {
            if *number == 2 {
                std::panic::resume_unwind(Box::new(()));
            }
            Ok(*number)
        });
        assert_eq!((&compiled[0], &compiled[2]), (&Ok(1), &Ok(3)));
        let faults = compiled[1].as_ref().unwrap_err();
        assert!(faults[0].detail.starts_with("the parser failed"), "{faults:?}");
    }

    #[test]
    fn the_worst_sources_are_read_on_a_small_stack() {
        let worst = [
            "1+", "(", "[", "!(", "a.", "a[1]+", "a?(", "a==", "[1,", "{1:", "a{a:", "a()", "-", "$#", "'\"",
        ];
        std::thread::Builder::new()
            .stack_size(128 << 10)
            .spawn(move || {
                let sources = worst.map(|unit| unit.repeat((LONGEST - 1) / unit.len()) + "1");
                let read = fenced(&sources, |source| parse(source).map(|_| ()));
                assert!(read.iter().any(Result::is_ok) && read.iter().any(Result::is_err));
                let longer = sources.map(|source| source.repeat(2));
                assert!(fenced(&longer, |source| parse(source).map(|_| ())).iter().all(Result::is_err));
            })
            .unwrap()
            .join()
            .unwrap();
    }
}
