use super::super::report::Level;
use super::super::{Listener, Machine, Problem, explain};
use super::{Inputs, Loaded, load};
use engine_state::config::{Support, broker_keys};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// The file that Kafka 4.3 ships for a single node, without its comments.
const KAFKA_FILE: &str = "\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,\
SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
";

/// A machine where only addresses have an address.
fn machine() -> Machine {
    fn resolve(host: &str, port: u16) -> std::io::Result<SocketAddr> {
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        let address: Result<IpAddr, _> = host.parse();
        address.map(|ip| (ip, port).into()).map_err(std::io::Error::other)
    }
    Machine { hostname: "machine".to_owned(), cpus: 4, memory_bytes: 16 << 30, resolve }
}

fn load_from(file: &str, env: &[(&str, &str)], flags: &[&str]) -> Result<Loaded, Vec<Problem>> {
    let env: Vec<(String, String)> =
        env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    load(&Inputs {
        file: Some(("server.properties", file.as_bytes())),
        environment: &env,
        overrides: &flags,
        machine: &machine(),
    })
}

fn loaded(file: &str) -> Loaded {
    load_from(file, &[], &[]).expect("legal")
}

fn texts(loaded: &Loaded, level: Level) -> Vec<&str> {
    let of_level = loaded.report.messages.iter().filter(|message| message.level == level);
    of_level.map(|message| message.text.as_str()).collect()
}

#[test]
fn without_any_setting_there_are_kafkas_defaults() {
    let loaded =
        load(&Inputs { file: None, environment: &[], overrides: &[], machine: &machine() });
    let loaded = loaded.expect("legal");
    let config = &loaded.config;
    assert_eq!(config.node_id, 1);
    assert_eq!(config.log_dir, Path::new("/tmp/kafka-logs"));
    let expected = Listener {
        name: "PLAINTEXT".to_owned(),
        address: "0.0.0.0:9092".parse().expect("an address"),
        advertised_host: "machine".to_owned(),
        advertised_port: 9092,
    };
    assert_eq!(config.listeners, [expected]);
    assert_eq!((config.num_partitions, config.default_replication_factor), (1, 1));
    assert!(config.auto_create_topics && config.delete_topic_enable);
    assert_eq!(
        (config.socket_request_max_bytes, config.fetch_bytes_max),
        (104_857_600, 57_671_680)
    );
    assert_eq!(config.connections_idle_max(), Some(Duration::from_secs(600)));
    assert_eq!(config.offsets_topic_partitions, 50);
    assert_eq!(config.groups.offsets_retention_ms, 7 * 24 * 3_600_000);
    assert_eq!(config.groups, Default::default());
    assert_eq!((config.shards(), config.cpus.len()), (4, 0));
    assert_eq!((config.memory_bytes, config.request_memory_bytes), (4 << 30, 128 << 20));
    assert_eq!(config.listener_texts(), ["PLAINTEXT://machine:9092"]);
    assert_eq!(config.endpoints()[0].host, "machine");
    assert_eq!(config.journal_bytes, 256 << 20);
    assert!(!config.acks_all_relaxed);
    assert!(loaded.report.messages.is_empty());
    let fixed: Vec<(&str, &str)> =
        config.fixed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(fixed, [("broker.id", "1"), ("node.id", "1")]);
}

#[test]
fn the_file_that_kafka_ships_is_taken_as_it_is() {
    let loaded = loaded(KAFKA_FILE);
    let config = &loaded.config;
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(config.listeners[0].advertised_host, "localhost");
    assert_eq!(config.log_dir, Path::new("/tmp/kraft-combined-logs"));
    assert!(texts(&loaded, Level::Warn).is_empty());
    assert_eq!(
        texts(&loaded, Level::Info),
        [
            "server.properties:4: listener CONTROLLER belongs to the controller role and is not \
             served: this node is its own controller",
            "server.properties:10: num.io.threads=8: Requests are worked on by the shards; see \
             tidemill.shards.",
            "server.properties:9: num.network.threads=3: Sockets are served by the shards; see \
             tidemill.shards.",
            "server.properties:16: num.recovery.threads.per.data.dir=2: Each shard recovers its \
             own partitions.",
            "server.properties:17: offsets.topic.replication.factor=1: Replicas of the offsets \
             topic; one on a single node.",
            "accepted without effect: controller.quorum.bootstrap.servers, \
             inter.broker.listener.name, share.coordinator.state.topic.min.isr, \
             share.coordinator.state.topic.replication.factor, socket.receive.buffer.bytes, \
             socket.send.buffer.bytes, transaction.state.log.min.isr, \
             transaction.state.log.replication.factor",
        ]
    );
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let file = "num.partitions=2\nlog.dirs=/file\nfetch.max.bytes=2000\n";
    let env = [("KAFKA_NUM_PARTITIONS", "3"), ("KAFKA_LOG_DIRS", "/env"), ("CLUSTER_ID", "abc")];
    let loaded = load_from(file, &env, &["num.partitions=4"]).expect("legal");
    assert_eq!(loaded.config.num_partitions, 4);
    assert_eq!(loaded.config.log_dir, Path::new("/env"));
    assert_eq!(loaded.config.fetch_bytes_max, 2000);
    assert_eq!(loaded.config.cluster_id.as_deref(), Some("abc"));
    assert_eq!(
        explain("num.partitions", &loaded.settings).to_string(),
        "num.partitions=4\n  --override: 4\n  environment variable KAFKA_NUM_PARTITIONS: 3\n  \
         server.properties:1: 2\n  default: 1\n  honoured: Partitions of a new topic that names \
         none."
    );
    let explanation = explain("num.partition", &loaded.settings);
    assert_eq!(explanation.suggestion, Some("num.partitions"));
    assert_eq!((explanation.layers.len(), explanation.support), (0, None));
    let secret = loaded_with("ssl.keystore.password=x");
    let explanation = explain("ssl.keystore.password", &secret.settings);
    assert_eq!(explanation.layers[0].value, "[hidden]");
}

fn loaded_with(line: &str) -> Loaded {
    loaded(&format!("{line}\n"))
}

#[test]
fn messages_name_the_place_and_the_way_out() {
    let check = |file: &str, env: &[(&str, &str)], expected: &[&str]| {
        let loaded = load_from(file, env, &[]).expect("legal");
        assert_eq!(texts(&loaded, Level::Warn), expected, "{file}");
    };
    check(
        "\nlog.retention.hour=2\nsome.thing.else=1\n",
        &[],
        &[
            "server.properties:2: unknown key log.retention.hour; did you mean \
             log.retention.hours?",
            "server.properties:3: unknown key some.thing.else; it is ignored",
        ],
    );
    check(
        "num.partitions=2\nnum.partitions=3\n",
        &[],
        &["server.properties:2: num.partitions is set twice, first at server.properties:1; the \
           last counts"],
    );
    check(
        "",
        &[("KAFKA_A__B", "1"), ("KAFKA_OPTS", "-Xmx1g")],
        &[
            "environment variable KAFKA_A__B sets a_b: two underscores stand for an underscore \
             and three for a hyphen, as in Apache's image; Confluent's image has it the other \
             way round",
            "environment variable KAFKA_A__B: unknown key a_b; it is ignored",
        ],
    );
    check(
        "tidemill.acks.all.relaxed=true\n",
        &[],
        &["tidemill.acks.all.relaxed: acks=all is answered before data is on stable media; a \
           power failure may lose acknowledged records"],
    );
    check(
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n",
        &[],
        &[
            "authorizer.class.name: access control is not built yet; whoever reaches a listener may \
           read and write everything",
        ],
    );
    check(
        "min.insync.replicas=2\nlog.cleanup.policy=compact\n",
        &[],
        &[
            "min.insync.replicas=2: not checked; acks=all is answered with the one replica that a \
             single node has",
            "log.cleanup.policy: compaction is not built yet; topics with compact alone keep \
             everything",
        ],
    );
    check("super.users=User:admin\nzookeeper.connect=x\n", &[], &[]);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_line() {
    let check = |file: &str, expected: &[&str]| {
        let problems = load_from(file, &[], &[]).err().unwrap_or_default();
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected, "{file}");
    };
    check(
        "\nnum.partitions=x\nlog.segment.bytes=5\n",
        &[
            "server.properties:3: log.segment.bytes: Invalid value 5 for configuration \
             log.segment.bytes: Value must be at least 1048576; the default is \"1073741824\"",
            "server.properties:2: num.partitions: Invalid value x for configuration \
             num.partitions: Not a number of type INT; the default is \"1\"",
        ],
    );
    check(
        "listeners=PLAINTEXT://:9092,SSL://:9093\n",
        &[
            "server.properties:1: listeners: listener SSL uses SSL, which this version cannot serve; \
           use PLAINTEXT, or end TLS in a proxy before the broker",
        ],
    );
    check(
        "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n",
        &["server.properties:1: listeners: No security protocol defined for listener CONTROLLER; \
           add CONTROLLER:PLAINTEXT to listener.security.protocol.map, or the name to \
           controller.listener.names if it is the controller's"],
    );
    check(
        "listeners=A://:1,B://:1\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT\n",
        &[
            "server.properties:1: listeners: Each listener must have a different port, 1 is used by \
           A and B",
        ],
    );
    check(
        "listeners=nonsense\n",
        &[
            "server.properties:1: listeners: Unable to parse nonsense to a broker endpoint: it must \
           be NAME://host:port, as in PLAINTEXT://localhost:9092",
        ],
    );
    check(
        "listeners=PLAINTEXT://0.0.0.0:9092\n",
        &["server.properties:1: listeners: clients cannot connect to 0.0.0.0; set \
           advertised.listeners=PLAINTEXT://<name or address that clients reach>:9092"],
    );
    check(
        "listeners=PLAINTEXT://127.0.0.1:0\n",
        &["server.properties:1: listeners: port 0 would differ from shard to shard; name a port"],
    );
    check(
        "listeners=PLAINTEXT://nowhere:1\n",
        &[
            "server.properties:1: listeners: cannot find the address of nowhere: invalid IP address \
           syntax",
        ],
    );
    check(
        "advertised.listeners=OTHER://x:1\n",
        &["server.properties:1: advertised.listeners: listener OTHER is advertised but not among \
           the listeners; valid are PLAINTEXT"],
    );
    check(
        "controller.listener.names=PLAINTEXT\n",
        &["default: listeners: There must be at least one broker listener. Perhaps all listeners \
           appear in controller.listener.names?"],
    );
    check(
        "log.dirs=/a,/b\n",
        &["server.properties:1: log.dirs: 2 directories, but this version keeps its data in one; \
           name one of them, or join the disks below it"],
    );
    check(
        "node.id=1\nbroker.id=2\n",
        &["server.properties:2: broker.id: You must set `node.id` to the same value as \
           `broker.id`: it is 1 at server.properties:1; remove broker.id"],
    );
    check(
        "log.retention.hours=0\n",
        &["server.properties:1: log.retention.hours: log.retention.ms must be unlimited (-1) or, \
           greater than or equal to 1"],
    );
    let joins = "this node would join a cluster of others, which this version cannot do";
    check(
        "process.roles=broker\ncontroller.quorum.voters=1@a:1,2@b:1\n",
        &[
            &format!(
                "server.properties:1: process.roles: {joins}; use broker,controller for a node of \
                 its own"
            ),
            &format!("server.properties:2: controller.quorum.voters: {joins}; name this node only"),
        ],
    );
    check(
        "tidemill.journal.bytes=much\ntidemill.cpus=3-1\n",
        &[
            "server.properties:2: tidemill.cpus: \"3-1\" is no list of CPUs; write numbers and \
             ranges, as in 0-3,6",
            "server.properties:1: tidemill.journal.bytes: \"much\" is no size; write bytes, or a \
             unit as in 64MiB",
        ],
    );
    check(
        "tidemill.journal.bytes=8GiB\n",
        &["server.properties:1: tidemill.journal.bytes: 8589934592 is not between 1048576 and \
           4294967296"],
    );
    check(
        "a=\\u00\n",
        &["server.properties:1: \\u needs four hexadecimal digits; write \\\\ for a backslash"],
    );
    let problems = load_from("", &[], &["num.partitions"]).err().unwrap_or_default();
    assert_eq!(
        problems[0].to_string(),
        "--override: \"num.partitions\" is not of the form key=value"
    );
}

#[test]
fn values_reach_their_fields() {
    let file = "broker.id=7\nlog.dir=/data\ntidemill.journal.bytes=1GiB\ntidemill.cpus=0-1\n\
                tidemill.shards=2\nconnections.max.idle.ms=-1\nsocket.send.buffer.bytes=-1\n\
                group.initial.rebalance.delay.ms=0\nlisteners=PLAINTEXT://127.0.0.1:19092\n\
                broker.rack= r1 \n";
    let loaded = loaded(file);
    let config = &loaded.config;
    assert_eq!((config.node_id, config.rack.as_deref()), (7, Some("r1")));
    assert_eq!(config.log_dir, Path::new("/data"));
    assert_eq!((config.journal_bytes, config.shards), (1 << 30, 2));
    assert_eq!(config.cpus, [0, 1]);
    assert_eq!(config.connections_idle_max(), None);
    assert_eq!(config.groups.initial_rebalance_delay_ms, 0);
    assert_eq!(config.bind_addresses(), ["127.0.0.1:19092".parse().expect("an address")]);
    assert_eq!(config.listener_texts(), ["PLAINTEXT://127.0.0.1:19092"]);
    assert_eq!(config.fixed.get("tidemill.journal.bytes").map(String::as_str), Some("1073741824"));
    assert_eq!(config.fixed.get("node.id").map(String::as_str), Some("7"));
    assert_eq!(
        texts(&loaded, Level::Info),
        [
            "server.properties:1: broker.id=7 is taken as node.id, its newer name",
            "accepted without effect: socket.send.buffer.bytes",
        ]
    );
}

/// A key that is read for the broker has an effect, or says that it has none.
#[test]
fn no_key_is_read_that_is_called_inert() {
    let mut count = 0;
    for text in include_str!("broker.rs").split('"').skip(1).step_by(2) {
        let Some(key) = broker_keys::find(text) else { continue };
        assert_ne!(key.support, Support::Inert, "{text}");
        count += 1;
    }
    assert!(count > 30, "{count} keys");
    // Others are read by topics and by the producers' checks.
    for name in ["compression.type", "compression.gzip.level", "compression.zstd.level"] {
        assert_eq!(broker_keys::find(name).map(|key| key.support), Some(Support::Honoured));
    }
}

/// Whatever a key is set to, it is used or refused; nothing panics on the way to the fields.
#[test]
fn no_value_of_any_key_panics() {
    let values = [
        "",
        "-1",
        "0",
        "1",
        "-9223372036854775808",
        "9223372036854775807",
        "2147483647",
        "-2147483648",
        "32767",
        "32768",
        "x",
        "true",
        "NaN",
        "a,b",
        ",",
        "A://b:1",
        "999999999999",
    ];
    let (mut used, mut refused) = (0, 0);
    for key in broker_keys::sorted() {
        for value in values {
            match load_from(&format!("{}={value}\n", key.name), &[], &[]) {
                Ok(_) => used += 1,
                Err(problems) => {
                    assert!(!problems.is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(used > 1000 && refused > 1000, "{used} {refused}");
}
