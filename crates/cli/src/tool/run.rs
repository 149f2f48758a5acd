use super::Place;
use crate::{cli::Global, exit::Code, failure::Failure};
use clap::Args;

/// Run a tool
#[derive(Args, Debug)]
pub(super) struct Run {
    /// The tool
    id: String,
}

impl Run {
    pub(super) fn run(&self, place: &Place, _global: &Global) -> Result<Code, Failure> {
        place.checker.check(&self.id)?;
        Ok(Code::Done)
    }
}
