//! Which version of each API to speak on a connection.

use net_wire::ApiKey;
use net_wire::generated::api_versions::ApiVersionsResponse;
use std::collections::BTreeMap;

/// What a broker announced.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Versions {
    ranges: BTreeMap<i16, (i16, i16)>,
}

impl Versions {
    pub fn new(response: &ApiVersionsResponse<'_>) -> Versions {
        let ranges = response
            .api_keys
            .iter()
            .map(|api| (api.api_key, (api.min_version, api.max_version)))
            .collect();
        Versions { ranges }
    }

    /// The highest version that both sides know, not above `cap`.
    pub fn pick(&self, key: ApiKey, cap: i16) -> Option<i16> {
        let api = key.api();
        let (min, max) = *self.ranges.get(&key.code())?;
        let version = max.min(api.version_max).min(api.advertised_max).min(cap);
        (version >= min && version >= api.version_min).then_some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::Versions;
    use net_wire::ApiKey;
    use net_wire::generated::api_versions::{ApiVersion, ApiVersionsResponse};

    #[test]
    fn the_highest_common_version_wins() {
        let range =
            |api_key, min_version, max_version| ApiVersion { api_key, min_version, max_version };
        let response = ApiVersionsResponse {
            api_keys: vec![range(0, 0, 9), range(3, 0, 99), range(19, 0, 1), range(22, 0, 6)]
                .into(),
            ..Default::default()
        };
        let versions = Versions::new(&response);
        assert_eq!(versions.pick(ApiKey::Produce, i16::MAX), Some(9));
        assert_eq!(versions.pick(ApiKey::Produce, 7), Some(7));
        assert_eq!(versions.pick(ApiKey::Produce, 2), None, "below what we can write");
        assert_eq!(versions.pick(ApiKey::Metadata, i16::MAX), Some(13));
        assert_eq!(versions.pick(ApiKey::CreateTopics, i16::MAX), None, "too old a broker");
        assert_eq!(versions.pick(ApiKey::Fetch, i16::MAX), None, "not announced");
        let stable = ApiKey::InitProducerId.api().advertised_max;
        assert_eq!(versions.pick(ApiKey::InitProducerId, i16::MAX), Some(stable));
    }
}
