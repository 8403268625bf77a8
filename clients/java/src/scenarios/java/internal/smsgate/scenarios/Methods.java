package internal.smsgate.scenarios;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import internal.smsgate.client.Smsgate;
import internal.smsgate.v1.*;
import java.util.Map;
import java.util.function.BiFunction;

/** Requests as JSON, made into calls as a service writes them. */
final class Methods {
    private record Method<Q extends Message>(Q empty, BiFunction<Smsgate, Q, ? extends MessageOrBuilder> call) {
        JsonElement of(Smsgate client, JsonObject request) {
            return written(call.apply(client, read(request, empty)));
        }
    }

    private static final JsonFormat.TypeRegistry DETAILS = JsonFormat.TypeRegistry.newBuilder()
            .add(com.google.rpc.ErrorInfo.getDescriptor())
            .add(com.google.rpc.BadRequest.getDescriptor())
            .add(com.google.rpc.PreconditionFailure.getDescriptor())
            .add(com.google.rpc.QuotaFailure.getDescriptor())
            .add(com.google.rpc.RetryInfo.getDescriptor())
            .build();

    private static final Map<String, Method<?>> METHODS = Map.ofEntries(
            Map.entry("SendMessage", new Method<>(SendMessageRequest.getDefaultInstance(), Smsgate::send)),
            Map.entry("SendBatch", new Method<>(SendBatchRequest.getDefaultInstance(), Smsgate::sendBatch)),
            Map.entry("EstimateMessage", new Method<>(EstimateMessageRequest.getDefaultInstance(), Smsgate::estimate)),
            Map.entry("GetMessage", new Method<GetMessageRequest>(GetMessageRequest.getDefaultInstance(), Smsgate::get)),
            Map.entry("ListMessages", new Method<>(ListMessagesRequest.getDefaultInstance(), Smsgate::listPage)),
            Map.entry("CancelMessage", new Method<>(CancelMessageRequest.getDefaultInstance(), (c, q) -> c.cancel(q.getId()))),
            Map.entry("SendOTP", new Method<>(SendOTPRequest.getDefaultInstance(), Smsgate::sendOtp)),
            Map.entry("VerifyOTP", new Method<>(VerifyOTPRequest.getDefaultInstance(), Smsgate::verifyOtp)),
            Map.entry("GetVerification", new Method<>(GetVerificationRequest.getDefaultInstance(), Smsgate::getVerification)),
            Map.entry("CancelVerification", new Method<>(CancelVerificationRequest.getDefaultInstance(), Smsgate::cancelVerification)),
            Map.entry("ListPrices", new Method<>(ListPricesRequest.getDefaultInstance(), Smsgate::listPrices)),
            Map.entry("ListDestinations", new Method<>(ListDestinationsRequest.getDefaultInstance(), Smsgate::listDestinations)),
            Map.entry("LookupNumber", new Method<>(LookupNumberRequest.getDefaultInstance(), Smsgate::lookupNumber)),
            Map.entry("GetUsage", new Method<>(GetUsageRequest.getDefaultInstance(), Smsgate::getUsage)),
            Map.entry("GetAccount", new Method<>(GetAccountRequest.getDefaultInstance(), Smsgate::getAccount)));

    private Methods() {}

    /** The answer, in its JSON form. */
    static JsonElement call(Smsgate client, String name, JsonObject request) {
        Method<?> method = METHODS.get(name);
        if (method == null) {
            throw new Failed("the client has no method for " + name);
        }
        return method.of(client, request);
    }

    @SuppressWarnings("unchecked") // The builder of a message builds that message.
    static <Q extends Message> Q read(JsonObject request, Q empty) {
        Message.Builder builder = empty.newBuilderForType();
        try {
            JsonFormat.parser().merge(request.toString(), builder);
        } catch (InvalidProtocolBufferException error) {
            throw new Failed("no " + empty.getDescriptorForType().getName() + ": " + error.getMessage());
        }
        return (Q) builder.build();
    }

    private static JsonElement written(MessageOrBuilder answer) {
        try {
            return JsonParser.parseString(JsonFormat.printer().usingTypeRegistry(DETAILS).print(answer));
        } catch (InvalidProtocolBufferException error) {
            throw new Failed("an answer that is no JSON: " + error.getMessage());
        }
    }
}
