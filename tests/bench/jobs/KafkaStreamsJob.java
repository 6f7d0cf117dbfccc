// The small job in Kafka Streams, on one stream thread.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.WindowStore;

public class KafkaStreamsJob {
    static final long EVENTS = Long.parseLong(System.getenv("EVENTS")), WARM = Long.parseLong(System.getenv("WARM"));
    static final double[][] marks = new double[2][];
    static volatile boolean over = false;
    static long seen = 0;

    static double[] mark() {
        var system = (com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean();
        return new double[] {System.nanoTime() / 1e9, system.getProcessCpuTime() / 1e9};
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("application.id", "bench-" + ProcessHandle.current().pid());
        settings.put("bootstrap.servers", System.getenv("BOOTSTRAP"));
        settings.put("auto.offset.reset", "earliest");
        settings.put("state.dir", Files.createTempDirectory("bench").toString());
        settings.put("num.stream.threads", "1");
        settings.put("commit.interval.ms", "1000");
        settings.put("consumer.max.poll.records", "5000");
        ObjectReader reader = new ObjectMapper().reader();
        Serde<long[]> totals = Serdes.serdeFrom(
            (topic, value) -> value == null ? null : ByteBuffer.allocate(16).putLong(value[0]).putLong(value[1]).array(),
            (topic, bytes) -> {
                if (bytes == null) return null;
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                return new long[] {buffer.getLong(), buffer.getLong()};
            });
        Serde<JsonNode> json = Serdes.serdeFrom((topic, value) -> null, (topic, bytes) -> {
            try {
                return reader.readTree(bytes);
            } catch (Exception error) {
                throw new RuntimeException(error);
            }
        });
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(System.getenv("TOPIC"), Consumed.with(Serdes.String(), json)
                .withTimestampExtractor((record, previous) -> ((JsonNode) record.value()).get("ts").asLong()))
            .peek((key, event) -> {
                seen++;
                if (seen == WARM) marks[0] = mark();
                if (seen == EVENTS) {
                    marks[1] = mark();
                    over = true;
                }
            })
            .filter((key, event) -> event.has("csat"))
            .groupByKey(Grouped.with(Serdes.String(), json))
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofMinutes(1)))
            .aggregate(() -> new long[2], (key, event, total) -> {
                total[0] += event.get("csat").asLong();
                total[1] += 1;
                return total;
            }, Materialized.<String, long[], WindowStore<Bytes, byte[]>>as("scores")
                .withKeySerde(Serdes.String()).withValueSerde(totals).withRetention(Duration.ofDays(1)));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.start();
        while (!over) Thread.sleep(50);
        Thread.sleep(2000); // the last record and the caches
        Map<String, long[]> windows = new TreeMap<>();
        var store = streams.store(StoreQueryParameters.fromNameAndType("scores", QueryableStoreTypes.<String, long[]>windowStore()));
        store.all().forEachRemaining(pair -> windows.put(
            pair.key.key() + "|" + pair.key.window().start() / 60_000, pair.value));
        long peak = Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmHWM"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElse(0);
        StringBuilder text = new StringBuilder(String.format(
            "{\"events\": %d, \"seconds\": %s, \"cpu_seconds\": %s, \"peak_mib\": %s, \"windows\": {",
            EVENTS - WARM, marks[1][0] - marks[0][0], marks[1][1] - marks[0][1], peak / 1024.0));
        String comma = "";
        for (var window : windows.entrySet()) {
            text.append(comma).append('"').append(window.getKey()).append("\": [")
                .append(window.getValue()[0]).append(", ").append(window.getValue()[1]).append(']');
            comma = ", ";
        }
        Path result = Path.of(System.getenv("RESULT")), unfinished = Path.of(result + ".new");
        Files.writeString(unfinished, text + "}}");
        Files.move(unfinished, result, StandardCopyOption.ATOMIC_MOVE);
        Runtime.getRuntime().halt(0);
    }
}
