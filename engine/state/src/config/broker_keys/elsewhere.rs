//! Names that are no key of Kafka 4.3's broker, but no typing mistake either: keys of plug-ins
//! that Kafka ships, and keys that older versions had. Sorted.

pub static ELSEWHERE: &[&str] = &[
    "advertised.host.name",
    "advertised.port",
    "allow.everyone.if.no.acl.found",
    "broker.id.generation.enable",
    "control.plane.listener.name",
    "controlled.shutdown.max.retries",
    "controlled.shutdown.retry.backoff.ms",
    "default.principal.builder.class",
    "group.coordinator.new.enable",
    "group.share.enable",
    "host.name",
    "inter.broker.protocol.version",
    "log.message.downconversion.enable",
    "log.message.format.version",
    "log.message.timestamp.difference.max.ms",
    "offsets.commit.required.acks",
    "password.encoder.cipher.algorithm",
    "password.encoder.iterations",
    "password.encoder.key.length",
    "password.encoder.keyfactory.algorithm",
    "password.encoder.old.secret",
    "password.encoder.secret",
    "port",
    "quota.consumer.default",
    "quota.producer.default",
    "reserved.broker.max.id",
    "super.users",
];

pub static ELSEWHERE_PREFIXES: &[&str] = &[
    "config.providers.",
    "confluent.",
    "listener.name.",
    "rlmm.config.",
    "rsm.config.",
    "zookeeper.",
];
