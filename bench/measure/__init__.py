"""The parts of scripts/measure: brokers on their core, in their memory limit, and the schedule of
the windows. The load itself is the `bench` binary."""
