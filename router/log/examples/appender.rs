//! Appends until it is killed or refused, and says each acknowledged position on a line: what the fault tests kill, starve
//! of syncs and count after. `appender FOLDER LEVEL`.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use log_store::{AppendError, Batch, Level, Options, Position, ShardId, Table, Write};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(level)) = (arguments.next(), arguments.next()) else {
        return Err("usage: appender FOLDER LEVEL".into());
    };
    let options = Options { path: PathBuf::from(path), level: level.parse::<Level>()?, archive_days: 1 };
    let log = log_store::open(&options)?;
    let shard = ShardId(0);
    let mut last = log.last(shard)?;
    let mut out = std::io::stdout().lock();
    loop {
        // Batches of one to four records, each with a row that must be there exactly if the record is.
        let count = last.0 % 4 + 1;
        let numbers = last.0 + 1..=last.0 + count;
        let records = numbers.clone().map(|number| format!("record {number}").into_bytes()).collect();
        let put = |number: u64| Write::Put {
            table: Table::Dedupe,
            key: number.to_be_bytes().into(),
            value: b"done".into(),
        };
        let batch = Batch { shard, expected: last, records, writes: numbers.map(put).collect() };
        match log.append(batch).await {
            Ok(position) => last = position,
            Err(error) => {
                // A store that has failed must go on refusing, whatever is asked of it.
                let again =
                    Batch { shard, expected: last, records: vec![b"late".into()], writes: Vec::new() };
                let again = log.append(again).await;
                let stopped = matches!(again, Err(AppendError::Failed { .. })) && !log.health().writable;
                let verdict = if stopped { "stopped" } else { "went on" };
                writeln!(out, "{verdict}: {error}")?;
                return Err(error.into());
            }
        }
        let Position(acknowledged) = last;
        writeln!(out, "{acknowledged}")?;
        out.flush()?;
    }
}
