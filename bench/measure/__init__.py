"""The parts of scripts/bench: brokers on their core and in their memory limit, workloads, the
schedule of the windows, gates, statistics and reports. The load itself is the `bench` binary."""
