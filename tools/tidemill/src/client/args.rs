//! The options that every command which talks to a broker has.

use super::{Address, ClientError, Cluster, Timeouts};
use crate::output::duration;
use clap::Args;
use std::time::Duration;

#[derive(Clone, Debug, Args)]
pub struct ClusterArgs {
    /// Brokers to ask first; the others are found through them
    #[arg(
        short,
        long,
        visible_alias = "bootstrap-server",
        value_name = "HOST:PORT",
        value_delimiter = ',',
        default_value = "127.0.0.1:9092"
    )]
    pub bootstrap: Vec<Address>,

    /// How long to wait for a broker's answer
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    pub request_timeout: Duration,

    /// Name of this client in the broker's logs and quotas
    #[arg(long, value_name = "NAME", default_value = "tidemill")]
    pub client_id: String,
}

impl ClusterArgs {
    pub fn connect(&self) -> Result<Cluster, ClientError> {
        let timeouts = Timeouts::with_request(self.request_timeout);
        Cluster::connect(self.bootstrap.clone(), self.client_id.clone(), timeouts)
    }
}
