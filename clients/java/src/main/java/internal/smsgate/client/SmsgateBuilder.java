package internal.smsgate.client;

import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;

/** Where and how to connect. See {@link Smsgate#builder()}. */
public final class SmsgateBuilder {
    private static final String TARGET = "SMSGATE_TARGET";
    private static final String API_KEY = "SMSGATE_API_KEY";
    private static final String DEFAULT_TARGET = "127.0.0.1:50051";

    String target;
    String apiKey;
    Path ca;
    Path certificate;
    Path key;
    boolean insecure;
    Duration timeout = Duration.ofSeconds(10);

    SmsgateBuilder(Map<String, String> environment) {
        target = environment.getOrDefault(TARGET, "").isEmpty() ? DEFAULT_TARGET : environment.get(TARGET);
        apiKey = environment.getOrDefault(API_KEY, "");
    }

    /** {@code host:port}; else SMSGATE_TARGET, else 127.0.0.1:50051. */
    public SmsgateBuilder target(String target) {
        this.target = Objects.requireNonNull(target);
        return this;
    }

    /** Else SMSGATE_API_KEY. */
    public SmsgateBuilder apiKey(String apiKey) {
        this.apiKey = Objects.requireNonNull(apiKey);
        return this;
    }

    /** The PEM file of the certificates to trust; those of the system if it is not called. */
    public SmsgateBuilder ca(Path file) {
        this.ca = Objects.requireNonNull(file);
        return this;
    }

    /** A certificate for this client, and its key; PEM files. */
    public SmsgateBuilder clientCertificate(Path certificate, Path key) {
        this.certificate = Objects.requireNonNull(certificate);
        this.key = Objects.requireNonNull(key);
        return this;
    }

    /** No TLS, also to other machines. */
    public SmsgateBuilder insecure() {
        this.insecure = true;
        return this;
    }

    /** The deadline of a call that has none of its own; 10 s unless it is called. */
    public SmsgateBuilder timeout(Duration timeout) {
        this.timeout = Objects.requireNonNull(timeout);
        return this;
    }

    boolean wantsTls() {
        return ca != null || certificate != null;
    }

    /**
     * Connects to nobody: the first call does.
     *
     * @throws IllegalArgumentException if the settings contradict one another
     * @throws java.io.UncheckedIOException if a file cannot be read
     */
    public Smsgate build() {
        if (!apiKey.chars().allMatch(c -> c > ' ' && c <= '~')) {
            throw new IllegalArgumentException("the API key has a character that no API key has");
        }
        if (insecure && wantsTls()) {
            throw new IllegalArgumentException("insecure and TLS exclude each other");
        }
        ManagedChannel channel = Channels.open(this);
        Reconnecting.keep(channel);
        return new Smsgate(channel, new CallRules(apiKey, timeout));
    }
}
