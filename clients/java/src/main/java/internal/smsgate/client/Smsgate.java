package internal.smsgate.client;

import internal.smsgate.v1.*;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Sends and follows messages. Connects at its first call; is for any number of threads.
 *
 * <p>Every call has a deadline, is tried up to five times while the server cannot be reached, and
 * fails with a {@link SmsgateException}. Requests that have a request id always carry one, made once
 * per call, so that they are done once.
 */
public final class Smsgate implements AutoCloseable {
    private final ManagedChannel channel;
    private final CallRules rules;

    Smsgate(ManagedChannel channel, CallRules rules) {
        this.channel = channel;
        this.rules = rules;
    }

    /** Target and key are those of SMSGATE_TARGET and SMSGATE_API_KEY unless they are set. */
    public static SmsgateBuilder builder() {
        return new SmsgateBuilder(System.getenv());
    }

    /** A client with the settings of the environment. */
    public static Smsgate open() {
        return builder().build();
    }

    /** A request id that nobody else has. */
    public static String newRequestId() {
        return UUID.randomUUID().toString();
    }

    /** The same client, on the same connection, whose calls have just this deadline. */
    public Smsgate withTimeout(Duration timeout) {
        return new Smsgate(channel, rules.exactly(timeout));
    }

    /** Let go of the connection, and of every client made of it. */
    @Override
    public void close() {
        channel.shutdownNow();
    }

    /** Send one message. Once it returns, the message is stored and will be delivered. */
    public SendMessageResponse send(SendMessageRequest request) {
        return call(() -> messages().sendMessage(request));
    }

    /** The same, without waiting. */
    public CompletableFuture<SendMessageResponse> sendAsync(SendMessageRequest request) {
        return Futures.of(() -> future().sendMessage(request), this::checkOpen);
    }

    /** Send up to 1,000 messages in one transaction. See {@link #exception} for its items. */
    public SendBatchResponse sendBatch(SendBatchRequest request) {
        return call(() -> messages().sendBatch(request));
    }

    /** The same, without waiting. */
    public CompletableFuture<SendBatchResponse> sendBatchAsync(SendBatchRequest request) {
        return Futures.of(() -> future().sendBatch(request), this::checkOpen);
    }

    /** All that can be known of a message before it is sent. */
    public EstimateMessageResponse estimate(EstimateMessageRequest request) {
        return call(() -> messages().estimateMessage(request));
    }

    /** A message by its id; with {@code wait}, once it has changed after {@code wait_after_cursor}. */
    public GetMessageResponse get(GetMessageRequest request) {
        Duration wait = Duration.ofSeconds(request.getWait().getSeconds(), request.getWait().getNanos());
        long limit = rules.limit(wait).toNanos();
        return call(() -> messages().withDeadlineAfter(limit, TimeUnit.NANOSECONDS).getMessage(request));
    }

    /** A message by its id. */
    public GetMessageResponse get(String id) {
        return get(GetMessageRequest.newBuilder().setId(id).build());
    }

    /** One page of messages, newest first. */
    public ListMessagesResponse listPage(ListMessagesRequest request) {
        return call(() -> messages().listMessages(request));
    }

    /** All messages, newest first, page by page as they are consumed. */
    public Stream<Message> list(ListMessagesRequest request) {
        Function<String, ListMessagesResponse> page =
                token -> listPage(request.toBuilder().setPageToken(token).build());
        return Stream.iterate(page.apply(""), Objects::nonNull, previous -> previous.getNextPageToken().isEmpty()
                        ? null
                        : page.apply(previous.getNextPageToken()))
                .flatMap(each -> each.getMessagesList().stream());
    }

    /** Take a message back that no carrier has been given yet. */
    public CancelMessageResponse cancel(String id) {
        return call(() -> messages().cancelMessage(CancelMessageRequest.newBuilder().setId(id).build()));
    }

    /**
     * Every event from the start on, exactly once, across broken connections and restarts. It ends
     * with {@code end_when_all_terminal}, or when it is closed.
     */
    public Follow follow(StreamStatusRequest request) {
        return follow(request, FollowOptions.defaults());
    }

    /** The same, and how to hold on to it. */
    public Follow follow(StreamStatusRequest request, FollowOptions options) {
        MessageServiceGrpc.MessageServiceStub stub = MessageServiceGrpc.newStub(channel).withInterceptors(rules);
        return new Follow(Follow.following(request, options), stub, this::checkOpen);
    }

    /** Send a one-time code. */
    public SendOTPResponse sendOtp(SendOTPRequest request) {
        return call(() -> otp().sendOTP(request));
    }

    /** Check a code. A wrong one is an answer, not an exception: see its result. */
    public VerifyOTPResponse verifyOtp(VerifyOTPRequest request) {
        return call(() -> otp().verifyOTP(request));
    }

    /** How a verification stands. */
    public GetVerificationResponse getVerification(GetVerificationRequest request) {
        return call(() -> otp().getVerification(request));
    }

    /** Make a code worthless. */
    public CancelVerificationResponse cancelVerification(CancelVerificationRequest request) {
        return call(() -> otp().cancelVerification(request));
    }

    /** One page of the tariff. */
    public ListPricesResponse listPrices(ListPricesRequest request) {
        return call(() -> pricing().listPrices(request));
    }

    /** One page of all countries, each with its price or without. */
    public ListDestinationsResponse listDestinations(ListDestinationsRequest request) {
        return call(() -> pricing().listDestinations(request));
    }

    /** All that is known of a number. */
    public LookupNumberResponse lookupNumber(LookupNumberRequest request) {
        return call(() -> pricing().lookupNumber(request));
    }

    /** What was used by day, month or year. */
    public GetUsageResponse getUsage(GetUsageRequest request) {
        return call(() -> usage().getUsage(request));
    }

    /** Balance, bundle, budget, and what is left of every limit. */
    public GetAccountResponse getAccount(GetAccountRequest request) {
        return call(() -> accounts().getAccount(request));
    }

    /** How the carriers do. */
    public ListCarriersResponse listCarriers() {
        return call(() -> carriers().listCarriers(ListCarriersRequest.getDefaultInstance()));
    }

    /**
     * The generated stub of a service, with the key, deadlines, retries and request ids of this
     * client: {@code client.messages()}. It fails with gRPC's StatusRuntimeException unless it is
     * called by {@link #call}.
     */
    public MessageServiceGrpc.MessageServiceBlockingStub messages() {
        return ruled(MessageServiceGrpc.newBlockingStub(channel));
    }

    /** See {@link #messages()}. */
    public OTPServiceGrpc.OTPServiceBlockingStub otp() {
        return ruled(OTPServiceGrpc.newBlockingStub(channel));
    }

    /** See {@link #messages()}. */
    public PricingServiceGrpc.PricingServiceBlockingStub pricing() {
        return ruled(PricingServiceGrpc.newBlockingStub(channel));
    }

    /** See {@link #messages()}. */
    public UsageServiceGrpc.UsageServiceBlockingStub usage() {
        return ruled(UsageServiceGrpc.newBlockingStub(channel));
    }

    /** See {@link #messages()}. */
    public CarrierServiceGrpc.CarrierServiceBlockingStub carriers() {
        return ruled(CarrierServiceGrpc.newBlockingStub(channel));
    }

    /** See {@link #messages()}. */
    public AccountServiceGrpc.AccountServiceBlockingStub accounts() {
        return ruled(AccountServiceGrpc.newBlockingStub(channel));
    }

    /** See {@link #messages()}. */
    public WebhookServiceGrpc.WebhookServiceBlockingStub webhooks() {
        return ruled(WebhookServiceGrpc.newBlockingStub(channel));
    }

    /** What a call of a stub returns, or its {@link SmsgateException}. */
    public <R> R call(Supplier<R> call) {
        checkOpen();
        try {
            return call.get();
        } catch (StatusRuntimeException error) {
            throw Failure.of(error);
        }
    }

    /** The exception that a status inside a response stands for, e.g. of a batch item. */
    public static SmsgateException exception(com.google.rpc.Status status) {
        return Failure.of(status);
    }

    private MessageServiceGrpc.MessageServiceFutureStub future() {
        return ruled(MessageServiceGrpc.newFutureStub(channel));
    }

    private <S extends AbstractStub<S>> S ruled(S stub) {
        return stub.withInterceptors(rules);
    }

    private void checkOpen() {
        if (channel.isShutdown()) {
            throw new ClosedException();
        }
    }
}
