use super::{applied, booted, id, rules};
use crate::metadata::configs::{ConfigChange, Operation, alter_configs, replace_configs};
use crate::metadata::create_topics::{NewTopic, create_topics};
use crate::metadata::image::Image;
use crate::metadata::{ConfigResource, Refusal, ResourceKind};

fn with_topic() -> Image {
    let image = booted();
    let topic = NewTopic::with_defaults("plain", id(1));
    let mut outcomes = create_topics(&image, &[topic], &rules()).expect("few");
    applied(&image, &outcomes.remove(0).expect("created").records)
}

fn text<T>(outcome: Result<T, Refusal>) -> String {
    match outcome {
        Ok(_) => "OK".to_owned(),
        Err(Refusal { kind, message }) => format!("{kind:?}: {}", message.unwrap_or_default()),
    }
}

/// One command after the other on the same image, as they were put to Kafka.
#[test]
fn changes_of_topic_configs_are_done_or_refused_as_by_kafka() {
    use Operation::{Append, Delete, Set, Subtract};
    let mut image = with_topic();
    let topic = ConfigResource::topic("plain");
    let bogus = "InvalidConfig: Invalid value bogus for configuration cleanup.policy: String must \
                 be one of: compact, delete";
    type Step = (Operation, &'static str, Option<&'static str>, &'static str, Option<&'static str>);
    let steps: &[Step] = &[
        (Set, "retention.ms", Some("1000"), "OK", Some("1000")),
        (
            Set,
            "retention.ms",
            Some("x"),
            "InvalidConfig: Invalid value x for configuration retention.ms: Not a number of type \
             LONG",
            Some("1000"),
        ),
        (Set, "nope", Some("1"), "InvalidConfig: Unknown topic config name: nope", None),
        (Delete, "nope", None, "OK", None),
        (
            Append,
            "retention.ms",
            Some("1"),
            "InvalidConfig: Can't APPEND to key retention.ms because its type is not LIST.",
            Some("1000"),
        ),
        (
            Append,
            "nope",
            Some("1"),
            "InvalidConfig: Can't APPEND to key nope because its type is not LIST.",
            None,
        ),
        (Append, "cleanup.policy", Some("compact"), "OK", Some("delete,compact")),
        (Subtract, "cleanup.policy", Some("delete"), "OK", Some("compact")),
        (Append, "cleanup.policy", Some("bogus"), bogus, Some("compact")),
        (Delete, "cleanup.policy", None, "OK", None),
        (Subtract, "cleanup.policy", Some("delete"), "OK", Some("")),
        (Delete, "cleanup.policy", None, "OK", None),
        (
            Set,
            "segment.bytes",
            Some("100"),
            "InvalidConfig: Invalid value 100 for configuration segment.bytes: Value must be at \
             least 1048576",
            None,
        ),
        (Set, "retention.bytes", Some(" 5 "), "OK", Some(" 5 ")),
        (
            Set,
            "retention.ms",
            None,
            "InvalidRequest: Null value not supported for : retention.ms",
            Some("1000"),
        ),
    ];
    for (operation, name, value, expected, after) in steps {
        let change = ConfigChange { name, operation: *operation, value: *value };
        let outcome = alter_configs(&image, &topic, &[change], &rules());
        if let Ok(records) = &outcome {
            image = applied(&image, records);
        }
        assert_eq!(text(outcome), *expected, "{operation:?} {name}");
        let value = image.configs(&topic).get(*name).map(String::as_str);
        assert_eq!(value, *after, "{operation:?} {name}");
    }
}

#[test]
fn resources_are_checked_as_by_kafka() {
    let image = with_topic();
    let check = |resource: ConfigResource, name: &str, value: &str, expected: &str| {
        let change = ConfigChange { name, operation: Operation::Set, value: Some(value) };
        let outcome = alter_configs(&image, &resource, &[change], &rules());
        assert_eq!(text(outcome), expected, "{resource:?} {name}");
    };
    let broker = || ConfigResource::broker(1);
    let named = |kind, name: &str| ConfigResource { kind, name: name.into() };
    check(
        ConfigResource::topic("nosuch"),
        "retention.ms",
        "1",
        "UnknownTopicOrPartition: The topic 'nosuch' does not exist.",
    );
    check(
        ConfigResource::topic(""),
        "retention.ms",
        "1",
        "InvalidRequest: Default topic resources are not allowed.",
    );
    check(broker(), "log.retention.ms", "5000", "OK");
    check(broker(), "nope", "4", "OK");
    let fixed = "InvalidRequest: Cannot update these configs dynamically:";
    check(broker(), "num.partitions", "4", &format!("{fixed} [num.partitions]"));
    check(broker(), "log.retention.hours", "4", &format!("{fixed} [log.retention.hours]"));
    check(
        broker(),
        "log.retention.ms",
        "x",
        "InvalidRequest: Invalid value x for configuration log.retention.ms: Not a number of type \
         LONG",
    );
    check(
        ConfigResource::cluster(),
        "ssl.keystore.location",
        "/x",
        "InvalidRequest: These security configs can be dynamically updated only per-listener \
         using the listener prefix: [ssl.keystore.location]",
    );
    check(
        ConfigResource::cluster(),
        "listeners",
        "PLAINTEXT://:1",
        "InvalidRequest: Cannot update these configs at default cluster level, broker id must be \
         specified: [listeners]",
    );
    check(ConfigResource::cluster(), "message.max.bytes", "7", "OK");
    check(
        ConfigResource::broker(2),
        "message.max.bytes",
        "7",
        "InvalidRequest: Unexpected broker id, expected 1, but received 2",
    );
    check(
        named(ResourceKind::Broker, "x"),
        "message.max.bytes",
        "7",
        "InvalidRequest: Node id must be an integer, but it is: x",
    );
    check(named(ResourceKind::Other(3), "x"), "a", "b", "InvalidRequest: Unknown resource type 3");
    let long = "x".repeat(32_768);
    check(
        broker(),
        "broker.note",
        &long,
        "InvalidConfig: The configuration value cannot be added because it exceeds the maximum \
         value size of 32767 bytes.",
    );
}

#[test]
fn a_key_twice_is_refused_and_brokers_get_records_for_no_change() {
    let image = with_topic();
    let set = |name| ConfigChange { name, operation: Operation::Set, value: Some("7") };
    let topic = ConfigResource::topic("plain");
    let twice = alter_configs(&image, &topic, &[set("flush.ms"), set("flush.ms")], &rules());
    assert_eq!(text(twice), "InvalidRequest: Error due to duplicate config keys");
    let mut image = image;
    for (resource, name, records_of_second) in
        [(topic, "flush.ms", 0), (ConfigResource::broker(1), "message.max.bytes", 1)]
    {
        for count in [1, records_of_second] {
            let records = alter_configs(&image, &resource, &[set(name)], &rules()).expect("legal");
            assert_eq!(records.len(), count);
            image = applied(&image, &records);
        }
    }
}

#[test]
fn the_older_request_replaces_everything() {
    let image = with_topic();
    let topic = ConfigResource::topic("plain");
    let first = [("flush.ms", Some("1")), ("segment.ms", Some("2"))];
    let image = applied(&image, &replace_configs(&image, &topic, &first, &rules()).expect("legal"));
    let second = [("segment.ms", Some("2")), ("retention.ms", Some("3"))];
    let records = replace_configs(&image, &topic, &second, &rules()).expect("legal");
    assert_eq!(records.len(), 2, "one set, one dropped, one unchanged");
    let image = applied(&image, &records);
    let left: Vec<&str> = image.configs(&topic).keys().map(String::as_str).collect();
    assert_eq!(left, ["retention.ms", "segment.ms"]);
    let image = applied(&image, &replace_configs(&image, &topic, &[], &rules()).expect("legal"));
    assert_eq!(image.configured().count(), 0, "no empty sets stay behind");
}
