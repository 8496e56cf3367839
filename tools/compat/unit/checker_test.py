"""The checker must catch what it is for: each fault is planted into a sound history."""

import copy
import random
import unittest

from compat.kill.checker import Acked, CommitEvent, History, Rules, check


def sound_history(seed: int = 7) -> History:
    """Two partitions, three producers, some records unconfirmed, one of those not written."""
    chance = random.Random(seed)
    history = History()
    for partition in range(2):
        records = []
        numbers = dict.fromkeys("abc", 0)
        for _ in range(300):
            producer = chance.choice("abc")
            number = numbers[producer]
            numbers[producer] += 1
            outcome = chance.random()
            if outcome < 0.05:
                continue  # failed, and not written
            if outcome > 0.1:  # else written, but the answer was lost
                history.acked.append(Acked(producer, partition, number, len(records)))
            records.append((len(records), (producer, number)))
        history.log[partition] = records
        history.sent.update({(name, partition): count for name, count in numbers.items()})
        for step in range(10):
            moment = float(step)
            history.commits.append(CommitEvent(True, partition, step * 10, moment, moment + 0.2))
            history.commits.append(
                CommitEvent(False, partition, step * 10, moment + 0.3, moment + 0.4))
    return history


def kinds(history: History, rules: Rules = Rules()) -> set[str]:
    return {violation.kind for violation in check(history, rules)}


def renumber(records):
    return [(offset, record) for offset, (_, record) in enumerate(records)]


class Checker(unittest.TestCase):
    def test_sound_history_passes(self):
        for seed in range(20):
            self.assertEqual(check(sound_history(seed)), [])

    def test_loss_at_every_place(self):
        base = sound_history()
        for lost in {0, 1, len(base.log[1]) // 2, len(base.log[1]) - 1}:
            history = copy.deepcopy(base)
            entry = [e for e in history.acked if e.partition == 1][min(lost, 200)]
            history.log[1] = renumber(
                [r for r in history.log[1] if r[1] != (entry.producer, entry.number)])
            self.assertIn("lost", kinds(history))

    def test_loss_of_the_tail(self):
        history = sound_history()
        del history.log[0][-1]
        offsets = {e.offset for e in history.acked if e.partition == 0}
        while max(offsets) < len(history.log[0]):
            del history.log[0][-1]
        self.assertIn("lost", kinds(history))

    def test_unconfirmed_record_may_be_missing(self):
        history = sound_history()
        partition, records = 0, history.log[0]
        confirmed = {(e.producer, e.number) for e in history.acked if e.partition == partition}
        index = max(i for i, (_, record) in enumerate(records) if record not in confirmed)
        record = records[index][1]
        history.log[partition] = renumber([r for r in records if r[1] != record])
        history.acked = [
            Acked(e.producer, e.partition, e.number, e.offset - (e.offset > index))
            if e.partition == partition else e for e in history.acked]
        self.assertEqual(check(history), [])

    def test_duplicate(self):
        history = sound_history()
        history.log[0].append((len(history.log[0]), history.log[0][-1][1]))
        self.assertEqual(kinds(history), {"duplicate"})

    def test_duplicate_of_an_unconfirmed_record(self):
        history = sound_history()
        confirmed = {(e.producer, e.number) for e in history.acked if e.partition == 0}
        record = next(r for _, r in history.log[0] if r not in confirmed)
        history.log[0].append((len(history.log[0]), record))
        self.assertIn("duplicate", kinds(history))

    def test_duplicate_is_legal_without_idempotence(self):
        history = sound_history()
        history.log[0].append((len(history.log[0]), history.log[0][-1][1]))
        self.assertEqual(kinds(history, Rules(unique=False)), set())

    def test_reorder(self):
        history = sound_history()
        records = history.log[1]
        first = next(i for i in range(100, 200) if records[i][1][0] == "a")
        second = next(i for i in range(first + 1, 300) if records[i][1][0] == "a")
        records[first], records[second] = (
            (first, records[second][1]), (second, records[first][1]))
        self.assertIn("order", kinds(history))
        history.acked = []
        self.assertEqual(kinds(history), {"order"})

    def test_moved(self):
        history = sound_history()
        entry = history.acked[50]
        history.acked[50] = Acked(entry.producer, entry.partition, entry.number, entry.offset + 1)
        self.assertEqual(kinds(history), {"moved"})

    def test_gap(self):
        history = sound_history()
        history.acked = []
        del history.log[0][100]
        self.assertEqual(kinds(history), {"gap"})

    def test_unknown(self):
        history = sound_history()
        history.log[0].append((len(history.log[0]), ("a", 10_000)))
        self.assertEqual(kinds(history), {"unknown"})

    def test_commit_moves_back(self):
        history = sound_history()
        history.commits.append(CommitEvent(False, 0, 80, 20.0, 20.1))
        self.assertEqual(kinds(history), {"commit"})

    def test_commit_moves_back_between_reads(self):
        history = sound_history()
        history.commits = [CommitEvent(False, 0, 5, 0.0, 0.1), CommitEvent(False, 0, 4, 0.2, 0.3)]
        self.assertEqual(kinds(history), {"commit"})

    def test_commit_in_flight_may_be_unseen(self):
        history = sound_history()
        history.commits.append(CommitEvent(True, 0, 500, 19.9, 20.5))
        history.commits.append(CommitEvent(False, 0, 90, 20.0, 20.1))
        self.assertEqual(check(history), [])

    def test_log_may_start_later(self):
        history = sound_history()
        history.log[0] = [(offset + 40, record) for offset, record in history.log[0]]
        history.acked = [e for e in history.acked if e.partition == 1]
        self.assertEqual(kinds(history), {"gap"})
        history.log_start[0] = 40
        self.assertEqual(check(history), [])


if __name__ == "__main__":
    unittest.main()
