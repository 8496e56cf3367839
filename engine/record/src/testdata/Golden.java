// Makes the golden batches beside this file with Kafka's own code. They are fixed: run it only to
// add one. With the jars of kafka-clients 4.3.1 and its dependencies in $JARS:
//   javac -cp "$JARS/*" -d /tmp Golden.java && java -cp "$JARS/*:/tmp" Golden <folder>
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;

public class Golden {
    static final long TIME = 1700000000000L;
    static final byte MAGIC = 2;
    static final TimestampType CREATE = TimestampType.CREATE_TIME;
    static final TimestampType APPEND = TimestampType.LOG_APPEND_TIME;
    static String folder;

    static byte[] bytes(String text) {
        return text.getBytes();
    }

    static MemoryRecords build(MemoryRecordsBuilder builder, boolean withBigRecord) {
        Header[] two = {new RecordHeader("h", bytes("x")), new RecordHeader("h", null)};
        Header[] empty = {new RecordHeader("", new byte[0])};
        builder.append(TIME, bytes("k0"), bytes("v0"));
        builder.append(TIME + 5, (byte[]) null, bytes("second"), two);
        builder.append(TIME - 3, bytes("k2"), (byte[]) null, empty);
        if (withBigRecord) {
            byte[] big = new byte[100000];
            for (int i = 0; i < big.length; i++) {
                big[i] = (byte) (i / 64 + i % 7);
            }
            builder.append(TIME + 1, bytes("big"), big);
        }
        return builder.build();
    }

    static byte[] write(String name, MemoryRecords records) throws Exception {
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] content = new byte[buffer.remaining()];
        buffer.get(content);
        Files.write(Path.of(folder, name + ".bin"), content);
        return content;
    }

    static MemoryRecords marker(long offset, ControlRecordType type) {
        return MemoryRecords.withEndTransactionMarker(
            offset, TIME + 9, 9, 4711L, (short) 3, new EndTransactionMarker(type, 6));
    }

    public static void main(String[] args) throws Exception {
        folder = args[0];
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
            Compression compression = Compression.of(codec).build();
            write(codec, build(MemoryRecords.builder(ByteBuffer.allocate(200000), MAGIC,
                compression, CREATE, 0L, -1L, -1L, (short) -1, -1, false, -1),
                !codec.equals("none")));
        }
        write("transactional", build(MemoryRecords.builder(ByteBuffer.allocate(2000), MAGIC,
            Compression.NONE, CREATE, 70L, -1L, 4711L, (short) 3, 2147483646, true, 9), false));
        write("log-append-time", build(MemoryRecords.builder(ByteBuffer.allocate(2000), MAGIC,
            Compression.NONE, APPEND, 12L, TIME + 777, -1L, (short) -1, -1, false, 2), false));
        write("commit", marker(80L, ControlRecordType.COMMIT));
        write("abort", marker(81L, ControlRecordType.ABORT));

        byte[] none = Files.readAllBytes(Path.of(folder, "none.bin"));
        MemoryRecords stamped = MemoryRecords.readableRecords(ByteBuffer.wrap(none));
        MutableRecordBatch batch = stamped.batches().iterator().next();
        batch.setLastOffset(1002);
        batch.setPartitionLeaderEpoch(5);
        batch.setMaxTimestamp(APPEND, TIME + 1234);
        write("none-stamped", stamped);
    }
}
