package internal.smsgate.client;

import internal.smsgate.v1.AccountServiceGrpc;
import internal.smsgate.v1.CarrierServiceGrpc;
import internal.smsgate.v1.MessageServiceGrpc;
import internal.smsgate.v1.OTPServiceGrpc;
import internal.smsgate.v1.PricingServiceGrpc;
import internal.smsgate.v1.UsageServiceGrpc;
import internal.smsgate.v1.WebhookServiceGrpc;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The channel: TLS or not, retries, keepalive, and which server of several. */
final class Channels {
    private static final int MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
    // Every try makes another key or secret, and those of all but the last would be lost.
    private static final Set<String> NOT_REPEATABLE = Set.of("CreateApiKey", "RotateWebhookSecret");

    private static final List<ServiceDescriptor> CONTRACT = List.of(
            MessageServiceGrpc.getServiceDescriptor(),
            OTPServiceGrpc.getServiceDescriptor(),
            PricingServiceGrpc.getServiceDescriptor(),
            UsageServiceGrpc.getServiceDescriptor(),
            CarrierServiceGrpc.getServiceDescriptor(),
            AccountServiceGrpc.getServiceDescriptor(),
            WebhookServiceGrpc.getServiceDescriptor());

    private Channels() {}

    static ManagedChannel open(SmsgateBuilder wanted) {
        return Grpc.newChannelBuilder(wanted.target, credentials(wanted))
                .defaultLoadBalancingPolicy("round_robin")
                .defaultServiceConfig(Map.of("methodConfig", List.of(Map.of(
                        "name", retried(),
                        "retryPolicy", Map.of(
                                "maxAttempts", 5.0,
                                // 7 seconds in all: a server is back within that.
                                "initialBackoff", "0.3s",
                                "maxBackoff", "4s",
                                "backoffMultiplier", 2.5,
                                "retryableStatusCodes", List.of("UNAVAILABLE"))))))
                // One from DNS would replace that.
                .disableServiceConfigLookUp()
                .enableRetry()
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .keepAliveTime(30, TimeUnit.SECONDS)
                .keepAliveTimeout(10, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .userAgent("smsgate-java")
                .build();
    }

    /** Every call but streams, whose resumption from a cursor is ours. */
    static List<Map<String, String>> retried() {
        List<Map<String, String>> names = new ArrayList<>();
        for (ServiceDescriptor service : CONTRACT) {
            for (MethodDescriptor<?, ?> method : service.getMethods()) {
                String name = method.getBareMethodName();
                if (method.getType().serverSendsOneMessage() && !NOT_REPEATABLE.contains(name)) {
                    names.add(Map.of("service", service.getName(), "method", name));
                }
            }
        }
        return names;
    }

    private static ChannelCredentials credentials(SmsgateBuilder wanted) {
        if (!wanted.wantsTls() && (wanted.insecure || Target.isLocal(wanted.target))) {
            return InsecureChannelCredentials.create();
        }
        try {
            TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
            if (wanted.ca != null) {
                tls.trustManager(new File(wanted.ca.toString()));
            }
            if (wanted.certificate != null) {
                tls.keyManager(wanted.certificate.toFile(), wanted.key.toFile());
            }
            return tls.build();
        } catch (IOException error) {
            throw new UncheckedIOException("a certificate cannot be read: " + error.getMessage(), error);
        }
    }
}
