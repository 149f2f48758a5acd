use super::Place;
use crate::{exit::Code, failure::Failure, output, view};
use clap::Args;
use lokt_tool::{
    chain::{resolve, verify_signatures},
    check::Refusal,
    words::ItemId,
};
use serde_json::json;

/// Show what a tool's chain is now, pinned or not, signed or not
#[derive(Args, Debug)]
pub(super) struct Resolve {
    /// The tool
    #[arg(value_name = "ID")]
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Resolve {
    pub(super) fn run(&self, place: &Place) -> Result<Code, Failure> {
        let id = ItemId::new(&*self.id).map_err(Refusal::from)?;
        let chain = resolve(place.spaces(), &id)
            .map_err(|broken| Refusal::Resolve { id: id.clone(), source: broken.error })?;
        if self.json {
            output::json(&json!({
                "item_id": id.as_str(),
                "digest": chain.digest().to_string(),
                "chain": view::chain::to_json(&chain),
            }))?;
        } else {
            let signatures = verify_signatures(&chain, &place.checker.trust).ok();
            output::text(&view::chain::table(&chain, signatures.as_deref()).to_string())?;
        }
        Ok(Code::Done)
    }
}
