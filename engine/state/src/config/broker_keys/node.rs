//! Keys of the node: its number, roles, the controller and the metadata log.
//! Facts from Kafka 4.3.1; see [`super`].

use crate::config::key::keys;

keys! { NODE:
    "auto.leader.rebalance.enable" Boolean = Some("true"), Any, High, ReadOnly, Inert;
        "Move leaderships back to preferred replicas.";
    "broker.heartbeat.interval.ms" Int = Some("2000"), Any, Medium, ReadOnly, Inert;
        "How often a broker of a cluster reports to the controller.";
    "broker.id" Int = Some("-1"), Any, High, ReadOnly, Mapped;
        "Older name of node.id.";
    "broker.rack" String = None, Any, Medium, ReadOnly, Honoured;
        "Rack or zone of this broker, told to clients.";
    "broker.session.timeout.ms" Int = Some("9000"), Any, Medium, ReadOnly, Inert;
        "Silence after which the controller fences a broker.";
    "controlled.shutdown.enable" Boolean = Some("true"), Any, Medium, ReadOnly, Inert;
        "Hand leaderships over before stopping.";
    "controller.listener.names" List = None, SomeItems(&[]), High, ReadOnly, Honoured;
        "Listeners of the controller role; not served here, only recognised.";
    "controller.performance.always.log.threshold.ms" Long = Some("2000"),
        AtLeast(0), Medium, Internal, Inert;
        "Controller events slower than this are always logged.";
    "controller.performance.sample.period.ms" Long = Some("60000"),
        AtLeast(100), Medium, Internal, Inert;
        "How often controller timing is sampled.";
    "controller.quorum.append.linger.ms" Int = Some("25"), AtLeast(0), Medium, ReadOnly, Inert;
        "Wait of the metadata leader for more records before it writes.";
    "controller.quorum.auto.join.enable" Boolean = Some("false"), Any, Low, ReadOnly, Inert;
        "Join the controller quorum as a voter by itself.";
    "controller.quorum.bootstrap.servers" List = Some(""), Any, High, ReadOnly, Inert;
        "Controllers to ask first for the metadata leader.";
    "controller.quorum.election.backoff.max.ms" Int = Some("1000"),
        AtLeast(0), High, ReadOnly, Inert;
        "Longest wait before another metadata election.";
    "controller.quorum.election.timeout.ms" Int = Some("1000"), AtLeast(0), High, ReadOnly, Inert;
        "How long a metadata election may take.";
    "controller.quorum.fetch.max.bytes" Int = Some("1048576"), AtLeast(1), Low, ReadOnly, Inert;
        "Most bytes of one fetch of the metadata log.";
    "controller.quorum.fetch.snapshot.max.bytes" Int = Some("1048576"),
        AtLeast(1), Low, ReadOnly, Inert;
        "Most bytes of one fetch of a metadata snapshot.";
    "controller.quorum.fetch.timeout.ms" Int = Some("2000"), AtLeast(0), High, ReadOnly, Inert;
        "Time without a fetch after which a metadata voter acts.";
    "controller.quorum.request.timeout.ms" Int = Some("2000"), AtLeast(0), Medium, ReadOnly, Inert;
        "Longest wait for an answer within the metadata quorum.";
    "controller.quorum.retry.backoff.ms" Int = Some("20"), AtLeast(0), Low, ReadOnly, Inert;
        "Wait between attempts within the metadata quorum.";
    "controller.quorum.voters" List = Some(""), Any, High, ReadOnly, Inert;
        "The voters of the metadata quorum as id@host:port.";
    "controller.quota.window.num" Int = Some("11"), AtLeast(1), Low, ReadOnly, Inert;
        "Sample windows of controller mutation quotas.";
    "controller.quota.window.size.seconds" Int = Some("1"), AtLeast(1), Low, ReadOnly, Inert;
        "Length of a sample window of controller mutation quotas.";
    "controller.socket.timeout.ms" Int = Some("30000"), Any, Medium, ReadOnly, Inert;
        "Longest wait for the controller's socket.";
    "initial.broker.registration.timeout.ms" Int = Some("60000"), Any, Medium, ReadOnly, Inert;
        "How long the first registration with a controller may take.";
    "internal.metadata.delete.delay.millis" Long = Some("60000"), Any, Low, Internal, Inert;
        "Delay before metadata files are deleted.";
    "internal.metadata.log.segment.bytes" Int = None, Any, Low, Internal, Inert;
        "Segment size of the metadata log in tests.";
    "internal.metadata.max.batch.size.in.bytes" Int = Some("8388608"), Any, Low, Internal, Inert;
        "Largest batch of metadata records.";
    "leader.imbalance.check.interval.seconds" Long = Some("300"), AtLeast(1), High, ReadOnly, Inert;
        "How often preferred leaders are checked.";
    "metadata.log.dir" String = None, Any, High, ReadOnly, Inert;
        "Directory of the metadata log; the first log directory here.";
    "metadata.log.max.record.bytes.between.snapshots" Long = Some("20971520"),
        AtLeast(1), High, ReadOnly, Inert;
        "Metadata bytes after which a snapshot is written.";
    "metadata.log.max.snapshot.interval.ms" Long = Some("3600000"),
        AtLeast(0), High, ReadOnly, Inert;
        "Time after which a metadata snapshot is written.";
    "metadata.log.segment.bytes" Int = Some("1073741824"), AtLeast(8388608), High, ReadOnly, Inert;
        "Size of a segment of the metadata log.";
    "metadata.log.segment.ms" Long = Some("604800000"), Any, High, ReadOnly, Inert;
        "Age at which a segment of the metadata log is closed.";
    "metadata.max.idle.interval.ms" Int = Some("500"), AtLeast(0), Low, ReadOnly, Inert;
        "How often an idle metadata leader writes a no-op record.";
    "metadata.max.retention.bytes" Long = Some("104857600"), Any, High, ReadOnly, Inert;
        "Most bytes of metadata log and snapshots kept.";
    "metadata.max.retention.ms" Long = Some("604800000"), Any, High, ReadOnly, Inert;
        "How long old metadata log and snapshots are kept.";
    "node.id" Int = None, AtLeast(0), High, ReadOnly, Honoured;
        "Number of this node; 1 if neither this nor broker.id is set.";
    "process.roles" List = None, SomeItems(&["broker", "controller"]), High, ReadOnly, Honoured;
        "Roles of this node; broker, and controller is recognised.";
    "unstable.api.versions.enable" Boolean = Some("false"), Any, High, Internal, Inert;
        "Announce API versions that are not final.";
    "unstable.feature.versions.enable" Boolean = Some("false"), Any, High, Internal, Inert;
        "Allow feature levels that are not final.";
}
