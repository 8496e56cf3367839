//! Our own keys. Kafka ignores keys it does not know, so one file can serve both. Sizes in these
//! keys may carry a unit, as in `64MiB`; they are held in bytes.

use crate::config::key::keys;

keys! { OWN:
    "tidemill.acks.all.relaxed" Boolean = Some("false"), Any, High, ReadOnly, Honoured;
        "Answer acks=all before the data is on stable media: lost power may then lose records.";
    "tidemill.cpus" String = None, Any, High, ReadOnly, Honoured;
        "CPUs the shards are pinned to, as in 0-3,6; all the process may use if unset.";
    "tidemill.journal.bytes" Long = None, AtLeast(1048576), Medium, ReadOnly, Honoured;
        "Size of one shard's journal; bounds what is replayed after a crash. From its memory if unset.";
    "tidemill.memory.bytes" Long = None, AtLeast(33554432), High, ReadOnly, Honoured;
        "Memory of all shards together for chunks of data; derived from the machine if unset.";
    "tidemill.request.memory.bytes" Long = None, AtLeast(1048576), Medium, ReadOnly, Honoured;
        "Memory of all shards together for requests being received; derived if unset.";
    "tidemill.shards" Int = None, Between(1, 1024), High, ReadOnly, Honoured;
        "Shards, one pinned thread each; one for each CPU if unset.";
    "tidemill.validate.compressed" Boolean = Some("true"), Any, Medium, ReadOnly, Honoured;
        "Unpack compressed batches to check each record before they are stored, as Kafka does.";
}
