//! Keys of listeners, sockets, requests, quotas and metrics.
//! Facts from Kafka 4.3.1; see [`super`].

use crate::config::key::keys;

keys! { NETWORK:
    "advertised.listeners" List = None, SomeItems(&[]), High, ReadOnly, Honoured;
        "Addresses that clients are told to connect to; the listeners if unset.";
    "alter.config.policy.class.name" Class = None, Any, Low, ReadOnly, Inert;
        "JVM class that checks config changes.";
    "background.threads" Int = Some("10"), AtLeast(1), High, Cluster, Mapped;
        "Background work runs on the shards in its own task queue.";
    "client.quota.callback.class" Class = None, Any, Low, ReadOnly, Inert;
        "JVM class that decides client quotas.";
    "config.providers" List = Some(""), Items(&[]), Low, Cluster, Inert;
        "JVM classes that supply values of other keys.";
    "connection.failed.authentication.delay.ms" Int = Some("100"), AtLeast(0), Low, ReadOnly, Inert;
        "Wait before a failed authentication is answered by a close.";
    "connections.max.idle.ms" Long = Some("600000"), Any, Medium, ReadOnly, Honoured;
        "A connection without a request for this long is closed.";
    "connections.max.reauth.ms" Long = Some("0"), Any, Medium, ReadOnly, Inert;
        "Longest life of a SASL session without authenticating again.";
    "create.topic.policy.class.name" Class = None, Any, Low, ReadOnly, Inert;
        "JVM class that checks new topics.";
    "early.start.listeners" List = None, Items(&[]), High, ReadOnly, Inert;
        "Listeners that open before start-up is complete.";
    "fetch.max.bytes" Int = Some("57671680"), AtLeast(1024), Medium, ReadOnly, Honoured;
        "Most bytes of one fetch answer, whatever the client asks for.";
    "fetch.purgatory.purge.interval.requests" Int = Some("1000"), Any, Medium, ReadOnly, Inert;
        "Waiting fetches are dropped at once here, so nothing is purged.";
    "inter.broker.listener.name" String = None, Any, Medium, ReadOnly, Inert;
        "Listener that other brokers use.";
    "kafka.metrics.polling.interval.secs" Int = Some("10"), AtLeast(1), Low, ReadOnly, Inert;
        "Polling interval of the JVM metrics reporters.";
    "kafka.metrics.reporters" List = Some(""), Items(&[]), Low, ReadOnly, Inert;
        "JVM classes that report metrics.";
    "listener.security.protocol.map" String =
        Some("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"),
        Any, Low, PerBroker, Honoured;
        "Security protocol of each listener name.";
    "listeners" List = Some("PLAINTEXT://:9092"), SomeItems(&[]), High, PerBroker, Honoured;
        "Addresses to listen on, as name://host:port.";
    "max.connection.creation.rate" Int = Some("2147483647"), AtLeast(0), Medium, Cluster, Inert;
        "Most new connections a second.";
    "max.connections" Int = Some("2147483647"), AtLeast(0), Medium, Cluster, Honoured;
        "Most connections at a time.";
    "max.connections.per.ip" Int = Some("2147483647"), AtLeast(0), Medium, Cluster, Inert;
        "Most connections from one address.";
    "max.connections.per.ip.overrides" String = Some(""), Any, Medium, Cluster, Inert;
        "Connection limits of single addresses, as host:count.";
    "max.incremental.fetch.session.cache.slots" Int = Some("1000"),
        AtLeast(0), Medium, ReadOnly, Honoured;
        "Most incremental fetch sessions kept at a time.";
    "max.request.partition.size.limit" Int = Some("2000"), AtLeast(1), Medium, ReadOnly, Honoured;
        "Most partitions in one DescribeTopicPartitions answer.";
    "metric.reporters" List = Some("org.apache.kafka.common.metrics.JmxReporter"),
        Items(&[]), Low, Cluster, Inert;
        "JVM classes that receive metrics.";
    "metrics.num.samples" Int = Some("2"), AtLeast(1), Low, ReadOnly, Inert;
        "Samples kept for a metric.";
    "metrics.recording.level" String = Some("INFO"), Any, Low, ReadOnly, Inert;
        "Highest level of metrics that are recorded.";
    "metrics.sample.window.ms" Long = Some("30000"), AtLeast(1), Low, ReadOnly, Inert;
        "Length of a metric's sample window.";
    "num.io.threads" Int = Some("8"), AtLeast(1), High, Cluster, Mapped;
        "Requests are worked on by the shards; see tidemill.shards.";
    "num.network.threads" Int = Some("3"), AtLeast(1), High, Cluster, Mapped;
        "Sockets are served by the shards; see tidemill.shards.";
    "queued.max.request.bytes" Long = Some("-1"), Any, Medium, ReadOnly, Inert;
        "Most bytes of requests waiting for work.";
    "queued.max.requests" Int = Some("500"), AtLeast(1), High, ReadOnly, Mapped;
        "Requests of one connection in work at a time are limited instead.";
    "quota.window.num" Int = Some("11"), AtLeast(1), Low, ReadOnly, Inert;
        "Sample windows of client quotas.";
    "quota.window.size.seconds" Int = Some("1"), AtLeast(1), Low, ReadOnly, Inert;
        "Length of a sample window of client quotas.";
    "request.timeout.ms" Int = Some("30000"), Any, High, ReadOnly, Inert;
        "Longest wait for an answer of another node.";
    "server.max.startup.time.ms" Long = Some("9223372036854775807"),
        AtLeast(0), Medium, Internal, Inert;
        "Longest time start-up may take.";
    "socket.connection.setup.timeout.max.ms" Long = Some("30000"), Any, Medium, ReadOnly, Inert;
        "Longest time for a connection to another node to open.";
    "socket.connection.setup.timeout.ms" Long = Some("10000"), Any, Medium, ReadOnly, Inert;
        "Time for a connection to another node to open, at first.";
    "socket.listen.backlog.size" Int = Some("50"), AtLeast(1), Medium, ReadOnly, Inert;
        "Connections the kernel may hold before they are accepted.";
    "socket.receive.buffer.bytes" Int = Some("102400"), Any, High, ReadOnly, Inert;
        "SO_RCVBUF of client sockets; -1 leaves it to the system.";
    "socket.request.max.bytes" Int = Some("104857600"), AtLeast(1), High, ReadOnly, Honoured;
        "Largest request accepted, in bytes.";
    "socket.send.buffer.bytes" Int = Some("102400"), Any, High, ReadOnly, Inert;
        "SO_SNDBUF of client sockets; -1 leaves it to the system.";
    "telemetry.max.bytes" Int = Some("1048576"), AtLeast(1), Low, ReadOnly, Inert;
        "Largest client telemetry push.";
}
