//! ApiVersions, 0 to 4: what is served, from the dispatch table, and the features that are final. A
//! version above ours is answered in version 0 with the error and the whole list, so that the client
//! can choose again.

use crate::context::Context;
use crate::dispatch;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use net_wire::generated::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use net_wire::{ApiKey, ErrorCode};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    if !ApiKey::ApiVersions.api().serves(request.version) {
        let response = ApiVersionsResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            api_keys: dispatch::table().map(entry).collect(),
            ..ApiVersionsResponse::default()
        };
        return request.reply_in(&response, 0);
    }
    let body: ApiVersionsRequest = request.decode().await?;
    if request.version >= 3 {
        let (name, version) = (body.client_software_name, body.client_software_version);
        if !is_software_text(name) || !is_software_text(version) {
            return request.reply(&ApiVersionsResponse {
                error_code: ErrorCode::InvalidRequest.code(),
                ..ApiVersionsResponse::default()
            });
        }
        *request.connection.software.borrow_mut() = Some((name.to_owned(), version.to_owned()));
    }
    let image = server.shard.image();
    // Version 3 cannot say that a feature's lowest level is 0 (KIP-1022): it is left out there.
    let features = engine_state::metadata::features::supported();
    let supported = features
        .iter()
        .filter(|feature| request.version >= 4 || feature.min > 0)
        .map(|feature| SupportedFeatureKey {
            name: &feature.name,
            min_version: feature.min,
            max_version: feature.max,
        })
        .collect();
    request.reply(&ApiVersionsResponse {
        api_keys: dispatch::table().map(entry).collect(),
        supported_features: supported,
        finalized_features_epoch: image.offset,
        finalized_features: image
            .features()
            .map(|(name, level)| FinalizedFeatureKey {
                name,
                max_version_level: level,
                min_version_level: level,
            })
            .collect(),
        ..ApiVersionsResponse::default()
    })
}

fn entry(api: &net_wire::Api) -> ApiVersion {
    ApiVersion {
        api_key: api.key.code(),
        min_version: api.advertised_min,
        max_version: api.advertised_max,
    }
}

/// KIP-511: letters, digits, `.` and `-`, a letter or digit at both ends.
fn is_software_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let ends = bytes.first().zip(bytes.last());
    bytes.iter().all(inner)
        && ends.is_some_and(|(first, last)| {
            first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric()
        })
}

#[cfg(test)]
mod tests {
    use super::is_software_text;

    #[test]
    fn software_names() {
        for good in ["librdkafka", "apache-kafka-java", "2.0.2", "a", "v1-2.3"] {
            assert!(is_software_text(good), "{good}");
        }
        for bad in ["", "-a", "a-", ".", "a b", "a/b", "\u{e9}"] {
            assert!(!is_software_text(bad), "{bad}");
        }
    }
}
